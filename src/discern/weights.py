"""The one file that inference needs: an ONNX network that carries its own description.

The description (``discern.weights/1``) is JSON in the ONNX metadata property ``discern``.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from discern.errors import WeightsError
from discern.findings import LesionThreshold, MeasuredShare, threshold_from
from discern.imaging.disc_crop import CropRules
from discern.spine import GRADE_LABELS, LABELS, LESION_LABELS, Label, Plane, Tissue

SCHEMA = "discern.weights/1"
PROPERTY = "discern"


@dataclass(frozen=True, slots=True)
class Ends:
    """Names of the input and the outputs of one network; a file holds up to four."""

    input: str
    outputs: tuple[str, ...]


DETECTOR = Ends("images", ("boxes", "scores"))
SEGMENTER = Ends("slices", ("tissues",))
GRADER = Ends("crops", ("grades",))
FINDER = Ends("views", ("lesions",))
FINDER_STRIDE = 2
"""Pixels of a crop for each place of the lesion network's maps."""


class TrainedOn(StrEnum):
    """What labels a head has seen for one plane; anything but ``REAL`` is experimental."""

    REAL = "real"  # a reader's own label at that place
    DERIVED = "derived"  # a reader's label of the disc, box derived from geometry
    SYNTHETIC = "synthetic"  # phantom or planted lesions only
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Head:
    """One label in one plane, and what it was trained on."""

    label: Label
    plane: Plane
    trained_on: TrainedOn


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a slice becomes network input; training and inference share it.

    The image is windowed between two percentiles to 0..1, resized (square pixels in mm, aspect
    kept) so that its longer side is ``size_px``, and padded with zeros to a square.
    """

    size_px: int = 416
    low_percentile: float = 0.5
    high_percentile: float = 99.5


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Thresholds of the detector score, by what they decide.

    Attributes:
        name: "default", "screening" or "confirmation" for example.
        grade_score: Of a disc with its grade.
        herniation_score: Of a herniation, in planes without a threshold of their own.
        hiz_score: Of a high-intensity zone, likewise.
        lesions: Thresholds of single planes, with what they were measured to be worth.
    """

    name: str = "default"
    grade_score: float = 0.25
    herniation_score: float = 0.25
    hiz_score: float = 0.25
    lesions: tuple[LesionThreshold, ...] = ()

    def min_score(self, label: Label, plane: Plane) -> float:
        """Return the score that ``label`` must reach in ``plane``."""
        return self.threshold(label, plane).score

    def threshold(self, label: Label, plane: Plane) -> LesionThreshold:
        """Return the threshold of ``label`` in ``plane`` with what it was measured to be worth.

        >>> OperatingPoint(hiz_score=0.4).threshold(Label.HIZ, Plane.AXIAL).score
        0.4
        """
        for one in self.lesions:
            if (one.label, one.plane) == (label, plane):
                return one
        scores = {Label.HERNIATION: self.herniation_score, Label.HIZ: self.hiz_score}
        return LesionThreshold(label, plane, scores.get(label, self.grade_score))


_TINY = 1e-6


def log_odds_parts(probability: float) -> tuple[float, float]:
    """Return ln p and -ln(1 - p), kept finite; their sum is the log odds.

    >>> sum(log_odds_parts(0.5))
    0.0
    """
    clipped = min(max(probability, _TINY), 1 - _TINY)
    return math.log(clipped), -math.log(1 - clipped)


def logit(probability: float) -> float:
    """Return the log odds of a probability, kept finite.

    >>> logit(0.5)
    0.0
    """
    return sum(log_odds_parts(probability))


def sigmoid(log_odds: float) -> float:
    """Return the probability of log odds: undoes ``logit``."""
    return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class AbsentAt:
    """Probability of a lesion on a disc without a box at the operating point of that name."""

    point: str
    probability: float


