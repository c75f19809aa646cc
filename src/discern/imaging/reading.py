"""Read a study: a folder, zip, DICOMDIR or single file in, series with reasons out.

DICOM comes before NIfTI, and NIfTI before plain pictures; what is left out is listed in the
warnings. Headers only: pixels are decoded when a slice is read, and kept while there is room.
"""

from dataclasses import replace
from pathlib import Path

from discern.errors import NoImages, UsageError
from discern.findings import StudyWarning
from discern.imaging.contents import Contents, contents_of
from discern.imaging.dicom_study import read_dicom_study
from discern.imaging.files import plain_name, unreadable
from discern.imaging.kept import keeping_images
from discern.imaging.nifti import read_nifti_study
from discern.imaging.options import NO_OPTIONS, ReadOptions
from discern.imaging.raster import read_raster_study
from discern.imaging.study import Study

__all__ = ["ReadOptions", "read_study"]


def read_study(source: Path, options: ReadOptions = NO_OPTIONS) -> Study:
    """Return the study under ``source`` with every series and whether and why it is used.

    Args:
        source: A folder (searched recursively), a zip, a DICOMDIR, one DICOM, NIfTI, PNG or JPEG
            file.
        options: Study, series and plane where the user overrides the files.

    Raises:
        InputError: No such path, or (its subclasses) unreadable, unsafe, or several studies.
        NothingToAnalyze: Readable, but no MR images or no sagittal T2-weighted series.
        UsageError: ``options`` do not fit the input.
    """
    source = source.absolute()  # "." has a name, too
    contents = contents_of(source)
    study = keeping_images(_read(contents, options, plain_name(source.name)))
    if contents.single:
        study.series[0].slices[0].read()  # a damaged only file is told at once
    others = _other_kinds(contents)
    return replace(study, warnings=(*study.warnings, *others))


def _read(contents: Contents, options: ReadOptions, name: str) -> Study:
    if contents.dicom:
        return read_dicom_study(contents, options)
    if options.study is not None:
        raise UsageError("--study applies to DICOM input only; leave it out")
    if contents.nifti:
        return read_nifti_study(contents, options)
    if contents.raster:
        return read_raster_study(contents, options)
    if contents.skipped:
        raise unreadable(contents.skipped)
    raise NoImages(f"{name}: no images; give a folder with DICOM, NIfTI, PNG or JPEG files")


def _other_kinds(contents: Contents) -> list[StudyWarning]:
    """Return what is said of images that gave way to a better kind."""
    kinds = (("NIfTI", contents.nifti), ("PNG or JPEG", contents.raster))
    present = [(name, files) for name, files in kinds if files]
    best = 0 if contents.dicom else 1
    return [
        StudyWarning("other_images", f"{len(files)} {name} files beside the study were skipped.")
        for name, files in present[best:]
    ]
