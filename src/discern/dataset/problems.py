"""What can be wrong with a data set: kinds, each with its severity and remedy, and their table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from discern.evaluation.table_formats import Table
from discern.imaging.files import natural_key, plain_text


class Severity(StrEnum):
    """Whether training and evaluation can be trusted all the same."""

    ERROR = "error"
    WARNING = "warning"


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


class Kind(Enum):
    """Kind of a problem: (what it is, severity, what to do); errors before warnings."""

    NO_DATA = ("nothing to check", _ERROR, "needs images/ and annotations/, NAME.png and NAME.json")
    LEAK = ("patient in two parts", _ERROR, "make the split anew: discern dataset split")
    COPY = (
        "same picture of two patients",
        _ERROR,
        "if it is one person, give the files one patient name; else remove one file",
    )
    SPLIT = ("split cannot be used", _ERROR, "make the split anew: discern dataset split")
    UNREADABLE = ("annotation cannot be read", _ERROR, "annotate the image again with LabelMe 5")
    VERSION = ("unknown LabelMe version", _ERROR, "open and save the file with LabelMe 5")
    UNREADABLE_IMAGE = ("image cannot be read", _ERROR, "export the image again as PNG")
    LONE_ANNOTATION = ("annotation without image", _ERROR, "add the image, or remove the file")
    TWO_IMAGES = ("two images of one name", _ERROR, "keep one of them")
    SIZE = ("image and annotation differ in size", _ERROR, "annotate the image as it is now")
    LABEL = ("unknown label", _ERROR, "rename to pfirrmann_1 ... pfirrmann_5, herniation or hiz")
    SHAPE = ("shape that cannot be used", _ERROR, "draw a rectangle or polygon; group_id a number")
    NO_AREA = ("box without area inside the image", _ERROR, "draw it again, or delete it")
    AXIAL_GRADE = (
        "grade on an axial slice",
        _ERROR,
        "delete the box, or correct the flag axial: grades are defined on sagittal slices",
    )
    TWO_GRADES = ("two grades on one disc", _ERROR, "keep one box; correct label or group_id")
    FLAG = ("unusable flag annotated_classes", _ERROR, "give a list of labels, or remove the flag")
    DISCS_FLAG = ("unusable flag discs", _ERROR, "give a list of numbers, or remove the flag")
    TABLE = ("table cannot be used", _ERROR, "correct the row named")
    ONE_PATIENT = (
        "one patient only",
        _ERROR,
        "add patients: nothing can be tested on the patient it was learned from; the patient is "
        "the part of the file name before the first _",
    )
    CLIPPED = ("box reaches out of the image", _WARNING, "clipped when read; check the drawing")
    UNLISTED = ("box of a class not listed as annotated", _WARNING, "ignored; list the class")
    NO_BOX = ("annotation without a box", _WARNING, "counts as an image without any finding")
    UNANNOTATED = ("image without annotation", _WARNING, "not used; annotate it to use it")
    BLANK = ("image without contrast", _WARNING, "export the image again, or remove it")
    REPEATED = ("same image twice in one patient", _WARNING, "counts twice; remove one")
    OTHER_IMAGE = ("annotation names another image", _WARNING, "make sure the boxes fit the image")
    CHANGING_GRADE = (
        "disc with several grades in one patient",
        _WARNING,
        "right where slices differ; else correct label or group_id",
    )
    ABSENT_CLASS = ("class absent", _WARNING, "cannot be learned or judged; its figures are null")
    UNKNOWN_PATIENT = ("patient missing from a table", _WARNING, "add the row, or leave unknown")
    UNUSED = ("patients in no part of the split", _WARNING, "not used; make the split anew")
    EMPTY_PART = ("part of the split without patients", _WARNING, "add patients to the part")
    TESTED_TWICE = ("patients tested in two splits", _WARNING, "right for repeats; not for folds")

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return self.value[0]

    @property
    def severity(self) -> Severity:
        """Error or warning."""
        return self.value[1]

    @property
    def remedy(self) -> str:
        """What to do."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its kind, the file or patient (relative to the data set), and what was found."""

    kind: Kind
    place: str
    found: str


def errors_in(problems: Sequence[Problem]) -> int:
    """Return the number of errors among ``problems``."""
    return sum(problem.kind.severity is Severity.ERROR for problem in problems)


def problem_tables(name: str, problems: Sequence[Problem]) -> tuple[Table, Table]:
    """Return the kinds with counts and remedies, and every problem with its file."""
    counts = Counter(problem.kind for problem in problems)
    errors = errors_in(problems)
    kinds = Table(
        "problems-by-kind",
        f"{name}: {counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}",
        ("Problem", "Severity", "Count", "Remedy"),
        tuple(
            (kind.title, str(kind.severity), counts[kind], kind.remedy)
            for kind in Kind
            if kind in counts
        ),
    )
    order = list(Kind)
    ordered = sorted(problems, key=lambda one: (order.index(one.kind), natural_key(one.place)))
    listed = Table(
        "problems",
        f"{name}: every problem",
        ("Problem", "File", "Found"),
        tuple((p.kind.title, plain_text(p.place), plain_text(p.found)) for p in ordered),
    )
    return kinds, listed


def counted(count: int, what: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "error"), counted(3, "error")
    ('1 error', '3 errors')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
