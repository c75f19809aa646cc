"""What the draft's templates may use: the findings as plain values, every text made printable.

docs/documents.md lists these names for departments that write templates of their own; a name that
goes or changes its meaning breaks them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from discern.findings import (
    DiscFinding,
    FocusFinding,
    LesionFinding,
    LesionStatus,
    Quantity,
    QuantityName,
    QuantitySource,
    StudyFindings,
)
from discern.reporting.rows import DOUBTFUL_BELOW
from discern.reporting.symptom_levels import RULES, Explained, Reason
from discern.reporting.symptoms import Symptoms
from discern.reporting.wording import printable
from discern.spine import PfirrmannGrade

SURE_GRADE = 0.8
"""A grade below this probability is told with it."""
DEGENERATED_FROM = 3
"""Pfirrmann grade from which the impression names a disc."""
OTHER_GRADE = 0.2
"""Another grade from this probability on is named beside the first."""
LIKELY = 0.5
"""A herniation or HIZ below this probability is called possible only."""
LISTHESIS_MM = 3.0
"""A slip of this much either way is told; healthy discs show about -1 mm (docs/quantities.md)."""
WEDGE_DEG = 20.0
"""A disc open to the front by more than this, or surely open to the back, is told."""
LOW_HEIGHT = 0.8
"""A disc surely lower than this share of the one above is told."""


@dataclass(frozen=True, slots=True)
class QuantityView:
    """A measurement in mm or degrees; ``uncertain`` when its 95 % interval meets the threshold."""

    value: float
    uncertainty: float | None
    approximate: bool
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class LesionView:
    """Herniation or HIZ of one disc; side and zone are empty where they are not known."""

    status: str
    experimental: bool
    probability: float | None
    possible_only: bool
    side: str
    zone: str
    planes: tuple[str, ...]
    unassessed_planes: tuple[str, ...]
    consecutive_slices: int
    focus: FocusFinding | None


@dataclass(frozen=True, slots=True)
class GradeView:
    """Pfirrmann grade: Roman name, probability, whether to tell it, other grades, abstention.

    ``in_set`` says that the other grades are those which cannot be ruled out (conformal set).
    """

    name: str
    number: int
    probability: float
    doubtful: bool
    others: tuple[str, ...]
    abstain: bool
    in_set: bool


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One rule of the symptoms that spoke for a level."""

    rule: str
    points: float
    root: str
    source: str


@dataclass(frozen=True, slots=True)
class LevelView:
    """One disc; quantities are None where they are not measured or not worth a sentence."""

    name: str
    confidence: float
    doubtful: bool
    grade: GradeView | None
    herniation: LesionView
    hiz: LesionView
    height: QuantityView | None
    height_is_low: bool
    wedge: QuantityView | None
    listhesis: QuantityView | None
    score: float
    reasons: tuple[ReasonView, ...]


@dataclass(frozen=True, slots=True)
class SymptomsView:
    """How the symptoms were understood."""

    text: str
    sides: tuple[str, ...]
    complaints: tuple[str, ...]
    signs: tuple[tuple[str, tuple[str, ...]], ...]
    denied: tuple[str, ...]
    unknown: tuple[str, ...]


def clean(text: str) -> str:
    """Return foreign text as one printable line."""
    return str(printable(" ".join(text.split())))


def level_views(
    findings: StudyFindings, ordered: Iterable[Explained] | None
) -> tuple[LevelView, ...]:
    """Return every disc: head to foot, or as the symptoms order them."""
    discs = {disc.level: (index, disc) for index, disc in enumerate(findings.discs)}
    explained = ordered or [Explained(disc.level, 0.0, ()) for disc in findings.discs]
    sure = findings.numbering.confidence
    views = []
    for one in explained:
        index, disc = discs[one.level]
        above = findings.discs[index - 1] if index else None
        views.append(_level(disc, above, one, sure))
    return tuple(views)


