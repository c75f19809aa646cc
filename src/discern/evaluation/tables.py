"""All tables of one evaluation, and the one readable summary of them."""

from collections.abc import Mapping, Sequence

from discern.evaluation.agreement_tables import acceptable_table, agreement_table
from discern.evaluation.detection_tables import (
    detection_table,
    froc_table,
    lesion_table,
    ppv_table,
)
from discern.evaluation.metrics import Metrics
from discern.evaluation.performance import performance_of
from discern.evaluation.performance_tables import (
    disc_wise_table,
    published_tables,
    slice_wise_table,
)
from discern.evaluation.review import ReviewedShare
from discern.evaluation.table_formats import Table, table_text
from discern.spine import Plane


def evaluation_tables(
    metrics: Metrics, reviewed: Mapping[Plane, ReviewedShare] | None = None
) -> tuple[Table, ...]:
    """Return every table of one evaluation, in the order of the paper.

    Args:
        metrics: All figures.
        reviewed: What a person accepted, where the review page was filled in.
    """
    return (
        slice_wise_table(metrics),
        disc_wise_table(metrics),
        agreement_table(metrics),
        acceptable_table(metrics, reviewed),
        lesion_table(metrics),
        ppv_table(metrics),
        froc_table(metrics),
        detection_table(metrics),
        *published_tables(performance_of(metrics)),
    )


def tables_markdown(heading: str, introduction: str, tables: Sequence[Table]) -> str:
    """Return the tables one below the other as Markdown that also reads as plain text."""
    parts = [f"# {heading}", introduction, *(_section(table) for table in tables)]
    return "\n\n".join(parts) + "\n"


def introduction(metrics: Metrics, warning: str | None = None) -> str:
    """Return what the tables were computed from, behind a warning where there is one."""
    return (
        (f"*** {warning} *** " if warning else "")
        + f"{metrics.images} images of {metrics.patients} patients. In brackets: 95 % interval, "
        f"{metrics.options.resamples} resamples of the patients, seed {metrics.options.seed}. "
        "Research use only, not a medical device."
    )


def _section(table: Table) -> str:
    title, _, rest = table_text(table).partition("\n")
    return f"## {title}\n{rest}".rstrip("\n")
