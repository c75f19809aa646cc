"""The files of an input: one folder, one zip or one file, each read through the same value.

Nothing here knows what is inside a file beyond its first bytes. Zips have their own module.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from discern.errors import InputError, UnreadableFile
from discern.findings import StudyWarning

MAX_FILES = 100_000
_SNIFFED_BYTES = 264
_NAMED_AT_MOST = 12
_CLUTTER = {"__macosx", "thumbs.db", "desktop.ini"}
_IMAGE_SUFFIXES = {".dcm", ".dicom", ".ima", ".nii", ".gz", ".png", ".jpg", ".jpeg"}


class Kind(StrEnum):
    """What the first bytes (and for NIfTI the name) say a file is."""

    DICOM = "DICOM"
    NIFTI = "NIfTI"
    RASTER = "PNG or JPEG"
    ZIP = "zip"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class InputFile:
    """One readable file; ``name`` is relative to the input, with forward slashes."""

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]

    def head(self) -> bytes:
        """Return the first bytes, enough to tell what the file is."""
        with self.open() as stream:
            return stream.read(_SNIFFED_BYTES)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why, in plain words."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of an input in natural order, and those left out on sight."""

    files: tuple[InputFile, ...]
    skipped: tuple[Skipped, ...] = ()


def kind_of(name: str, head: bytes) -> Kind:
    """Return what a file is, from its first bytes; the name decides only for NIfTI.

    >>> kind_of("a.dcm", bytes(128) + b"DICM"), kind_of("a.dcm", b"some text")
    (<Kind.DICOM: 'DICOM'>, <Kind.OTHER: 'other'>)
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return Kind.ZIP
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return Kind.RASTER
    if head[128:132] == b"DICM" or _starts_like_a_dataset(head):
        return Kind.DICOM
    if name.lower().endswith((".nii", ".nii.gz")):
        return Kind.NIFTI
    return Kind.OTHER


def _starts_like_a_dataset(head: bytes) -> bool:
    """Whether a file without preamble opens with an element of group 0002 or 0008."""
    group, element = head[:2], head[2:4]
    little = group in (b"\x02\x00", b"\x08\x00") and element[1:2] == b"\x00"
    big = group == b"\x00\x08" and element[:1] == b"\x00"
    return (little or big) and len(head) >= _SNIFFED_BYTES


def looks_like_image_name(name: str) -> bool:
    """Whether a person would expect an image behind this name."""
    return PurePosixPath(name.lower()).suffix in _IMAGE_SUFFIXES


def files_of_folder(root: Path) -> FileList:
    """Return the files under ``root``, searched recursively.

    Symbolic links are followed only where they lead to a file inside ``root``; hidden files and
    system clutter are passed over.

    Raises:
        InputError: There are more than ``MAX_FILES`` files.
    """
    root = root.resolve()
    files: list[InputFile] = []
    skipped: list[Skipped] = []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() and not _leads_inside(path, root):
            skipped.append(Skipped(plain_name(name), "a link that leaves the input"))
        elif path.is_file():
            files.append(file_on_disk(path, name))
        if len(files) > MAX_FILES:
            raise InputError(f"{root.name}: more than {MAX_FILES} files; give a smaller folder")
    return FileList(tuple(sorted(files, key=lambda one: natural_key(one.name))), tuple(skipped))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(one for one in folders if not is_clutter(one))
        linked = [here / one for one in folders if (here / one).is_symlink()]
        yield from (one for one in linked if not _leads_inside(one, root))
        yield from (here / one for one in names if not is_clutter(one))


def is_clutter(name: str) -> bool:
    """Whether a file or folder name is hidden or left behind by an operating system."""
    return name.startswith(".") or name.lower() in _CLUTTER


def _leads_inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # dangling, or a loop of links
        return False


def file_on_disk(path: Path, name: str | None = None) -> InputFile:
    """Return ``path`` as an input file called ``name`` (its own name by default)."""
    return InputFile(plain_name(name or path.name), lambda: path.open("rb"))


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key that counts: slice2 before slice10.

    >>> sorted(["s10.png", "s2.png"], key=natural_key)
    ['s2.png', 's10.png']
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def plain_text(text: str, longest: int = 200) -> str:
    r"""Return untrusted text on one line: no control, format or surrogate characters.

    >>> plain_text("Sag\x1b[31m\u202e T2\n<b>")
    'Sag[31m T2 <b>'
    """
    spaced = re.sub(r"\s+", " ", text)
    if not spaced.isprintable():
        spaced = "".join(one for one in spaced if unicodedata.category(one)[0] != "C")
    return spaced.strip()[:longest]


def plain_name(name: str) -> str:
    """Return an untrusted file name as text, in full."""
    return plain_text(name, longest=len(name))


def name_some(skipped: Iterable[Skipped]) -> str:
    """Return "name (reason)" of at most a dozen files, then how many more."""
    listed = [f"{one.name} ({one.reason})" for one in skipped]
    more = len(listed) - _NAMED_AT_MOST
    return ", ".join(listed[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def skipped_warning(skipped: Sequence[Skipped]) -> list[StudyWarning]:
    """Return the warning that lists what was left out; none where nothing was."""
    if not skipped:
        return []
    count = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
    return [StudyWarning("skipped_files", f"{count} skipped: {name_some(skipped)}.")]


def unreadable(skipped: Iterable[Skipped]) -> UnreadableFile:
    """Return the error for an input of which nothing could be read."""
    return UnreadableFile(f"{name_some(skipped)}; check the files, or leave them out")