def _level(
    disc: DiscFinding, above: DiscFinding | None, explained: Explained, numbering: float
) -> LevelView:
    own = disc.quantities
    sure = min(disc.level_confidence, numbering)
    return LevelView(
        name=str(disc.level),
        confidence=sure,
        doubtful=sure < DOUBTFUL_BELOW,
        grade=_grade(disc),
        herniation=_lesion(disc.herniation),
        hiz=_lesion(disc.hiz),
        height=_quantity(own.get(QuantityName.DISC_HEIGHT)),
        height_is_low=above is not None and _is_low(disc, above),
        wedge=_wedge(own.get(QuantityName.WEDGE_ANGLE)),
        listhesis=_slip(own.get(QuantityName.LISTHESIS)),
        score=explained.score,
        reasons=tuple(map(_reason, explained.reasons)),
    )


def _reason(reason: Reason) -> ReasonView:
    return ReasonView(
        str(reason.rule), reason.points, str(reason.root or ""), RULES[reason.rule].source
    )


def _grade(disc: DiscFinding) -> GradeView | None:
    found = disc.pfirrmann
    if found is None:
        return None
    chances = dict(zip(PfirrmannGrade, found.probabilities, strict=True))
    others = found.conformal_set
    if others is None:
        others = tuple(grade for grade, p in chances.items() if p >= OTHER_GRADE)
    probability = chances[found.grade]
    return GradeView(
        name=found.grade.name,
        number=int(found.grade),
        probability=probability,
        doubtful=probability < SURE_GRADE,
        others=tuple(grade.name for grade in others if grade is not found.grade),
        abstain=found.abstain,
        in_set=found.conformal_set is not None,
    )


def _lesion(found: LesionFinding) -> LesionView:
    unassessed = (
        str(one.plane) for one in found.by_plane if one.status is LesionStatus.NOT_ASSESSED
    )
    return LesionView(
        status=str(found.status),
        experimental=found.experimental,
        probability=found.probability,
        possible_only=found.probability is not None and found.probability < LIKELY,
        side=str(found.side or ""),
        zone=str(found.zone or ""),
        planes=tuple(map(str, found.planes)),
        unassessed_planes=tuple(unassessed),
        consecutive_slices=found.consecutive_slices,
        focus=found.focus,
    )


def _quantity(one: Quantity | None, *, threshold: float | None = None) -> QuantityView | None:
    if one is None:
        return None
    unsure = threshold is not None and abs(one.value) - (one.uncertainty or 0.0) < threshold
    return QuantityView(
        one.value, one.uncertainty, one.source is QuantitySource.BOXES, uncertain=unsure
    )


def _slip(one: Quantity | None) -> QuantityView | None:
    told = one is not None and abs(one.value) >= LISTHESIS_MM
    return _quantity(one, threshold=LISTHESIS_MM) if told else None


def _wedge(one: Quantity | None) -> QuantityView | None:
    if one is None:
        return None
    kyphotic = one.uncertainty is not None and one.value + one.uncertainty < 0
    if one.value > WEDGE_DEG:
        return _quantity(one, threshold=WEDGE_DEG)
    return _quantity(one) if kyphotic else None


def _is_low(disc: DiscFinding, above: DiscFinding) -> bool:
    own = disc.quantities.get(QuantityName.DISC_HEIGHT)
    other = above.quantities.get(QuantityName.DISC_HEIGHT)
    if own is None or other is None or own.uncertainty is None:
        return False
    return own.value + own.uncertainty < LOW_HEIGHT * other.value


def symptoms_view(text: str, symptoms: Symptoms) -> SymptomsView:
    """Return what was understood, in plain words."""
    return SymptomsView(
        text=clean(text),
        sides=tuple(map(str, symptoms.sides)),
        complaints=tuple(map(str, symptoms.complaints)),
        signs=tuple((clean(one.words), tuple(map(str, one.roots))) for one in symptoms.signs),
        denied=tuple(map(clean, symptoms.denied)),
        unknown=tuple(map(clean, symptoms.unknown)),
    )
