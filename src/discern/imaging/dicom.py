"""DICOM headers, classic and enhanced multi-frame, as frames. Pixels are left where they are.

Tags are read with suspicion: public data sets strip them, and damaged files hold anything.
Sections are those of DICOM PS3.3 (C.8.3 MR, C.8.13 enhanced MR, C.7.6.16 functional groups).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydicom.dataset import Dataset

from discern.errors import UnreadableFile
from discern.imaging.datasets import (
    Header,
    can_decode,
    number,
    numbers,
    pydicom_damage,
    read_header,
    text,
    texts,
)
from discern.imaging.decoding import FramePixels
from discern.imaging.files import InputFile, plain_text
from discern.imaging.frames import PHANTOM_MANUFACTURER, Frame, Identity
from discern.imaging.geometry import orthonormal
from discern.imaging.weighting import Contrast, words_of

MAX_FRAMES = 20_000
MAX_PIXELS = 64 * 2**20
"""Largest slice that is decoded: 8192 x 8192, sixteen times the largest usual MR matrix."""

_SOP_CLASS_MODALITIES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "MR",
}
_IMAGE_CLASSES = set(_SOP_CLASS_MODALITIES)
_DESCRIPTIONS = ("SeriesDescription", "ProtocolName")
_LOCALIZER_WORDS = {"loc", "locs", "scout", "survey", "scanogram", "localizer", "localiser"}
_UNSTATED_MODALITIES = {"", "OT"}


def frames_of(file: InputFile) -> tuple[Frame, ...]:
    """Return the image planes of one DICOM file; none for an object without image.

    Raises:
        UnreadableFile: Damaged, truncated, or larger than Discern decodes.
    """
    header = read_header(file)
    with pydicom_damage(file.name):
        stated_class = text(header.dataset, "SOPClassUID")
        if not header.has_pixels and stated_class and stated_class not in _IMAGE_CLASSES:
            return ()
        _check_readable(file, header)
        shape_px = _shape(file, header.dataset)
        return tuple(_frames(file, header, shape_px))


def _check_readable(file: InputFile, header: Header) -> None:
    if header.truncated or not header.has_pixels:
        raise UnreadableFile(f"{file.name}: truncated, its pixel data are incomplete")
    if not can_decode(header.transfer_syntax):
        name = plain_text(header.transfer_syntax.name)
        raise UnreadableFile(f"{file.name}: transfer syntax {name} is not supported")


def _shape(file: InputFile, dataset: Dataset) -> tuple[int, int]:
    rows, columns = (int(number(dataset, name) or 0) for name in ("Rows", "Columns"))
    if rows < 1 or columns < 1:
        raise UnreadableFile(f"{file.name}: no rows or columns stated; the header is damaged")
    if rows * columns > MAX_PIXELS:
        raise UnreadableFile(f"{file.name}: {rows} x {columns} pixels, more than any MR image")
    return rows, columns


def _identity(dataset: Dataset) -> Identity:
    stated = plain_text(text(dataset, "Modality").upper())
    by_class = _SOP_CLASS_MODALITIES.get(text(dataset, "SOPClassUID"))
    return Identity(
        study_uid=plain_text(text(dataset, "StudyInstanceUID")) or None,
        series_uid=plain_text(text(dataset, "SeriesInstanceUID")) or None,
        sop_uid=plain_text(text(dataset, "SOPInstanceUID")) or None,
        patient_id=text(dataset, "PatientID"),
        patient_name=" ".join(words_of(text(dataset, "PatientName"))),
        study_date=plain_text(text(dataset, "StudyDate")) or None,
        modality=by_class if stated in _UNSTATED_MODALITIES else stated,
        description=plain_text(text(dataset, "SeriesDescription")),
        series_number=_whole(dataset, "SeriesNumber"),
        instance_number=_whole(dataset, "InstanceNumber"),
        synthetic=text(dataset, "Manufacturer") == PHANTOM_MANUFACTURER,
        body_part=plain_text(text(dataset, "BodyPartExamined")),
    )


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value = number(dataset, keyword)
    return None if value is None else int(value)


class _Groups:
    """Attributes of one frame: its own functional groups, then the shared ones, then the root."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._datasets = datasets

    def number(self, keyword: str) -> float | None:
        return next((x for one in self._datasets if (x := number(one, keyword)) is not None), None)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        return next((x for one in self._datasets if (x := numbers(one, keyword, count))), None)

    def texts(self, keyword: str) -> tuple[str, ...]:
        return next((x for one in self._datasets if (x := texts(one, keyword))), ())

    def text(self, keyword: str) -> str:
        return next(iter(self.texts(keyword)), "")


