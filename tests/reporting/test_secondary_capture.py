"""Secondary captures against dciodvfy, DCMTK's decoder, and where the boxes must be seen."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from marked_cases import (
    SAGITTAL,
    analyzed,
    analyzed_phantom,
    of_discs,
    program,
    read,
    sagittal_datasets,
    save,
    stamp_of,
    validated,
    with_block,
    written,
)
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from discern.errors import InputError, UnreadableFile
from discern.imaging.study import Image
from discern.reporting.dicom_objects.capture import write_secondary_captures
from discern.reporting.kinds import Document, Reported
from discern.spine import Plane
from writers import enhanced_dataset

BLUE, PINK, AMBER = (121, 211, 236), (255, 143, 174), (255, 214, 134)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return analyzed_phantom(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return analyzed(shared_data / "lumbar-study-dicom" / "study")


def captures_of(reported: Reported) -> list[Document]:
    return write_secondary_captures(reported, stamp_of(reported))


def source_of(capture: Dataset) -> str:
    (source,) = capture.SourceImageSequence
    return str(source.ReferencedSOPInstanceUID)


def has_color(pixels: Pixels, color: tuple[int, int, int]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (pixels == color).all(axis=-1)
    return found


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_every_slice_that_shows_a_disc_is_captured_once(
    study: str, request: pytest.FixtureRequest
) -> None:
    reported: Reported = request.getfixturevalue(study)
    with_boxes = {one.sop_instance_uid for one in of_discs(reported.findings)}
    cutting = {one.sop_instance_uid for one in reported.findings.axial_slices if one.level}

    documents = captures_of(reported)

    captures = [read(one) for one in documents]
    assert sorted(map(source_of, captures)) == sorted(map(str, with_boxes | cutting))
    assert len({one.SeriesInstanceUID for one in captures}) == 2
    assert [one.name for one in documents][:2] == [
        "secondary-capture-001.dcm", "secondary-capture-002.dcm",
    ]  # fmt: skip
    assert len({one.sop_instance_uid for one in documents}) == len(documents)


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_the_validator_finds_no_error_and_dcmtk_reads_the_same_pixels(
    study: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    documents = captures_of(request.getfixturevalue(study))
    for document in (documents[0], documents[-1]):  # sagittal, axial
        path, shown = save(document, tmp_path), tmp_path / "shown.ppm"
        said = validated(path)

        subprocess.run([program("dcm2pnm"), path, shown], check=True, capture_output=True)

        assert "SCImage" in said
        assert "Error" not in said
        assert (np.asarray(PillowImage.open(shown)) == read(document).pixel_array).all()


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_pixels_are_plain_colour_large_enough_to_read(
    study: str, request: pytest.FixtureRequest
) -> None:
    for document in captures_of(request.getfixturevalue(study)):
        capture = read(document)
        assert capture.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert (capture.PhotometricInterpretation, capture.BitsStored) == ("RGB", 8)
        assert max(capture.Rows, capture.Columns) >= 768


def test_a_box_is_drawn_where_its_pixels_are(tmp_path: Path) -> None:
    """Pixels are twice as high as wide: 40 rows x 32 columns become 768 x 307, 9.6 a mm."""
    datasets = sagittal_datasets()
    for one in datasets:
        with_block(one, slice(16, 20), slice(5, 15))  # where the box of L4-L5 lies

    capture = read(captures_of(written(tmp_path, datasets))[1])

    pixels: Pixels = capture.pixel_array
    band, margin = capture.Rows - 768, (capture.Columns - 307) // 2
    assert source_of(capture) == datasets[2].SOPInstanceUID
    blue = has_color(pixels, BLUE)
    top, bottom, left, right = band + 307, band + 384, margin + 48, margin + 144
    for row in (top, bottom):
        assert blue[row - 2 : row + 3, left + 4 : right - 4].any(axis=0).all()
    for column in (left, right):
        assert blue[top + 4 : bottom - 4, column - 2 : column + 3].any(axis=1).all()
    inside = pixels[top + 6 : bottom - 6, left + 6 : right - 6].astype(int)
    outside = pixels[bottom + 6 : bottom + 60, left:right].astype(int)
    assert inside.mean() > 200
    assert np.median(outside) < 50
    assert capture.PixelSpacing == pytest.approx([80 / 768] * 2, rel=1e-3)


def test_a_stored_matrix_on_its_head_is_shown_upright_with_its_box(tmp_path: Path) -> None:
    turned = replace(SAGITTAL, orientation=(0.0, -1.0, 0.0, 0.0, 0.0, 1.0))
    upright = captures_of(written(tmp_path / "a", sagittal_datasets()))
    on_head = captures_of(written(tmp_path / "b", sagittal_datasets(turned)))

    for document in (*upright, *on_head):
        assert read(document).PatientOrientation == ["P", "F"]
    first, second = (has_color(read(one[0]).pixel_array, BLUE) for one in (upright, on_head))
    band = first.shape[0] - 768
    upper, lower = (np.nonzero(one[band:].sum(axis=1) > 60)[0] for one in (first, second))
    assert lower.min() == pytest.approx(768 - upper.max(), abs=3)
    assert lower.max() == pytest.approx(768 - upper.min(), abs=3)


def test_lesions_are_dashed_in_their_colour(phantom: Reported) -> None:
    lesions = {
        one.sop_instance_uid for one in of_discs(phantom.findings) if one.label.grade is None
    }
    assert lesions
    for document in captures_of(phantom):
        capture = read(document)
        shown = has_color(capture.pixel_array, PINK).any()
        assert shown == (source_of(capture) in lesions)


def test_what_it_may_be_used_for_stands_above_every_slice(real: Reported) -> None:
    for document in captures_of(real):
        capture = read(document)
        band = capture.pixel_array[: capture.Rows - 768]
        assert has_color(band, AMBER).sum() > 500
        assert (band[:, -3:] == 0).all()  # nothing is cut off


def test_nothing_of_the_patient_is_burned_in(tmp_path: Path) -> None:
    datasets, others = sagittal_datasets(), sagittal_datasets()
    for one in others:
        one.PatientName, one.PatientID, one.StudyDate = "Roe^Richard", "P2", "20200101"
        one.SeriesDescription = one.StudyDescription = "Roe, Richard"

    captures = [read(one) for one in captures_of(written(tmp_path / "a", datasets))]
    changed = [read(one) for one in captures_of(written(tmp_path / "b", others))]

    for one, other in zip(captures, changed, strict=True):
        assert one.PixelData == other.PixelData
        assert (one.PatientID, other.PatientID) == ("P1", "P2")
        assert (one.BurnedInAnnotation, one.RecognizableVisualFeatures) == ("NO", "NO")


def test_the_header_says_where_it_came_from(tmp_path: Path) -> None:
    datasets = sagittal_datasets()
    for one in datasets:
        one.LossyImageCompression, one.LossyImageCompressionRatio = "01", 5.5
        one.SpecificCharacterSet, one.PatientName = "GB18030", "Wang^XiaoDong=王^小东"

    capture = read(captures_of(written(tmp_path, datasets))[0])

    assert (capture.Modality, capture.ConversionType) == ("OT", "WSD")
    assert capture.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert "not a medical device" in capture.DerivationDescription
    assert capture.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert (capture.LossyImageCompression, capture.LossyImageCompressionRatio) == ("01", 5.5)
    assert capture.StudyInstanceUID == datasets[0].StudyInstanceUID
    assert str(capture.PatientName) == "Wang^XiaoDong=王^小东"
    assert "FrameOfReferenceUID" not in capture
    assert "ImagePositionPatient" not in capture


def test_a_frame_of_a_multiframe_object_is_named(tmp_path: Path) -> None:
    captures = captures_of(written(tmp_path, [enhanced_dataset(SAGITTAL)]))

    frames = [read(one).SourceImageSequence[0].ReferencedFrameNumber for one in captures]
    assert frames == [2, 3, 4]
    assert "Error" not in validated(save(captures[0], tmp_path))


def test_a_slice_that_cannot_be_decoded_is_left_out(tmp_path: Path) -> None:
    def damaged() -> Image:
        raise UnreadableFile("002.dcm: truncated")

    reported = written(tmp_path, sagittal_datasets())
    series = reported.study.series[0]
    slices = tuple(replace(one, read=damaged) if one.index == 2 else one for one in series.slices)
    study = replace(reported.study, series=(replace(series, slices=slices),))

    captures = captures_of(replace(reported, study=study))

    assert [source_of(read(one)) for one in captures] == [
        slices[index].sop_instance_uid for index in (1, 3)
    ]


def test_without_a_disc_there_is_no_capture(tmp_path: Path) -> None:
    reported = written(tmp_path, sagittal_datasets())
    assert captures_of(replace(reported, findings=replace(reported.findings, discs=()))) == []


def test_the_same_findings_give_the_same_bytes(real: Reported) -> None:
    first, second = captures_of(real), captures_of(real)
    assert [one.content for one in first] == [one.content for one in second]


def test_images_without_uids_are_refused_by_name(phantom: Reported) -> None:
    series = tuple(
        replace(one, slices=tuple(replace(slice_, header=None) for slice_ in one.slices))
        for one in phantom.study.series
        if one.plane is Plane.SAGITTAL
    )
    with pytest.raises(InputError, match="not a DICOM file"):
        captures_of(replace(phantom, study=replace(phantom.study, series=series)))
