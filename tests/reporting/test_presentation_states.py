"""Presentation states against dciodvfy, DCMTK's renderer, and the findings they came from."""

import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
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
from PIL import Image as PillowImage
from pydicom import Dataset, dcmread

from discern.errors import InputError
from discern.findings import AxialSlice, LesionFinding, LesionStatus, Numbering
from discern.reporting.dicom_objects.presentation import write_presentation_states
from discern.reporting.kinds import Document, Reported
from discern.spine import Label, Level, Plane
from writers import enhanced_dataset

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantom")


@pytest.fixture(scope="module")
def phantom(phantom_folder: Path) -> Reported:
    return analyzed_phantom(phantom_folder)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return analyzed(shared_data / "lumbar-study-dicom" / "study")


def states_of(reported: Reported) -> list[Document]:
    return write_presentation_states(reported, stamp_of(reported))


def only_state(reported: Reported) -> Dataset:
    (document,) = states_of(reported)
    return read(document)


def annotations_on(state: Dataset, uid: str, frame: int | None = None) -> Iterator[Dataset]:
    for annotation in state.GraphicAnnotationSequence:
        for one in annotation.ReferencedImageSequence:
            frames = np.atleast_1d(one.get("ReferencedFrameNumber", [])).tolist()
            if one.ReferencedSOPInstanceUID == uid and (frame is None or frame in frames):
                yield annotation


def boxes_of(annotation: Dataset) -> list[Box]:
    found = []
    for one in annotation.get("GraphicObjectSequence", ()):
        assert (one.GraphicType, one.GraphicAnnotationUnits) == ("POLYLINE", "PIXEL")
        points = np.array(one.GraphicData).reshape(-1, 2)
        assert points[0].tolist() == points[-1].tolist()
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        found.append((x1, y1, x2, y2))
    return found


def texts_of(state: Dataset, uid: str, frame: int | None = None) -> list[str]:
    return [
        one.UnformattedTextValue
        for annotation in annotations_on(state, uid, frame)
        for one in annotation.get("TextObjectSequence", ())
    ]


