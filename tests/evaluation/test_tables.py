"""The paper's tables from an evaluation: rows as it names them, figures as in metrics.json."""

import json
from pathlib import Path

import pytest
from evaluation_cases import perfect, random_case

from discern.errors import DatasetError
from discern.evaluation.agreement_tables import acceptable_table, agreement_table
from discern.evaluation.bootstrap import Figure
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.performance import performance_of, read_performance
from discern.evaluation.performance_tables import (
    published_tables,
    side_by_side_tables,
    slice_wise_table,
)
from discern.evaluation.review import ReviewedShare
from discern.evaluation.table_formats import Cell, Table, cell_text
from discern.evaluation.tables import evaluation_tables, introduction, tables_markdown
from discern.spine import Label, PfirrmannGrade, Plane

FEW = EvaluationOptions(resamples=30)


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    case = random_case(4)
    return evaluate(case.truths, case.predictions, options=FEW)


def rows_of(table: Table) -> dict[Cell, tuple[Cell, ...]]:
    return {row[0]: row[1:] for row in table.rows}


def test_table_4_has_the_rows_of_the_paper_that_the_truth_holds(metrics: Metrics) -> None:
    rows = rows_of(slice_wise_table(metrics))

    assert list(rows) == [
        *(f"Disc degeneration grade {grade}" for grade in range(1, 6)),
        "Disc degeneration, mean over grades",
        "Lumbar disc herniation (sagittal), IoU 0.5",
        "Lumbar disc herniation (sagittal), centre",
    ]
    third = metrics.pfirrmann.per_grade[PfirrmannGrade.III]
    expected = (third.precision, third.recall, third.f1, third.auc, third.support)
    assert rows["Disc degeneration grade 3"] == expected
    assert "None in the truth: Lumbar disc herniation (axial)" in slice_wise_table(metrics).notes[2]


def test_every_table_has_a_name_of_its_own_and_cells_for_its_columns(metrics: Metrics) -> None:
    tables = evaluation_tables(metrics)

    names = [table.name for table in tables]
    assert len(set(names)) == len(names)
    assert names[0] == "table-4-slice-wise"
    assert "table-6-published" in names
    for table in tables:
        assert {len(row) for row in table.rows} <= {len(table.columns)}, table.name


def test_an_evaluation_without_any_truth_has_the_same_tables() -> None:
    empty = evaluate([], {}, options=FEW)
    case = random_case(4)
    full = evaluate(case.truths, case.predictions, options=FEW)

    assert [t.name for t in evaluation_tables(empty)] == [t.name for t in evaluation_tables(full)]


def test_ppv_and_froc_are_taken_at_their_columns(metrics: Metrics) -> None:
    tables = {table.name: table for table in evaluation_tables(metrics)}
    sagittal = (Label.HERNIATION, Plane.SAGITTAL)
    name = "Lumbar disc herniation (sagittal)"

    ppv = tables["ppv-at-prevalence"]
    at_tenth = dict(zip(ppv.columns[1:], rows_of(ppv)[name], strict=True))["At 0.1"]
    assert at_tenth == metrics.disc_wise.lesions[sagittal].ppv_at[0.1]

    froc = tables["froc"]
    at_one = dict(zip(froc.columns[1:], rows_of(froc)[name], strict=True))["1"]
    curve = metrics.lesions[sagittal].froc
    assert curve is not None
    assert at_one == curve.at[1.0]


def test_kappa_has_its_p_and_a_warning_where_discs_were_missed() -> None:
    truths = random_case(5).truths
    found = perfect(truths)
    few = found | {truths[0].image: (), truths[1].image: ()}
    whole = agreement_table(evaluate(truths, found, options=FEW))
    part = agreement_table(evaluate(truths, few, options=FEW))

    assert rows_of(whole)["Kappa, linear weights"][1] == "< 0.001"
    assert rows_of(whole)["Same grade, of all discs"][1] == ""
    assert any("not to be quoted" in note for note in part.notes)
    assert not any("not to be quoted" in note for note in whole.notes)


