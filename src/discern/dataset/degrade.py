"""Slices made worse step by step, as other scanners, hurried technicians and patients make them.

Every change acts on stored values, before the window of inference. Signal is measured in the
brightness of cerebrospinal fluid: the 99.5th percentile of the untouched slice. Severity 0 changes
nothing; chance (a noise field, a direction) comes from the generator alone, so that the same seed
shows the same field at every severity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage

from discern.annotations import GroundTruth
from discern.boxes import BoxArray, area
from discern.dataset.augment import bias_field
from discern.dataset.masks import Tissues
from discern.imaging.pixels import Image
from discern.imaging.placement import Placement, resample
from discern.phantom.acquisition import with_ghosts
from discern.spine import GRADE_LABELS, Tissue

Contrast = NDArray[np.float64]
"""(101,) percentiles of the tissue of a slice, in the brightness of cerebrospinal fluid."""


class Degradation(StrEnum):
    """What is made worse."""

    NOISE = "noise"
    BIAS = "bias field"
    MOTION = "motion ghosts"
    BLUR = "blur"
    RESOLUTION = "lower resolution"
    CROP = "cropping"
    ROTATION = "rotation"
    GAMMA = "gamma"
    VENDOR = "other vendor's contrast"
    FAT = "fat suppression"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The severities of one degradation beyond 0, from mild to severe, and what they measure."""

    unit: str
    severities: tuple[float, ...]


LADDERS: Mapping[Degradation, Ladder] = {
    Degradation.NOISE: Ladder(
        "standard deviation, % of the brightness of fluid", (3.0, 6.0, 12.0, 20.0)
    ),
    Degradation.BIAS: Ladder(
        "doublings of the gain, darkest to brightest place", (0.5, 1.0, 2.0, 3.0)
    ),
    Degradation.MOTION: Ladder("signal in two ghosts, %", (10.0, 20.0, 40.0, 60.0)),
    Degradation.BLUR: Ladder(
        "standard deviation, px of a slice 400 px long", (0.75, 1.5, 2.5, 4.0)
    ),
    Degradation.RESOLUTION: Ladder("px along the longer side", (256.0, 160.0, 112.0, 80.0)),
    Degradation.CROP: Ladder("% of each side cut off", (10.0, 20.0, 30.0, 40.0)),
    Degradation.ROTATION: Ladder("degrees, either way", (5.0, 10.0, 20.0, 30.0)),
    Degradation.GAMMA: Ladder("doublings of the exponent, either way", (0.25, 0.5, 0.75, 1.0)),
    Degradation.VENDOR: Ladder(
        "% of the way to the other vendor's mean", (25.0, 50.0, 75.0, 100.0)
    ),
    Degradation.FAT: Ladder("% of the fat signal taken away", (25.0, 50.0, 75.0, 100.0)),
}

_FLUID_PERCENTILE = 99.5
_AIR = 0.05
"""Signal below this share of the fluid is air."""
_REFERENCE_PX = 400
_LEAST_VISIBLE = 0.5
"""Of a box; what is left of one cut to less is ignored."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A slice to be made worse.

    Attributes:
        image: (H, W) stored values.
        truth: What is on it.
        tissues: (H, W) values of ``Tissue``, for fat suppression.
        other_contrast: Mean contrast of other vendors' slices.
    """

    image: Image
    truth: GroundTruth
    tissues: Tissues
    other_contrast: Contrast


def degraded(
    subject: Subject, kind: Degradation, severity: float, rng: np.random.Generator
) -> tuple[Image, GroundTruth]:
    """Return the slice made worse, and what is on it then.

    Args:
        subject: The untouched slice.
        kind: What to change.
        severity: In the unit of ``LADDERS[kind]``; 0 returns the slice as it is.
        rng: Of fields and directions.
    """
    if not severity:
        return subject.image, subject.truth
    if kind is Degradation.CROP:
        return cropped(subject.image, subject.truth, severity / 100, rng)
    if kind is Degradation.ROTATION:
        return rotated(subject.image, subject.truth, _either_way(severity, rng))
    return _changed(subject, kind, severity, rng), subject.truth


