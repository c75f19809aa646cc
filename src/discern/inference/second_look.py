"""A second look at each disc of a sagittal slice: the grading network's opinion of its grade."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.imaging.disc_crop import crop_placement, disc_crop
from discern.inference.predictor import GradePredictor
from discern.networks import GraderMetadata
from discern.postprocess import SelectedBox, with_second_opinion
from discern.spine import GRADE_LABELS, Plane
from discern.weights import WeightsMetadata

LEAST_SCORE = 0.1
"""Of a box that is looked at again; below it there is hardly ever a disc, and many boxes."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """The grading network, and what it is to see of a disc."""

    predictor: GradePredictor
    grader: GraderMetadata

    @classmethod
    def of(
        cls, predictor: GradePredictor, about: WeightsMetadata, plane: Plane
    ) -> "SecondLook | None":
        """Return what looks again at slices of ``plane``: nothing but sagittal ones."""
        if about.grader is None or plane is not Plane.SAGITTAL:
            return None
        return cls(predictor, about.grader)

    def at(
        self,
        image: NDArray[np.floating],
        boxes: Sequence[SelectedBox],
        spacing_mm: tuple[float, float] | None = None,
    ) -> list[SelectedBox]:
        """Return the boxes of a slice with both networks' opinion of every grade.

        Args:
            image: The windowed (H, W) slice.
            boxes: Of the detector, in pixels of ``image``; lesions stay as they are.
            spacing_mm: Between rows and between columns; None means square pixels.
        """
        judged, rules = list(boxes), self.grader.crop
        again = [i for i, box in enumerate(boxes) if is_disc(box)]
        if not again:
            return judged
        placements = [crop_placement(boxes[i].box_xyxy_px, rules, spacing_mm) for i in again]
        crops = np.stack([disc_crop(image, placement, rules) for placement in placements])
        for i, opinion in zip(again, self.predictor.predict_grades(crops), strict=True):
            judged[i] = with_second_opinion(boxes[i], opinion, self.grader.share)
        return judged


def is_disc(box: SelectedBox) -> bool:
    """Return whether a box is a disc that is looked at again."""
    return box.label in GRADE_LABELS and box.score >= LEAST_SCORE
