"""The segmentation against dciodvfy, against its sources, and against the places of the discs."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from marked_cases import analyzed, analyzed_phantom, stamp_of, validated, written
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from report_cases import make_findings
from typer.testing import CliRunner

from discern.cli.main import app
from discern.imaging.geometry import usual_view
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.quantities.slices import TissueSlice
from discern.reporting.dicom_objects.disc_masks import assign_discs
from discern.reporting.dicom_objects.segmentation import write_segmentation
from discern.reporting.documents import build_documents, kinds_without_document
from discern.reporting.kinds import DocumentKind, DocumentOptions, Reported
from discern.spine import Level, Tissue
from writers import Series, enhanced_dataset, mr_dataset


def segmentation_of(reported: Reported) -> hd.seg.Segmentation:
    (document,) = write_segmentation(reported, stamp_of(reported))
    return hd.seg.segread(io.BytesIO(document.content))


def centres_mm(segmentation: hd.seg.Segmentation) -> dict[str, NDArray[np.float64]]:
    """Return where the segments lie in the patient, by the object's own geometry alone."""
    volume = segmentation.get_volume(combine_segments=False, allow_missing_positions=True)
    found = {}
    for number, segment in enumerate(segmentation.SegmentSequence):
        places = np.argwhere(volume.array[..., number])
        found[str(segment.SegmentLabel)] = volume.map_indices_to_reference(places).mean(axis=0)
    return found


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return analyzed_phantom(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return analyzed(shared_data / "lumbar-study-dicom" / "study")


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_the_validator_finds_no_error(
    study: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    reported = request.getfixturevalue(study)
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(write_segmentation(reported, stamp_of(reported))[0].content)

    said = validated(path)

    assert "Segmentation" in said
    assert "Error" not in said


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_every_named_disc_has_its_segment_where_it_lies(
    study: str, request: pytest.FixtureRequest
) -> None:
    reported = request.getfixturevalue(study)

    centres = centres_mm(segmentation_of(reported))

    discs = reported.findings.discs
    assert [*centres] == [f"disc {one.level}" for one in discs] + ["Vertebrae", "Vertebral canal"]
    for disc in discs:
        across = (centres[f"disc {disc.level}"] - np.array(disc.center_lps_mm))[1:]
        assert np.linalg.norm(across) < 4, disc.level  # mm, in the sagittal plane


def test_each_pixel_is_the_likeliest_tissue_of_its_source_image(phantom: Reported) -> None:
    segmentation = segmentation_of(phantom)
    series = next(one for one in phantom.study.series if one.plane == "sagittal" and one.used)
    slices = {one.index: one for one in series.slices}
    uids = [str(slices[one.slice_index].sop_instance_uid) for one in phantom.tissues]

    frames = segmentation.get_pixels_by_source_instance(uids, combine_segments=True)

    vertebrae, canal = (
        segmentation.get_segment_numbers(segment_label=one)[0]
        for one in ("Vertebrae", "Vertebral canal")
    )
    for frame, tissues in zip(frames, phantom.tissues, strict=True):
        turn = usual_view(slices[tissues.slice_index].geometry)
        likeliest = tissues.probabilities.argmax(axis=0)
        seen = turn.apply(frame.astype(np.float32))
        np.testing.assert_array_equal(seen == vertebrae, likeliest == Tissue.VERTEBRA)
        np.testing.assert_array_equal(seen == canal, likeliest == Tissue.CANAL)
        assert not (likeliest == Tissue.DISC)[(seen == vertebrae) | (seen == canal)].any()


def flip_columns(dataset: Dataset) -> None:
    pixels = dataset.pixel_array[:, ::-1]
    along = np.array(dataset.ImageOrientationPatient[:3], float)
    step = along * float(dataset.PixelSpacing[1]) * (dataset.Columns - 1)
    place = np.array(dataset.ImagePositionPatient, float) + step
    dataset.ImagePositionPatient = [f"{one:.6f}" for one in place]
    dataset.ImageOrientationPatient = [*(-along).tolist(), *dataset.ImageOrientationPatient[3:]]
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()


def transpose(dataset: Dataset) -> None:
    pixels = dataset.pixel_array.T
    directions = list(dataset.ImageOrientationPatient)
    dataset.ImageOrientationPatient = directions[3:] + directions[:3]
    dataset.PixelSpacing = list(dataset.PixelSpacing)[::-1]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()


@pytest.mark.parametrize("change", [flip_columns, transpose])
def test_a_matrix_stored_otherwise_gives_the_same_places(
    change: Callable[[Dataset], None], phantom: Reported, tmp_path: Path
) -> None:
    write_study(demo_parameters(), DEMO_SEED, tmp_path)
    for path in tmp_path.rglob("*.dcm"):
        dataset = dcmread(path)
        change(dataset)
        dataset.save_as(path)

    turned = centres_mm(segmentation_of(analyzed(tmp_path)))

    expected = centres_mm(segmentation_of(phantom))
    assert turned.keys() == expected.keys()
    for name, place in expected.items():
        np.testing.assert_allclose(turned[name], place, atol=0.05)


def tissue_slices(reported: Reported, indices: tuple[int, ...]) -> tuple[TissueSlice, ...]:
    """Make a disc of the left upper quarter and a vertebra of the rest, slice by slice."""
    made = []
    for index in indices:
        slice_ = reported.study.series[0].slices[index]
        shape = slice_.shape_px
        probabilities = np.zeros((4, *shape), np.float32)
        probabilities[Tissue.VERTEBRA] = 1
        probabilities[:, : shape[0] // 2, : shape[1] // 2] = 0
        probabilities[Tissue.DISC, : shape[0] // 2, : shape[1] // 2] = 1
        made.append(TissueSlice(index, np.zeros(shape, np.float32), probabilities, None))
    return tuple(made)


def test_frames_of_a_multi_frame_object_are_referred_to_by_number(tmp_path: Path) -> None:
    series = Series(shape_px=(40, 32), spacing_mm=(2.0, 1.0))
    reported = written(tmp_path, [enhanced_dataset(series)])
    frames = [reported.study.series[0].slices[one].frame_number for one in (1, 2)]

    segmentation = segmentation_of(replace(reported, tissues=tissue_slices(reported, (1, 2))))

    found = {
        int(one.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for one in segmentation.PerFrameFunctionalGroupsSequence
    }
    assert found == set(frames)


@pytest.mark.parametrize("lacking", ["SliceThickness", "SpacingBetweenSlices", "PatientName"])
def test_headers_that_lack_or_round_something_are_no_obstacle(lacking: str, tmp_path: Path) -> None:
    series = Series(shape_px=(40, 32), spacing_mm=(2.0, 1.0))
    datasets = [mr_dataset(series, one) for one in range(series.count)]
    for number, dataset in enumerate(datasets):
        dataset.pop(lacking, None)
        turned = np.array(dataset.ImageOrientationPatient, float) + 1e-6 * number
        dataset.ImageOrientationPatient = [f"{one:.7f}" for one in turned]
    reported = written(tmp_path, datasets)

    segmentation = segmentation_of(replace(reported, tissues=tissue_slices(reported, (1, 2))))

    assert len(segmentation.SegmentSequence) > 0


def test_without_a_frame_of_reference_there_is_none(tmp_path: Path) -> None:
    series = Series(shape_px=(40, 32), spacing_mm=(2.0, 1.0))
    datasets = [mr_dataset(series, one) for one in range(series.count)]
    for dataset in datasets:
        dataset.pop("FrameOfReferenceUID", None)
    reported = written(tmp_path, datasets)
    reported = replace(reported, tissues=tissue_slices(reported, (1, 2)))

    assert write_segmentation(reported, stamp_of(reported)) == []


def test_pieces_go_whole_to_the_disc_whose_box_covers_most_of_them(tmp_path: Path) -> None:
    series = Series(shape_px=(40, 32), spacing_mm=(2.0, 1.0))
    reported = written(tmp_path, [mr_dataset(series, one) for one in range(series.count)])
    findings = make_findings(reported.study)
    disc = findings.discs[0]
    box = next(one for one in findings.detections if one.id in disc.detections)
    x1, y1, x2, y2 = (round(one) for one in box.box_xyxy_px)
    tissue = np.zeros((40, 32), bool)
    tissue[y1:y2, x1 : min(x2 + 3, 32)] = True

    found = assign_discs(tissue, findings, box.series, box.slice_index)

    np.testing.assert_array_equal(found[disc.level], tissue)
    assert all(not mask.any() for level, mask in found.items() if level is not disc.level)


def test_tissue_in_no_box_belongs_to_no_disc(phantom: Reported) -> None:
    tissue = np.zeros((512, 512), bool)
    tissue[:3, :3] = True

    found = assign_discs(tissue, phantom.findings, "s1", 5)

    assert Level.L4_L5 in found
    assert not any(mask.any() for mask in found.values())


def test_the_same_findings_give_the_same_bytes(phantom: Reported) -> None:
    first, second = (write_segmentation(phantom, stamp_of(phantom))[0] for _ in range(2))
    assert first == second


def test_nothing_segmented_gives_no_object_and_is_said(phantom: Reported) -> None:
    options = DocumentOptions((DocumentKind.SEG, DocumentKind.CSV))

    made = build_documents(replace(phantom, tissues=()), options, stamp_of(phantom))

    assert kinds_without_document(options, made) == [DocumentKind.SEG]


def test_the_command_says_that_a_study_without_geometry_has_no_segmentation(
    tmp_path: Path,
) -> None:
    write_study(demo_parameters(), DEMO_SEED, tmp_path / "study")
    for path in (tmp_path / "study").rglob("*.dcm"):
        dataset = dcmread(path)
        del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
        dataset.save_as(path)
    arguments = ["analyze", str(tmp_path / "study"), "--out", str(tmp_path / "out")]

    done = CliRunner().invoke(app, [*arguments, "--also", "seg"])

    assert done.exit_code == 0, done.output
    assert "no seg was written" in done.output
