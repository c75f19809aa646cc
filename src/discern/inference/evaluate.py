"""Weights, or predictions made elsewhere, against an annotated data set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

import numpy as np

from discern.annotations import GroundTruth
from discern.calibration.points import DEFAULT
from discern.dataset.samples import network_input, read_image, windowed
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import read_split
from discern.errors import DatasetError, UsageError
from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions
from discern.evaluation.pages.gallery import CROPS_PER_KIND
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    read_predictions,
)
from discern.evaluation.results import Extras
from discern.evaluation.run import run_evaluation, summary
from discern.imaging.pixels import Image
from discern.inference.attributes import patient_attributes
from discern.inference.detect import BATCH_SLICES
from discern.inference.lesion_look import LesionLook
from discern.inference.predictor import SlicePredictor
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.second_look import SecondLook
from discern.postprocess import PostprocessConfig, select_boxes
from discern.spine import Plane
from discern.weights import (
    Weights,
    WeightsMetadata,
    image_hash,
    load_weights,
    patient_hash,
    shipped_weights,
)

LOW = PostprocessConfig(0.01, 0.01, 0.01, max_detections=100)
"""Mean average precision ranks every box, not only those above a threshold."""
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images and discs of a data set.

    Attributes:
        split: Split file; None takes every patient.
        part: Part of the split.
        images: Pattern of the image name.
        discs: First and last disc number (LabelMe ``group_id``); truth outside that range is
            neither right nor wrong.
    """

    split: Path | None = None
    part: str = "validation"
    images: str = "*"
    discs: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """One run of ``discern evaluate``.

    ``predictions`` replaces running the network; ``weights`` None means the built-in ones.
    ``operating_point`` names thresholds of the weights; None takes "default" where the network is
    run, and fixed thresholds of 0.25 for predictions. ``against`` are other predictions for the
    same images, ``review`` is what a person made with the review page; ``crops_per_kind`` bounds
    the error gallery.
    """

    dataset: Path
    selection: Selection = field(default_factory=Selection)
    weights: Path | None = None
    predictions: Path | None = None
    operating_point: str | None = None
    against: Path | None = None
    review: Path | None = None
    crops_per_kind: int = CROPS_PER_KIND
    allow_training_patients: bool = False
    options: EvaluationOptions = field(default_factory=EvaluationOptions)


def run_job(job: EvaluationJob, out: Path) -> str:
    """Evaluate, write metrics, tables, figures and predictions to ``out``; return the table.

    Raises:
        UsageError: Options contradict each other, or no image is selected.
        WeightsError: The weights cannot be read, or have no such operating point.
        DatasetError: Data, split or predictions cannot be used, or the weights were trained on
            patients of the selection.
    """
    if job.weights and job.predictions and job.operating_point is None:
        raise UsageError(
            "give --weights or --predictions; both only with --operating-point, whose thresholds "
            "are then those of the weights"
        )
    dataset = read_dataset(job.dataset)
    truths = selected_truths(dataset, job.selection)
    if job.predictions:
        given = given_predictions(job.predictions, dataset, truths)
        if job.operating_point is not None:
            job = _at_point(job, load_weights(job.weights or shipped_weights()).metadata)
        return _run(job, dataset, material_of(dataset, truths, given), out)
    weights = load_weights(job.weights or shipped_weights())
    at_point = _at_point(job, weights.metadata)
    warning = refuse_overlap(dataset, truths, weights, allowed=job.allow_training_patients)
    predictions = predict_images(dataset, truths, OpenVinoPredictor(weights), weights.metadata)
    material = replace(
        material_of(dataset, truths, predictions), weights_sha256=weights.sha256, warning=warning
    )
    return _run(at_point, dataset, material, out)


def _at_point(job: EvaluationJob, about: WeightsMetadata) -> EvaluationJob:
    """Return the job at its operating point of the weights, the others to be marked on curves."""
    point = about.operating_point(job.operating_point or DEFAULT)
    others = tuple(one for one in about.operating_points if one.name != point.name)
    return replace(job, options=replace(job.options, operating_point=point, marked=others))


def predict_images(
    dataset: Dataset,
    truths: Sequence[GroundTruth],
    predictor: SlicePredictor,
    about: WeightsMetadata,
) -> Predictions:
    """Return every box down to a low score on the images of ``truths``, in image pixels.

    A lesion that the weights were never trained for in the plane of an image is left out.
    """
    files = image_files(dataset.folder)
    images = ((read_image(files[truth.image]), truth.plane) for truth in truths)
    boxes = boxes_of_images(images, predictor, about)
    return dict(zip((truth.image for truth in truths), boxes, strict=True))


