"""Real DICOM files for tests: classic and enhanced MR, every transfer syntax, any oddity.

``tests/conftest.py`` makes this folder importable: ``from writers import Series, write_series``.
Nothing here uses Discern, so that what the files say is independent of how they are read.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)

Pixels = NDArray[np.generic]
Vector = tuple[float, float, float]

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)

T2: Mapping[str, Any] = {"ScanningSequence": "SE", "EchoTime": 102.0, "RepetitionTime": 3500.0}
T1: Mapping[str, Any] = {"ScanningSequence": "SE", "EchoTime": 12.0, "RepetitionTime": 550.0}
PD: Mapping[str, Any] = {"ScanningSequence": "SE", "EchoTime": 38.0, "RepetitionTime": 2500.0}
STIR: Mapping[str, Any] = {
    "ScanningSequence": ["SE", "IR"],
    "EchoTime": 60.0,
    "RepetitionTime": 4000.0,
    "InversionTime": 150.0,
}

STUDY_UID = "1.2.826.0.1.3680043.8.498.1"


@dataclass(frozen=True)
class Series:
    """What ``write_series`` writes.

    ``tags`` are added to every file; a value of None removes the element.
    """

    number: int = 1
    count: int = 5
    orientation: Sequence[float] = SAGITTAL
    step_mm: Vector = (4.0, 0.0, 0.0)
    first_mm: Vector = (-8.0, -100.0, 120.0)
    spacing_mm: tuple[float, float] = (0.7, 0.7)
    shape_px: tuple[int, int] = (24, 20)
    description: str = "t2_tse_sag"
    tags: Mapping[str, Any] = field(default_factory=lambda: dict(T2))
    study_uid: str = STUDY_UID
    syntax: UID = ExplicitVRLittleEndian

    @property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return f"{self.study_uid}.{self.number}"

    def with_tags(self, **tags: object) -> "Series":
        """Return the series with further tags."""
        return replace(self, tags={**self.tags, **tags})


AXIAL_T2 = Series(
    number=2,
    orientation=AXIAL,
    step_mm=(0.0, 0.0, 5.0),
    first_mm=(-70.0, -80.0, 0.0),
    description="t2_tse_tra",
)


def ramp(shape_px: tuple[int, int], seed: int = 0, top: int = 4000) -> NDArray[np.uint16]:
    """Return a 16-bit image of smooth steps with a little noise."""
    rows, columns = np.mgrid[: shape_px[0], : shape_px[1]]
    smooth = (rows * 37 + columns * 11 + seed * 101) % 900
    noise = np.random.default_rng(seed).integers(0, 50, shape_px)
    return np.asarray(np.clip(smooth * 4 + noise, 0, top), np.uint16)


def mr_dataset(series: Series, index: int, pixels: Pixels | None = None) -> Dataset:
    """Return one classic MR object of ``series``, slice ``index``."""
    dataset = Dataset()
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = f"{series.uid}.{index + 1}"
    dataset.StudyInstanceUID = series.study_uid
    dataset.SeriesInstanceUID = series.uid
    dataset.StudyDate = "20240131"
    dataset.Modality = "MR"
    dataset.PatientID = "P1"
    dataset.PatientName = "Doe^Jane"
    dataset.SeriesDescription = series.description
    dataset.SeriesNumber = series.number
    dataset.InstanceNumber = index + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    dataset.FrameOfReferenceUID = f"{series.study_uid}.99"
    dataset.ImageOrientationPatient = list(series.orientation)
    place = np.array(series.first_mm) + index * np.array(series.step_mm)
    dataset.ImagePositionPatient = [float(value) for value in place]
    dataset.PixelSpacing = list(series.spacing_mm)
    put_pixels(dataset, ramp(series.shape_px, index) if pixels is None else pixels)
    put_tags(dataset, series.tags)
    return dataset


def put_tags(dataset: Dataset, tags: Mapping[str, Any]) -> None:
    """Set elements by keyword, odd values too; None removes."""
    for keyword, value in tags.items():
        if value is not None:
            with warnings.catch_warnings(action="ignore"):
                setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)


def put_pixels(dataset: Dataset, pixels: Pixels, stored_bits: int | None = None) -> None:
    """Set the image pixel module from (rows, columns) or (frames, rows, columns) integers."""
    bits = pixels.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim > 2:
        dataset.NumberOfFrames = pixels.shape[0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = bits
    dataset.BitsStored = stored_bits or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"


def to_bytes(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return ``dataset`` as a Part 10 file, native pixels swapped for big endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", MRImageStorage)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", f"{STUDY_UID}.77")
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    if not syntax.is_little_endian and dataset.BitsAllocated == 16:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # odd values are written on purpose
        dataset.save_as(
            buffer,
            enforce_file_format=True,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
        )
    return buffer.getvalue()


_GDCM_SYNTAXES = {
    JPEGBaseline8Bit: gdcm.TransferSyntax.JPEGBaselineProcess1,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
}


def encode(dataset: Dataset, syntax: UID, scratch: Path) -> bytes:
    """Return ``dataset`` as a Part 10 file whose pixels are compressed in ``syntax``.

    RLE and JPEG 2000 by pydicom, the JPEG family by GDCM, which needs two scratch files.
    """
    plain = to_bytes(dataset)
    if syntax in (RLELossless, JPEG2000Lossless):
        dataset.compress(syntax, generate_instance_uid=False)
        return to_bytes(dataset, syntax)
    before, after = scratch / "before.dcm", scratch / "after.dcm"
    before.write_bytes(plain)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(before))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(_GDCM_SYNTAXES[syntax]))
    change.SetInput(reader.GetImage())
    assert change.Change(), syntax.name
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(after))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return after.read_bytes()


def write_series(folder: Path, series: Series = Series()) -> list[Path]:
    """Write one file per slice under ``folder``; return them in the order of their index."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{series.number}-{index + 1:04d}.dcm" for index in range(series.count)]
    for index, path in enumerate(paths):
        path.write_bytes(to_bytes(mr_dataset(series, index), series.syntax))
    return paths