def images_of(state: Dataset) -> list[str]:
    (series,) = state.ReferencedSeriesSequence
    return [one.ReferencedSOPInstanceUID for one in series.ReferencedImageSequence]


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_every_box_of_a_disc_is_at_its_place_on_its_image_and_no_other(
    study: str, request: pytest.FixtureRequest
) -> None:
    reported: Reported = request.getfixturevalue(study)
    expected: dict[tuple[str | None, bool], list[Box]] = {}
    for one in of_discs(reported.findings):
        own = one.sop_instance_uid, one.label.grade is None
        expected.setdefault(own, []).append(one.box_xyxy_px)
    drawn: dict[tuple[str | None, bool], list[Box]] = {}
    for document in states_of(reported):
        for annotation in read(document).GraphicAnnotationSequence:
            if boxes := boxes_of(annotation):
                (image,) = annotation.ReferencedImageSequence
                uid, layer = str(image.ReferencedSOPInstanceUID), annotation.GraphicLayer
                drawn.setdefault((uid, layer == "LESIONS"), []).extend(boxes)

    assert drawn.keys() == expected.keys()
    for key, boxes in expected.items():
        assert np.array(drawn[key]) == pytest.approx(np.array(boxes), abs=0.051)


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_there_is_one_state_per_series_and_the_validator_finds_no_error(
    study: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    states = states_of(request.getfixturevalue(study))

    assert len(states) == 2  # sagittal and axial
    for one in states:
        said = validated(save(one, tmp_path))
        assert "GrayscaleSoftcopyPresentationState" in said
        assert "Error" not in said


def test_pixel_units_run_from_the_outer_corner_of_the_first_pixel(tmp_path: Path) -> None:
    """PS3.3 figure C.10.5-1: the pixel in column c and row r covers c to c + 1, r to r + 1."""
    datasets = sagittal_datasets()
    with_block(datasets[2], slice(0, 3), slice(5, 9))
    reported = written(tmp_path, datasets)
    rows, columns = np.nonzero(reported.study.series[0].slices[2].read())
    found = float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0
    detections = tuple(
        replace(one, box_xyxy_px=found) if one.slice_index == 2 else one
        for one in reported.findings.detections
    )

    state = only_state(
        replace(reported, findings=replace(reported.findings, detections=detections))
    )

    (annotation, _note) = annotations_on(state, datasets[2].SOPInstanceUID)
    assert set(boxes_of(annotation)) == {(5.0, 0.0, 9.0, 3.0)}


def test_boxes_that_leave_the_image_end_at_its_edge(tmp_path: Path) -> None:
    reported = written(tmp_path, sagittal_datasets())
    detections = tuple(
        replace(one, box_xyxy_px=(-3.2, 30.0, 40.7, 44.0)) for one in reported.findings.detections
    )

    state = only_state(
        replace(reported, findings=replace(reported.findings, detections=detections))
    )

    assert set(boxes_of(state.GraphicAnnotationSequence[0])) == {(0.0, 30.0, 32.0, 40.0)}


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_words_stand_inside_the_image_and_cover_no_box(
    study: str, request: pytest.FixtureRequest
) -> None:
    for document in states_of(request.getfixturevalue(study)):
        state = read(document)
        area = state.DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner
        for uid in images_of(state):
            annotations = list(annotations_on(state, uid))
            boxes = [box for one in annotations for box in boxes_of(one)]
            texts = [one for each in annotations for one in each.TextObjectSequence]
            for text in texts:
                left, top = text.BoundingBoxTopLeftHandCorner
                right, bottom = text.BoundingBoxBottomRightHandCorner
                most = (1.0, 1.0) if text.BoundingBoxAnnotationUnits == "DISPLAY" else area
                assert 0 <= left < right <= most[0]
                assert 0 <= top < bottom <= most[1]
                if text.BoundingBoxAnnotationUnits == "PIXEL":
                    assert not any(
                        left < x2 and x1 < right and top < y2 and y1 < bottom
                        for x1, y1, x2, y2 in boxes
                    ), text.UnformattedTextValue


def test_every_image_says_what_it_is_for_once(real: Reported) -> None:
    for document in states_of(real):
        state = read(document)
        for uid in images_of(state):
            assert texts_of(state, uid).count("RESEARCH USE ONLY") == 1


def test_words_are_those_of_the_disc_and_doubt_is_marked(tmp_path: Path) -> None:
    reported = written(tmp_path, sagittal_datasets())
    findings = reported.findings
    upper, middle, lower = findings.discs
    assert upper.pfirrmann is not None
    discs = (
        replace(upper, pfirrmann=replace(upper.pfirrmann, abstain=True)),
        replace(middle, level_confidence=0.6),
        replace(lower, pfirrmann=None),
    )
    uid = str(reported.study.series[0].slices[2].sop_instance_uid)
    sure = replace(findings, discs=discs)
    grades = [one.pfirrmann.grade.value for one in findings.discs[:2] if one.pfirrmann]

    words = texts_of(only_state(replace(reported, findings=sure)), uid)
    unsure = replace(sure, numbering=Numbering(0.5))
    doubted = texts_of(only_state(replace(reported, findings=unsure)), uid)

    assert words[:3] == [f"L3-L4 P{grades[0]}?", f"L4-L5? P{grades[1]}", "L5-S1"]
    assert doubted[:3] == [f"L3-L4? P{grades[0]}?", f"L4-L5? P{grades[1]}", "L5-S1?"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (LesionFinding(LesionStatus.PRESENT), "HERN"),
        (LesionFinding(LesionStatus.PRESENT, experimental=True), "HERN?"),
        (LesionFinding(LesionStatus.ABSENT), "HERN?"),  # a box alone is no verdict
    ],
)
def test_a_lesion_box_is_named_and_questioned_unless_the_disc_has_it_for_sure(
    verdict: LesionFinding, words: str, tmp_path: Path
) -> None:
    reported = written(tmp_path, sagittal_datasets())
    findings = reported.findings
    lesion = replace(
        findings.detections[0], id="h1", label=Label.HERNIATION, box_xyxy_px=(14.0, 7.0, 18.0, 9.0)
    )
    disc = findings.discs[0]
    discs = (replace(disc, herniation=verdict, detections=(*disc.detections, "h1")),)
    changed = replace(findings, discs=discs, detections=(*findings.detections, lesion))

    state = only_state(replace(reported, findings=changed))

    (own,) = (one for one in state.GraphicAnnotationSequence if one.GraphicLayer == "LESIONS")
    assert boxes_of(own) == [(14.0, 7.0, 18.0, 9.0)]
    assert [one.UnformattedTextValue for one in own.TextObjectSequence] == [words]


