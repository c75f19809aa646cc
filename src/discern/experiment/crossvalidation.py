"""Cross-validation of one configuration, and weights trained on everyone that inherit its figures.

Every patient is predicted by a network that has not seen them. Temperature and figures come from
those pooled predictions (accuracy protocol: patients are never in training and test at once).
"""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, read_split
from discern.errors import DatasetError
from discern.evaluation.outcomes import grade_outcome, is_graded
from discern.evaluation.predictions import Predictions, predictions_json, read_predictions
from discern.experiment.estimate import estimated_minutes
from discern.experiment.runs import (
    Run,
    Workshop,
    execute,
    pending,
    pooled_predictions,
    runs_of,
    trained,
)
from discern.experiment.studies import Arm
from discern.inference.evaluate import EvaluationJob, run_job
from discern.outputs import check_folder, write_files
from discern.training.config import TrainingConfig
from discern.training.validation import fit_temperature
from discern.weights import OperatingPoint, embed, load_weights

_LOG = logging.getLogger(__name__)
PREDICTIONS, WEIGHTS = "predictions.json", "weights.onnx"


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """One run of ``discern train --folds``.

    Attributes:
        splits: One per fold; every patient is in the test part of exactly one.
        everyone: Train on every patient afterwards.
        jobs: Trainings at a time; 0 means one for each core.
    """

    splits: tuple[Split, ...]
    everyone: bool = False
    jobs: int = 0


def run_cross_validation(
    job: CrossValidation, config: TrainingConfig, dataset: Dataset, out: Path
) -> str:
    """Train what is missing, evaluate the pooled predictions; return what to read.

    ``out`` gets ``ledger.csv``, ``predictions.json``, ``evaluation/`` and, for everyone,
    ``weights.onnx``.

    Raises:
        TrainingError: A training failed; finished ones are kept, the same call goes on.
        OutputError: The folder cannot be written.
    """
    check_folder(out)
    workshop = Workshop(dataset, out, "cross-validation", job.jobs or os.cpu_count() or 1)
    predictions = cross_validate(config, workshop, job.splits)
    evaluation = EvaluationJob(dataset.folder, predictions=predictions)
    table = run_job(evaluation, out / "evaluation")
    if not job.everyone:
        return table
    weights = train_on_everyone(config, workshop, read_predictions(predictions))
    return f"{table}\nweights: {weights}"


def read_fold_splits(folder: Path, dataset: Dataset) -> tuple[Split, ...]:
    """Read the split files in ``folder``, one per fold, by name.

    Raises:
        DatasetError: One of them is no split of ``dataset``, or their test parts are not a
            division of its patients.
    """
    splits = tuple(read_split(path, dataset) for path in sorted(folder.glob("*.json")))
    tested = sorted(patient for split in splits for patient in split.test)
    if tested != list(dataset.patients):
        raise DatasetError(
            f"{folder.name}: every patient must be in the test part of exactly one of its "
            f"{len(splits)} split files; make them with discern dataset split --folds"
        )
    return splits


def cross_validate(config: TrainingConfig, workshop: Workshop, splits: tuple[Split, ...]) -> Path:
    """Train and predict every fold; return ``out/predictions.json``, the pooled predictions.

    Raises:
        TrainingError: A fold failed; finished ones are kept and the same call goes on.
    """
    arm = Arm(config.name, "", config, splits)
    runs = runs_of([arm], [config.seed])
    waiting = pending(runs, workshop)
    if waiting:
        minutes = estimated_minutes(waiting, workshop)
        _LOG.info("%d of %d folds to train, about %.0f minutes", len(waiting), len(runs), minutes)
        execute(runs, workshop)
    pooled = pooled_predictions(runs, workshop)
    write_files(workshop.out, {PREDICTIONS: predictions_json(pooled).encode()})
    return workshop.out / PREDICTIONS


def train_on_everyone(config: TrainingConfig, workshop: Workshop, pooled: Predictions) -> Path:
    """Train on every patient; return ``out/weights.onnx`` with the temperature of ``pooled``."""
    dataset = workshop.dataset
    everyone = Split(dataset.digest, dataset.patients, (), ())
    run = Run(Arm(config.name, "every patient", config, (everyone,)), config.seed, 1)
    final = load_weights(trained(run, workshop))
    described = replace(final.metadata, temperature=pooled_temperature(dataset, pooled))
    network = onnx.load_model_from_string(final.onnx_bytes)
    write_files(workshop.out, {WEIGHTS: embed(network, described)})
    return workshop.out / WEIGHTS


def pooled_temperature(dataset: Dataset, pooled: Predictions) -> float:
    """Return the temperature that makes the true grades of all held-out discs most likely."""
    least = OperatingPoint().grade_score
    outcomes = [
        grade_outcome(t, [box for box in pooled[t.image] if box.score >= least])
        for t in dataset.truths
        if is_graded(t)
    ]
    return round(fit_temperature(outcomes), 4)
