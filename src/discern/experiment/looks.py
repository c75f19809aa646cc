"""A further look out of fold: at each patient looks a network that was not trained on him.

The predictions that are looked at again are given, out of fold as well, so that all that is said of
a patient comes from networks that have not seen him.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from discern.dataset.lesion_samples import LesionView
from discern.dataset.samples import read_image, windowed
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import Split, read_fold_splits, read_split
from discern.errors import DatasetError, UsageError
from discern.evaluation.predictions import PredictedBox, Predictions, predictions_json
from discern.inference.evaluate import LOW, given_predictions
from discern.inference.lesion_look import LesionLook
from discern.inference.predictor import SlicePredictor
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.second_look import SecondLook
from discern.networks import FinderMetadata, GraderMetadata, Preprocessing
from discern.outputs import check_folder, write_files
from discern.postprocess import SelectedBox
from discern.spine import Plane
from discern.training.grading import WEIGHTS, GradingConfig, train_grader
from discern.training.lesions import LesionConfig, made_views, train_finder
from discern.weights import Weights, WeightsMetadata, load_weights, patient_hash, shipped_weights

PREDICTIONS = "predictions.json"
_LOG = logging.getLogger(__name__)
Opinion = Callable[[NDArray[np.floating], Sequence[SelectedBox]], list[SelectedBox]]
"""The boxes of a windowed (H, W) image as a network sees them that looks again."""


@dataclass(frozen=True, slots=True)
class FoldMaterial:
    """What is needed to look again at every patient of a data set.

    Attributes:
        dataset: Images and what readers said of them.
        splits: One per fold; every patient is in the test part of exactly one.
        predictions: Out of fold.
        into: Weights that each network is put into.
    """

    dataset: Dataset
    splits: Sequence[Split]
    predictions: Path
    into: Weights


class LookCourse(Protocol):
    """How one kind of network that looks again is trained, and what it then says."""

    @property
    def digest(self) -> str:
        """Of the configuration."""
        ...

    def train(self, dataset: Dataset, split: Split, into: Weights, out: Path) -> Path:
        """Return the weights file of a network that has not seen the test patients of ``split``."""
        ...

    def about(self, metadata: WeightsMetadata) -> GraderMetadata | FinderMetadata | None:
        """Return what weights say of such a network."""
        ...

    def opinion(
        self, predictor: SlicePredictor, metadata: WeightsMetadata, plane: Plane
    ) -> Opinion | None:
        """Return what it says of images of ``plane``, None where it says nothing."""
        ...


@dataclass(frozen=True, slots=True)
class GradingCourse:
    """A second look at the grade of each disc."""

    config: GradingConfig

    @property
    def digest(self) -> str:
        """Of the configuration."""
        return self.config.digest

    def train(self, dataset: Dataset, split: Split, into: Weights, out: Path) -> Path:
        """Return the weights file of a network that has not seen the test patients of ``split``."""
        return train_grader(self.config, dataset, split, into, out)

    def about(self, metadata: WeightsMetadata) -> GraderMetadata | None:
        """Return what weights say of their grading network."""
        return metadata.grader

    def opinion(
        self, predictor: SlicePredictor, metadata: WeightsMetadata, plane: Plane
    ) -> Opinion | None:
        """Return what it says of images of ``plane``, None where it says nothing."""
        look = SecondLook.of(predictor, metadata, plane)
        return look.at if look else None


@dataclass(slots=True)
class LesionCourse:
    """A closer look for lesions; synthetic patients are made once for all folds."""

    config: LesionConfig
    _made: list[LesionView] | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """Of the configuration."""
        return self.config.digest

    def train(self, dataset: Dataset, split: Split, into: Weights, out: Path) -> Path:
        """Return the weights file of a network that has not seen the test patients of ``split``."""
        if self._made is None:
            self._made = made_views(self.config, into.metadata.preprocessing)
        return train_finder(self.config, dataset, split, into, out, self._made)

    def about(self, metadata: WeightsMetadata) -> FinderMetadata | None:
        """Return what weights say of their lesion network."""
        return metadata.finder

    def opinion(
        self, predictor: SlicePredictor, metadata: WeightsMetadata, plane: Plane
    ) -> Opinion | None:
        """Return what it says of images of ``plane``, None where it says nothing."""
        look = LesionLook.of(predictor, metadata, plane, LOW)
        return look.on_image if look else None


@dataclass(frozen=True, slots=True)
class LookJob:
    """One run of ``discern train-grader`` or ``train-lesions``: folders and files as given.

    Attributes:
        dataset: Data set.
        out: Folder of the run.
        split: Its test patients are left out; None trains on every patient.
        fold_files: One training for each split of a folder, with ``predictions``.
        predictions: Out of fold, to be looked at again.
        into: Weights whose other networks the file gets; None takes those of Discern.
    """

    dataset: Path
    out: Path
    split: Path | None = None
    fold_files: Path | None = None
    predictions: Path | None = None
    into: Path | None = None


def run_look(course: LookCourse, job: LookJob) -> str:
    """Train once, or once a fold; return which file that made.

    Raises:
        UsageError: The choices contradict each other.
        DatasetError: Data, split or predictions cannot be used.
        WeightsError: The weights cannot be read.
        OutputError: The folder cannot be written.
    """
    if job.split is not None and job.fold_files is not None:
        raise UsageError("--split and --fold-files exclude each other")
    if (job.fold_files is None) is not (job.predictions is None):
        raise UsageError("--fold-files and --predictions need each other")
    data, base = read_dataset(job.dataset), load_weights(job.into or shipped_weights())
    if job.fold_files is not None and job.predictions is not None:
        splits = read_fold_splits(job.fold_files, data)
        material = FoldMaterial(data, splits, job.predictions, base)
        return f"predictions: {look_again_out_of_fold(course, material, job.out)}"
    everyone = Split(data.digest, data.patients, (), ())
    split = everyone if job.split is None else read_split(job.split, data)
    return f"weights: {course.train(data, split, base, job.out)}"


def look_again_out_of_fold(course: LookCourse, material: FoldMaterial, out: Path) -> Path:
    """Train a network for each fold; return ``out/predictions.json``: all it was shown, looked at.

    ``out/fold-K/weights.onnx`` holds the network of fold K; one that is there already and was
    trained so is not trained again.

    Raises:
        DatasetError: A split, or the predictions, cannot be used.
        OutputError: The folder cannot be written.
    """
    check_folder(out)
    dataset, splits = material.dataset, material.splits
    given = given_predictions(material.predictions, dataset, dataset.truths)
    pooled: dict[str, tuple[PredictedBox, ...]] = {}
    for number, split in enumerate(splits, start=1):
        folder = out / f"fold-{number}"
        weights = _finished(folder / WEIGHTS, course, dataset, split)
        if weights is None:
            _LOG.info("fold %d of %d", number, len(splits))
            weights = load_weights(course.train(dataset, split, material.into, folder))
        predictor, about = OpenVinoPredictor(weights), weights.metadata
        opinions = {plane: course.opinion(predictor, about, plane) for plane in Plane}
        pooled |= looked_at_again(dataset, split.test, given, opinions, about.preprocessing)
    write_files(out, {PREDICTIONS: predictions_json(pooled).encode()})
    return out / PREDICTIONS


def looked_at_again(
    dataset: Dataset,
    patients: Sequence[str],
    predictions: Predictions,
    opinions: dict[Plane, Opinion | None],
    preprocessing: Preprocessing,
) -> Predictions:
    """Return the predictions for the images of ``patients``, looked at by who sees their plane.

    Raises:
        DatasetError: The predictions have no scores of the single grades.
    """
    files = image_files(dataset.folder)
    judged: dict[str, tuple[PredictedBox, ...]] = {}
    for truth in dataset.of_patients(patients):
        boxes, opinion = predictions[truth.image], opinions.get(truth.plane)
        if opinion is not None:
            image = windowed(read_image(files[truth.image]), preprocessing)
            boxes = tuple(map(_predicted, opinion(image, list(map(_selected, boxes)))))
        judged[truth.image] = boxes
    return judged


def _selected(box: PredictedBox) -> SelectedBox:
    if box.class_scores is None:
        raise DatasetError(
            "the predictions have no class_scores; without them two opinions cannot be joined"
        )
    return SelectedBox(box.label, box.score, box.class_scores, box.box_xyxy_px)


def _predicted(box: SelectedBox) -> PredictedBox:
    return PredictedBox(box.label, box.score, box.class_scores, box.box_xyxy_px)


def _finished(path: Path, course: LookCourse, dataset: Dataset, split: Split) -> Weights | None:
    """Return the weights of an earlier call, if they are what this one would make."""
    if not path.is_file():
        return None
    weights = load_weights(path)
    about = course.about(weights.metadata)
    tested = {patient_hash(dataset.name, patient) for patient in split.test}
    is_same = (
        about is not None
        and about.config_digest == course.digest
        and about.data_digest == dataset.digest
        and not tested & set(about.training_patients)
    )
    return weights if is_same else None
