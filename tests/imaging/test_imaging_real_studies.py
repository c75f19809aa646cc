"""The real studies beside the repository: exactly the right series, read as they lie."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image as PillowImage

from discern.errors import NoUsableSeries, UsageError
from discern.findings import Source
from discern.imaging.geometry import usual_view
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Study
from discern.spine import Plane, Weighting


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "lumbar-study-dicom" / "study"


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return read_study(folder)


def test_exactly_the_sagittal_and_the_axial_t2_are_used(study: Study) -> None:
    used = {(one.description, one.plane, one.weighting) for one in study.series if one.used}
    assert used == {
        ("Sag T2 frFSE S", Plane.SAGITTAL, Weighting.T2),
        ("Ax T2 frFSE S", Plane.AXIAL, Weighting.T2),
    }
    assert study.source is Source.DICOM
    assert study.warnings == ()


def test_every_series_has_its_reason(study: Study) -> None:
    reasons = {(one.description, one.plane): one.reason for one in study.series}
    assert reasons["Sag T2 frFSE S", Plane.SAGITTAL] == (
        "sagittal T2 spin echo: TE 118 ms, TR 4000 ms"
    )
    assert "T1 FLAIR" in reasons["Sag T1 Flair", Plane.SAGITTAL]
    assert "proton density" in reasons["Ax FRFSE PD", Plane.AXIAL]
    assert reasons["48 FOV Loc", Plane.SAGITTAL].startswith("localiser")
    assert {plane for name, plane in reasons if name == "3-Plane Loc"} == {
        Plane.SAGITTAL,
        Plane.AXIAL,
        Plane.CORONAL,
    }


def test_slices_run_from_right_to_left_and_from_foot_to_head(study: Study) -> None:
    for plane, axis, count in ((Plane.SAGITTAL, 0, 12), (Plane.AXIAL, 2, 26)):
        (series,) = study.used(plane)
        places = [one.geometry.position_lps_mm[axis] for one in series.slices if one.geometry]
        assert len(places) == count
        assert all(np.diff(places) > 4.9)


def test_pixels_agree_with_pydicom(study: Study, folder: Path) -> None:
    (series,) = study.used(Plane.SAGITTAL)
    middle = series.slices[6]
    expected = pydicom.dcmread(folder / middle.file).pixel_array
    np.testing.assert_array_equal(middle.read(), expected.astype(np.float32))
    assert middle.read().max() > 255  # 16-bit depth is kept


def test_the_oblique_blocks_stay_one_series(study: Study) -> None:
    (oblique,) = [one for one in study.series if one.description == "Ax FRFSE PD"]
    assert len(oblique.slices) == 23
    centers = [
        one.geometry.pixel_to_lps(np.array([[256.0, 256.0]]))[0, 2]
        for one in oblique.slices
        if one.geometry
    ]
    assert all(np.diff(centers) > 0)


def test_series_can_be_named_by_uid_or_id(study: Study, folder: Path) -> None:
    (flair,) = [one for one in study.series if one.description == "Sag T1 Flair"]
    for name in (flair.id, flair.series_instance_uid or ""):
        again = read_study(folder, ReadOptions(series=(name,)))
        assert [one.description for one in again.used(Plane.SAGITTAL)] == ["Sag T1 Flair"]
    with pytest.raises(UsageError, match=r"no such series.*Sag T1 Flair"):
        read_study(folder, ReadOptions(series=("s99",)))


def test_only_the_localisers_are_refused(folder: Path) -> None:
    with pytest.raises(NoUsableSeries, match=r"only localisers.*--series"):
        read_study(folder / "3-PlaneLoc")


def test_nifti_is_cut_into_sagittal_slices(shared_data: Path) -> None:
    path = shared_data / "lumbar-t2-nifti" / "t2_lumbar.nii.gz"
    study = read_study(path)
    (series,) = study.series
    assert (study.source, series.plane, series.used) == (Source.NIFTI, Plane.SAGITTAL, True)
    assert len(series.slices) == 38
    untyped: Any = nibabel
    nearest = untyped.as_closest_canonical(untyped.load(path))
    canonical = np.asarray(nearest.dataobj)  # x right, y front, z up
    expected = canonical[::-1][10][::-1, ::-1].T  # head on top, front on the left
    np.testing.assert_array_equal(series.slices[10].read(), expected)
    turn = usual_view(series.slices[10].geometry)
    assert (turn.transpose, turn.flip_rows, turn.flip_columns) == (False, False, False)


def test_axial_pictures_are_read_when_the_plane_is_given(shared_data: Path) -> None:
    folder = shared_data / "axial-t2-slices" / "axial"
    study = read_study(folder, ReadOptions(plane=Plane.AXIAL))
    (series,) = study.used(Plane.AXIAL)
    assert [one.file for one in series.slices[:3]] == ["s004.png", "s012.png", "s018.png"]
    expected = np.asarray(PillowImage.open(folder / "s012.png"), np.float32)
    np.testing.assert_array_equal(series.slices[1].read(), expected)
    assert [one.code for one in study.warnings] == ["no_geometry"]
