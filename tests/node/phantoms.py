"""Small phantom studies to send: of several patients, with damaged pixels, as one Enhanced MR."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.study import demo_parameters, write_study
from writers import Series, enhanced_dataset, put_pixels, to_bytes

SMALL = Prescription(sagittal_slices=3, axial_layout=AxialLayout.BLOCK, axial_slices=1)
Study = Sequence[Dataset]


def small_study(folder: Path) -> list[Dataset]:
    """Draw three sagittal slices and an axial one."""
    write_study(demo_parameters(), 3, folder, SMALL)
    return [dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def as_patient(study: Study, number: int) -> list[Dataset]:
    """Return the same images under UIDs of another study and patient."""
    root = f"2.25.{number}"
    series = sorted({str(one.SeriesInstanceUID) for one in study})
    images = deepcopy(list(study))
    for index, one in enumerate(images, 1):
        place = series.index(str(one.SeriesInstanceUID)) + 1
        one.StudyInstanceUID, one.SeriesInstanceUID = root, f"{root}.{place}"
        one.SOPInstanceUID = f"{root}.{place}.{index}"
        one.file_meta.MediaStorageSOPInstanceUID = UID(one.SOPInstanceUID)
        one.PatientID, one.PatientName = f"PHANTOM-{number}", f"Secret^{number}"
    return images


def with_damaged_pixels(study: Study) -> list[Dataset]:
    """Cut off the pixels of one sagittal slice in their middle."""
    images = deepcopy(list(study))
    damaged = next(one for one in images if "sag" in one.SeriesDescription.lower())
    damaged.PixelData = damaged.PixelData[: len(damaged.PixelData) // 2 & ~1]
    return images


def as_enhanced(study: Study, number: int) -> Dataset:
    """Return the sagittal slices as the frames of one Enhanced MR object."""
    sagittal = [one for one in study if "sag" in one.SeriesDescription.lower()]
    places = np.array([one.ImagePositionPatient for one in sagittal], float)
    first, step, spacing = places[0], places[1] - places[0], sagittal[0].PixelSpacing
    series = Series(
        count=len(sagittal),
        orientation=[float(one) for one in sagittal[0].ImageOrientationPatient],
        first_mm=(first[0], first[1], first[2]),
        step_mm=(step[0], step[1], step[2]),
        spacing_mm=(float(spacing[0]), float(spacing[1])),
        study_uid=f"2.25.{number}",
    )
    enhanced: Dataset = enhanced_dataset(series)
    put_pixels(enhanced, np.stack([one.pixel_array for one in sagittal]))
    enhanced.PatientName = "Secret^Enhanced"
    to_bytes(enhanced)  # adds the file meta
    return enhanced
