"""What others published: the constants of the paper's Tables 4, 5 and 6 and of its section 3.2.

The paper is Wang et al., Automated diagnosis and grading of lumbar intervertebral disc degeneration
based on a modified YOLO framework, Front. Bioeng. Biotechnol. 13:1526478 (2025), CC BY 4.0.
Values are copied as printed, to two decimals; no interval was published.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from discern.spine import Label, PfirrmannGrade, Plane

PAPER = "Wang et al. (2025)"
SOURCE = "Wang et al., Front. Bioeng. Biotechnol. 13:1526478 (2025), CC BY 4.0"
FOOTNOTE = (
    "Bulging discs and grade 1 herniations of the earlier studies count as normal (footnote of the "
    "paper's Table 6); here, too, a bulging disc is not a herniation."
)

LesionPlane = tuple[Label, Plane]
Row = PfirrmannGrade | LesionPlane
"""What one row of Tables 4 and 5 is about."""

LESION_PLANES: tuple[LesionPlane, ...] = tuple(
    (label, plane)
    for label in (Label.HERNIATION, Label.HIZ)
    for plane in (Plane.SAGITTAL, Plane.AXIAL)
)
ROWS: tuple[Row, ...] = (*PfirrmannGrade, *LESION_PLANES)
_LESION_NAMES = {Label.HERNIATION: "Lumbar disc herniation", Label.HIZ: "High-intensity zone"}


@dataclass(frozen=True, slots=True)
class PublishedScores:
    """Precision, recall and F1 score as printed; F1 None where it was not."""

    precision: float
    recall: float
    f1: float | None = None


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of Table 6."""

    study: str
    precision: float
    recall: float


def row_name(row: Row) -> str:
    """Return the name of a row as Tables 4 and 5 print it.

    >>> row_name(PfirrmannGrade.II), row_name((Label.HIZ, Plane.AXIAL))
    ('Disc degeneration grade 2', 'High-intensity zone (axial)')
    """
    if isinstance(row, PfirrmannGrade):
        return f"Disc degeneration grade {int(row)}"
    return lesion_name(*row)


def lesion_name(label: Label, plane: Plane) -> str:
    """Return lesion and plane as the paper writes them."""
    return f"{_LESION_NAMES[label]} ({plane})"


def _nine(*printed: tuple[float, float, float]) -> Mapping[Row, PublishedScores]:
    """Return the nine rows of one table in the order of the paper."""
    return {row: PublishedScores(*scores) for row, scores in zip(ROWS, printed, strict=True)}


TABLE_4 = _nine(
    (0.92, 0.86, 0.89),
    (0.84, 0.88, 0.86),
    (0.90, 0.88, 0.89),
    (0.91, 0.88, 0.89),
    (0.78, 0.91, 0.84),
    (0.92, 0.90, 0.91),
    (0.90, 0.93, 0.91),
    (0.82, 0.88, 0.85),
    (0.82, 0.81, 0.81),
)
"""Internal test set: 42 patients, one Siemens scanner, slice by slice."""

TABLE_5 = _nine(
    (0.87, 0.84, 0.86),
    (0.84, 0.79, 0.82),
    (0.82, 0.85, 0.83),
    (0.85, 0.82, 0.83),
    (0.73, 0.87, 0.79),
    (0.86, 0.88, 0.87),
    (0.92, 0.91, 0.91),
    (0.84, 0.78, 0.81),
    (0.74, 0.77, 0.75),
)
"""External test set: 52 patients, one GE scanner, slice by slice."""

DISC_WISE_INTERNAL: Mapping[Row, PublishedScores] = {
    (Label.HERNIATION, Plane.SAGITTAL): PublishedScores(0.84, 0.94),
    (Label.HERNIATION, Plane.AXIAL): PublishedScores(0.85, 0.94),
    (Label.HIZ, Plane.SAGITTAL): PublishedScores(0.79, 0.86),
    (Label.HIZ, Plane.AXIAL): PublishedScores(0.84, 0.89),
}
"""Section 3.2."""

DISC_WISE_EXTERNAL: Mapping[Row, PublishedScores] = {
    (Label.HERNIATION, Plane.SAGITTAL): PublishedScores(0.79, 0.92),
    (Label.HERNIATION, Plane.AXIAL): PublishedScores(0.87, 0.91),
    (Label.HIZ, Plane.SAGITTAL): PublishedScores(0.78, 0.78),
    (Label.HIZ, Plane.AXIAL): PublishedScores(0.70, 0.83),
}
"""Section 3.3."""

ACCEPTABLE: Mapping[Plane, float] = {Plane.SAGITTAL: 0.968, Plane.AXIAL: 0.930}
"""Section 3.2: share of slices that a senior surgeon found clinically acceptable."""

KAPPA_LINEAR: Mapping[str, float] = {
    f"{PAPER}, model": 0.84,
    f"{PAPER}, reader 1 (postgraduate student)": 0.79,
    f"{PAPER}, reader 2 (attending clinician)": 0.85,
}
"""Section 3.2: linearly weighted kappa of the Pfirrmann grade against the ground truth."""

TABLE_6_AXIAL_HERNIATION = (
    PublishedRow("Su et al. (2022)", 0.80, 0.71),
    PublishedRow("Sustersic et al. (2022)", 1.00, 0.95),
    PublishedRow("Zhang et al. (2023)", 0.78, 0.83),
    PublishedRow(PAPER, 0.90, 0.93),
)
TABLE_6_GRADING = (
    PublishedRow("Natalia et al. (2024)", 0.88, 0.88),
    PublishedRow("Gao et al. (2021)", 0.86, 0.86),
    PublishedRow(PAPER, 0.88, 0.88),
)
