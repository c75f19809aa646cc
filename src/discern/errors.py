"""Everything Discern raises on purpose: one tree, each leaf with the exit status a user sees.

::

    DiscernError                 exit 2
    ├── InputError               2   a file or folder that cannot be used as given
    │   ├── UnreadableFile       2   truncated, corrupt, unknown format, unsupported transfer syntax
    │   ├── UnsafeArchive        2   zip bomb, encryption, a path that leaves the root
    │   └── SeveralStudies       2   two patients or studies in one input
    ├── NothingToAnalyze         3   readable, but no slice that Discern reads
    │   ├── NoImages             3   empty folder, no MR image
    │   ├── NoUsableSeries       3   only T1, only localisers, no sagittal T2
    │   └── UnfitStudy           3   no lumbar T2 study; --series reads it all the same
    │       ├── OtherBodyPart    3   its files state another part of the body
    │       ├── NoLumbarSpine    3   too few discs, no bodies between them, too small a spine
    │       ├── NotT2Weighted    3   the fluid in the canal is not bright
    │       └── MetalVoids       3   implants hide too much of the spine
    ├── UsageError               2   options that contradict each other or the input
    ├── OutputError              2   the output cannot be written
    ├── WeightsError             2   weights missing, damaged or of another schema
    ├── DatasetError             2   annotations, splits or predictions that cannot be used
    ├── TrainingError            2   a training that cannot go on; its last epoch is kept
    └── DeliveryError            2   a document that a PACS did not take

Messages name the file (relative to the input) and the remedy. Anything else that escapes is a
bug and ends with exit status 1.
"""

from typing import ClassVar


class DiscernError(Exception):
    """Root of every deliberate error; ``exit_status`` is what the command line returns."""

    exit_status: ClassVar[int] = 2


class InputError(DiscernError):
    """The input cannot be used as given."""


class UnreadableFile(InputError):
    """A file is truncated, corrupt, of an unknown format or of an unsupported transfer syntax."""


class UnsafeArchive(InputError):
    """An archive or DICOMDIR is encrypted, oversized or points outside its root."""


class SeveralStudies(InputError):
    """Two patients or studies were found where one was expected."""


class NothingToAnalyze(DiscernError):
    """The input is readable but holds nothing that Discern analyzes."""

    exit_status: ClassVar[int] = 3


class NoImages(NothingToAnalyze):
    """No MR image was found."""


class NoUsableSeries(NothingToAnalyze):
    """There are MR images, but no sagittal T2-weighted series among them."""


class UnfitStudy(NothingToAnalyze):
    """A sagittal series that is no lumbar T2 series, and that nobody has named by hand."""


class OtherBodyPart(UnfitStudy):
    """The files state another part of the body (BodyPartExamined)."""


class NoLumbarSpine(UnfitStudy):
    """The network finds too few discs, no vertebral bodies between them, or too small a spine."""


class NotT2Weighted(UnfitStudy):
    """The fluid in the canal is not bright, whatever the files say of the contrast."""


class MetalVoids(UnfitStudy):
    """Signal voids, as implants leave them, take too much of the spine."""


class UsageError(DiscernError):
    """Options contradict each other or do not fit the input."""


class OutputError(DiscernError):
    """The output cannot be written."""


class WeightsError(DiscernError):
    """The weights file is missing, damaged or of another schema."""


class DatasetError(DiscernError):
    """Annotations, splits or predictions cannot be used."""


class TrainingError(DiscernError):
    """Training cannot go on: the loss is not a number, or a run of several failed."""


class DeliveryError(DiscernError):
    """A PACS did not take a document; ``temporary`` says whether sending it again may help."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        """Keep the message and whether another try may help."""
        super().__init__(message)
        self.temporary = temporary
