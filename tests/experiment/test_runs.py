import csv
from dataclasses import asdict, replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from discern.cli.main import run
from discern.dataset.sources import Dataset
from discern.dataset.splits import read_fold_splits, write_split
from discern.errors import DatasetError, OutputError, TrainingError, UsageError
from discern.evaluation.predictions import PredictedBox, Predictions, read_predictions
from discern.experiment.crossvalidation import (
    CrossValidation,
    run_cross_validation,
)
from discern.experiment.ledger import (
    LEDGER,
    LedgerRow,
    append_row,
    read_ledger,
)
from discern.experiment.pool import Pool
from discern.experiment.runs import Run, Workshop, execute, pending, runs_of
from discern.experiment.studies import (
    Arm,
    Budget,
    Study,
    arms_of,
    held_out_splits,
)
from discern.experiment.study import StudyJob, run_study
from discern.spine import GRADE_LABELS, LABELS
from discern.weights import load_weights
from four_images import AUGMENTED, write_four_images

ONE_EPOCH = replace(AUGMENTED, epochs=1, validate_every=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("four") / "four")


def _row(run: Run) -> LedgerRow:
    return LedgerRow(
        run=run.key, study="test", arm=run.arm.name, seed=run.seed, fold=run.fold, folds=2,
        config_digest="c", data_digest="d", split_digest="s", train_patients=2, test_patients=2,
        epochs=1, image_size_px=64, batch_size=4, parameters=1, train_seconds=1.5, threads=1,
        processor="a processor, with a comma", torch="2", discern="0", weights_sha256="w",
        disc_recall=1.0, exact=0.5, within_one=1.0, kappa_quadratic=0.25,
    )  # fmt: skip


def _answers(dataset: Dataset, run: Run) -> Predictions:
    """The truth of the test patients, every grade 5 of the even seeds called 4."""
    answers = {}
    for truth in dataset.of_patients(run.split.test):
        boxes = []
        for box in truth.boxes:
            grade = GRADE_LABELS.index(box.label)
            said = grade - (grade == 4 and "module" in run.arm.name)
            scores = tuple(0.9 if i == said else 0.01 for i in range(len(LABELS)))
            boxes.append(PredictedBox(LABELS[said], 0.9, scores, box.box_xyxy_px))
        answers[truth.image] = tuple(boxes)
    return answers


def _finish(runs: list[Run], workshop: Workshop) -> None:
    for one in runs:
        Pool(workshop.out).add(one.key, _answers(workshop.dataset, one))
        append_row(workshop.out / LEDGER, _row(one))


@pytest.mark.slow
def test_cross_validation_predicts_everybody_out_of_fold(dataset: Dataset, tmp_path: Path) -> None:
    job = CrossValidation(held_out_splits(dataset, 2), everyone=True, jobs=1)
    run_cross_validation(job, ONE_EPOCH, dataset, tmp_path)
    rows = list(read_ledger(tmp_path / LEDGER).values())
    assert [(row.fold, row.folds, row.test_patients) for row in rows] == [(1, 2, 2), (2, 2, 2)]
    pooled = read_predictions(tmp_path / "predictions.json")
    assert set(pooled) == {truth.image for truth in dataset.truths}
    assert (tmp_path / "evaluation" / "metrics.json").is_file()
    final = load_weights(tmp_path / "weights.onnx").metadata
    assert len(final.training_patients) == 4
    written = (tmp_path / "predictions.json").read_bytes()
    folders = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/weights.onnx")}

    run_cross_validation(job, ONE_EPOCH, dataset, tmp_path)

    assert (tmp_path / "predictions.json").read_bytes() == written
    assert folders == {path: path.stat().st_mtime_ns for path in folders}
    assert len(read_ledger(tmp_path / LEDGER)) == 2


@pytest.mark.slow
def test_a_failed_training_names_its_log(dataset: Dataset, tmp_path: Path) -> None:
    arm = Arm("broken", "", replace(ONE_EPOCH, batch_size=4), held_out_splits(dataset, 2)[:1])
    runs = runs_of([arm], [0])
    folder = tmp_path / "runs" / runs[0].key
    folder.mkdir(parents=True)
    (folder / "last.ckpt").write_bytes(b"damaged")
    with pytest.raises(TrainingError, match=rf"runs/{runs[0].key}/log\.txt"):
        execute(runs, Workshop(dataset, tmp_path, "test"))
    assert not (tmp_path / LEDGER).exists()


def test_finished_runs_are_skipped_and_lost_predictions_are_not(
    dataset: Dataset, tmp_path: Path
) -> None:
    workshop = Workshop(dataset, tmp_path, "test")
    runs = runs_of([Arm("one", "", ONE_EPOCH, held_out_splits(dataset, 2))], [0, 1])
    assert [(one.seed, one.fold) for one in runs] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert pending(runs, workshop) == runs
    _finish(runs[:3], workshop)
    assert pending(runs, workshop) == runs[3:]
    (tmp_path / "predictions" / f"{runs[1].key}.json").unlink()
    assert pending(runs, workshop) == [runs[1], runs[3]]


