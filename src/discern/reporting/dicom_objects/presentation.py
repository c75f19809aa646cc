"""Presentation states: the boxes of named discs and their words, laid over the source images.

Grayscale Softcopy Presentation State (PS3.3 A.33.1). Graphics are in PIXEL units: the top left
corner of the top left pixel is (0, 0), its bottom right corner (1, 1), the bottom right corner of
the image (Columns, Rows) - PS3.3 C.10.5, figure C.10.5-1 - which is how the findings hold their
boxes. (The displayed area of C.10.4 counts whole pixels from 1.) Grey values are left as the
images have them: their rescaling, windows and polarity are carried over.
"""

import logging
from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from highdicom import PresentationLUTTransformation, pr
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset

from discern import __version__
from discern.reporting.dicom_objects.finishing import UTF_8, finished
from discern.reporting.dicom_objects.marks import (
    RESEARCH_USE_ONLY,
    Box,
    Mark,
    MarkedSlice,
    marked_slices,
    place_words,
)
from discern.reporting.dicom_objects.softcopy import (
    Look,
    MarkedImage,
    add_windows,
    look_of,
    references,
    rescaling,
    set_displayed_area,
)
from discern.reporting.dicom_objects.source import header_of
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.stamp import Stamp
from discern.spine import Plane

_log = logging.getLogger(__name__)
_SERIES_NUMBER = 9102
_TEXT_HEIGHT, _TEXT_WIDTH = 0.032, 0.62  # of the longer edge of the image; of the height, a letter
# Of the displayed area: above in axial slices, whose fat behind is bright, else below the sacrum.
_AXIAL_NOTE_BOX, _CUT_BOX = (0.02, 0.05, 0.98, 0.09), (0.02, 0.10, 0.98, 0.14)
_NOTE_BOX = (0.02, 0.91, 0.98, 0.95)
_REFERRED = (
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
    *("Rows", "Columns"),
)
_BLANK = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime"),
)
_DISCS = pr.GraphicLayer("DISCS", 1, "Discs: level and Pfirrmann grade", CIELabColor(79, -22, -23))
_LESIONS = pr.GraphicLayer("LESIONS", 2, "Herniation and HIZ", CIELabColor(73, 46, 7))
_NOTE = pr.GraphicLayer("NOTE", 3, "What the annotations may be used for", CIELabColor(88, 4, 50))


def write_presentation_states(reported: Reported, stamp: Stamp) -> list[Document]:
    """Return one presentation state per series that shows discs; none where no disc was found.

    A multi-frame object, and images of one series that differ in size, spacing or rescaling, get
    states of their own. Colour images, which a grayscale state cannot refer to, are left out.

    Raises:
        InputError: A source image lacks a UID.
    """
    groups: dict[Look, list[MarkedImage]] = {}
    headers: dict[str | None, Dataset] = {}
    for marked in marked_slices(reported):
        uid = marked.slice_.sop_instance_uid
        if uid not in headers:
            headers[uid] = header_of(marked.slice_)
        header = headers[uid]
        if header.get("SamplesPerPixel", 1) == 1:
            groups.setdefault(look_of(marked, header), []).append(MarkedImage(marked, header))
        else:
            _log.warning("%s: no presentation state of a colour image", marked.slice_.file)
    return [
        finished(
            _state(look, images, number, reported, stamp),
            DocumentKind.GSPS,
            f"presentation-state-{number:03d}.dcm",
            stamp,
        )
        for number, (look, images) in enumerate(groups.items(), start=1)
    ]


def _state(
    look: Look, images: Sequence[MarkedImage], number: int, reported: Reported, stamp: Stamp
) -> Dataset:
    headers = {str(one.header.SOPInstanceUID): one.header for one in images}
    state = pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[_stand_in(one) for one in headers.values()],
        series_instance_uid=stamp.uid(DocumentKind.GSPS, "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid(DocumentKind.GSPS, f"instance {number}"),
        instance_number=number,
        manufacturer="Discern",
        manufacturer_model_name="Discern",
        software_versions=__version__,
        device_serial_number=reported.findings.model.sha256,
        content_label="DISCERN DISCS",
        content_description="Discs by level and grade: research use only",
        content_creator_name="Discern^",
        graphic_layers=deepcopy([_DISCS, _LESIONS, _NOTE]),
        graphic_annotations=[*_annotations(images), _note(images)],
        modality_lut_transformation=None if look.rescale is None else rescaling(look.rescale),
        presentation_lut_transformation=PresentationLUTTransformation(
            presentation_lut_shape="INVERSE" if look.inverse else "IDENTITY"
        ),
        series_description="Discern presentation states (research use only)",
        specific_character_set=UTF_8,
    )
    state.copy_patient_and_study_information(images[0].header)
    state.ReferencedSeriesSequence[0].ReferencedImageSequence = references(images)
    add_windows(state, images)
    set_displayed_area(state, look)
    state.BodyPartExamined = "LSPINE"
    state.PresentationCreationDate = stamp.content_time.strftime("%Y%m%d")
    state.PresentationCreationTime = stamp.content_time.strftime("%H%M%S")
    return state


