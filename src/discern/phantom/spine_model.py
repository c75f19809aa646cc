"""What may vary from one synthetic lumbar spine to the next, and realistic draws of it."""

from dataclasses import dataclass, field
from types import MappingProxyType

from discern.spine import USUAL_LEVELS, Level, PfirrmannGrade

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
        _within("herniation depth_mm", self.depth_mm, 2.5, 12.0)
        _within("herniation width_mm", self.width_mm, 6.0, 26.0)
        _within("herniation offset_mm", self.offset_mm, -14.0, 14.0)
        _within("herniation migration_mm", self.migration_mm, -8.0, 8.0)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Tissue signal on T2 turbo spin echo, as a fraction of cerebrospinal fluid.

    Defaults are medians over 169 middle slices of the SPIDER set (marrow .48, nucleus by grade);
    the remaining tissues were set by eye beside the same slices.
    """

    marrow: float = 0.46
    fat: float = 0.85
    muscle: float = 0.13
    cord: float = 0.42
    annulus: float = 0.07
    nucleus: tuple[float, float, float, float, float] = (0.66, 0.50, 0.30, 0.16, 0.09)

    def __post_init__(self) -> None:
        """Refuse signals outside 0..1.5 and a nucleus that brightens with its grade."""
        for name in ("marrow", "fat", "muscle", "cord", "annulus"):
            _within(f"contrast {name}", getattr(self, name), 0.0, 1.5)
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
    """

    field_of_view_mm: float = 280.0
    matrix_px: int = 384
    slice_thickness_mm: float = 4.0
    noise: float = 0.018
    blur_mm: float = 0.45
    coil_depth_mm: float = 70.0
    coil_floor: float = 0.2
    saturation_band: bool = True
    csf_units: float = 900.0

    def __post_init__(self) -> None:
        """Refuse settings that no clinical scanner uses."""
        _within("scanner field_of_view_mm", self.field_of_view_mm, 200.0, 400.0)
        _within("scanner matrix_px", self.matrix_px, 128, 1024)
        _within("scanner slice_thickness_mm", self.slice_thickness_mm, 0.5, 8.0)
        _within("scanner noise", self.noise, 0.0, 0.3)
        _within("scanner blur_mm", self.blur_mm, 0.0, 3.0)
        _within("scanner coil_depth_mm", self.coil_depth_mm, 20.0, 1000.0)
        _within("scanner coil_floor", self.coil_floor, 0.0, 1.0)
        _within("scanner csf_units", self.csf_units, 100.0, 2000.0)


@dataclass(frozen=True, slots=True)
class PhantomParameters:
    """One synthetic patient.

    Attributes:
        grades: Pfirrmann grade of each of the nine discs of ``USUAL_LEVELS``, head to foot.
        herniations: At most one a disc, T12-L1 and below.
        bulge_mm: Diffuse overhang of each disc, head to foot; a bulge is not a herniation.
        lordosis_deg: Between the upper plates of L1 and S1, supine.
        sacral_slope_deg: Upper plate of S1 against the horizontal of the patient frame.
        scoliosis_deg: Cobb angle of one lumbar curve, positive convex to the left.
        size: Scale of all bony lengths against the published means.
        disc_height: Scale of all disc heights before degeneration.
        canal_mm: Sagittal diameter of the dural canal at L3.
        back_fat_mm: Subcutaneous fat behind L3.
        muscle_fat: Fraction of fat in the back muscles.
        conus_level: Disc at which the spinal cord ends.
        nucleus_gain: Factor on the nucleus signal of each disc, head to foot.
        texture: Strength of the texture inside tissues, 0 for none.
        texture_seed: Which texture; the same in every slice of the patient.
        contrast: Tissue signals.
        scanner: How it is imaged.
    """

    grades: tuple[PfirrmannGrade, ...] = (PfirrmannGrade.II,) * len(USUAL_LEVELS)
    herniations: tuple[Herniation, ...] = ()
    bulge_mm: tuple[float, ...] = (0.0,) * len(USUAL_LEVELS)
    lordosis_deg: float = 48.0
    sacral_slope_deg: float = 38.0
    scoliosis_deg: float = 0.0
    size: float = 1.0
    disc_height: float = 1.0
    canal_mm: float = 16.0
    back_fat_mm: float = 14.0
    muscle_fat: float = 0.2
    conus_level: Level = Level.L1_L2
    nucleus_gain: tuple[float, ...] = (1.0,) * len(USUAL_LEVELS)
    texture: float = 1.0
    texture_seed: int = 0
    contrast: Contrast = field(default_factory=Contrast)
    scanner: Scanner = field(default_factory=Scanner)

    def __post_init__(self) -> None:
        """Refuse what cannot be, naming the field."""
        self._check_discs()
        _within("lordosis_deg", self.lordosis_deg, 10.0, 80.0)
        _within("sacral_slope_deg", self.sacral_slope_deg, 10.0, 65.0)
        _within("scoliosis_deg", self.scoliosis_deg, -20.0, 20.0)
        _within("size", self.size, 0.75, 1.25)
        _within("disc_height", self.disc_height, 0.7, 1.3)
        _within("canal_mm", self.canal_mm, 9.0, 24.0)
        _within("back_fat_mm", self.back_fat_mm, 2.0, 60.0)
        _within("muscle_fat", self.muscle_fat, 0.0, 0.8)
        _within("texture", self.texture, 0.0, 3.0)
        if self.conus_level not in USUAL_LEVELS[2:7]:
            raise ValueError(f"conus_level must lie in T11-T12 ... L3-L4, got {self.conus_level}")

    def _check_discs(self) -> None:
        for name in ("grades", "bulge_mm", "nucleus_gain"):
            if len(getattr(self, name)) != len(USUAL_LEVELS):
                raise ValueError(f"{name} needs one value a disc, {len(USUAL_LEVELS)} in all")
        for grade in self.grades:
            PfirrmannGrade(grade)
        for bulge_mm in self.bulge_mm:
            _within("bulge_mm", bulge_mm, 0.0, 4.0)
        for gain in self.nucleus_gain:
            _within("nucleus_gain", gain, 0.3, 2.0)
        herniated = [one.level for one in self.herniations]
        if len(set(herniated)) < len(herniated):
            raise ValueError("herniations name one disc twice; merge them into one")
        if not set(herniated) <= set(USUAL_LEVELS[3:]):
            raise ValueError("herniations must lie in T12-L1 ... L5-S1")

    def grade_of(self, level: Level) -> PfirrmannGrade:
        """Return the grade of one of the ``USUAL_LEVELS``."""
        return PfirrmannGrade(self.grades[USUAL_LEVELS.index(level)])

    def herniation_of(self, level: Level) -> Herniation | None:
        """Return the herniation of the disc at ``level``, if it has one."""
        return next((one for one in self.herniations if one.level is level), None)


def _within(name: str, value: float, low: float, high: float) -> None:
    """Refuse ``value`` outside ``low`` .. ``high`` (NaN included), by name."""
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in {low:g} .. {high:g}, got {value:g}")
