"""What tells one disc from its neighbours: place and shape of the boxes, bone between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from discern.inference.tracks import PlacedBox, Track
from discern.quantities.slices import TissueSlice
from discern.spine import Tissue

Floats = NDArray[np.float64]
FEATURES = (
    "log height/width",
    "turn, 10 degrees",
    "log width ratio",
    "log distance",
    "log breadth ratio",
)
_PATCH_RADIUS = 0.2  # of the usual distance between discs: well inside a vertebral body
_LEAST_PATCH_PX = 5
_LEAST_BREADTH = 5  # slices that show a usual disc, from which narrower ones can be told


@dataclass(frozen=True, slots=True)
class Chain:
    """Discs of one spine, foot to head, in any one length unit.

    Attributes:
        centers: (N, 2) posterior and head coordinates.
        sizes: (N, 2) width and height of the boxes in the usual sagittal view.
        room_below: Length of image with signal below the lowest box.
        bone: (N + 1,) mean probability of vertebral body half a usual distance below the lowest
            disc, then above each; NaN where it was not measured or lies off the image.
        bone_further: The same one disc distance below ``bone[0]``.
        breadth: (N,) on how many slices each disc was seen; None where there are too few to tell.
    """

    centers: Floats
    sizes: Floats
    room_below: float
    bone: Floats
    bone_further: float = float("nan")
    breadth: Floats | None = None

    def __len__(self) -> int:
        """Return the number of discs."""
        return len(self.centers)

    def above(self, dropped: int) -> "Chain":
        """Return the chain without its ``dropped`` lowest discs."""
        if not dropped:
            return self
        freed = float(self.centers[dropped, 1] - self.centers[0, 1])
        further = float(self.bone[dropped - 1])
        return Chain(
            self.centers[dropped:],
            self.sizes[dropped:],
            self.room_below + freed,
            self.bone[dropped:],
            further,
            None if self.breadth is None else self.breadth[dropped:],
        )


def usual_distance(centers: Floats) -> float:
    """Return the median distance of neighbouring discs that lie side by side, NaN for one disc.

    Distances over one and a half times the shortest usual one jump over a disc and do not count.
    """
    gaps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    if not gaps.size:
        return float("nan")
    low = float(np.percentile(gaps, 25))
    return float(np.median(gaps[gaps <= 1.5 * low]))


def features(chain: Chain, steps: Sequence[int]) -> Floats:
    """Return the (N - 1, 5) ``FEATURES`` of every disc but the highest, against the one above it.

    Turn is how much steeper the line from the disc above to this one runs backwards than the line
    above it, a level; NaN for the second highest disc. How steep the whole spine lies is left out:
    people differ in it more than levels do. ``steps`` (N - 1,) says how many levels apart two discs
    are; distance is that of one level against the usual distance. Breadth is the number of slices
    that show the disc, against the median of all: a disc within the sacrum is narrow. NaN where the
    series has too few slices.
    """
    width, height = chain.sizes.T
    down = chain.centers[:-1] - chain.centers[1:]  # (N - 1, 2)
    levels = np.asarray(steps, float)
    tilt = np.degrees(np.arctan2(down[:, 0], -down[:, 1])) / 10
    between = (levels[:-1] + levels[1:]) / 2
    turn = np.append((tilt[:-1] - tilt[1:]) / between, np.nan)
    distance = np.linalg.norm(down, axis=1) / levels
    return np.stack(
        (
            np.log(height[:-1] / width[:-1]),
            turn,
            np.log(width[:-1] / width[1:]),
            np.log(distance / usual_distance(chain.centers)),
            _breadth(chain)[:-1],
        ),
        axis=1,
    )


def _breadth(chain: Chain) -> Floats:
    if chain.breadth is None:
        return np.full(len(chain), np.nan)
    ratio: Floats = np.log(chain.breadth / np.median(chain.breadth))
    return ratio


def chain_of(
    tracks: Sequence[Track], room_below: float, tissues: Sequence[TissueSlice] = ()
) -> Chain:
    """Return the chain of ``tracks`` (head to foot), with bone where tissue was segmented."""
    upwards = tracks[::-1]
    bone = [_bone_of(upwards, one) for one in tissues]
    measured = np.array(bone).reshape(-1, len(tracks) + 2)
    seen = np.isfinite(measured)
    total = np.where(seen, measured, 0.0).sum(axis=0)
    mean = np.full(len(tracks) + 2, np.nan)
    np.divide(total, seen.sum(axis=0), out=mean, where=seen.any(axis=0))
    return Chain(
        centers=np.array([track.center[1:] for track in upwards]).reshape(-1, 2),
        sizes=np.array([track.size for track in upwards]).reshape(-1, 2),
        room_below=room_below,
        bone=mean[1:],
        bone_further=float(mean[0]),
        breadth=_slices_of(upwards),
    )


def _slices_of(upwards: Sequence[Track]) -> Floats | None:
    counts = np.array([float(len(track.boxes)) for track in upwards])
    return counts if counts.size and np.median(counts) >= _LEAST_BREADTH else None


def _bone_of(upwards: Sequence[Track], tissue: TissueSlice) -> list[float]:
    """Return bone three half distances below the lowest disc, one below it, one above each."""
    boxes = [track.on(tissue.slice_index) for track in upwards]
    centers = [None if box is None else _view_center(box, tissue) for box in boxes]
    distance = _distance(centers)
    points: list[Floats | None] = [None] * (len(upwards) + 2)
    if distance is None:
        return [float("nan")] * len(points)
    for i, (here, above) in enumerate(pairwise(centers)):
        if here is not None and above is not None:
            half = (above - here) / np.linalg.norm(above - here) * distance / 2
            points[i + 2] = here + half
            if i == 0:
                points[0], points[1] = here - 3 * half, here - half
    return [_bone_at(point, distance, tissue) for point in points]


def _distance(centers: Sequence[Floats | None]) -> float | None:
    found = np.array([one for one in centers if one is not None])
    return usual_distance(found) if len(found) > 1 else None


def _view_center(box: PlacedBox, tissue: TissueSlice) -> Floats:
    """Return the centre (2,) x and y of a box in mm of the view (px without spacing)."""
    x1, y1, x2, y2 = box.view_xyxy_px
    row_mm, column_mm = tissue.spacing_mm or (1.0, 1.0)
    return np.array([(x1 + x2) / 2 * column_mm, (y1 + y2) / 2 * row_mm])


def _bone_at(point: Floats | None, distance: float, tissue: TissueSlice) -> float:
    """Return the mean probability of vertebral body in a patch; NaN where it leaves the image."""
    if point is None:
        return float("nan")
    row_mm, column_mm = tissue.spacing_mm or (1.0, 1.0)
    rows, columns = tissue.probabilities.shape[1:]
    x, y = point[0] / column_mm, point[1] / row_mm
    half_x, half_y = _PATCH_RADIUS * distance / column_mm, _PATCH_RADIUS * distance / row_mm
    if x - half_x < 0 or y - half_y < 0 or x + half_x > columns or y + half_y > rows:
        return float("nan")
    patch = tissue.probabilities[
        Tissue.VERTEBRA,
        round(y - half_y) : round(y + half_y) + 1,
        round(x - half_x) : round(x + half_x) + 1,
    ]
    return float(patch.mean()) if patch.size >= _LEAST_PATCH_PX else float("nan")
