"""The seam between the pipeline and whatever runs the network."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from discern.boxes import BoxArray


@dataclass(frozen=True, slots=True)
class Candidates:
    """Raw output for one image: boxes (N, 4) xyxy in input pixels, class scores (N, 7) in 0-1."""

    boxes_xyxy_px: BoxArray
    class_scores: NDArray[np.float64]


class Predictor(Protocol):
    """Runs the detector on a batch of network inputs."""

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        """Return the candidates of each image of a (B, H, W) batch with values in 0..1."""
        ...


class TissuePredictor(Protocol):
    """Runs the tissue network on a batch of its inputs."""

    def predict_tissues(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (B, 4, H, W) probabilities in the order of ``Tissue`` of a (B, H, W) batch."""
        ...


class GradePredictor(Protocol):
    """Runs the grading network on a batch of its inputs."""

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (N, 5) probabilities of the grades of discs from their (N, H, W) crops in 0..1."""
        ...


class LesionPredictor(Protocol):
    """Runs the lesion network on a batch of its inputs."""

    def predict_lesions(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, 6, h/2, w/2) of (N, h, w) crops in 0..1.

        The score of each lesion at the middles of those found, nought elsewhere; then the distance
        from there to the left, upper, right and lower edge of its box, in pixels of the crop.
        """
        ...


class SlicePredictor(Predictor, GradePredictor, LesionPredictor, Protocol):
    """Finds discs, looks at them again and for lesions."""


class StudyPredictor(SlicePredictor, TissuePredictor, Protocol):
    """Runs every network of a weights file."""
