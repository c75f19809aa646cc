"""The one file that inference needs: an ONNX network that carries its own description.

The description (``discern.weights/1``) is JSON in the ONNX metadata property ``discern``.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from discern.decisions import (
    ConformalGrades,
    LesionCalibration,
    OperatingPoint,
    calibration_from,
    conformal_from,
    point_from,
)
from discern.errors import WeightsError
from discern.findings import LesionThreshold
from discern.networks import (
    FinderMetadata,
    GraderMetadata,
    Head,
    Preprocessing,
    SegmenterMetadata,
    TrainedOn,
    finder_from,
    grader_from,
    heads_from,
    segmenter_from,
)
from discern.spine import LABELS, LESION_LABELS, Label, Plane

SCHEMA = "discern.weights/1"
PROPERTY = "discern"


@dataclass(frozen=True, slots=True)
class WeightsMetadata:
    """Everything about the weights that inference and the reports need.

    Attributes:
        name: Name of the configuration, "paper" or "best" for example.
        version: Version of the weights.
        heads: What the detector was trained for in which plane; a missing pair was never trained.
        preprocessing: Shared by training and inference.
        operating_points: At least one named "default".
        temperature: Divides the logarithm of each grade score before normalisation
            (calibration).
        training_data: Data sets in words, with licence.
        training_patients: SHA-256 (first 16 hex digits) of "dataset/patient" of every patient
            trained on.
        training_images: SHA-256 (first 16 hex digits) of the pixels of every image trained on, so
            that a copy under another name is known again; empty in older weights.
        data_digest: SHA-256 of the training images and annotations.
        config_digest: SHA-256 of the training configuration.
        labels: Order of the class scores.
        lesion_calibrations: From scores of lesions to probabilities; a lesion and plane without one
            have no probability.
        conformal: Rule of the conformal sets of grades; None in older weights, which give none.
        segmenter: The tissue network in the same file; None in older files, which have none.
        grader: The grading network in the same file, a second look at each disc; None where the
            detector grades alone.
        finder: The lesion network in the same file; None where the detector says of lesions what
            is said.
    """

    name: str
    version: str
    heads: tuple[Head, ...]
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    operating_points: tuple[OperatingPoint, ...] = (OperatingPoint(),)
    temperature: float = 1.0
    training_data: tuple[str, ...] = ()
    training_patients: tuple[str, ...] = ()
    training_images: tuple[str, ...] = ()
    data_digest: str = ""
    config_digest: str = ""
    labels: tuple[Label, ...] = LABELS
    lesion_calibrations: tuple[LesionCalibration, ...] = ()
    conformal: ConformalGrades | None = None
    segmenter: SegmenterMetadata | None = None
    grader: GraderMetadata | None = None
    finder: FinderMetadata | None = None

    @property
    def known_patients(self) -> frozenset[str]:
        """Hashes of the patients that detector, grading or lesion network have learned from."""
        others = [one for one in (self.grader, self.finder) if one is not None]
        more = (patient for one in others for patient in one.training_patients)
        return frozenset((*self.training_patients, *more))

    @property
    def spoken_heads(self) -> tuple[Head, ...]:
        """The heads that are listened to: those of the lesion network before the detector's.

        Axial slices are read by one network: by the lesion network where it has learned them.
        """
        own = self.finder.heads if self.finder else ()
        silent = {(head.label, head.plane) for head in own}
        if any(plane is Plane.AXIAL for _, plane in silent):
            silent |= {(label, Plane.AXIAL) for label in LABELS}
        return (*(h for h in self.heads if (h.label, h.plane) not in silent), *own)

    def trained_on(self, label: Label, plane: Plane) -> TrainedOn:
        """Return what the head for ``label`` has seen in ``plane``."""
        seen = [h.trained_on for h in self.spoken_heads if (h.label, h.plane) == (label, plane)]
        return seen[0] if seen else TrainedOn.NOTHING

    def trained_lesions(self, plane: Plane) -> tuple[Label, ...]:
        """Return the lesion labels that have been trained in ``plane``."""
        return tuple(
            label
            for label in LESION_LABELS
            if self.trained_on(label, plane) is not TrainedOn.NOTHING
        )

    @property
    def lesions_across_planes(self) -> tuple[Label, ...]:
        """Lesions that one network says in both planes, so that its scores can be compared."""
        if self.finder is None:
            return ()
        axial = self.finder.lesions(Plane.AXIAL)
        return tuple(label for label in self.finder.lesions(Plane.SAGITTAL) if label in axial)

    def operating_point(self, name: str) -> OperatingPoint:
        """Return the thresholds called ``name``.

        Raises:
            WeightsError: The weights have no such operating point.
        """
        for point in self.operating_points:
            if point.name == name:
                return point
        known = ", ".join(point.name for point in self.operating_points)
        raise WeightsError(f"these weights have no operating point {name!r}; they have: {known}")

    def calibrated_at(self, point: OperatingPoint) -> "WeightsMetadata":
        """Return the description with the lesion calibrations as they are at ``point``."""
        own = tuple(one.at(point.name) for one in self.lesion_calibrations)
        return replace(self, lesion_calibrations=own)

    def left_to_detector(self, label: Label, plane: Plane) -> "WeightsMetadata":
        """Return the description with one lesion said by the detector, not the lesion network.

        Raises:
            WeightsError: One of the two networks has not learned it, or the plane is axial.
        """
        pair = (label, plane)
        if plane is Plane.AXIAL:
            raise WeightsError("axial slices are read by one network; none of them can be left")
        if pair not in {(head.label, head.plane) for head in self.heads}:
            raise WeightsError(f"the detector of these weights has not learned {label} ({plane})")
        if self.finder is None or label not in self.finder.lesions(plane):
            raise WeightsError(f"no lesion network of these weights says {label} ({plane})")
        kept = tuple(head for head in self.finder.heads if (head.label, head.plane) != pair)
        return replace(self, finder=replace(self.finder, heads=kept))

    def lesion_thresholds(self, point: OperatingPoint) -> tuple[LesionThreshold, ...]:
        """Return the thresholds of ``point`` for the lesions that have been trained."""
        return tuple(
            point.threshold(label, plane)
            for plane in (Plane.SAGITTAL, Plane.AXIAL)
            for label in self.trained_lesions(plane)
        )

    def to_json(self) -> str:
        """Return the ``discern.weights/1`` text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Weights:
    """A verified weights file, in memory."""

    onnx_bytes: bytes
    metadata: WeightsMetadata
    sha256: str


