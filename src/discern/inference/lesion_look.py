"""A closer look for lesions: the lesion network about each disc, or in the middle of a slice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern.imaging.disc_crop import Box, CropRules, axial_box, crop_placement, disc_crop
from discern.imaging.placement import Placement
from discern.inference.predictor import LesionPredictor
from discern.inference.second_look import is_disc
from discern.networks import FINDER_STRIDE, FinderMetadata
from discern.postprocess import PostprocessConfig, SelectedBox, select_boxes
from discern.spine import LABELS, LESION_LABELS, Plane
from discern.weights import WeightsMetadata

_AT_ONCE = 32  # crops; bounds memory
Floats = NDArray[np.float64]
Spacing = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class LesionLook:
    """The lesion network in one plane, and which of its lesions count."""

    predictor: LesionPredictor
    finder: FinderMetadata
    plane: Plane
    thresholds: PostprocessConfig

    @classmethod
    def of(
        cls,
        predictor: LesionPredictor,
        about: WeightsMetadata,
        plane: Plane,
        thresholds: PostprocessConfig,
    ) -> "LesionLook | None":
        """Return what looks for lesions in ``plane``; None where the detector does."""
        if about.finder is None or not about.finder.lesions(plane):
            return None
        return cls(predictor, about.finder, plane, thresholds)

    def with_doubtful_lesions(self) -> "LesionLook":
        """Return a look that keeps lesions which another slice may yet support."""
        return replace(self, thresholds=self.thresholds.with_doubtful_lesions())

    def at(
        self, image: NDArray[np.floating], boxes: Sequence[SelectedBox], spacing_mm: Spacing = None
    ) -> list[SelectedBox]:
        """Return the boxes of a sagittal slice with the lesions found about each disc.

        Args:
            image: The windowed (H, W) slice.
            boxes: Of the detector, in pixels of ``image``; its own lesions go.
            spacing_mm: Between rows and between columns; None means square pixels.
        """
        discs = [box.box_xyxy_px for box in boxes if is_disc(box)]
        replaced = self.finder.lesions(self.plane)
        kept = [box for box in boxes if box.label not in replaced]
        return [*kept, *self._found(image, discs, self.finder.sagittal, spacing_mm)]

    def on_image(
        self, image: NDArray[np.floating], boxes: Sequence[SelectedBox]
    ) -> list[SelectedBox]:
        """Return the boxes of an image of square pixels that says nothing of its place."""
        if self.plane is Plane.AXIAL:
            rows, columns = image.shape
            return self.within(image, axial_box((rows, columns)))
        return self.at(image, boxes)

    def within(
        self, image: NDArray[np.floating], box_xyxy_px: Box, spacing_mm: Spacing = None
    ) -> list[SelectedBox]:
        """Return the lesions in the part of an axial slice that ``axial_box`` chose."""
        return self._found(image, [box_xyxy_px], self.finder.axial, spacing_mm)

    def _found(
        self,
        image: NDArray[np.floating],
        places: Sequence[Box],
        rules: CropRules,
        spacing_mm: Spacing,
    ) -> list[SelectedBox]:
        boxes, scores = np.zeros((0, 4)), np.zeros((0, len(LABELS)))
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            placements = [crop_placement(place, rules, spacing_mm) for place in some]
            crops = np.stack([disc_crop(image, one, rules) for one in placements])
            for maps, one in zip(self.predictor.predict_lesions(crops), placements, strict=True):
                here = self._peaks(maps.astype(np.float64), one)
                boxes, scores = np.vstack([boxes, here[0]]), np.vstack([scores, here[1]])
        rows, columns = image.shape
        boxes = np.clip(boxes, 0, (columns, rows, columns, rows))
        within = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # a crop may reach beyond the image
        return select_boxes(boxes[within], scores[within], self.thresholds)

    def _peaks(self, maps: Floats, placement: Placement) -> tuple[Floats, Floats]:
        """Return boxes (N, 4) in the image and scores (N, 7) of the peaks on the maps of a crop."""
        boxes, scores = [], []
        for place, label in enumerate(LESION_LABELS):
            if label not in self.finder.lesions(self.plane):
                continue
            y, x = np.nonzero(maps[place] >= self.thresholds.min_score(label))
            middle = (np.stack([x, y], axis=1) + 0.5) * FINDER_STRIDE  # (N, 2)
            reach = maps[len(LESION_LABELS) :, y, x].T  # (N, 4)
            corners = (middle - reach[:, :2], middle + reach[:, 2:])
            boxes.append(np.hstack([_in_image(one, placement) for one in corners]))
            own = np.zeros((len(y), len(LABELS)))
            own[:, LABELS.index(label)] = maps[place, y, x]
            scores.append(own)
        return np.vstack(boxes), np.vstack(scores)


def _in_image(points: Floats, placement: Placement) -> Floats:
    """Return points (N, 2) of a crop, which is not turned, in pixels of the image."""
    placed: Floats = (points - placement.target) / placement.scale_xy + placement.focus
    return placed
