"""What the lesion network is to say of a crop: maps of middles and sizes, drawn from boxes.

Nine maps at half the resolution: nearness to the middle of a lesion (a Gaussian that reaches the
edges of its box at three deviations, one at the middle itself) for herniations and for
high-intensity zones; whether either is judged there; the logarithm of the distances to the four
edges of the box, and how much they count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.boxes import BoxArray
from discern.networks import FINDER_STRIDE
from discern.spine import LESION_LABELS

Maps = NDArray[np.float32]
LESIONS = len(LESION_LABELS)
_DEVIATIONS = 6.0  # of a Gaussian within the box
_LEAST_DEVIATION_PX = 1.2
_SIZE_FROM = 0.4  # nearness from which a place says how large the lesion is
_LEAST_DISTANCE_PX = 0.5


@dataclass(frozen=True, slots=True)
class CropTruth:
    """What is known of a crop, in its pixels.

    Attributes:
        boxes: (N, 4) lesions.
        labels: Place of each in ``LESION_LABELS``.
        annotated: Of each of ``LESION_LABELS``, whether its absence means "not there".
        ignored: (K, 4) places where nothing is judged.
    """

    boxes: BoxArray
    labels: Sequence[int]
    annotated: Sequence[bool]
    ignored: BoxArray


def lesion_targets(truth: CropTruth, shape_px: tuple[int, int]) -> Maps:
    """Return the (9, rows / 2, columns / 2) maps of a crop of ``shape_px``."""
    rows, columns = (size // FINDER_STRIDE for size in shape_px)
    y, x = (np.mgrid[:rows, :columns] + 0.5) * FINDER_STRIDE
    maps = np.zeros((2 * LESIONS + 5, rows, columns), np.float32)
    nearness, judged = maps[:LESIONS], maps[LESIONS : 2 * LESIONS]
    distances, weight = maps[2 * LESIONS : -1], maps[-1]
    judged[np.array(truth.annotated, bool)] = 1
    for x1, y1, x2, y2 in truth.ignored:
        judged[:, (x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)] = 0
    for (x1, y1, x2, y2), label in zip(truth.boxes, truth.labels, strict=True):
        near = _nearness((x, y), (x1, y1, x2, y2))
        np.maximum(nearness[label], near, out=nearness[label])
        close = near > _SIZE_FROM
        judged[label][close] = truth.annotated[label]
        to_edges = np.stack([x - x1, y - y1, x2 - x, y2 - y])[:, close]
        distances[:, close] = np.log(np.clip(to_edges, _LEAST_DISTANCE_PX, None))
        weight[close] = near[close]
    return maps


def _nearness(
    cells: tuple[NDArray[np.float64], NDArray[np.float64]], box: Sequence[float]
) -> NDArray[np.float64]:
    """Return the Gaussian of a box at the middles of the cells, one in the cell of its middle."""
    x, y = cells
    middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    wide = max((box[2] - box[0]) / _DEVIATIONS, _LEAST_DEVIATION_PX)
    high = max((box[3] - box[1]) / _DEVIATIONS, _LEAST_DEVIATION_PX)
    near: NDArray[np.float64] = np.exp(
        -(((x - middle_x) / wide) ** 2 + ((y - middle_y) / high) ** 2) / 2
    )
    half = FINDER_STRIDE / 2
    near[(np.abs(x - middle_x) <= half) & (np.abs(y - middle_y) <= half)] = 1
    return near
