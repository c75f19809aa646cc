"""Analyses for the tests of the node that are fast, or fail in a chosen way."""

import os
import time
from io import BytesIO

from peers import STRUCTURED_REPORT
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from discern.errors import NoUsableSeries
from discern.node.analysis import Order
from discern.node.spool import digest
from discern.node.state import Result

CRASHING, SLEEPING, UNUSABLE, BROKEN, GREEDY = 901, 902, 903, 904, 905


def report(order: Order) -> list[Result]:
    """One report that says how many images there were and differs with every making."""
    headers = [dcmread(path) for path in order.folder.iterdir()]
    study_uid = headers[0].StudyInstanceUID
    one = Dataset()
    one.SOPClassUID = STRUCTURED_REPORT
    one.SOPInstanceUID = f"{study_uid}.99.{len(headers)}"
    one.StudyInstanceUID, one.SeriesInstanceUID = study_uid, f"{study_uid}.99"
    one.Modality, one.PatientID = "SR", headers[0].PatientID
    one.SeriesDescription = f"{len(headers)} images"
    one.ContentLabel = str(time.time_ns())[-16:]
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = BytesIO()
    dcmwrite(written, one, enforce_file_format=True)
    content = written.getvalue()
    return [Result("sr", STRUCTURED_REPORT, one.SOPInstanceUID, digest(content), content)]


def trouble(order: Order) -> list[Result]:
    """Fail as the number of the study says."""
    headers = [dcmread(path) for path in order.folder.iterdir()]
    match int(headers[0].StudyInstanceUID.split(".")[2]):
        case 901:
            os._exit(3)
        case 902:
            time.sleep(600)
        case 903:
            raise NoUsableSeries("Secret^Name has none")
        case 904:
            raise KeyError("Secret^Name")
        case 905:
            bytearray(2**40)
    return report(order)
