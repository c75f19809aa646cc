"""Figures against the severity of a degradation: counts of every patient in one CSV, and tables.

A row of the CSV is one configuration at one severity; a column is one patient, whose cell lists
the discs: ``23`` is a disc of grade 2 read as 3, ``2-`` one that was missed, ``-3`` a box where no
disc is. Everything else follows from that file.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from discern.errors import DatasetError
from discern.evaluation.agreement import BACKGROUND, GRADES, Counts
from discern.evaluation.agreement_tables import TRUSTED_DISC_RECALL
from discern.evaluation.bootstrap import Figure, draw_patients, figure
from discern.evaluation.drawing_files import drawing_files
from discern.evaluation.headlines import COLUMNS, HEADLINES
from discern.evaluation.table_formats import Cell, Table, cell_text, table_text

UNTOUCHED = "untouched"
SHOWN = ("kappa_quadratic", "exact", "exact_all", "disc_recall")
DRAWN = ("kappa_quadratic", "disc_recall")
_SEED, _RESAMPLES = 20250101, 2000
_HEAD = ("run", "weights", "degradation", "unit", "severity")
_BESIDE, _PANEL_INCHES = 5, (2.1, 2.0)
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Step:
    """One severity of one degradation; the unit of the severity is for people."""

    degradation: str
    unit: str
    severity: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one configuration made of every patient at one step.

    Attributes:
        run: Name of the configuration.
        weights: What its fold weights and the data are known by.
        step: What was done to the slices.
        patients: Names, in order of the rows of ``counts``.
        counts: (P, 6, 6) full confusion of each patient.
    """

    run: str
    weights: str
    step: Step
    patients: tuple[str, ...]
    counts: Counts


def discs_text(confusion: Counts) -> str:
    """Return the discs of a (6, 6) full confusion, one word each.

    >>> found_and_missed = np.zeros((6, 6), int)
    >>> found_and_missed[1, 2], found_and_missed[4, 5] = 2, 1
    >>> discs_text(found_and_missed)
    '23 23 5-'
    """
    words = []
    for (truth, answer), count in np.ndenumerate(confusion):
        words += [_side(truth) + _side(answer)] * int(count)
    return " ".join(words)


def read_discs(text: str) -> Counts:
    """Return the (6, 6) full confusion that ``discs_text`` wrote.

    Raises:
        ValueError: Another text.
    """
    confusion = np.zeros((GRADES + 1, GRADES + 1), dtype=np.int64)
    for word in text.split():
        if len(word) != len("23"):
            raise ValueError(f"{word!r} is no disc")
        confusion[_index(word[0]), _index(word[1])] += 1
    return confusion


def _side(index: int) -> str:
    return _NONE if index == BACKGROUND else str(index + 1)


def _index(side: str) -> int:
    if side == _NONE:
        return BACKGROUND
    if side not in "12345":
        raise ValueError(f"{side!r} is no grade")
    return int(side) - 1


