"""A reader study as sentences and tables."""

from collections.abc import Sequence
from dataclasses import replace

from discern.evaluation.bootstrap import Figure
from discern.evaluation.comparison_tables import file_stem, p_text, paired_table
from discern.evaluation.performance_tables import BRACKETS, disc_wise_table, slice_wise_table
from discern.evaluation.reader_agreement import PairAgreement
from discern.evaluation.readers import KAPPA, ReaderStudy
from discern.evaluation.table_formats import Cell, Table

_ON_SHARED = (
    "Over the discs that both boxed, matched blind to the grade. Readers agree among themselves "
    "with kappa about .6, with themselves .8."
)
_VERDICTS = {True: "not inferior", False: "not shown", None: "-"}


def summary_tables(study: ReaderStudy) -> tuple[Table, ...]:
    """Return the tables that put everybody side by side."""
    return (
        _matrix(study, "kappa_linear", "linear"),
        _matrix(study, "kappa_quadratic", "quadratic"),
        _pairs(study),
        _differences(study),
    )


def detail_tables(study: ReaderStudy) -> tuple[Table, ...]:
    """Return the paper's Table 4 of each, slice-wise and disc-wise, and every paired figure."""
    alone = [
        replace(table, name=f"{file_stem(name)}-{table.name}", title=f"{name}: {table.title}")
        for name, metrics in study.metrics.items()
        for table in (slice_wise_table(metrics), disc_wise_table(metrics))
    ]
    paired = [
        paired_table(comparison, reference, other)
        for (reference, other), comparison in study.comparisons.items()
    ]
    return (*alone, *paired)


def _matrix(study: ReaderStudy, key: str, weights: str) -> Table:
    names = list(dict.fromkeys(name for pair in study.agreement for name in pair))
    rows = tuple((row, *(_cell(study, (row, column), key) for column in names)) for row in names)
    return Table(
        name=key.replace("_", "-"),
        title=f"Kappa with {weights} weights of the Pfirrmann grade, everybody with everybody",
        columns=("", *names),
        rows=rows,
        notes=(BRACKETS, _ON_SHARED),
    )


def _cell(study: ReaderStudy, pair: tuple[str, str], key: str) -> Cell:
    one = study.agreement.get(pair) or study.agreement.get(pair[::-1])
    if one is None:
        return ""
    value: Figure = getattr(one, key)
    return value


def _pairs(study: ReaderStudy) -> Table:
    return Table(
        name="agreement-pairs",
        title="Agreement on the Pfirrmann grade, pair by pair",
        columns=(
            *("", "Kappa, linear weights", "p", "Kappa, quadratic weights"),
            *("Same grade", "Within one grade", "Boxed by both, of either", "n"),
        ),
        rows=tuple(
            (f"{first} and {second}", *_pair_cells(one))
            for (first, second), one in study.agreement.items()
        ),
        notes=(
            BRACKETS,
            _ON_SHARED,
            "p: two-sided, of the hypothesis that kappa is zero. n: discs that both boxed.",
        ),
    )


def _pair_cells(one: PairAgreement) -> Sequence[Cell]:
    return (
        *(one.kappa_linear, p_text(one.kappa_linear_p), one.kappa_quadratic),
        *(one.exact, one.within_one, one.shared, one.discs),
    )


def _differences(study: ReaderStudy) -> Table:
    margin = "" if study.margin is None else f" Margin of non-inferiority: {study.margin:g}."
    rows: list[tuple[Cell, ...]] = []
    for (reference, other), one in study.differences.items():
        pair = study.comparisons[reference, other].figures[KAPPA]
        kappas = (pair.other, pair.reference, one.difference)
        verdict = () if study.margin is None else (_VERDICTS[one.is_not_inferior],)
        p_values = (p_text(one.p), p_text(one.p_holm))
        rows.append((f"{other} minus {reference}", *kappas, *p_values, *verdict))
    head = ["", "Kappa", "Kappa of the other", "Difference", "p", "p (Holm)"]
    return Table(
        name="kappa-differences",
        title="Differences of the linearly weighted kappa against the truth",
        columns=tuple(head if study.margin is None else [*head, "Non-inferiority"]),
        rows=tuple(rows),
        notes=(
            f"{BRACKETS} p: patient-wise permutation test; p (Holm): for the number of rows. "
            f"A p above 0.05 does not show that two are equal.{margin}",
        ),
    )
