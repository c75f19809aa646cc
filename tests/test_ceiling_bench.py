"""What bounds agreement with the reader: neighbours that look alike, and other discs."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")


@pytest.fixture(scope="module")
def benches() -> Iterator[tuple[ModuleType, ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
        yield importlib.import_module("ceiling"), importlib.import_module("context")


def test_the_disc_that_looks_most_alike_is_of_another_patient(
    benches: tuple[ModuleType, ModuleType],
) -> None:
    ceiling, _ = benches
    look = np.array([[1.0, 0.0], [0.99, 0.01], [0.6, 0.4], [0.0, 1.0]])

    assert ceiling.nearest(look, np.array([0, 0, 1, 1])).tolist() == [2, 2, 1, 1]


def test_neighbours_that_always_agree_bound_nothing_and_chance_bounds_at_chance(
    benches: tuple[ModuleType, ModuleType],
) -> None:
    ceiling, _ = benches

    assert ceiling.most_agreement(np.array([1.0, 0.2])) == pytest.approx([1.0, 0.2])


def test_a_disc_is_not_told_its_own_grade_nor_that_of_another_patient(
    benches: tuple[ModuleType, ModuleType],
) -> None:
    _, context = benches
    shares = np.eye(5)[[0, 2, 4, 4]]  # of patient 0: L5-S1, L4-L5, L3-L4; of patient 1: L5-S1
    patient, number = np.array([0, 0, 0, 1]), np.array([1, 2, 3, 1])

    found = context.other_discs(shares, patient, number)

    assert found[1].tolist() == [4, 0, 2, 4]
    assert np.isnan(found[0, 1])
    assert np.isnan(found[3]).all()
