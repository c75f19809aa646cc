"""Tables 4 and 5 of the paper, their disc-wise counterpart, and the published comparison."""

from collections.abc import Mapping

from discern.evaluation.bootstrap import Figure
from discern.evaluation.metrics import Metrics
from discern.evaluation.performance import Performance, Scores, performance_of
from discern.evaluation.published import (
    DISC_WISE_EXTERNAL,
    DISC_WISE_INTERNAL,
    FOOTNOTE,
    KAPPA_LINEAR,
    LESION_PLANES,
    PAPER,
    ROWS,
    SOURCE,
    TABLE_4,
    TABLE_5,
    TABLE_6_AXIAL_HERNIATION,
    TABLE_6_GRADING,
    PublishedRow,
    PublishedScores,
    Row,
    row_name,
)
from discern.evaluation.table_formats import Cell, Table, cell_text
from discern.spine import Label, PfirrmannGrade, Plane

BRACKETS = "In brackets: 95 % interval over resampled patients. A dash: no such figure."
_SCORE_HEAD = ("Precision", "Recall", "F1 score")
_OURS = "Discern, these predictions"
_MEAN = "Disc degeneration, mean over grades"


def slice_wise_table(metrics: Metrics) -> Table:
    """Return Table 4 for one evaluation, with AUC, support and the second lesion criterion."""
    grades = metrics.pfirrmann.per_grade
    rows: list[tuple[Cell, ...]] = [
        (row_name(g), one.precision, one.recall, one.f1, one.auc, one.support)
        for g, one in grades.items()
    ]
    macro = performance_of(metrics).macro
    rows.append((_MEAN, macro.precision, macro.recall, macro.f1, "", macro.support))
    for row in LESION_PLANES:
        lesion = metrics.lesions[row]
        if lesion.support:
            for criterion, scores in (("IoU 0.5", lesion.at_iou), ("centre", lesion.center_inside)):
                name = f"{row_name(row)}, {criterion}"
                figures = (scores.precision, scores.recall, scores.f1)
                rows.append((name, *figures, "", lesion.support))
    absent = [row_name(row) for row in LESION_PLANES if not metrics.lesions[row].support]
    return Table(
        name="table-4-slice-wise",
        title="Table 4. Diagnosis and grading, slice by slice",
        columns=("", *_SCORE_HEAD, "AUC", "n"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            "A lesion is met at an IoU of 0.5, or where the centre of the predicted box lies "
            "inside the truth box. AUC: one grade against the others, of the discs found.",
            *_absent(absent),
        ),
    )


def disc_wise_table(metrics: Metrics) -> Table:
    """Return the rows of Table 4 disc by disc (paper 2.6 and 3.2)."""
    grades = metrics.disc_wise.pfirrmann.per_grade
    rows: list[tuple[Cell, ...]] = [
        (row_name(g), one.precision, one.recall, one.f1, one.auc, one.support)
        for g, one in grades.items()
    ]
    lesions = metrics.disc_wise.lesions
    rows += [
        (row_name(row), one.precision, one.recall, one.f1, one.roc_auc, one.support)
        for row, one in lesions.items()
        if one.support
    ]
    return Table(
        name="disc-wise",
        title="Diagnosis and grading, disc by disc (section 3.2)",
        columns=("", *_SCORE_HEAD, "AUC", "n"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            "A disc is positive when a lesion is seen on one or more of its slices; its grade is "
            "that of the mean of the class scores of its slices.",
            *_absent([row_name(row) for row, one in lesions.items() if not one.support]),
        ),
    )


def side_by_side_tables(internal: Performance, external: Performance) -> tuple[Table, ...]:
    """Return Tables 4 and 5, each alone and both side by side, slice-wise and disc-wise."""
    return (
        _nine_rows("table-4-internal", "Table 4. Internal test set, slice by slice", internal),
        _nine_rows("table-5-external", "Table 5. External test set, slice by slice", external),
        _both("tables-4-5-slice-wise", "slice by slice", internal.slice_wise, external.slice_wise),
        _both("tables-4-5-disc-wise", "disc by disc", internal.disc_wise, external.disc_wise),
    )


def published_tables(ours: Performance) -> tuple[Table, ...]:
    """Return our figures beside those that were published: Tables 4 and 5, 6, and the kappas."""
    return (
        _beside_paper("published-slice-wise", ours.slice_wise, TABLE_4, TABLE_5),
        _beside_paper(
            "published-disc-wise", ours.disc_wise, DISC_WISE_INTERNAL, DISC_WISE_EXTERNAL
        ),
        _table_6(ours),
        _kappas(ours.kappa_linear),
    )


