"""Disc-wise precision and recall over all thresholds agree with the figures at one threshold."""

import numpy as np
import pytest
from evaluation_cases import random_case

from discern.evaluation.disc_curves import disc_curves
from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.spine import Label, Plane

SAGITTAL = (Label.HERNIATION, Plane.SAGITTAL)


def test_the_operating_point_and_the_area_are_those_of_the_metrics() -> None:
    case = random_case(3)
    options = EvaluationOptions(resamples=20)
    lesion = evaluate(case.truths, case.predictions, options=options).disc_wise.lesions[SAGITTAL]

    curves = disc_curves(
        Material(case.truths, case.predictions).images, {}, options.operating_point
    )

    assert list(curves) == [SAGITTAL]
    curve = curves[SAGITTAL]
    assert curve.operating_point == pytest.approx((lesion.recall.value, lesion.precision.value))
    assert curve.prevalence == lesion.support / lesion.discs
    steps = -np.diff(curve.recall) * curve.precision[:-1]
    assert steps.sum() == pytest.approx(lesion.average_precision.value)


def test_without_a_called_disc_there_is_no_operating_point() -> None:
    case = random_case(3)
    silent = Material(case.truths, {truth.image: () for truth in case.truths})

    curve = disc_curves(silent.images, {}, EvaluationOptions().operating_point)[SAGITTAL]

    assert curve.operating_point is None
    assert curve.precision[0] == curve.prevalence


def test_without_a_lesion_there_is_no_curve() -> None:
    assert disc_curves([], {}, EvaluationOptions().operating_point) == {}
