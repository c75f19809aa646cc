"""What the two viewers of the report hold: slices as drawn, with boxes and cross-reference lines.

Everything is laid out here, so the script of the page only shows, hides and moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.findings import DiscFinding, StudyFindings
from discern.imaging.study import Series, Study
from discern.reporting.sheets import Sheet, lay_out
from discern.reporting.stack import Place, read_stack
from discern.spine import Level, Plane

_NO_GEOMETRY = (
    "The files do not say where slices lie in the patient: orientation letters and the positions"
    " of the other plane are missing."
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A stack of sheets, the one shown first, and what was left out, in plain words."""

    plane: Plane
    sheets: tuple[Sheet, ...]
    first: int
    notes: tuple[str, ...]

    @property
    def has_marks(self) -> bool:
        """Whether any sheet carries a box."""
        return any(sheet.marks for sheet in self.sheets)

    @property
    def has_positions(self) -> bool:
        """Whether the other plane crosses any sheet."""
        return any(sheet.positions for sheet in self.sheets)

    @property
    def starts(self) -> tuple[tuple[Series, int], ...]:
        """Each series of the stack with its first sheet."""
        series = [sheet.series.id for sheet in self.sheets]
        return tuple((self.sheets[i].series, i) for i in map(series.index, dict.fromkeys(series)))


@dataclass(frozen=True, slots=True)
class Shown:
    """The sheets of one viewer that show one disc, and the first to look at; None where none do."""

    sheets: tuple[int, ...] = ()
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Viewers:
    """Both viewers; ``sagittal_of`` and ``axial_of`` give the sheets of each disc."""

    sagittal: Viewer | None
    axial: Viewer | None
    sagittal_of: tuple[Shown, ...]
    axial_of: tuple[Shown, ...]


def build_viewers(findings: StudyFindings, study: Study) -> Viewers:
    """Decode and lay out the used series; slices that cannot be decoded are left out and noted."""
    best = [_best_slice(disc, findings) for disc in findings.discs]
    middle = [_middle_slice(disc.level, findings) for disc in findings.discs]
    sagittal, sagittal_notes = read_stack(study, Plane.SAGITTAL, best)
    axial, axial_notes = read_stack(study, Plane.AXIAL, middle)
    sagittal_sheets = lay_out(sagittal, axial, findings)
    axial_sheets = lay_out(axial, sagittal, findings)
    return Viewers(
        sagittal=_viewer(Plane.SAGITTAL, sagittal_sheets, sagittal_notes),
        axial=_viewer(Plane.AXIAL, axial_sheets, axial_notes),
        sagittal_of=tuple(_marked(row, sagittal_sheets, key) for row, key in enumerate(best)),
        axial_of=tuple(
            _cut(disc.level, axial_sheets, key)
            for disc, key in zip(findings.discs, middle, strict=True)
        ),
    )


def _best_slice(disc: DiscFinding, findings: StudyFindings) -> Place | None:
    """Return series and slice index of the disc's best-scored sagittal grade box."""
    own = set(disc.detections)
    boxes = [
        one
        for one in findings.detections
        if one.id in own and one.plane is Plane.SAGITTAL and one.label.grade is not None
    ]
    if not boxes:
        return None
    best = max(boxes, key=lambda one: (one.score, -one.slice_index))
    return best.series, best.slice_index


def _middle_slice(level: Level, findings: StudyFindings) -> Place | None:
    """Return the middle of the axial slices that cut the disc, in the first series that has one."""
    own = [(one.series, one.slice_index) for one in findings.axial_slices if one.level is level]
    of_series = [place for place in own if place[0] == own[0][0]]
    return of_series[len(of_series) // 2] if of_series else None


def _marked(row: int, sheets: Sequence[Sheet], best: Place | None) -> Shown:
    """Return the sheets with a box of the disc."""
    own = tuple(i for i, one in enumerate(sheets) if any(mark.disc == row for mark in one.marks))
    return Shown(own, _found(sheets, best))


def _cut(level: Level, sheets: Sequence[Sheet], middle: Place | None) -> Shown:
    """Return the axial sheets that cut the disc."""
    own = tuple(i for i, one in enumerate(sheets) if one.cuts and one.cuts.level is level)
    first = _found(sheets, middle)
    return Shown(own, own[len(own) // 2] if own and first is None else first)


def _found(sheets: Sequence[Sheet], place: Place | None) -> int | None:
    places = [(one.series.id, one.slice_.index) for one in sheets]
    return places.index(place) if place in places else None


def _viewer(plane: Plane, sheets: tuple[Sheet, ...], notes: tuple[str, ...]) -> Viewer | None:
    """Start on the slice that shows most discs, of those the middle one; else mid-stack."""
    if not sheets:
        return None
    discs = [len({mark.disc for mark in sheet.marks} - {None}) for sheet in sheets]
    fullest = [i for i, count in enumerate(discs) if count == max(discs)]
    if any(sheet.letters is None for sheet in sheets):
        notes = (*notes, _NO_GEOMETRY)
    return Viewer(plane, sheets, first=fullest[len(fullest) // 2], notes=notes)
