"""The report card: every automatic answer is the value of its file, the rest is a placeholder."""

import re
import tomllib
from html import unescape
from pathlib import Path

import pytest
from report_card_cases import (
    METRICS,
    WEIGHTS,
    figure,
    shown,
    write_evaluation,
    write_run,
    write_summary,
)

from discern.cli.main import run
from discern.errors import UsageError
from discern.reporting.report_card.build import CHECKLISTS, build_report_card
from discern.reporting.report_card.claim import CLAIM
from discern.reporting.report_card.evidence import Evaluation
from discern.reporting.report_card.figures import figures_markdown, replace_figures
from discern.reporting.report_card.reading import Places
from discern.reporting.report_card.stard_ai import STARD_AI
from discern.reporting.report_card.topics import TOPICS
from discern.weights import load_weights

DOCUMENTS = ("MODEL_CARD.md", "checklist-stard-ai.md", "checklist-claim.md", "report-card.html")


def everything(folder: Path) -> Places:
    """Return a run with all that a report card can be given."""
    return Places(
        run=write_run(folder / "run"),
        evaluation=write_evaluation(folder / "own"),
        external=write_evaluation(folder / "other", patients=5, images=6, prediction_digest="p2"),
        summary=write_summary(folder / "summary"),
    )


def answer_of(text: str, number: str) -> str:
    """Return what stands under one item of a checklist."""
    found = re.search(rf"^### {number}\. .*?(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group()


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("card")
    build_report_card(everything(folder), folder / "out")
    return {path.name: path.read_text() for path in (folder / "out").iterdir()}


def test_the_lists_have_the_published_numbers_once_each() -> None:
    stard = [item.number for item in STARD_AI.items]
    assert sorted({int(re.sub("[a-d]", "", number)) for number in stard}) == list(range(1, 41))
    assert len(set(stard)) == len(stard)
    assert [item.number for item in CLAIM.items] == [str(number) for number in range(1, 45)]


def test_every_topic_is_known_and_asked_for() -> None:
    asked = {key for one in CHECKLISTS for item in one.items for key in item.topics}

    assert asked == set(TOPICS)


@pytest.mark.parametrize(
    ("number", "values"),
    [
        ("11", ["31 images of 17 patients", "digest d1", "CC BY 4.0", "Discern phantom"]),
        ("13", ["Nautilus X (17)", "summary/tables/table-1-protocol.csv"]),
        ("14", ["0.5 and 99.5 percentiles", "416 px"]),
        ("15a", ["1,234,567 parameters", "(module 1): yes", "(module 2): no", "version 0.1.0"]),
        (
            "15b",
            ["7 epochs", "5 images a step", "loss literal", "seed 42", "3 train, 1 validation"],
        ),
        (
            "15c",
            [
                "strict",
                "0.31",
                "0.42",
                "0.53",
                f"temperature {load_weights(WEIGHTS).metadata.temperature:g}",
            ],
        ),
        ("18", ["1,500 resamples", "seed 99", "own/metrics.json"]),
        ("21", ["female (9 patients)", shown(0.628), shown(0.529)]),
        ("25", ["51.5 ± 2.0 (Training set (n = 3))", "44.0 ± 3.0 (Test set (n = 2))"]),
        ("26a", ["grade 3: 13", "herniation (sagittal): 21"]),
        ("26b", ["33 discs bulge", shown(0.126)]),
        ("29", ["6 slices of 5 patients", "external: other/metrics.json"]),
        ("30", ["grade 1: 5, 2, 1, 0, 0, 3", "spurious: 2, 0, 0, 0, 0, 0"]),
        ("31", [shown(0.617), shown(0.816), shown(0.322), shown(0.925), shown(0.524)]),
    ],
)
def test_stard_ai_answers_are_those_of_the_files(
    card: dict[str, str], number: str, values: list[str]
) -> None:
    answer = answer_of(card["checklist-stard-ai.md"], number)

    for value in values:
        assert value in answer


@pytest.mark.parametrize(
    ("number", "values"),
    [
        ("27", ["Two networks", "1.5 widths of its box in 96 x 64 px", "50% of the weight"]),
        ("20", ["By patient: 0 patients in more than one part", "172 training patients"]),
        ("23", ["discern 0.1.0, torch 2.13.0", "manifest.json"]),
        ("25", ["4,321 seconds", "Abacus 9", "3 threads"]),
        ("32", ["13 slices of 11 patients", "not seen"]),
        ("36", ["51.5", "54", "grade 5: 15"]),
        ("39", ["more than one grade: 2; missed: 4; spurious: 2"]),
        ("40", ["herniation (axial, synthetic)", "herniation (sagittal, derived)"]),
        ("40", ["sex female (9)"]),
    ],
)
def test_claim_answers_are_those_of_the_files(
    card: dict[str, str], number: str, values: list[str]
) -> None:
    answer = answer_of(card["checklist-claim.md"], number)

    for value in values:
        assert value in answer


@pytest.mark.parametrize("number", ["13", "14", "15a", "15b", "26a", "30", "31"])
def test_no_placeholder_stands_where_the_files_have_the_value(
    card: dict[str, str], number: str
) -> None:
    answer = answer_of(card["checklist-stard-ai.md"], number)

    assert "(filled)" in answer
    assert "[WRITE:" not in answer


def test_the_model_card_says_what_is_known_of_the_weights(card: dict[str, str]) -> None:
    text = card["MODEL_CARD.md"]

    assert "Research use only" in text
    assert re.search(r"Pfirrmann 1, 2, 3, 4, 5 +\| sagittal \| real", text)
    assert re.search(r"herniation +\| sagittal \| derived", text)
    assert re.search(r"high-intensity zone +\| axial +\| synthetic", text)
    assert "SHA-256" in text
    assert "female *" in text
    assert "The evaluated data set is the one trained on" in text


def test_each_figure_of_the_card_is_that_of_metrics_json(card: dict[str, str]) -> None:
    pfirrmann = METRICS["slice_wise"]["pfirrmann"]
    for item in pfirrmann.values():
        if "value" in item:
            assert f"| {shown(item['value'])}" in card["MODEL_CARD.md"]
    assert "hiz" not in card["MODEL_CARD.md"].split("<!-- figures -->")[1].lower()


def test_the_page_shows_the_same_and_loads_nothing(card: dict[str, str]) -> None:
    page = unescape(card["report-card.html"])

    assert "default-src 'none'" in page
    assert shown(0.816) in page
    assert page.count("<mark>[WRITE: ") > 20
    assert "http://" not in page
    assert "src=" not in page


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    places = everything(tmp_path)
    for name in ("a", "b"):
        build_report_card(places, tmp_path / name)

    for name in (*DOCUMENTS, "answers.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert str(tmp_path) not in (tmp_path / "a" / name).read_text()


def test_what_a_person_wrote_is_merged_and_kept(tmp_path: Path) -> None:
    places, out = everything(tmp_path), tmp_path / "out"
    before = build_report_card(places, out)
    template = (out / "answers.toml").read_text()
    assert tomllib.loads(template) == dict.fromkeys(TOPICS, "")
    answers = template.replace('funding = ""', 'funding = "Paid by <nobody>."').replace(
        'subgroups = ""', 'subgroups = """Sex was planned.\nVendor was not."""'
    )
    (out / "answers.toml").write_text(answers)

    after = build_report_card(places, out)

    assert (out / "answers.toml").read_text() == answers
    assert set(before.to_write) - set(after.to_write) == {"funding", "subgroups"}
    for name, number in (("checklist-stard-ai.md", "38"), ("checklist-claim.md", "44")):
        answer = answer_of((out / name).read_text(), number)
        assert "Paid by <nobody>. *(answers.toml)*" in answer
        assert "(filled)" in answer
    variability = answer_of((out / "checklist-stard-ai.md").read_text(), "21")
    assert shown(0.628) in variability
    assert "- Sex was planned.\n  Vendor was not." in variability
    page = (out / "report-card.html").read_text()
    assert "Paid by &lt;nobody&gt;." in page
    assert "<nobody>" not in page


def test_the_command_counts_what_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = write_evaluation(tmp_path / "own", data_digest="another")
    with pytest.raises(SystemExit) as stop:
        run(["report-card", "--evaluation", str(evaluation), "--out", str(tmp_path / "out")])

    assert stop.value.code == 0
    said = capsys.readouterr().out
    left = re.search(r"(\d+) texts remain to be written: (.*)", said)
    assert left is not None
    keys = left.group(2).split(", ")
    assert len(keys) == int(left.group(1))
    assert {"ethics", "training", "demographics"} < set(keys)
    text = (tmp_path / "out" / "checklist-claim.md").read_text()
    assert "(or give a run folder with manifest.json)]" in answer_of(text, "25")
    assert "the one trained on" not in text
    assert set(DOCUMENTS) | {"answers.toml"} == {p.name for p in (tmp_path / "out").iterdir()}


def test_weights_alone_and_a_manifest_alone_are_enough(tmp_path: Path) -> None:
    evaluation = write_evaluation(tmp_path / "own")
    run_folder = write_run(tmp_path / "run")
    named = Places(WEIGHTS, evaluation, manifest=run_folder / "manifest.json")
    build_report_card(named, tmp_path / "a")
    (run_folder / "weights.onnx").unlink()
    build_report_card(Places(run_folder, evaluation), tmp_path / "b")

    assert "1,234,567 parameters" in (tmp_path / "a" / "MODEL_CARD.md").read_text()
    assert (tmp_path / "b" / "MODEL_CARD.md").read_text().startswith("# Model card: mine\n")


def test_the_lesion_network_of_the_weights_is_described(tmp_path: Path) -> None:
    named = Places(WEIGHTS, write_evaluation(tmp_path / "own"))
    build_report_card(named, tmp_path / "out")

    said = "".join((tmp_path / "out" / name).read_text() for name in DOCUMENTS)
    assert "A lesion network alone says: " in said
    assert "128 x 96 px about each disc and of 128 x 128 px about the spine" in said
    assert "Lesion network trained on " in said


def test_a_leaking_split_is_counted(tmp_path: Path) -> None:
    leaking = {"train": ["1", "2"], "validation": [], "test": ["2"]}
    run_folder = write_run(tmp_path / "run", split=leaking)
    build_report_card(Places(run_folder, write_evaluation(tmp_path / "own")), tmp_path / "out")

    assert "1 patient in more than one part" in (tmp_path / "out/checklist-claim.md").read_text()


def test_an_external_evaluation_of_the_same_data_is_called_what_it_is(tmp_path: Path) -> None:
    run_folder, own = write_run(tmp_path / "run"), write_evaluation(tmp_path / "own")
    for name, digest in (("same", "d1"), ("new", "d2")):
        other = write_evaluation(tmp_path / name, patients=5, data_digest=digest)
        build_report_card(Places(run_folder, own, external=other), tmp_path / f"{name}-out")

        card = (tmp_path / f"{name}-out" / "MODEL_CARD.md").read_text()
        assert ("not external" in card) is (name == "same")


def test_figures_of_discs_found_are_not_quoted_where_too_few_were_found() -> None:
    poor = {**METRICS["slice_wise"]["pfirrmann"], "disc_recall": figure(0.9)}
    document = {**METRICS, "slice_wise": {"pfirrmann": poor}}

    text = figures_markdown({"good": Evaluation("a", METRICS), "poor": Evaluation("b", document)})

    rows = [re.split(r" *\| *", line) for line in text.splitlines() if line.startswith("|")]
    cells = {row[1]: row[2:4] for row in rows}
    assert cells["Kappa, quadratic weights"] == [shown(0.816), "not quoted"]
    assert cells["Within one grade, of discs found"] == [shown(0.914), "not quoted"]
    assert cells["Same grade, of all discs"] == [shown(0.617), shown(0.617)]
    assert cells["Herniation, sagittal, recall at IoU 0.5"] == [shown(0.423), "-"]
    assert rows[0][2:4] == ["good (11 patients, 13 slices)", "poor (11 patients, 13 slices)"]


def test_figures_replace_what_stood_between_the_markers() -> None:
    block = figures_markdown({"t2": Evaluation("t2", METRICS)})
    card = "# Card\n\n<!-- figures -->\nold\n<!-- /figures -->\n\nLimits.\n"

    once = replace_figures(card, block)

    assert once == f"# Card\n\n{block}\n\nLimits.\n"
    assert replace_figures(once, block) == once
    for broken in ("# Card\n", "<!-- /figures -->\n<!-- figures -->\n", card + card):
        with pytest.raises(UsageError, match="one line <!-- figures -->"):
            replace_figures(broken, block)
