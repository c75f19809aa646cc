import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from four_images import AUGMENTED, LEARNING, all_for_training, write_four_images  # noqa: E402

from discern.dataset.sources import Dataset, read_dataset  # noqa: E402
from discern.dataset.splits import split_patients, write_split  # noqa: E402
from discern.errors import DatasetError, UsageError, WeightsError  # noqa: E402
from discern.inference.predictor import Predictor  # noqa: E402
from discern.training.config import parse_config  # noqa: E402
from discern.training.run import RunOptions, train  # noqa: E402
from discern.training.validation import (  # noqa: E402
    ValidationMetrics,
    grade_outcomes,
    read_validation_images,
    validation_metrics,
)
from discern.training.weights_file import export_weights, load_averaged  # noqa: E402
from discern.weights import load_weights, patient_hash  # noqa: E402


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("four") / "four")


def _figures(checkpoint: Path, dataset: Dataset) -> ValidationMetrics:
    images = read_validation_images(dataset, dataset.truths, LEARNING.preprocessing)
    return validation_metrics(grade_outcomes(load_averaged(checkpoint), images))


@pytest.mark.slow
def test_a_tiny_network_learns_four_images(dataset: Dataset, tmp_path: Path) -> None:
    options = RunOptions(tmp_path, accelerator="cpu", workers=0)
    weights = load_weights(train(LEARNING, dataset, all_for_training(dataset), options))
    learned = _figures(tmp_path / "last.ckpt", dataset)
    assert learned.disc_recall == 1
    assert learned.exact == 1
    assert learned.false_per_image == 0
    metadata = weights.metadata
    assert metadata.training_patients == tuple(
        sorted(patient_hash("four", patient) for patient in dataset.patients)
    )
    assert metadata.data_digest == dataset.digest
    assert metadata.config_digest == LEARNING.digest
    assert {head.trained_on.value for head in metadata.heads} == {"real"}
    assert metadata.preprocessing == LEARNING.preprocessing


@pytest.mark.slow
def test_an_interrupted_run_ends_where_an_undisturbed_one_does(
    dataset: Dataset, tmp_path: Path
) -> None:
    split = split_patients(dataset, 0, (0.75, 0.25, 0))
    whole = RunOptions(tmp_path / "whole", accelerator="cpu", workers=0)
    train(AUGMENTED, dataset, split, whole)
    broken = RunOptions(tmp_path / "broken", accelerator="cpu", workers=0)
    _interrupted_after(2, dataset, broken, split_file=tmp_path / "split.json")
    train(AUGMENTED, dataset, split, replace(broken, resume=True))
    for key, value in _state(whole).items():
        assert torch.equal(value, _state(broken)[key]), key
    columns = ("epoch", "learning_rate", "loss", "disc_recall")
    rows = [[row[column] for column in columns] for row in _table(whole)]
    assert rows == [[row[column] for column in columns] for row in _table(broken)]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
