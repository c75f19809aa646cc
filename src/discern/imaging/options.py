"""What a user may say about an input beside where it lies."""

from dataclasses import dataclass

from discern.spine import Plane


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Choices that override what the files say or what Discern would choose.

    Attributes:
        study: StudyInstanceUID to read where an input holds several.
        series: Ids or SeriesInstanceUIDs to read, whatever their weighting.
        plane: Plane of images that do not state their orientation.
    """

    study: str | None = None
    series: tuple[str, ...] = ()
    plane: Plane | None = None


NO_OPTIONS = ReadOptions()