def write_study(folder: Path, *series: Series) -> Path:
    """Write the series (a sagittal and an axial T2 by default) under ``folder``; return it."""
    for one in series or (Series(), AXIAL_T2):
        write_series(folder, one)
    return folder


def enhanced_dataset(series: Series, stacks: Sequence[Series] = ()) -> Dataset:
    """Return one enhanced MR object holding ``series``, or the frames of ``stacks`` in turn."""
    parts = stacks or (series,)
    dataset = mr_dataset(series, 0)
    frames = [(part, index) for part in parts for index in range(part.count)]
    put_pixels(dataset, np.stack([ramp(series.shape_px, index) for index in range(len(frames))]))
    dataset.SOPClassUID = EnhancedMRImageStorage
    moved = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", *series.tags)
    put_tags(dataset, dict.fromkeys(moved))
    dataset.SharedFunctionalGroupsSequence = Items([_shared_groups(series)])
    dataset.PerFrameFunctionalGroupsSequence = Items(
        [_frame_groups(part, index, number) for number, (part, index) in enumerate(frames, 1)]
    )
    return dataset


def _shared_groups(series: Series) -> Dataset:
    group = Dataset()
    group.PixelMeasuresSequence = Items([_item(PixelSpacing=list(series.spacing_mm))])
    timing = _item(RepetitionTime=series.tags.get("RepetitionTime", 3500.0))
    group.MRTimingAndRelatedParametersSequence = Items([timing])
    group.PixelValueTransformationSequence = Items(
        [_item(RescaleSlope=2.0, RescaleIntercept=-5.0, RescaleType="US")]
    )
    return group


def _frame_groups(series: Series, index: int, number: int) -> Dataset:
    place = np.array(series.first_mm) + index * np.array(series.step_mm)
    group = Dataset()
    position = _item(ImagePositionPatient=[float(value) for value in place])
    group.PlanePositionSequence = Items([position])
    orientation = _item(ImageOrientationPatient=list(series.orientation))
    group.PlaneOrientationSequence = Items([orientation])
    group.MREchoSequence = Items([_item(EffectiveEchoTime=series.tags.get("EchoTime", 102.0))])
    group.FrameContentSequence = Items([_item(FrameAcquisitionNumber=number)])
    return group


def _item(**elements: object) -> Dataset:
    item = Dataset()
    put_tags(item, elements)
    return item


def write_directory(path: Path, references: Sequence[Sequence[str]]) -> None:
    """Write a DICOMDIR that refers to files by the parts of their path, true or not."""
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.840.10008.1.3.10")
    dataset.SOPInstanceUID = UID(f"{STUDY_UID}.88")
    dataset.FileSetID = "TEST"
    dataset.DirectoryRecordSequence = Items(
        [_item(DirectoryRecordType="IMAGE", ReferencedFileID=list(one)) for one in references]
    )
    path.write_bytes(to_bytes(dataset))
