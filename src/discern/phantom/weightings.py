"""The same tissues on other series: T1 spin echo, STIR, and what of their signal is fat.

Signals are fractions of that of cerebrospinal fluid on T2, so that one noise serves all. They were
set by eye from what the weightings are known to show: on T1 fat is bright, fluid dark and a disc of
any grade grey; STIR is a T2 without fat.
"""

from dataclasses import replace

from discern.phantom.settings import Contrast
from discern.spine import Weighting

DRAWN = (Weighting.T2, Weighting.T1, Weighting.STIR)
_FAT_OF_MARROW = 0.5


def contrast_on(weighting: Weighting, t2: Contrast) -> Contrast:
    """Return what the tissues of ``t2`` look like on another series.

    Raises:
        ValueError: A weighting that the phantom does not draw.
    """
    match weighting:
        case Weighting.T2:
            return t2
        case Weighting.T1:
            return replace(
                t2,
                marrow=0.34 + 0.5 * t2.marrow,
                fat=1.0,
                muscle=0.3 + 0.5 * t2.muscle,
                cord=0.46,
                annulus=0.24,
                csf=0.16,
                root=0.42,
                fluid=0.2,
                haemangioma=0.85,
                modic=(0.32, 0.85, 0.15),
                nucleus=(0.36, 0.36, 0.35, 0.34, 0.32),
            )
        case Weighting.STIR:
            return replace(
                t2,
                marrow=0.28 * t2.marrow,
                fat=0.06,
                muscle=1.3 * t2.muscle,
                haemangioma=0.4,
                modic=(0.6, 0.09, 0.06),
            )
    drawn = ", ".join(DRAWN)
    raise ValueError(f"the phantom draws {drawn}, not {weighting}")


def fat_of(contrast: Contrast) -> Contrast:
    """Return the part of the signal that comes from fat; half of the marrow is fat."""
    return replace(
        contrast,
        marrow=_FAT_OF_MARROW * contrast.marrow,
        muscle=0.0,
        cord=0.0,
        annulus=0.0,
        csf=0.0,
        root=0.0,
        fluid=0.0,
        haemangioma=_FAT_OF_MARROW * contrast.haemangioma,
        modic=(0.0, contrast.modic[1], 0.0),
        nucleus=(0.0, 0.0, 0.0, 0.0, 0.0),
    )
