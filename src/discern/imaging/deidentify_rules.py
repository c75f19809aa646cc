"""The Basic Application Level Confidentiality Profile (PS3.15 E.2, table E.1-1) on one data set.

The table and most dummy values are those of dicom-anonymizer (Kitware, BSD-3-Clause), which this
module alone knows. It looks at the top level only; here every nested item is treated the same.
Stricter than the table: no date, time or person's name is kept that the table does not list, no
element of unknown kind, no private element, and no UID that the standard does not register.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dicomanonymizer.simpledicomanonymizer import (
    delete,
    delete_or_empty,
    delete_or_empty_or_replace_UID,
    delete_or_replace,
    empty,
    empty_or_replace,
    initialize_actions,
    replace_UID,
)
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import UID

Action = Callable[[Dataset, tuple[int, int]], None]

EDITION = "dicomfields_2026c"
METHOD = "PS3.15 E Basic Application Confidentiality Profile"
DUMMY_TIMES = MappingProxyType({"DA": "19000101", "TM": "000000", "DT": "19000101000000"})
"""Where a time is of type 1; the library's own, in the year 1, are not admitted by PS3.5 6.2."""
_SINGLE, _GROUP_LENGTH = 2, 0


@dataclass(frozen=True, slots=True)
class Table:
    """Table E.1-1: what becomes of an element, by tag; repeating groups by tag and mask."""

    single: Mapping[tuple[int, int], Action]
    repeating: tuple[tuple[tuple[int, int, int, int], Action], ...]

    def action(self, tag: BaseTag) -> Action | None:
        """Return what the table says of ``tag``; None where it is not listed."""
        found = self.single.get((tag.group, tag.element))
        if found is not None:
            return found
        for (group, element, group_mask, element_mask), action in self.repeating:
            if tag.group & group_mask == group and tag.element & element_mask == element:
                return action
        return None


def basic_profile() -> Table:
    """Return the table of the edition that Discern was tested with."""
    actions = initialize_actions(EDITION)
    single = {tag: action for tag, action in actions.items() if len(tag) == _SINGLE}
    repeating = tuple(one for one in actions.items() if len(one[0]) != _SINGLE)
    return Table(MappingProxyType(single), repeating)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """New identifiers by HMAC-SHA256: the same key gives the same, and without it no way back."""

    key: bytes = field(repr=False)

    def uid(self, original: str) -> str:
        """Return a UID of the form 2.25.UUID (PS3.5 B.2), the UUID of version 8."""
        bits = bytearray(self._digest("uid", original)[:16])
        bits[6] = 0x80 | bits[6] & 0x0F
        bits[8] = 0x80 | bits[8] & 0x3F
        return f"2.25.{uuid.UUID(bytes=bytes(bits)).int}"

    def patient(self, original: str) -> str:
        """Return the new id of a patient, 16 hexadecimal digits."""
        return self._digest("patient", original).hex()[:16].upper()

    def _digest(self, kind: str, original: str) -> bytes:
        return hmac.digest(self.key, f"{kind}:{original}".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Deidentifier:
    """Applies the table with the pseudonyms of one key."""

    pseudonyms: Pseudonyms
    table: Table = field(default_factory=basic_profile)

    def clean(self, dataset: Dataset) -> None:
        """Change ``dataset`` and every item nested in it, in place."""
        for tag in list(dataset.keys()):
            if tag.is_private or tag.element == _GROUP_LENGTH:
                del dataset[tag]
            else:
                self._clean_element(dataset, dataset[tag])

    def mark(self, dataset: Dataset) -> None:
        """Say in ``dataset`` what was done to it (PS3.15 E.1.1)."""
        code = Dataset()
        code.CodeValue = "113100"
        code.CodingSchemeDesignator = "DCM"
        code.CodeMeaning = "Basic Application Confidentiality Profile"
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = METHOD
        dataset.DeidentificationMethodCodeSequence = [code]
        dataset.LongitudinalTemporalInformationModified = "REMOVED"

    def _clean_element(self, dataset: Dataset, element: DataElement) -> None:
        action = self.table.action(element.tag)
        if action is delete:
            del dataset[element.tag]
        elif element.VR == "SQ":
            self._clean_items(element, action)
        elif element.VR == "UI":
            self._clean_uid(element, action)
        elif element.VR in DUMMY_TIMES:
            _clean_time(dataset, element, action)
        elif action is not None:
            _apply(dataset, element, action)
        elif element.VR in {"PN", "UN"}:
            del dataset[element.tag]

    def _clean_items(self, element: DataElement, action: Action | None) -> None:
        if action not in (None, delete_or_empty_or_replace_UID):
            element.value = []
        for item in element.value:
            self.clean(item)

    def _clean_uid(self, element: DataElement, action: Action | None) -> None:
        several = element.value if isinstance(element.value, MultiValue) else [element.value]
        changed = [self._new_uid(str(one), action) for one in several if one]
        element.value = changed if len(changed) != 1 else changed[0]

    def _new_uid(self, original: str, action: Action | None) -> str:
        registered = UID(original).name != original
        return (
            original if registered and action is not replace_UID else self.pseudonyms.uid(original)
        )


def _clean_time(dataset: Dataset, element: DataElement, action: Action | None) -> None:
    """Remove a date or time, empty it (type 2), or put a dummy (type 1)."""
    if action in (None, delete_or_empty, delete_or_replace):
        del dataset[element.tag]
    elif action in (empty, empty_or_replace):
        element.value = ""
    else:
        element.value = DUMMY_TIMES[element.VR]


def _apply(dataset: Dataset, element: DataElement, action: Action) -> None:
    try:
        action(dataset, (element.tag.group, element.tag.element))
    except NotImplementedError:  # a kind of value for which the library has no dummy
        del dataset[element.tag]
