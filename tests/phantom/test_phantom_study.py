import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from discern.imaging.frames import PHANTOM_MANUFACTURER
from discern.imaging.geometry import SliceGeometry, plane_of
from discern.phantom.draw import DrawSettings, draw_patient
from discern.phantom.render import render_axial, render_sagittal
from discern.phantom.study import demo_parameters, write_study
from discern.phantom.study_truth import PhantomTruth
from discern.spine import Level, Plane

SEED = 7


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PhantomTruth]:
    folder = tmp_path_factory.mktemp("phantom")
    return folder, write_study(demo_parameters(), SEED, folder)


def read(folder: Path, series: str) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted((folder / series).glob("*.dcm"))]


@pytest.mark.slow
def test_same_seed_same_bytes(study: tuple[Path, PhantomTruth], tmp_path: Path) -> None:
    write_study(demo_parameters(), SEED, tmp_path / "again")
    for series in ("sagittal-t2", "axial-t2"):
        first = {path.name: path.read_bytes() for path in (study[0] / series).iterdir()}
        again = {path.name: path.read_bytes() for path in (tmp_path / "again" / series).iterdir()}
        assert first == again


def test_files_hold_what_was_rendered(study: tuple[Path, PhantomTruth]) -> None:
    rng = np.random.default_rng(SEED)
    rendered = render_sagittal(demo_parameters(), rng) + render_axial(demo_parameters(), rng)
    files = read(study[0], "sagittal-t2") + read(study[0], "axial-t2")
    assert len(files) == len(rendered) == 35
    for file, slice_ in zip(files, rendered, strict=True):
        assert np.array_equal(file.pixel_array, slice_.image)
        position = tuple(float(value) for value in file.ImagePositionPatient)
        assert position == pytest.approx(slice_.geometry.position_lps_mm, abs=1e-4)


def test_headers_place_both_series_in_one_frame(study: tuple[Path, PhantomTruth]) -> None:
    for series, plane in (("sagittal-t2", Plane.SAGITTAL), ("axial-t2", Plane.AXIAL)):
        for file in read(study[0], series):
            cosines = [float(value) for value in file.ImageOrientationPatient]
            geometry = SliceGeometry(
                (0.0, 0.0, 0.0),
                (cosines[0], cosines[1], cosines[2]),
                (cosines[3], cosines[4], cosines[5]),
                (1.0, 1.0),
            )
            assert plane_of(geometry) is plane
            assert np.linalg.norm(cosines[:3]) == pytest.approx(1, abs=1e-5)
            assert np.linalg.norm(cosines[3:]) == pytest.approx(1, abs=1e-5)
    files = read(study[0], "sagittal-t2") + read(study[0], "axial-t2")
    assert len({file.FrameOfReferenceUID for file in files}) == 1
    assert len({file.StudyInstanceUID for file in files}) == 1
    assert len({file.SeriesInstanceUID for file in files}) == 2
    assert len({file.SOPInstanceUID for file in files}) == 35


def test_headers_are_valid_and_say_synthetic(study: tuple[Path, PhantomTruth]) -> None:
    file = read(study[0], "sagittal-t2")[0]
    assert file.SOPClassUID == file.file_meta.MediaStorageSOPClassUID == MRImageStorage
    assert file.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (file.BitsAllocated, file.BitsStored, file.HighBit) == (16, 12, 11)
    assert file.Manufacturer == PHANTOM_MANUFACTURER
    assert "synthetic" in file.SeriesDescription
    assert "Synthetic" in file.ImageComments
    assert file.PatientID == f"PHANTOM-{SEED}"
    assert file.EchoTime > 80
    assert file.RepetitionTime > 2000
    assert not [element for element in file if element.tag.is_private]


def test_files_are_as_pydicom_writes_them(study: tuple[Path, PhantomTruth]) -> None:
    for path in sorted(study[0].rglob("*.dcm"))[::9]:
        file, written = pydicom.dcmread(path), BytesIO()
        for element in file.iterall():
            assert element.VR != "UN"
        file.save_as(written, enforce_file_format=True)
        assert written.getvalue() == path.read_bytes()


def test_the_window_reaches_the_99th_percentile(study: tuple[Path, PhantomTruth]) -> None:
    for file in read(study[0], "axial-t2")[::7]:
        assert float(file.WindowWidth) == round(float(np.percentile(file.pixel_array, 99)))


def test_truth_lists_the_discs_head_to_foot(study: tuple[Path, PhantomTruth]) -> None:
    truth = json.loads(study[1].to_json())
    assert truth["schema"] == "discern.phantom-truth/1"
    assert truth["synthetic"] is True
    assert truth["seed"] == SEED
    levels = [disc["level"] for disc in truth["discs"]]
    assert levels[-6:] == ["T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]
    by_level = {disc["level"]: disc for disc in truth["discs"]}
    assert [by_level[level]["pfirrmann"] for level in levels[-6:]] == [2, 1, 2, 3, 4, 5]
    assert [level for level in levels if by_level[level]["herniation"]] == [str(Level.L4_L5)]
    assert not any(disc["hiz"] for disc in truth["discs"])
    heights = [disc["center_lps_mm"][2] for disc in truth["discs"]]
    assert heights == sorted(heights, reverse=True)


def test_axial_slices_along_a_steep_lumbosacral_disc_are_written(tmp_path: Path) -> None:
    steep = draw_patient(8, DrawSettings(seed=5))  # its L5-S1 slopes by more than 45 degrees
    one = replace(steep.prescription, sagittal_slices=1)

    write_study(steep.parameters, steep.seed, tmp_path, one)

    normals = [
        np.cross(file.ImageOrientationPatient[:3], file.ImageOrientationPatient[3:])
        for file in read(tmp_path, "axial-t2")
    ]
    assert min(abs(normal[2]) for normal in normals) < np.cos(np.radians(45))
