"""JPEG frames: what their header promises, and a decoder for the 12-bit extended process.

The installed codecs read 8-bit lossy and lossless JPEG; none reads 12-bit lossy JPEG (one even
aborts on it), which MR archives of the 1990s and 2000s hold. Sections are those of ITU-T T.81.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BASELINE, EXTENDED, LOSSLESS = 0xC0, 0xC1, 0xC3  # frame headers (B.1.1.3)
LOSSLESS_LS = 0xF7  # of JPEG-LS (T.87)
_CODESTREAM = b"\xff\x4f\xff\x51"  # how JPEG 2000 starts (T.800, A.5.1)
_END, _HUFFMAN, _QUANTIZATION, _SCAN, _RESTART = 0xD9, 0xC4, 0xDB, 0xDA, 0xDD
_FRAMES = {LOSSLESS_LS, *range(0xC0, 0xD0)} - {_HUFFMAN, 0xC8, 0xCC}
_KNOWN = _FRAMES | {_HUFFMAN, _QUANTIZATION, _SCAN, _RESTART, 0xF8, 0xFE, *range(0xE0, 0xF0)}
_SIZED = struct.Struct(">H")  # the length that a segment starts with, itself included
_LEAD = 0xFF  # every marker starts with it
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_PRECISIONS = (2, 16)
_LOSSY_PRECISIONS = (8, 12)
MAX_PIXELS = 64 * 2**20
_LOOKAHEAD_BITS = 16  # the longest Huffman code
_ZIGZAG = sorted(  # row and column of the k-th coefficient (figure 5)
    ((row, column) for row in range(8) for column in range(8)),
    key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]),
)


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Kind, sample precision in bits, and size of a JPEG frame (B.2.2)."""

    marker: int
    precision: int
    rows: int
    columns: int
    components: int


@dataclass(slots=True)
class _Stream:
    """The tables of a JPEG stream, and its entropy-coded segment."""

    frame: FrameHeader | None = None
    quantization: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    huffman: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    restart_blocks: int = 0
    tables: tuple[int, int] = (0, 0)
    quantization_id: int = 0
    coded: bytes = b""


def frame_header(content: bytes) -> FrameHeader:
    """Return the frame header of a JPEG stream whose segments up to the scan are sound.

    Raises:
        ValueError: No or several frame headers, no scan, an unknown marker, or an odd depth.
    """
    segments = [(marker, segment) for marker, segment, _ in _segments(content)]
    frames = [(marker, segment) for marker, segment in segments if marker in _FRAMES]
    if len(frames) != 1 or not segments or segments[-1][0] != _SCAN:
        raise ValueError("a JPEG stream needs one frame header and a scan")
    ((marker, segment),) = frames
    precision, rows, columns, components = struct.unpack(">BHHB", segment[:6])
    if not _PRECISIONS[0] <= precision <= _PRECISIONS[1] or components not in (1, 3):
        raise ValueError(f"{components} JPEG components of {precision} bits")
    return FrameHeader(marker, precision, rows, columns, components)


