"""The figures of a model card: one table, a column for each evaluation."""

from collections.abc import Mapping

from discern.errors import UsageError
from discern.evaluation.agreement_tables import AGREEMENT, TRUSTED_DISC_RECALL
from discern.evaluation.disc_wise import PLANES
from discern.evaluation.table_formats import Cell, Table, table_text
from discern.reporting.report_card.evidence import Evaluation
from discern.spine import LESION_LABELS, Label

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
NOT_QUOTED = "not quoted"
LESION_NAMES = {Label.HERNIATION: "herniation", Label.HIZ: "high-intensity zone"}

_GRADES = ("slice_wise", "pfirrmann")
_OF_FOUND = frozenset({"exact", "within_one", "balanced_accuracy", "kappa_linear"}) | {
    "kappa_quadratic"
}
_DISC_WISE = {
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "roc_auc": "area under the ROC curve",
    "average_precision": "average precision",
    "false_alarm_on_bulging": "called so on bulging discs without it",
}
Row = tuple[str, tuple[str, ...]]
"""Name of a figure and its place in ``metrics.json``."""


def figures_table(evaluations: Mapping[str, Evaluation]) -> Table:
    """Return every headline figure of each evaluation, by title; rows nobody has are left out.

    Where fewer than 97 % of the discs were found, figures of the discs found are not quoted.
    """
    rows = [
        (name, *(_cell(one, path) for one in evaluations.values()))
        for name, path in _rows()
        if any(one.figure(*path).value is not None for one in evaluations.values())
    ]
    notes = [
        f"In brackets: 95 % interval, {_resamples(evaluations)} resamples of the patients. "
        "Definitions: docs/metrics.md."
    ]
    if any(NOT_QUOTED in row for row in rows):
        notes.append(
            f"Not quoted: figures of the discs found, where fewer than {TRUSTED_DISC_RECALL:.0%} "
            "were found."
        )
    return Table(
        name="figures",
        title="Figures",
        columns=("", *(_head(title, one) for title, one in evaluations.items())),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def figures_markdown(evaluations: Mapping[str, Evaluation]) -> str:
    """Return the table as Markdown between the two markers of a model card."""
    _, _, body = table_text(figures_table(evaluations)).partition("\n")
    return f"{BEGIN}\n\n{body.strip()}\n\n{END}"


def replace_figures(card: str, block: str) -> str:
    """Return ``card`` with the text from marker to marker replaced by ``block``.

    Raises:
        UsageError: The card does not hold each marker once, in order.
    """
    if card.count(BEGIN) != 1 or card.count(END) != 1 or card.index(BEGIN) > card.index(END):
        raise UsageError(f"the card needs one line {BEGIN} and, below it, one line {END}")
    before, after = card.split(BEGIN, maxsplit=1)[0], card.split(END)[1]
    return before + block + after


def _head(title: str, one: Evaluation) -> str:
    patients, images = one.at("patients"), one.at("images")
    return f"{title} ({patients} patients, {images} slices)"


def _resamples(evaluations: Mapping[str, Evaluation]) -> str:
    counts = sorted({one.at("bootstrap", "resamples") for one in evaluations.values()})
    return " and ".join(f"{count:,}" for count in counts)


def _rows() -> list[Row]:
    rows: list[Row] = [("Discs found", (*_GRADES, "disc_recall"))]
    rows.append(("False discs per slice", (*_GRADES, "false_per_image")))
    rows += [(AGREEMENT[key], (*_GRADES, key)) for key in AGREEMENT if key != "disc_recall"]
    rows.append(("F1, mean over grades", (*_GRADES, "macro_f1")))
    for label in LESION_LABELS:
        for plane in PLANES:
            name = f"{LESION_NAMES[label].capitalize()}, {plane}"
            for key in ("precision", "recall", "f1"):
                shown = "F1" if key == "f1" else key
                rows.append((f"{name}, {shown} at IoU 0.5", ("slice_wise", label, plane, key)))
            for key, shown in _DISC_WISE.items():
                rows.append((f"{name}, disc by disc: {shown}", ("disc_wise", label, plane, key)))
    for plane in PLANES:
        path = ("slice_wise", "clinically_acceptable_auto", plane)
        rows.append((f"Acceptable slices by rule, {plane}", path))
    rows.append(("Mean average precision, IoU 0.5", ("detection", "map50")))
    return rows


def _cell(one: Evaluation, path: tuple[str, ...]) -> Cell:
    recall = one.figure(*_GRADES, "disc_recall").value
    of_found = path[:2] == _GRADES and path[-1] in _OF_FOUND
    if of_found and recall is not None and recall < TRUSTED_DISC_RECALL:
        return NOT_QUOTED
    return one.figure(*path)
