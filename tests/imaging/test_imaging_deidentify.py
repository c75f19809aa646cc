"""De-identification of real files: nothing that names a patient is left in any byte."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import typer
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    SecondaryCaptureImageStorage,
)
from typer.testing import CliRunner

from discern.cli.deidentify import deidentify as command
from discern.errors import DiscernError, InputError, NoImages, OutputError, UsageError
from discern.imaging.deidentify import deidentify
from discern.imaging.reading import read_study
from writers import Series, encode, mr_dataset, to_bytes

OWN_UID = "1.2.840.113619.2.176.2025.1499"
KEY = b"0123456789abcdef" * 2
SECRETS = (
    b"Doe", b"Jane", b"P1-SECRET", b"Smith", b"Nurse", b"Hospital", b"20240131", b"19600229",
    b"134501", b"ACC-77", b"private words", b"Elm Street", b"MRSCANNER7", b"lower back of Jane",
)  # fmt: skip
ORIGINAL = Series(study_uid=OWN_UID)


def person(name: str) -> Dataset:
    item = Dataset()
    item.PersonName = name
    item.InstitutionName = "General Hospital"
    return item


def nested() -> Dataset:
    """An item three levels down that the table does not remove as a whole."""
    deepest = Dataset()
    deepest.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    deepest.ReferencedSOPInstanceUID = f"{OWN_UID}.1.1"
    deepest.PatientName = "Doe^Jane"
    deepest.ContentDate = "20240131"
    deepest.OperatorsName = "Nurse^Ann"
    deepest.private_block(0x0011, "VENDOR", create=True).add_new(1, "LO", "private words of Jane")
    middle = Dataset()
    middle.SourceImageSequence = [deepest]
    middle.ImageComments = "lower back of Jane"
    top = Dataset()
    top.CodeValue, top.CodingSchemeDesignator, top.CodeMeaning = "113076", "DCM", "Segmentation"
    top.ReferencedImageSequence = [middle]
    return top


def identified(index: int = 0, series: Series = ORIGINAL) -> Dataset:
    dataset = mr_dataset(series, index)
    dataset.PatientID, dataset.PatientBirthDate = "P1-SECRET", "19600229"
    dataset.PatientAddress, dataset.AccessionNumber = "1 Elm Street", "ACC-77"
    dataset.ReferringPhysicianName, dataset.StudyTime = "Smith^John", "134501"
    dataset.AcquisitionDate, dataset.ContentDate = "20240131", "20240131"
    dataset.AcquisitionDateTime, dataset.StationName = "20240131134501", "MRSCANNER7"
    dataset.InstitutionName = "General Hospital"
    dataset.StudyDescription = "lower back of Jane"
    dataset.DateOfLastCalibration = ["20240131", "20240131"]
    dataset.ReferringPhysicianIdentificationSequence = [person("Smith^John")]
    dataset.RequestAttributesSequence = [person("Smith^John")]
    dataset.DerivationCodeSequence = [nested()]
    dataset.add_new((0x6000, 0x3000), "OW", b"private words 12")
    dataset.add_new((0x6000, 0x4000), "LT", "private words of Jane")
    dataset.private_block(0x0029, "VENDOR", create=True).add_new(1, "PN", "Doe^Jane")
    return dataset


def written(dataset: Dataset, path: Path, syntax: UID = ExplicitVRLittleEndian) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = to_bytes(dataset, syntax)
    path.write_bytes(b"Doe^Jane".ljust(128, b"\0") + content[128:])
    return path


def everything(folder: Path) -> bytes:
    """Every byte and every name below ``folder``."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = "\n".join(str(path.relative_to(folder)) for path in files).encode()
    return names + b"".join(path.read_bytes() for path in files)


def read_one(folder: Path) -> Dataset:
    (path,) = [one for one in folder.rglob("*") if one.is_file()]
    dataset: Dataset = pydicom.dcmread(path)
    return dataset


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return written(identified(), tmp_path / "in" / "Doe Jane" / "Doe.dcm").parents[1]


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
    ids=lambda one: one.name,
)
def test_no_byte_and_no_name_of_the_patient_is_left(tmp_path: Path, syntax: UID) -> None:
    source = written(identified(), tmp_path / "Doe" / "Jane.dcm", syntax).parent
    pixels = pydicom.dcmread(source / "Jane.dcm").pixel_array
    deidentify(source, tmp_path / "out", key=KEY)
    left = everything(tmp_path / "out")
    assert [secret for secret in (*SECRETS, OWN_UID.encode()) if secret in left] == []
    dataset = read_one(tmp_path / "out")
    assert np.array_equal(dataset.pixel_array, pixels)
    assert not [element for element in dataset.iterall() if element.tag.is_private]


