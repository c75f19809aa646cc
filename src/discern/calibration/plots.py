"""Reliability of the probabilities, coverage and size of the sets, curves of the lesions."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from discern.calibration.fit import NO_SUCH_DISC, Calibration, GradeFit, LesionFit
from discern.calibration.grade_tables import chosen_grades
from discern.calibration.grades import COVERAGE
from discern.calibration.lesion_tables import stated_lesions
from discern.calibration.lesions import held_out_probabilities
from discern.calibration.measures import BINS, Stated, mean_over
from discern.calibration.points import DEFAULT
from discern.evaluation.agreement import GRADES
from discern.evaluation.bootstrap import Draws, Figure, figure
from discern.evaluation.disc_curves import curves_of
from discern.evaluation.discrimination import auc, average_precision
from discern.evaluation.drawing_files import (
    ONE,
    OTHER,
    SOFT,
    SQUARE_INCHES,
    WIDE_INCHES,
    arms,
    drawing_files,
    unit_square,
)
from discern.evaluation.plots import lesion_drawings
from discern.evaluation.published import LesionPlane, lesion_name
from discern.spine import PfirrmannGrade


def calibration_drawings(calibration: Calibration) -> dict[str, bytes]:
    """Return every drawing as PNG and SVG, by file name."""
    files: dict[str, bytes] = {}
    if calibration.grades is not None:
        grades, draws = calibration.grades, calibration.draws
        files |= drawing_files(
            "reliability-grades",
            partial(draw_grade_reliability, grades=grades, draws=draws),
            SQUARE_INCHES,
        )
        files |= drawing_files(
            "grade-sets", partial(draw_sets, grades=grades, draws=draws), WIDE_INCHES
        )
    for row, fit in calibration.lesions.items():
        files |= _of_lesion(row, fit, calibration)
    return files


def _of_lesion(row: LesionPlane, fit: LesionFit, calibration: Calibration) -> dict[str, bytes]:
    discs, draws = fit.discs, calibration.draws
    columns = draws, discs.patient, discs.positive, discs.score
    marked = {name: point.score for name, point in fit.points.items()}
    curves = curves_of(discs.positive, discs.score, marked)
    areas = [figure(area(*columns), NO_SUCH_DISC) for area in (auc, average_precision)]
    default = calibration.options.default.min_score(*row)
    probability = held_out_probabilities(discs, default, DEFAULT)
    stated = stated_lesions(probability, fit, fit.points[DEFAULT].score)
    draw = partial(draw_lesion_reliability, title=lesion_name(*row), stated=stated, draws=draws)
    name = "-".join(("reliability", *map(str, row)))
    return drawing_files(name, draw, SQUARE_INCHES) | lesion_drawings(row, curves, *areas)


def draw_grade_reliability(canvas: Canvas, grades: GradeFit, draws: Draws) -> None:
    """Draw how often the chosen grade is right against its probability, before and after."""
    axes = _diagonal(canvas)
    sides = (
        (grades.before, OTHER, "s", "scores, normalised"),
        (grades.probabilities, ONE, "o", "calibrated, leaving one fold out"),
    )
    for probabilities, color, marker, name in sides:
        _dots(axes, chosen_grades(probabilities, grades), draws, (color, marker, name))
    axes.set(
        xlabel="Probability of the chosen grade",
        ylabel="Share of discs where it is right",
        title=f"Probabilities of grades,\n{BINS} bins of equally many discs",
    )
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def draw_lesion_reliability(canvas: Canvas, title: str, stated: Stated, draws: Draws) -> None:
    """Draw the share of discs with the lesion against its probability."""
    axes = _diagonal(canvas)
    _dots(axes, stated, draws, (ONE, "o", "calibrated, leaving one fold out"))
    axes.set(
        xlabel="Probability of the lesion",
        ylabel="Share of discs that show it",
        title=f"{title},\ndisc by disc",
    )
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def draw_sets(canvas: Canvas, grades: GradeFit, draws: Draws) -> None:
    """Draw coverage by grade beside the aim, and how many grades the sets hold."""
    coverage, sizes = canvas.subplots(1, 2)
    names = ("all", *(grade.name for grade in PfirrmannGrade))
    truth = grades.discs.truth
    parts = (truth >= 0, *(truth == grade - 1 for grade in PfirrmannGrade))
    patient = grades.discs.patient
    figures = [
        figure(mean_over(draws, patient[one], grades.covered[one]), NO_SUCH_DISC) for one in parts
    ]
    coverage.axhline(COVERAGE, color=SOFT, linewidth=1, linestyle="--")
    _bars(coverage, [*range(len(names))], figures, (ONE, "o", ""))
    coverage.set_xticks(range(len(names)), names)
    coverage.set(ylim=(0.5, 1.01), xlabel="True grade", title="Sets that hold the true grade")
    counts = np.bincount(grades.sets.sum(axis=1), minlength=GRADES + 1)[1:]
    sizes.bar(range(1, GRADES + 1), counts / counts.sum(), color=ONE)
    sizes.axvline(grades.conformal.widest + 0.5, color=OTHER, linestyle="--", linewidth=1)
    sizes.text(grades.conformal.widest + 0.6, 0.97, "abstains", color=OTHER, va="top",
               transform=sizes.get_xaxis_transform())  # fmt: skip
    sizes.set(xlabel="Grades in the set", title="Share of discs")
    sizes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _diagonal(canvas: Canvas) -> Axes:
    axes = unit_square(canvas)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    return axes


Look = tuple[str, str, str]
"""Colour, marker and name."""


def _dots(axes: Axes, stated: Stated, draws: Draws, look: Look) -> None:
    means, shares = stated.reliability(draws)
    _bars(axes, means, shares, look)


def _bars(axes: Axes, at: list[float], figures: list[Figure], look: Look) -> None:
    """Draw figures with their intervals; those without a value are left out."""
    known = [
        (x, one.value, arms(one))
        for x, one in zip(at, figures, strict=True)
        if one.value is not None
    ]
    color, marker, name = look
    axes.errorbar(
        [x for x, _, _ in known],
        [value for _, value, _ in known],
        yerr=np.array([arm for _, _, arm in known]).reshape(-1, 2).T,
        fmt=marker,
        color=color,
        markersize=4,
        capsize=2,
        linewidth=1,
        label=name,
    )
