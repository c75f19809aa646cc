"""Secondary captures: slices with boxes and names burned in, for viewers without SR and GSPS.

One single-frame RGB image per slice (PS3.3 A.8.1), uncompressed, one series per source series:
what every viewer opens.

No identity and no date is burned in - no text of the source at all - so Burned In Annotation is
NO: it asks for "sufficient burned in annotation to identify the patient and date the image was
acquired" (PS3.3 C.7.6.1). The picture is resampled and has a band of text, so it has no place in
the patient: it carries the directions of its edges and the size of its pixels, and refers to the
slice it was made from.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from highdicom.sc import SCImage
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from discern import __version__
from discern.errors import UnreadableFile
from discern.imaging.geometry import edge_letters
from discern.imaging.study import Image, Series, Slice
from discern.reporting import codes
from discern.reporting.dicom_objects.burned_in import Picture, burn_in
from discern.reporting.dicom_objects.concepts import concept
from discern.reporting.dicom_objects.finishing import UTF_8, finished
from discern.reporting.dicom_objects.marks import MarkedSlice, marked_slices
from discern.reporting.dicom_objects.source import header_of
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.pictures import Scale, common_scale, evenly_chosen, shrunk
from discern.reporting.stack import MAX_SLICES
from discern.reporting.stamp import Stamp

_log = logging.getLogger(__name__)
_FIRST_SERIES_NUMBER = 9110
_SOURCE_IMAGE = codes.Code("121322", codes.DCM, "Source image for image processing operation")
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a capture stands: number of its series, number in it, number among all captures."""

    series: int
    instance: int
    of_all: int


def write_secondary_captures(reported: Reported, stamp: Stamp) -> list[Document]:
    """Return one image per slice that shows a disc; none where no disc was found.

    A slice whose pixels cannot be decoded is left out.

    Raises:
        InputError: A source image lacks a UID.
    """
    synthetic = any(one.code == "synthetic" for one in reported.findings.warnings)
    documents: list[Document] = []
    by_series = groupby(marked_slices(reported), key=lambda one: one.series.id)
    for number, (_, slices) in enumerate(by_series, start=_FIRST_SERIES_NUMBER):
        pictures = _pictures(list(slices), synthetic=synthetic)
        for instance, (marked, picture) in enumerate(pictures, start=1):
            place = _Place(number, instance, len(documents) + 1)
            name = f"secondary-capture-{place.of_all:03d}.dcm"
            capture = _capture(marked, picture, place, stamp)
            documents.append(finished(capture, DocumentKind.SC, name, stamp))
    return documents


def _pictures(
    slices: Sequence[MarkedSlice], *, synthetic: bool
) -> Iterator[tuple[MarkedSlice, Picture]]:
    """Draw slices of one series, all on its one scale."""
    scale = _scale(slices[0].series)
    for marked in slices:
        image = _decoded(marked.slice_)
        if scale is None or image is None:
            _log.warning("%s: not decodable, no secondary capture", marked.slice_.file)
        else:
            yield marked, burn_in(marked, image, scale, synthetic=synthetic)


def _scale(series: Series) -> Scale | None:
    """Return the scale and window that the report page opens a series with."""
    chosen = evenly_chosen(len(series.slices), MAX_SLICES[series.plane])
    decoded = (_decoded(series.slices[index]) for index in chosen)
    images = [shrunk(one) for one in decoded if one is not None]
    return common_scale(images) if images else None


def _decoded(slice_: Slice) -> Image | None:
    try:
        return slice_.read()
    except UnreadableFile:
        return None


def _capture(marked: MarkedSlice, picture: Picture, place: _Place, stamp: Stamp) -> Dataset:
    header = header_of(marked.slice_)
    spacing = None if picture.spacing_mm is None else (picture.spacing_mm, picture.spacing_mm)
    capture = SCImage(
        pixel_array=picture.pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=stamp.uid(DocumentKind.SC, f"series {marked.series.id}"),
        series_number=place.series,
        sop_instance_uid=stamp.uid(DocumentKind.SC, f"instance {place.of_all}"),
        instance_number=place.instance,
        manufacturer="Discern",
        manufacturer_model_name="Discern",
        software_versions=__version__,
        patient_orientation=("L", "P"),
        pixel_spacing=spacing,
        series_description=_series_description(marked.series, header),
        specific_character_set=UTF_8,
    )
    capture.copy_patient_and_study_information(header)
    capture.PatientOrientation = _orientation(marked.slice_)
    capture.BodyPartExamined = "LSPINE"
    _describe(capture, marked, header)
    capture.DateOfSecondaryCapture = DA(stamp.content_time.date())
    capture.TimeOfSecondaryCapture = TM(stamp.content_time.strftime("%H%M%S"))
    return capture


def _series_description(series: Series, header: Dataset) -> str:
    number = header.get("SeriesNumber")
    of = f" of series {number}" if number is not None else ""
    return f"Discern, {series.plane} discs{of} (research use only)"


def _orientation(slice_: Slice) -> list[str]:
    """Return the patient directions of rows and columns (PS3.3 C.7.6.1.1.1); empty if unknown."""
    if slice_.geometry is None:
        return []
    letters = edge_letters(slice_.geometry)
    return [letters.right, letters.bottom]


def _describe(capture: Dataset, marked: MarkedSlice, header: Dataset) -> None:
    """Say what was done to which image (PS3.3 C.7.6.1, C.8.6.1), and that nobody is recognized."""
    capture.ConversionType = "WSD"
    capture.BurnedInAnnotation = "NO"
    capture.RecognizableVisualFeatures = "NO"
    capture.DerivationDescription = (
        "Windowed, resampled, annotated with disc levels, grades and lesions; "
        "research use only, not a medical device"
    )
    source = Dataset()
    source.ReferencedSOPClassUID = header.SOPClassUID
    source.ReferencedSOPInstanceUID = header.SOPInstanceUID
    if marked.slice_.frame_number is not None:
        source.ReferencedFrameNumber = marked.slice_.frame_number
    source.PurposeOfReferenceCodeSequence = [concept(_SOURCE_IMAGE)]
    capture.SourceImageSequence = [source]
    if header.get("LossyImageCompression") == "01":
        for keyword in _LOSSY:
            if keyword in header:
                setattr(capture, keyword, header[keyword].value)
