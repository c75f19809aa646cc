"""What each pixel of a sagittal slice shows: disc, vertebra, canal or background."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.errors import UnreadableFile
from discern.imaging.geometry import usual_view
from discern.imaging.pixels import Image, Letterbox, letterbox, window
from discern.imaging.study import Slice
from discern.inference.predictor import TissuePredictor
from discern.networks import Preprocessing, SegmenterMetadata
from discern.quantities.slices import TissueSlice

_BATCH_SLICES = 8


@dataclass(frozen=True, slots=True)
class _Prepared:
    slice_index: int
    view: Image
    spacing_mm: tuple[float, float] | None
    input_image: Image
    fit: Letterbox


def segment_slices(
    slices: Sequence[Slice], predictor: TissuePredictor, metadata: SegmenterMetadata
) -> list[TissueSlice]:
    """Return the tissues of every readable one of ``slices``, in their order.

    A slice that cannot be read is left out; the detector has already warned of it. All four maps
    are as large as the stored matrix: ask for few slices.
    """
    prepared = [one for slice_ in slices if (one := _prepared(slice_, metadata.preprocessing))]
    found: list[TissueSlice] = []
    for start in range(0, len(prepared), _BATCH_SLICES):
        batch = prepared[start : start + _BATCH_SLICES]
        maps = predictor.predict_tissues(np.stack([one.input_image for one in batch]))
        found += [
            TissueSlice(
                one.slice_index,
                one.view,
                in_view(probabilities, one.fit, (one.view.shape[0], one.view.shape[1])),
                one.spacing_mm,
            )
            for one, probabilities in zip(batch, maps, strict=True)
        ]
    return found


def in_view(
    probabilities: NDArray[np.float32], fit: Letterbox, shape_px: tuple[int, int]
) -> NDArray[np.float32]:
    """Return (C, S, S) maps of network input as (C, H, W) maps of the image of ``shape_px``.

    Bilinear, without the letterbox; the sum over the channels stays one.
    """
    rows, columns = shape_px
    left, top = fit.offset_xy_px
    scale_x, scale_y = fit.scale_xy
    content = (left, top, left + columns * scale_x, top + rows * scale_y)
    return np.stack(
        [
            np.asarray(
                PillowImage.fromarray(np.ascontiguousarray(channel)).resize(
                    (columns, rows), PillowImage.Resampling.BILINEAR, box=content
                )
            )
            for channel in probabilities
        ]
    )


def _prepared(slice_: Slice, rules: Preprocessing) -> _Prepared | None:
    try:
        image = slice_.read()
    except UnreadableFile:
        return None
    turn = usual_view(slice_.geometry)
    view = turn.apply(image)
    spacing = slice_.spacing_mm
    if spacing is not None and turn.transpose:
        spacing = spacing[::-1]
    windowed = window(view, rules.low_percentile, rules.high_percentile)
    square, fit = letterbox(windowed, rules.size_px, spacing)
    return _Prepared(slice_.index, view, spacing, square, fit)
