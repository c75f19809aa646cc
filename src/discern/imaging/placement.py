"""An image shown elsewhere: stretched, turned and shifted, in one resampling.

Pixel coordinates are outer edges, so a point p of the image goes to
``matrix @ (p - focus) + target``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.boxes import BoxArray

Point = tuple[float, float]
Tile = tuple[int, int, int, int]  # x1, y1, x2, y2 of the output


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how an image is shown: its point ``focus`` lands on ``target``."""

    scale_xy: tuple[float, float]
    rotation_deg: float
    focus: Point
    target: Point

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The (2, 2) matrix: stretch first, then rotation (clockwise on the screen)."""
        angle = np.deg2rad(self.rotation_deg)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return rotation @ np.diag(self.scale_xy)

    def points(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, 2) points of the image in the output."""
        return (points_xy - self.focus) @ self.matrix.T + self.target

    def discs(self, boxes: BoxArray) -> BoxArray:
        """Return tight (N, 4) boxes of the ellipses inscribed in ``boxes``.

        A disc fills its box like an ellipse; the box of the rotated corners would be too large.
        """
        center = self.points((boxes[:, :2] + boxes[:, 2:]) / 2)
        semi_axes = (boxes[:, 2:] - boxes[:, :2]) / 2  # (N, 2)
        reach = np.sqrt(semi_axes**2 @ (self.matrix**2).T)  # (N, 2)
        return np.hstack([center - reach, center + reach])

    def regions(self, boxes: BoxArray) -> BoxArray:
        """Return (N, 4) boxes round the corners of ``boxes``."""
        corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]  # (N, 4, 2)
        moved = self.points(corners.reshape(-1, 2)).reshape(-1, 4, 2)
        return np.hstack([moved.min(axis=1), moved.max(axis=1)])


def resample(
    image: NDArray[np.generic], placement: Placement, tile: Tile, *, nearest: bool = False
) -> NDArray[np.float32]:
    """Return what ``placement`` shows in ``tile``, black where the image ends.

    Bilinear, or (for labels) ``nearest``.
    """
    x1, y1, x2, y2 = tile
    inverse = np.linalg.inv(placement.matrix)
    start = inverse @ (np.array([x1, y1]) - placement.target) + placement.focus
    (a, b), (d, e) = inverse
    shown = PillowImage.fromarray(image.astype(np.float32)).transform(
        (x2 - x1, y2 - y1),
        PillowImage.Transform.AFFINE,
        (a, b, start[0], d, e, start[1]),
        PillowImage.Resampling.NEAREST if nearest else PillowImage.Resampling.BILINEAR,
    )
    return np.asarray(shown)