def boxes_of_images(
    images: Iterable[tuple[Image, Plane]], predictor: SlicePredictor, about: WeightsMetadata
) -> Iterator[tuple[PredictedBox, ...]]:
    """Yield every box down to a low score on each (H, W) image, in image pixels.

    A lesion that the weights were never trained for in the plane of an image is left out.
    """
    waiting = iter(images)
    while batch := list(islice(waiting, BATCH_SLICES)):
        inputs = [network_input(image, about.preprocessing) for image, _ in batch]
        candidates = predictor.predict(np.stack([square for square, _ in inputs]))
        for (image, plane), (_, fit), one in zip(batch, inputs, candidates, strict=True):
            config = replace(LOW, lesions=about.trained_lesions(plane))
            boxes = select_boxes(fit.to_image(one.boxes_xyxy_px), one.class_scores, config)
            shown = windowed(image, about.preprocessing)
            if second_look := SecondLook.of(predictor, about, plane):
                boxes = second_look.at(shown, boxes)
            if look := LesionLook.of(predictor, about, plane, config):
                boxes = look.on_image(shown, boxes)
            yield tuple(
                PredictedBox(b.label, b.score, b.class_scores, b.box_xyxy_px) for b in boxes
            )


def selected_truths(dataset: Dataset, selection: Selection) -> list[GroundTruth]:
    """Return the truth of the chosen images, with discs out of range among the ignored places.

    Raises:
        UsageError: No such part of a split, or no image is chosen.
        DatasetError: The split is of other data.
    """
    truths: Sequence[GroundTruth] = dataset.truths
    if selection.split is not None:
        if selection.part not in PARTS:
            raise UsageError(f"--part {selection.part}: choose one of {', '.join(PARTS)}")
        split = read_split(selection.split, dataset)
        truths = dataset.of_patients(getattr(split, selection.part))
    chosen = [truth for truth in truths if fnmatch(truth.image, selection.images)]
    if not chosen:
        raise UsageError(f"no annotated image matches --images {selection.images!r}")
    return [_within(truth, selection.discs) for truth in chosen]


def _within(truth: GroundTruth, discs: tuple[int, int] | None) -> GroundTruth:
    """Move truth of discs outside the range to the ignored places."""
    if discs is None:
        return truth
    first, last = discs
    outside = [b for b in truth.boxes if b.disc is not None and not first <= b.disc <= last]
    return replace(
        truth,
        boxes=tuple(box for box in truth.boxes if box not in outside),
        ignored=(*truth.ignored, *(box.box_xyxy_px for box in outside)),
    )


def refuse_overlap(
    dataset: Dataset, truths: Sequence[GroundTruth], weights: Weights, *, allowed: bool
) -> str | None:
    """Return a warning for everything that is written; none where no patient was trained on.

    Raises:
        DatasetError: A patient was trained on and that is not ``allowed``.
    """
    patients = {truth.patient for truth in truths}
    both = _trained_on(dataset, truths, weights.metadata)
    if not both:
        return None
    what = f"{len(both)} of {len(patients)} patients were used to train these weights"
    if not allowed:
        raise DatasetError(
            f"{what}: the figures would mean nothing. Choose others with --split and --part, "
            "or see them all the same with --allow-training-patients"
        )
    return f"{what.upper()}: THESE FIGURES DO NOT SHOW HOW WELL THEY READ NEW PATIENTS"


def _trained_on(
    dataset: Dataset, truths: Sequence[GroundTruth], about: WeightsMetadata
) -> frozenset[str]:
    """Return the patients known by name or, under whatever name, by an image."""
    names, images = about.known_patients, frozenset(about.training_images)
    files = image_files(dataset.folder)
    return frozenset(
        truth.patient
        for truth in truths
        if patient_hash(dataset.name, truth.patient) in names
        or (images and image_hash(read_image(files[truth.image])) in images)
    )


def given_predictions(path: Path, dataset: Dataset, truths: Sequence[GroundTruth]) -> Predictions:
    """Read predictions; those for images of the data set that were not chosen are left out.

    Raises:
        DatasetError: They cannot be read.
    """
    images = [truth.image for truth in truths]
    left_out = {truth.image for truth in dataset.truths} - set(images)
    known = read_predictions(path, images)
    return {name: boxes for name, boxes in known.items() if name not in left_out}


def material_of(
    dataset: Dataset, truths: Sequence[GroundTruth], predictions: Predictions
) -> Material:
    """Return truth and predictions of the same images with all that the data set knows of them."""
    files = image_files(dataset.folder)

    def read(stem: str) -> Image:
        return read_image(files[stem])

    return Material(
        truths=truths,
        predictions=predictions,
        digest=dataset.digest,
        records=dataset.records,
        attributes=patient_attributes(dataset.folder),
        read=read,
    )


def _run(job: EvaluationJob, dataset: Dataset, material: Material, out: Path) -> str:
    against = None
    if job.against is not None:
        against = given_predictions(job.against, dataset, material.truths)
    extras = Extras(review=job.review, against=against)
    return summary(run_evaluation(material, out, job.options, extras, job.crops_per_kind))
