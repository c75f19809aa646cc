"""Which disc of its patient a box belongs to: named by the annotator, else told by its place.

- A truth box with a ``disc`` (LabelMe ``group_id``) is that disc.
- An unnamed grade box on a sagittal image is the disc of which a box on another image of the same
  patient and size (slices of one series share a pixel grid) overlaps it by an IoU of 0.3; else it
  is a disc of its own.
- An unnamed lesion box goes to the disc of its image by place, as a predicted lesion does.
- On an axial image every disc lies in the same place: without a name there is no identity.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from discern import boxes as box_ops
from discern.annotations import GroundTruth, TruthBox
from discern.boxes import BoxArray
from discern.evaluation.matching import not_judged
from discern.spine import GRADE_LABELS, Plane

LINKED_IOU = 0.3

PixelBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, order=True)
class Disc:
    """One disc of one patient; ``number`` is the annotator's where ``is_named``."""

    patient: str
    number: int
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a disc is seen on one image, as xyxy px."""

    disc: Disc
    box_xyxy_px: PixelBox


def identify(truths: Sequence[GroundTruth]) -> list[tuple[Disc | None, ...]]:
    """Return the disc of every truth box, image by image in the order of ``truth.boxes``."""
    places = _graded_places(truths)
    return [
        tuple(_disc_of(truth, box, here) for box in truth.boxes)
        for truth, here in zip(truths, places, strict=True)
    ]


def disc_at(truth: GroundTruth, box_xyxy_px: PixelBox, places: Sequence[Place]) -> Disc | None:
    """Return the disc that a lesion box lies on.

    It is the one whose place the box overlaps most. An ignore region that it overlaps more takes
    it away (None). A box that overlaps nothing goes to the nearest place, unless nobody annotated
    where its centre is (None) or the image shows no disc (None).
    """
    if not places:
        return None
    box = np.array([box_xyxy_px], dtype=np.float64)
    seen = np.array([place.box_xyxy_px for place in places], dtype=np.float64)
    shared = _shared_px(box, seen)
    ignored = np.array(truth.ignored, dtype=np.float64).reshape(-1, 4)
    if _shared_px(box, ignored).max(initial=0) > shared.max():
        return None
    if shared.max() > 0:
        return places[int(shared.argmax())].disc
    if not_judged(truth, box)[0]:
        return None
    return places[int(_distances(box, seen).argmin())].disc


def _disc_of(truth: GroundTruth, box: TruthBox, graded: Mapping[PixelBox, Disc]) -> Disc | None:
    if box.disc is not None:
        return Disc(truth.patient, box.disc)
    if box.label in GRADE_LABELS:
        return graded.get(box.box_xyxy_px)
    return disc_at(truth, box.box_xyxy_px, [Place(disc, at) for at, disc in graded.items()])


def _graded_places(truths: Sequence[GroundTruth]) -> list[dict[PixelBox, Disc]]:
    """Return the discs of each image by their grade boxes; unnamed ones are linked or made up."""
    named = [
        {b.box_xyxy_px: Disc(t.patient, b.disc) for b in _grade_boxes(t) if b.disc is not None}
        for t in truths
    ]
    seen: dict[tuple[str, tuple[int, int]], list[Place]] = defaultdict(list)
    for truth, here in zip(truths, named, strict=True):
        seen[truth.patient, truth.shape_px] += [Place(disc, at) for at, disc in here.items()]
    new_numbers: dict[str, Iterator[int]] = defaultdict(count)
    for truth, here in zip(truths, named, strict=True):
        if truth.plane is Plane.SAGITTAL:
            series = seen[truth.patient, truth.shape_px]
            _add_unnamed(truth, here, series, new_numbers[truth.patient])
    return named


def _add_unnamed(
    truth: GroundTruth, here: dict[PixelBox, Disc], series: list[Place], new_numbers: Iterator[int]
) -> None:
    """Add the unnamed discs of one image to ``here`` and ``series``, linked or as new discs."""
    for box in _grade_boxes(truth):
        if box.disc is None:
            free = [place for place in series if place.disc not in here.values()]
            disc = _linked(box.box_xyxy_px, free)
            if disc is None:
                disc = Disc(truth.patient, next(new_numbers), is_named=False)
            here[box.box_xyxy_px] = disc
            series.append(Place(disc, box.box_xyxy_px))


def _grade_boxes(truth: GroundTruth) -> list[TruthBox]:
    return [box for box in truth.boxes if box.label in GRADE_LABELS]


def _linked(box_xyxy_px: PixelBox, places: Sequence[Place]) -> Disc | None:
    """Return the disc whose place overlaps the box most, None below ``LINKED_IOU``."""
    if not places:
        return None
    seen = np.array([place.box_xyxy_px for place in places], dtype=np.float64)
    overlap = box_ops.iou(np.array([box_xyxy_px], dtype=np.float64), seen)[0]
    return places[int(overlap.argmax())].disc if overlap.max() >= LINKED_IOU else None


def _shared_px(box: BoxArray, places: BoxArray) -> NDArray[np.float64]:
    """Return (T,) the area that a (1, 4) box shares with each of (T, 4) places."""
    overlap = box_ops.iou(box, places)[0]
    shared: NDArray[np.float64] = (
        overlap * (box_ops.area(box) + box_ops.area(places)) / (1 + overlap)
    )
    return shared


def _distances(box: BoxArray, places: BoxArray) -> NDArray[np.float64]:
    """Return (T,) px from the centre of a (1, 4) box to the border of each of (T, 4) places."""
    center = (box[0, :2] + box[0, 2:]) / 2
    beyond = np.maximum(np.maximum(places[:, :2] - center, center - places[:, 2:]), 0)
    distances: NDArray[np.float64] = np.hypot(beyond[:, 0], beyond[:, 1])
    return distances
