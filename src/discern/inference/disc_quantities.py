"""The quantities of every disc of a study: from segmented slices, else from the boxes alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from discern.findings import Quantity, QuantityName, QuantitySource
from discern.imaging.study import Slice
from discern.inference.tracks import Track
from discern.quantities.combine import combine
from discern.quantities.from_boxes import measure_boxes
from discern.quantities.measure import Measured, measure_slice
from discern.quantities.slices import TissueSlice

Quantities = Mapping[QuantityName, Quantity]


def quantities_of(
    tracks: Sequence[Track], tissues: Sequence[TissueSlice], slices: Sequence[Slice]
) -> list[Quantities]:
    """Return the quantities of each of ``tracks`` (head to foot).

    Args:
        tracks: The named discs.
        tissues: Segmented slices; each disc is measured on those among its own middle slices.
        slices: The middle slices, measured by their boxes where there is no tissue.
    """
    measured: list[list[Measured]] = [[] for _ in tracks]
    if tissues:
        for tissue in tissues:
            rows, boxes = _boxes_on(tracks, tissue.slice_index)
            for row, found in zip(rows, measure_slice(tissue, boxes), strict=True):
                measured[row].append(found)
        return [combine(found, QuantitySource.MASKS) for found in measured]
    for slice_ in slices:
        rows, boxes = _boxes_on(tracks, slice_.index)
        for row, found in zip(rows, measure_boxes(boxes, slice_.view_spacing_mm), strict=True):
            measured[row].append(found)
    return [combine(found, QuantitySource.BOXES) for found in measured]


def _boxes_on(tracks: Sequence[Track], slice_index: int) -> tuple[list[int], np.ndarray]:
    """Return the discs that have one of their middle boxes on a slice, and the (N, 4) boxes.

    A box at the edge of the image holds part of a disc only and is left out.
    """
    rows, boxes = [], []
    for row, track in enumerate(tracks):
        box = next((one for one in track.middle() if one.slice_index == slice_index), None)
        if box is not None and not box.at_edge:
            rows.append(row)
            boxes.append(box.view_xyxy_px)
    return rows, np.array(boxes, float).reshape(-1, 4)
