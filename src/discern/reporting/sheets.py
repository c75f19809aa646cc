"""One slice as drawn: its picture with boxes, cross-reference lines and what it cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.findings import AxialSlice, Detection, StudyFindings
from discern.imaging.geometry import EdgeLetters, edge_letters
from discern.imaging.study import Series, Slice
from discern.reporting.overlay import Rectangle, Segment, crossing, drawing_of
from discern.reporting.pictures import Scale
from discern.reporting.stack import Place, ShownSlice


@dataclass(frozen=True, slots=True)
class Mark:
    """One detection on one slice; ``disc`` is its row in the table, None when in no disc."""

    place: Rectangle
    detection: Detection
    disc: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where slice number ``of`` of the other viewer crosses this one; ``disc`` if it cuts one."""

    of: int
    line: Segment
    disc: int | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One slice as drawn; sizes in units of the drawing, ``units_per_cm`` None without spacing.

    ``cuts`` names what an axial slice shows; None for others, and where findings do not say.
    """

    series: Series
    slice_: Slice
    picture: str
    scale: Scale
    size: tuple[float, float]
    units_per_cm: float | None
    letters: EdgeLetters | None
    marks: tuple[Mark, ...]
    positions: tuple[Position, ...]
    cuts: AxialSlice | None


def lay_out(
    shown: Sequence[ShownSlice], others: Sequence[ShownSlice], findings: StudyFindings
) -> tuple[Sheet, ...]:
    """Lay out the slices of one viewer; ``others`` are those of the other."""
    names = _Names(findings)
    return tuple(_sheet(one, others, names) for one in shown)


class _Names:
    """The row of each box and slice, looked up by what they are."""

    def __init__(self, findings: StudyFindings) -> None:
        self.row_of = {
            one: row for row, disc in enumerate(findings.discs) for one in disc.detections
        }
        self.cuts = {(one.series, one.slice_index): one for one in findings.axial_slices}
        self._levels = [disc.level for disc in findings.discs]
        self.boxes: dict[Place, list[Detection]] = {}
        for one in findings.detections:
            self.boxes.setdefault((one.series, one.slice_index), []).append(one)

    def row_cut(self, place: Place) -> int | None:
        """Return the row of the disc that the axial slice at ``place`` cuts."""
        cut = self.cuts.get(place)
        return self._levels.index(cut.level) if cut and cut.level in self._levels else None


def _sheet(shown: ShownSlice, others: Sequence[ShownSlice], names: _Names) -> Sheet:
    slice_, drawing = shown.slice_, drawing_of(shown.slice_)
    lines = ((of, other, crossing(slice_, other.slice_)) for of, other in enumerate(others))
    return Sheet(
        series=shown.series,
        slice_=slice_,
        picture=shown.picture,
        scale=shown.scale,
        size=drawing.size,
        units_per_cm=drawing.units_per_mm and drawing.units_per_mm * 10,
        letters=None if slice_.geometry is None else edge_letters(slice_.geometry),
        marks=tuple(
            Mark(drawing.rectangle(one.box_xyxy_px), one, names.row_of.get(one.id))
            for one in names.boxes.get(shown.place, ())
        ),
        positions=tuple(
            Position(of, line, names.row_cut(other.place))
            for of, other, line in lines
            if line is not None
        ),
        cuts=names.cuts.get(shown.place),
    )
