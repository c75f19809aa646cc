"""One synthetic patient as parameters, and realistic draws of them."""

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from discern.phantom.lesions import Lesions
from discern.phantom.settings import Contrast, Herniation, Scanner, within
from discern.phantom.sizes import LUMBAR_COUNTS, presacral_levels
from discern.spine import USUAL_LEVELS, Level, PfirrmannGrade, Vertebra, vertebra_above

_CAUDAL_WEAR = (-0.9, -0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.7, 0.7)
_SATURATED = 0.6
"""Share of patients imaged with a saturation band."""
_BY_DISC = MappingProxyType(
    {
        "bulge_mm": (0.0, 4.0),
        "nucleus_gain": (0.3, 2.0),
        "listhesis_mm": (-8.0, 12.0),
        "disc_scale": (0.7, 1.3),
        "body_scale": (0.9, 1.1),
        "body_wedge_deg": (0.0, 30.0),
    }
)
"""Range of every quantity that has a value for each disc."""
_HERNIATING = (Level.L3_L4, Level.L4_L5, Level.L5_S1)


@dataclass(frozen=True, slots=True)
class PhantomParameters:
    """One synthetic patient.

    What is said disc by disc (or body by body) has one value for each of ``levels`` (or the body
    above it), head to foot, or is empty where all take the neutral value.

    Attributes:
        grades: Pfirrmann grade of each disc; neutral 2.
        herniations: At most one a disc, T12-L1 and below.
        bulge_mm: Diffuse overhang of each disc; a bulge is not a herniation.
        lumbar_vertebrae: 4 (sacralised L5), 5 or 6 (lumbarised S1).
        cranial_vertebrae: Bodies drawn above T9 for fields of view that reach so far, 0 to 4.
        listhesis_mm: Forward slip of the vertebra above each disc against the one below.
        disc_scale: Factor on the height of each disc.
        body_scale: Factor on the height of the body above each disc.
        body_wedge_deg: How far the body above each disc has collapsed in front, hinged at its
            posterior wall, as in a compression fracture.
        lordosis_deg: Between the upper plates of L1 and S1, supine, before discs lose height.
        sacral_slope_deg: Upper plate of S1 against the horizontal of the patient frame.
        scoliosis_deg: Cobb angle of one lumbar curve, positive convex to the left.
        size: Scale of all bony lengths against the published means.
        disc_height: Scale of all disc heights before degeneration.
        canal_mm: Sagittal diameter of the dural canal at L3.
        back_fat_mm: Subcutaneous fat behind L3.
        muscle_fat: Fraction of fat in the back muscles.
        conus_level: Disc at which the spinal cord ends.
        aorta_offset_mm: Axis of the aorta to the left of the spine's.
        vessel_signal: Signal of flowing blood, near none where it flows fast.
        nucleus_gain: Factor on the nucleus signal of each disc.
        texture: Strength of the texture inside tissues, 0 for none.
        texture_seed: Which texture; the same in every slice of the patient.
        contrast: Tissue signals.
        scanner: How it is imaged.
        lesions: High-intensity zones, and what may be taken for lesions.
    """

    grades: tuple[PfirrmannGrade, ...] = ()
    herniations: tuple[Herniation, ...] = ()
    bulge_mm: tuple[float, ...] = ()
    lordosis_deg: float = 48.0
    sacral_slope_deg: float = 38.0
    scoliosis_deg: float = 0.0
    size: float = 1.0
    disc_height: float = 1.0
    canal_mm: float = 16.0
    back_fat_mm: float = 14.0
    muscle_fat: float = 0.2
    conus_level: Level = Level.L1_L2
    aorta_offset_mm: float = 9.0
    vessel_signal: float = 0.03
    nucleus_gain: tuple[float, ...] = ()
    texture: float = 1.0
    texture_seed: int = 0
    contrast: Contrast = field(default_factory=Contrast)
    scanner: Scanner = field(default_factory=Scanner)
    lumbar_vertebrae: int = 5
    cranial_vertebrae: int = 0
    listhesis_mm: tuple[float, ...] = ()
    disc_scale: tuple[float, ...] = ()
    body_scale: tuple[float, ...] = ()
    body_wedge_deg: tuple[float, ...] = ()
    lesions: Lesions = field(default_factory=Lesions)

    def __post_init__(self) -> None:
        """Refuse what cannot be, naming the field."""
        if self.lumbar_vertebrae not in LUMBAR_COUNTS:
            raise ValueError(f"lumbar_vertebrae must be 4, 5 or 6, got {self.lumbar_vertebrae}")
        within("cranial_vertebrae", self.cranial_vertebrae, 0, 4)
        self._check_discs()
        self._check_herniations()
        self.lesions.check(self.levels)
        within("lordosis_deg", self.lordosis_deg, 10.0, 80.0)
        within("sacral_slope_deg", self.sacral_slope_deg, 10.0, 65.0)
        within("scoliosis_deg", self.scoliosis_deg, -30.0, 30.0)
        within("size", self.size, 0.75, 1.25)
        within("disc_height", self.disc_height, 0.7, 1.3)
        within("canal_mm", self.canal_mm, 9.0, 24.0)
        within("back_fat_mm", self.back_fat_mm, 2.0, 60.0)
        within("muscle_fat", self.muscle_fat, 0.0, 0.8)
        within("texture", self.texture, 0.0, 3.0)
        within("aorta_offset_mm", self.aorta_offset_mm, 0.0, 30.0)
        within("vessel_signal", self.vessel_signal, 0.0, 1.0)
        if self.conus_level not in USUAL_LEVELS[2:7]:
            raise ValueError(f"conus_level must lie in T11-T12 ... L3-L4, got {self.conus_level}")

    def _check_discs(self) -> None:
        discs = len(self.levels)
        for name in ("grades", *_BY_DISC):
            if len(getattr(self, name)) not in (0, discs):
                raise ValueError(f"{name} needs one value a disc, {discs} in all, or none")
        for grade in self.grades:
            PfirrmannGrade(grade)
        for name, (low, high) in _BY_DISC.items():
            for value in getattr(self, name):
                within(name, value, low, high)

    def _check_herniations(self) -> None:
        herniated = [one.level for one in self.herniations]
        if len(set(herniated)) < len(herniated):
            raise ValueError("herniations name one disc twice; merge them into one")
        if not set(herniated) <= set(self.levels[3:]):
            raise ValueError(f"herniations must lie in T12-L1 ... {self.levels[-1]}")

    @property
    def levels(self) -> tuple[Level, ...]:
        """The presacral discs of this patient, head to foot; the last is the lumbosacral one."""
        return presacral_levels(self.lumbar_vertebrae)

    def grade_of(self, level: Level) -> PfirrmannGrade:
        """Return the grade of one of the ``levels``."""
        return PfirrmannGrade(int(self._at(self.grades, level, PfirrmannGrade.II)))

    def bulge_of(self, level: Level) -> float:
        """Return the diffuse overhang in mm of one of the ``levels``."""
        return self._at(self.bulge_mm, level, 0.0)

    def gain_of(self, level: Level) -> float:
        """Return the factor on the nucleus signal of one of the ``levels``."""
        return self._at(self.nucleus_gain, level, 1.0)

    def listhesis_of(self, level: Level) -> float:
        """Return the forward slip in mm at one of the ``levels``."""
        return self._at(self.listhesis_mm, level, 0.0)

    def disc_scale_of(self, level: Level) -> float:
        """Return the factor on the height of the disc at one of the ``levels``."""
        return self._at(self.disc_scale, level, 1.0)

    def body_scale_of(self, vertebra: Vertebra) -> float:
        """Return the factor on the height of a presacral body."""
        return self._at(self.body_scale, self._disc_below(vertebra), 1.0)

    def body_wedge_of(self, vertebra: Vertebra) -> float:
        """Return by how many degrees a presacral body has collapsed in front."""
        return self._at(self.body_wedge_deg, self._disc_below(vertebra), 0.0)

    def _disc_below(self, vertebra: Vertebra) -> Level:
        return next(level for level in self.levels if vertebra_above(level) is vertebra)

    def _at(self, values: tuple[float, ...], level: Level, neutral: float) -> float:
        return values[self.levels.index(level)] if values else neutral

    def herniation_of(self, level: Level) -> Herniation | None:
        """Return the herniation of the disc at ``level``, if it has one."""
        return next((one for one in self.herniations if one.level is level), None)