def patient_hash(dataset: str, patient: str) -> str:
    """Return the hashed id under which weights remember a training patient.

    >>> patient_hash("spider", "1") == patient_hash("spider", "2")
    False
    """
    return hashlib.sha256(f"{dataset}/{patient}".encode()).hexdigest()[:16]


def image_hash(image: NDArray[np.float32]) -> str:
    """Return the hash of the (H, W) pixels under which weights remember a training image.

    >>> image_hash(np.zeros((2, 3), np.float32)) == image_hash(np.zeros((3, 2), np.float32))
    False
    """
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()[:16]


def embed(network: onnx.ModelProto, metadata: WeightsMetadata) -> bytes:
    """Return the ONNX file of ``network`` with ``metadata`` inside."""
    del network.metadata_props[:]
    network.metadata_props.add(key=PROPERTY, value=metadata.to_json())
    serialized: bytes = network.SerializeToString(deterministic=True)
    return serialized


def shipped_weights() -> Path:
    """Return the path of the weights inside the package."""
    return Path(str(files("discern") / "resources" / "discern.onnx"))


def load_weights(path: Path) -> Weights:
    """Read and verify a weights file.

    Raises:
        WeightsError: Missing, not an ONNX network, or without a ``discern.weights/1`` description.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path.name}: cannot read the weights ({error.strerror})") from error
    try:
        network = onnx.load_model_from_string(content)
        onnx.checker.check_model(network)
    except Exception as error:
        raise WeightsError(
            f"{path.name}: damaged, or not an ONNX network; get the file again"
        ) from error
    described = {entry.key: entry.value for entry in network.metadata_props}
    if PROPERTY not in described:
        raise WeightsError(f"{path.name}: an ONNX network, but not one that Discern exported")
    return Weights(
        content, _metadata_from(described[PROPERTY], path), hashlib.sha256(content).hexdigest()
    )


def _metadata_from(text: str, path: Path) -> WeightsMetadata:
    try:
        return parse_metadata(text)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path.name}: its description is not {SCHEMA} ({error}); "
            "use weights exported by this version of Discern"
        ) from error


_PARTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "conformal": conformal_from,
    "segmenter": segmenter_from,
    "grader": grader_from,
    "finder": finder_from,
}


def parse_metadata(text: str) -> WeightsMetadata:
    """Read the ``discern.weights/1`` text.

    Raises:
        KeyError, TypeError, ValueError: The text is of another schema.
    """
    item: dict[str, Any] = json.loads(text)
    if item.pop("schema", None) != SCHEMA:
        raise ValueError("another schema")
    changed = {
        "heads": heads_from(item["heads"]),
        "preprocessing": Preprocessing(**item["preprocessing"]),
        "operating_points": tuple(map(point_from, item["operating_points"])),
        "training_data": tuple(item["training_data"]),
        "training_patients": tuple(item["training_patients"]),
        "training_images": tuple(item.get("training_images", ())),
        "labels": tuple(map(Label, item["labels"])),
        "lesion_calibrations": tuple(map(calibration_from, item.get("lesion_calibrations", ()))),
        **{
            name: parse(item[name])
            for name, parse in _PARTS.items()
            if item.get(name) is not None  # weights of before had none
        },
    }
    return WeightsMetadata(**{**item, **changed})
