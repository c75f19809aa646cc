"""What was fitted, inside the description of weights."""

from dataclasses import replace

import onnx

from discern.calibration.fit import Calibration, CalledDiscs, LesionFit
from discern.calibration.points import AIMS
from discern.decisions import AbsentAt, ConformalGrades, LesionCalibration, OperatingPoint
from discern.evaluation.bootstrap import Figure
from discern.evaluation.published import LesionPlane
from discern.findings import LesionThreshold, MeasuredShare
from discern.weights import Weights, WeightsMetadata, embed

_DECIMALS = 4


def calibrated_weights(weights: Weights, calibration: Calibration) -> bytes:
    """Return the weights file with ``calibration`` inside; its networks stay as they are."""
    network = onnx.load_model_from_string(weights.onnx_bytes)
    return embed(network, calibrated(weights.metadata, calibration))


def calibrated(metadata: WeightsMetadata, calibration: Calibration) -> WeightsMetadata:
    """Return the description with everything that was fitted, to four decimals.

    What could not be fitted is left out: probabilities, sets and thresholds of other predictions
    would mean nothing here.
    """
    grades, fits = calibration.grades, calibration.lesions
    return replace(
        metadata,
        temperature=1.0 if grades is None else round(grades.temperature, _DECIMALS),
        conformal=None if grades is None else _conformal(grades.conformal, grades.coverage),
        lesion_calibrations=tuple(_rounded(fit.calibration) for fit in fits.values()),
        operating_points=_points(calibration),
    )


def _conformal(rule: ConformalGrades, coverage: Figure) -> ConformalGrades:
    least = tuple(round(one, _DECIMALS) for one in rule.least_probability)
    return replace(rule, least_probability=least, measured=_share(coverage))


def _rounded(calibration: LesionCalibration) -> LesionCalibration:
    numbers = {
        name: round(getattr(calibration, name), _DECIMALS)
        for name in ("slope", "upper_slope", "intercept", "prevalence", "absent", "highest")
    }
    absent_at = tuple(
        AbsentAt(one.point, round(one.probability, _DECIMALS)) for one in calibration.absent_at
    )
    return replace(calibration, **numbers, absent_at=absent_at)


def _points(calibration: Calibration) -> tuple[OperatingPoint, ...]:
    """Return the operating points; without a lesion that was fitted, the default one alone.

    Thresholds that were given for lesions without truth are the same at all of them.
    """
    default, fits = calibration.options.default, calibration.lesions
    given = tuple(one for one in default.lesions if (one.label, one.plane) not in fits)
    if not fits:
        return (replace(default, lesions=given),)
    return tuple(
        replace(
            default,
            name=name,
            lesions=(*(_threshold(row, fit, name) for row, fit in fits.items()), *given),
        )
        for name in AIMS
    )


def _threshold(row: LesionPlane, fit: LesionFit, name: str) -> LesionThreshold:
    label, plane = row
    point: CalledDiscs = fit.points[name]
    return LesionThreshold(
        label, plane, point.score, _share(point.sensitivity), _share(point.specificity)
    )


def _share(figure: Figure) -> MeasuredShare | None:
    if figure.value is None or figure.ci95 is None:
        return None
    value, (low, high) = figure.value, figure.ci95
    return MeasuredShare(*(round(one, _DECIMALS) for one in (value, low, high)))
