"""A high-intensity zone looked at again: where in the annulus, how bright, and how on T1.

The zone is a focus in the annulus, brighter than the nucleus and about as bright as cerebrospinal
fluid (Aprill and Bogduk, Br J Radiol 65:361, 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from discern.errors import UnreadableFile
from discern.findings import Border, FocusFinding, T1Appearance
from discern.imaging.geometry import usual_view
from discern.imaging.study import Series, Slice, Study
from discern.inference.fusion import DiscEvidence
from discern.inference.tracks import PlacedBox
from discern.quantities.signal import NUCLEUS_HALF_DEPTH, NUCLEUS_HALF_HEIGHT, fluid_signal
from discern.quantities.slices import TissueSlice
from discern.spine import Label, Plane, Tissue, Weighting

T1_BRIGHT, T1_DARK = 1.2, 0.8
"""Least and most T1 signal, in parts of that of the nucleus, of a bright and a dark focus."""
_BRIGHTEST = 0.25
_CORE = (NUCLEUS_HALF_DEPTH, NUCLEUS_HALF_HEIGHT)
_FEWEST_PX = 3
_CANAL_HEIGHTS = 1.5
"""Fluid is sought within so many heights of the disc above and below the focus."""
_T1_DISTANCE_MM = 3.0
"""Farther T1 slices do not show the focus."""

Points = NDArray[np.float64]
Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a focus may be looked at on: the series it was found on, its tissue maps, T1 slices."""

    series: Series
    tissues: Sequence[TissueSlice] = ()
    t1: tuple[Slice, ...] = ()


def sight_of(study: Study, series: Series, tissues: Sequence[TissueSlice]) -> Sight:
    """Return ``series`` with its tissue maps and the sagittal T1 slices of the study."""
    t1 = tuple(
        one
        for other in study.series
        if other.plane is Plane.SAGITTAL and other.weighting is Weighting.T1 and not other.localizer
        for one in other.slices
        if one.geometry is not None
    )
    return Sight(series, tissues, t1)


def focus_of(disc: DiscEvidence, sight: Sight) -> FocusFinding | None:
    """Return what the surest sagittal zone of a disc shows, None where it has none."""
    zones = disc.lesions_called(Label.HIZ)
    if not zones:
        return None
    zone = max(zones, key=lambda box: box.selected.score)
    shown = disc.track.on(zone.slice_index)
    if shown is None:
        return None
    slice_ = next(one for one in sight.series.slices if one.index == zone.slice_index)
    border = Border.POSTERIOR if zone.center[1] > shown.center[1] else Border.ANTERIOR
    try:
        looked = _Slice(slice_, zone, shown, _tissue_on(slice_, sight.tissues))
    except UnreadableFile:
        return FocusFinding(border)
    signal = looked.signal(looked.focus_px)
    ratio = _t1_ratio(looked, sight.t1)
    return FocusFinding(
        border=border,
        nucleus_ratio=_over(signal, looked.signal(looked.nucleus_px)),
        csf_ratio=_over(signal, looked.fluid),
        t1=None if ratio is None else _appearance(ratio),
        t1_ratio=ratio,
    )


