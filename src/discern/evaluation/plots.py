"""The paper's Figure 5: confusion matrix and ROC curves of the Pfirrmann grades, as PNG."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from discern.evaluation.agreement import BACKGROUND, GRADES, ratio
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.tables import figure_text

_SIZE_INCHES = (5.6, 5.0)
_DPI = 160
_DARK = 0.5
_NAMES = ("I", "II", "III", "IV", "V")


def confusion_png(metrics: PfirrmannMetrics) -> bytes:
    """Return the confusion matrix: shade is the share of a true grade, text the counts."""
    canvas = Canvas(figsize=_SIZE_INCHES, layout="constrained")
    axes = canvas.add_subplot()
    _draw_confusion(axes, np.array(metrics.confusion))
    return _png(canvas)


def roc_png(metrics: PfirrmannMetrics) -> bytes:
    """Return the one-vs-rest ROC curves of the grades that have one."""
    canvas = Canvas(figsize=_SIZE_INCHES, layout="constrained")
    axes = canvas.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
    for grade, curve in metrics.roc.items():
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=mpl.colormaps["viridis"]((grade - 1) / GRADES),
            linewidth=1.8,
            label=f"{_NAMES[grade - 1]}  AUC {figure_text(metrics.per_grade[grade].auc)}",
        )
    axes.set(
        xlabel="False positive rate",
        ylabel="True positive rate",
        title="One grade against the others, discs found",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
    )
    if metrics.roc:
        axes.legend(loc="lower right", title="Pfirrmann grade", frameon=False)
    else:
        axes.text(0.5, 0.25, "no curve: see metrics.json for the reason", ha="center")
    return _png(canvas)


def _draw_confusion(axes: Axes, counts: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    shares = np.nan_to_num(ratio(counts, counts.sum(axis=1, keepdims=True)))
    shares[BACKGROUND] = 0  # false alarms have no true grade to be a share of
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if row == column == BACKGROUND:
            continue
        share = shares[row, column]
        text = f"{count}" if row == BACKGROUND or not count else f"{count}\n{share:.0%}"
        axes.text(column, row, text, ha="center", va="center", color="w" if share > _DARK else "k")
    axes.set_xticks(range(GRADES + 1), [*_NAMES, "missed"])
    axes.set_yticks(range(GRADES + 1), [*_NAMES, "no disc"])
    axes.set(xlabel="Predicted grade", ylabel="True grade", title="Pfirrmann grades")
    axes.spines[:].set_visible(False)


def _png(canvas: Canvas) -> bytes:
    """Return the drawing as PNG without the program version: equal figures, equal bytes."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
