"""Whether a destination has a document already: asked before it is sent a second time.

A document whose confirmation was lost may have arrived. C-FIND (Study Root, PS3.4 C.6.2) or QIDO-RS
finds it then, and it is not sent again.
"""

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from discern.dicomweb.storing import has_object, read_object
from discern.errors import DeliveryError
from discern.node.destinations import (
    Destination,
    DimseDestination,
    WebDestination,
    associate,
    server_of,
)

STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
_SYNTAXES: list[str] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


def is_held(destination: Destination, content: bytes) -> bool:
    """Say whether the destination finds an object in its archive; False where it answers nothing.

    Raises:
        DeliveryError: It cannot be reached or is busy; temporary.
    """
    dataset = read_object(content)
    try:
        match destination:
            case WebDestination():
                return has_object(server_of(destination), dataset)
            case DimseDestination():
                return _c_find(destination, dataset)
    except DeliveryError as error:
        if error.temporary:
            raise
        return False


def _c_find(destination: DimseDestination, dataset: Dataset) -> bool:
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(query, name, dataset[name].value)
    association = associate(destination, STUDY_ROOT_FIND, _SYNTAXES)
    try:
        answers = list(association.send_c_find(query, STUDY_ROOT_FIND))
    except (ValueError, RuntimeError):
        return False
    finally:
        if association.is_established:
            association.release()
    return any(
        found is not None and found.get("SOPInstanceUID") == dataset.SOPInstanceUID
        for _, found in answers
    )
