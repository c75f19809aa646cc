"""Sort the files of an input by what they are, DICOMDIR included."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from discern.errors import InputError, UnreadableFile, UnsafeArchive
from discern.imaging.archive import files_of_zip
from discern.imaging.datasets import directory_references
from discern.imaging.files import (
    FileList,
    InputFile,
    Kind,
    Skipped,
    file_on_disk,
    files_of_folder,
    kind_of,
    looks_like_image_name,
    plain_name,
)

_DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"


@dataclass(frozen=True, slots=True)
class Contents:
    """The images of an input by kind, and what was left out on sight.

    ``single`` tells one file given by hand from a folder or zip.
    """

    dicom: list[InputFile] = field(default_factory=list)
    nifti: list[InputFile] = field(default_factory=list)
    raster: list[InputFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    single: bool = False

    def add(self, file: InputFile, kind: Kind) -> None:
        """File ``file`` under its kind; what is no image is kept only if its name promised one."""
        known = {Kind.DICOM: self.dicom, Kind.NIFTI: self.nifti, Kind.RASTER: self.raster}
        if kind in known:
            known[kind].append(file)
        elif kind is Kind.ZIP:
            self.skipped.append(Skipped(file.name, "a zip inside the input; unpack it"))
        elif looks_like_image_name(file.name):
            self.skipped.append(Skipped(file.name, "not an image, whatever its name says"))


def contents_of(source: Path) -> Contents:
    """Return the images of a folder, zip, DICOMDIR or single file.

    Raises:
        InputError: There is no such path, or it holds too many files.
        UnreadableFile: A single file is no image, or a zip is damaged.
        UnsafeArchive: A zip or DICOMDIR that must not be opened.
    """
    name = plain_name(source.name)
    if source.is_dir():
        return _sorted_by_kind(files_of_folder(source))
    if not source.is_file():
        raise InputError(f"{name}: no such file or folder")
    file = file_on_disk(source)
    head = _head(file)
    kind = kind_of(file.name, head)
    if kind is Kind.ZIP:
        return _sorted_by_kind(files_of_zip(source), in_zip=True)
    if _is_directory(file, head):
        return _referenced(source, file)
    if kind is Kind.OTHER:
        raise UnreadableFile(f"{name}: neither DICOM, NIfTI, PNG, JPEG nor zip")
    contents = Contents(single=True)
    contents.add(file, kind)
    return contents


def _head(file: InputFile) -> bytes:
    try:
        return file.head()
    except OSError as error:
        raise UnreadableFile(f"{file.name}: {error.strerror or error}") from error


def _sorted_by_kind(listing: FileList, *, in_zip: bool = False) -> Contents:
    contents = Contents(skipped=list(listing.skipped))
    for file in listing.files:
        try:
            head = _head(file)
        except UnreadableFile as error:
            contents.skipped.append(Skipped(file.name, reason_of(error, file.name)))
            continue
        kind = kind_of(file.name, head)
        if kind is Kind.ZIP and in_zip:
            raise UnsafeArchive(f"{file.name}: an archive in an archive; unpack it first")
        if _is_directory(file, head):
            _check_references(file, directory_references(file))
        else:
            contents.add(file, kind)
    return contents


def reason_of(error: UnreadableFile, name: str) -> str:
    """Return the message of ``error`` without the file name it starts with."""
    return str(error).removeprefix(f"{name}: ")


def _is_directory(file: InputFile, head: bytes) -> bool:
    named = PurePosixPath(file.name).name.upper() == "DICOMDIR"
    return kind_of(file.name, head) is Kind.DICOM and (named or _DIRECTORY_CLASS + b"\0" in head)


def _check_references(directory: InputFile, references: list[str]) -> None:
    for reference in references:
        parts = reference.split("/")
        if reference.startswith("/") or ".." in parts or ":" in parts[0]:
            raise UnsafeArchive(f"{directory.name}: it refers to files outside its folder")


def _referenced(source: Path, directory: InputFile) -> Contents:
    """Return the files a DICOMDIR lists, found below its folder whatever their case."""
    references = directory_references(directory)
    _check_references(directory, references)
    listing = files_of_folder(source.parent)
    there = {one.name.casefold(): one for one in listing.files}
    missing = [one for one in references if one.casefold() not in there]
    found = [there[one.casefold()] for one in references if one.casefold() in there]
    skipped = [*listing.skipped, *(Skipped(plain_name(one), "not there") for one in missing)]
    return _sorted_by_kind(FileList(tuple(dict.fromkeys(found)), tuple(skipped)))
