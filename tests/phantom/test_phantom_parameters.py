from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from discern.phantom.prescription import Prescription
from discern.phantom.settings import Contrast, Herniation, Scanner
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.study import demo_parameters
from discern.spine import Level, PfirrmannGrade

L5_S1 = Herniation(Level.L5_S1, offset_mm=0, depth_mm=6, width_mm=14)
LEFT_L45 = Herniation(Level.L4_L5, offset_mm=3, depth_mm=6, width_mm=14)


@pytest.mark.parametrize(
    ("named", "make"),
    [
        ("sacral_slope_deg", lambda: PhantomParameters(sacral_slope_deg=90)),
        ("lordosis_deg", lambda: PhantomParameters(lordosis_deg=float("nan"))),
        ("scoliosis_deg", lambda: PhantomParameters(scoliosis_deg=45)),
        ("size", lambda: PhantomParameters(size=2)),
        ("canal_mm", lambda: PhantomParameters(canal_mm=3)),
        ("grades", lambda: PhantomParameters(grades=(PfirrmannGrade.I,) * 5)),
        ("bulge_mm", lambda: PhantomParameters(bulge_mm=(9.0,) * 9)),
        ("herniations", lambda: PhantomParameters(herniations=(LEFT_L45, LEFT_L45))),
        (
            "herniations",
            lambda: PhantomParameters(herniations=(replace(LEFT_L45, level=Level.T9_T10),)),
        ),
        (
            "herniations must lie in T12-L1 ... L4-L5",
            lambda: PhantomParameters(lumbar_vertebrae=4, herniations=(L5_S1,)),
        ),
        ("lumbar_vertebrae", lambda: PhantomParameters(lumbar_vertebrae=7)),
        (
            "grades needs one value a disc, 10",
            lambda: PhantomParameters(lumbar_vertebrae=6, grades=(PfirrmannGrade.I,) * 9),
        ),
        ("listhesis_mm", lambda: PhantomParameters(listhesis_mm=(20.0,) * 9)),
        ("disc_scale", lambda: PhantomParameters(disc_scale=(0.2,) * 9)),
        ("body_scale", lambda: PhantomParameters(body_scale=(1.0,) * 3)),
        ("cranial_vertebrae", lambda: PhantomParameters(cranial_vertebrae=9)),
        ("sagittal_slices", lambda: Prescription(sagittal_slices=65)),
        ("head_turn_deg", lambda: Prescription(head_turn_deg=-21)),
        ("shift_mm", lambda: Prescription(shift_mm=float("nan"))),
        ("axial_tilt_deg", lambda: Prescription(axial_tilt_deg=10)),
        ("matrix_px", lambda: Prescription(matrix_px=1)),
        ("conus_level", lambda: PhantomParameters(conus_level=Level.L5_S1)),
        ("depth_mm", lambda: replace(LEFT_L45, depth_mm=30)),
        ("width_mm", lambda: replace(LEFT_L45, width_mm=0)),
        ("nucleus", lambda: Contrast(nucleus=(0.1, 0.2, 0.3, 0.4, 0.5))),
        ("matrix_px", lambda: Scanner(matrix_px=0)),
        ("noise", lambda: Scanner(noise=-1)),
    ],
)
def test_impossible_parameters_are_refused_by_name(named: str, make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=named):
        make()


def test_a_grade_beyond_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="6"):
        PhantomParameters(grades=(6,) * 9)  # type: ignore[arg-type]


def test_draws_repeat_with_the_seed_and_differ_between_seeds() -> None:
    first, again, other = (sample_parameters(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_draws_cover_all_grades_with_and_without_herniation() -> None:
    draws = [sample_parameters(np.random.default_rng((9, number))) for number in range(150)]
    lumbar = Counter(grade for one in draws for grade in one.grades[3:])
    assert min(lumbar[grade] for grade in PfirrmannGrade) > 0.05 * lumbar.total()
    herniated = sum(bool(one.herniations) for one in draws) / len(draws)
    assert 0.35 < herniated < 0.65
    bulging = [b for one in draws for b in one.bulge_mm if b > 0]
    assert bulging
    assert max(bulging) < min(h.depth_mm for one in draws for h in one.herniations)


def test_wear_grows_towards_the_sacrum() -> None:
    draws = [sample_parameters(np.random.default_rng((9, number))) for number in range(150)]
    means = np.mean([one.grades for one in draws], axis=0)
    assert means[-1] > means[4] > means[0]


def test_the_embedded_sample_shows_every_grade_and_one_herniation() -> None:
    sample = demo_parameters()
    assert set(sample.grades) == set(PfirrmannGrade)
    assert [one.level for one in sample.herniations] == [Level.L4_L5]
    assert sample.bulge_mm[sample.grades.index(PfirrmannGrade.III)] > 0