def sample_parameters(rng: np.random.Generator) -> PhantomParameters:
    """Draw one patient: all grades occur, wear grows caudally, about one in two is herniated.

    A herniated disc has at least grade 3: its nucleus has lost water.

    Alignment: sacral slope 38 +- 7, lordosis 48 +- 9 degrees, correlated (Vialle et al., JBJS Am
    87:260, 2005, less the few degrees that lying down takes). Canal 16 +- 1.6 mm (Panjabi et al.,
    Spine 17:299, 1992). Nucleus signal scatters by a fifth within a grade.
    """
    wear = rng.uniform(1.2, 4.0)
    raw = wear + np.array(_CAUDAL_WEAR) + rng.normal(0, 1.1, len(USUAL_LEVELS))
    grades = tuple(PfirrmannGrade(int(grade)) for grade in np.clip(np.rint(raw), 1, 5))
    herniations = _sample_herniations(rng)
    herniated = {one.level for one in herniations}
    grades = tuple(
        max(grade, PfirrmannGrade.III) if level in herniated else grade
        for level, grade in zip(USUAL_LEVELS, grades, strict=True)
    )
    bulge_mm = tuple(
        0.0 if level in herniated or rng.random() > 0.15 * grade else float(rng.uniform(0.8, 2.6))
        for level, grade in zip(USUAL_LEVELS, grades, strict=True)
    )
    slope_deg = float(np.clip(rng.normal(38, 7), 20, 58))
    return PhantomParameters(
        grades=grades,
        herniations=herniations,
        bulge_mm=bulge_mm,
        lordosis_deg=float(np.clip(48 + 0.8 * (slope_deg - 38) + rng.normal(0, 6), 22, 74)),
        sacral_slope_deg=slope_deg,
        scoliosis_deg=float(np.clip(rng.normal(0, 4), -12, 12)),
        size=float(np.clip(rng.normal(1, 0.06), 0.85, 1.16)),
        disc_height=float(np.clip(rng.normal(1, 0.09), 0.8, 1.22)),
        canal_mm=float(np.clip(rng.normal(16, 1.6), 11.5, 20)),
        back_fat_mm=float(rng.uniform(5, 34)),
        muscle_fat=float(rng.uniform(0.05, 0.55)),
        conus_level=USUAL_LEVELS[int(rng.choice([3, 4, 4, 4, 5]))],
        aorta_offset_mm=float(rng.uniform(2, 24)),
        vessel_signal=float(rng.uniform(0.02, 0.2)),
        nucleus_gain=tuple(float(g) for g in np.exp(rng.normal(0, 0.18, len(grades)))),
        texture=float(rng.uniform(0.5, 1.7)),
        texture_seed=int(rng.integers(2**31)),
        contrast=_sample_contrast(rng),
        scanner=_sample_scanner(rng),
    )


