"""Bad input of ``discern report-card``: a message with file and remedy, exit 2, no output."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from report_card_cases import WEIGHTS, write_evaluation, write_run, write_summary

from discern.cli.main import run

Arguments = list[str]


def own(folder: Path) -> Arguments:
    return ["--evaluation", str(write_evaluation(folder / "own"))]


def no_metrics(folder: Path) -> Arguments:
    (folder / "own").mkdir()
    return ["--evaluation", str(folder / "own")]


def other_schema(folder: Path) -> Arguments:
    return ["--evaluation", str(write_evaluation(folder / "own", schema="discern.metrics/9"))]


def not_json(folder: Path) -> Arguments:
    (write_evaluation(folder / "own") / "metrics.json").write_text("{")
    return ["--evaluation", str(folder / "own")]


def a_list(folder: Path) -> Arguments:
    (write_evaluation(folder / "own") / "metrics.json").write_text("[]")
    return ["--evaluation", str(folder / "own")]


def without_parts(folder: Path) -> Arguments:
    document = {"schema": "discern.metrics/1", "patients": 3}
    (write_evaluation(folder / "own") / "metrics.json").write_text(json.dumps(document))
    return ["--evaluation", str(folder / "own")]


def without_grades(folder: Path) -> Arguments:
    return ["--evaluation", str(write_evaluation(folder / "own", slice_wise={}))]


def empty_run(folder: Path) -> Arguments:
    (folder / "run").mkdir()
    return [str(folder / "run"), *own(folder)]


def not_weights(folder: Path) -> Arguments:
    (folder / "weights.onnx").write_text("no network")
    return [str(folder / "weights.onnx"), *own(folder)]


def evaluation_of_other_weights(folder: Path) -> Arguments:
    other = write_evaluation(folder / "own", weights_sha256="0" * 64)
    return [str(WEIGHTS), "--evaluation", str(other)]


def weights_of_another_run(folder: Path) -> Arguments:
    return [str(write_run(folder / "run", weights_sha256="0" * 64)), *own(folder)]


def another_manifest(folder: Path) -> Arguments:
    return [str(write_run(folder / "run", schema="discern.run/9")), *own(folder)]


def damaged_manifest(folder: Path) -> Arguments:
    return [str(write_run(folder / "run", configuration={"toml": "epochs ="})), *own(folder)]


def manifest_without_hardware(folder: Path) -> Arguments:
    return [str(write_run(folder / "run", hardware={})), *own(folder)]


def no_manifest(folder: Path) -> Arguments:
    return [str(WEIGHTS), "--manifest", str(folder / "absent.json"), *own(folder)]


def the_same_twice(folder: Path) -> Arguments:
    return [*own(folder), "--external", str(write_evaluation(folder / "again"))]


def no_summary(folder: Path) -> Arguments:
    return [*own(folder), "--summary", str(folder / "own")]


def ragged_summary(folder: Path) -> Arguments:
    summary = write_summary(folder / "summary")
    (summary / "tables" / "table-1-protocol.csv").write_text("a,b\nc\n")
    return [*own(folder), "--summary", str(summary)]


def unknown_answer(folder: Path) -> Arguments:
    (folder / "mine.toml").write_text('fundng = "nobody"\n')
    return [*own(folder), "--answers", str(folder / "mine.toml")]


def strange_answer(folder: Path) -> Arguments:
    (folder / "mine.toml").write_text('xyzzy = "nobody"\n')
    return [*own(folder), "--answers", str(folder / "mine.toml")]


def answer_of_another_type(folder: Path) -> Arguments:
    (folder / "mine.toml").write_text("funding = 3\n")
    return [*own(folder), "--answers", str(folder / "mine.toml")]


def answers_not_toml(folder: Path) -> Arguments:
    (folder / "mine.toml").write_text("funding = nobody\n")
    return [*own(folder), "--answers", str(folder / "mine.toml")]


def no_answers(folder: Path) -> Arguments:
    return [*own(folder), "--answers", str(folder / "absent.toml")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (no_metrics, "own/metrics.json: cannot be read"),
        (other_schema, "schema is 'discern.metrics/9', not 'discern.metrics/1'; evaluate again"),
        (not_json, "own/metrics.json: not JSON"),
        (a_list, "own/metrics.json: not a JSON object"),
        (without_parts, "images, bootstrap, operating_point missing; evaluate again"),
        (without_grades, "own/metrics.json: no slice_wise.pfirrmann; evaluate again"),
        (empty_run, "run: neither weights.onnx nor manifest.json there"),
        (not_weights, "weights.onnx: damaged, or not an ONNX network"),
        (weights_of_another_run, "give weights and manifest of the same run"),
        (evaluation_of_other_weights, "own/metrics.json was predicted by other weights"),
        (another_manifest, "manifest.json: schema is 'discern.run/9'"),
        (damaged_manifest, "manifest.json: its configuration cannot be read"),
        (manifest_without_hardware, "manifest.json: no hardware.processor, hardware.threads"),
        (no_manifest, "absent.json: cannot be read"),
        (the_same_twice, "--external names the same evaluation"),
        (no_summary, "own/tables/table-1-protocol.csv: cannot be read"),
        (ragged_summary, "table-1-protocol.csv: not a table"),
        (unknown_answer, "mine.toml: unknown item 'fundng'; did you mean 'funding'?"),
        (strange_answer, "mine.toml: unknown item 'xyzzy'; known are title, abstract"),
        (answer_of_another_type, "mine.toml: funding must be text"),
        (answers_not_toml, "mine.toml: not TOML"),
        (no_answers, "absent.toml: cannot be read"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: Callable[[Path], Arguments],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(["report-card", *given(tmp_path), "--out", str(tmp_path / "out")])

    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert str(tmp_path) not in said
    assert not (tmp_path / "out").exists()
