"""What the report says of each disc, and which slices of the two viewers show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.findings import DiscFinding, LesionStatus, StudyFindings
from discern.imaging.study import Study
from discern.reporting.anchor import Choice, anchor_choices
from discern.reporting.measures import Measure, measures_of, why_unmeasured
from discern.reporting.viewers import Shown, Viewers
from discern.spine import vertebra_above, vertebra_below

DOUBTFUL_BELOW = 0.9


@dataclass(frozen=True, slots=True)
class Row:
    """One disc of the report.

    Attributes:
        disc: What the findings say.
        doubtful: Whether its name is in doubt.
        sagittal: Sheets of the sagittal viewer that show it, and the one to show first.
        axial: The same of the axial viewer: the slices that cut it, the middle one first.
        measures: Its quantities; empty with ``unmeasured`` saying why.
        unmeasured: Empty where there are quantities.
        choices: The names it could be given, with their commands.
    """

    disc: DiscFinding
    doubtful: bool
    sagittal: Shown
    axial: Shown
    measures: tuple[Measure, ...]
    unmeasured: str
    choices: tuple[Choice, ...]


def build_rows(findings: StudyFindings, study: Study, viewers: Viewers) -> list[Row]:
    """Return one row per disc, head to foot."""
    discs = findings.discs
    doubtful = findings.numbering.confidence < DOUBTFUL_BELOW
    return [
        Row(
            disc=disc,
            doubtful=doubtful or disc.level_confidence < DOUBTFUL_BELOW,
            sagittal=viewers.sagittal_of[index],
            axial=viewers.axial_of[index],
            measures=measures_of(discs, index),
            unmeasured="" if disc.quantities else why_unmeasured(discs, study),
            choices=anchor_choices(discs, index),
        )
        for index, disc in enumerate(discs)
    ]


def doubtful_names(rows: Sequence[Row]) -> frozenset[str]:
    """Return the names of discs in doubt and of the vertebrae beside them."""
    levels = [row.disc.level for row in rows if row.doubtful]
    beside = [name(level) for level in levels for name in (vertebra_above, vertebra_below)]
    return frozenset(map(str, (*levels, *beside)))


def first_choice(rows: Sequence[Row]) -> int | None:
    """Return the disc to open with: herniated before others, then the highest grade, the lowest.

    A grade that the model does not vouch for counts as none.
    """

    def severity(index: int) -> tuple[bool, int, int]:
        disc = rows[index].disc
        found = disc.pfirrmann
        grade = found.grade.value if found and not found.abstain else 0
        return disc.herniation.status is LesionStatus.PRESENT, grade, index

    return max(range(len(rows)), key=severity, default=None)
