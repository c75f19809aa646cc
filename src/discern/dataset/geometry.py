"""Scale, rotation and shift of training samples, and mosaics of four; never a flip.

A left-right flip of a sagittal slice would exchange front and back. Parameters are sampled first
and applied by pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.boxes import BoxArray, area
from discern.dataset.samples import Sample
from discern.imaging.placement import Placement, Point, Tile, resample


@dataclass(frozen=True, slots=True)
class GeometryRange:
    """What is drawn from.

    Attributes:
        scale: Smallest and largest enlargement.
        aspect: Largest relative stretch of the rows against the columns, either way.
        rotation_deg: Largest rotation, either way.
        shift: Largest shift, either way, as a share of the input size.
    """

    scale: tuple[float, float] = (0.7, 1.4)
    aspect: float = 0.08
    rotation_deg: float = 6.0
    shift: float = 0.12


def sample_placement(
    rng: np.random.Generator, drawn_from: GeometryRange, focus: Point, target: Point
) -> Placement:
    """Draw a placement round ``focus`` -> ``target``; the shift has to be in ``target``."""
    scale = float(np.exp(rng.uniform(*np.log(drawn_from.scale))))
    stretch = float(np.exp(rng.uniform(-drawn_from.aspect, drawn_from.aspect) / 2))
    rotation = float(rng.uniform(-drawn_from.rotation_deg, drawn_from.rotation_deg))
    return Placement((scale / stretch, scale * stretch), rotation, focus, target)


def place_one(sample: Sample, rng: np.random.Generator, drawn_from: GeometryRange) -> Sample:
    """Return ``sample`` scaled, rotated and shifted about its middle."""
    size = sample.image.shape[0]
    middle = size / 2
    x, y = middle + rng.uniform(-drawn_from.shift, drawn_from.shift, 2) * size
    placement = sample_placement(rng, drawn_from, (middle, middle), (float(x), float(y)))
    return compose([sample], [placement], [(0, 0, size, size)])


def mosaic(
    samples: Sequence[Sample], rng: np.random.Generator, drawn_from: GeometryRange
) -> Sample:
    """Return four samples side by side, each about a random point of its spine.

    The samples must be annotated for the same labels.
    """
    size = samples[0].image.shape[0]
    x, y = (int(value) for value in rng.uniform(0.3, 0.7, 2) * size)
    tiles = [(0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)]
    placements = []
    for sample, (x1, y1, x2, y2) in zip(samples, tiles, strict=True):
        focus = _random_point(sample, rng)
        target = ((x1 + x2) / 2, (y1 + y2) / 2)
        placements.append(sample_placement(rng, drawn_from, focus, target))
    return compose(samples, placements, tiles)


def compose(
    samples: Sequence[Sample], placements: Sequence[Placement], tiles: Sequence[Tile]
) -> Sample:
    """Show each sample in its tile of one output of the same size.

    Boxes are clipped to their tile; what is left of a disc cut to less than ``_LEAST_VISIBLE``
    is ignored.
    """
    image = np.zeros(samples[0].image.shape, np.float32)
    boxes, labels, ignored = [], [], []
    for sample, placement, tile in zip(samples, placements, tiles, strict=True):
        x1, y1, x2, y2 = tile
        image[y1:y2, x1:x2] = resample(sample.image, placement, tile)
        whole = placement.discs(sample.boxes)
        shown = _clipped(whole, tile)
        visible = area(shown) >= _LEAST_VISIBLE * area(whole)
        boxes.append(shown[visible])
        labels.append(sample.labels[visible])
        ignored += [shown[~visible], _clipped(placement.regions(sample.ignored), tile)]
    places = np.concatenate(ignored)
    return Sample(
        image=image,
        boxes=np.concatenate(boxes),
        labels=np.concatenate(labels),
        annotated=samples[0].annotated,
        ignored=places[area(places) > 0],
    )


_LEAST_VISIBLE = 0.5


def _random_point(sample: Sample, rng: np.random.Generator) -> Point:
    size = sample.image.shape[0]
    low, high = np.zeros(2), np.full(2, float(size))
    if len(sample.boxes):
        low, high = sample.boxes[:, :2].min(axis=0), sample.boxes[:, 2:].max(axis=0)
    x, y = rng.uniform(low, high)
    return float(x), float(y)


def _clipped(boxes: BoxArray, tile: Tile) -> BoxArray:
    x1, y1, x2, y2 = tile
    clipped: BoxArray = np.clip(boxes, (x1, y1, x1, y1), (x2, y2, x2, y2))
    return clipped
