"""What the two viewers of the report hold: slices as drawn, with boxes and cross-reference lines.

Everything is laid out here, so the script of the page only shows, hides and moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.findings import Detection, DiscFinding, StudyFindings
from discern.imaging.geometry import EdgeLetters, edge_letters
from discern.imaging.study import Series, Slice, Study
from discern.reporting.overlay import Rectangle, Segment, crossing, drawing_of
from discern.reporting.pictures import Scale
from discern.reporting.stack import ShownSlice, read_stack
from discern.spine import Plane

_NO_GEOMETRY = (
    "The files do not say where slices lie in the patient: orientation letters and the positions"
    " of the other plane are missing."
)
_MAX_AXIAL_GAP_MM = 12.0  # an axial slice farther from the disc centre is not of that disc


@dataclass(frozen=True, slots=True)
class Mark:
    """One detection on one slice; ``disc`` is its row in the table, None when in no disc."""

    place: Rectangle
    detection: Detection
    disc: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where slice number ``of`` of the other viewer crosses this one."""

    of: int
    line: Segment


@dataclass(frozen=True, slots=True)
class Sheet:
    """One slice as drawn; sizes in units of the drawing, ``units_per_cm`` None without spacing."""

    series: Series
    slice_: Slice
    picture: str
    scale: Scale
    size: tuple[float, float]
    units_per_cm: float | None
    letters: EdgeLetters | None
    marks: tuple[Mark, ...]
    positions: tuple[Position, ...]


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
class Viewers:
    """Both viewers; ``sagittal_of`` and ``axial_of`` give the sheet to show for each disc."""

    sagittal: Viewer | None
    axial: Viewer | None
    sagittal_of: tuple[int | None, ...]
    axial_of: tuple[int | None, ...]


def build_viewers(findings: StudyFindings, study: Study) -> Viewers:
    """Decode and lay out the used series; slices that cannot be decoded are left out and noted."""
    best = [_best_slice(disc, findings) for disc in findings.discs]
    sagittal, sagittal_notes = read_stack(study, Plane.SAGITTAL, best)
    axial, axial_notes = read_stack(study, Plane.AXIAL, [])
    sagittal_sheets = _sheets(sagittal, axial, findings)
    axial_sheets = _sheets(axial, sagittal, findings)
    places = {(s.series.id, s.slice_.index): i for i, s in enumerate(sagittal)}
    return Viewers(
        sagittal=_viewer(Plane.SAGITTAL, sagittal_sheets, sagittal_notes),
        axial=_viewer(Plane.AXIAL, axial_sheets, axial_notes),
        sagittal_of=tuple(None if key is None else places.get(key) for key in best),
        axial_of=tuple(_nearest(disc, [one.slice_ for one in axial]) for disc in findings.discs),
    )


def _best_slice(disc: DiscFinding, findings: StudyFindings) -> tuple[str, int] | None:
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


def _sheets(
    shown: Sequence[ShownSlice], others: Sequence[ShownSlice], findings: StudyFindings
) -> tuple[Sheet, ...]:
    disc_of = {one: row for row, disc in enumerate(findings.discs) for one in disc.detections}
    return tuple(_sheet(one, others, findings.detections, disc_of) for one in shown)


def _sheet(
    shown: ShownSlice,
    others: Sequence[ShownSlice],
    detections: Sequence[Detection],
    disc_of: dict[str, int],
) -> Sheet:
    slice_, drawing = shown.slice_, drawing_of(shown.slice_)
    lines = ((of, crossing(slice_, other.slice_)) for of, other in enumerate(others))
    return Sheet(
        series=shown.series,
        slice_=slice_,
        picture=shown.picture,
        scale=shown.scale,
        size=drawing.size,
        units_per_cm=drawing.units_per_mm and drawing.units_per_mm * 10,
        letters=None if slice_.geometry is None else edge_letters(slice_.geometry),
        marks=tuple(
            Mark(drawing.rectangle(one.box_xyxy_px), one, disc_of.get(one.id))
            for one in detections
            if (one.series, one.slice_index) == (shown.series.id, slice_.index)
        ),
        positions=tuple(Position(of, line) for of, line in lines if line is not None),
    )


def _viewer(plane: Plane, sheets: tuple[Sheet, ...], notes: tuple[str, ...]) -> Viewer | None:
    """Start on the slice that shows most discs, of those the middle one; else mid-stack."""
    if not sheets:
        return None
    discs = [len({mark.disc for mark in sheet.marks} - {None}) for sheet in sheets]
    fullest = [i for i, count in enumerate(discs) if count == max(discs)]
    if any(sheet.letters is None for sheet in sheets):
        notes = (*notes, _NO_GEOMETRY)
    return Viewer(plane, sheets, first=fullest[len(fullest) // 2], notes=notes)


def _nearest(disc: DiscFinding, slices: Sequence[Slice]) -> int | None:
    """Return the position of the slice whose matrix holds the disc centre, nearest in mm."""
    if disc.center_lps_mm is None:
        return None
    center = np.array([disc.center_lps_mm])
    gaps = [(_gap_mm(one, center), position) for position, one in enumerate(slices)]
    gap_mm, position = min(gaps, default=(np.inf, -1))
    return position if gap_mm <= _MAX_AXIAL_GAP_MM else None


def _gap_mm(slice_: Slice, center_lps_mm: np.ndarray) -> float:
    """Return the distance of the (1, 3) place from the slice; infinite beside its matrix."""
    if slice_.geometry is None:
        return float("inf")
    x, y = slice_.geometry.lps_to_pixel(center_lps_mm)[0]
    rows, columns = slice_.shape_px
    inside = 0 <= x <= columns and 0 <= y <= rows
    return abs(float(slice_.geometry.distance_mm(center_lps_mm)[0])) if inside else float("inf")
