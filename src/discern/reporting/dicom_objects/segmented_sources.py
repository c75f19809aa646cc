"""The source images of a segmentation, told as one orientation and one pixel spacing.

A Segmentation has both once for all of its frames (PS3.3 C.8.20.2). Sources may lack them, differ
by rounding, or, as Enhanced MR objects do, hold them frame by frame; what Discern read from them
stands in.
"""

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from discern.imaging.geometry import SliceGeometry
from discern.imaging.plane_geometry import step_between_mm
from discern.imaging.study import Slice
from discern.reporting.dicom_objects.source import header_of

Labels = NDArray[np.uint8]
_PARALLEL = 1e-3  # of a unit vector: 0.06 degrees, the rounding of a header


def parallel_slices(slices: Sequence[Slice]) -> list[Slice]:
    """Return the slices whose pixels lie as those of the first one that has a place in space."""
    placed = [one for one in slices if one.geometry is not None]
    return [one for one in placed if _alike(one.geometry, placed[0].geometry)]


def _alike(one: SliceGeometry | None, first: SliceGeometry | None) -> bool:
    if one is None or first is None:
        return False
    mine = (*one.along_row, *one.along_column)
    return np.allclose(mine, (*first.along_row, *first.along_column), atol=_PARALLEL) and (
        np.allclose(one.spacing_mm, first.spacing_mm, rtol=_PARALLEL)
    )


def sources_of(
    slices: Sequence[Slice], labels: Sequence[Labels]
) -> tuple[list[Dataset], Labels] | None:
    """Return the objects that hold ``slices``, and the (N, H, W) labels of all of their frames.

    None where they are in no frame of reference, or in several objects of several frames.

    Raises:
        InputError: A source image lacks a UID.
    """
    headers = [header_of(one) for one in slices]
    objects = {str(one.SOPInstanceUID): one for one in headers}
    many = slices[0].frame_number is not None
    if not headers[0].get("FrameOfReferenceUID") or (many and len(objects) > 1):
        return None
    if not many:
        for one in headers:
            _unify_single(one, slices)
        return headers, np.stack(labels)
    _unify_frames(headers[0], slices)
    frames = np.zeros((int(headers[0].NumberOfFrames), *labels[0].shape), np.uint8)
    for slice_, labelled in zip(slices, labels, strict=True):
        frames[(slice_.frame_number or 1) - 1] = labelled
    return [headers[0]], frames


def _unify_single(header: Dataset, slices: Sequence[Slice]) -> None:
    geometry = _first(slices)
    header.ImageOrientationPatient = [*geometry.along_row, *geometry.along_column]
    header.PixelSpacing = [*geometry.spacing_mm]
    if not header.get("SliceThickness"):
        header.SliceThickness = _thickness_mm(slices)


def _unify_frames(header: Dataset, slices: Sequence[Slice]) -> None:
    shared = header.SharedFunctionalGroupsSequence[0]
    geometry = _first(slices)
    shared.PlaneOrientationSequence = hd.PlaneOrientationSequence(
        hd.CoordinateSystemNames.PATIENT, [*geometry.along_row, *geometry.along_column]
    )
    shared.PixelMeasuresSequence = hd.PixelMeasuresSequence(
        [*geometry.spacing_mm], _thickness_of_frames(header) or _thickness_mm(slices)
    )


def _thickness_of_frames(header: Dataset) -> float | None:
    for group in (*header.SharedFunctionalGroupsSequence, *header.PerFrameFunctionalGroupsSequence):
        for measures in group.get("PixelMeasuresSequence", ()):
            if measures.get("SliceThickness"):
                return float(measures.SliceThickness)
    return None


def _thickness_mm(slices: Sequence[Slice]) -> float:
    """Return the distance between slices for a thickness that the source does not tell."""
    return step_between_mm([one.geometry for one in slices if one.geometry is not None])


def _first(slices: Sequence[Slice]) -> SliceGeometry:
    return next(one.geometry for one in slices if one.geometry is not None)