def _changed(
    subject: Subject, kind: Degradation, severity: float, rng: np.random.Generator
) -> Image:
    """Return the image changed in a way that moves nothing."""
    image, share = subject.image, severity / 100
    match kind:
        case Degradation.NOISE:
            changed = noisy(image, share * fluid(image), rng)
        case Degradation.BIAS:
            changed = image * coil_field(image.shape, severity, rng)
        case Degradation.MOTION:
            changed = with_ghosts(image, share, phase=1)
        case Degradation.BLUR:
            changed = blurred(image, severity)
        case Degradation.RESOLUTION:
            changed = coarse(image, round(severity))
        case Degradation.GAMMA:
            changed = brightened(image, _either_way(severity, rng))
        case Degradation.VENDOR:
            changed = towards(image, subject.other_contrast, share)
        case _:
            changed = image * (1 - np.float32(share) * fat_share(image, subject.tissues))
    return changed


def fluid(image: Image) -> np.float32:
    """Return the brightness of cerebrospinal fluid."""
    return np.float32(np.percentile(image, _FLUID_PERCENTILE))


def noisy(image: Image, sigma: np.floating, rng: np.random.Generator) -> Image:
    """Return the magnitude of ``image`` plus complex white noise (Rician).

    Bright places vary by ``sigma``; air rises to ``sigma`` times the root of pi / 2.
    """
    real = image + np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32)
    magnitude: Image = np.hypot(
        real, np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32)
    )
    return magnitude


def coil_field(shape: tuple[int, ...], doublings: float, rng: np.random.Generator) -> Image:
    """Return a smooth gain (H, W) of geometric mean 1, 2^doublings from darkest to brightest.

    >>> field = coil_field((40, 30), 2.0, np.random.default_rng(0))
    >>> round(float(field.max() / field.min()), 3)
    4.0
    """
    log2 = np.log2(bias_field(shape, tuple(rng.normal(size=5).tolist())))
    field: Image = 2 ** ((log2 - log2.mean()) * np.float32(doublings / np.ptp(log2)))
    return field


def blurred(image: Image, sigma: float) -> Image:
    """Return ``image`` blurred by ``sigma`` pixels of a slice whose longer side has 400."""
    return ndimage.gaussian_filter(image, sigma * max(image.shape) / _REFERENCE_PX)


def coarse(image: Image, matrix_px: int) -> Image:
    """Return ``image`` as measured with ``matrix_px`` along its longer side, stored as before."""
    rows, columns = image.shape
    scale = matrix_px / max(rows, columns)
    if scale >= 1:
        return image
    small = PillowImage.fromarray(image).resize(
        (max(1, round(columns * scale)), max(1, round(rows * scale))), PillowImage.Resampling.BOX
    )
    return np.asarray(small.resize((columns, rows), PillowImage.Resampling.BILINEAR))


def brightened(image: Image, doublings: float) -> Image:
    """Return ``image`` with the power 2^doublings of its signal; fluid stays as bright as it is.

    >>> brightened(np.array([[1, 2, 4]], np.float32), 1.0).round(1)
    array([[0.3, 1. , 4. ]], dtype=float32)
    """
    bright = fluid(image)
    changed: Image = bright * (image / bright) ** np.float32(2**doublings)
    return changed


def tissue_contrast(image: Image) -> Contrast:
    """Return the percentiles 0 to 100 of everything but air, in the brightness of fluid."""
    signal = image / fluid(image)
    contrast: Contrast = np.percentile(signal[signal > _AIR], np.arange(101))
    return contrast


def mean_contrast(images: Iterable[Image]) -> Contrast:
    """Return the mean of the contrasts of ``images``."""
    mean: Contrast = np.mean([tissue_contrast(image) for image in images], axis=0)
    return mean


def towards(image: Image, other: Contrast, share: float) -> Image:
    """Return ``image`` with its grey values ``share`` of the way to those of ``other``.

    The darkest 10 % of the tissue gets the grey of the darkest 10 % of the other, and so on: what
    is brighter than something else stays brighter.
    """
    bright = fluid(image)
    own = np.concatenate([[0.0], tissue_contrast(image)])
    signal = image / bright
    there = np.interp(signal, own, np.concatenate([[0.0], other])).astype(np.float32)
    mixed: Image = bright * ((1 - np.float32(share)) * signal + np.float32(share) * there)
    return mixed


