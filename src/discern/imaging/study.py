"""A study as it was read: series of slices with their geometry, pixels fetched on demand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from discern.findings import Source, StudyWarning
from discern.imaging.geometry import SliceGeometry, usual_view
from discern.spine import Plane, Weighting

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Slice:
    """One image plane. ``read`` decodes the pixels; only those of used series are kept (``kept``).

    Attributes:
        index: Position in the series from 0, patient right to left (sagittal), foot to head
            (axial), front to back (coronal).
        shape_px: Rows and columns of the stored matrix.
        geometry: Place in the patient, or None where the file does not say.
        spacing_mm: Between rows and between columns; None where the file does not say.
        read: Returns the (rows, columns) float32 image in the stored matrix: rescaled,
            MONOCHROME1 inverted, full stored depth; not to be written to. Raises
            ``UnreadableFile``.
        sop_instance_uid: None for files that are not DICOM.
        frame_number: From 1 in a multi-frame object, else None.
        file: Input-relative name with forward slashes.
        header: Returns the DICOM data set without its pixels, read again each time it is called;
            None for files that are not DICOM. It names the patient: for documents that go back
            to where the study came from, for nothing else. Raises ``UnreadableFile``.
    """

    index: int
    shape_px: tuple[int, int]
    geometry: SliceGeometry | None
    spacing_mm: tuple[float, float] | None
    read: Callable[[], Image]
    sop_instance_uid: str | None
    frame_number: int | None
    file: str
    header: Callable[[], Dataset] | None = None

    @property
    def view_spacing_mm(self) -> tuple[float, float] | None:
        """Between rows and between columns of the usual view; None where the file says nothing."""
        if self.spacing_mm is not None and usual_view(self.geometry).transpose:
            return self.spacing_mm[::-1]
        return self.spacing_mm


@dataclass(frozen=True, slots=True)
class Series:
    """Parallel or per-disc slices of one acquisition, ordered by ``Slice.index``.

    ``id`` is short and stable within the study ("s1", "s2", ...). ``used`` and ``reason`` are the
    outcome of the selection: whether the series is read and why, in plain words. ``localizer``: it
    only shows where to lay the others. ``by_hand``: the user named it, whatever it shows.
    """

    id: str
    series_instance_uid: str | None
    description: str
    plane: Plane
    weighting: Weighting
    slices: tuple[Slice, ...]
    used: bool = False
    reason: str = ""
    localizer: bool = False
    by_hand: bool = False

    def selected(self, *, used: bool, reason: str) -> "Series":
        """Return this series with the outcome of the selection."""
        return replace(self, used=used, reason=reason)


@dataclass(frozen=True, slots=True)
class Study:
    """One examination of one patient. No field names the patient."""

    source: Source
    study_instance_uid: str | None
    study_date: str | None
    series: tuple[Series, ...]
    warnings: tuple[StudyWarning, ...] = ()

    def used(self, plane: Plane) -> tuple[Series, ...]:
        """Return the series of ``plane`` that the selection chose, best first."""
        return tuple(one for one in self.series if one.used and one.plane is plane)


def slice_distance_mm(series: Series) -> float | None:
    """Return the median distance between neighbouring slices; None without geometry."""
    placed = [one.geometry for one in series.slices if one.geometry is not None]
    if len(placed) < 2 or len(placed) < len(series.slices):  # noqa: PLR2004 - a pair
        return None
    positions = np.array([one.position_lps_mm for one in placed])
    across = np.abs(np.diff(positions, axis=0) @ placed[0].normal)
    return float(np.median(across))


_REPEAT, _GAP = 0.25, 1.5
"""Neighbours lie between so many usual distances apart: nearer is the same place, farther a gap."""
_TURNED = 0.97
"""Least cosine between the planes of neighbours (14 degrees)."""


def slices_after_gap(series: Series) -> frozenset[int]:
    """Return the indices of slices that do not neighbour the one before them.

    One between them is missing, they lie at the same place, or they are turned against each other:
    an axial block of another disc begins so. Without geometry there is none.
    """
    usual_mm = slice_distance_mm(series)
    if not usual_mm:
        return frozenset()
    placed = [one.geometry for one in series.slices if one.geometry is not None]
    return frozenset(
        index
        for index, (before, here) in enumerate(pairwise(placed), start=1)
        if not _are_neighbours(before, here, usual_mm)
    )


def _are_neighbours(before: SliceGeometry, here: SliceGeometry, usual_mm: float) -> bool:
    offset_mm = np.array(here.position_lps_mm) - before.position_lps_mm
    apart = abs(float(offset_mm @ before.normal)) / usual_mm
    return _REPEAT < apart < _GAP and float(before.normal @ here.normal) > _TURNED
