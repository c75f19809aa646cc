"""Signs of fracture, surgery and implants, and images beyond those that the network knows."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from discern.findings import StudyWarning
from discern.imaging.quality import SeriesSampling, measure_slice, quality_warnings
from discern.imaging.study import Series, slice_distance_mm
from discern.inference.spine_signs import SpineSigns
from discern.inference.voids import THICK
from discern.quantities.slices import TissueSlice
from discern.spine import Level, vertebra_below

HEIGHT_LOST = 0.4
"""Of a body against its neighbours: a severe fracture (over 40 %, Genant et al. 1993). A quarter,
a moderate one, is not told from the wedge of worn and scoliotic spines on one slice."""
LEAST_CANAL = 0.35
"""Share of the rows beside a disc; below this no canal is seen there."""
DISCS_WITHOUT_CANAL = 2
MOST_UNEVEN = 3.0
"""Brightness of the brightest body over that of the darkest. SPIDER: at most 3.3."""


def sign_warnings(signs: SpineSigns, levels: Sequence[Level | None]) -> Iterator[StudyWarning]:
    """Say what the signs along the discs of ``levels``, head to foot, may stand for."""
    yield from _fractures(signs, levels)
    yield from _surgery(signs, levels)
    if signs.void.thickness >= THICK:
        text = (
            "A signal void in or behind the spine is as thick as those of implants. Spines with "
            f"implants {_UNKNOWN} Do not rely on the discs beside it."
        )
        yield StudyWarning("implant_signs", text)
    if signs.unevenness > MOST_UNEVEN:
        text = (
            f"Brightness is uneven: one vertebral body is {signs.unevenness:.1f} times as bright "
            "as another. Compare the signal of discs at different heights with care."
        )
        yield StudyWarning("uneven_brightness", text)


_UNKNOWN = (
    "were not in the training population, but for a few by chance; how well they are read is not "
    "known."
)


def _rows(where: NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(where)]


def _fractures(signs: SpineSigns, levels: Sequence[Level | None]) -> Iterator[StudyWarning]:
    low = [levels[row] for row in _rows(signs.height_lost >= HEIGHT_LOST)]
    if low:
        names = [str(vertebra_below(one)) if one else "a vertebra without name" for one in low]
        text = (
            f"Much lower than its neighbours, as after a fracture: {', '.join(names)}. Fractured "
            f"spines {_UNKNOWN} Do not rely on the discs beside it."
        )
        yield StudyWarning("fracture_signs", text)


def _surgery(signs: SpineSigns, levels: Sequence[Level | None]) -> Iterator[StudyWarning]:
    inner = signs.canal[:-1]  # the canal tapers at the lowest disc
    gone = [levels[row] for row in _rows(inner < LEAST_CANAL)]
    if DISCS_WITHOUT_CANAL <= len(gone) < len(inner):
        names = [str(one) if one else "a disc without name" for one in gone]
        text = (
            f"No canal is seen beside {', '.join(names)} on the segmented slices: surgery, "
            "scoliosis, or a very narrow canal. Operated and strongly curved spines "
            f"{_UNKNOWN}"
        )
        yield StudyWarning("surgery_signs", text)


def image_warnings(series: Series, tissues: Sequence[TissueSlice]) -> list[StudyWarning]:
    """Return what the sampling of ``series`` and the pixels of its middle slice give to say."""
    first = series.slices[0]
    sampling = SeriesSampling(first.shape_px, first.spacing_mm, slice_distance_mm(series))
    middle = tissues[len(tissues) // 2] if tissues else None
    return list(quality_warnings(measure_slice(middle.image) if middle else None, sampling))
