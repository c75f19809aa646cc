"""Lesions planted in real sagittal slices, each with a sham twin.

No public set has labels of high-intensity zones. What is planted here is known exactly; what it
looks like is our idea of it (Aprill and Bogduk, Br J Radiol 65:361, 1992: a bright spot in the dark
annulus, apart from the nucleus). The sham goes through the same blending and noise at the same
places, without a lesion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.masks import Tissues
from discern.dataset.plant_place import DiscPlace, disc_places, free_of_herniation
from discern.dataset.plant_shapes import Renderer, Shape, coverage
from discern.imaging.pixels import Image
from discern.phantom.truth import READERS_MARGIN_MM
from discern.spine import Label

VISIBLE_CONTRAST = 0.25
"""Least a zone stands out at its peak, in parts of the signal of CSF, to count as visible."""
VISIBLE_MM = 1.5
"""Least length of the larger side of a visible zone."""
_DARK_GRADES = (3, 4, 5)


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion to plant: where, what shape, how bright.

    ``signal`` runs from 0, that of the annulus, to 1, that of CSF.
    """

    place: DiscPlace
    shape: Shape
    signal: float


@dataclass(frozen=True, slots=True)
class Planted:
    """A slice with lesions, its truth, and its sham twin.

    Attributes:
        image: (H, W) with the lesions.
        truth: The truth of the slice and the visible lesions; annotated for high-intensity zones.
            Zones that were there before have no box: on real images they count as background.
        sham: (H, W) treated alike, without the lesions.
        sham_truth: As ``truth``, without the lesions.
    """

    image: Image
    truth: GroundTruth
    sham: Image
    sham_truth: GroundTruth


def sample_lesions(
    image: Image, truth: GroundTruth, tissues: Tissues, rng: np.random.Generator
) -> list[Lesion]:
    """Draw one or two zones in the darkest discs and, in one slice of three, a protrusion.

    A zone lies within the outer quarter of a disc, behind in four of five. Protrusions are only
    drawn where herniations are annotated, and never on a disc that has one.
    """
    places = disc_places(image, truth, tissues)
    dark = [one for one in places if one.grade in _DARK_GRADES] or places
    order = [dark[index] for index in rng.permutation(len(dark))]
    zones = order[: 1 + int(rng.random() < 1 / 3)]
    lesions = [_zone(place, rng) for place in zones]
    whole = [one for one in order if one not in zones and free_of_herniation(one, truth)]
    if whole and Label.HERNIATION in truth.annotated and rng.random() < 1 / 3:
        lesions.append(_protrusion(whole[0], rng))
    return lesions


def _zone(place: DiscPlace, rng: np.random.Generator) -> Lesion:
    mm, is_anterior = place.pixels_a_mm, rng.random() < 1 / 5
    thin_mm, kind = float(rng.uniform(1.3, 2.6)), int(rng.integers(3))
    long_mm = thin_mm if kind == 0 else float(rng.uniform(1.6, 3.0)) * thin_mm
    back_mm, down_mm = ((thin_mm, thin_mm), (thin_mm, long_mm), (long_mm, thin_mm))[kind]
    inset_px = (back_mm / 2 + rng.uniform(0.6, 1.8)) * mm
    side = -1 if is_anterior else 1
    most_down = max(0.7 * place.half_height_px - down_mm * mm / 2, 0.0)
    shape = Shape(
        Label.HIZ,
        back_px=float(side * (place.half_length_px - inset_px)),
        down_px=float(rng.uniform(-most_down, most_down)),
        half_back_px=back_mm * mm / 2,
        half_down_px=min(down_mm * mm / 2, 0.9 * place.half_height_px),
        turn_rad=float(rng.normal(0, 0.25)),
        bend=float(side * rng.uniform(0, 0.08)) if kind == 1 else 0.0,
        blur_px=float(rng.uniform(0.5, 0.8)),
        seed=int(rng.integers(2**31)),
    )
    return Lesion(place, shape, float(rng.uniform(0.5, 1.0)))


