"""One verdict per disc and lesion from every plane, with what each plane said kept.

A plane is assessed when its head was trained for it and a slice of it shows the disc. The lesion is
present when one slice of an assessed plane shows it (paper, section 2.6). Sagittal slices say
nothing of side and zone: these come from the surest axial box.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from discern.decisions import LesionCalibration
from discern.findings import (
    NOT_ASSESSED,
    LesionFinding,
    LesionStatus,
    PlaneEvidence,
    Side,
    Zone,
)
from discern.imaging.study import Series, slices_after_gap
from discern.inference.axial import PlacedSeries
from discern.inference.axial_reading import AxialReading
from discern.inference.fusion import DiscEvidence
from discern.inference.tracks import PlacedBox
from discern.networks import TrainedOn
from discern.postprocess import join_probabilities
from discern.spine import Label, Level, Plane
from discern.weights import WeightsMetadata

SAME_PLACE = 0.3
"""Of the length of a disc, some 10 mm: boxes on neighbouring slices no farther apart are one."""


@dataclass(frozen=True, slots=True)
class SeenLesion:
    """A lesion box on one slice of a disc; side and zone on axial slices only."""

    series: str
    slice_index: int
    score: float
    side: Side | None = None
    zone: Zone | None = None
    place: tuple[float, float] | None = None
    """Towards posterior and head, in lengths of the disc; None where it is not compared."""


@dataclass(frozen=True, slots=True)
class PlaneView:
    """What one plane shows of one disc.

    Attributes:
        plane: The plane.
        slices: How many slices show the disc.
        lesions: The lesion boxes on them.
        after_gap: (series, index) of slices that do not neighbour the one before them.
    """

    plane: Plane
    slices: int
    lesions: tuple[SeenLesion, ...] = ()
    after_gap: frozenset[tuple[str, int]] = frozenset()

    @property
    def positive(self) -> list[tuple[str, int]]:
        """(series, index) of the slices that show the lesion, in order."""
        return sorted({(one.series, one.slice_index) for one in self.lesions})

    @property
    def score(self) -> float | None:
        """Best score, None without a box."""
        return max((one.score for one in self.lesions), default=None)


def sagittal_view(disc: DiscEvidence, label: Label, series: Series | None) -> PlaneView:
    """Return what the sagittal ``series`` shows of a disc."""
    boxes = disc.lesions_called(label)
    length = disc.track.size[0]
    seen = tuple(
        SeenLesion("", box.slice_index, box.selected.score, place=_place_of(box, length))
        for box in boxes
    )
    gaps = slices_after_gap(series) if series else ()
    return PlaneView(
        Plane.SAGITTAL, len(disc.track.boxes), seen, frozenset(("", index) for index in gaps)
    )


def _place_of(box: PlacedBox, length: float) -> tuple[float, float]:
    posterior, head = (box.center[1:] / length).tolist()
    return posterior, head


def axial_view(
    level: Level, label: Label, placed: Sequence[PlacedSeries], reading: AxialReading
) -> PlaneView:
    """Return what the axial slices that cross a disc show of it.

    Slices that could not be read do not count; where the network was not run at all, every slice
    that crosses the disc does.
    """
    crossing = {
        (one.named.series, one.named.slice_index)
        for series in placed
        for one in series.slices
        if one.named.level is level
    }
    seen = tuple(
        SeenLesion(box.series, box.slice_index, box.score, lesion.side, lesion.zone)
        for lesion in reading.lesions
        if (box := lesion.detection).level is level and box.label is label
    )
    shown = crossing & reading.read if reading.read else crossing
    gaps = frozenset(
        (one.series.id, index) for one in placed for index in slices_after_gap(one.series)
    )
    return PlaneView(Plane.AXIAL, len(shown), seen, gaps)


def lesion_finding(
    label: Label,
    views: Sequence[PlaneView],
    about: WeightsMetadata,
    calibrations: Sequence[LesionCalibration] = (),
) -> LesionFinding:
    """Return the verdict on one lesion of one disc.

    Args:
        label: The lesion.
        views: What each plane shows of the disc, at most one for a plane.
        about: What the heads were trained on: one that contributes and has not seen a reader's
            own labels makes the verdict experimental.
        calibrations: Those of the weights; a plane without one adds nothing to the probability.
    """
    by_plane = tuple(_evidence(label, view, about, calibrations) for view in views)
    assessed = [one.plane for one in by_plane if one.status is not LesionStatus.NOT_ASSESSED]
    if not assessed:
        return LesionFinding(NOT_ASSESSED.status, by_plane=by_plane)
    counted = [view for view in views if view.plane in assessed]
    showing = tuple(view.plane for view in counted if view.lesions)
    scores = [view.score for view in counted if view.score is not None]
    side, zone = _place(counted)
    return LesionFinding(
        status=LesionStatus.PRESENT if showing else LesionStatus.ABSENT,
        experimental=any(about.trained_on(label, p) is not TrainedOn.REAL for p in assessed),
        score=max(scores, default=None),
        planes=showing,
        side=side,
        zone=zone,
        consecutive_slices=max(longest_run(view.lesions, view.after_gap) for view in counted),
        probability=_joint(label, by_plane, calibrations),
        by_plane=by_plane,
    )


def _evidence(
    label: Label,
    view: PlaneView,
    about: WeightsMetadata,
    calibrations: Sequence[LesionCalibration],
) -> PlaneEvidence:
    trained = about.trained_on(label, view.plane) is not TrainedOn.NOTHING
    if not trained or not view.slices:
        return PlaneEvidence(view.plane, LesionStatus.NOT_ASSESSED, slices=view.slices)
    calibration = _calibration(label, view.plane, calibrations)
    return PlaneEvidence(
        plane=view.plane,
        status=LesionStatus.PRESENT if view.lesions else LesionStatus.ABSENT,
        score=view.score,
        probability=calibration.probability(view.score) if calibration else None,
        slices=view.slices,
        positive_slices=len(view.positive),
    )


def _calibration(
    label: Label, plane: Plane, calibrations: Sequence[LesionCalibration]
) -> LesionCalibration | None:
    return next((c for c in calibrations if (c.label, c.plane) == (label, plane)), None)


def _joint(
    label: Label, by_plane: Sequence[PlaneEvidence], calibrations: Sequence[LesionCalibration]
) -> float | None:
    """Return the joint probability of the calibrated planes, None without any."""
    probabilities, prevalences = [], []
    for one in by_plane:
        calibration = _calibration(label, one.plane, calibrations)
        if calibration is not None and one.probability is not None:
            probabilities.append(one.probability)
            prevalences.append(calibration.prevalence)
    return join_probabilities(probabilities, prevalences) if probabilities else None


def _place(views: Iterable[PlaneView]) -> tuple[Side | None, Zone | None]:
    """Return side and zone of the surest box that has them."""
    placed = [one for view in views for one in view.lesions if one.side is not None]
    surest = max(placed, key=lambda one: one.score, default=None)
    return (surest.side, surest.zone) if surest else (None, None)


def longest_run(
    lesions: Sequence[SeenLesion], after_gap: frozenset[tuple[str, int]] = frozenset()
) -> int:
    """Return on how many neighbouring slices of one series a lesion is seen at one place.

    Slices ``after_gap`` neighbour the next one only. Boxes farther apart within their slices than
    ``SAME_PLACE`` of the disc's length show two lesions.

    >>> longest_run([SeenLesion("s1", index, 0.5) for index in (2, 3, 4, 8)])
    3
    >>> longest_run([SeenLesion("s1", index, 0.5) for index in (2, 3)], frozenset({("s1", 3)}))
    1
    """
    runs: dict[tuple[str, int], list[tuple[SeenLesion, int]]] = {}
    for lesion in sorted(lesions, key=lambda one: (one.series, one.slice_index)):
        here = lesion.series, lesion.slice_index
        before = [] if here in after_gap else runs.get((lesion.series, lesion.slice_index - 1), [])
        joined = [run for other, run in before if _is_same_place(lesion, other)]
        runs.setdefault(here, []).append((lesion, 1 + max(joined, default=0)))
    return max((run for some in runs.values() for _, run in some), default=0)


def _is_same_place(one: SeenLesion, other: SeenLesion) -> bool:
    if one.place is None or other.place is None:
        return True
    return math.dist(one.place, other.place) <= SAME_PLACE
