"""The printed page as a DICOM object: Encapsulated PDF (PS3.3 A.45.1)."""

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from discern import __version__
from discern.imaging.study import Study
from discern.reporting import codes
from discern.reporting.dicom_objects.concepts import concept
from discern.reporting.dicom_objects.finishing import UTF_8, finished
from discern.reporting.dicom_objects.source import headers_of
from discern.reporting.kinds import Document, DocumentKind
from discern.reporting.stamp import Stamp

NAME = "encapsulated-pdf.dcm"
_SERIES_NUMBER = 9105
_TITLE = codes.Code("25056-3", "LN", "MRI Report")
_TITLE_IN_WORDS = "Lumbar MR, disc by disc (research use only)"


class _EncapsulatedPDF(hd.SOPClass):
    """Encapsulated document series, SC equipment and encapsulated document (PS3.3 C.24)."""

    def __init__(self, pdf: bytes, evidence: list[Dataset], stamp: Stamp, options: str) -> None:
        """Build the object with the patient and the study of ``evidence``."""
        kind, first = DocumentKind.PDF, evidence[0]
        super().__init__(
            study_instance_uid=str(first.StudyInstanceUID),
            series_instance_uid=stamp.uid(kind, "series", options),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=stamp.uid(kind, "instance", options),
            sop_class_uid=EncapsulatedPDFStorage,
            instance_number=1,
            modality="DOC",
            manufacturer="Discern",
            manufacturer_model_name="Discern",
            software_versions=__version__,
            series_description="Discern printed report (research use only)",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            specific_character_set=UTF_8,
            content_date=stamp.content_time.date(),
            content_time=stamp.content_time.time(),
        )
        self.copy_patient_and_study_information(first)
        self.ConversionType = "WSD"
        self.AcquisitionDateTime = None
        self.BurnedInAnnotation = "NO"
        self.RecognizableVisualFeatures = "NO"
        self.VerificationFlag = "UNVERIFIED"
        self.DocumentTitle = _TITLE_IN_WORDS
        self.ConceptNameCodeSequence = [concept(_TITLE)]
        self.SourceInstanceSequence = [_reference(one) for one in evidence]
        self.MIMETypeOfEncapsulatedDocument = "application/pdf"
        self.EncapsulatedDocumentLength = len(pdf)
        self.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)


def encapsulate_pdf(pdf: bytes, study: Study, stamp: Stamp, options: str) -> Document:
    """Return the PDF as ``encapsulated-pdf.dcm``; its sources are the series that were read.

    The page holds no name, number or birth date of the patient, so no annotation is burned in
    (PS3.3 C.24.2); who the patient is stands in the patient module of the source, carried over.
    ``options`` tells documents of the same findings apart.

    Raises:
        InputError: A source image lacks a UID.
    """
    evidence = headers_of(one for one in study.series if one.used)
    return finished(_EncapsulatedPDF(pdf, evidence, stamp, options), DocumentKind.PDF, NAME, stamp)


def _reference(source: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    return item