def test_the_ledger_reads_back_and_refuses_what_is_none(dataset: Dataset, tmp_path: Path) -> None:
    run_ = Run(Arm("one", "", ONE_EPOCH, held_out_splits(dataset, 2)), 0, 1)
    ledger = tmp_path / LEDGER
    append_row(ledger, _row(run_))
    assert read_ledger(ledger) == {run_.key: _row(run_)}
    text = ledger.read_text()
    ledger.write_text(text.replace(",1.5,", ",slow,"))
    with pytest.raises(DatasetError, match=r"ledger\.csv: a damaged row"):
        read_ledger(ledger)
    ledger.write_text("run,study\n")
    with pytest.raises(DatasetError, match="not a ledger of this version"):
        read_ledger(ledger)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        append_row(tmp_path / "file" / LEDGER, _row(run_))


def test_tables_are_rebuilt_from_the_predictions_alone(dataset: Dataset, tmp_path: Path) -> None:
    budget = Budget(epochs=13, image_size_px=64)
    job = StudyJob(Study.ABLATION, budget, folds=2, seeds=(0, 1), tables_only=True)
    with pytest.raises(UsageError, match="20 of 20 runs are not finished"):
        run_study(job, dataset, tmp_path)
    workshop = Workshop(dataset, tmp_path, "ablation")
    arms = arms_of(Study.ABLATION, dataset, budget, 2)
    finalists = [arm for arm in arms if arm.name in {"yolov5", "paper"}]
    _finish([*runs_of(arms, [0]), *runs_of(finalists, [1])], workshop)

    text = run_study(job, dataset, tmp_path)

    assert "module-1-control" in text
    with (tmp_path / "tables" / "ablation.csv").open(newline="") as opened:
        rows = {row["Arm"]: row for row in csv.DictReader(opened)}
    assert float(rows["yolov5"]["Same grade, of discs found"]) == 1
    truth = [box.label for one in dataset.truths for box in one.boxes]
    wrong = sum(label is GRADE_LABELS[4] for label in truth) / len(truth)
    assert float(rows["module-1"]["Same grade, of discs found"]) == pytest.approx(1 - wrong)
    with (tmp_path / "tables" / "ablation-differences.csv").open(newline="") as opened:
        differences = {row["Arm"]: row for row in csv.DictReader(opened)}
    assert float(differences["module-1"]["Difference"]) == pytest.approx(-wrong, abs=0.5)
    assert (tmp_path / "figures" / "ablation.svg").is_file()
    assert (tmp_path / "tables" / "finalists-seeds.tex").is_file()
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*") if path.is_file()}
    run_study(job, dataset, tmp_path)
    assert before == {path: path.read_bytes() for path in before}


def test_the_learning_curve_is_drawn(dataset: Dataset, tmp_path: Path) -> None:
    budget = Budget(epochs=4, image_size_px=64)
    job = StudyJob(Study.LEARNING_CURVE, budget, folds=2, tables_only=True)
    arms = arms_of(Study.LEARNING_CURVE, dataset, budget, 2)
    _finish(runs_of(arms, [0]), Workshop(dataset, tmp_path, "learning-curve"))
    assert "yolov5-50-percent" in run_study(job, dataset, tmp_path)
    assert (tmp_path / "figures" / "learning-curve.png").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--everyone"], "--everyone needs --folds"),
        (["--folds", "2", "--split", "s.json"], "exclude each other"),
        (["--repeat", "m.json", "--epochs", "3"], "leave them out"),
        (["--folds", "9"], "9 folds: choose 2 to 4"),
    ],
)
def test_options_that_contradict_each_other(
    dataset: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["train", str(dataset.folder), "--out", str(tmp_path / "run"), *options])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_folds_of_ones_own_must_divide_the_patients(dataset: Dataset, tmp_path: Path) -> None:
    first, second = held_out_splits(dataset, 2)
    write_split(first, tmp_path / "fold-1.json")
    with pytest.raises(DatasetError, match="exactly one of its 1 split files"):
        read_fold_splits(tmp_path, dataset)
    write_split(second, tmp_path / "fold-2.json")
    assert read_fold_splits(tmp_path, dataset) == (first, second)


def test_every_field_of_a_row_is_a_column(dataset: Dataset) -> None:
    run_ = Run(Arm("one", "", ONE_EPOCH, held_out_splits(dataset, 2)), 0, 1)
    assert list(asdict(_row(run_))) == list(LedgerRow.__dataclass_fields__)
