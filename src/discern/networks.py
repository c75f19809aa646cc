"""What each network of a weights file says about itself, and how it is asked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from discern.imaging.disc_crop import CropRules
from discern.spine import Label, Plane, Tissue


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedFrom:
    """What every network beside the detector says of its training.

    Attributes:
        epochs: Passes over its training plan.
        training_data: Data sets in words, with licence.
        training_patients: Hashes as in :class:`WeightsMetadata`.
        data_digest: SHA-256 of images and annotations; masks are not among them.
        config_digest: SHA-256 of its training configuration.
    """

    epochs: int
    training_data: tuple[str, ...]
    training_patients: tuple[str, ...]
    data_digest: str = ""
    config_digest: str = ""


@dataclass(frozen=True, slots=True)
class SegmenterMetadata(LearnedFrom):
    """What the tissue network of a weights file says about itself.

    Attributes:
        preprocessing: Its own input size and window.
        tissues: Order of its output channels.
    """

    preprocessing: Preprocessing
    tissues: tuple[Tissue, ...] = tuple(Tissue)


@dataclass(frozen=True, slots=True)
class GraderMetadata(LearnedFrom):
    """What the grading network of a weights file says about itself.

    Attributes:
        crop: What it sees of a disc.
        share: Weight of its opinion beside the detector's, from 0 to 1.
    """

    crop: CropRules
    share: float


@dataclass(frozen=True, slots=True)
class FinderMetadata(LearnedFrom):
    """What the lesion network of a weights file says about itself.

    Attributes:
        sagittal: What it sees of a disc on a sagittal slice.
        axial: What it sees of an axial slice.
        heads: What it says, and what each head has seen; the detector's own are silent there.
    """

    sagittal: CropRules
    axial: CropRules
    heads: tuple[Head, ...]

    def lesions(self, plane: Plane) -> tuple[Label, ...]:
        """Return the lesions that it looks for in ``plane``."""
        return tuple(head.label for head in self.heads if head.plane is plane)


def heads_from(items: list[dict[str, Any]]) -> tuple[Head, ...]:
    """Read heads as weights write them."""
    return tuple(
        Head(Label(h["label"]), Plane(h["plane"]), TrainedOn(h["trained_on"])) for h in items
    )


def segmenter_from(item: dict[str, Any]) -> SegmenterMetadata:
    """Read what a tissue network says about itself."""
    own = {
        "preprocessing": Preprocessing(**item["preprocessing"]),
        "tissues": tuple(map(Tissue, item["tissues"])),
    }
    return SegmenterMetadata(**{**item, **_seen(item), **own})


def grader_from(item: dict[str, Any]) -> GraderMetadata:
    """Read what a grading network says about itself."""
    return GraderMetadata(**{**item, **_seen(item), "crop": CropRules(**item["crop"])})


def finder_from(item: dict[str, Any]) -> FinderMetadata:
    """Read what a lesion network says about itself."""
    own = {
        "sagittal": CropRules(**item["sagittal"]),
        "axial": CropRules(**item["axial"]),
        "heads": heads_from(item["heads"]),
    }
    return FinderMetadata(**{**item, **_seen(item), **own})


def _seen(item: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(item[name]) for name in ("training_data", "training_patients")}