def _sample_herniations(rng: np.random.Generator) -> tuple[Herniation, ...]:
    count = int(rng.choice([0, 1, 2], p=[0.5, 0.38, 0.12]))
    levels = rng.permutation(len(_HERNIATING))[:count]
    return tuple(
        Herniation(
            level=_HERNIATING[index],
            offset_mm=float(rng.uniform(-6, 6)),
            depth_mm=float(rng.uniform(4.0, 8.5)),
            width_mm=float(rng.uniform(10, 18)),
            migration_mm=float(rng.uniform(-3, 2)),
        )
        for index in sorted(int(i) for i in levels)
    )


def _sample_contrast(rng: np.random.Generator) -> Contrast:
    nucleus = np.array(Contrast().nucleus) * np.exp(rng.normal(0, 0.12))
    return Contrast(
        marrow=float(np.clip(rng.normal(0.44, 0.09), 0.26, 0.68)),
        fat=float(rng.uniform(0.45, 0.85)),
        muscle=float(rng.uniform(0.08, 0.18)),
        cord=float(rng.uniform(0.32, 0.5)),
        annulus=float(rng.uniform(0.03, 0.1)),
        nucleus=tuple(float(signal) for signal in nucleus),  # type: ignore[arg-type]
    )


def _sample_scanner(rng: np.random.Generator) -> Scanner:
    return Scanner(
        field_of_view_mm=float(rng.uniform(255, 305)),
        matrix_px=int(rng.choice([320, 384, 448])),
        slice_thickness_mm=float(rng.choice([3.0, 3.5, 4.0, 4.5])),
        noise=float(rng.uniform(0.008, 0.045)),
        blur_mm=float(rng.uniform(0.3, 0.7)),
        coil_depth_mm=float(rng.uniform(60, 200)),
        coil_floor=float(rng.uniform(0.1, 0.5)),
        saturation_band=bool(rng.random() < _SATURATED),
        csf_units=float(rng.uniform(500, 1000)),
    )
