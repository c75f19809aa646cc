"""Zips read in memory, never unpacked to disk, within limits that no honest study reaches."""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from discern.errors import UnreadableFile, UnsafeArchive
from discern.imaging.files import (
    FileList,
    InputFile,
    Skipped,
    is_clutter,
    natural_key,
    plain_name,
)

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What a zip may hold. ``ratio`` is unpacked to packed size, asked of large members only."""

    files: int = 50_000
    member_bytes: int = 2048 * _MIB
    total_bytes: int = 16_384 * _MIB
    ratio: int = 100
    ratio_from_bytes: int = 16 * _MIB


USUAL_LIMITS = ArchiveLimits()
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError)
_NESTED_SUFFIXES = {".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz"}


def files_of_zip(path: Path, limits: ArchiveLimits = USUAL_LIMITS) -> FileList:
    """Return the members of a zip as input files; each is unpacked in memory when opened.

    Raises:
        UnsafeArchive: Encrypted, nested, a name that leaves the archive, or beyond ``limits``.
        UnreadableFile: The zip is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(f"{path.name}: damaged zip ({error}); make it again") from error
    try:
        members = _checked_members(archive, path.name, limits)
    except UnsafeArchive:
        archive.close()
        raise
    files: list[InputFile] = []
    links: list[Skipped] = []
    for member in members:
        name = plain_name(member.filename)
        if stat.S_ISLNK(member.external_attr >> 16):
            links.append(Skipped(name, "a link"))
        elif not any(map(is_clutter, PurePosixPath(member.filename).parts)):
            files.append(InputFile(name, _opener(archive, member, name)))
    return FileList(tuple(sorted(files, key=lambda one: natural_key(one.name))), tuple(links))


def _checked_members(
    archive: zipfile.ZipFile, zip_name: str, limits: ArchiveLimits
) -> list[zipfile.ZipInfo]:
    members = [one for one in archive.infolist() if not one.is_dir()]
    _check_totals(zip_name, members, limits)
    for member in members:
        _check_member(zip_name, member, limits)
    return members


def _check_totals(zip_name: str, members: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    if len(members) > limits.files:
        raise UnsafeArchive(f"{zip_name}: {len(members)} files, more than {limits.files}")
    total = sum(one.file_size for one in members)
    if total > limits.total_bytes:
        raise UnsafeArchive(f"{zip_name}: {total // _MIB} MiB unpacked; unpack it yourself")


def _check_member(zip_name: str, member: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = plain_name(member.filename)
    parts = member.filename.replace("\\", "/").split("/")
    if member.filename.startswith(("/", "\\")) or ".." in parts or parts[0].endswith(":"):
        raise UnsafeArchive(f"{zip_name}: {name} leaves the archive")
    if member.flag_bits & 0x1:
        raise UnsafeArchive(f"{zip_name}: {name} is encrypted; unpack it and give the folder")
    if PurePosixPath(name.lower()).suffix in _NESTED_SUFFIXES:
        raise UnsafeArchive(f"{zip_name}: {name} is an archive in an archive; unpack it first")
    large = member.file_size > limits.ratio_from_bytes
    bomb = large and member.file_size > limits.ratio * max(1, member.compress_size)
    if bomb or member.file_size > limits.member_bytes:
        raise UnsafeArchive(f"{zip_name}: {name} unpacks to {member.file_size // _MIB} MiB")


def _opener(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> Callable[[], AbstractContextManager[BinaryIO]]:
    @contextmanager
    def unpacked() -> Iterator[BinaryIO]:
        try:
            content = archive.read(member)
        except _DAMAGE as error:
            raise UnreadableFile(f"{name}: damaged in the zip ({error})") from error
        yield io.BytesIO(content)

    return unpacked
