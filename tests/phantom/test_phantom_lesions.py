from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from discern.phantom.lesion_sampling import LesionRanges, with_sampled_lesions
from discern.phantom.lesions import (
    Haemangioma,
    HighIntensityZone,
    Lesions,
    PlateChange,
    SchmorlNode,
    ZoneShape,
)
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_axial, render_sagittal
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.study import write_study
from discern.spine import Label, Level, PfirrmannGrade, Vertebra

DARK = PhantomParameters(
    grades=(PfirrmannGrade.V,) * 9,
    texture=0.0,
    scanner=Scanner(noise=0.0, coil_depth_mm=1000.0, coil_floor=1.0),
)
MIDDLE = Prescription(sagittal_slices=1)


def with_lesions(lesions: Lesions) -> PhantomParameters:
    return replace(DARK, lesions=lesions)


def sagittal(parameters: PhantomParameters, slices: int = 1) -> list[PhantomSlice]:
    prescription = Prescription(sagittal_slices=slices)
    return render_sagittal(parameters, np.random.default_rng(0), prescription=prescription)


def added(lesions: Lesions) -> np.ndarray:
    """How much brighter the middle slice is with the lesions than without, in parts of CSF."""
    difference = sagittal(with_lesions(lesions))[0].image - sagittal(DARK)[0].image
    return np.asarray(difference / DARK.scanner.csf_units)


def place_of(slice_: PhantomSlice, level: Level, parameters: PhantomParameters = DARK) -> float:
    """Return the column of the middle of the disc box."""
    disc = len(parameters.levels) - parameters.levels.index(level)
    box = next(b for b in slice_.truth.boxes if b.disc == disc and b.label is not Label.HIZ)
    return (box.box_xyxy_px[0] + box.box_xyxy_px[2]) / 2


@pytest.mark.parametrize("shape", ZoneShape)
@pytest.mark.parametrize("is_anterior", [False, True])
def test_a_zone_is_bright_within_its_box_on_its_side_of_the_disc(
    shape: ZoneShape,
    *,
    is_anterior: bool,
) -> None:
    zone = HighIntensityZone(
        Level.L4_L5, shape, is_anterior, thickness_mm=2.0, length_mm=4.0, depth_mm=2.5
    )
    slice_ = sagittal(with_lesions(Lesions(zones=(zone,))))[0]
    (box,) = [one for one in slice_.truth.boxes if one.label is Label.HIZ]
    x1, y1, x2, y2 = (round(edge) for edge in box.box_xyxy_px)
    gain = added(Lesions(zones=(zone,)))
    assert gain[y1:y2, x1:x2].max() > 0.3
    outside = gain.copy()
    outside[y1 - 1 : y2 + 1, x1 - 1 : x2 + 1] = 0
    assert np.abs(outside).max() < 0.25
    assert ((x1 + x2) / 2 < place_of(slice_, Level.L4_L5)) is is_anterior


def test_span_decides_on_how_many_slices_a_zone_is_seen() -> None:
    def seen(span_mm: float) -> int:
        zone = HighIntensityZone(Level.L4_L5, span_mm=span_mm, thickness_mm=3.0)
        slices = sagittal(with_lesions(Lesions(zones=(zone,))), slices=9)
        return sum(Label.HIZ in {b.label for b in one.truth.boxes} for one in slices)

    assert seen(5.0) == 1
    assert seen(14.0) >= 3


def test_a_zone_off_the_midline_is_seen_on_that_side_in_both_planes() -> None:
    zone = HighIntensityZone(Level.L4_L5, offset_mm=9.0, thickness_mm=4.0, length_mm=4.0)
    patient = with_lesions(Lesions(zones=(zone,)))
    showing = [
        (one.geometry, box.box_xyxy_px)
        for one in (*sagittal(patient, 11), *render_axial(patient, np.random.default_rng(0)))
        for box in one.truth.boxes
        if box.label is Label.HIZ
    ]
    planes = {geometry.along_row for geometry, _ in showing}
    assert len(planes) == 2
    for geometry, (x1, y1, x2, y2) in showing:
        x_mm = geometry.pixel_to_lps(np.array([[(x1 + x2) / 2, (y1 + y2) / 2]]))[0][0]
        assert 4 < x_mm < 14  # positive is the patient's left


def test_a_zone_too_faint_to_draw_is_neither_right_nor_wrong() -> None:
    zone = HighIntensityZone(Level.L4_L5, thickness_mm=1.0, length_mm=1.0, brightness=0.3)
    truth = sagittal(with_lesions(Lesions(zones=(zone,))))[0].truth
    assert Label.HIZ not in {box.label for box in truth.boxes}
    plain = sagittal(DARK)[0].truth
    assert len(truth.ignored) == len(plain.ignored) + 1


@pytest.mark.parametrize(
    ("lesions", "sign"),
    [
        (Lesions(plates=(PlateChange(Level.L3_L4, 1),)), 1),
        (Lesions(plates=(PlateChange(Level.L3_L4, 3),)), -1),
        (Lesions(haemangiomas=(Haemangioma(Vertebra.L3),)), 1),
        (Lesions(nodes=(SchmorlNode(Level.L3_L4),)), -1),
    ],
)
def test_what_may_mislead_changes_the_image_and_no_truth(lesions: Lesions, sign: int) -> None:
    gain = added(lesions)
    assert (sign * gain).max() > 0.1
    assert (np.abs(gain) > 0.05).sum() < 2500  # not elsewhere
    assert sagittal(with_lesions(lesions))[0].truth == sagittal(DARK)[0].truth


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: HighIntensityZone(Level.L4_L5, thickness_mm=9.0), "zone thickness_mm"),
        (lambda: SchmorlNode(Level.L4_L5, depth_mm=40.0), "node depth_mm"),
        (lambda: PlateChange(Level.L4_L5, type=4), "type must be 1, 2 or 3"),
        (lambda: Haemangioma(Vertebra.L3, radius_mm=0.0), "haemangioma radius_mm"),
        (
            lambda: with_lesions(Lesions(zones=(HighIntensityZone(Level.L5_L6),))),
            "no disc of this patient",
        ),
        (
            lambda: with_lesions(Lesions(zones=(HighIntensityZone(Level.L4_L5),) * 2)),
            "one disc twice",
        ),
    ],
)
def test_impossible_lesions_are_refused_by_name(broken: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        broken()  # type: ignore[operator]


def test_draws_stay_in_their_ranges_and_no_disc_is_herniated_and_zoned() -> None:
    ranges = LesionRanges(herniated=0.6, zoned=0.6, noded=0.3, changed=0.8, tumours=1.0)
    zones = herniations = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        patient = with_sampled_lesions(sample_parameters(rng), rng, ranges)
        herniated = {one.level for one in patient.herniations}
        assert not herniated & {one.level for one in patient.lesions.zones}
        assert all(patient.grade_of(level) >= PfirrmannGrade.III for level in herniated)
        for zone in patient.lesions.zones:
            assert ranges.zone_span_mm[0] <= zone.span_mm <= ranges.zone_span_mm[1]
            assert patient.grade_of(zone.level) >= PfirrmannGrade.II
        zones, herniations = zones + len(patient.lesions.zones), herniations + len(herniated)
    assert zones > 40
    assert herniations > 40


def test_the_truth_of_a_study_names_the_zones(tmp_path: Path) -> None:
    patient = with_lesions(Lesions(zones=(HighIntensityZone(Level.L5_S1),)))
    truth = write_study(patient, 1, tmp_path, MIDDLE)
    assert [disc.level for disc in truth.discs if disc.hiz] == [Level.L5_S1]
