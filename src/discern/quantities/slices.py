"""What a measurement starts from: one sagittal slice with the tissue of every pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.spine import Tissue

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TissueSlice:
    """One sagittal slice in the usual view: head up, anterior on the left.

    Attributes:
        slice_index: ``Slice.index`` in its series.
        image: (H, W) float32 signal, in any unit that starts at zero.
        probabilities: (4, H, W) float32 in the order of ``Tissue``; masks are zeros and ones.
        spacing_mm: Distance between rows, and between columns; None where it is not known, and
            then lengths are given only as ratios and pixels are taken as square.
    """

    slice_index: int
    image: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    spacing_mm: tuple[float, float] | None

    @property
    def scale(self) -> Array:
        """Length of a pixel along (x, y): mm, or 1 where the spacing is not known."""
        rows_mm, columns_mm = self.spacing_mm or (1.0, 1.0)
        return np.array([columns_mm, rows_mm])

    def of(self, tissue: Tissue) -> NDArray[np.float32]:
        """Return the (H, W) probabilities of one tissue."""
        found: NDArray[np.float32] = self.probabilities[tissue]
        return found