@pytest.mark.parametrize("character_set", ["GB18030", "ISO_IR 192"])
def test_names_in_other_scripts_are_gone(tmp_path: Path, character_set: str) -> None:
    dataset = identified()
    dataset.SpecificCharacterSet = character_set
    dataset.PatientName = "Wang^XiaoDong=王^小东"
    dataset.ReferringPhysicianName = "Li=李"
    written(dataset, tmp_path / "in" / "1.dcm")
    deidentify(tmp_path / "in", tmp_path / "out", key=KEY)
    left = everything(tmp_path / "out")
    assert b"Wang" not in left
    (path,) = (tmp_path / "out").rglob("*.dcm")
    header = str(pydicom.dcmread(path, stop_before_pixels=True))
    assert not set("王小东李") & set(header)
    assert "王".encode(pydicom.charset.python_encoding[character_set]) not in left


def test_what_was_done_is_said(one: Path, tmp_path: Path) -> None:
    deidentify(one, tmp_path / "out", key=KEY)
    dataset = read_one(tmp_path / "out")
    assert dataset.PatientIdentityRemoved == "YES"
    assert "PS3.15" in dataset.DeidentificationMethod
    (code,) = dataset.DeidentificationMethodCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113100", "DCM")
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID


def test_dates_are_gone_and_type_2_dates_are_empty(one: Path, tmp_path: Path) -> None:
    deidentify(one, tmp_path / "out", key=KEY)
    dataset = read_one(tmp_path / "out")
    assert (dataset.StudyDate, dataset.StudyTime, dataset.PatientBirthDate) == ("", "", "")
    assert "AcquisitionDate" not in dataset
    assert "DateOfLastCalibration" not in dataset
    assert dataset.AcquisitionDateTime == "19000101000000"


def test_nested_items_keep_their_references_and_lose_their_names(one: Path, tmp_path: Path) -> None:
    deidentify(one, tmp_path / "out", key=KEY)
    dataset = read_one(tmp_path / "out")
    (top,) = dataset.DerivationCodeSequence
    assert (top.CodeValue, top.CodeMeaning) == ("113076", "Segmentation")
    (middle,) = top.ReferencedImageSequence
    (deepest,) = middle.SourceImageSequence
    assert "ImageComments" not in middle
    assert deepest.PatientName == ""
    assert deepest.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
    assert deepest.ReferencedSOPInstanceUID == dataset.SOPInstanceUID


def test_ids_are_consistent_within_a_key_and_strange_to_another(tmp_path: Path) -> None:
    for index in range(3):
        written(identified(index), tmp_path / "in" / f"{index}.dcm")
    for name, key in (("a", KEY), ("b", KEY), ("c", KEY[::-1])):
        done = deidentify(tmp_path / "in", tmp_path / name, key=key)
        assert (done.objects, done.studies, done.left_out) == (3, 1, ())
    assert everything(tmp_path / "a") == everything(tmp_path / "b")

    def ids(name: str) -> set[tuple[str, str]]:
        files = (pydicom.dcmread(path) for path in (tmp_path / name).rglob("*.dcm"))
        return {(str(one.StudyInstanceUID), str(one.PatientID)) for one in files}

    assert len(ids("a")) == len(ids("c")) == 1
    assert not ids("a") & ids("c")
    uids = re.findall(r"2\.25\.[0-9]+", everything(tmp_path / "a").decode("latin-1"))
    assert all(UID(uid).is_valid for uid in uids)


def test_two_patients_stay_two(tmp_path: Path) -> None:
    for number, patient in enumerate(("P1-SECRET", "P2")):
        dataset = identified(series=Series(study_uid=f"{OWN_UID}.{number}"))
        dataset.PatientID = patient
        written(dataset, tmp_path / "in" / f"{number}.dcm")
    assert deidentify(tmp_path / "in", tmp_path / "out", key=KEY).studies == 2
    files = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert len({one.PatientID for one in files}) == 2


@dataclass(frozen=True)
class Refused:
    keyword: str
    value: object
    words: str


@pytest.mark.parametrize(
    "case",
    [
        Refused("BurnedInAnnotation", "YES", "burned into its pixels"),
        Refused("SOPClassUID", SecondaryCaptureImageStorage, "secondary capture"),
        Refused("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7.4", "secondary capture"),
        Refused("ConversionType", "SI", "secondary capture"),
        Refused("SOPClassUID", EncapsulatedPDFStorage, "no MR image"),
        Refused("SeriesInstanceUID", "", "no SeriesInstanceUID"),
    ],
    ids=lambda one: f"{one.keyword} {one.value}",
)
def test_what_pixels_may_show_is_refused_by_name(tmp_path: Path, case: Refused) -> None:
    shown = identified(1)
    setattr(shown, case.keyword, case.value)
    written(identified(), tmp_path / "in" / "good.dcm")
    written(shown, tmp_path / "in" / "shown.dcm")
    with pytest.raises(InputError, match=rf"shown\.dcm \(.*{case.words}.*--leave-out") as error:
        deidentify(tmp_path / "in", tmp_path / "out", key=KEY)
    assert "good.dcm" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    done = deidentify(tmp_path / "in", tmp_path / "out", key=KEY, leave_out=True)
    assert (done.objects, [one.name for one in done.left_out]) == (1, ["shown.dcm"])


