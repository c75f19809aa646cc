"""The lesion bench: which threshold is taken from the studies that it is fitted on."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from discern.annotations import GroundTruth, TruthBox
from discern.evaluation.predictions import PredictedBox
from discern.spine import Label, Plane

ZONE = (10.0, 10.0, 20.0, 20.0)
ELSEWHERE = (40.0, 40.0, 50.0, 50.0)


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
        yield importlib.import_module("phantom_lesions")


def said(score: float, box: tuple[float, float, float, float] = ZONE) -> PredictedBox:
    return PredictedBox(Label.HIZ, score, None, box)


def slice_of(patient: str) -> GroundTruth:
    zone = TruthBox(Label.HIZ, ZONE, 1)
    return GroundTruth(f"{patient}_sagittal_00", patient, Plane.SAGITTAL, (64, 64), (zone,))


def test_lesions_hits_and_alarms_are_counted_study_by_study(bench: ModuleType) -> None:
    answers = {
        "a_sagittal_00": (said(0.7), said(0.4, ELSEWHERE)),
        "b_sagittal_00": (said(0.2, ELSEWHERE),),
    }
    judged = bench.Judged([slice_of("a"), slice_of("b")], answers)

    outcomes = bench.outcomes_of(judged, Label.HIZ, Plane.SAGITTAL)

    at = [int(np.flatnonzero(score == bench.THRESHOLDS)[0]) for score in (0.1, 0.3, 0.5, 0.8)]
    assert outcomes.lesions.tolist() == [1, 1]
    assert outcomes.met[:, at].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]
    assert outcomes.alarms[:, at].tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]
    (f1,) = outcomes.f1(np.ones((1, 2)))
    assert f1[at].tolist() == pytest.approx([2 / 5, 2 / 4, 2 / 3, 0])


def test_the_lowest_threshold_that_is_as_good_as_the_best_is_taken(bench: ModuleType) -> None:
    """The best is at .6; from .4 on it is hardly worse, below it is flooded with alarms."""
    thresholds, studies = bench.THRESHOLDS, np.arange(40)[:, None]
    met = np.where(studies % 2, 5.0, 3.0) * (thresholds < 0.605)
    alarms = 10.0 * (thresholds < 0.395) + (studies < 2) * (thresholds < 0.595)
    outcomes = bench.Outcomes(np.full(40, 5.0), met, alarms)
    (f1,) = outcomes.f1(np.ones((1, 40)))

    assert thresholds[f1.argmax()] == pytest.approx(0.6)
    assert bench.lowest_good(outcomes) == pytest.approx(0.4)