@dataclass(frozen=True, slots=True)
class LesionCalibration:
    """From the best score of a lesion on a disc to the probability that the disc shows it.

    logit p = ``slope`` ln(score) - ``upper_slope`` ln(1 - score) + ``intercept``: beta calibration
    (Kull, Silva Filho, Flach, Electron J Stat 11:5052, 2017), fitted by ``discern calibrate`` on
    patients not trained on. With equal slopes it is Platt scaling of the logit.

    Attributes:
        label: The lesion.
        plane: The plane of the slices.
        slope: Tells low scores apart.
        upper_slope: Tells high scores apart.
        intercept: Added.
        prevalence: Share of discs with the lesion in the data it was fitted on.
        absent: Probability of a disc without a box, at the operating point in use.
        absent_at: The same at every operating point: which discs have no box depends on its
            threshold.
        highest: The highest score that it was fitted on. A higher one gets the same probability:
            what lies beyond was never counted.
    """

    label: Label
    plane: Plane
    slope: float
    upper_slope: float
    intercept: float
    prevalence: float
    absent: float
    absent_at: tuple[AbsentAt, ...] = ()
    highest: float = 1.0

    def at(self, point: str) -> "LesionCalibration":
        """Return the calibration as it is at an operating point."""
        own = {one.point: one.probability for one in self.absent_at}
        return replace(self, absent=own.get(point, self.absent))

    def probability(self, score: float | None) -> float:
        """Return the probability of the lesion; ``score`` is None for a disc without a box.

        >>> doubtful = LesionCalibration(
        ...     Label.HERNIATION, Plane.SAGITTAL, 1.0, 1.0, -1.0, 0.05, absent=0.02
        ... )
        >>> round(doubtful.probability(0.5), 3), doubtful.probability(None)
        (0.269, 0.02)
        >>> replace(doubtful, highest=0.5).probability(0.9) == doubtful.probability(0.5)
        True
        """
        if score is None:
            return self.absent
        low, high = log_odds_parts(min(score, self.highest))
        return sigmoid(self.slope * low + self.upper_slope * high + self.intercept)


@dataclass(frozen=True, slots=True)
class ConformalGrades:
    """Which grades of a disc cannot be ruled out, by their probabilities.

    A grade belongs to the set when its probability reaches the least one of that grade; so does
    every grade between two of the set, and the most probable one. The least probabilities are
    quantiles, one for each grade, such that the set of a disc of any grade holds that grade with
    probability ``coverage`` (class-conditional conformal prediction: Vovk, Lindsay, Nouretdinov,
    Gammerman, "Mondrian confidence machine", 2003; score of Sadinle, Lei, Wasserman, JASA
    114:223, 2019).

    Attributes:
        least_probability: One for each of grades 1 to 5.
        widest: The most grades of a set that still tells a grade; with more the model abstains.
        coverage: Aimed at.
        measured: Coverage reached on patients whose fold was left out; None where not measured.
    """

    least_probability: tuple[float, ...]
    widest: int
    coverage: float = 0.9
    measured: MeasuredShare | None = None


@dataclass(frozen=True, slots=True)
class SegmenterMetadata:
    """What the tissue network of a weights file says about itself.

    Attributes:
        preprocessing: Its own input size and window.
        epochs: Passes over its training images.
        training_data: Data sets in words, with licence.
        training_patients: Hashes as in :class:`WeightsMetadata`.
        data_digest: SHA-256 of images and annotations, not of the masks.
        config_digest: SHA-256 of its training configuration.
        tissues: Order of its output channels.
    """

    preprocessing: Preprocessing
    epochs: int
    training_data: tuple[str, ...]
    training_patients: tuple[str, ...]
    data_digest: str = ""
    config_digest: str = ""
    tissues: tuple[Tissue, ...] = tuple(Tissue)


@dataclass(frozen=True, slots=True)
class GraderMetadata:
    """What the grading network of a weights file says about itself.

    Attributes:
        crop: What it sees of a disc.
        share: Weight of its opinion beside the detector's, from 0 to 1.
        epochs: Passes over its training discs.
        training_data: Data sets in words, with licence.
        training_patients: Hashes as in :class:`WeightsMetadata`.
        data_digest: SHA-256 of images and annotations.
        config_digest: SHA-256 of its training configuration.
    """

    crop: CropRules
    share: float
    epochs: int
    training_data: tuple[str, ...]
    training_patients: tuple[str, ...]
    data_digest: str = ""
    config_digest: str = ""


@dataclass(frozen=True, slots=True)
class FinderMetadata:
    """What the lesion network of a weights file says about itself.

    Attributes:
        sagittal: What it sees of a disc on a sagittal slice.
        axial: What it sees of an axial slice.
        heads: What it says, and what each head has seen; the detector's own are silent there.
        epochs: Passes over its training plan.
        training_data: Data sets in words, with licence.
        training_patients: Hashes as in :class:`WeightsMetadata`.
        data_digest: SHA-256 of images and annotations.
        config_digest: SHA-256 of its training configuration.
    """

    sagittal: CropRules
    axial: CropRules
    heads: tuple[Head, ...]
    epochs: int
    training_data: tuple[str, ...]
    training_patients: tuple[str, ...]
    data_digest: str = ""
    config_digest: str = ""

    def lesions(self, plane: Plane) -> tuple[Label, ...]:
        """Return the lesions that it looks for in ``plane``."""
        return tuple(head.label for head in self.heads if head.plane is plane)


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


