"""The Encapsulated PDF object against dciodvfy, dcm2pdf, and the PDF that it holds."""

import hashlib
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from printed_cases import TIME, documents_of, program, reported_on
from pydicom import Dataset, dcmread
from pydicom.uid import EncapsulatedPDFStorage

from discern.errors import InputError
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.reporting.dicom_objects.encapsulated import encapsulate_pdf
from discern.reporting.kinds import Document, Reported
from discern.reporting.stamp import Stamp
from discern.spine import Language


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("phantom")
    write_study(demo_parameters(), DEMO_SEED, folder)
    return reported_on(folder)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return reported_on(shared_data / "lumbar-study-dicom" / "study")


@pytest.fixture(scope="module")
def documents(phantom: Reported) -> list[Document]:
    return documents_of(phantom)


@pytest.fixture(scope="module")
def real_documents(real: Reported) -> list[Document]:
    return documents_of(real)


@pytest.fixture(scope="module")
def dataset(documents: list[Document]) -> Dataset:
    return dcmread(io.BytesIO(documents[1].content))


@pytest.mark.parametrize("study", ["documents", "real_documents"])
def test_the_validator_finds_no_error(
    study: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = tmp_path / "page.dcm"
    path.write_bytes(request.getfixturevalue(study)[1].content)

    done = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)

    assert "EncapsulatedPDF" in done.stdout + done.stderr
    assert "Error" not in done.stdout + done.stderr


def test_another_program_takes_the_same_pdf_out(documents: list[Document], tmp_path: Path) -> None:
    path = tmp_path / "page.dcm"
    path.write_bytes(documents[1].content)

    subprocess.run([program("dcm2pdf"), path, tmp_path / "page.pdf"], check=True)

    taken_out = (tmp_path / "page.pdf").read_bytes()
    assert taken_out[: len(documents[0].content)] == documents[0].content
    assert taken_out[len(documents[0].content) :] in (b"", b"\0")


def test_the_document_is_whole_and_of_even_length(
    documents: list[Document], dataset: Dataset
) -> None:
    length = dataset.EncapsulatedDocumentLength

    assert dataset.EncapsulatedDocument[:length] == documents[0].content
    assert len(dataset.EncapsulatedDocument) % 2 == 0
    assert documents[1].sop_class_uid == EncapsulatedPDFStorage
    assert documents[1].sop_instance_uid == dataset.SOPInstanceUID


def test_an_odd_pdf_is_padded(phantom: Reported) -> None:
    pdf = b"%PDF-1.7 odd%%EOF"
    document = encapsulate_pdf(pdf, phantom.study, Stamp("00", TIME), "")

    read = dcmread(io.BytesIO(document.content))
    assert read.EncapsulatedDocument == pdf + b"\0"
    assert read.EncapsulatedDocumentLength == len(pdf)


def test_it_says_what_it_holds_and_of_which_images(phantom: Reported, dataset: Dataset) -> None:
    used = {
        slice_.sop_instance_uid
        for series in phantom.study.series
        if series.used
        for slice_ in series.slices
    }

    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert (dataset.Modality, dataset.BurnedInAnnotation) == ("DOC", "NO")
    assert dataset.VerificationFlag == "UNVERIFIED"
    assert "research use only" in dataset.DocumentTitle
    assert dataset.ConceptNameCodeSequence[0].CodeValue == "25056-3"
    assert {one.ReferencedSOPInstanceUID for one in dataset.SourceInstanceSequence} == used
    assert (dataset.ContentDate, dataset.ContentTime) == ("20260102", "030405")


def test_patient_and_study_are_those_of_the_images_in_utf_8(tmp_path: Path) -> None:
    write_study(demo_parameters(), DEMO_SEED, tmp_path)
    for path in tmp_path.rglob("*.dcm"):
        source = dcmread(path)
        source.SpecificCharacterSet = "GB18030"
        source.PatientName, source.PatientID = "Wang^XiaoDong=王^小东", "7"
        source.save_as(path)

    read = dcmread(io.BytesIO(documents_of(reported_on(tmp_path))[1].content))

    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert (str(read.PatientName), read.PatientID) == ("Wang^XiaoDong=王^小东", "7")
    assert read.StudyInstanceUID == source.StudyInstanceUID
    assert read.SeriesInstanceUID != source.SeriesInstanceUID


def test_the_same_findings_give_the_same_object(
    phantom: Reported, documents: list[Document]
) -> None:
    again = documents_of(phantom)

    digests = [hashlib.sha256(one.content).hexdigest() for one in (*documents, *again)]
    assert digests[:2] == digests[2:]


def test_another_language_is_another_object_and_another_time_is_not(
    phantom: Reported, documents: list[Document]
) -> None:
    chinese = documents_of(phantom, language=Language.CHINESE)
    later = documents_of(phantom, time=TIME.replace(year=2027))

    assert chinese[1].sop_instance_uid != documents[1].sop_instance_uid
    assert later[1].sop_instance_uid == documents[1].sop_instance_uid


def test_images_without_uids_are_refused_by_name(phantom: Reported) -> None:
    series = tuple(
        replace(one, slices=tuple(replace(slice_, header=None) for slice_ in one.slices))
        for one in phantom.study.series
    )

    with pytest.raises(InputError, match="not a DICOM file"):
        documents_of(replace(phantom, study=replace(phantom.study, series=series)))
