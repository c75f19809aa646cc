"""How images are shown under a presentation state: as their own headers have it.

One state says one thing of the rescaling, the polarity and the displayed area of all its images;
windows it can say image by image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom import ModalityLUTTransformation
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DS, DSfloat

from discern.reporting.dicom_objects.marks import MarkedSlice


@dataclass(frozen=True, slots=True)
class Look:
    """What one presentation state says of all its images at once; what differs needs another.

    Attributes:
        series: Id of the series.
        multiframe_uid: SOP Instance UID of a multi-frame object, of which a state has one.
        shape_px: Rows and columns.
        spacing_mm: Between rows and between columns; None where the file does not say.
        rescale: Intercept, slope and type as stated; None where there is none.
        inverse: Whether the lowest value is white (MONOCHROME1).
    """

    series: str
    multiframe_uid: str | None
    shape_px: tuple[int, int]
    spacing_mm: tuple[float, float] | None
    rescale: tuple[str, str, str] | None
    inverse: bool


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """A slice with marks and the header of its file."""

    marked: MarkedSlice
    header: Dataset


def look_of(marked: MarkedSlice, header: Dataset) -> Look:
    """Return how one slice is to be shown, from its own frame or its file."""
    slice_ = marked.slice_
    values = _macro(header, slice_.frame_number, "PixelValueTransformationSequence")
    slope, intercept = values.get("RescaleSlope"), values.get("RescaleIntercept")
    known = slope not in {None, ""} and intercept not in {None, ""}
    stated = str(intercept), str(slope), str(values.get("RescaleType") or "US")
    return Look(
        series=marked.series.id,
        multiframe_uid=None if slice_.frame_number is None else slice_.sop_instance_uid,
        shape_px=slice_.shape_px,
        spacing_mm=slice_.spacing_mm,
        rescale=stated if known else None,
        inverse=header.get("PhotometricInterpretation") == "MONOCHROME1",
    )


def _macro(header: Dataset, frame_number: int | None, keyword: str) -> Dataset:
    """Return where a frame keeps what is in that macro: its own group, the shared, the root."""
    if frame_number is not None:
        own = header.get("PerFrameFunctionalGroupsSequence") or ()
        groups = [*own[frame_number - 1 : frame_number]]
        groups += header.get("SharedFunctionalGroupsSequence") or ()
        for group in groups:
            if group.get(keyword):
                macro: Dataset = group[keyword].value[0]
                return macro
    return header


def rescaling(rescale: tuple[str, str, str]) -> ModalityLUTTransformation:
    """Return intercept, slope and type as the Modality LUT Module says them (PS3.3 C.11.1)."""
    intercept, slope, kind = rescale
    return ModalityLUTTransformation(float(intercept), float(slope), kind)


def references(images: Sequence[MarkedImage]) -> list[Dataset]:
    """Return one reference per object, with the frames of a multi-frame object."""
    items: dict[str, Dataset] = {}
    frames: dict[str, list[int]] = {}
    for one in images:
        uid = str(one.header.SOPInstanceUID)
        item = items.setdefault(uid, Dataset())
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.header.SOPClassUID, uid
        if one.marked.slice_.frame_number is not None:
            frames.setdefault(uid, []).append(one.marked.slice_.frame_number)
            item.ReferencedFrameNumber = frames[uid]
    return list(items.values())


def add_windows(state: Dataset, images: Sequence[MarkedImage]) -> None:
    """Carry over windows and VOI lookup tables; images with none are shown as they were."""
    windows: dict[str, tuple[Dataset, list[MarkedImage]]] = {}
    for one in images:
        window = _window(_macro(one.header, one.marked.slice_.frame_number, "FrameVOILUTSequence"))
        windows.setdefault(window.to_json(), (window, []))[1].append(one)
    items = []
    for window, own in windows.values():
        if len(window) == 0:
            continue
        if len(windows) > 1:
            window.ReferencedImageSequence = references(own)
        items.append(window)
    if items:
        state.SoftcopyVOILUTSequence = items


def _window(source: Dataset) -> Dataset:
    """Return what PS3.3 C.11.2 says of one image; nothing where it is not usable."""
    window = Dataset()
    centers, widths = _values(source.get("WindowCenter")), _values(source.get("WindowWidth"))
    if centers and len(centers) == len(widths) and min(widths) >= 1:
        window.WindowCenter, window.WindowWidth = centers, widths
        if source.get("VOILUTFunction"):
            window.VOILUTFunction = source.VOILUTFunction
    if source.get("VOILUTSequence"):
        window.VOILUTSequence = source.VOILUTSequence
    return window


def _values(stated: DSfloat | MultiValue[DSfloat] | str | None) -> list[DSfloat]:
    """Return the numbers of an element; none where it is absent, empty or not a number."""
    values = list(stated) if isinstance(stated, MultiValue) else [stated]
    return [one for one in values if isinstance(one, DSfloat)]


def set_displayed_area(state: Dataset, look: Look) -> None:
    """Show the whole image, whose pixels need not be square (PS3.3 C.10.4)."""
    area = state.DisplayedAreaSelectionSequence[0]
    del area.PixelOriginInterpretation
    if look.spacing_mm is not None:
        del area.PresentationPixelAspectRatio
        area.PresentationPixelSpacing = [DS(one, auto_format=True) for one in look.spacing_mm]
