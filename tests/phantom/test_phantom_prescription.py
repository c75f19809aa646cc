"""Prescriptions as the files tell them, read back with the product's own reader."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from discern.imaging.reading import read_study
from discern.imaging.study import Series
from discern.phantom.anatomy import build_spine
from discern.phantom.crossing import structure_at
from discern.phantom.placement import axial_geometries
from discern.phantom.prescription import AxialLayout, FrameUids, Prescription
from discern.phantom.sampling import (
    AnatomyRanges,
    PrescriptionRanges,
    sample_anatomy,
    sample_prescription,
)
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study import write_study
from discern.phantom.study_truth import PhantomTruth
from discern.spine import Level, Plane, Vertebra

PATIENT = PhantomParameters(scanner=Scanner(matrix_px=128), cranial_vertebrae=4)
SHORT = Prescription(sagittal_slices=5, axial_layout=AxialLayout.BLOCK, axial_slices=8)


def written(prescription: Prescription, folder: Path) -> tuple[PhantomTruth, Series, Series]:
    truth = write_study(PATIENT, 3, folder, prescription)
    series = {one.plane: one for one in read_study(folder).series}
    return truth, series[Plane.SAGITTAL], series[Plane.AXIAL]


def test_an_oblique_stack_keeps_its_angles_and_distance(tmp_path: Path) -> None:
    turned = replace(SHORT, head_turn_deg=15, side_tilt_deg=-8, rotation_deg=5, reversed_order=True)
    _, sagittal, axial = written(turned, tmp_path)
    assert (len(sagittal.slices), len(axial.slices)) == (5, 8)
    geometries = [one.geometry for one in sagittal.slices]
    assert all(one is not None for one in geometries)
    kept = [one for one in geometries if one is not None]
    normal = kept[0].normal
    cosine = np.cos(np.deg2rad(15)) * np.cos(np.deg2rad(8))
    assert abs(normal[0]) == pytest.approx(cosine, abs=1e-3)
    corners = np.array([one.position_lps_mm for one in kept])
    assert np.abs(np.diff(corners @ normal)) == pytest.approx(4.4, abs=1e-3)
    assert sagittal.slices[0].file.endswith("005.dcm")  # the reader puts them right to left


def test_a_shifted_field_cuts_the_sacrum_and_the_truth_says_so(tmp_path: Path) -> None:
    truth, _, _ = written(replace(SHORT, shift_mm=95, matrix_px=192), tmp_path)
    assert not truth.sacrum_in_view
    assert [disc.level for disc in truth.out_of_view][-1] == Level.L5_S1
    assert not any(disc.in_view for disc in truth.out_of_view)
    assert len(truth.discs) + len(truth.out_of_view) == 9


@pytest.mark.parametrize("uids", list(FrameUids))
def test_uids_are_stated_as_prescribed_and_the_study_is_still_read(
    uids: FrameUids, tmp_path: Path
) -> None:
    truth, sagittal, axial = written(replace(SHORT, uids=uids), tmp_path)
    stated = [one.sop_instance_uid for one in axial.slices]
    assert stated == [one.sop_instance_uid for one in truth.axial]
    assert (stated[0] is None) == (uids is FrameUids.MISSING)
    assert len(sagittal.slices) == 5


def test_a_tilted_block_rises_to_the_front_and_turns_in_its_plane(tmp_path: Path) -> None:
    tilted = Prescription(
        sagittal_slices=1,
        axial_layout=AxialLayout.TILTED,
        axial_slices=6,
        axial_tilt_deg=20,
        axial_rotation_deg=10,
    )
    _, _, axial = written(tilted, tmp_path)
    for one in axial.slices:
        assert one.geometry is not None
        assert one.geometry.normal == pytest.approx(
            (0, np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20))), abs=1e-3
        )
        assert one.geometry.along_row[0] == pytest.approx(np.cos(np.deg2rad(10)), abs=1e-3)


def test_a_slice_through_a_disc_contains_its_neighbours_when_it_is_thick() -> None:
    spine = build_spine(replace(PATIENT, scoliosis_deg=25))
    planes = axial_geometries(spine, PATIENT.scanner, Prescription())
    _, plane = planes[5]  # second of four along L4-L5
    assert structure_at(spine, plane, 4).middle is Level.L4_L5
    thick = structure_at(spine, plane, 20)
    assert thick.contained == {Vertebra.L4, Level.L4_L5, Vertebra.L5}


def test_draws_repeat_and_stay_in_their_ranges() -> None:
    ranges = AnatomyRanges(scoliosis_deg=10, slip_mm=(3, 9), slipped=1.0)
    draws = [sample_anatomy(np.random.default_rng((5, n)), ranges) for n in range(60)]
    assert draws[3] == sample_anatomy(np.random.default_rng((5, 3)), ranges)
    assert {one.lumbar_vertebrae for one in draws} == {4, 5, 6}
    assert max(abs(one.scoliosis_deg) for one in draws) <= 10
    assert all(3 <= max(one.listhesis_mm) <= 9 for one in draws)
    few = PrescriptionRanges(sagittal_slices=(5, 7), turn_deg=3, uid_shares=(1, 0, 0, 0))
    plans = [sample_prescription(np.random.default_rng(n), few) for n in range(60)]
    assert {one.sagittal_slices for one in plans} == {5, 6, 7}
    assert {one.axial_layout for one in plans} == set(AxialLayout)
    assert max(abs(one.head_turn_deg) for one in plans) <= 3
