"""What bad input gets: one clear error of the contract, or a warning beside good slices."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from discern.errors import (
    DiscernError,
    InputError,
    NoImages,
    NoUsableSeries,
    SeveralStudies,
    UnreadableFile,
    UsageError,
)
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Study
from discern.spine import Plane
from writers import (
    AXIAL_T2,
    STUDY_UID,
    T1,
    Series,
    encode,
    enhanced_dataset,
    mr_dataset,
    to_bytes,
    write_series,
    write_study,
)


def warnings_of(study: Study) -> dict[str, str]:
    return {one.code: one.text for one in study.warnings}


def test_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing: no such file or folder"):
        read_study(tmp_path / "missing")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(NoImages) as caught:
        read_study(tmp_path)
    assert caught.value.exit_status == 3


def test_folder_with_documents_only(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("nothing here")
    with pytest.raises(NoImages):
        read_study(tmp_path)


def test_text_file_named_dcm(tmp_path: Path) -> None:
    path = tmp_path / "notes.dcm"
    path.write_text("just some text " * 100)
    for source in (path, tmp_path):
        with pytest.raises(UnreadableFile, match=r"notes\.dcm") as caught:
            read_study(source)
        assert caught.value.exit_status == 2


def test_text_file_named_dcm_among_good_slices(tmp_path: Path) -> None:
    write_study(tmp_path)
    (tmp_path / "notes.dcm").write_text("just some text " * 100)
    assert "notes.dcm" in warnings_of(read_study(tmp_path))["skipped_files"]


def test_only_t1(tmp_path: Path) -> None:
    write_study(tmp_path, Series(description="t1_tse_sag", tags=T1))
    with pytest.raises(NoUsableSeries, match=r"t1_tse_sag.*T1: TE 12 ms.*--series") as caught:
        read_study(tmp_path)
    assert caught.value.exit_status == 3


def test_only_localisers(tmp_path: Path) -> None:
    write_study(tmp_path, Series(count=3).with_tags(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    with pytest.raises(NoUsableSeries, match="only localisers"):
        read_study(tmp_path)


def test_only_axial(tmp_path: Path) -> None:
    write_study(tmp_path, AXIAL_T2)
    with pytest.raises(NoUsableSeries, match="no sagittal T2"):
        read_study(tmp_path)
    (series,) = read_study(tmp_path, ReadOptions(series=("s1",))).series
    assert series.used


def test_stated_ct(tmp_path: Path) -> None:
    write_study(tmp_path, Series().with_tags(Modality="CT"))
    with pytest.raises(NoImages, match="5 CT images"):
        read_study(tmp_path)


def test_ct_beside_mr_is_skipped(tmp_path: Path) -> None:
    write_study(tmp_path, Series(), Series(number=3).with_tags(Modality="CT"))
    study = read_study(tmp_path)
    assert "5 CT images" in warnings_of(study)["other_modality"]
    assert len(study.series) == 1


def test_two_studies_are_listed_without_names(tmp_path: Path) -> None:
    write_study(tmp_path / "a", Series())
    write_study(tmp_path / "b", Series(count=4, study_uid="1.2.3.4"))
    with pytest.raises(SeveralStudies) as caught:
        read_study(tmp_path)
    text = str(caught.value)
    assert "1.2.3.4 (20240131, 4 images)" in text
    assert f"{STUDY_UID} (20240131, 5 images)" in text
    assert "--study" in text
    assert "Doe" not in text
    assert "P1" not in text
    assert read_study(tmp_path, ReadOptions(study="1.2.3.4")).study_instance_uid == "1.2.3.4"
    with pytest.raises(UsageError, match="no such study"):
        read_study(tmp_path, ReadOptions(study="9.9"))


def test_two_patients_under_one_study_uid(tmp_path: Path) -> None:
    write_study(tmp_path, Series(), AXIAL_T2.with_tags(PatientID="P2"))
    with pytest.raises(SeveralStudies, match="2 patients") as caught:
        read_study(tmp_path)
    assert "P2" not in str(caught.value)


def test_patients_without_ids_are_told_apart_by_name(tmp_path: Path) -> None:
    anonymous = Series().with_tags(PatientID=None)
    other = AXIAL_T2.with_tags(PatientID=None, PatientName="Roe^Richard")
    with pytest.raises(SeveralStudies, match="2 patients"):
        read_study(write_study(tmp_path / "two", anonymous, other))
    read_study(write_study(tmp_path / "one", Series(), AXIAL_T2.with_tags(PatientID=None)))


def test_no_field_of_a_study_names_the_patient(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path))
    assert "Doe" not in repr(study)
    assert "P1'" not in repr(study)


@pytest.mark.parametrize("keep", [10, 140, 400, 900, -40])
def test_truncated_file_alone(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "short.dcm"
    path.write_bytes(to_bytes(mr_dataset(Series(), 0))[:keep])
    with pytest.raises(UnreadableFile, match=r"short\.dcm"):
        read_study(path)


@pytest.mark.parametrize("keep", [10, 140, 400, 900, -40])
def test_truncated_file_among_good_ones(tmp_path: Path, keep: int) -> None:
    paths = write_series(tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:keep])
    study = read_study(tmp_path)
    assert len(study.series[0].slices) == 4
    assert paths[2].name in warnings_of(study)["skipped_files"]


def test_truncated_compressed_file_is_told_from_its_header(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    compressed = encode(mr_dataset(Series(), 2), RLELossless, tmp_path)
    paths[2].write_bytes(compressed[:-60])
    assert paths[2].name in warnings_of(read_study(tmp_path))["skipped_files"]


def test_damaged_payload_is_told_when_it_is_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    compressed = bytearray(encode(mr_dataset(Series(), 2), RLELossless, tmp_path))
    compressed[-200:-20] = bytes(180)
    paths[2].write_bytes(compressed)
    slices = read_study(tmp_path).series[0].slices
    with pytest.raises(UnreadableFile, match=paths[2].name):
        slices[2].read()
    assert slices[3].read().any()


def test_a_dozen_skipped_files_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    for path in write_series(tmp_path, Series(count=20))[:15]:
        path.write_bytes(path.read_bytes()[:-50])
    text = warnings_of(read_study(tmp_path))["skipped_files"]
    assert text.startswith("15 files were skipped: 1-0001.dcm")
    assert text.endswith("and 3 more.")
    assert text.count(".dcm") == 12


@pytest.mark.parametrize("last_part", ["52", "99"])  # a retired JPEG process, and none at all
def test_unsupported_transfer_syntax(tmp_path: Path, last_part: str) -> None:
    content = encode(mr_dataset(Series(), 0), JPEGLSLossless, tmp_path)
    known = JPEGLSLossless.encode()
    folder = tmp_path / "study"
    folder.mkdir()
    path = folder / "film.dcm"
    path.write_bytes(content.replace(known, known[:-2] + last_part.encode()))
    for source in (path, folder):
        with pytest.raises(UnreadableFile, match=r"film\.dcm.*transfer syntax.*not supported"):
            read_study(source)
    write_series(folder)
    assert "film.dcm" in warnings_of(read_study(folder))["skipped_files"]


def test_missing_spacing(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, Series().with_tags(PixelSpacing=None)))
    (series,) = study.used(Plane.SAGITTAL)
    assert {one.spacing_mm for one in series.slices} == {None}
    assert "missing_spacing" in warnings_of(study)
    assert [one.file for one in series.slices] == [f"1-000{index}.dcm" for index in range(1, 6)]


def test_spacing_from_the_field_of_view(tmp_path: Path) -> None:
    series = Series().with_tags(PixelSpacing=None, ReconstructionDiameter=48.0)
    study = read_study(write_study(tmp_path, series))
    assert study.series[0].slices[0].spacing_mm == (2.0, 2.0)


@pytest.mark.parametrize(
    "orientation", [None, [0.0] * 6, [1.0, 0, 0, 1.0, 0, 0], [1.0, 0.0], [2.0, 0, 0, 0, 2.0, 0]]
)
def test_missing_or_impossible_orientation(tmp_path: Path, orientation: list[float] | None) -> None:
    series = Series().with_tags(ImageOrientationPatient=orientation)
    study = read_study(write_study(tmp_path, series))
    (used,) = study.used(Plane.SAGITTAL)  # by its description
    assert {one.geometry for one in used.slices} == {None}
    assert used.slices[0].spacing_mm == (0.7, 0.7)
    assert "no_geometry" in warnings_of(study)


def test_the_only_series_without_orientation_is_taken_as_sagittal(tmp_path: Path) -> None:
    series = Series(description="").with_tags(ImageOrientationPatient=None)
    study = read_study(write_study(tmp_path, series))
    assert study.used(Plane.SAGITTAL)
    assert "plane_assumed" in warnings_of(study)
    axial = read_study(tmp_path, ReadOptions(plane=Plane.AXIAL))
    assert axial.used(Plane.AXIAL)
    assert "plane_assumed" not in warnings_of(axial)


def test_stripped_tags_and_odd_uids(tmp_path: Path) -> None:
    stripped = dict.fromkeys(
        ["Modality", "SOPClassUID", "EchoTime", "RepetitionTime", "ScanningSequence", "StudyDate"]
    )
    odd = {"SeriesInstanceUID": "not a uid", "StudyInstanceUID": "also/not", "PatientID": None}
    write_series(tmp_path, Series(tags={**stripped, **odd}))
    study = read_study(tmp_path)
    (series,) = study.used(Plane.SAGITTAL)
    assert series.reason == "sagittal T2 by its description"
    assert {"modality_missing"} == set(warnings_of(study))


def test_no_uid_at_all(tmp_path: Path) -> None:
    gone = dict.fromkeys(["SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID"])
    write_series(tmp_path, Series().with_tags(**gone))
    study = read_study(tmp_path)
    assert study.study_instance_uid is None
    assert [len(one.slices) for one in study.series] == [5]


def test_a_series_uid_per_file_is_seen_through(tmp_path: Path) -> None:
    for index, path in enumerate(write_series(tmp_path)):
        dataset = mr_dataset(Series(), index)
        dataset.SeriesInstanceUID = f"1.2.3.{index}"
        path.write_bytes(to_bytes(dataset))
    assert [len(one.slices) for one in read_study(tmp_path).series] == [5]


def test_frames_of_reference_may_differ(tmp_path: Path) -> None:
    write_study(tmp_path, Series(), AXIAL_T2.with_tags(FrameOfReferenceUID="1.9.9"))
    study = read_study(tmp_path)
    assert study.used(Plane.AXIAL)
    assert study.warnings == ()


def test_damaged_values_do_not_hide_the_rest(tmp_path: Path) -> None:
    for path in write_series(tmp_path):
        content = path.read_bytes()
        path.write_bytes(content.replace(b"DS\x06\x00102.0 ", b"DS\x06\x00abcdef"))
    (series,) = read_study(tmp_path).series
    assert series.reason == "sagittal T2 by its description"


def test_markup_and_control_characters_stay_text(tmp_path: Path) -> None:
    for path in write_series(tmp_path, Series(description="sag t2 <script>[/red] XYZ")):
        path.write_bytes(path.read_bytes().replace(b"XYZ", b"\x1b[2"))
    assert read_study(tmp_path).series[0].description == "sag t2 <script>[/red] [2"


def test_repeated_files_are_read_once(tmp_path: Path) -> None:
    write_series(tmp_path / "one")
    write_series(tmp_path / "two")
    study = read_study(tmp_path)
    assert len(study.series[0].slices) == 5
    assert "5 further copies" in warnings_of(study)["repeated_files"]


def test_a_single_slice_is_analyzed_with_a_warning(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, Series(count=1))
    study = read_study(path)
    assert study.series[0].used
    assert "one_slice" in warnings_of(study)


def test_absurd_matrix_is_refused_before_decoding(tmp_path: Path) -> None:
    dataset = mr_dataset(Series(), 0)
    dataset.Rows = dataset.Columns = 65535
    path = tmp_path / "huge.dcm"
    path.write_bytes(to_bytes(dataset))
    with pytest.raises(UnreadableFile, match=r"huge\.dcm"):
        read_study(path)


@pytest.mark.parametrize("number", range(4))
def test_random_damage_never_escapes_the_error_tree(tmp_path: Path, number: int) -> None:
    """Bytes of headers and small images are overwritten; only deliberate errors may be raised."""
    content = (
        to_bytes(mr_dataset(Series(), 0)),
        to_bytes(mr_dataset(Series(), 0), ImplicitVRLittleEndian),
        to_bytes(enhanced_dataset(Series(count=3))),
        to_bytes(mr_dataset(Series(), 0), DeflatedExplicitVRLittleEndian),
    )[number]
    generator = np.random.default_rng(number)
    path = tmp_path / "damaged.dcm"
    told = 0
    for _ in range(40):
        damaged = bytearray(content)
        for at in generator.integers(128, min(len(content), 1600), 5):
            damaged[at] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            read_study(path)
        except DiscernError as error:
            told += "damaged.dcm" in str(error)
    assert told > 0


@pytest.mark.slow
def test_deflate_bomb(tmp_path: Path) -> None:
    content = to_bytes(mr_dataset(Series(shape_px=(4, 4)), 0), DeflatedExplicitVRLittleEndian)
    start = 144 + struct.unpack("<L", content[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    body = b"".join(packer.compress(bytes(1 << 24)) for _ in range(20)) + packer.flush()
    path = tmp_path / "bomb.dcm"
    path.write_bytes(content[:start] + body)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UnreadableFile, match="inflates beyond"):
        read_study(path)
