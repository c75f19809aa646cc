"""DICOM files of a synthetic study: MR Image Storage, UIDs and bytes fixed by the seed."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydicom.charset import default_encoding
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import VR

from discern.imaging.frames import PHANTOM_MANUFACTURER
from discern.phantom.acquisition import BITS_STORED
from discern.phantom.placement import SLICE_GAP
from discern.phantom.prescription import FrameUids
from discern.phantom.render import PhantomSlice
from discern.phantom.settings import Scanner
from discern.spine import Plane, Weighting

_IMPLEMENTATION_UID = generate_uid(entropy_srcs=["discern.phantom implementation"])
_DATE, _TIME = "20260101", "120000"
_PLANE = {Plane.SAGITTAL: "SAG", Plane.AXIAL: "AX"}
_SEQUENCE = {Weighting.T2: "T2 TSE", Weighting.T1: "T1 TSE", Weighting.STIR: "STIR"}
_TIMING_MS = {
    (Plane.SAGITTAL, Weighting.T2): (3500.0, 108.0),
    (Plane.AXIAL, Weighting.T2): (4200.0, 112.0),
    (Plane.SAGITTAL, Weighting.T1): (560.0, 11.0),
    (Plane.SAGITTAL, Weighting.STIR): (4300.0, 62.0),
}
_INVERSION_MS = 160.0
_COMMENT = "Synthetic image drawn by discern.phantom; no patient was imaged. Research use only."


@dataclass(frozen=True, slots=True)
class SeriesPlace:
    """Which study and series a slice belongs to.

    Attributes:
        seed: Seed of the study; every UID derives from it.
        number: SeriesNumber, from 1.
        scanner: Settings that the header repeats.
        uids: Which UIDs the files state.
        weighting: Contrast of the series.
    """

    seed: int
    number: int
    scanner: Scanner
    uids: FrameUids = FrameUids.SHARED
    weighting: Weighting = Weighting.T2

    def instance_uid(self, plane: Plane, index: int) -> str:
        """Return the SOP instance UID of slice ``index`` of the series of ``plane``."""
        return self.uid(*self._kind(plane), str(index))

    def series_uid(self, plane: Plane) -> str:
        """Return the UID of the series of ``plane``."""
        return self.uid("series", *self._kind(plane))

    def _kind(self, plane: Plane) -> tuple[str, ...]:
        is_t2 = self.weighting is Weighting.T2
        return (str(plane),) if is_t2 else (str(plane), str(self.weighting))

    def uid(self, *parts: str) -> str:
        """Return the UID for ``parts`` of this seed: the same text gives the same UID."""
        return str(generate_uid(entropy_srcs=["discern.phantom", str(self.seed), *parts]))


def dicom_file(slice_: PhantomSlice, index: int, place: SeriesPlace) -> bytes:
    """Return one slice as an explicit VR little endian MR Image Storage file (PS3.3 A.4).

    ``index`` counts from 0 within the series; InstanceNumber is one more.
    """
    instance_uid = place.instance_uid(slice_.plane, index)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    meta.ImplementationVersionName = "DISCERN_PHANTOM"
    own = Dataset()
    if place.uids is not FrameUids.MISSING:
        own.SOPInstanceUID = instance_uid
    _describe_plane(own, slice_, index)
    _describe_pixels(own, slice_)
    head = _buffer()
    write_file_meta_info(head, meta)
    elements = {**_elements_of_series(slice_.plane, place), **_elements(own)}
    body = (elements[tag] for tag in sorted(elements))
    return b"".join((b"\0" * 128, b"DICM", head.getvalue(), *body))


@lru_cache(maxsize=4)
def _elements_of_series(plane: Plane, place: SeriesPlace) -> dict[int, bytes]:
    """Return what all files of a series say alike; encoding it takes most of the time of a file."""
    same = Dataset()
    same.SOPClassUID = MRImageStorage
    _describe_study(same, place)
    _describe_series(same, plane, place)
    _describe_acquisition(same, plane, place)
    _state_uids(same, plane, place)
    return _elements(same)


def _elements(dataset: Dataset) -> dict[int, bytes]:
    """Return the encoded elements by tag: in the order of the tags they make up a data set."""
    encoded: dict[int, bytes] = {}
    for element in dataset:
        buffer = _buffer()
        write_data_element(buffer, element, default_encoding)
        encoded[element.tag] = buffer.getvalue()
    return encoded


def _buffer() -> DicomBytesIO:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    return buffer


def _describe_study(file: Dataset, place: SeriesPlace) -> None:
    file.PatientName = "PHANTOM^SYNTHETIC"
    file.PatientID = f"PHANTOM-{place.seed}"
    file.PatientBirthDate = ""
    file.PatientSex = "O"
    file.PatientIdentityRemoved = "YES"
    file.DeidentificationMethod = "Synthetic image, no patient"
    file.StudyInstanceUID = place.uid("study")
    file.StudyDate, file.StudyTime = _DATE, _TIME
    file.StudyID = "1"
    file.StudyDescription = "Lumbar spine (synthetic phantom)"
    file.AccessionNumber = ""
    file.ReferringPhysicianName = ""


def _describe_series(file: Dataset, plane: Plane, place: SeriesPlace) -> None:
    file.Modality = "MR"
    file.SeriesInstanceUID = place.series_uid(plane)
    file.SeriesNumber = place.number
    sequence = _SEQUENCE[place.weighting]
    file.SeriesDescription = f"{_PLANE[plane]} {sequence} (synthetic phantom)"
    file.SeriesDate, file.SeriesTime = _DATE, _TIME
    file.PositionReferenceIndicator = ""
    file.PatientPosition = "HFS"
    file.BodyPartExamined = "LSPINE"
    file.Manufacturer = PHANTOM_MANUFACTURER
    file.ManufacturerModelName = "Parametric lumbar spine"
    file.SoftwareVersions = "1"
    file.DeviceSerialNumber = "0"
    file.InstitutionName = "None (synthetic)"


def _state_uids(file: Dataset, plane: Plane, place: SeriesPlace) -> None:
    """Name the frame of reference, or leave out what the prescription leaves out."""
    match place.uids:
        case FrameUids.SHARED:
            file.FrameOfReferenceUID = place.uid("frame of reference")
        case FrameUids.PER_SERIES:
            file.FrameOfReferenceUID = place.uid("frame of reference", str(plane))
        case FrameUids.MISSING:
            for name in ("StudyInstanceUID", "SeriesInstanceUID"):
                delattr(file, name)


def _describe_acquisition(file: Dataset, plane: Plane, place: SeriesPlace) -> None:
    scanner, is_stir = place.scanner, place.weighting is Weighting.STIR
    repetition_ms, echo_ms = _TIMING_MS[plane, place.weighting]
    file.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    file.ScanningSequence = ["SE", "IR"] if is_stir else "SE"
    file.SequenceVariant = "SK"
    file.ScanOptions = ""
    file.MRAcquisitionType = "2D"
    file.SequenceName = "tse2d"
    file.RepetitionTime, file.EchoTime = repetition_ms, echo_ms
    if is_stir:
        file.InversionTime = _INVERSION_MS
    file.EchoTrainLength = 16
    file.FlipAngle = 150
    file.MagneticFieldStrength = 1.5
    file.ImagedNucleus = "1H"
    file.NumberOfAverages = 2
    file.SliceThickness = scanner.slice_thickness_mm
    file.SpacingBetweenSlices = round(scanner.slice_thickness_mm * SLICE_GAP, 4)
    file.AcquisitionDate = file.ContentDate = _DATE
    file.AcquisitionTime = file.ContentTime = _TIME
    file.ImageComments = f"{_COMMENT} Seed {place.seed}."
    file.BurnedInAnnotation = "NO"


def _describe_plane(file: Dataset, slice_: PhantomSlice, index: int) -> None:
    geometry = slice_.geometry
    file.InstanceNumber = index + 1
    file.AcquisitionNumber = slice_.block + 1
    file.ImagePositionPatient = [_text(value) for value in geometry.position_lps_mm]
    file.ImageOrientationPatient = [
        _text(value) for value in (*geometry.along_row, *geometry.along_column)
    ]
    file.PixelSpacing = [_text(value) for value in geometry.spacing_mm]
    file.SliceLocation = _text(float(np.dot(geometry.position_lps_mm, geometry.normal)))


def _describe_pixels(file: Dataset, slice_: PhantomSlice) -> None:
    stored = slice_.image.astype("<u2")
    file.SamplesPerPixel = 1
    file.PhotometricInterpretation = "MONOCHROME2"
    file.Rows, file.Columns = stored.shape
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, BITS_STORED, BITS_STORED - 1
    file.PixelRepresentation = 0
    file.add_new("SmallestImagePixelValue", VR.US, int(stored.min()))
    file.add_new("LargestImagePixelValue", VR.US, int(stored.max()))
    high = _percentile(stored, 99)
    file.WindowCenter, file.WindowWidth = _text(round(high / 2)), _text(round(max(high, 2)))
    file.add_new("PixelData", VR.OW, stored.tobytes())


def _percentile(stored: NDArray[np.uint16], percent: float) -> float:
    """Return what ``np.percentile`` does, by counting: there are few different values."""
    reached = np.cumsum(np.bincount(stored.ravel()))
    place = percent / 100 * (stored.size - 1)
    low, high = np.searchsorted(reached, [int(place), int(place) + 1], side="right").tolist()
    return float(low + (high - low) * (place % 1))


def _text(value: float) -> str:
    """Write a number as a decimal string of at most 16 characters (PS3.5 6.2, VR DS)."""
    return f"{value + 0.0:.8g}"