class _Slice:
    """One T2 slice in the usual view with a focus, the nucleus of its disc, and fluid beside it."""

    def __init__(
        self, slice_: Slice, zone: PlacedBox, disc: PlacedBox, tissue: TissueSlice | None
    ) -> None:
        self.slice_ = slice_
        self._turn = usual_view(slice_.geometry)
        self._image = self._turn.apply(slice_.read())
        self._tissue = tissue
        self._disc = np.array(disc.view_xyxy_px)
        self.focus_px = self._brightest(np.array(zone.view_xyxy_px))
        self.nucleus_px = self._core()

    def signal(self, points_xy_px: Points) -> float | None:
        """Return the mean signal at pixels (N, 2), None of too few."""
        if len(points_xy_px) < _FEWEST_PX:
            return None
        x, y = points_xy_px.T.astype(int)
        return float(self._image[y, x].mean())

    @property
    def fluid(self) -> float | None:
        """Signal of the fluid in the canal beside the disc."""
        if self._tissue is None:
            return None
        _, top, _, bottom = self._disc
        reach = _CANAL_HEIGHTS * (bottom - top)
        low, high = max(int(top - reach), 0), int(bottom + reach)
        canal = self._tissue.of(Tissue.CANAL)[low:high] >= 0.5  # noqa: PLR2004 - majority
        value = fluid_signal(self._image[low:high][canal])
        return None if np.isnan(value) else value

    def stored_points(self, points_xy_px: Points) -> Points:
        """Return pixels of the usual view as points of the stored matrix."""
        boxes = np.hstack([points_xy_px, points_xy_px + 1])
        stored = self._turn.restore_boxes(boxes, self.slice_.shape_px)
        return (stored[:, :2] + stored[:, 2:]) / 2

    def _brightest(self, box: Points) -> Points:
        """Return the brightest quarter of the pixels of a box that lie on the disc's own box."""
        low, high = np.maximum(box[:2], self._disc[:2]), np.minimum(box[2:], self._disc[2:])
        points = self._within(low, high)
        if self._tissue is not None and len(points):
            x, y = points.T.astype(int)
            points = points[self._tissue.of(Tissue.CANAL)[y, x] < 0.5]  # noqa: PLR2004
        if not len(points):
            return points
        x, y = points.T.astype(int)
        count = max(round(_BRIGHTEST * len(points)), min(_FEWEST_PX, len(points)))
        return points[np.argsort(-self._image[y, x], kind="stable")[:count]]

    def _core(self) -> Points:
        middle, size = (self._disc[:2] + self._disc[2:]) / 2, self._disc[2:] - self._disc[:2]
        points = self._within(middle - size * _CORE, middle + size * _CORE)
        if self._tissue is not None and len(points):
            x, y = points.T.astype(int)
            points = points[self._tissue.of(Tissue.DISC)[y, x] >= 0.5]  # noqa: PLR2004
        return points

    def _within(self, low: Points, high: Points) -> Points:
        """Return the pixels (N, 2) whose centres lie between two corners; none if they cross."""
        height, width = self._image.shape
        x1, y1 = np.clip(np.ceil(low - 0.5), 0, (width, height)).astype(int)
        x2, y2 = np.clip(np.ceil(high - 0.5), 0, (width, height)).astype(int)
        rows, columns = np.mgrid[y1 : max(y1, y2), x1 : max(x1, x2)]
        return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)


def _tissue_on(slice_: Slice, tissues: Sequence[TissueSlice]) -> TissueSlice | None:
    return next((one for one in tissues if one.slice_index == slice_.index), None)


def _over(signal: float | None, reference: float | None) -> float | None:
    return signal / reference if signal is not None and reference else None


def _appearance(ratio: float) -> T1Appearance:
    if ratio >= T1_BRIGHT:
        return T1Appearance.BRIGHT
    return T1Appearance.DARK if ratio <= T1_DARK else T1Appearance.ISOINTENSE


def _t1_ratio(looked: _Slice, t1: Sequence[Slice]) -> float | None:
    """Return the T1 signal of the focus over that of the nucleus, on the nearest T1 slice."""
    geometry = looked.slice_.geometry
    if geometry is None or min(len(looked.focus_px), len(looked.nucleus_px)) < _FEWEST_PX:
        return None
    focus, nucleus = (
        geometry.pixel_to_lps(looked.stored_points(points))
        for points in (looked.focus_px, looked.nucleus_px)
    )
    near = [(_distance_mm(one, focus), one.index, one) for one in t1]
    distance_mm, _, nearest = min(near, key=lambda one: one[:2], default=(np.inf, 0, None))
    if nearest is None or distance_mm > _T1_DISTANCE_MM:
        return None
    try:
        image = nearest.read()
    except UnreadableFile:
        return None
    signal, reference = (_sampled(image, nearest, points) for points in (focus, nucleus))
    return _over(signal, reference)


def _distance_mm(slice_: Slice, points_lps_mm: Points) -> float:
    if slice_.geometry is None:
        return float("inf")
    return float(np.abs(slice_.geometry.distance_mm(points_lps_mm)).mean())


def _sampled(image: Image, slice_: Slice, points_lps_mm: Points) -> float | None:
    """Return the mean signal of an image at places in the patient, None outside of it."""
    if slice_.geometry is None:
        return None
    x, y = slice_.geometry.lps_to_pixel(points_lps_mm).T
    values = map_coordinates(image, [y - 0.5, x - 0.5], order=1, mode="constant", cval=np.nan)
    return None if np.isnan(values).any() else float(values.mean())
