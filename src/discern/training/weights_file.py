"""From a checkpoint to the one ONNX file that inference needs."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from discern import __version__
from discern.dataset.phantoms import PHANTOM_LABELS
from discern.dataset.samples import read_image
from discern.dataset.sources import Dataset, image_files
from discern.dataset.splits import Split
from discern.errors import WeightsError
from discern.model.detector import Detector, build_detector
from discern.model.export import export_onnx
from discern.model.joined import with_segmenter_of
from discern.networks import Head, TrainedOn
from discern.outputs import write_files
from discern.spine import GRADE_LABELS, LABELS, LESION_LABELS, Label, Plane
from discern.training.config import TrainingConfig, parse_config
from discern.weights import (
    WeightsMetadata,
    image_hash,
    load_weights,
    parse_metadata,
    patient_hash,
    shipped_weights,
)

DESCRIPTION_KEY, CONFIG_KEY = "discern_description", "discern_config"


def describe(config: TrainingConfig, dataset: Dataset, split: Split) -> WeightsMetadata:
    """Return what the weights of a run must say about themselves, before calibration."""
    truths, files = dataset.of_patients(split.train), image_files(dataset.folder)
    seen = {
        (label, truth.plane): TrainedOn.REAL if label in GRADE_LABELS else dataset.lesion_boxes
        for truth in truths
        for label in truth.annotated
    }
    data = [dataset.credit]
    if config.phantom_patients:
        planes = (Plane.SAGITTAL, *([Plane.AXIAL] if config.phantom_slices.axial else []))
        seen = _synthetic({plane: PHANTOM_LABELS[plane] for plane in planes}) | seen
        data.append(f"Discern phantom, {config.phantom_patients} synthetic patients")
    if config.planted_copies:
        seen = _synthetic({Plane.SAGITTAL: LESION_LABELS}) | seen
        data.append(f"lesions planted by Discern in {config.planted_copies} copies of each image")
    return WeightsMetadata(
        name=config.name,
        version=__version__,
        heads=tuple(Head(*place, seen[place]) for place in sorted(seen, key=_by_plane_and_class)),
        preprocessing=config.preprocessing,
        training_data=tuple(data),
        training_patients=tuple(sorted(patient_hash(dataset.name, p) for p in split.train)),
        training_images=tuple(
            sorted(image_hash(read_image(files[truth.image])) for truth in truths)
        ),
        data_digest=dataset.digest,
        config_digest=config.digest,
    )


def _synthetic(labels: Mapping[Plane, Iterable[Label]]) -> dict[tuple[Label, Plane], TrainedOn]:
    return {(label, plane): TrainedOn.SYNTHETIC for plane, some in labels.items() for label in some}


def _by_plane_and_class(place: tuple[Label, Plane]) -> tuple[str, int]:
    label, plane = place
    return plane, LABELS.index(label)


def write_weights(detector: Detector, metadata: WeightsMetadata, out: Path) -> str:
    """Write the ONNX file, whole or not at all; return its SHA-256.

    It gets the tissue network of the weights that Discern ships: without one no disc could be
    named or measured by tissue.

    Raises:
        OutputError: It cannot be written.
    """
    shipped = load_weights(shipped_weights())
    content = with_segmenter_of(export_onnx(detector), metadata, shipped)
    write_files(out.parent, {out.name: content})
    return hashlib.sha256(content).hexdigest()


def export_weights(checkpoint: Path, out: Path, *, temperature: float = 1.0) -> None:
    """Write the averaged weights of a checkpoint as an ONNX file.

    Raises:
        WeightsError: Not a checkpoint of this version of Discern.
    """
    stored = read_checkpoint(checkpoint)
    metadata = replace(parse_metadata(stored[DESCRIPTION_KEY]), temperature=temperature)
    write_weights(_averaged(stored), metadata, out)


def load_averaged(checkpoint: Path) -> Detector:
    """Return the detector with the averaged weights of a checkpoint, on the CPU.

    Raises:
        WeightsError: Not a checkpoint of this version of Discern.
    """
    return _averaged(read_checkpoint(checkpoint))


def _averaged(stored: dict[str, Any]) -> Detector:
    detector = build_detector(parse_config(stored[CONFIG_KEY]).network)
    prefix, weights = "average.module.", stored["state_dict"]
    detector.load_state_dict(
        {key.removeprefix(prefix): weights[key] for key in weights if key.startswith(prefix)}
    )
    return detector.eval()


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a checkpoint holds, tensors on the CPU.

    Raises:
        WeightsError: Damaged, or not a checkpoint that ``discern train`` wrote.
    """
    try:
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = {DESCRIPTION_KEY, CONFIG_KEY, "state_dict"} - set(stored)
    except Exception as error:  # torch.load raises whatever the damaged bytes lead to
        raise WeightsError(
            f"{path.name}: cannot be read as a checkpoint; if it is damaged, put best.ckpt in its "
            "place or train anew in another folder"
        ) from error
    if missing:
        raise WeightsError(f"{path.name}: not a checkpoint that discern train wrote")
    return stored
