"""Ultralytics' networks trained from scratch on the same folds and patients, as the public peer.

    python bench/public_peers.py ../shared/data/spider-lumbar --fold-files docs/results/splits \
        --out peers --models yolov5n yolo11s --epochs 60 --size 416 --python PEER_PYTHON

Ultralytics is AGPL: it lives in a Python environment of its own (``--python``), is started as
another process (``bench/peer_worker.py``) and never imported here. The peer is given the real
images and boxes that ``discern train`` is given: every image of the fold's training and
validation patients, five grades and herniation. It knows no ignored places, so a herniation that
nobody boxed and an ungraded top disc count as background for it.

``OUT/MODEL.json`` has the pooled out-of-fold predictions (``discern.predictions/1``),
``OUT/ledger.csv`` a row for each fold. Finished folds lie in ``OUT/runs`` and are not trained
again; the same command goes on where it was stopped.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from discern.annotations import GroundTruth
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import Split, read_fold_splits
from discern.decisions import OperatingPoint
from discern.evaluation.comparison import ComparisonOptions, compare
from discern.evaluation.comparison_tables import paired_table
from discern.evaluation.headlines import HEADLINES, grade_confusion, tally
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    predictions_json,
    read_predictions,
)
from discern.evaluation.table_formats import table_text
from discern.experiment.ledger import LEDGER, split_digest
from discern.inference.evaluate import Selection, selected_truths
from discern.outputs import write_files
from discern.spine import LABELS, Label

CLASSES = tuple(label for label in LABELS if label is not Label.HIZ)
"""HIZ occurs in no image of SPIDER."""

ELSEWHERE = ("threads", "device")
"""Of a budget: what may differ between the folds of one peer."""

WORKER = Path(__file__).parent / "peer_worker.py"
PREDICTIONS, FACTS, JOB = "predictions.json", "facts.json", "job.json"
PRIMARY = Selection(images="*_t2_mid", discs=(1, 6))
FIGURES = ("disc_recall", "exact", "within_one", "kappa_linear", "kappa_quadratic")


@dataclass(frozen=True, slots=True)
class Budget:
    """What every fold of every peer is given.

    Attributes:
        epochs: Passes over the training images.
        minutes: Most minutes of each training, 0 for no limit; overrides the epochs.
        size_px: Input size.
        batch: Images a step.
        seed: Of weights, order and augmentation.
        threads: Of each training.
        device: "cpu", or the number of a GPU.
    """

    epochs: int
    minutes: float
    size_px: int
    batch: int
    seed: int
    threads: int
    device: str


@dataclass(frozen=True, slots=True)
class Run:
    """One peer on one fold (from 1), in a folder of its own."""

    model: str
    fold: int
    split: Split
    folder: Path

    @property
    def done(self) -> bool:
        """Whether both files of the worker are there."""
        return all((self.folder / name).is_file() for name in (PREDICTIONS, FACTS))


@dataclass(frozen=True, slots=True)
class Row:
    """One finished fold in the ledger; figures as in ``discern.experiment.ledger``."""

    run: str
    study: str
    arm: str
    seed: int
    fold: int
    folds: int
    data_digest: str
    split_digest: str
    train_patients: int
    test_patients: int
    epochs: int
    image_size_px: int
    batch_size: int
    parameters: int
    train_seconds: float
    threads: int
    device: str
    torch: str
    ultralytics: str
    weights_sha256: str
    disc_recall: float
    exact: float
    within_one: float
    kappa_quadratic: float


def yolo_lines(truth: GroundTruth) -> str:
    """Return the boxes as lines of class, centre and size, in shares of the image.

    Boxes of labels that are not annotated on this image are left out, as in training.
    """
    rows, columns = truth.shape_px
    lines = []
    for box in truth.boxes:
        if box.label in truth.annotated and box.label in CLASSES:
            x1, y1, x2, y2 = box.box_xyxy_px
            center = (x1 + x2) / 2 / columns, (y1 + y2) / 2 / rows
            size = (x2 - x1) / columns, (y2 - y1) / rows
            shares = " ".join(f"{value:.6f}" for value in (*center, *size))
            lines.append(f"{CLASSES.index(box.label)} {shares}\n")
    return "".join(lines)


def write_data(dataset: Dataset, out: Path) -> Path:
    """Copy every image and write its labels as the peer reads them; return the folder."""
    folder = out / "data"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    files = image_files(dataset.folder)
    for truth in dataset.truths:
        shutil.copyfile(files[truth.image], folder / "images" / files[truth.image].name)
        labels = folder / "labels" / f"{truth.image}.txt"
        labels.write_text(yolo_lines(truth), encoding="utf-8")
    return folder


def write_job(run: Run, dataset: Dataset, data: Path, budget: Budget) -> Path:
    """Write what the worker is to do into the folder of the run."""
    run.folder.mkdir(parents=True, exist_ok=True)
    for part in ("images", "labels"):  # links, so that trainings side by side share no cache file
        if not (run.folder / part).is_symlink():
            (run.folder / part).symlink_to((data / part).resolve())
    names = {stem: path.name for stem, path in image_files(dataset.folder).items()}

    def images(patients: Sequence[str]) -> list[str]:
        truths = dataset.of_patients(patients)
        folder = run.folder.absolute() / "images"
        return [str(folder / names[truth.image]) for truth in truths]

    training = images((*run.split.train, *run.split.validation))
    (run.folder / "train.txt").write_text("\n".join(training) + "\n", encoding="utf-8")
    (run.folder / "unused.txt").write_text(training[0] + "\n", encoding="utf-8")
    described = {
        "path": str(run.folder.resolve()),
        "train": "train.txt",
        "val": "unused.txt",  # the peer asks for one; it is never looked at
        "names": dict(enumerate(map(str, CLASSES))),
    }
    data_file = run.folder / "data.yaml"  # JSON is YAML
    data_file.write_text(json.dumps(described), encoding="utf-8")
    job = asdict(budget) | {
        "model": run.model,
        "data": str(data_file.resolve()),
        "images": images(run.split.test),
        "classes": list(map(str, CLASSES)),
    }
    (run.folder / JOB).write_text(json.dumps(job, indent=1), encoding="utf-8")
    return run.folder / JOB


def execute(run: Run, job: Path, python: str, threads: int) -> str | None:
    """Train and predict one fold in a process of its own; return what went wrong, if anything."""
    environment = dict(os.environ) | {"OMP_NUM_THREADS": str(threads), "YOLO_OFFLINE": "true"}
    environment |= {"YOLO_CONFIG_DIR": str(run.folder.resolve()), "YOLO_AUTOINSTALL": "false"}
    log = run.folder / "log.txt"
    with log.open("w", encoding="utf-8") as output:
        ended = subprocess.run(
            [python, str(WORKER), str(job.resolve())],
            check=False, stdout=output, stderr=output, env=environment,
        )  # fmt: skip
    failed = bool(ended.returncode) or not run.done
    print(f"{run.model}, fold {run.fold}: {'failed' if failed else 'done'}", flush=True)
    if not failed:
        return None
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    return f"{run.model}, fold {run.fold} failed, see {log}: " + " | ".join(last)


def read_boxes(run: Run) -> Predictions:
    """Return the predictions of a finished fold, scores in the order of ``LABELS``."""
    document = json.loads((run.folder / PREDICTIONS).read_text(encoding="utf-8"))
    return {stem: tuple(map(_box, boxes)) for stem, boxes in document.items()}


def _box(box: dict[str, Any]) -> PredictedBox:
    scores = dict(zip(CLASSES, box["class_scores"], strict=True))
    x1, y1, x2, y2 = box["box_xyxy_px"]
    return PredictedBox(
        label=Label(box["label"]),
        score=box["score"],
        class_scores=tuple(scores.get(label, 0.0) for label in LABELS),
        box_xyxy_px=(x1, y1, x2, y2),
    )


def ledger_row(run: Run, folds: int, dataset: Dataset) -> Row:
    """Return the row of a finished fold; figures over all annotated images of its patients."""
    job = json.loads((run.folder / JOB).read_text(encoding="utf-8"))
    facts: dict[str, Any] = json.loads((run.folder / FACTS).read_text(encoding="utf-8"))
    split = split_digest(run.split)
    decided = [run.model, facts["ultralytics"], split, *(job[f.name] for f in fields(Budget))]
    counts = tally(dataset.of_patients(run.split.test), read_boxes(run), OperatingPoint())
    total = counts.counts.sum(axis=0, keepdims=True)
    figures: dict[str, Any] = {
        key: round(float(HEADLINES[key].statistic(total)[0]), 4)
        for key in FIGURES
        if key != "kappa_linear"
    }
    return Row(
        run=hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:16],
        study="peers",
        arm=run.model,
        seed=job["seed"],
        fold=run.fold,
        folds=folds,
        data_digest=dataset.digest,
        split_digest=split,
        train_patients=len(run.split.train) + len(run.split.validation),
        test_patients=len(run.split.test),
        image_size_px=job["size_px"],
        batch_size=job["batch"],
        threads=job["threads"],
        **facts,
        **figures,
    )


def ledger_text(rows: Sequence[Row]) -> str:
    """Return the rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [one.name for one in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return text.getvalue()


def summary(name: str, truths: Sequence[GroundTruth], predictions: Predictions) -> str:
    """Return one line: the figures of the chosen discs."""
    counts = tally(truths, predictions, OperatingPoint()).counts.sum(axis=0, keepdims=True)
    shown = [f"{key} {HEADLINES[key].statistic(counts)[0]:.3f}" for key in FIGURES]
    discs = int(grade_confusion(counts)[0, :-1].sum())
    return f"{name}: {discs} discs: " + ", ".join(shown)


def report(pooled: dict[str, Predictions], dataset: Dataset, against: Path | None) -> None:
    """Print the figures of every peer, and the paired differences from ``against``."""
    truths = selected_truths(dataset, PRIMARY)
    chosen = {truth.image for truth in truths}

    def of(predictions: Predictions) -> Predictions:
        return {image: boxes for image, boxes in predictions.items() if image in chosen}

    for model, predictions in pooled.items():
        print(summary(model, truths, of(predictions)))
    if against is None:
        return
    other = of(read_predictions(against))
    print(summary(against.stem, truths, other))
    for model, predictions in pooled.items():
        paired = compare(truths, of(predictions), other, ComparisonOptions())
        print(table_text(paired_table(paired, model, against.stem)))


def parsed() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--fold-files", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["yolov5n", "yolo11s"])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=0.0, help="instead of epochs")
    parser.add_argument("--size", type=int, default=416)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", default=sys.executable, help="that has Ultralytics")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--threads", type=int, default=1, help="of each training")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU")
    parser.add_argument("--folds", type=int, nargs="+", help="only these (from 1), for a trial")
    parser.add_argument("--against", type=Path, help="predictions to compare with in pairs")
    return parser.parse_args()


