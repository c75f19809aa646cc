from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from discern.phantom.lesions import Haemangioma, Lesions, PlateChange
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_sagittal, render_sagittal_series
from discern.phantom.settings import Contrast, Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study import write_study
from discern.phantom.weightings import DRAWN, contrast_on, fat_of
from discern.spine import Level, Tissue, Vertebra, Weighting

PLAIN = PhantomParameters(
    texture=0.0,
    scanner=Scanner(noise=0.0, coil_depth_mm=1000.0, coil_floor=1.0),
    lesions=Lesions(
        plates=(PlateChange(Level.L4_L5, type=1, depth_mm=10.0),),
        haemangiomas=(Haemangioma(Vertebra.L2, 8.0),),
    ),
)
ONE = Prescription(sagittal_slices=1)


def drawn(weighting: Weighting = Weighting.T2, **scanner: float) -> PhantomSlice:
    changes: dict[str, Any] = dict(scanner)
    parameters = replace(PLAIN, scanner=replace(PLAIN.scanner, **changes))
    (one,) = render_sagittal(
        parameters, np.random.default_rng(0), prescription=ONE, weighting=weighting
    )
    return one


def median_of(one: PhantomSlice, tissue: Tissue) -> float:
    return float(np.median(one.image[one.tissues == tissue]))


def test_fluid_is_bright_on_t2_and_stir_and_dark_on_t1() -> None:
    canal = {weighting: median_of(drawn(weighting), Tissue.CANAL) for weighting in DRAWN}
    bone = {weighting: median_of(drawn(weighting), Tissue.VERTEBRA) for weighting in DRAWN}
    assert canal[Weighting.T1] < bone[Weighting.T1]
    assert canal[Weighting.T2] > 1.5 * bone[Weighting.T2]
    assert canal[Weighting.STIR] > 4 * bone[Weighting.STIR]


def test_oedema_is_dark_on_t1_and_bright_on_stir_where_fat_is_the_reverse() -> None:
    t1, stir = (contrast_on(one, Contrast()) for one in (Weighting.T1, Weighting.STIR))
    assert t1.modic[0] < t1.marrow < t1.modic[1]
    assert stir.modic[0] > stir.marrow > stir.modic[1]
    assert t1.fat > t1.marrow > stir.fat
    assert contrast_on(Weighting.T2, Contrast()) == Contrast()


def test_another_weighting_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="T2, T1, STIR, not PD"):
        drawn(Weighting.PD)


def test_only_t2_has_truth_boxes() -> None:
    t2, t1 = drawn().truth, drawn(Weighting.T1).truth
    assert t2.boxes
    assert not t1.boxes
    assert not t1.annotated
    assert (t1.image, t1.shape_px) == (t2.image, t2.shape_px)


def test_a_chemical_shift_moves_fat_and_leaves_water() -> None:
    plain, shifted = drawn(), drawn(chemical_shift_px=5.0)
    inner = plain.tissues == Tissue.CANAL
    rows = np.flatnonzero(inner.any(axis=1))[40:-40]
    middle = np.zeros_like(inner)
    middle[rows] = inner[rows]
    change = np.abs(shifted.image - plain.image)
    assert np.median(change[middle]) < 5  # fluid stays
    marrow = plain.tissues == Tissue.VERTEBRA
    assert np.percentile(change[marrow], 95) > 50  # plates move


def test_all_of_the_fat_is_in_the_part_that_moves() -> None:
    t2 = Contrast()
    fat = fat_of(t2)
    assert (fat.fat, fat.csf, fat.annulus, fat.muscle) == (t2.fat, 0, 0, 0)
    assert 0 < fat.marrow < t2.marrow


def test_less_of_k_space_rings_beside_an_edge() -> None:
    plain, cut = drawn(blur_mm=0.0), drawn(blur_mm=0.0, kspace_share=0.5)
    above = cut.image.max() - plain.image.max()
    assert above > 0.03 * plain.image.max()  # overshoot
    assert abs(float(cut.image.mean() / plain.image.mean()) - 1) < 0.02


def test_ghosts_lie_beside_the_body_along_the_phase_direction() -> None:
    plain, moved = drawn(), drawn(ghost=0.2)
    air = plain.image < 1
    assert moved.image[air].max() > 0.05 * plain.image.max()
    assert plain.image[air].max() < 1


@pytest.mark.parametrize(
    ("name", "value"), [("kspace_share", 0.1), ("chemical_shift_px", 9.0), ("ghost", 0.5)]
)
def test_impossible_settings_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        drawn(Weighting.T2, **{name: value})


def test_more_series_stand_beside_the_same_t2(tmp_path: Path) -> None:
    few = Prescription(sagittal_slices=2, axial_slices=1)
    write_study(PLAIN, 4, tmp_path / "plain", few)
    write_study(PLAIN, 4, tmp_path / "more", few, (Weighting.T1, Weighting.STIR))
    names = sorted(path.name for path in (tmp_path / "more").iterdir())
    assert names == ["axial-t2", "sagittal-stir", "sagittal-t1", "sagittal-t2"]
    for path in (tmp_path / "plain").rglob("*.dcm"):
        same = tmp_path / "more" / path.relative_to(tmp_path / "plain")
        assert path.read_bytes() == same.read_bytes()
    files = [pydicom.dcmread(path) for path in sorted((tmp_path / "more").rglob("*.dcm"))]
    assert len({file.SOPInstanceUID for file in files}) == len(files)
    assert len({file.SeriesInstanceUID for file in files}) == 4
    assert len({file.FrameOfReferenceUID for file in files}) == 1


def test_series_painted_together_are_those_painted_one_by_one() -> None:
    scanner = replace(PLAIN.scanner, noise=0.02, chemical_shift_px=1.5)
    parameters = replace(PLAIN, texture=1.0, scanner=scanner)

    together = render_sagittal_series(
        parameters,
        {weighting: np.random.default_rng(seed) for seed, weighting in enumerate(DRAWN)},
        prescription=ONE,
    )

    assert tuple(together) == DRAWN
    for seed, weighting in enumerate(DRAWN):
        (alone,) = render_sagittal(
            parameters, np.random.default_rng(seed), prescription=ONE, weighting=weighting
        )
        (one,) = together[weighting]
        np.testing.assert_array_equal(one.image, alone.image)
        np.testing.assert_array_equal(one.tissues, alone.tissues)
        assert one.truth == alone.truth
