"""How scanners of several makers render the same spine: sharpness, ringing, shift, brightness.

Ranges are our own, after looking at lumbar T2 series of three vendors; no style copies a product.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from discern.phantom.spine_model import PhantomParameters

Range = tuple[float, float]


class StyleName(StrEnum):
    """The looks that are drawn."""

    INTERPOLATED = "interpolated"  # zero-filled to a large matrix: rings, little noise
    FILTERED = "filtered"  # smoothed and evened out after the acquisition
    SURFACE_COIL = "surface coil"  # bright back, dark front, noisy, breathing seen
    BRIGHT_FAT = "bright fat"  # long echo trains


@dataclass(frozen=True, slots=True)
class Style:
    """Least and largest of each setting, drawn evenly; ``fat`` and ``marrow`` are factors."""

    kspace_share: Range = (1.0, 1.0)
    chemical_shift_px: Range = (0.0, 1.0)
    ghost: Range = (0.0, 0.02)
    noise: Range = (0.01, 0.03)
    blur_mm: Range = (0.3, 0.6)
    coil_depth_mm: Range = (90.0, 200.0)
    coil_floor: Range = (0.2, 0.5)
    fat: Range = (0.9, 1.1)
    marrow: Range = (0.9, 1.1)


STYLES = {
    StyleName.INTERPOLATED: Style(
        kspace_share=(0.55, 0.75), chemical_shift_px=(1.0, 2.5), noise=(0.008, 0.02)
    ),
    StyleName.FILTERED: Style(
        blur_mm=(0.55, 0.8), noise=(0.006, 0.015), coil_depth_mm=(300.0, 800.0)
    ),
    StyleName.SURFACE_COIL: Style(
        ghost=(0.02, 0.08),
        noise=(0.02, 0.045),
        coil_depth_mm=(45.0, 90.0),
        coil_floor=(0.08, 0.2),
    ),
    StyleName.BRIGHT_FAT: Style(fat=(1.15, 1.5), marrow=(1.1, 1.4), chemical_shift_px=(0.0, 1.5)),
}

_MOST_FAT, _MOST_MARROW = 1.2, 0.85


def with_sampled_style(
    parameters: PhantomParameters, rng: np.random.Generator
) -> PhantomParameters:
    """Return the patient as one of the ``STYLES`` shows it; each is drawn as often."""
    style = tuple(STYLES.values())[int(rng.integers(len(STYLES)))]
    scanner, contrast = parameters.scanner, parameters.contrast
    settings = ("kspace_share", "chemical_shift_px", "ghost", "noise", "blur_mm")
    drawn = {
        name: float(rng.uniform(*getattr(style, name)))
        for name in (*settings, "coil_depth_mm", "coil_floor")
    }
    return replace(
        parameters,
        scanner=replace(scanner, **drawn),  # type: ignore[arg-type]  # all of them are floats
        contrast=replace(
            contrast,
            fat=min(contrast.fat * float(rng.uniform(*style.fat)), _MOST_FAT),
            marrow=min(contrast.marrow * float(rng.uniform(*style.marrow)), _MOST_MARROW),
        ),
    )
