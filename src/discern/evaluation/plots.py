"""The paper's Figures 5 and 6, and the drawings beyond it, from the figures of an evaluation."""

from collections.abc import Mapping
from functools import partial
from itertools import cycle

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter

from discern.evaluation.agreement import BACKGROUND, GRADES, ratio
from discern.evaluation.agreement_tables import AGREEMENT
from discern.evaluation.bootstrap import Figure
from discern.evaluation.disc_curves import DiscCurves
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
from discern.evaluation.froc import FALSE_PER_IMAGE, FrocCurve
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.metrics import Metrics
from discern.evaluation.published import KAPPA_LINEAR, LesionPlane, lesion_name
from discern.evaluation.table_formats import cell_text
from discern.spine import PfirrmannGrade

_DARK = 0.5
_NAMES = tuple(grade.name for grade in PfirrmannGrade)
_COLORS = mpl.colormaps["viridis"](np.linspace(0, 0.88, GRADES))
_MARKERS = ("o", "^", "s", "D")
_FEWEST_SHOWN = 1 / 16  # left end of the logarithmic axis


def evaluation_drawings(
    metrics: Metrics, curves: Mapping[LesionPlane, DiscCurves]
) -> dict[str, bytes]:
    """Return every drawing as PNG and SVG, by file name.

    Args:
        metrics: The figures.
        curves: Disc-wise curves of each lesion and plane in the truth.
    """
    files = drawing_files(
        "confusion", partial(draw_confusion, metrics=metrics.pfirrmann), SQUARE_INCHES
    )
    files |= drawing_files("roc", partial(draw_roc, metrics=metrics.pfirrmann), SQUARE_INCHES)
    files |= drawing_files("agreement", partial(draw_agreement, metrics=metrics), WIDE_INCHES)
    for row, lesion in metrics.lesions.items():
        if lesion.froc is not None:
            draw = partial(draw_froc, curve=lesion.froc, title=lesion_name(*row))
            files |= drawing_files(_file_name("froc", row), draw, SQUARE_INCHES)
    for row, curve in curves.items():
        by_disc = metrics.disc_wise.lesions[row]
        files |= lesion_drawings(row, curve, by_disc.roc_auc, by_disc.average_precision)
    return files


def lesion_drawings(
    row: LesionPlane, curves: DiscCurves, roc_auc: Figure, average_precision: Figure
) -> dict[str, bytes]:
    """Return ROC and precision-recall of one lesion in one plane, its operating points marked."""
    title = lesion_name(*row)
    draw = partial(draw_precision_recall, curves=curves, area=average_precision, title=title)
    files = drawing_files(_file_name("precision-recall", row), draw, SQUARE_INCHES)
    if curves.roc is not None:
        drawn = partial(draw_lesion_roc, curves=curves, area=roc_auc, title=title)
        files |= drawing_files(_file_name("roc", row), drawn, SQUARE_INCHES)
    return files


def draw_confusion(canvas: Canvas, metrics: PfirrmannMetrics) -> None:
    """Draw Figure 5A: shade is the share of a true grade, text the counts."""
    axes = canvas.add_subplot()
    counts = np.array(metrics.confusion)
    shares = np.nan_to_num(ratio(counts, counts.sum(axis=1, keepdims=True)))
    shares[BACKGROUND] = 0  # false alarms have no true grade to be a share of
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if row == column == BACKGROUND:
            continue
        share = shares[row, column]
        text = f"{count}" if row == BACKGROUND or not count else f"{count}\n{share:.0%}"
        color = "w" if share > _DARK else "k"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(GRADES + 1), [*_NAMES, "missed"])
    axes.set_yticks(range(GRADES + 1), [*_NAMES, "no disc"])
    axes.set(xlabel="Predicted grade", ylabel="True grade", title="Pfirrmann grades")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_roc(canvas: Canvas, metrics: PfirrmannMetrics) -> None:
    """Draw Figure 5B: one-vs-rest curves of the grades that have one."""
    axes = unit_square(canvas)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    for grade, curve in metrics.roc.items():
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=_COLORS[grade - 1],
            linewidth=1.6,
            label=f"{_NAMES[grade - 1]}  {cell_text(metrics.per_grade[grade].auc)}",
        )
    axes.set(
        xlabel="False positive rate",
        ylabel="True positive rate",
        title="One grade against the others,\ndiscs found",
    )
    if metrics.roc:
        axes.legend(loc="lower right", title="Grade, AUC [95 %]", frameon=False, fontsize=8)
    else:
        axes.text(0.5, 0.25, "no curve: see metrics.json for the reason", ha="center")


