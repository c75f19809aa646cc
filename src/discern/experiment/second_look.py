"""A second look out of fold: each patient's discs are graded again by a network not trained on him.

The detector's predictions are given, out of fold as well, so that both opinions are those of
networks that have not seen the patient.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from discern.dataset.samples import read_image, windowed
from discern.dataset.sources import Dataset, image_files
from discern.dataset.splits import Split
from discern.errors import DatasetError
from discern.evaluation.predictions import PredictedBox, Predictions, predictions_json
from discern.inference.evaluate import given_predictions
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.second_look import SecondLook
from discern.outputs import check_folder, write_files
from discern.postprocess import SelectedBox
from discern.spine import Plane
from discern.training.grading import WEIGHTS, GradingConfig, train_grader
from discern.weights import Preprocessing, Weights, load_weights, patient_hash

PREDICTIONS = "predictions.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoldMaterial:
    """What is needed to look again at every patient of a data set.

    Attributes:
        dataset: Images and readers' grades.
        splits: One per fold; every patient is in the test part of exactly one.
        predictions: Of the detector, out of fold.
        into: Weights that each grading network is put into.
    """

    dataset: Dataset
    splits: Sequence[Split]
    predictions: Path
    into: Weights


def look_again_out_of_fold(config: GradingConfig, material: FoldMaterial, out: Path) -> Path:
    """Train a grading network for each fold; return ``out/predictions.json``, both opinions pooled.

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
        weights = _finished(folder / WEIGHTS, config, dataset, split)
        if weights is None:
            _LOG.info("fold %d of %d", number, len(splits))
            weights = load_weights(train_grader(config, dataset, split, material.into, folder))
        about = weights.metadata
        look = SecondLook.of(OpenVinoPredictor(weights), about, Plane.SAGITTAL)
        if look is None:
            raise TypeError("weights without the grading network that was put into them")
        pooled |= looked_at_again(dataset, split.test, given, look, about.preprocessing)
    write_files(out, {PREDICTIONS: predictions_json(pooled).encode()})
    return out / PREDICTIONS


def looked_at_again(
    dataset: Dataset,
    patients: Sequence[str],
    predictions: Predictions,
    look: SecondLook,
    preprocessing: Preprocessing,
) -> Predictions:
    """Return the predictions for the images of ``patients``, each disc with a second opinion.

    Raises:
        DatasetError: The predictions have no scores of the single grades.
    """
    files = image_files(dataset.folder)
    judged: dict[str, tuple[PredictedBox, ...]] = {}
    for truth in dataset.of_patients(patients):
        boxes = predictions[truth.image]
        if truth.plane is Plane.SAGITTAL:
            image = windowed(read_image(files[truth.image]), preprocessing)
            boxes = tuple(map(_predicted, look.at(image, list(map(_selected, boxes)))))
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


def _finished(path: Path, config: GradingConfig, dataset: Dataset, split: Split) -> Weights | None:
    """Return the weights of an earlier call, if they are what this one would make."""
    if not path.is_file():
        return None
    weights = load_weights(path)
    about = weights.metadata.grader
    tested = {patient_hash(dataset.name, patient) for patient in split.test}
    is_same = (
        about is not None
        and about.config_digest == config.digest
        and about.data_digest == dataset.digest
        and not tested & set(about.training_patients)
    )
    return weights if is_same else None
