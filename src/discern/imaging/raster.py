"""Plain PNG and JPEG slices: no geometry, no contrast, taken as sagittal T2 unless told axial."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from discern.errors import UnreadableFile
from discern.findings import Source, StudyWarning
from discern.imaging.contents import Contents, reason_of
from discern.imaging.dicom import MAX_PIXELS
from discern.imaging.files import InputFile, Skipped, name_some, skipped_warning, unreadable
from discern.imaging.options import ReadOptions
from discern.imaging.selection import Candidate, select
from discern.imaging.study import Image, Series, Slice, Study
from discern.spine import Plane, Weighting

_GRAY_MODES = {"1", "L", "I", "I;16", "I;16B", "I;16L", "F"}


@dataclass(frozen=True, slots=True)
class RasterPixels:
    """Decodes one PNG or JPEG file each time it is called."""

    file: InputFile

    def __call__(self) -> Image:
        """Return the (rows, columns) image; colour becomes luminance.

        Raises:
            UnreadableFile: The file is damaged.
        """
        with _opened(self.file) as picture:
            gray = picture if picture.mode in _GRAY_MODES else picture.convert("RGB").convert("L")
            return np.asarray(gray).astype(np.float32)


@contextmanager
def _opened(file: InputFile) -> Iterator[PillowImage.Image]:
    try:
        with warnings.catch_warnings(), file.open() as stream:
            warnings.simplefilter("ignore")
            with PillowImage.open(stream, formats=("PNG", "JPEG")) as picture:
                yield picture
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise UnreadableFile(f"{file.name}: damaged picture ({error})") from error


def read_raster_study(contents: Contents, options: ReadOptions) -> Study:
    """Return PNG and JPEG files as the slices of one series, in natural order of their names.

    Raises:
        UnreadableFile: Not one file could be read.
    """
    slices: list[Slice] = []
    skipped = list(contents.skipped)
    colored: list[str] = []
    for file in contents.raster:
        try:
            shape_px, is_gray = _header(file)
        except UnreadableFile as error:
            skipped.append(Skipped(file.name, reason_of(error, file.name)))
            continue
        colored += [] if is_gray else [file.name]
        read = RasterPixels(file)
        slices.append(Slice(len(slices), shape_px, None, None, read, None, None, file.name))
    if not slices:
        raise unreadable(skipped)
    plane = options.plane or Plane.SAGITTAL
    series = Series("s1", None, "", plane, Weighting.T2, tuple(slices))
    candidate = Candidate(series, "slices without header, taken as T2-weighted")
    selection = select([candidate], options.series, axial_alone=plane is Plane.AXIAL)
    notes = (*skipped_warning(skipped), *selection.warnings, *_doubts(plane, len(slices), colored))
    return Study(Source.RASTER, None, None, selection.series, notes)


def _header(file: InputFile) -> tuple[tuple[int, int], bool]:
    """Return rows and columns, and whether the picture is gray, from its header alone."""
    with _opened(file) as picture:
        columns, rows = picture.size
        if rows * columns > MAX_PIXELS:
            raise UnreadableFile(f"{file.name}: {rows} x {columns} pixels, more than any MR image")
        return (rows, columns), picture.mode in {*_GRAY_MODES, "LA"}


def _doubts(plane: Plane, count: int, colored: list[str]) -> Iterator[StudyWarning]:
    text = (
        f"PNG and JPEG files state neither place, plane nor contrast: taken as {plane} T2-weighted "
        "slices in the order of their names, with square pixels."
    )
    yield StudyWarning("no_geometry", text)
    if count == 1:
        yield StudyWarning("one_slice", "The study is a single slice.")
    if colored:
        some = name_some(Skipped(name, "colour") for name in colored)
        yield StudyWarning("color", f"Colour pictures were read as gray: {some}.")