def readings_csv(readings: Sequence[Reading]) -> str:
    """Return the CSV of readings of the same patients."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*_HEAD, *readings[0].patients])
    for one in readings:
        step = one.step
        about = (one.run, one.weights, step.degradation, step.unit, f"{step.severity:g}")
        writer.writerow([*about, *map(discs_text, one.counts)])
    return buffer.getvalue()


def read_readings(path: Path) -> list[Reading]:
    """Read the CSV; nothing where there is no file yet.

    Raises:
        DatasetError: Not such a file.
    """
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    if not rows or tuple(rows[0][: len(_HEAD)]) != _HEAD:
        raise DatasetError(f"{path.name}: no table of readings; name another --out")
    patients = tuple(rows[0][len(_HEAD) :])
    try:
        return [_reading(row, patients) for row in rows[1:]]
    except ValueError as error:
        raise DatasetError(f"{path.name}: a damaged row ({error}); remove that line") from error


def _reading(row: list[str], patients: tuple[str, ...]) -> Reading:
    run, weights, degradation, unit, severity, *cells = row
    if len(cells) != len(patients):
        raise ValueError(f"{len(cells)} patients instead of {len(patients)}")
    step = Step(degradation, unit, float(severity))
    return Reading(run, weights, step, patients, np.array([read_discs(cell) for cell in cells]))


def figures_of(reading: Reading) -> Mapping[str, Figure]:
    """Return the figures of one reading with intervals over resampled patients."""
    patients = len(reading.patients)
    rows = np.zeros((patients, COLUMNS), dtype=np.int64)
    rows[:, : (GRADES + 1) ** 2] = reading.counts.reshape(patients, -1)
    sums = draw_patients(patients, _RESAMPLES, np.random.default_rng(_SEED)) @ rows
    return {key: figure(HEADLINES[key].statistic(sums), HEADLINES[key].absent) for key in SHOWN}


Answers = Mapping[tuple[str, Step], Mapping[str, Figure]]
"""Figures by configuration and step."""


def answers_of(readings: Iterable[Reading]) -> Answers:
    """Return the figures of every reading."""
    return {(one.run, one.step): figures_of(one) for one in readings}


def robustness_files(readings: Sequence[Reading]) -> tuple[str, dict[str, bytes]]:
    """Return the tables as one text, and tables and drawings by file name."""
    answers = answers_of(readings)
    text = "# Slices made worse step by step\n\n"
    text += "\n".join(table_text(severity_table(key, answers)) for key in SHOWN)
    files = {"robustness.md": text.encode()}
    panels = len(ladders(answers))
    across, down = min(_BESIDE, panels), -(-panels // _BESIDE)
    size = (_PANEL_INCHES[0] * across, _PANEL_INCHES[1] * down + 0.4)
    for key in DRAWN:
        files |= drawing_files(
            f"robustness-{key.replace('_', '-')}",
            partial(draw_ladders, key=key, answers=answers),
            size,
        )
    return text, files


def severity_table(key: str, answers: Answers) -> Table:
    """Return one row per severity and one column per configuration."""
    runs = _runs(answers)
    units = {name: steps[0].unit for name, steps in ladders(answers).items()}
    rows: list[tuple[Cell, ...]] = [_row(UNTOUCHED, "-", key, _untouched(answers), answers)]
    for degradation, steps in ladders(answers).items():
        rows += [_row(degradation, f"{one.severity:g}", key, one, answers) for one in steps]
    return Table(
        name=f"robustness-{key.replace('_', '-')}",
        title=HEADLINES[key].title,
        columns=("Degradation", "Severity", *runs),
        rows=tuple(rows),
        notes=(
            "Severity: " + "; ".join(f"{name}: {unit}" for name, unit in units.items()) + ".",
            "Every patient was read by the network that has not seen them. In brackets: 95 % "
            f"interval, {_RESAMPLES} resamples of the patients, seed {_SEED}.",
            f"*: fewer than {TRUSTED_DISC_RECALL:.0%} of the discs were found: figures of the "
            "discs found flatter such a reading.",
        ),
    )


def ladders(answers: Answers) -> Mapping[str, tuple[Step, ...]]:
    """Return the steps of every degradation, in the order in which they were read."""
    steps = dict.fromkeys(step for _, step in answers if step.degradation != UNTOUCHED)
    names = dict.fromkeys(step.degradation for step in steps)
    return {name: tuple(s for s in steps if s.degradation == name) for name in names}


def _untouched(answers: Answers) -> Step:
    return next(step for _, step in answers if step.degradation == UNTOUCHED)


def _runs(answers: Answers) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run for run, _ in answers))


def _row(name: str, severity: str, key: str, step: Step, answers: Answers) -> tuple[Cell, ...]:
    cells: list[str] = []
    for run in _runs(answers):
        figures = answers.get((run, step))
        cells.append("" if figures is None else cell_text(figures[key]) + _star(figures))
    return (name, severity, *cells)


def _star(figures: Mapping[str, Figure]) -> str:
    return "" if _trusted(figures) else " *"


def _trusted(figures: Mapping[str, Figure]) -> bool:
    recall = figures["disc_recall"].value
    return recall is not None and recall >= TRUSTED_DISC_RECALL


def draw_ladders(canvas: Canvas, key: str, answers: Answers) -> None:
    """Draw one panel per degradation: ``key`` against severity, a line per configuration.

    Shades are 95 % intervals; hollow marks found too few discs for figures of the discs found.
    """
    shown, runs = ladders(answers), _runs(answers)
    down = -(-len(shown) // _BESIDE)
    panels = canvas.subplots(down, min(_BESIDE, len(shown)), sharey=True, squeeze=False)
    for ax, (name, steps) in zip(panels.flat, shown.items(), strict=False):
        places = [_untouched(answers), *steps]
        for number, run in enumerate(runs):
            _line(ax, key, [answers.get((run, one)) for one in places], f"C{number}")
        ax.set_title(name, fontsize=8)
        ax.set_xticks(range(len(places)), ["0", *(f"{one.severity:g}" for one in steps)])
        ax.tick_params(labelsize=7)
        ax.grid(axis="y", color="0.9")
    for ax in panels.flat[len(shown) :]:
        ax.set_axis_off()
    marks = [Line2D([], [], color=f"C{i}", marker="o", markersize=3) for i in range(len(runs))]
    canvas.legend(marks, runs, loc="outside upper center", ncols=len(runs), frameon=False)
    canvas.supylabel(HEADLINES[key].title, fontsize=8)


def _line(ax: Axes, key: str, figures: Sequence[Mapping[str, Figure] | None], color: str) -> None:
    points = [
        (x, one[key].value, one[key].ci95, _trusted(one))
        for x, one in enumerate(figures)
        if one is not None
    ]
    known = [(x, y, ends, sure) for x, y, ends, sure in points if y is not None]
    ax.plot([x for x, *_ in known], [y for _, y, *_ in known], color=color, linewidth=1.2)
    for x, y, _, sure in known:
        ax.plot([x], [y], marker="o", markersize=3, color=color, mfc=color if sure else "white")
    spans = [(x, ends) for x, _, ends, _ in known if ends is not None]
    ax.fill_between(
        [x for x, _ in spans], [low for _, (low, _) in spans], [high for _, (_, high) in spans],
        color=color, alpha=0.15, linewidth=0,
    )  # fmt: skip
