"""The figures of the studies: differences as a forest plot, figures against training patients."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from discern.evaluation.bootstrap import Figure
from discern.evaluation.comparison import Comparison
from discern.evaluation.headlines import HEADLINES, Tally
from discern.experiment.results import figures_of
from discern.experiment.studies import Arm

_SHOWN = ("exact_all", "kappa_quadratic")


def draw_differences(canvas: Canvas, reference: str, compared: Mapping[str, Comparison]) -> None:
    """Draw the paired difference of every arm from ``reference`` with its interval."""
    names = list(compared)
    axes = canvas.subplots(1, len(_SHOWN), sharey=True)
    for ax, key in zip(axes, _SHOWN, strict=True):
        ax.axvline(0, color="0.6", linewidth=1)
        for row, name in enumerate(names):
            _interval(ax, compared[name].figures[key].difference, row)
        ax.set(title=HEADLINES[key].title, xlabel=f"Difference from {reference}")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()


def draw_learning_curve(canvas: Canvas, arms: Sequence[Arm], tallies: Mapping[str, Tally]) -> None:
    """Draw figures with their intervals against the number of training patients."""
    patients = [sum(len(s.train) for s in arm.splits) / len(arm.splits) for arm in arms]
    for ax, key in zip(canvas.subplots(1, len(_SHOWN)), _SHOWN, strict=True):
        figures = [figures_of(tallies[arm.name], [key])[key] for arm in arms]
        known = [(x, f.value, f.ci95) for x, f in zip(patients, figures, strict=True)]
        points = [(x, value, ends) for x, value, ends in known if value is not None and ends]
        ax.plot([x for x, _, _ in points], [y for _, y, _ in points], marker="o", color="C0")
        for x, _, (low, high) in points:
            ax.plot([x, x], [low, high], color="C0", linewidth=1)
        ax.set(title=HEADLINES[key].title, xlabel="Training patients", xlim=(0, None))


def _interval(ax: Axes, difference: Figure, row: int) -> None:
    if difference.value is None or difference.ci95 is None:
        return
    ax.plot(difference.ci95, [row, row], color="C0", linewidth=1.5)
    ax.plot([difference.value], [row], marker="o", color="C0")