def _nine_rows(name: str, title: str, performance: Performance) -> Table:
    rows = [(row_name(row), *_cells(performance.slice_wise[row])) for row in ROWS]
    mean = (_MEAN, *_cells(performance.macro))
    return Table(
        name=name,
        title=f"{title}: {performance.images} images of {performance.patients} patients",
        columns=("", *_SCORE_HEAD, "n"),
        rows=(*rows[: len(PfirrmannGrade)], mean, *rows[len(PfirrmannGrade) :]),
        notes=(BRACKETS, f"Kappa, linear weights: {cell_text(performance.kappa_linear)}."),
    )


def _both(
    name: str, how: str, internal: Mapping[Row, Scores], external: Mapping[Row, Scores]
) -> Table:
    heads = [f"{head}, {side}" for side in ("internal", "external") for head in (*_SCORE_HEAD, "n")]
    return Table(
        name=name,
        title=f"Tables 4 and 5. Internal and external test set, {how}",
        columns=("", *heads),
        rows=tuple((row_name(row), *_cells(internal[row]), *_cells(external[row])) for row in ROWS),
        notes=(BRACKETS, "Each side has intervals of its own; this is no paired comparison."),
    )


def _beside_paper(
    name: str,
    ours: Mapping[Row, Scores],
    internal: Mapping[Row, PublishedScores],
    external: Mapping[Row, PublishedScores],
) -> Table:
    slice_wise = internal is TABLE_4
    how = "slice by slice" if slice_wise else "disc by disc"
    paper = "Tables 4 and 5" if slice_wise else "sections 3.2 and 3.3"
    rows = tuple(
        (
            row_name(row),
            *_printed(internal[row], with_f1=slice_wise),
            *_printed(external[row], with_f1=slice_wise),
            *_cells(ours[row])[: 3 if slice_wise else 2],
        )
        for row in internal
    )
    heads = _SCORE_HEAD if slice_wise else _SCORE_HEAD[:2]
    sides = ("paper internal", "paper external", "here")
    return Table(
        name=name,
        title=f"Beside the paper's {paper}, {how}",
        columns=("", *(f"{head}, {side}" for side in sides for head in heads)),
        rows=rows,
        notes=(
            BRACKETS,
            f"Paper: {SOURCE}; other patients, other readers, other scanners, an enriched cohort: "
            "the figures stand side by side, the difference proves nothing.",
        ),
    )


def _table_6(ours: Performance) -> Table:
    axial = ours.slice_wise[Label.HERNIATION, Plane.AXIAL]
    sagittal = ours.slice_wise[Label.HERNIATION, Plane.SAGITTAL]
    in_paper = TABLE_4[Label.HERNIATION, Plane.SAGITTAL]
    paper = PublishedRow(PAPER, in_paper.precision, in_paper.recall)
    parts = (
        ("Disc herniation on axial images", TABLE_6_AXIAL_HERNIATION, axial),
        ("Grading of disc degeneration", TABLE_6_GRADING, ours.macro),
        ("Disc herniation on sagittal images (not in Table 6)", (paper,), sagittal),
    )
    rows: list[tuple[Cell, ...]] = []
    for task, published, scores in parts:
        rows += [
            (task, one.study, f"{one.precision:.2f}", f"{one.recall:.2f}") for one in published
        ]
        rows.append((task, _OURS, scores.precision, scores.recall))
    return Table(
        name="table-6-published",
        title="Table 6. Comparison with published results",
        columns=("Task", "Study", "Precision", "Recall"),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            FOOTNOTE,
            f"Published figures: {SOURCE}. Every study has patients and readers of its own. "
            "Ours: mean over the grades, lesions at an IoU of 0.5.",
        ),
    )


def _kappas(kappa: Figure) -> Table:
    rows: list[tuple[Cell, ...]] = [(name, f"{value:.2f}") for name, value in KAPPA_LINEAR.items()]
    return Table(
        name="published-kappa",
        title="Linearly weighted kappa of the Pfirrmann grade against the truth (section 3.2)",
        columns=("", "Kappa"),
        rows=(*rows, (_OURS, kappa)),
        notes=(BRACKETS, f"Published figures: {SOURCE}. Ours: of the discs found."),
    )


def _cells(scores: Scores) -> tuple[Cell, Cell, Cell, Cell]:
    return scores.precision, scores.recall, scores.f1, scores.support


def _printed(scores: PublishedScores, *, with_f1: bool) -> tuple[str, ...]:
    printed = (f"{scores.precision:.2f}", f"{scores.recall:.2f}")
    return (*printed, "-" if scores.f1 is None else f"{scores.f1:.2f}") if with_f1 else printed


def _absent(names: list[str]) -> tuple[str, ...]:
    return (f"None in the truth: {', '.join(names)}.",) if names else ()