def codestream_size(content: bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG 2000 codestream, bare or in a JP2 box.

    Raises:
        ValueError: There is none.
    """
    at = content.find(_CODESTREAM)
    if at < 0 or len(content) < at + 24:
        raise ValueError("no JPEG 2000 codestream")
    right, bottom, left, top = struct.unpack(">LLLL", content[at + 8 : at + 24])
    return bottom - top, right - left


def decode_extended(content: bytes) -> NDArray[np.uint16]:
    """Return the (rows, columns) samples of a sequential Huffman JPEG of one component.

    Raises:
        ValueError: Another kind of JPEG, or a damaged one.
    """
    try:
        stream = _parsed(content)
        frame = _checked_frame(stream)
        down, across = -(-frame.rows // 8), -(-frame.columns // 8)
        coefficients = _coefficients(stream, down * across)  # (blocks, 64)
        steps = stream.quantization[stream.quantization_id]
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError("the JPEG stream is damaged") from error
    blocks = np.zeros((down * across, 8, 8))
    rows, columns = np.array(_ZIGZAG).T
    blocks[:, rows, columns] = coefficients * steps
    cosines = _cosines()
    samples = cosines.T @ blocks @ cosines + 2 ** (frame.precision - 1)  # A.3.3 and A.3.1
    image = samples.reshape(down, across, 8, 8).swapaxes(1, 2).reshape(down * 8, across * 8)
    levels = np.clip(np.rint(image), 0, 2**frame.precision - 1)[: frame.rows, : frame.columns]
    return np.asarray(levels, np.uint16)


def _checked_frame(stream: _Stream) -> FrameHeader:
    frame = stream.frame
    if frame is None or frame.marker not in (BASELINE, EXTENDED) or frame.components != 1:
        raise ValueError("not a sequential JPEG of one component")
    if frame.precision not in _LOSSY_PRECISIONS or frame.rows * frame.columns > MAX_PIXELS:
        raise ValueError(f"{frame.rows} x {frame.columns} samples of {frame.precision} bits")
    return frame


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield marker, parameters and the place behind them, up to the first scan (B.1.1)."""
    at = 0
    while at + 4 <= len(content):
        lead, marker, length = struct.unpack(">BBH", content[at : at + 4])
        at += 2
        if lead == _LEAD and marker in _STANDALONE:
            continue
        if lead != _LEAD or marker not in _KNOWN or not _SIZED.size <= length <= len(content) - at:
            raise ValueError("a JPEG stream with a damaged header")
        yield marker, content[at + 2 : at + length], at + length
        if marker == _SCAN:
            return
        at += length


def _parsed(content: bytes) -> _Stream:
    stream = _Stream()
    for marker, segment, behind in _segments(content):
        if marker in _FRAMES:
            stream.frame = frame_header(content)
            stream.quantization_id = segment[8]
        elif marker == _QUANTIZATION:
            stream.quantization.update(_quantization_tables(segment))
        elif marker == _HUFFMAN:
            stream.huffman.update(_huffman_tables(segment))
        elif marker == _RESTART:
            (stream.restart_blocks,) = struct.unpack(">H", segment[:2])
        elif marker == _SCAN:
            stream.tables = (segment[2] >> 4, segment[2] & 15)
            stream.coded = content[behind:]
    return stream


def _quantization_tables(segment: bytes) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield tables of 64 steps in zigzag order, of 8 or 16 bits each (B.2.4.1)."""
    at = 0
    while at < len(segment):
        kind = ">u2" if segment[at] >> 4 else "u1"
        size = 64 * np.dtype(kind).itemsize
        table = np.frombuffer(segment[at + 1 : at + 1 + size], kind).astype(np.int64)
        yield segment[at] & 15, table
        at += 1 + size


def _huffman_tables(segment: bytes) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Yield look-up tables by class and id: 16 bits ahead to length * 256 + symbol (C.2)."""
    at = 0
    while at < len(segment):
        counts = segment[at + 1 : at + 17]
        symbols = iter(segment[at + 17 : at + 17 + sum(counts)])
        if len(segment) < at + 17 + sum(counts):
            raise ValueError("a Huffman table is cut short")
        table: list[int] = []
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                table += [length << 8 | next(symbols)] * (1 << (_LOOKAHEAD_BITS - length))
        table += [0] * ((1 << _LOOKAHEAD_BITS) - len(table))  # codes that mean nothing
        yield (segment[at] >> 4, segment[at] & 15), table
        at += 17 + sum(counts)


def _coefficients(stream: _Stream, blocks: int) -> NDArray[np.int64]:
    """Return the (blocks, 64) coefficients in zigzag order, DC accumulated (F.2.2)."""
    step = stream.restart_blocks or blocks
    found: list[list[int]] = []
    for part in _restart_intervals(stream.coded):
        found += _decoded_blocks(stream, _windows(part), min(step, blocks - len(found)))
        if len(found) == blocks:
            return np.array(found)
    raise ValueError("the coded JPEG data end early")


def _restart_intervals(coded: bytes) -> list[bytes]:
    """Return the entropy-coded intervals without stuffed zeros, up to the closing marker."""
    intervals: list[bytes] = []
    start = at = 0
    while (at := coded.find(b"\xff", at)) >= 0 and at + 1 < len(coded):
        marker = coded[at + 1]
        if marker in _STANDALONE or marker == _END:
            intervals.append(coded[start:at].replace(b"\xff\x00", b"\xff"))
            start = at + 2
            if marker == _END:
                return intervals
        at += 2
    return [*intervals, coded[start:].replace(b"\xff\x00", b"\xff")]


def _windows(interval: bytes) -> list[int]:
    """Return the 16 bits that follow every bit position; ones behind the end (F.2.2.5)."""
    padded = np.frombuffer(interval + b"\xff" * 4, np.uint8).astype(np.uint32)
    words = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]  # 24 bits from every byte
    shifts = np.arange(8, 0, -1, dtype=np.uint32)
    windows: list[int] = ((words[:, None] >> shifts) & 0xFFFF).ravel().tolist()
    return windows


def _decoded_blocks(stream: _Stream, windows: list[int], count: int) -> list[list[int]]:
    direct, alternating = (
        stream.huffman[kind, number] for kind, number in enumerate(stream.tables)
    )
    blocks: list[list[int]] = []
    at = level = 0
    try:
        for _ in range(count):
            at, size = _next_symbol(direct, windows, at)
            level += _extended(windows[at], size)
            block = [level] + [0] * 63
            at = _fill(block, alternating, windows, at + size)
            blocks.append(block)
    except IndexError as error:
        raise ValueError("the coded JPEG data are damaged") from error
    return blocks


def _fill(block: list[int], table: list[int], windows: list[int], at: int) -> int:
    """Put the 63 AC coefficients into ``block``; return the bit position behind them (F.2.2.2)."""
    place = 1
    while place < len(block):
        at, symbol = _next_symbol(table, windows, at)
        run, size = symbol >> 4, symbol & 15
        if size == 0:
            if run < 15:  # noqa: PLR2004 - end of block; 15 skips sixteen zeros
                return at
            place += 16
            continue
        place += run
        block[place] = _extended(windows[at], size)
        at += size
        place += 1
    return at


def _next_symbol(table: list[int], windows: list[int], at: int) -> tuple[int, int]:
    entry = table[windows[at]]
    if entry == 0:
        raise ValueError("a Huffman code that is not in the table")
    return at + (entry >> 8), entry & 255


def _extended(window: int, size: int) -> int:
    """Return the signed value of the next ``size`` bits (F.2.2.1)."""
    if size == 0:
        return 0
    value = window >> (_LOOKAHEAD_BITS - size)
    return value if value >> (size - 1) else value - (1 << size) + 1


def _cosines() -> NDArray[np.float64]:
    """Return the (8, 8) orthonormal DCT matrix, a row per frequency (A.3.3)."""
    frequency, place = np.mgrid[:8, :8]
    cosines: NDArray[np.float64] = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    cosines[0] /= np.sqrt(2)
    return cosines
