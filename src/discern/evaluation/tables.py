"""The paper's Table 4 and the agreement figures as Markdown, every value with its interval."""

from discern.evaluation.bootstrap import Figure
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.lesions import LesionMetrics, LesionScores
from discern.evaluation.metrics import Metrics
from discern.spine import Label

TRUSTED_DISC_RECALL = 0.97
_HEAD = ("", "Precision", "Recall", "F1", "AUC", "n")
_LESION_NAMES = {Label.HERNIATION: "Herniation", Label.HIZ: "High-intensity zone"}
_AGREEMENT = {
    "disc_recall": "Discs found",
    "false_per_image": "False discs per image",
    "exact": "Same grade, of discs found",
    "within_one": "Within one grade, of discs found",
    "exact_all": "Same grade, of all discs",
    "within_one_all": "Within one grade, of all discs",
    "balanced_accuracy": "Balanced accuracy, of discs found",
    "kappa_linear": "Kappa, linear weights",
    "kappa_quadratic": "Kappa, quadratic weights",
}


def tables_markdown(metrics: Metrics) -> str:
    """Return the tables with a heading that says what they were computed from."""
    parts = [
        "# Evaluation",
        f"{metrics.images} images of {metrics.patients} patients. In brackets: 95 % interval, "
        f"{metrics.options.resamples} resamples of the patients, seed {metrics.options.seed}. "
        "Research use only, not a medical device.",
        "## Grades and lesions, slice by slice",
        _markdown_table(_HEAD, _grade_rows(metrics.pfirrmann) + _lesion_rows(metrics)),
        "## Agreement on the Pfirrmann grade, and detection",
        _markdown_table(("", "Value"), _agreement_rows(metrics)),
    ]
    recall = metrics.pfirrmann.disc_recall.value
    if recall is not None and recall < TRUSTED_DISC_RECALL:
        parts.append(
            f"Fewer than {TRUSTED_DISC_RECALL:.0%} of the discs were found: figures of the discs "
            "found, kappa among them, flatter the result and are not to be quoted."
        )
    return "\n\n".join(parts) + "\n"


def figure_text(figure: Figure) -> str:
    """Return value and interval to three decimals.

    >>> figure_text(Figure(0.8461, (0.79, 0.8812)))
    '0.846 [0.790, 0.881]'
    >>> figure_text(Figure(None, None, "no disc"))
    '-'
    """
    if figure.value is None:
        return "-"
    if figure.ci95 is None:
        return f"{figure.value:.3f}"
    low, high = figure.ci95
    return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]"


def _grade_rows(metrics: PfirrmannMetrics) -> list[tuple[str, ...]]:
    rows = [
        (
            f"Pfirrmann grade {grade}",
            *map(figure_text, (one.precision, one.recall, one.f1, one.auc)),
            str(one.support),
        )
        for grade, one in metrics.per_grade.items()
    ]
    macro = map(figure_text, (metrics.macro_precision, metrics.macro_recall, metrics.macro_f1))
    total = sum(one.support for one in metrics.per_grade.values())
    return [*rows, ("Pfirrmann, mean over grades", *macro, "", str(total))]


def _lesion_rows(metrics: Metrics) -> list[tuple[str, ...]]:
    """Return two rows for each lesion and plane that the truth holds: IoU 0.5, centre inside."""
    rows: list[tuple[str, ...]] = []
    for (label, plane), lesion in metrics.lesions.items():
        if lesion.support:
            name = f"{_LESION_NAMES[label]} ({plane})"
            rows.append(_lesion_row(f"{name}, IoU 0.5", lesion.at_iou, lesion))
            rows.append(_lesion_row(f"{name}, centre inside", lesion.center_inside, lesion))
    return rows


def _lesion_row(name: str, scores: LesionScores, lesion: LesionMetrics) -> tuple[str, ...]:
    values = map(figure_text, (scores.precision, scores.recall, scores.f1))
    return (name, *values, "", str(lesion.support))


def _agreement_rows(metrics: Metrics) -> list[tuple[str, ...]]:
    rows = [
        (name, figure_text(getattr(metrics.pfirrmann, key))) for key, name in _AGREEMENT.items()
    ]
    return [
        *rows,
        ("mAP, IoU 0.5", figure_text(metrics.detection.map50)),
        ("mAP, IoU 0.5 to 0.95", figure_text(metrics.detection.map50_95)),
    ]


def _markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table with padded columns, so that it also reads as plain text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = tuple("-" * max(3, width) for width in widths)
    padded = (
        " | ".join(cell.ljust(max(3, width)) for cell, width in zip(row, widths, strict=True))
        for row in (head, rule, *rows)
    )
    return "\n".join(f"| {line} |" for line in padded)
