from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_folder import graded_patients
from hypothesis import given
from hypothesis import strategies as st

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.sources import Dataset
from discern.dataset.splits import (
    fold_splits,
    read_split,
    split_patients,
    verify_split,
    write_split,
)
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Plane


def _dataset(grades: list[int]) -> Dataset:
    truths = tuple(
        GroundTruth(
            image=f"{number}_x",
            patient=str(number),
            plane=Plane.SAGITTAL,
            shape_px=(10, 10),
            boxes=(TruthBox(GRADE_LABELS[grade - 1], (0, 0, 4, 2)),),
        )
        for number, grade in enumerate(grades)
    )
    return Dataset("synthetic", Path(), truths, "0" * 64, "synthetic")


@given(
    grades=st.lists(st.integers(1, 5), min_size=2, max_size=60),
    seed=st.integers(0, 5),
)
def test_no_patient_is_in_two_parts_and_none_is_lost(grades: list[int], seed: int) -> None:
    dataset = _dataset(grades)
    split = split_patients(dataset, seed)
    together = [*split.train, *split.validation, *split.test]
    assert sorted(together) == sorted(dataset.patients)
    folds = fold_splits(dataset, seed, 2)
    assert sorted(p for fold in folds for p in fold.test) == sorted(dataset.patients)
    for fold in folds:
        verify_split(fold, dataset)
        assert {*fold.train, *fold.validation, *fold.test} == set(dataset.patients)


def test_shares_and_grades_are_alike() -> None:
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 6, 420).tolist()
    split = split_patients(_dataset(grades), seed=3)
    parts = (split.train, split.validation, split.test)
    assert [len(part) for part in parts] == [294, 84, 42]  # the paper's numbers
    means = [np.mean([grades[int(patient)] for patient in part]) for part in parts]
    assert np.ptp(means) < 0.1


def test_the_seed_decides() -> None:
    dataset = _dataset([1 + n % 5 for n in range(40)])
    assert split_patients(dataset, 1) == split_patients(dataset, 1)
    assert split_patients(dataset, 1) != split_patients(dataset, 2)


def test_a_split_survives_the_disk_and_other_data_are_refused(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", [1, 2, 3, 4, 5, 1, 2, 3])
    split = split_patients(dataset, 0)
    write_split(split, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", dataset) == split
    with pytest.raises(DatasetError, match="other data"):
        read_split(tmp_path / "split.json", replace(dataset, digest="f" * 64))


def test_a_leak_and_a_stranger_are_refused() -> None:
    dataset = _dataset([1, 2, 3, 4, 5, 1])
    split = split_patients(dataset, 0)
    with pytest.raises(DatasetError, match="leaks"):
        verify_split(replace(split, test=split.train[:1]), dataset)
    with pytest.raises(DatasetError, match="lacks"):
        verify_split(replace(split, test=("stranger",)), dataset)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"schema": "discern.split/1"}'])
def test_another_file_is_no_split(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"split\.json"):
        read_split(path, _dataset([1, 2]))


def test_impossible_requests_are_refused() -> None:
    dataset = _dataset([1, 2, 3])
    with pytest.raises(DatasetError, match="add up"):
        split_patients(dataset, 0, (0.5, 0.2, 0.2))
    with pytest.raises(DatasetError, match="choose 2 to 3"):
        fold_splits(dataset, 0, 4)
