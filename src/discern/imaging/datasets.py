"""The one place where pydicom reads headers: bounded, quiet, and damage turned into one error."""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from discern.errors import UnreadableFile
from discern.imaging.files import InputFile

MAX_INFLATED_BYTES = 1 << 28
_PIXEL_GROUP, _UNDEFINED_LENGTH = 0x7FE0, 0xFFFFFFFF
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_GROUP_LENGTH = b"\x02\x00\x00\x00"  # (0002,0000), first element of a Part 10 file
_VALUE_ERRORS = (AttributeError, KeyError, LookupError, OverflowError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Header:
    """A data set without its pixels, and what is known of them.

    Attributes:
        transfer_syntax: Stated, or recognised from the encoding where not stated or deflated.
        has_pixels: Whether pixel data follow.
        truncated: Whether the file ends before they do.
    """

    dataset: Dataset
    transfer_syntax: UID
    has_pixels: bool
    truncated: bool


@contextmanager
def pydicom_damage(name: str) -> Iterator[None]:
    """Silence pydicom's warnings and turn whatever damage makes it raise into one error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableFile:
        raise
    except Exception as error:  # damage makes pydicom and the codecs raise nearly any type
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(f"{name}: cannot be decoded ({reason})") from error


def read_header(file: InputFile) -> Header:
    """Return the header of a DICOM file, with or without preamble.

    Raises:
        UnreadableFile: The file is damaged.
    """
    with pydicom_damage(file.name), file.open() as raw:
        stream = plain_stream(raw)
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        syntax = _transfer_syntax(dataset)
        if not can_decode(syntax):
            return Header(dataset, syntax, has_pixels=_holds_image(dataset), truncated=False)
        length = _pixel_length(stream, syntax)
        truncated = length is not None and _is_truncated(stream, dataset, syntax, length)
        return Header(dataset, syntax, length is not None, truncated)


def _holds_image(dataset: Dataset) -> bool:
    return "Rows" in dataset and "Columns" in dataset


def plain_stream(stream: BinaryIO) -> BinaryIO:
    """Return ``stream``, or the data set inflated in memory where it is deflated (PS3.5 A.5).

    Raises:
        UnreadableFile: It inflates beyond ``MAX_INFLATED_BYTES``.
    """
    head = stream.read(2048)
    stream.seek(0)
    if DeflatedExplicitVRLittleEndian.encode() not in head or head[132:136] != _GROUP_LENGTH:
        return stream
    stream.seek(144 + int.from_bytes(head[140:144], "little"))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(stream.read(), MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise UnreadableFile(f"inflates beyond {MAX_INFLATED_BYTES >> 20} MiB")
    return io.BytesIO(plain)


def can_decode(syntax: UID) -> bool:
    """Whether an installed codec reads this transfer syntax."""
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _transfer_syntax(dataset: Dataset) -> UID:
    stated = getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID")
    if stated:
        return UID(stated)
    is_implicit, is_little = dataset.original_encoding
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian


def _pixel_length(stream: BinaryIO, syntax: UID) -> int | None:
    """Return the stated length of the pixel element that ``stream`` stands at, None without."""
    order = "<" if syntax.is_little_endian else ">"
    header = struct.Struct(order + ("HHL" if syntax.is_implicit_VR else "HH4xL"))
    packed = stream.read(header.size)
    if len(packed) < header.size:
        return None
    group, _, length = header.unpack(packed)
    return int(length) if group == _PIXEL_GROUP else None


def _is_truncated(stream: BinaryIO, dataset: Dataset, syntax: UID, length: int) -> bool:
    if syntax.is_encapsulated:
        return not _items_are_whole(stream)
    rows, columns, bits = (
        number(dataset, keyword) or 0 for keyword in ("Rows", "Columns", "BitsAllocated")
    )
    samples = number(dataset, "SamplesPerPixel") or 1
    frames = number(dataset, "NumberOfFrames") or 1
    expected = rows * columns * samples * frames * bits / 8
    start = stream.tell()
    return stream.seek(0, io.SEEK_END) - start < max(expected, 0) or length < expected


def _items_are_whole(stream: BinaryIO) -> bool:
    """Walk the encapsulated items (PS3.5 A.4) to their end without reading them."""
    here = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    while here + 8 <= size:
        stream.seek(here)
        group, element, length = struct.unpack("<HHL", stream.read(8))
        if (group, element) == _SEQUENCE_END:
            return True
        if (group, element) != _ITEM:
            return False
        here += 8 + length
    return here == size  # some writers leave the closing delimiter out


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first finite value of a numeric element, None where absent or damaged."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def numbers(dataset: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """Return the values of a numeric element, None where absent, not finite or not ``count``."""
    try:
        values = tuple(float(one) for one in _values(dataset, keyword))
    except _VALUE_ERRORS:
        return None
    usable = all(map(math.isfinite, values)) and values and count in (None, len(values))
    return values if usable else None


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of a text element, empty where absent or damaged."""
    try:
        return tuple(str(one).strip() for one in _values(dataset, keyword))
    except _VALUE_ERRORS:
        return ()


def text(dataset: Dataset, keyword: str) -> str:
    """Return the first value of a text element, empty where absent or damaged."""
    return next(iter(texts(dataset, keyword)), "")


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:  # four times faster than asking by keyword
        return []
    value = dataset[tag].value
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, MultiValue | list | tuple) else [value]


def directory_references(file: InputFile) -> list[str]:
    """Return the file names a DICOMDIR refers to, forward slashes, relative to its folder.

    Raises:
        UnreadableFile: The DICOMDIR is damaged.
    """
    with pydicom_damage(file.name), file.open() as stream:
        dataset = pydicom.dcmread(stream, force=True)
        records = dataset.get("DirectoryRecordSequence") or []
        paths = ("/".join(texts(record, "ReferencedFileID")) for record in records)
        return [path.replace("\\", "/") for path in paths if path]
