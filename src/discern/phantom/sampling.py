"""Realistic draws of phantom parameters, and the fixed patient of the embedded sample."""

import numpy as np

from discern.phantom.spine_model import Contrast, Herniation, PhantomParameters, Scanner
from discern.spine import USUAL_LEVELS, Level, PfirrmannGrade

_CAUDAL_WEAR = (-0.9, -0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.7, 0.7)
_HERNIATING = (Level.L3_L4, Level.L4_L5, Level.L5_S1)


def sample_parameters(rng: np.random.Generator) -> PhantomParameters:
    """Draw one patient: all grades occur, wear grows caudally, about one in two is herniated.

    Alignment: sacral slope 38 +- 7, lordosis 48 +- 9 degrees, correlated (Vialle et al., JBJS Am
    87:260, 2005, less the few degrees that lying down takes). Canal 16 +- 1.6 mm (Panjabi et al.,
    Spine 17:299, 1992). Nucleus signal scatters by a fifth within a grade.
    """
    wear = rng.uniform(1.2, 3.6)
    raw = wear + np.array(_CAUDAL_WEAR) + rng.normal(0, 0.95, len(USUAL_LEVELS))
    grades = tuple(PfirrmannGrade(int(grade)) for grade in np.clip(np.rint(raw), 1, 5))
    herniations = _sample_herniations(rng)
    herniated = {one.level for one in herniations}
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
        fat=float(rng.uniform(0.65, 1.1)),
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
        coil_depth_mm=float(rng.uniform(45, 160)),
        coil_floor=float(rng.uniform(0.1, 0.5)),
        saturation_band=bool(rng.random() < 0.6),
        csf_units=float(rng.uniform(500, 1000)),
    )


def demo_parameters() -> PhantomParameters:
    """Return the patient of the embedded sample: grades 1 to 5, one bulge, one herniation.

    L3-L4 bulges (not a herniation), L4-L5 is herniated to the left, L5-S1 is collapsed.
    """
    one, two, three = PfirrmannGrade.I, PfirrmannGrade.II, PfirrmannGrade.III
    four, five = PfirrmannGrade.IV, PfirrmannGrade.V
    return PhantomParameters(
        grades=(one, one, one, two, one, two, three, four, five),
        herniations=(Herniation(Level.L4_L5, offset_mm=3.0, depth_mm=6.5, width_mm=14.0),),
        bulge_mm=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.6, 0.0, 0.6),
    )
