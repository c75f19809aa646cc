"""Disc-wise precision and recall over all thresholds agree with the figures at one threshold."""

import numpy as np
import pytest
from evaluation_cases import random_case

from discern.decisions import OperatingPoint
from discern.evaluation.disc_curves import disc_curves
from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.findings import LesionThreshold
from discern.spine import Label, Plane

SAGITTAL = (Label.HERNIATION, Plane.SAGITTAL)
ALL_DISCS = LesionThreshold(*SAGITTAL, score=-1.0)
SCREENING = OperatingPoint("screening", lesions=(ALL_DISCS,))


def test_the_operating_point_and_the_area_are_those_of_the_metrics() -> None:
    case = random_case(3)
    options = EvaluationOptions(resamples=20)
    lesion = evaluate(case.truths, case.predictions, options=options).disc_wise.lesions[SAGITTAL]

    curves = disc_curves(
        Material(case.truths, case.predictions).images, {}, [options.operating_point, SCREENING]
    )

    assert list(curves) == [SAGITTAL]
    curve = curves[SAGITTAL]
    point, screening = curve.points
    assert (point.name, screening.name) == ("default", "screening")
    assert point.sensitivity == pytest.approx(lesion.recall.value)
    assert point.specificity == pytest.approx(lesion.specificity.value)
    assert point.precision == pytest.approx(lesion.precision.value)
    assert (screening.sensitivity, screening.specificity) == (1, 0)
    assert curve.prevalence == lesion.support / lesion.discs
    steps = -np.diff(curve.recall) * curve.precision[:-1]
    assert steps.sum() == pytest.approx(lesion.average_precision.value)
    assert curve.roc is not None
    area = np.trapezoid(curve.roc.true_positive_rate, curve.roc.false_positive_rate)
    assert area == pytest.approx(lesion.roc_auc.value)


def test_without_a_called_disc_a_point_has_no_precision() -> None:
    case = random_case(3)
    silent = Material(case.truths, {truth.image: () for truth in case.truths})

    curve = disc_curves(silent.images, {}, [OperatingPoint()])[SAGITTAL]

    assert [(p.sensitivity, p.specificity, p.precision) for p in curve.points] == [(0, 1, None)]
    assert curve.precision[0] == curve.prevalence


def test_without_a_lesion_there_is_no_curve() -> None:
    assert disc_curves([], {}, [OperatingPoint()]) == {}
