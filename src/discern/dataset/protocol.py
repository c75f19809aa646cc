"""How the images were acquired: T2 series of DICOM studies, by their headers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset as Header

from discern.errors import NoImages, NothingToAnalyze, SeveralStudies, UnreadableFile
from discern.imaging.contents import Contents, contents_of
from discern.imaging.datasets import number, pydicom_damage, read_header, text
from discern.imaging.dicom_study import read_dicom_study
from discern.imaging.files import InputFile, plain_name, plain_text
from discern.imaging.options import NO_OPTIONS
from discern.imaging.study import Series
from discern.spine import Plane


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One T2 series as its first slice describes it; None where the header does not say.

    Attributes:
        plane: Sagittal or axial.
        repetition_time_ms: TR.
        echo_time_ms: TE, the effective one where stated.
        shape_px: Rows and columns of the stored matrix.
        pixel_spacing_mm: Between rows, between columns.
        slice_thickness_mm: Of a slice.
        slice_spacing_mm: From the middle of one slice to the next.
        slices: Number of slices.
        field_strength_t: Tesla.
        scanner: Manufacturer and model.
    """

    plane: Plane
    repetition_time_ms: float | None
    echo_time_ms: float | None
    shape_px: tuple[int, int]
    pixel_spacing_mm: tuple[float, float] | None
    slice_thickness_mm: float | None
    slice_spacing_mm: float | None
    slices: int
    field_strength_t: float | None
    scanner: str | None


@dataclass(frozen=True, slots=True)
class Protocol:
    """The T2 series that Discern reads in a folder of DICOM studies.

    Attributes:
        studies: Number of studies with at least a sagittal T2 series.
        left_out: Number of studies without one.
        acquisitions: The best sagittal and axial series of each study.
    """

    studies: int
    left_out: int
    acquisitions: tuple[Acquisition, ...]


def read_protocol(folder: Path) -> Protocol:
    """Read the protocol of every study under ``folder``, in order of file name.

    Raises:
        InputError: There is no such folder, or nothing in it can be read.
        NothingToAnalyze: No study has a sagittal T2 series.
    """
    studies = _studies(contents_of(folder.absolute()))
    found: list[list[Acquisition]] = []
    for files in studies:
        try:
            found.append(list(_acquisitions(files)))
        except (NothingToAnalyze, UnreadableFile, SeveralStudies):
            found.append([])
    read = [one for one in found if one]
    if not read:
        raise NoImages(
            f"{plain_name(folder.name)}: no DICOM study with a sagittal T2 series; "
            "give --dicom the folder that holds the studies, or leave it out"
        )
    together = tuple(acquisition for one in read for acquisition in one)
    return Protocol(len(read), len(found) - len(read), together)


def _studies(contents: Contents) -> list[list[InputFile]]:
    """Return the DICOM files of each study; unreadable files are left out."""
    studies: dict[str, list[InputFile]] = defaultdict(list)
    for file in contents.dicom:
        try:
            studies[text(read_header(file).dataset, "StudyInstanceUID")].append(file)
        except UnreadableFile:
            continue
    return list(studies.values())


def _acquisitions(files: list[InputFile]) -> Iterator[Acquisition]:
    study = read_dicom_study(Contents(dicom=files), NO_OPTIONS)
    by_name = {file.name: file for file in files}
    for plane in (Plane.SAGITTAL, Plane.AXIAL):
        for series in study.used(plane)[:1]:
            file = by_name[series.slices[0].file]
            with pydicom_damage(file.name):
                yield _acquisition(series, list(_headers(read_header(file).dataset)))


def _headers(header: Header) -> Iterator[Header]:
    """Yield the header, and the macros of an enhanced object's first frame (PS3.3 C.7.6.16)."""
    yield header
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in list(header.get(groups) or ())[:1]:
            yield from (one.value[0] for one in group if one.VR == "SQ" and one.value)


def _acquisition(series: Series, headers: list[Header]) -> Acquisition:
    def positive(*keywords: str) -> float | None:
        values = (number(header, keyword) for keyword in keywords for header in headers)
        return next((value for value in values if value is not None and value > 0), None)

    first = series.slices[0]
    scanner = " ".join(text(headers[0], key) for key in ("Manufacturer", "ManufacturerModelName"))
    return Acquisition(
        plane=series.plane,
        repetition_time_ms=positive("RepetitionTime"),
        echo_time_ms=positive("EffectiveEchoTime", "EchoTime"),
        shape_px=first.shape_px,
        pixel_spacing_mm=first.spacing_mm,
        slice_thickness_mm=positive("SliceThickness"),
        slice_spacing_mm=positive("SpacingBetweenSlices") or _between_slices_mm(series),
        slices=len(series.slices),
        field_strength_t=positive("MagneticFieldStrength"),
        scanner=plain_text(scanner) or None,
    )


def _between_slices_mm(series: Series) -> float | None:
    placed = [one.geometry for one in series.slices[:2] if one.geometry is not None]
    if len(placed) < 2:  # noqa: PLR2004 - a distance needs two
        return None
    first, second = placed
    return abs(float(first.distance_mm(np.array([second.position_lps_mm]))[0]))