def test_a_review_stands_beside_the_rule_and_the_surgeon_of_the_paper(metrics: Metrics) -> None:
    share = Figure(0.875, (0.8, 0.9))
    reviewed = {plane: ReviewedShare(share, 24) for plane in (Plane.SAGITTAL, Plane.AXIAL)}

    plain, judged = acceptable_table(metrics), acceptable_table(metrics, reviewed)

    assert "By the reviewer" not in plain.columns
    cells = dict(zip(judged.columns[1:], rows_of(judged)["Sagittal slices"], strict=True))
    assert cells["By the reviewer"] == share
    assert cells["Paper, by a surgeon"] == "0.968"
    assert cells["By rule, IoU 0.5"] == metrics.acceptable[Plane.SAGITTAL].share


def test_our_row_joins_table_6_and_the_kappas(metrics: Metrics) -> None:
    ours = performance_of(metrics)
    tables = {table.name: table for table in published_tables(ours)}

    table_6 = tables["table-6-published"]
    cells = {(row[0], row[1]): row[2:] for row in table_6.rows}
    grading = "Grading of disc degeneration"
    assert cells[grading, "Discern, these predictions"] == (ours.macro.precision, ours.macro.recall)
    assert cells[grading, "Gao et al. (2021)"] == ("0.86", "0.86")
    assert any("grade 1" in note and "normal" in note for note in table_6.notes)

    kappas = rows_of(tables["published-kappa"])
    assert kappas["Wang et al. (2025), reader 2 (attending clinician)"] == ("0.85",)
    assert kappas["Discern, these predictions"] == (metrics.pfirrmann.kappa_linear,)

    beside = rows_of(tables["published-slice-wise"])["Lumbar disc herniation (axial)"]
    assert beside[:6] == ("0.90", "0.93", "0.91", "0.92", "0.91", "0.91")


def test_what_is_read_back_is_what_was_computed(metrics: Metrics, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(metrics_to_json(metrics))

    fresh, back = performance_of(metrics), read_performance(tmp_path)

    assert (back.images, back.patients) == (24, 12)
    assert list(back.slice_wise) == list(fresh.slice_wise)
    for parts in ("slice_wise", "disc_wise"):
        for row, scores in getattr(fresh, parts).items():
            again = getattr(back, parts)[row]
            assert again.support == scores.support
            for name in ("precision", "recall", "f1"):
                value, same = getattr(scores, name).value, getattr(again, name).value
                assert same == (None if value is None else pytest.approx(value, abs=5e-5))


def test_tables_4_and_5_stand_side_by_side(metrics: Metrics) -> None:
    case = random_case(9)
    inside = performance_of(metrics)
    outside = performance_of(evaluate(case.truths, perfect(case.truths), options=FEW))

    tables = {table.name: table for table in side_by_side_tables(inside, outside)}

    assert list(tables) == [
        *("table-4-internal", "table-5-external"),
        *("tables-4-5-slice-wise", "tables-4-5-disc-wise"),
    ]
    both = tables["tables-4-5-slice-wise"]
    cells = dict(zip(both.columns[1:], rows_of(both)["Disc degeneration grade 3"], strict=True))
    third = PfirrmannGrade.III
    assert cells["Recall, internal"] == inside.slice_wise[third].recall
    assert cells["Recall, external"] == outside.slice_wise[third].recall
    assert len(both.rows) == 9
    kappa = cell_text(inside.kappa_linear)
    assert f"Kappa, linear weights: {kappa}." in tables["table-4-internal"].notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read .*discern evaluate DATASET --out"),
        ("not json", "not a discern.metrics/1 document"),
        ('{"schema": "discern.metrics/0"}', "discern.metrics/0"),
        ('{"schema": "discern.metrics/1"}', "slice_wise.*evaluate again"),
        ("[]", "evaluate again"),
    ],
)
def test_a_folder_that_is_no_evaluation_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    if text is not None:
        (folder / "metrics.json").write_text(text)

    with pytest.raises(DatasetError, match=f"other/metrics.json: .*{message}"):
        read_performance(folder)


def test_the_summary_holds_every_table_and_figures_as_in_the_json(metrics: Metrics) -> None:
    tables = evaluation_tables(metrics)
    text = tables_markdown("Evaluation", introduction(metrics), tables)

    assert text.startswith("# Evaluation\n\n24 images of 12 patients.")
    for table in tables:
        assert f"\n## {table.title}\n" in text
    third = json.loads(metrics_to_json(metrics))["slice_wise"]["pfirrmann"]["per_grade"]["3"]
    assert f"{third['recall']['value']:.3f} [" in text
    assert cell_text(metrics.pfirrmann.kappa_linear) in text
