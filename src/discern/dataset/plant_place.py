"""Where in a real sagittal slice a lesion may be planted: axis and ends of one disc."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.masks import Tissues
from discern.imaging.pixels import Image
from discern.spine import GRADE_LABELS, Label, Tissue

DISC_LENGTH_MM = 35.0
"""Mean depth of a lumbar disc from front to back: the ruler of images whose spacing is not known
(Zhou et al., Eur Spine J 9:242, 2000, 34 to 36 mm)."""
_FEWEST_PX = 40
_LEAST_SHOWN = 0.8
"""Share of the width of its box that the mask of a disc must span."""
_NEAR_CANAL = 1.5  # disc heights above and below a disc
_CSF_PERCENTILE = 80.0
_FEWEST_CSF_PX = 12


@dataclass(frozen=True, slots=True)
class DiscPlace:
    """One disc of a sagittal slice with its front to the left.

    Attributes:
        truth: Its grade box.
        center_px: (x, y) of the middle of the disc.
        axis: Unit vector (x, y) from front to back.
        half_length_px: From the middle to the back end.
        half_height_px: Of the back quarter, from the axis to a plate.
        csf: Signal of the spinal fluid behind it.
        annulus: Dark signal of its own.
    """

    truth: TruthBox
    center_px: tuple[float, float]
    axis: tuple[float, float]
    half_length_px: float
    half_height_px: float
    csf: float
    annulus: float

    @property
    def grade(self) -> int:
        """Pfirrmann grade, 1 to 5."""
        return GRADE_LABELS.index(self.truth.label) + 1

    @property
    def pixels_a_mm(self) -> float:
        """By the mean length of a disc, because nominal spacings are not to be trusted."""
        return 2 * self.half_length_px / DISC_LENGTH_MM

    def along(self, shape_px: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far (H, W) pixels lie backwards and downwards of the middle, in pixels."""
        rows, columns = np.indices(shape_px) + 0.5
        x, y = columns - self.center_px[0], rows - self.center_px[1]
        return x * self.axis[0] + y * self.axis[1], y * self.axis[0] - x * self.axis[1]


def disc_places(image: Image, truth: GroundTruth, tissues: Tissues) -> list[DiscPlace]:
    """Return the graded discs that a mask shows and that have spinal fluid behind them."""
    places = [_place(image, box, tissues) for box in truth.boxes if box.label in GRADE_LABELS]
    return [place for place in places if place is not None]


def free_of_herniation(place: DiscPlace, truth: GroundTruth) -> bool:
    """Whether no herniation is drawn on the disc."""
    return all(box.disc != place.truth.disc for box in truth.boxes if box.label is Label.HERNIATION)


def _place(image: Image, box: TruthBox, tissues: Tissues) -> DiscPlace | None:
    x1, y1, x2, y2 = (round(edge) for edge in box.box_xyxy_px)
    part = (slice(max(y1, 0), y2), slice(max(x1, 0), x2))
    rows, columns = np.nonzero(_largest(tissues[part] == Tissue.DISC))
    if rows.size < _FEWEST_PX:
        return None
    points = np.stack((columns + max(x1, 0) + 0.5, rows + max(y1, 0) + 0.5), axis=1)
    center = points.mean(axis=0)
    axis = np.linalg.eigh(np.cov((points - center).T))[1][:, 1]
    axis = axis if axis[0] > 0 else -axis
    front, rear_end = np.quantile((points - center) @ axis, (0.01, 0.99))
    if rear_end - front < _LEAST_SHOWN * (x2 - x1):
        return None
    center = center + (front + rear_end) / 2 * axis
    back = (points - center) @ axis
    across = (points - center) @ np.array([-axis[1], axis[0]])
    rear = across[back > np.quantile(back, 0.75)]
    csf = _fluid(image, tissues, (y1, y2))
    if csf is None:
        return None
    dark = float(np.percentile(image[part][tissues[part] == Tissue.DISC], 15))
    return DiscPlace(
        truth=box,
        center_px=(float(center[0]), float(center[1])),
        axis=(float(axis[0]), float(axis[1])),
        half_length_px=float(rear_end - front) / 2,
        half_height_px=float((np.quantile(rear, 0.95) - np.quantile(rear, 0.05)) / 2),
        csf=csf,
        annulus=dark,
    )


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    return np.asarray(parts == 1 + int(sizes.argmax()))


def _fluid(image: Image, tissues: Tissues, rows: tuple[int, int]) -> float | None:
    """Return the signal of the canal beside these rows, None where it is not seen."""
    reach = round(_NEAR_CANAL * (rows[1] - rows[0]))
    near = slice(max(rows[0] - reach, 0), rows[1] + reach)
    canal = image[near][tissues[near] == Tissue.CANAL]
    return float(np.percentile(canal, _CSF_PERCENTILE)) if canal.size >= _FEWEST_CSF_PX else None
