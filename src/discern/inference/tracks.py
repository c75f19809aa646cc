"""Boxes of neighbouring slices linked into one track per disc.

Work happens in the spine frame: (left, posterior, head) in mm where the file gives a geometry, else
(slice index, column, -row) of the usual view in pixels, or in mm where only the spacing is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from discern.boxes import BoxArray
from discern.imaging.study import Slice
from discern.inference.detect import SliceBoxes, four
from discern.postprocess import SelectedBox
from discern.spine import GRADE_LABELS

Vector = NDArray[np.float64]
MAX_GAP_SLICES = 2  # a disc may be missed on one slice and found again
MAX_GAP_MM = 10.0  # ... or, where slices are thin, over this length
LINK_DISTANCE = 0.3  # of the typical distance between neighbouring discs
MIN_SPACING = 0.5  # closer neighbours are two readings of one disc
LEAST_SHARE = 0.2  # of the weight of a heavy track: less is a joint or muscle to the side
STRAY_SCORE = 0.5  # a disc seen on one slice of many must be at least this sure
MANY_SLICES = 5
LEAST_MIDDLE, MOST_MIDDLE = 3, 6  # slices that are segmented
EDGE_SHARE = 0.025  # of the height of the image: nearer its end a disc may be cut


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its place: ``center`` (3,) and ``size`` (width, height) in the spine frame.

    ``at_edge``: it touches the upper or lower end of the image, so the disc may be cut.
    ``view_xyxy_px`` is the box in the usual view of its slice.
    """

    detection: str
    slice_index: int
    selected: SelectedBox
    center: Vector
    size: Vector
    at_edge: bool = False
    view_xyxy_px: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Track:
    """The boxes of one disc, one per slice, in slice order."""

    boxes: tuple[PlacedBox, ...]

    def on(self, slice_index: int) -> PlacedBox | None:
        """Return the box on one slice, None where the disc was not seen there."""
        return next((box for box in self.boxes if box.slice_index == slice_index), None)

    @property
    def best_score(self) -> float:
        """Score of the surest box."""
        return max(box.selected.score for box in self.boxes)

    @property
    def weight(self) -> float:
        """Sum of the scores: many sure boxes outweigh a few doubtful ones."""
        return sum(box.selected.score for box in self.boxes)

    def middle(self, count: int = 3) -> tuple[PlacedBox, ...]:
        """Return the ``count`` boxes nearest the middle of the track (paper 2.3: mid, para-mid)."""
        indices = [box.slice_index for box in self.boxes]
        middle = np.average(indices, weights=[box.selected.score for box in self.boxes])
        nearest = sorted(
            self.boxes, key=lambda box: (abs(box.slice_index - middle), box.slice_index)
        )
        return tuple(sorted(nearest[:count], key=lambda box: box.slice_index))

    @property
    def is_cut(self) -> bool:
        """Whether the disc runs out of the image on most of its middle slices."""
        middle = self.middle()
        return 2 * sum(box.at_edge for box in middle) > len(middle)

    @property
    def center(self) -> Vector:
        """Mean centre (3,) of the middle boxes."""
        center: Vector = np.mean([box.center for box in self.middle()], axis=0)
        return center

    @property
    def size(self) -> Vector:
        """Mean (width, height) of the middle boxes."""
        size: Vector = np.mean([box.size for box in self.middle()], axis=0)
        return size


def place_boxes(result: SliceBoxes, first_id: int) -> list[PlacedBox]:
    """Return the boxes of one slice in the spine frame, with ids "d<first_id>" and on."""
    slice_, view = result.slice_, result.view_boxes_xyxy_px
    stored = np.array([box.box_xyxy_px for box in result.boxes]).reshape(-1, 4)
    centers = _centers(slice_, stored, view)
    row, column = slice_.view_spacing_mm or (1.0, 1.0)
    sizes = (view[:, 2:] - view[:, :2]) * (column, row)
    margin = EDGE_SHARE * result.content_bottom_px
    at_edge = (view[:, 1] < margin) | (view[:, 3] > result.content_bottom_px - margin)
    return [
        PlacedBox(
            detection=f"d{first_id + i}",
            slice_index=slice_.index,
            selected=selected,
            center=centers[i],
            size=sizes[i],
            at_edge=bool(at_edge[i]),
            view_xyxy_px=four(view[i]),
        )
        for i, selected in enumerate(result.boxes)
    ]


def _centers(slice_: Slice, stored: BoxArray, view: BoxArray) -> Vector:
    if slice_.geometry is not None:
        return slice_.geometry.pixel_to_lps((stored[:, :2] + stored[:, 2:]) / 2)
    row, column = slice_.spacing_mm or (1.0, 1.0)
    middle = (view[:, :2] + view[:, 2:]) / 2
    index = np.full(len(middle), float(slice_.index))
    return np.stack([index, middle[:, 0] * column, -middle[:, 1] * row], axis=1)


