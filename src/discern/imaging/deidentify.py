"""Studies made fit to leave as research data: identity removed, images as they were.

Follows PS3.15 E.2 (see ``deidentify_rules``). What a picture itself may show cannot be removed by
rules; such objects are refused by name.
"""

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from discern.errors import InputError, NoImages, OutputError, UsageError
from discern.imaging.contents import contents_of
from discern.imaging.datasets import plain_stream, pydicom_damage, read_header, text
from discern.imaging.deidentify_rules import Deidentifier, Pseudonyms
from discern.imaging.files import InputFile, Skipped, name_some

SHORTEST_KEY = 16
_IMAGES = {MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage}
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
_OVERLAY_BIT = 0x0102


@dataclass(frozen=True, slots=True)
class Deidentified:
    """What was written: how many objects of how many studies, and what was left out."""

    objects: int
    studies: int
    left_out: tuple[Skipped, ...] = ()


def deidentify(source: Path, out: Path, *, key: bytes, leave_out: bool = False) -> Deidentified:
    """Write every MR image of ``source`` without identity into the new folder ``out``.

    Files are named by their new UIDs: STUDY/SERIES/OBJECT.dcm. Either all are written, or none.

    Args:
        source: Folder, zip, DICOMDIR or file.
        out: Folder that does not exist yet, or is empty.
        key: Secret of at least 16 bytes; the same key gives the same patient the same new ids.
        leave_out: Go on without the objects that are refused.

    Raises:
        UsageError: The key is too short.
        InputError: An object may show the patient's name in its pixels, or is no MR image.
        NoImages: Nothing was left to write.
        OutputError: The folder is in use or cannot be written.
    """
    if len(key) < SHORTEST_KEY:
        raise UsageError(f"the key has {len(key)} bytes; it needs {SHORTEST_KEY} random ones")
    files = contents_of(source).dicom
    refused = [Skipped(one.name, why) for one in files if (why := refusal(one)) is not None]
    if refused and not leave_out:
        raise InputError(
            f"{name_some(refused)}: not fit to leave as research data by rules alone; take them "
            "out of the input, or pass --leave-out to go on without them"
        )
    names = {one.name for one in refused}
    accepted = [one for one in files if one.name not in names]
    if not accepted:
        raise NoImages(f"{source.name}: no DICOM MR image that could be de-identified")
    written = _write_all(accepted, out, Deidentifier(Pseudonyms(key)))
    return Deidentified(len(written), len({one.parts[0] for one in written}), tuple(refused))


def refusal(file: InputFile) -> str | None:
    """Return why an object cannot leave; None where it can.

    Raises:
        UnreadableFile: The file is damaged.
    """
    header = read_header(file)
    dataset = header.dataset
    missing = [keyword for keyword in _UIDS if not text(dataset, keyword)]
    kind = UID(text(dataset, "SOPClassUID"))
    if text(dataset, "BurnedInAnnotation").upper() == "YES":
        return "text is burned into its pixels: BurnedInAnnotation is YES"
    if kind.startswith(_CAPTURE) or "ConversionType" in dataset:
        return "a secondary capture, whose pixels may show a name"
    if _has_overlay_in_pixels(dataset):
        return "an overlay is drawn into its pixels"
    if kind not in _IMAGES:
        return "no MR image"
    if not header.has_pixels or header.truncated:
        return "cut short: its pixels are not all there"
    return f"no {' and no '.join(missing)}" if missing else None


def _has_overlay_in_pixels(dataset: Dataset) -> bool:
    """Whether an overlay lies in unused bits of the pixels (retired, PS3.5 8.1.2)."""
    positions = (dataset.get((group, _OVERLAY_BIT)) for group in _OVERLAY_GROUPS)
    return any(one is not None and one.value for one in positions)


def _write_all(files: Iterable[InputFile], out: Path, rules: Deidentifier) -> set[Path]:
    """Write into a folder beside ``out`` and rename it in the end."""
    try:
        _check_unused(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".discern-") as scratch:
            folder = Path(scratch) / "study"
            written = {_write_one(file, folder, rules) for file in files}
            folder.replace(out)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot write the results there ({error.strerror}); "
            "free some space or name another folder with --out"
        ) from error
    return written


def _check_unused(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: already in use; name a new folder with --out")


def _write_one(file: InputFile, folder: Path, rules: Deidentifier) -> Path:
    """Write one object and return its place below ``folder``; the first of repeats stays."""
    syntax = read_header(file).transfer_syntax
    with pydicom_damage(file.name), file.open() as raw:
        dataset = pydicom.dcmread(plain_stream(raw), force=True)
        study, series, instance = (rules.pseudonyms.uid(text(dataset, one)) for one in _UIDS)
        _change(dataset, rules)
        content = _part10(dataset, syntax)
    place = Path(study, series, f"{instance}.dcm")
    target = folder / place
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return place


def _change(dataset: Dataset, rules: Deidentifier) -> None:
    issued = text(dataset, "IssuerOfPatientID"), text(dataset, "PatientID")
    patient = rules.pseudonyms.patient("|".join(issued) if issued[1] else text(dataset, _UIDS[0]))
    rules.clean(dataset)
    rules.mark(dataset)
    dataset.PatientID = dataset.PatientName = patient


def _part10(dataset: Dataset, syntax: UID) -> bytes:
    """Return the file anew: no preamble, no name of the program or node that wrote it before."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = (
        ExplicitVRLittleEndian if syntax == DeflatedExplicitVRLittleEndian else syntax
    )
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    buffer = io.BytesIO()
    dataset.save_as(
        buffer,
        enforce_file_format=True,
        implicit_vr=meta.TransferSyntaxUID.is_implicit_VR,
        little_endian=meta.TransferSyntaxUID.is_little_endian,
    )
    return buffer.getvalue()
