"""Which series are read: one sagittal T2 and every axial T2, with the reason kept.

Sagittal series are ranked T2 spin echo, fat-suppressed T2, then STIR and Dixon (Pfirrmann grades
were defined on T2 spin echo), then two-dimensional before three-dimensional, original before
derived, finer before coarser, and by UID.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from discern.errors import NoUsableSeries, OtherBodyPart, UsageError
from discern.findings import StudyWarning
from discern.imaging.study import Series
from discern.imaging.weighting import DixonPart
from discern.spine import Plane, Weighting

_RANK = {
    Weighting.T2: 0,
    Weighting.T2_FAT_SUPPRESSED: 1,
    Weighting.STIR: 2,
    Weighting.T2_DIXON: 2,
    Weighting.UNKNOWN: 3,
}
_AXIAL_WEIGHTINGS = {Weighting.T2, Weighting.T2_FAT_SUPPRESSED, Weighting.T2_DIXON}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series with what the selection weighs beside its plane and weighting.

    Attributes:
        contrast_reason: The weighting in plain words.
        unreadable_contrast: The contrast is known, and it is none that Discern reads.
        localizer: Why the series is a localiser, empty when it is none.
        elsewhere: The description or BodyPartExamined names another part of the body.
        other_part: BodyPartExamined where it states one that no lumbar study has, else empty.
    """

    series: Series
    contrast_reason: str
    unreadable_contrast: bool = False
    localizer: str = ""
    elsewhere: bool = False
    other_part: str = ""
    derived: bool = False
    three_dimensional: bool = False
    dixon_part: DixonPart | None = None

    @property
    def described(self) -> str:
        """Plane and contrast in plain words: "sagittal T2 spin echo: TE 102 ms, TR 3500 ms"."""
        return f"{self.series.plane} {self.contrast_reason}"

    @property
    def pixel_area_mm2(self) -> float:
        """Area of one pixel; infinite where the spacing is not stated."""
        spacing_mm = self.series.slices[0].spacing_mm
        return float("inf") if spacing_mm is None else spacing_mm[0] * spacing_mm[1]


@dataclass(frozen=True, slots=True)
class Selection:
    """Every series with ``used`` and ``reason`` filled, and what the reader must know."""

    series: tuple[Series, ...]
    warnings: tuple[StudyWarning, ...]


def select(
    candidates: Sequence[Candidate], named: Sequence[str] = (), *, axial_alone: bool = False
) -> Selection:
    """Choose the series to read.

    Args:
        candidates: The series of the study.
        named: Ids or series UIDs that replace the automatic choice in their planes.
        axial_alone: Accept a study without sagittal series: the plane was given by hand.

    Raises:
        UsageError: A named series does not exist, or is neither sagittal nor axial.
        NoUsableSeries: No sagittal series that Discern reads.
        OtherBodyPart: The best one states another part of the body, and nobody named it.
    """
    by_hand = _named(candidates, named)
    sagittal = _choose_sagittal(candidates, by_hand)
    axial = _choose_axial(candidates, by_hand)
    wants_axial = axial_alone or any(one in by_hand for one in axial)
    if sagittal is None and not (wants_axial and axial):
        raise NoUsableSeries(_nothing_usable(candidates))
    if sagittal is not None and sagittal.other_part and sagittal not in by_hand:
        raise OtherBodyPart(_of_another_part(sagittal))
    chosen = [*([] if sagittal is None else [sagittal]), *axial]
    series = tuple(_outcome(one, chosen, by_hand) for one in candidates)
    return Selection(series, tuple(_warnings(sagittal)))


def _named(candidates: Sequence[Candidate], named: Sequence[str]) -> list[Candidate]:
    found: list[Candidate] = []
    for name in named:
        matches = [one for one in candidates if name in _names(one.series)]
        if not matches:
            raise UsageError(f"--series {name}: no such series; there are {_listing(candidates)}")
        readable = [one for one in matches if one.series.plane in (Plane.SAGITTAL, Plane.AXIAL)]
        if not readable:
            plane = matches[0].series.plane
            raise UsageError(
                f"--series {name}: its plane is {plane}; pass --plane if that is wrong"
            )
        found += [one for one in readable if one not in found]
    return found


def _names(series: Series) -> tuple[str | None, ...]:
    return (series.id, series.series_instance_uid)