def _frames(file: InputFile, header: Header, shape_px: tuple[int, int]) -> Iterator[Frame]:
    dataset = header.dataset
    count = int(number(dataset, "NumberOfFrames") or 1)
    own = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if not 1 <= count <= MAX_FRAMES or (own and len(own) != count):
        raise UnreadableFile(f"{file.name}: {count} frames stated, {len(own)} described")
    shared = _items(dataset, "SharedFunctionalGroupsSequence")
    common = [*_macros(shared[0] if shared else None), dataset]
    identity = _identity(dataset)
    multiframe = bool(own) or count > 1
    placed = bool(own) or count == 1  # several frames cannot share the place of the root
    for index in range(count):
        groups = _Groups([*_macros(own[index] if own else None), *common])
        rescale = (groups.number("RescaleSlope") or 1.0, groups.number("RescaleIntercept") or 0.0)
        read = FramePixels(file, index, shape_px, header.transfer_syntax, rescale)
        frame = _frame(identity, read, groups, index + 1 if multiframe else None)
        yield frame if placed else replace(frame, position_lps_mm=None)


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    value: Any = dataset.get(keyword)
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _macros(group: Dataset | None) -> list[Dataset]:
    """Return the macros of one functional group: first items of its sequences."""
    if group is None:
        return []
    return [element.value[0] for element in group if element.VR == "SQ" and element.value]


def _frame(
    identity: Identity, read: FramePixels, groups: _Groups, frame_number: int | None
) -> Frame:
    directions = groups.numbers("ImageOrientationPatient", 6)
    position = groups.numbers("ImagePositionPatient", 3)
    return Frame(
        file=read.file.name,
        read=read,
        header=partial(_header, read.file),
        identity=identity,
        number=frame_number,
        shape_px=read.shape_px,
        orientation=None if directions is None else orthonormal(directions),
        position_lps_mm=None if position is None else (position[0], position[1], position[2]),
        spacing_mm=_spacing(groups, read.shape_px),
        contrast=_contrast(groups),
        localizer=_is_localizer(groups),
    )


def _header(file: InputFile) -> Dataset:
    return read_header(file).dataset


def _spacing(groups: _Groups, shape_px: tuple[int, int]) -> tuple[float, float] | None:
    """Return the distances between rows and columns; else what the field of view says of them."""
    stated = groups.numbers("PixelSpacing", 2)
    if stated is not None and min(stated) > 0:
        return stated[0], stated[1]
    field_mm = groups.number("ReconstructionDiameter")
    if field_mm is None or field_mm <= 0:
        return None
    return (field_mm / max(shape_px),) * 2


def _is_localizer(groups: _Groups) -> bool:
    described = words_of(*(groups.text(keyword) for keyword in _DESCRIPTIONS[:1]))
    stated = {one.upper() for one in groups.texts("ImageType")}
    return "LOCALIZER" in stated or bool(_LOCALIZER_WORDS & set(described))


def _contrast(groups: _Groups) -> Contrast:
    def positive(*keywords: str) -> float | None:
        found = (groups.number(keyword) for keyword in keywords)
        return next((value for value in found if value is not None and value > 0), None)

    names = (groups.text(keyword) for keyword in (*_DESCRIPTIONS, "SequenceName"))
    return Contrast(
        echo_time_ms=positive("EffectiveEchoTime", "EchoTime"),
        repetition_time_ms=positive("RepetitionTime"),
        inversion_time_ms=positive("InversionTimes", "InversionTime"),
        sequences=_sequences(groups),
        options=_options(groups),
        stated=groups.text("AcquisitionContrast").upper(),
        image_type=tuple(
            one.upper() for one in groups.texts("FrameType") or groups.texts("ImageType")
        ),
        words=words_of(*names),
        three_dimensional=groups.text("MRAcquisitionType").upper() == "3D",
    )


def _sequences(groups: _Groups) -> frozenset[str]:
    """Return ScanningSequence, or its enhanced counterparts in the same two letters."""
    found = {one.upper() for one in groups.texts("ScanningSequence")}
    pulse = groups.text("EchoPulseSequence").upper()
    found |= {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}.get(pulse, set())
    if groups.text("InversionRecovery").upper() == "YES":
        found.add("IR")
    return frozenset(found)


def _options(groups: _Groups) -> frozenset[str]:
    found = {one.upper() for one in groups.texts("ScanOptions")}
    if groups.text("SpectrallySelectedSuppression").upper() in {"FAT", "FAT_AND_WATER"}:
        found.add("FS")
    return frozenset(found)
