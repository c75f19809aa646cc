"""What the segmented middle slices say of a spine as a whole: contrast, canal, bodies, voids.

Limits were set on phantoms and on the SPIDER patients of even number; ``bench/quality.py`` counts
what they say of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.pixels import Image
from discern.inference.detect import THUMBNAIL_STEP
from discern.inference.sagittal import SagittalReading
from discern.inference.tracks import Track
from discern.inference.voids import NO_VOID, Corridor, Void, corridor_of, unevenness, void_of, worst
from discern.quantities.signal import fluid_signal
from discern.quantities.slices import TissueSlice
from discern.quantities.vertebrae import vertebral_heights
from discern.spine import Tissue

MOST_SLICES = 3
"""Segmented slices that are looked at; more cost time and say the same."""
_MAJORITY = 0.5
_FEWEST_PX = 40
_CANAL_REACH = 0.25
"""Rows beside a disc, in disc distances above and below its middle, where canal is sought."""
_CANAL_BEHIND = 0.9
"""Canal is sought from the middle of a disc to so many depths behind it."""
_NEIGHBOURS = 2
_PEDICLE_MM = 15.0
"""Screws run through the pedicles, so far beside the middle of the discs."""
_PEDICLE_MISS_MM = 6.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FluidContrast:
    """How bright the fluid in the canal is; NaN where no canal was segmented.

    Attributes:
        to_marrow: Its signal over the median one of vertebrae.
        to_disc: The same over that of discs.
        canal_share: Pixels of canal over those of vertebrae.
    """

    to_marrow: float
    to_disc: float
    canal_share: float


@dataclass(frozen=True, slots=True)
class SpineSigns:
    """What N discs and the bodies between them show, head to foot.

    Attributes:
        canal: (N,) share of the rows beside each disc in which canal is seen, on the slice that
            shows most of it; NaN where none shows the disc.
        height_lost: (N - 1,) of the body below each disc but the last: how much lower it is at its
            lowest than its neighbours at their highest, as a share; NaN where it cannot be told.
        void: The thickest void and the largest share of voids, slices through the pedicles too.
        unevenness: How many times brighter the brightest body is than the darkest; NaN as above.
    """

    canal: Floats
    height_lost: Floats
    void: Void = NO_VOID
    unevenness: float = float("nan")


NO_SIGNS = SpineSigns(np.zeros(0), np.zeros(0))


def middle_of(tissues: Sequence[TissueSlice]) -> list[TissueSlice]:
    """Return at most ``MOST_SLICES`` of the segmented slices, evenly chosen."""
    count = min(len(tissues), MOST_SLICES)
    return [tissues[round(row)] for row in np.linspace(0, len(tissues) - 1, count)]


def fluid_contrast(tissues: Sequence[TissueSlice]) -> FluidContrast | None:
    """Return the medians over the slices that show vertebrae and discs, None where none does."""
    found = [_contrast(one) for one in middle_of(tissues)]
    rows = np.array([one for one in found if one is not None]).reshape(-1, 3)
    if not rows.size:
        return None
    medians = [_nan_median(column) for column in rows.T]
    return FluidContrast(*medians)


def _contrast(tissue: TissueSlice) -> tuple[float, float, float] | None:
    image = _thumbnail(tissue.image)
    marrow, disc, canal = (
        image[_thumbnail(tissue.of(one)) >= _MAJORITY]
        for one in (Tissue.VERTEBRA, Tissue.DISC, Tissue.CANAL)
    )
    if min(marrow.size, disc.size) < _FEWEST_PX:
        return None
    fluid = fluid_signal(canal)
    usual = [max(float(np.median(values)), 1e-6) for values in (marrow, disc)]
    return fluid / usual[0], fluid / usual[1], canal.size / marrow.size


def _nan_median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def signs_of(
    tracks: Sequence[Track], reading: SagittalReading, tissues: Sequence[TissueSlice]
) -> SpineSigns:
    """Return the signs along ``tracks``, head to foot.

    Voids are sought in the slices through the pedicles as well, where the series has them.
    """
    looked = [_View.of(tracks, one) for one in middle_of(tissues)]
    if not looked:
        return NO_SIGNS
    corridors = [one.corridor for one in looked if one.corridor is not None]
    evenness = [unevenness(corridor) for corridor in corridors]
    return SpineSigns(
        canal=_greatest([one.canal for one in looked], len(tracks)),
        height_lost=_medians([one.height_lost for one in looked], max(len(tracks) - 1, 0)),
        void=_void(tracks, reading, looked),
        unevenness=_nan_median(np.array(evenness, float)),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """What one segmented slice shows of N discs: (N,) canal, (N - 1,) height lost, corridor."""

    tissue: TissueSlice
    canal: Floats
    height_lost: Floats
    corridor: Corridor | None

    @classmethod
    def of(cls, tracks: Sequence[Track], tissue: TissueSlice) -> "_View":
        """Look at the discs that have a box on the slice."""
        seen = [(row, box) for row, one in enumerate(tracks) if (box := one.on(tissue.slice_index))]
        rows = np.array([row for row, _ in seen], dtype=int)
        boxes = np.array([box.view_xyxy_px for _, box in seen], float).reshape(-1, 4)
        canal = np.full(len(tracks), np.nan)
        canal[rows] = canal_beside(tissue, boxes)
        lost = np.full(max(len(tracks) - 1, 0), np.nan)
        neighbours = np.flatnonzero(np.diff(rows) == 1)
        lost[rows[neighbours]] = height_lost(vertebral_heights(tissue, boxes))[neighbours]
        return cls(tissue, canal, lost, corridor_of(tissue, boxes))


def canal_beside(tissue: TissueSlice, boxes_xyxy_px: Floats) -> Floats:
    """Return the share of rows beside each of the (N, 4) boxes in which there is canal."""
    centers = (boxes_xyxy_px[:, :2] + boxes_xyxy_px[:, 2:]) / 2
    if len(centers) < 2:  # noqa: PLR2004 - a distance needs two
        return np.full(len(centers), np.nan)
    apart_px = float(np.median(np.abs(np.diff(centers[:, 1]))))
    canal = tissue.of(Tissue.CANAL)
    shares = []
    for (left, _, right, _), (x, y) in zip(boxes_xyxy_px, centers, strict=True):
        top, bottom = max(round(y - _CANAL_REACH * apart_px), 0), round(y + _CANAL_REACH * apart_px)
        rows = canal[top:bottom, max(round(x), 0) : round(right + _CANAL_BEHIND * (right - left))]
        shares.append(float((rows >= _MAJORITY).any(axis=1).mean()) if rows.size else np.nan)
    return np.array(shares)


def height_lost(heights: Floats) -> Floats:
    """Return how much lower each body is at its lowest than its neighbours at their highest.

    Args:
        heights: (M, 3) anterior, middle and posterior, head to foot. The posterior one of the last
            body is left out: L5 is lower there.
    """
    lowest = heights.min(axis=1)
    if len(heights):
        lowest[-1] = heights[-1, :2].min()
    highest = heights.max(axis=1)
    lost = np.full(len(heights), np.nan)
    for row in range(len(heights)):
        around = np.r_[max(row - _NEIGHBOURS, 0) : row, row + 1 : row + 1 + _NEIGHBOURS]
        usual = _nan_median(highest[around[around < len(heights)]])
        lost[row] = 1 - lowest[row] / usual
    return lost


def _void(tracks: Sequence[Track], reading: SagittalReading, looked: Sequence[_View]) -> Void:
    along = [(one.tissue, one.corridor) for one in looked if one.corridor is not None]
    if not along:
        return NO_VOID
    pairs = [(_thumbnail(tissue.image), corridor) for tissue, corridor in along]
    image, corridor = pairs[len(pairs) // 2]
    beside = (reading.thumbnails.get(index) for index in _pedicle_slices(tracks, reading))
    pairs += [(one, corridor) for one in beside if one is not None and one.shape == image.shape]
    return worst([void_of(one, corridor) for one, corridor in pairs])


def _thumbnail(image: Image) -> Image:
    return image[::THUMBNAIL_STEP, ::THUMBNAIL_STEP]


def _pedicle_slices(tracks: Sequence[Track], reading: SagittalReading) -> set[int]:
    """Return the indices of the slices through the right and the left pedicles."""
    slices = reading.series.slices if reading.series and reading.has_geometry else ()
    center = np.mean([track.center for track in tracks], axis=0)[None]
    beside = [
        (float(one.geometry.distance_mm(center)[0]), one.index) for one in slices if one.geometry
    ]
    nearest = (
        min(((abs(mm - wanted), index) for mm, index in beside), default=(np.inf, 0))
        for wanted in (-_PEDICLE_MM, _PEDICLE_MM)
    )
    return {index for miss, index in nearest if miss <= _PEDICLE_MISS_MM}


def _greatest(rows: Sequence[Floats], count: int) -> Floats:
    table = np.array(rows, float).reshape(len(rows), count)
    known = np.isfinite(table)
    most = np.where(known, table, -np.inf).max(axis=0, initial=-np.inf)
    return np.where(known.any(axis=0), most, np.nan)


def _medians(rows: Sequence[Floats], count: int) -> Floats:
    table = np.array(rows, float).reshape(len(rows), count)
    return np.array([_nan_median(column) for column in table.T], float)
