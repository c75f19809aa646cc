"""Cross-validation of one configuration, and weights trained on everyone that inherit its figures.

Every patient is predicted by a network that has not seen them. Calibration and figures come from
those pooled predictions (accuracy protocol: patients are never in training and test at once).
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from discern.calibration.embedding import calibrated_weights
from discern.calibration.fit import CalibrationOptions, calibrate
from discern.calibration.points import DEFAULT
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split
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
from discern.inference.evaluate import EvaluationJob, material_of, run_job
from discern.outputs import check_folder, write_files
from discern.training.config import TrainingConfig
from discern.weights import load_weights

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
    pooled = read_predictions(predictions)
    weights = train_on_everyone(config, workshop, pooled, job.splits)
    return f"{table}\nweights: {weights}"


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


def train_on_everyone(
    config: TrainingConfig, workshop: Workshop, pooled: Predictions, splits: tuple[Split, ...]
) -> Path:
    """Train on every patient; return ``out/weights.onnx`` calibrated on ``pooled``.

    The figures of the calibration are those of ``discern calibrate``.
    """
    dataset = workshop.dataset
    everyone = Split(dataset.digest, dataset.patients, (), ())
    run = Run(Arm(config.name, "every patient", config, (everyone,)), config.seed, 1)
    final = load_weights(trained(run, workshop))
    options = CalibrationOptions(default=final.metadata.operating_point(DEFAULT))
    material = material_of(dataset, dataset.truths, pooled)
    fitted = calibrate(material, [split.test for split in splits], options)
    write_files(workshop.out, {WEIGHTS: calibrated_weights(final, fitted)})
    return workshop.out / WEIGHTS