def parse_metadata(text: str) -> WeightsMetadata:
    """Read the ``discern.weights/1`` text.

    Raises:
        KeyError, TypeError, ValueError: The text is of another schema.
    """
    item: dict[str, Any] = json.loads(text)
    if item.pop("schema", None) != SCHEMA:
        raise ValueError("another schema")
    changed = {
        "heads": _parse_heads(item["heads"]),
        "preprocessing": Preprocessing(**item["preprocessing"]),
        "operating_points": tuple(map(_parse_point, item["operating_points"])),
        "training_data": tuple(item["training_data"]),
        "training_patients": tuple(item["training_patients"]),
        "training_images": tuple(item.get("training_images", ())),
        "labels": tuple(map(Label, item["labels"])),
        "lesion_calibrations": tuple(map(_parse_calibration, item.get("lesion_calibrations", ()))),
        "conformal": _parse_conformal(item.get("conformal")),
        "segmenter": _parse_segmenter(item.get("segmenter")),
        "grader": _parse_grader(item.get("grader")),
        "finder": _parse_finder(item.get("finder")),
    }
    return WeightsMetadata(**{**item, **changed})


def _parse_heads(items: list[dict[str, Any]]) -> tuple[Head, ...]:
    return tuple(
        Head(Label(h["label"]), Plane(h["plane"]), TrainedOn(h["trained_on"])) for h in items
    )


def _parse_point(item: dict[str, Any]) -> OperatingPoint:
    lesions = tuple(map(threshold_from, item.get("lesions", ())))
    return OperatingPoint(**{**item, "lesions": lesions})


def _parse_calibration(item: dict[str, Any]) -> LesionCalibration:
    enums = {"label": Label(item["label"]), "plane": Plane(item["plane"])}
    if "floor" in item:
        return _older_calibration(**{**item, **enums})
    absent_at = tuple(AbsentAt(**one) for one in item["absent_at"])
    return LesionCalibration(**{**item, **enums, "absent_at": absent_at})


def _older_calibration(
    label: Label, plane: Plane, slope: float, intercept: float, prevalence: float, floor: float
) -> LesionCalibration:
    """Return what weights without ``absent`` say: equal slopes, a score for discs without a box."""
    fitted = LesionCalibration(label, plane, slope, slope, intercept, prevalence, 0.0)
    return replace(fitted, absent=fitted.probability(floor))


def _parse_conformal(item: dict[str, Any] | None) -> ConformalGrades | None:
    if item is None:
        return None
    least = tuple(map(float, item["least_probability"]))
    if len(least) != len(GRADE_LABELS):
        raise ValueError(f"conformal: {len(least)} least probabilities for 5 grades")
    measured = None if item["measured"] is None else MeasuredShare(**item["measured"])
    return ConformalGrades(**{**item, "least_probability": least, "measured": measured})


def _parse_segmenter(item: dict[str, Any] | None) -> SegmenterMetadata | None:
    if item is None:
        return None
    changed = {
        "preprocessing": Preprocessing(**item["preprocessing"]),
        "training_data": tuple(item["training_data"]),
        "training_patients": tuple(item["training_patients"]),
        "tissues": tuple(map(Tissue, item["tissues"])),
    }
    return SegmenterMetadata(**{**item, **changed})


def _parse_grader(item: dict[str, Any] | None) -> GraderMetadata | None:
    if item is None:
        return None
    changed = {
        "crop": CropRules(**item["crop"]),
        "training_data": tuple(item["training_data"]),
        "training_patients": tuple(item["training_patients"]),
    }
    return GraderMetadata(**{**item, **changed})


def _parse_finder(item: dict[str, Any] | None) -> FinderMetadata | None:
    if item is None:
        return None
    changed = {
        "sagittal": CropRules(**item["sagittal"]),
        "axial": CropRules(**item["axial"]),
        "heads": _parse_heads(item["heads"]),
        "training_data": tuple(item["training_data"]),
        "training_patients": tuple(item["training_patients"]),
    }
    return FinderMetadata(**{**item, **changed})