def test_an_overlay_in_unused_bits_is_refused(tmp_path: Path) -> None:
    dataset = identified()
    dataset.add_new((0x6000, 0x0102), "US", 12)
    written(dataset, tmp_path / "in" / "overlay.dcm")
    with pytest.raises(InputError, match="overlay is drawn"):
        deidentify(tmp_path / "in", tmp_path / "out", key=KEY)


def test_a_damaged_file_leaves_nothing_behind(tmp_path: Path) -> None:
    good = written(identified(), tmp_path / "in" / "1.dcm").read_bytes()
    (tmp_path / "in" / "2.dcm").write_bytes(good[:700])
    with pytest.raises(DiscernError, match=r"2\.dcm"):
        deidentify(tmp_path / "in", tmp_path / "out", key=KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_image_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = written(identified(), tmp_path / "in" / "1.dcm").read_bytes()
    (tmp_path / "in" / "1.dcm").write_bytes(whole[:-200])
    with pytest.raises(InputError, match="cut short"):
        deidentify(tmp_path / "in", tmp_path / "out", key=KEY)


def test_a_folder_in_use_is_not_touched(one: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="already in use"):
        deidentify(one, tmp_path / "out", key=KEY)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_short_keys_and_empty_inputs_are_refused(one: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="16"):
        deidentify(one, tmp_path / "out", key=b"secret")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoImages):
        deidentify(tmp_path / "empty", tmp_path / "out", key=KEY)


def test_compressed_pixels_are_handed_on_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    wide = replace(ORIGINAL, shape_px=(64, 64))
    content = encode(identified(0, wide), JPEG2000Lossless, tmp_path)
    (tmp_path / "in" / "1.dcm").write_bytes(content)
    before = pydicom.dcmread(tmp_path / "in" / "1.dcm")
    deidentify(tmp_path / "in", tmp_path / "out", key=KEY)
    after = read_one(tmp_path / "out")
    assert after.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert after.PixelData == before.PixelData


def test_enhanced_frames_lose_their_times(tmp_path: Path) -> None:
    dataset = identified()
    dataset.SOPClassUID = EnhancedMRImageStorage
    content = Dataset()
    content.FrameAcquisitionDateTime = "20240131134501"
    content.FrameComments = "lower back of Jane"
    content.DimensionIndexValues = [1, 2]
    frame = Dataset()
    frame.FrameContentSequence = [content]
    dataset.PerFrameFunctionalGroupsSequence = [frame]
    written(dataset, tmp_path / "in" / "1.dcm")
    deidentify(tmp_path / "in", tmp_path / "out", key=KEY)
    left = everything(tmp_path / "out")
    assert not [secret for secret in SECRETS if secret in left]
    (frame,) = read_one(tmp_path / "out").PerFrameFunctionalGroupsSequence
    assert list(frame.FrameContentSequence[0].DimensionIndexValues) == [1, 2]


def test_the_command_line(one: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    (tmp_path / "key").write_bytes(KEY)
    options = [str(one), "--out", str(tmp_path / "a"), "--key", str(tmp_path / "key")]
    done = CliRunner().invoke(app, options)
    assert (done.exit_code, "objects: 1, studies: 1" in done.output) == (0, True)
    assert CliRunner().invoke(app, [str(one), "--out", str(tmp_path / "b")]).exit_code == 0
    assert everything(tmp_path / "a") != everything(tmp_path / "b")
    missing = [str(one), "--out", str(tmp_path / "c"), "--key", str(tmp_path / "nokey")]
    failed = CliRunner().invoke(app, missing)
    assert isinstance(failed.exception, UsageError)
    assert "urandom" in str(failed.exception)


def originals(folder: Path) -> set[bytes]:
    """Every id, UID, name, date and time of a study, at every depth."""
    found = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        for element in pydicom.dcmread(path, stop_before_pixels=True).iterall():
            identifying = element.VR in {"PN", "DA", "TM", "DT"} or element.keyword in {
                "PatientID", "AccessionNumber", "InstitutionName", "StationName",
            }  # fmt: skip
            own_uid = element.VR == "UI" and UID(str(element.value)).name == str(element.value)
            if identifying or own_uid:
                found.add(str(element.value).encode())
    return {one for one in found if len(one) > 3}


def test_the_real_study_without_identity_is_still_the_same_images(
    shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "lumbar-study-dicom" / "study"
    done = deidentify(source, tmp_path / "out", key=KEY)
    assert (done.objects, done.studies) == (97, 1)
    secrets, left = originals(source), everything(tmp_path / "out")
    assert len(secrets) > 97
    assert [secret for secret in secrets if secret in left] == []
    before, after = read_study(source), read_study(tmp_path / "out")
    assert [(one.plane, one.weighting, one.used, len(one.slices)) for one in before.series] == [
        (one.plane, one.weighting, one.used, len(one.slices)) for one in after.series
    ]