def link_tracks(
    placed: Sequence[PlacedBox], slice_count: int, slice_distance_mm: float | None = None
) -> list[Track]:
    """Link grade boxes through the slices; return one track per disc, head to foot.

    Args:
        placed: Boxes of one series in slice order; lesion boxes are left aside.
        slice_count: Slices that were read, to judge how much a single sighting counts.
        slice_distance_mm: Between neighbouring slices; None where the files do not say.
    """
    reach = MAX_GAP_SLICES
    if slice_distance_mm:
        reach = max(reach, int(MAX_GAP_MM / slice_distance_mm))
    grades = [box for box in placed if box.selected.label in GRADE_LABELS]
    spacing = typical_spacing(grades)
    tracks: list[list[PlacedBox]] = []
    for index in sorted({box.slice_index for box in grades}):
        here = [box for box in grades if box.slice_index == index]
        open_tracks = [t for t in tracks if index - t[-1].slice_index <= reach]
        tracks += [[box] for box in _extend(open_tracks, here, LINK_DISTANCE * spacing)]
    kept = [Track(tuple(boxes)) for boxes in tracks]
    least = LEAST_SHARE * float(np.percentile([t.weight for t in kept], 75)) if kept else 0.0
    kept = [t for t in kept if t.weight >= least and _supported(t, slice_count)]
    return _one_per_place(kept, MIN_SPACING * spacing)


def middle_slices(tracks: Sequence[Track]) -> list[int]:
    """Return the slice indices, ascending, on which the discs are best looked at again.

    At least three where there are as many, and more (at most ``MOST_MIDDLE``) where the spine
    leaves the plane: each disc is wanted on one of its middle slices.
    """
    wanted = [{box.slice_index for box in track.middle()} for track in tracks]
    chosen: list[int] = []
    candidates = sorted(set().union(*wanted))
    while candidates and len(chosen) < MOST_MIDDLE:
        seen = [len(own & set(chosen)) for own in wanted]
        if len(chosen) >= LEAST_MIDDLE and all(seen):
            break
        gains = [
            sum(0.5**times for own, times in zip(wanted, seen, strict=True) if index in own)
            for index in candidates
        ]
        chosen.append(candidates.pop(int(np.argmax(gains))))
    return sorted(chosen)


def typical_spacing(boxes: Sequence[PlacedBox]) -> float:
    """Return the median distance between neighbouring discs of a slice, in the spine frame.

    With fewer than two discs on every slice it falls back to the median disc width.
    """
    gaps: list[float] = []
    for index in {box.slice_index for box in boxes}:
        centers = np.array([b.center for b in boxes if b.slice_index == index])
        along = centers[np.argsort(-centers[:, 2])]
        gaps += np.linalg.norm(np.diff(along[:, 1:], axis=0), axis=1).tolist()
    if gaps:
        return float(np.median(gaps))
    return float(np.median([box.size[0] for box in boxes])) if boxes else 0.0


def _extend(tracks: list[list[PlacedBox]], boxes: list[PlacedBox], gate: float) -> list[PlacedBox]:
    """Append each box to its nearest open track within ``gate``; return those left over."""
    if not tracks or not boxes:
        return boxes
    ends = np.array([track[-1].center[1:] for track in tracks])  # (T, 2) posterior, head
    here = np.array([box.center[1:] for box in boxes])  # (N, 2)
    distance = np.linalg.norm(ends[:, None] - here[None], axis=2)  # (T, N)
    rows, columns = linear_sum_assignment(np.minimum(distance, gate * 10))
    linked = [(r, c) for r, c in zip(rows, columns, strict=True) if distance[r, c] <= gate]
    for row, column in linked:
        tracks[row].append(boxes[column])
    taken = {column for _, column in linked}
    return [box for i, box in enumerate(boxes) if i not in taken]


def _supported(track: Track, slice_count: int) -> bool:
    return len(track.boxes) > 1 or slice_count < MANY_SLICES or track.best_score >= STRAY_SCORE


def _one_per_place(tracks: Sequence[Track], limit: float) -> list[Track]:
    """Return the tracks head to foot; of two nearer than ``limit`` only the heavier one."""
    kept: list[Track] = []
    for track in sorted(tracks, key=lambda one: -one.weight):
        here = track.center[1:]
        if all(np.linalg.norm(other.center[1:] - here) >= limit for other in kept):
            kept.append(track)
    return sorted(kept, key=lambda track: -float(track.center[2]))