def test_boxes_of_no_disc_are_left_out(tmp_path: Path) -> None:
    reported = written(tmp_path, sagittal_datasets())
    fewer = replace(reported.findings, discs=reported.findings.discs[:1])
    none = replace(reported.findings, discs=())

    state = only_state(replace(reported, findings=fewer))

    assert sum(len(boxes_of(one)) for one in state.GraphicAnnotationSequence) == 3
    assert states_of(replace(reported, findings=none)) == []


def test_axial_slices_without_boxes_name_the_disc_they_cut(phantom: Reported) -> None:
    axial = read(states_of(phantom)[1])
    cut = [one for one in phantom.findings.axial_slices if one.level is not None]

    assert images_of(axial) == [one.sop_instance_uid for one in cut]
    for one in cut:
        words = texts_of(axial, str(one.sop_instance_uid))
        assert any(text.startswith(f"{one.level} P") for text in words), words


def test_frames_of_a_multiframe_object_keep_their_numbers_and_rescaling(tmp_path: Path) -> None:
    reported = written(tmp_path, [enhanced_dataset(SAGITTAL)])
    cut = AxialSlice("s1", 4, None, 5, Level.L4_L5)
    cuts = replace(reported, findings=replace(reported.findings, axial_slices=(cut,)))

    state = only_state(cuts)

    (image,) = state.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert list(image.ReferencedFrameNumber) == [2, 3, 4, 5]
    for frame in (2, 3, 4):
        boxes, _note = annotations_on(state, image.ReferencedSOPInstanceUID, frame)
        assert boxes.ReferencedImageSequence[0].ReferencedFrameNumber == frame
        assert len(boxes_of(boxes)) == 3
    assert "L4-L5" in texts_of(state, image.ReferencedSOPInstanceUID, 5)[0]
    assert (state.RescaleSlope, state.RescaleIntercept, state.RescaleType) == (2, -5, "US")
    assert "Error" not in validated(save(states_of(cuts)[0], tmp_path))


