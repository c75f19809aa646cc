"""What one synthetic patient is made of besides bones: lesions, tissue contrast, scanner."""

from dataclasses import dataclass
from types import MappingProxyType

from discern.spine import Level, PfirrmannGrade

HEIGHT_KEPT = MappingProxyType(
    {
        PfirrmannGrade.I: 1.0,
        PfirrmannGrade.II: 0.98,
        PfirrmannGrade.III: 0.92,
        PfirrmannGrade.IV: 0.78,
        PfirrmannGrade.V: 0.48,
    }
)
"""Disc height left at each grade: normal to slightly lower (3), moderately lower (4), collapsed (5)
(Pfirrmann et al., Spine 26:1873, 2001)."""


@dataclass(frozen=True, slots=True)
class Herniation:
    """A focal protrusion of one disc into the canal (Fardon et al., Spine J 14:2525, 2014).

    Attributes:
        level: The disc it comes from.
        offset_mm: Middle of the protrusion beside the midline, positive to the patient's left.
        depth_mm: How far it reaches beyond the posterior disc margin.
        width_mm: Size across the patient at its base.
        migration_mm: Shift towards the head (positive) or foot.
    """

    level: Level
    offset_mm: float
    depth_mm: float
    width_mm: float
    migration_mm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a protrusion that no lumbar canal holds."""
        within("herniation depth_mm", self.depth_mm, 2.5, 12.0)
        within("herniation width_mm", self.width_mm, 6.0, 26.0)
        within("herniation offset_mm", self.offset_mm, -14.0, 14.0)
        within("herniation migration_mm", self.migration_mm, -8.0, 8.0)


_TISSUES = (*("marrow", "fat", "muscle", "cord", "annulus", "csf", "root", "fluid", "haemangioma"),)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Tissue signal on T2 turbo spin echo, as a fraction of cerebrospinal fluid.

    :mod:`discern.phantom.weightings` turns it into that of T1 and STIR. Defaults are medians over
    169 middle slices of the SPIDER set (marrow .48, nucleus by grade); the remaining tissues were
    set by eye beside the same slices. ``fluid`` is what fills a fissure of the annulus; ``modic``
    is the marrow beside a plate with change of type 1, 2 and 3 (Modic et al., Radiology 166:193,
    1988).
    """

    marrow: float = 0.46
    fat: float = 0.62
    muscle: float = 0.13
    cord: float = 0.42
    annulus: float = 0.07
    csf: float = 1.0
    root: float = 0.42
    fluid: float = 0.85
    haemangioma: float = 0.85
    modic: tuple[float, float, float] = (0.75, 0.60, 0.18)
    nucleus: tuple[float, float, float, float, float] = (0.62, 0.48, 0.30, 0.15, 0.09)

    def __post_init__(self) -> None:
        """Refuse signals outside 0..1.5 and a nucleus that brightens with its grade."""
        for name in _TISSUES:
            within(f"contrast {name}", getattr(self, name), 0.0, 1.5)
        if len(self.nucleus) != len(PfirrmannGrade) or list(self.nucleus) != sorted(
            self.nucleus, reverse=True
        ):
            raise ValueError(f"contrast nucleus must fall from grade 1 to 5, got {self.nucleus}")


@dataclass(frozen=True, slots=True)
class Scanner:
    """How the spine is imaged.

    Attributes:
        field_of_view_mm: Side of the square sagittal image.
        matrix_px: Rows and columns of the sagittal image.
        slice_thickness_mm: Of both series.
        noise: Standard deviation of each quadrature channel, fraction of the CSF signal.
        blur_mm: Standard deviation of the in-plane point spread.
        coil_depth_mm: Depth at which the posterior surface coil has lost 63 % of its gain.
        coil_floor: Gain left far from the coil, fraction of the gain at the skin.
        saturation_band: Whether tissue far in front of the spine is saturated.
        csf_units: Stored value of cerebrospinal fluid at the canal.
        kspace_share: Share of k-space that is read, in each direction; less than 1 rings at edges
            (Gibbs).
        chemical_shift_px: How far fat is displaced along the frequency direction: head to foot on
            sagittal slices, across on axial ones.
        ghost: Strength of two ghosts of a moving patient along the phase direction.
    """

    field_of_view_mm: float = 280.0
    matrix_px: int = 384
    slice_thickness_mm: float = 4.0
    noise: float = 0.018
    blur_mm: float = 0.45
    coil_depth_mm: float = 110.0
    coil_floor: float = 0.25
    saturation_band: bool = True
    csf_units: float = 900.0
    kspace_share: float = 1.0
    chemical_shift_px: float = 0.0
    ghost: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that no clinical scanner uses."""
        within("scanner field_of_view_mm", self.field_of_view_mm, 200.0, 400.0)
        within("scanner matrix_px", self.matrix_px, 128, 1024)
        within("scanner slice_thickness_mm", self.slice_thickness_mm, 0.5, 8.0)
        within("scanner noise", self.noise, 0.0, 0.3)
        within("scanner blur_mm", self.blur_mm, 0.0, 3.0)
        within("scanner coil_depth_mm", self.coil_depth_mm, 20.0, 1000.0)
        within("scanner coil_floor", self.coil_floor, 0.0, 1.0)
        within("scanner csf_units", self.csf_units, 100.0, 2000.0)
        within("scanner kspace_share", self.kspace_share, 0.4, 1.0)
        within("scanner chemical_shift_px", self.chemical_shift_px, -6.0, 6.0)
        within("scanner ghost", self.ghost, 0.0, 0.3)


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse ``value`` outside ``low`` .. ``high`` (NaN included), by name.

    Raises:
        ValueError: Naming the value and its range.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in {low:g} .. {high:g}, got {value:g}")
