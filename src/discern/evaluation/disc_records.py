"""What a reader said of each disc on the whole examination, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass

from discern.spine import Label


@dataclass(frozen=True, slots=True)
class DiscRecord:
    """One disc of one patient; None where the table has no such column or no entry."""

    herniation: bool | None = None
    hiz: bool | None = None
    bulging: bool | None = None

    def shows(self, lesion: Label) -> bool | None:
        """Return whether the reader saw ``lesion`` on this disc.

        >>> DiscRecord(herniation=True).shows(Label.HERNIATION)
        True
        """
        return {Label.HERNIATION: self.herniation, Label.HIZ: self.hiz}[lesion]


DiscRecords = Mapping[tuple[str, int], DiscRecord]
"""(patient, number of the disc) -> record; empty where a data set has no table of discs."""
