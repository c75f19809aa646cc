"""Every run of a study, each in a process of its own, some at a time; finished ones are skipped."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from discern import __version__
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, write_split
from discern.errors import TrainingError
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import PredictedBox, Predictions
from discern.experiment.ledger import (
    LEDGER,
    LedgerRow,
    append_row,
    read_ledger,
    run_key,
    split_digest,
)
from discern.experiment.pool import Pool
from discern.experiment.studies import Arm
from discern.inference.evaluate import predict_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.training.config import TrainingConfig
from discern.training.manifest import MANIFEST, parameters_of, read_circumstances
from discern.training.validation import validation_metrics
from discern.weights import load_weights

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """One training: an arm, a seed and a fold (from 1)."""

    arm: Arm
    seed: int
    fold: int

    @property
    def config(self) -> TrainingConfig:
        """The configuration of the arm with the seed of the run."""
        return replace(self.arm.config, seed=self.seed)

    @property
    def split(self) -> Split:
        """The split of the fold."""
        return self.arm.splits[self.fold - 1]

    @property
    def key(self) -> str:
        """What the ledger knows the run by."""
        return run_key(self.config, self.split)

    @property
    def name(self) -> str:
        """For people: arm, seed and fold."""
        return f"{self.arm.name}, seed {self.seed}, fold {self.fold} of {len(self.arm.splits)}"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where the runs of all studies live, and how many are trained at a time.

    Attributes:
        dataset: Data set, read.
        out: Folder of ledger and pooled predictions; the run folders lie in ``out/runs``.
        study: Name for the ledger.
        jobs: Trainings at a time.
        threads: Of each training.
    """

    dataset: Dataset
    out: Path
    study: str
    jobs: int = 1
    threads: int = 1


def runs_of(arms: Iterable[Arm], seeds: Sequence[int]) -> list[Run]:
    """Return every run, seed by seed and fold by fold, so that all arms advance together."""
    arms = list(arms)
    folds = max(len(arm.splits) for arm in arms)
    return [
        Run(arm, seed, fold)
        for seed in seeds
        for fold in range(1, folds + 1)
        for arm in arms
        if fold <= len(arm.splits)
    ]


def pending(runs: Sequence[Run], workshop: Workshop) -> list[Run]:
    """Return the runs without a row in the ledger or without their predictions, each key once."""
    ledger, pool = read_ledger(workshop.out / LEDGER), Pool(workshop.out)
    open_: dict[str, Run] = {}
    for run in runs:
        if run.key not in ledger or not pool.holds(run.key):
            open_.setdefault(run.key, run)
    return list(open_.values())


def execute(runs: Sequence[Run], workshop: Workshop) -> None:
    """Train and predict every pending run; ledger and predictions grow with each that finishes.

    Raises:
        TrainingError: A training failed; the message names its log. The others are finished and
            kept, and the same command goes on where this one stopped.
    """
    waiting = pending(runs, workshop)
    writing, started = threading.Lock(), time.monotonic()
    done = 0

    def one(run: Run) -> None:
        nonlocal done
        row, predictions = _train_and_predict(run, workshop)
        with writing:
            Pool(workshop.out).add(run.key, predictions)
            append_row(workshop.out / LEDGER, row)
            done += 1
            left = (time.monotonic() - started) / done * (len(waiting) - done) / 60
            _LOG.info(
                "%d of %d: %s: recall %.3f exact %.3f kappa %.3f; about %.0f minutes left",
                done, len(waiting), run.name, row.disc_recall, row.exact, row.kappa_quadratic, left,
            )  # fmt: skip

    with ThreadPoolExecutor(workshop.jobs) as executor:
        try:
            for finished in [executor.submit(one, run) for run in waiting]:
                finished.result()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def pooled_predictions(runs: Sequence[Run], workshop: Workshop) -> Predictions:
    """Return the predictions of all test patients of ``runs``, which are the folds of one arm."""
    pool = Pool(workshop.out)
    together: dict[str, tuple[PredictedBox, ...]] = {}
    for run in runs:
        together |= pool.read(run.key)
    return together


def trained(run: Run, workshop: Workshop) -> Path:
    """Return the weights file of a run, trained now unless it is there already.

    Raises:
        TrainingError: The training failed; the message names its log.
    """
    folder = workshop.out / "runs" / run.key
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "weights.onnx").is_file():
        _train(run, folder, workshop)
    return folder / "weights.onnx"


def _train_and_predict(run: Run, workshop: Workshop) -> tuple[LedgerRow, Predictions]:
    weights_file = trained(run, workshop)
    weights, how = load_weights(weights_file), read_circumstances(weights_file.with_name(MANIFEST))
    truths = workshop.dataset.of_patients(run.split.test)
    predictor = OpenVinoPredictor(weights)
    predictions = predict_images(workshop.dataset, truths, predictor, weights.metadata)
    point = weights.metadata.operating_point("default")
    figures = validation_metrics(
        [
            grade_outcome(t, [b for b in predictions[t.image] if b.score >= point.grade_score])
            for t in truths
            if is_graded(t)
        ]
    )
    config = run.config
    row = LedgerRow(
        run=run.key,
        study=workshop.study,
        arm=run.arm.name,
        seed=run.seed,
        fold=run.fold,
        folds=len(run.arm.splits),
        config_digest=config.digest,
        data_digest=workshop.dataset.digest,
        split_digest=split_digest(run.split),
        train_patients=len(run.split.train),
        test_patients=len(run.split.test),
        epochs=config.epochs,
        image_size_px=config.preprocessing.size_px,
        batch_size=config.batch_size,
        parameters=parameters_of(config),
        train_seconds=how.seconds,
        threads=how.threads,
        processor=how.processor,
        torch=how.torch,
        discern=__version__,
        weights_sha256=weights.sha256,
        disc_recall=round(figures.disc_recall, 4),
        exact=round(figures.exact, 4),
        within_one=round(figures.within_one, 4),
        kappa_quadratic=round(figures.kappa_quadratic, 4),
    )
    return row, predictions


def _train(run: Run, folder: Path, workshop: Workshop) -> None:
    """Train in a process of its own, going on from its last epoch where one was interrupted."""
    config, split, log = folder / "arm.toml", folder / "arm-split.json", folder / "log.txt"
    config.write_text(run.config.to_toml(), encoding="utf-8")
    write_split(run.split, split)
    words = [
        *(sys.executable, "-m", "discern", "train", workshop.dataset.folder),
        *("--config", config, "--split", split, "--out", folder, "--workers", 0),
        *(["--resume"] if (folder / "last.ckpt").is_file() else []),
    ]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": str(workshop.threads)}
    with log.open("a", encoding="utf-8") as output:
        ended = subprocess.run(  # noqa: S603 - our own command
            [str(word) for word in words],
            check=False, stdout=output, stderr=output, env=environment,
        )  # fmt: skip
    if ended.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise TrainingError(
            f"{run.name}: training ended with status {ended.returncode} ({''.join(last)}); its log "
            f"is runs/{run.key}/log.txt. Finished runs are kept: remove the cause and run again"
        )