def _annotations(images: Sequence[MarkedImage]) -> list[pr.GraphicAnnotation]:
    return [
        annotation
        for one in images
        for layer, lesion in ((_DISCS, False), (_LESIONS, True))
        if (annotation := _annotation(one, layer, lesion=lesion)) is not None
    ]


def _annotation(
    image: MarkedImage, layer: pr.GraphicLayer, *, lesion: bool
) -> pr.GraphicAnnotation | None:
    """Return the boxes and words of one layer on one image; None where there are none."""
    marks = image.marked.marks
    placed = zip(marks, _word_boxes(image.marked), strict=True)
    own = [(mark, place) for mark, place in placed if mark.lesion is lesion]
    texts = [_text(mark, place) for mark, place in own]
    if image.marked.cuts and not lesion:
        texts.append(_centered(image.marked.cuts, _CUT_BOX))
    if not texts:
        return None
    return _on([image], layer, [_outline(mark.box_xyxy_px) for mark, _ in own], texts)


def _note(images: Sequence[MarkedImage]) -> pr.GraphicAnnotation:
    axial = images[0].marked.series.plane is Plane.AXIAL
    place = _AXIAL_NOTE_BOX if axial else _NOTE_BOX
    return _on(images, _NOTE, [], [_centered(RESEARCH_USE_ONLY, place)])


def _on(
    images: Sequence[MarkedImage],
    layer: pr.GraphicLayer,
    outlines: list[pr.GraphicObject],
    texts: list[pr.TextObject],
) -> pr.GraphicAnnotation:
    annotation = pr.GraphicAnnotation(
        referenced_images=[_stand_in(images[0].header)],
        graphic_layer=layer,
        graphic_objects=outlines,
        text_objects=texts,
    )
    annotation["ReferencedImageSequence"].value = references(images)
    return annotation


def _outline(box_xyxy_px: Box) -> pr.GraphicObject:
    x1, y1, x2, y2 = box_xyxy_px
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]])
    return pr.GraphicObject("POLYLINE", corners, "PIXEL")


def _word_boxes(marked: MarkedSlice) -> list[Box]:
    """Return room for the words of each mark, in pixels: a viewer chooses the font."""
    if not marked.marks:
        return []
    rows, columns = marked.slice_.shape_px
    height = max(rows, columns) * _TEXT_HEIGHT
    sizes = [(len(one.words) * _TEXT_WIDTH * height, height) for one in marked.marks]
    return place_words(
        np.array([one.box_xyxy_px for one in marked.marks]),
        np.array(sizes),
        lesions=tuple(one.lesion for one in marked.marks),
        within=(columns, rows),
    )


def _text(mark: Mark, place: Box) -> pr.TextObject:
    left, right = place[2] <= mark.box_xyxy_px[0], place[0] >= mark.box_xyxy_px[2]
    justification = "RIGHT" if left else "LEFT" if right else "CENTER"
    return pr.TextObject(mark.words, "PIXEL", bounding_box=place, text_justification=justification)


def _centered(words: str, place: Box) -> pr.TextObject:
    return pr.TextObject(words, "DISPLAY", bounding_box=place, text_justification="CENTER")


def _stand_in(header: Dataset) -> Dataset:
    """Return of an image only what highdicom must know to refer to it.

    What a state says of patient, study and grey values is set here, not guessed by it: it refuses
    headers that are odd there.
    """
    image = Dataset()
    for keyword in _REFERRED:
        setattr(image, keyword, header.get(keyword))
    for keyword in _BLANK:
        setattr(image, keyword, "")
    image.SamplesPerPixel = 1
    image.SharedFunctionalGroupsSequence = [Dataset()]
    image.PerFrameFunctionalGroupsSequence = []
    return image