MARROW_FAT, PURE_FAT = 0.85, 0.9
"""Share of the signal that complete suppression takes away: dark, but not black."""

_FAT_SIGNAL = (0.25, 0.5)
"""Outside the spine: below no fat (muscle), above nothing but fat."""


def fat_share(image: Image, tissues: Tissues) -> Image:
    """Return the share (H, W) of the signal that suppression can take: marrow, and what is bright.

    Discs and canal keep theirs. Where no tissue is drawn, what is as bright as fat counts as fat,
    and so do its neighbours, which would else be left as bright rims.
    """
    low, high = _FAT_SIGNAL
    share = np.clip((image / fluid(image) - low) / (high - low), 0, 1).astype(np.float32)
    share = np.float32(PURE_FAT) * ndimage.grey_dilation(share, size=(3, 3))
    share[tissues == Tissue.VERTEBRA] = MARROW_FAT
    share[(tissues == Tissue.DISC) | (tissues == Tissue.CANAL)] = 0
    smooth: Image = ndimage.gaussian_filter(share, 1.0)
    return smooth


def cropped(
    image: Image, truth: GroundTruth, share: float, rng: np.random.Generator
) -> tuple[Image, GroundTruth]:
    """Return ``image`` without ``share`` of its rows and of its columns, at random ends."""
    removed = [round(share * side) for side in image.shape]
    top, left = (round(one * part) for one, part in zip(removed, rng.random(2), strict=True))
    height, width = (side - one for side, one in zip(image.shape, removed, strict=True))
    moved = Placement((1.0, 1.0), 0.0, (float(left), float(top)), (0.0, 0.0))
    return image[top : top + height, left : left + width], _moved(truth, moved, (height, width))


def rotated(image: Image, truth: GroundTruth, degrees: float) -> tuple[Image, GroundTruth]:
    """Return ``image`` turned about its middle, clockwise on the screen, black beyond its edge."""
    rows, columns = image.shape
    middle = (columns / 2, rows / 2)
    turn = Placement((1.0, 1.0), degrees, middle, middle)
    turned = resample(image, turn, (0, 0, columns, rows))
    return turned, _moved(truth, turn, (rows, columns))


def _either_way(amount: float, rng: np.random.Generator) -> float:
    return amount if rng.random() < 0.5 else -amount  # noqa: PLR2004 - a coin


def _moved(truth: GroundTruth, placement: Placement, shape_px: tuple[int, int]) -> GroundTruth:
    """Return the truth of the placed image; discs cut to less than half are ignored."""
    whole = placement.discs(_array(box.box_xyxy_px for box in truth.boxes))
    shown = _clipped(whole, shape_px)
    visible = area(shown) >= _LEAST_VISIBLE * area(whole)
    boxes = tuple(
        replace(box, box_xyxy_px=_box(place))
        for box, place, seen in zip(truth.boxes, shown, visible, strict=True)
        if seen
    )
    ignored = np.concatenate(
        [shown[~visible], _clipped(placement.regions(_array(truth.ignored)), shape_px)]
    )
    tops = [box.box_xyxy_px[1] for box in boxes if box.label in GRADE_LABELS]
    return replace(
        truth,
        shape_px=shape_px,
        boxes=boxes,
        ignored=tuple(_box(place) for place in ignored[area(ignored) > 0]),
        ungraded_above_px=None if truth.ungraded_above_px is None else min(tops, default=None),
    )


def _array(boxes: Iterable[tuple[float, float, float, float]]) -> BoxArray:
    return np.array(list(boxes), np.float64).reshape(-1, 4)


def _box(place: NDArray[np.float64]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = place.tolist()
    return x1, y1, x2, y2


def _clipped(boxes: BoxArray, shape_px: tuple[int, int]) -> BoxArray:
    rows, columns = shape_px
    clipped: BoxArray = np.clip(boxes, 0, (columns, rows, columns, rows))
    return clipped