def _choose_sagittal(
    candidates: Sequence[Candidate], by_hand: Sequence[Candidate]
) -> Candidate | None:
    wanted = [one for one in by_hand if one.series.plane is Plane.SAGITTAL]
    automatic = [
        one
        for one in candidates
        if one.series.plane is Plane.SAGITTAL
        and one.series.weighting in _RANK
        and not (one.localizer or one.unreadable_contrast)
    ]
    return min(wanted or automatic, key=_preference, default=None)


def _preference(candidate: Candidate) -> tuple[object, ...]:
    series, part = candidate.series, candidate.dixon_part
    return (
        candidate.elsewhere,
        _RANK.get(series.weighting, len(_RANK)),
        tuple(DixonPart).index(part) if part else 0,
        candidate.three_dimensional,
        candidate.derived,
        round(candidate.pixel_area_mm2, 4),
        -len(series.slices),
        series.series_instance_uid or "",
        series.id,
    )


def _choose_axial(candidates: Sequence[Candidate], by_hand: Sequence[Candidate]) -> list[Candidate]:
    wanted = [one for one in by_hand if one.series.plane is Plane.AXIAL]
    automatic = [
        one
        for one in candidates
        if one.series.plane is Plane.AXIAL
        and one.series.weighting in _AXIAL_WEIGHTINGS
        and not (one.localizer or one.elsewhere)
    ]
    return wanted or automatic


def _outcome(one: Candidate, chosen: Sequence[Candidate], by_hand: Sequence[Candidate]) -> Series:
    series = replace(one.series, localizer=bool(one.localizer), by_hand=one in by_hand)
    if one in chosen:
        named = " (named by --series)" if one in by_hand else ""
        return series.selected(used=True, reason=one.described + named)
    return series.selected(used=False, reason=_why_not(one))


def _why_not(one: Candidate) -> str:
    series = one.series
    if one.localizer:
        return f"localiser: {one.localizer}"
    if series.plane not in (Plane.SAGITTAL, Plane.AXIAL):
        return f"{one.described}; its plane is not read"
    if one.elsewhere:
        return f"{one.described}; its files name another part of the body"
    if series.plane is Plane.SAGITTAL and series.weighting in _RANK and not one.unreadable_contrast:
        return f"{one.described}; another sagittal series is preferred"
    return f"{one.described}; not T2-weighted"


def _warnings(sagittal: Candidate | None) -> Iterable[StudyWarning]:
    if sagittal is None:
        return
    weighting = sagittal.series.weighting
    if weighting is Weighting.UNKNOWN:
        text = "The contrast of the sagittal series is not stated; it was taken as T2-weighted."
        yield StudyWarning("weighting_unknown", text)
    elif weighting is not Weighting.T2:
        text = (
            f"The sagittal series is {weighting}; Pfirrmann grades were defined on T2 spin echo, "
            "so read its grades with care."
        )
        yield StudyWarning("not_t2_spin_echo", text)
    if sagittal.other_part:
        text = (
            f"The files of the sagittal series state that they show {sagittal.other_part}, not the "
            "lumbar spine. It was named by hand and read all the same."
        )
        yield StudyWarning("other_body_part", text)
    if sagittal.localizer:
        yield StudyWarning(
            "localizer", f"The sagittal series is a localiser: {sagittal.localizer}."
        )


def _of_another_part(sagittal: Candidate) -> str:
    series = sagittal.series
    return (
        f"the files of series {series.id} state that they show {sagittal.other_part}, not the "
        f"lumbar spine (BodyPartExamined); pass --series {series.id} to read it all the same"
    )


def _nothing_usable(candidates: Sequence[Candidate]) -> str:
    only = " (only localisers)" if all(one.localizer for one in candidates) else ""
    return (
        f"no sagittal T2-weighted series{only}; there are {_listing(candidates)}. "
        "Pass --series with one of these ids to read a series all the same."
    )


def _listing(candidates: Sequence[Candidate]) -> str:
    def line(one: Candidate) -> str:
        series = one.series
        kind = "localiser" if one.localizer else one.contrast_reason
        name = f' "{series.description}"' if series.description else ""
        uid = f" [{series.series_instance_uid}]" if series.series_instance_uid else ""
        return f"{series.id}{name}: {series.plane}, {len(series.slices)} slices, {kind}{uid}"

    return "; ".join(line(one) for one in candidates)