def test_grey_values_are_shown_as_the_images_have_them(tmp_path: Path) -> None:
    datasets = sagittal_datasets()
    for index, one in enumerate(datasets):
        one.WindowCenter, one.WindowWidth = 400 + 100 * (index // 3), 800
        one.PhotometricInterpretation = "MONOCHROME1"
    datasets[2].WindowWidth = 0  # not admitted: no window rather than a wrong one

    state = only_state(written(tmp_path, datasets))

    windows = {
        one.ReferencedSOPInstanceUID: (item.WindowCenter, item.WindowWidth)
        for item in state.SoftcopyVOILUTSequence
        for one in item.ReferencedImageSequence
    }
    assert windows == {
        datasets[1].SOPInstanceUID: (400, 800),
        datasets[3].SOPInstanceUID: (500, 800),
    }
    assert state.PresentationLUTShape == "INVERSE"
    (area,) = state.DisplayedAreaSelectionSequence
    assert area.PresentationPixelSpacing == [2.0, 1.0]
    assert area.DisplayedAreaTopLeftHandCorner == [1, 1]
    assert area.DisplayedAreaBottomRightHandCorner == [32, 40]
    assert "Error" not in validated(save(states_of(written(tmp_path, datasets))[0], tmp_path))


def test_images_rescaled_otherwise_get_a_state_of_their_own(tmp_path: Path) -> None:
    datasets = sagittal_datasets()
    datasets[3].RescaleSlope, datasets[3].RescaleIntercept = 2.0, 0.0

    states = [read(one) for one in states_of(written(tmp_path, datasets))]

    assert [images_of(one) for one in states] == [
        [datasets[1].SOPInstanceUID, datasets[2].SOPInstanceUID],
        [datasets[3].SOPInstanceUID],
    ]
    assert len({one.SeriesInstanceUID for one in states}) == 1
    assert [one.InstanceNumber for one in states] == [1, 2]
    assert "RescaleSlope" not in states[0]


def test_dcmp2pgm_applies_the_state_and_lists_every_box(
    phantom: Reported, phantom_folder: Path, tmp_path: Path
) -> None:
    """It shows the image as before; it prints the annotations and draws none of them."""
    series = phantom.study.used(Plane.SAGITTAL)[0]
    slice_ = series.slices[len(series.slices) // 2]
    state, rendered = save(states_of(phantom)[0], tmp_path), tmp_path / "image.pgm"
    own = [
        one.box_xyxy_px
        for one in of_discs(phantom.findings)
        if one.sop_instance_uid == slice_.sop_instance_uid
    ]

    done = subprocess.run(
        [program("dcmp2pgm"), "-v", "-p", state, phantom_folder / slice_.file, rendered],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    corners = r"coordinates: ([\d.]+)\\([\d.]+), [\d.\\]+, ([\d.]+)\\([\d.]+),"
    printed = [tuple(map(float, one)) for one in re.findall(corners, said)]
    assert np.array(sorted(printed)) == pytest.approx(np.array(sorted(own)), abs=0.051)
    assert said.count('"RESEARCH USE ONLY"') == 1
    header = dcmread(phantom_folder / slice_.file)
    low = float(header.WindowCenter) - float(header.WindowWidth) / 2
    expected = np.clip((slice_.read() - low) / float(header.WindowWidth) * 255, 0, 255)
    assert np.asarray(PillowImage.open(rendered), float) == pytest.approx(expected, abs=2)


def test_patient_and_study_are_those_of_the_images(tmp_path: Path) -> None:
    datasets = sagittal_datasets()
    for one in datasets:
        one.SpecificCharacterSet = "GB18030"
        one.PatientName, one.StudyDescription = "Wang^XiaoDong=王^小东", "腰椎间盘"

    state = only_state(written(tmp_path, datasets))

    assert (state.SpecificCharacterSet, state.Modality) == ("ISO_IR 192", "PR")
    assert str(state.PatientName) == "Wang^XiaoDong=王^小东"
    assert state.StudyDescription == "腰椎间盘"
    assert state.StudyInstanceUID == datasets[0].StudyInstanceUID


def test_colour_images_are_left_out_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    datasets = sagittal_datasets()
    reported = written(tmp_path, datasets)
    datasets[2].SamplesPerPixel = 3
    series = reported.study.series[0]
    slices = tuple(
        replace(one, header=partial(deepcopy, datasets[one.index])) for one in series.slices
    )
    study = replace(reported.study, series=(replace(series, slices=slices),))

    state = only_state(replace(reported, study=study))

    assert images_of(state) == [datasets[1].SOPInstanceUID, datasets[3].SOPInstanceUID]
    assert f"{slices[2].file}: no presentation state of a colour image" in caplog.text


def test_a_name_of_one_part_is_carried_over_without_ado(tmp_path: Path) -> None:
    datasets = sagittal_datasets()
    for one in datasets:
        one.PatientName = "Doe"

    assert only_state(written(tmp_path, datasets)).PatientName == "Doe"


def test_the_same_findings_give_the_same_bytes(phantom: Reported) -> None:
    first, second = states_of(phantom), states_of(phantom)
    assert [one.content for one in first] == [one.content for one in second]
    assert len({one.sop_instance_uid for one in first}) == len(first)
    assert {read(one).PresentationCreationDate for one in first} == {"20260102"}


def test_images_without_uids_are_refused_by_name(phantom: Reported) -> None:
    series = tuple(
        replace(one, slices=tuple(replace(slice_, header=None) for slice_ in one.slices))
        for one in phantom.study.series
    )
    with pytest.raises(InputError, match="not a DICOM file"):
        states_of(replace(phantom, study=replace(phantom.study, series=series)))