def refuse_mixture(runs: Sequence[Run], budget: Budget) -> None:
    """Make sure that finished folds had the same budget, wherever they were trained.

    Raises:
        SystemExit: One had another.
    """
    wanted = {name: one for name, one in asdict(budget).items() if name not in ELSEWHERE}
    for run in runs:
        if run.done:
            had = json.loads((run.folder / JOB).read_text(encoding="utf-8"))
            other = {name: had[name] for name in wanted if had[name] != wanted[name]}
            if other:
                raise SystemExit(f"{run.folder} was trained with {other}; name another --out")


def train_missing(runs: Sequence[Run], dataset: Dataset, given: argparse.Namespace) -> list[str]:
    """Train and predict the runs that are not finished; return what went wrong."""
    budget = Budget(
        given.epochs, given.minutes, given.size, given.batch, given.seed, given.threads,
        given.device,
    )  # fmt: skip
    refuse_mixture(runs, budget)
    waiting = [run for run in runs if not run.done]
    print(f"{len(waiting)} of {len(runs)} trainings to do, {given.jobs} at a time", flush=True)
    if not waiting:
        return []
    data = write_data(dataset, given.out)
    jobs = [write_job(run, dataset, data, budget) for run in waiting]

    def one(run: Run, job: Path) -> str | None:
        return execute(run, job, given.python, given.threads)

    with ThreadPoolExecutor(given.jobs) as executor:
        return [wrong for wrong in executor.map(one, waiting, jobs) if wrong]


def main() -> None:
    """Train what is missing, pool the peers whose folds are all there, compare."""
    given = parsed()
    dataset = read_dataset(given.dataset)
    splits = read_fold_splits(given.fold_files, dataset)
    runs = [
        Run(model, fold, split, given.out / "runs" / f"{model}-fold-{fold}")
        for fold, split in enumerate(splits, start=1)
        for model in given.models
        if given.folds is None or fold in given.folds
    ]
    wrong = train_missing(runs, dataset, given)
    finished = [run for run in runs if run.done]
    pooled: dict[str, Predictions] = {}
    for model in given.models:
        parts = [read_boxes(run) for run in finished if run.model == model]
        if len(parts) == len(splits):
            pooled[model] = {image: boxes for part in parts for image, boxes in part.items()}
    files = {f"{model}.json": predictions_json(found).encode() for model, found in pooled.items()}
    ledger = ledger_text([ledger_row(run, len(splits), dataset) for run in finished])
    write_files(given.out, files | {LEDGER: ledger.encode()})
    print(ledger)
    report(pooled, dataset, given.against)
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
