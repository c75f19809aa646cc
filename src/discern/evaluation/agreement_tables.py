"""Agreement on the Pfirrmann grade, and clinically acceptable slices, as tables."""

from collections.abc import Mapping

from discern.evaluation.comparison_tables import p_text
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.metrics import Metrics
from discern.evaluation.performance_tables import BRACKETS
from discern.evaluation.published import ACCEPTABLE, SOURCE
from discern.evaluation.review import ReviewedShare
from discern.evaluation.table_formats import Cell, Table
from discern.spine import Plane

TRUSTED_DISC_RECALL = 0.97
AGREEMENT = {
    "disc_recall": "Discs found",
    "exact": "Same grade, of discs found",
    "within_one": "Within one grade, of discs found",
    "exact_all": "Same grade, of all discs",
    "within_one_all": "Within one grade, of all discs",
    "balanced_accuracy": "Balanced accuracy, of discs found",
    "kappa_linear": "Kappa, linear weights",
    "kappa_quadratic": "Kappa, quadratic weights",
}
"""Names of the shares and kappas of ``PfirrmannMetrics``."""

_FALSE_DISCS = "false_per_image"
_P_VALUES = {"kappa_linear": "kappa_linear_p", "kappa_quadratic": "kappa_quadratic_p"}


def agreement_table(metrics: Metrics) -> Table:
    """Return agreement slice by slice and disc by disc, the kappas with their p."""
    sides = (metrics.pfirrmann, metrics.disc_wise.pfirrmann)
    rows = [
        (name, *(cell for side in sides for cell in (getattr(side, key), _p(side, key))))
        for key, name in AGREEMENT.items()
    ]
    false_discs: tuple[Cell, ...] = (
        "False discs per image; per patient",
        *(metrics.pfirrmann.false_per_image, ""),
        *(metrics.disc_wise.pfirrmann.false_per_image, ""),
    )
    return Table(
        name="agreement",
        title="Agreement on the Pfirrmann grade",
        columns=("", "Slice by slice", "p", "Disc by disc", "p, disc by disc"),
        rows=(rows[0], false_discs, *rows[1:]),
        notes=(
            BRACKETS,
            "p: two-sided, of the hypothesis that kappa is zero, by the spread over resampled "
            "patients. Readers agree among themselves with kappa about .6, with themselves .8.",
            *_warnings(sides),
        ),
    )


def acceptable_table(
    metrics: Metrics, reviewed: Mapping[Plane, ReviewedShare] | None = None
) -> Table:
    """Return the share of clinically acceptable slices of each plane.

    By rule, beside the surgeon's judgement in the paper and, where there is one, that of the
    person who filled in the review page.
    """
    head = ["", "By rule, IoU 0.5", "By rule, lesion centre inside"]
    if reviewed is not None:
        head.append("By the reviewer")
    rows: list[tuple[Cell, ...]] = []
    for plane, one in metrics.acceptable.items():
        judged = () if reviewed is None else (reviewed[plane].share,)
        rows.append(
            (
                f"{plane.capitalize()} slices",
                *(one.share, one.share_center_inside),
                *(*judged, f"{ACCEPTABLE[plane]:.3f}", one.images),
            )
        )
    return Table(
        name="clinically-acceptable",
        title="Clinically acceptable slices (section 3.2)",
        columns=(*head, "Paper, by a surgeon", "n"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            "By rule: every disc found with a grade at most one from the truth, no disc or lesion "
            "missed or spurious. A surgeon forgives more than the rule does: the columns measure "
            "different things.",
            *_faults(metrics),
            f"Paper: {SOURCE}.",
        ),
    )


def _faults(metrics: Metrics) -> list[str]:
    """Return, for each plane with slices, how often each fault was the reason."""
    lines = []
    for plane, one in metrics.acceptable.items():
        counted = [f"{fault} {count}" for fault, count in one.faults.items() if count]
        if counted:
            lines.append(f"{plane.capitalize()} slices with {', '.join(counted)} (IoU 0.5).")
    return lines


def _p(side: PfirrmannMetrics, key: str) -> str:
    return p_text(getattr(side, _P_VALUES[key])) if key in _P_VALUES else ""


def _warnings(sides: tuple[PfirrmannMetrics, PfirrmannMetrics]) -> tuple[str, ...]:
    recalls = [side.disc_recall.value for side in sides]
    if all(recall is None or recall >= TRUSTED_DISC_RECALL for recall in recalls):
        return ()
    return (
        f"Fewer than {TRUSTED_DISC_RECALL:.0%} of the discs were found: figures of the discs "
        "found, kappa among them, flatter the result and are not to be quoted.",
    )
