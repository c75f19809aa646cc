"""What an axial slice cuts of the spine on the segmented sagittal slices that it crosses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.geometry import Points, SliceGeometry, usual_view
from discern.imaging.study import Slice
from discern.inference.axial_crossing import common_lines
from discern.inference.axial_spine import PlacedDisc
from discern.quantities.slices import TissueSlice
from discern.spine import Tissue

_PLACES = np.linspace(-0.7, 1.9, 105)  # in depths of the disc, before and behind the axis
_LAST_PLACE = 0.7  # of the column where no canal ends it: arches lie farther behind
_LAYERS = np.array((-1 / 3, 0.0, 1 / 3))  # in thicknesses of the slab
_COLUMN = 0.8  # in depths: the least length of the column that is believed
_FAT_MM = 4.0  # between the column and the canal
_SEEN = 0.1  # of the least length: less disc and bone says that the segmentation failed there
_TRACE = 0.05  # least probability of disc that counts
_OWN = 0.75  # in depths: disc farther than this from every named disc's middle is another disc
_MAJORITY = 0.5

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SegmentedSlice:
    """A sagittal slice, its place in the patient, and its tissues in the usual view."""

    geometry: SliceGeometry
    shape_px: tuple[int, int]
    tissue: TissueSlice


@dataclass(frozen=True, slots=True)
class AxialCuts:
    """What S axial slices cut on their line through the spine.

    Attributes:
        shares: (S, D) share of each named disc in the cut through the column.
        seen: (S,) whether disc or bone was segmented there at all.
    """

    shares: Floats
    seen: Mask


def segmented_slices(
    slices: Sequence[Slice], tissues: Sequence[TissueSlice]
) -> tuple[SegmentedSlice, ...]:
    """Return ``tissues`` with the places of their ``slices``; those without geometry left out."""
    by_index = {one.index: one for one in slices}
    pairs = ((by_index[tissue.slice_index], tissue) for tissue in tissues)
    return tuple(
        SegmentedSlice(slice_.geometry, slice_.shape_px, tissue)
        for slice_, tissue in pairs
        if slice_.geometry is not None
    )


def cuts_of(
    normals: Points,
    crossings_lps_mm: Points,
    slab_mm: float,
    discs: Sequence[PlacedDisc],
    sagittal: Sequence[SegmentedSlice],
) -> AxialCuts:
    """Return what axial slices cut, averaged over their thickness and the nearest sagittal slices.

    An axial plane meets a sagittal one in a line. Along it the column lies between its front and
    the canal; what is neither disc nor bone there is an endplate or sacrum, which is not segmented.

    Args:
        normals: (S, 3) unit normals of the axial slices.
        crossings_lps_mm: (S, 3) where they cross the axis of the spine.
        slab_mm: Thickness of the axial slices.
        discs: The named discs, at least one.
        sagittal: Segmented slices.
    """
    centers = np.array([disc.center_lps_mm for disc in discs])  # (D, 3)
    depths = np.array([disc.depth_mm for disc in discs])  # (D,)
    away = np.linalg.norm(crossings_lps_mm[:, None] - centers, axis=2)  # (S, D)
    depth = depths[away.argmin(axis=1)]  # (S,)
    step = depth * (_PLACES[1] - _PLACES[0])
    disc_mm = np.zeros((len(normals), len(discs) + 1))  # the last: of no named disc
    column_mm, lines_seen = np.zeros(len(normals)), np.zeros(len(normals))
    for one in sagittal:
        lines = common_lines(normals, crossings_lps_mm, one.geometry)
        rows = lines.rows
        points = lines.points_lps_mm(depth[rows, None] * _PLACES)  # (L, P, 3)
        layers = (_LAYERS * slab_mm)[:, None] * normals[rows, None]  # (L, K, 3)
        slab = points[:, None] + layers[:, :, None]  # (L, K, P, 3)
        disc, length = _column(*_tissue_at(one, slab), step[rows])
        found = np.nonzero(disc > _TRACE)
        row = rows[found[0]]
        np.add.at(disc_mm, (row, _owners(slab[found], centers, depths)), disc[found] * step[row])
        column_mm[rows] += length.sum(axis=1)
        lines_seen[rows] += len(_LAYERS)
    least_mm = np.maximum(lines_seen, 1) * _COLUMN * depth
    shares = disc_mm[:, :-1] / np.maximum(column_mm, least_mm)[:, None]
    return AxialCuts(shares, column_mm >= _SEEN * least_mm)


def _column(disc: Floats, bone: Floats, canal: Floats, step_mm: Floats) -> tuple[Floats, Floats]:
    """Return disc (L, K, P) before the canal, and the lengths (L, K) of the column.

    Args:
        disc: (L, K, P) probabilities from front to back.
        bone: The same.
        canal: The same.
        step_mm: (L,) distance of the samples.
    """
    behind: Mask = np.logical_or.accumulate((canal >= _MAJORITY) & (_PLACES > 0), axis=2)
    ends = behind[:, :, -1]
    before = ~behind & (ends[:, :, None] | (_PLACES <= _LAST_PLACE))
    disc, solid = disc * before, (disc + bone) * before
    begun: Mask = np.logical_or.accumulate(solid >= _MAJORITY, axis=2)
    step_mm = step_mm[:, None]
    to_canal_mm = (begun & before).sum(axis=2) * step_mm - _FAT_MM
    return disc, np.maximum(solid.sum(axis=2) * step_mm, np.where(ends, to_canal_mm, 0.0))


def _tissue_at(one: SegmentedSlice, points_lps_mm: Points) -> tuple[Floats, Floats, Floats]:
    """Return probabilities of disc, vertebra and canal at (..., 3) points, zero off the image."""
    stored = one.geometry.lps_to_pixel(points_lps_mm.reshape(-1, 3))
    view = usual_view(one.geometry).apply_points(stored, one.shape_px)
    x, y = np.floor(view).astype(np.intp).T
    rows, columns = one.tissue.image.shape
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    shape = points_lps_mm.shape[:-1]
    disc, bone, canal = (
        np.where(inside, one.tissue.of(tissue)[y, x], 0.0).astype(np.float64).reshape(shape)
        for tissue in (Tissue.DISC, Tissue.VERTEBRA, Tissue.CANAL)
    )
    return disc, bone, canal


def _owners(points: Points, centers: Points, depths: Points) -> NDArray[np.intp]:
    """Return the row of the disc whose middle lies nearest to (N, 3) points, D if none is near."""
    away = np.linalg.norm(points[:, None] - centers, axis=2) / depths  # (N, D)
    rows: NDArray[np.intp] = np.where(away.min(axis=1) <= _OWN, away.argmin(axis=1), len(centers))
    return rows