def _protrusion(place: DiscPlace, rng: np.random.Generator) -> Lesion:
    depth_px = float(rng.uniform(3.0, 6.5)) * place.pixels_a_mm
    shape = Shape(
        Label.HERNIATION,
        back_px=place.half_length_px - 0.1 * depth_px,
        down_px=float(rng.uniform(-0.2, 0.5) * place.half_height_px),
        half_back_px=depth_px,
        half_down_px=max(1.1 * place.half_height_px, 0.6 * depth_px),
        blur_px=float(rng.uniform(0.6, 0.9)),
        seed=int(rng.integers(2**31)),
    )
    return Lesion(place, shape, float(rng.uniform(0.0, 0.15)))


def plant(
    image: Image,
    truth: GroundTruth,
    lesions: Sequence[Lesion],
    renderer: Renderer,
    rng: np.random.Generator,
) -> Planted:
    """Return ``image`` with ``lesions``; ``rng`` draws the noise within them, the sham's alike."""
    planted = image.astype(np.float32)
    sham = planted.copy()
    smooth = ndimage.gaussian_filter(planted, 1.0)
    noise = rng.standard_normal(image.shape) * noise_sigma(image)
    boxes: list[TruthBox] = []
    for one in lesions:
        back, down = one.place.along(truth.shape_px)
        share = np.clip(coverage(one.shape, back, down, renderer), 0, 1)
        if one.shape.label is Label.HERNIATION:
            within = np.abs(down) < one.place.half_height_px
            share = share * ((back > one.place.half_length_px) | within)
        signal = one.place.annulus + one.signal * (one.place.csf - one.place.annulus)
        grain = noise * np.sqrt(2 * share * (1 - share) + share**2)
        planted = (planted + share * (signal - planted) + grain).astype(np.float32)
        sham = (sham + share * (smooth - sham) + grain).astype(np.float32)
        boxes += _drawn(one, share, truth)
    annotated = truth.annotated | {Label.HIZ}
    top = float(image.max())
    return Planted(
        np.clip(planted, 0, top),
        replace(truth, boxes=(*truth.boxes, *boxes), annotated=annotated),
        np.clip(sham, 0, top),
        replace(truth, annotated=annotated),
    )


def noise_sigma(image: Image) -> float:
    """Return the standard deviation of the noise, from the finest diagonal detail.

    The median absolute value of the second difference in both directions, over 0.6745 x 2 (Donoho
    and Johnstone, Biometrika 81:425, 1994, with the Haar wavelet), where there is signal.
    """
    detail = (
        image[1:, 1:].astype(np.float64) - image[:-1, 1:] - image[1:, :-1] + image[:-1, :-1]
    ) / 2
    shown = detail[image[1:, 1:] > np.median(image)]
    return float(np.median(np.abs(shown)) / 0.6745) if shown.size else 0.0


def _drawn(lesion: Lesion, share: NDArray[np.floating], truth: GroundTruth) -> list[TruthBox]:
    """Return the box a reader would draw; none round a zone that is not visible."""
    if lesion.shape.label is Label.HERNIATION:
        back, down = lesion.place.along(truth.shape_px)
        third = np.abs(down) < lesion.place.half_height_px
        third &= (back > lesion.place.half_length_px / 3) & (back < lesion.place.half_length_px)
        return [_box(lesion, third | (share > 1 / 2), 0.0, truth)]
    contrast = share.max() * lesion.signal * (1 - lesion.place.annulus / lesion.place.csf)
    larger_px = 2 * max(lesion.shape.half_back_px, lesion.shape.half_down_px)
    if contrast < VISIBLE_CONTRAST or larger_px < VISIBLE_MM * lesion.place.pixels_a_mm:
        return []
    margin_px = READERS_MARGIN_MM * lesion.place.pixels_a_mm
    return [_box(lesion, share > share.max() / 2, margin_px, truth)]


def _box(lesion: Lesion, mask: NDArray[np.bool_], margin_px: float, truth: GroundTruth) -> TruthBox:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = truth.shape_px
    box = (
        max(columns[0] - margin_px, 0.0),
        max(rows[0] - margin_px, 0.0),
        min(columns[-1] + 1 + margin_px, float(width)),
        min(rows[-1] + 1 + margin_px, float(height)),
    )
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return TruthBox(lesion.shape.label, (x1, y1, x2, y2), lesion.place.truth.disc)