def draw_agreement(canvas: Canvas, metrics: Metrics) -> None:
    """Draw shares and kappas with their intervals, beside the paper's kappas."""
    axes = canvas.add_subplot()
    sides = (
        ("slice by slice", metrics.pfirrmann, ONE, "o", -0.22),
        ("disc by disc", metrics.disc_wise.pfirrmann, OTHER, "s", 0.0),
    )
    for name, side, color, marker, offset in sides:
        shown = [(row + offset, getattr(side, key)) for row, key in enumerate(AGREEMENT)]
        known = [(row, figure) for row, figure in shown if figure.value is not None]
        axes.errorbar(
            [figure.value for _, figure in known],
            [row for row, _ in known],
            xerr=np.array([arms(figure) for _, figure in known]).reshape(-1, 2).T,
            fmt=marker,
            color=color,
            markersize=4,
            label=name,
        )
    row = list(AGREEMENT).index("kappa_linear") + 0.22
    axes.plot(
        list(KAPPA_LINEAR.values()),
        [row] * len(KAPPA_LINEAR),
        linestyle="",
        marker="d",
        markersize=4,
        color="k",
        fillstyle="none",
        label="paper: model and two readers",
    )
    axes.set_yticks(range(len(AGREEMENT)), list(AGREEMENT.values()))
    axes.invert_yaxis()
    axes.set(xlabel="Value, 95 % interval", title="Agreement on the Pfirrmann grade")
    axes.set_xlim(min(0.0, axes.get_xlim()[0]), 1.01)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    canvas.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)


def draw_froc(canvas: Canvas, curve: FrocCurve, title: str) -> None:
    """Draw the share of lesions found against the false boxes per image."""
    axes = canvas.add_subplot()
    last = max(*FALSE_PER_IMAGE, *curve.false_per_image) * 1.2
    axes.step(
        np.array([0.0, *curve.false_per_image, last]).clip(_FEWEST_SHOWN),
        [0.0, *curve.sensitivity, curve.sensitivity[-1] if curve.sensitivity else 0.0],
        where="post",
        color=ONE,
        linewidth=1.6,
    )
    rates = [rate for rate in FALSE_PER_IMAGE if curve.at[rate].value is not None]
    axes.errorbar(
        rates,
        [curve.at[rate].value or 0.0 for rate in rates],
        yerr=np.array([arms(curve.at[rate]) for rate in rates]).reshape(-1, 2).T,
        fmt="o",
        color=ONE,
        markersize=4,
        capsize=2,
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(
        xlabel="False boxes per image",
        ylabel="Share of lesions found",
        title=f"{title},\nslice by slice",
        xlim=(_FEWEST_SHOWN, last),
        ylim=(-0.01, 1.01),
    )
    axes.grid(color="0.9")


def draw_precision_recall(canvas: Canvas, curves: DiscCurves, area: Figure, title: str) -> None:
    """Draw precision against recall, disc by disc, and what a reader without skill reaches."""
    axes = unit_square(canvas)
    axes.axhline(curves.prevalence, color=SOFT, linewidth=1, linestyle="--", label="no skill")
    axes.step(
        curves.recall,
        curves.precision,
        where="post",
        color=ONE,
        linewidth=1.6,
        label=f"area {cell_text(area)}",
    )
    for point, marker in zip(curves.points, cycle(_MARKERS)):
        if point.precision is not None:
            _mark(axes, (point.sensitivity, point.precision), marker, point.name)
    axes.set(xlabel="Recall", ylabel="Precision", title=f"{title},\ndisc by disc")
    axes.legend(loc="upper right", frameon=False, fontsize=8)


def draw_lesion_roc(canvas: Canvas, curves: DiscCurves, area: Figure, title: str) -> None:
    """Draw sensitivity against false alarms, disc by disc; nothing without negative discs."""
    axes = unit_square(canvas)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--", label="no skill")
    if curves.roc is not None:
        axes.plot(
            curves.roc.false_positive_rate,
            curves.roc.true_positive_rate,
            color=ONE,
            linewidth=1.6,
            label=f"area {cell_text(area)}",
        )
    for point, marker in zip(curves.points, cycle(_MARKERS)):
        _mark(axes, (1 - point.specificity, point.sensitivity), marker, point.name)
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", title=f"{title},\ndisc by disc")
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _mark(axes: Axes, place: tuple[float, float], marker: str, name: str) -> None:
    axes.plot(*place, marker, color=OTHER, markersize=5, label=name)


def _file_name(kind: str, row: LesionPlane) -> str:
    label, plane = row
    return f"{kind}-{label}-{plane}"
