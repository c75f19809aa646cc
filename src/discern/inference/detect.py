"""The network over one series: slices in, boxes in the stored matrix out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from discern.boxes import BoxArray
from discern.errors import UnreadableFile
from discern.findings import StudyWarning
from discern.imaging.geometry import usual_view
from discern.imaging.pixels import Image, Letterbox, letterbox, window
from discern.imaging.study import Series, Slice
from discern.inference.lesion_look import LesionLook
from discern.inference.predictor import Candidates, Predictor
from discern.networks import Preprocessing
from discern.postprocess import PostprocessConfig, SelectedBox, select_boxes

BATCH_SLICES = 8  # bounds memory; larger batches are no faster on a CPU
THUMBNAIL_STEP = 2


@dataclass(frozen=True, slots=True)
class SliceBoxes:
    """What the network says on one slice.

    Attributes:
        slice_: The slice.
        boxes: Surviving boxes, xyxy px in the stored matrix.
        view_boxes_xyxy_px: (N, 4) the same boxes in the usual view.
        windowed: (H, W) the slice in the usual view, values in 0..1.
        content_bottom_px: Lower edge, in the usual view, of the last row that holds any signal
            (zero padding is not field of view).
        thumbnail: Every ``THUMBNAIL_STEP``-th pixel of the slice in the usual view.
    """

    slice_: Slice
    boxes: tuple[SelectedBox, ...]
    view_boxes_xyxy_px: BoxArray
    windowed: NDArray[np.float16]
    content_bottom_px: float
    thumbnail: Image


@dataclass(frozen=True, slots=True)
class _Prepared:
    slice_: Slice
    windowed: Image
    content_bottom_px: float
    thumbnail: Image
    input_image: Image
    fit: Letterbox


@dataclass(frozen=True, slots=True)
class SeriesDetector:
    """Predictor, preprocessing and thresholds bound together.

    ``look`` finds the lesions about the discs of sagittal slices; None leaves them to the detector.
    """

    predictor: Predictor
    preprocessing: Preprocessing
    thresholds: PostprocessConfig
    look: LesionLook | None = None

    def with_doubtful_lesions(self) -> "SeriesDetector":
        """Return a detector that keeps lesions which another slice may yet support."""
        look = None if self.look is None else self.look.with_doubtful_lesions()
        return replace(self, thresholds=self.thresholds.with_doubtful_lesions(), look=look)

    def detect(self, series: Series) -> tuple[list[SliceBoxes], list[StudyWarning]]:
        """Return the boxes of every readable slice of ``series`` and a warning per damaged one."""
        warnings: list[StudyWarning] = []
        results: list[SliceBoxes] = []
        prepared = self._prepared(series, warnings)
        while batch := list(islice(prepared, BATCH_SLICES)):
            inputs = np.stack([one.input_image for one in batch])  # (B, H, W)
            candidates = self.predictor.predict(inputs)
            results += map(self._slice_boxes, batch, candidates)
        return results, warnings

    def _prepared(self, series: Series, warnings: list[StudyWarning]) -> Iterator[_Prepared]:
        for slice_ in series.slices:
            try:
                image = slice_.read()
            except UnreadableFile as error:
                warnings.append(StudyWarning("slice_skipped", f"A slice was skipped: {error}"))
            else:
                yield self._prepare(slice_, image)

    def _prepare(self, slice_: Slice, image: Image) -> _Prepared:
        view = usual_view(slice_.geometry).apply(image)
        rules = self.preprocessing
        windowed = window(view, rules.low_percentile, rules.high_percentile)
        square, fit = letterbox(windowed, rules.size_px, slice_.view_spacing_mm)
        rows = np.flatnonzero((windowed > 0).any(axis=1))
        bottom = float(rows[-1] + 1) if rows.size else float(view.shape[0])
        thumbnail = view[::THUMBNAIL_STEP, ::THUMBNAIL_STEP].copy()
        return _Prepared(slice_, windowed, bottom, thumbnail, square, fit)

    def _slice_boxes(self, prepared: _Prepared, candidates: Candidates) -> SliceBoxes:
        selected = select_boxes(candidates.boxes_xyxy_px, candidates.class_scores, self.thresholds)
        boxes = np.array([one.box_xyxy_px for one in selected]).reshape(-1, 4)
        rows, columns = prepared.windowed.shape
        view = np.clip(prepared.fit.to_image(boxes), 0, (columns, rows, columns, rows))
        if self.look is not None:
            shown = [
                replace(one, box_xyxy_px=four(box)) for one, box in zip(selected, view, strict=True)
            ]
            selected = self.look.at(prepared.windowed, shown, prepared.slice_.view_spacing_mm)
            view = np.array([one.box_xyxy_px for one in selected]).reshape(-1, 4)
        return SliceBoxes(
            slice_=prepared.slice_,
            boxes=in_stored_matrix(selected, view, prepared.slice_),
            view_boxes_xyxy_px=view,
            windowed=prepared.windowed.astype(np.float16),
            content_bottom_px=prepared.content_bottom_px,
            thumbnail=prepared.thumbnail,
        )


def in_stored_matrix(
    boxes: Sequence[SelectedBox], view_boxes_xyxy_px: BoxArray, slice_: Slice
) -> tuple[SelectedBox, ...]:
    """Return boxes of the usual view, which lie at (N, 4) there, in the stored matrix."""
    stored = usual_view(slice_.geometry).restore_boxes(view_boxes_xyxy_px, slice_.shape_px)
    return tuple(
        replace(one, box_xyxy_px=four(box)) for one, box in zip(boxes, stored, strict=True)
    )


def four(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return a (4,) box as a tuple."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return x1, y1, x2, y2
