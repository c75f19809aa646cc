"""How well the findings of each disc explain stated symptoms: one table of rules, no learning.

Points only order the levels. They are no probability, and no disc is ever left out.
"""

from dataclasses import dataclass
from enum import StrEnum

from discern.findings import DiscFinding, LesionStatus, Side, StudyFindings, Zone
from discern.reporting.symptom_words import Complaint, Root
from discern.reporting.symptoms import Symptoms
from discern.spine import Level, vertebra_above, vertebra_below

_FARDON = "Fardon et al., Spine J 14:2525, 2014"
_NASS = "Kreiner et al., Spine J 14:180, 2014"
_PAIN = "Brinjikji et al., AJNR 36:2394, 2015"


class RuleName(StrEnum):
    """Why a disc may explain symptoms; the templates hold the sentence of each."""

    ROOT_MET = "root_met"
    ROOT_MET_ZONE_UNKNOWN = "root_met_zone_unknown"
    EXITING_ROOT_ZONE_UNKNOWN = "exiting_root_zone_unknown"
    HERNIATION_LEG = "herniation_leg"
    SAME_SIDE = "same_side"
    OTHER_SIDE = "other_side"
    SEGMENT = "segment"
    HIZ_BACK = "hiz_back"
    GRADE_BACK = "grade_back"
    HERNIATION_BACK = "herniation_back"


@dataclass(frozen=True, slots=True)
class Rule:
    """Points of one rule, and where it is published."""

    points: float
    source: str


RULES = {
    RuleName.ROOT_MET: Rule(6, _FARDON),
    RuleName.ROOT_MET_ZONE_UNKNOWN: Rule(5, _NASS),
    RuleName.EXITING_ROOT_ZONE_UNKNOWN: Rule(2, _NASS),
    RuleName.HERNIATION_LEG: Rule(3, _NASS),
    RuleName.SAME_SIDE: Rule(2, _NASS),
    RuleName.OTHER_SIDE: Rule(-2, _NASS),
    RuleName.SEGMENT: Rule(0.5, "Keegan and Garrett, Anat Rec 102:409, 1948"),
    RuleName.HIZ_BACK: Rule(2, "Aprill and Bogduk, Br J Radiol 65:361, 1992"),
    RuleName.GRADE_BACK: Rule(0.5, _PAIN),
    RuleName.HERNIATION_BACK: Rule(1, _PAIN),
}
"""Points of a lesion are multiplied by its calibrated probability, those of a root by its weight
(``Symptoms.roots``), those of the grade by the grades above II; a dubious sign counts little."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke: its points, and the root it is about."""

    rule: RuleName
    points: float
    root: Root | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """One disc with the points of the rules that spoke, in the order of the rules."""

    level: Level
    score: float
    reasons: tuple[Reason, ...]


def traversing_root(level: Level) -> Root | None:
    """Return the root that crosses the disc on its way down: L5 at L4-L5; None without a name."""
    return _root(vertebra_below(level))


def exiting_root(level: Level) -> Root | None:
    """Return the root that leaves through the foramen at the disc: L4 at L4-L5."""
    return _root(vertebra_above(level))


def _root(vertebra: str) -> Root | None:
    return Root(vertebra) if vertebra in set(Root) else None


def order_levels(findings: StudyFindings, symptoms: Symptoms) -> tuple[Explained, ...]:
    """Return every disc, the one that explains the symptoms best first; ties head to foot."""
    explained = [_explained(disc, symptoms) for disc in findings.discs]
    return tuple(sorted(explained, key=lambda one: -one.score))


def _explained(disc: DiscFinding, symptoms: Symptoms) -> Explained:
    reasons = [*_leg(disc, symptoms), *_back(disc, symptoms)]
    return Explained(disc.level, round(sum(one.points for one in reasons), 2), tuple(reasons))


def _reason(rule: RuleName, share: float = 1.0, root: Root | None = None) -> Reason:
    return Reason(rule, round(RULES[rule].points * share, 2), root)


def _certainty(disc: DiscFinding) -> float:
    probability = disc.herniation.probability
    return 1.0 if probability is None else probability


def _leg(disc: DiscFinding, symptoms: Symptoms) -> list[Reason]:
    if not symptoms.in_leg:
        return []
    if disc.herniation.status is not LesionStatus.PRESENT:
        return _segment(disc.level, symptoms)
    sure = _certainty(disc)
    met = _met(disc, symptoms, sure) if symptoms.signs else []
    if not symptoms.signs:
        met = [_reason(RuleName.HERNIATION_LEG, sure)]
    return [*met, *_side(disc.herniation.side, symptoms, sure)] if met else []


def _met(disc: DiscFinding, symptoms: Symptoms, sure: float) -> list[Reason]:
    """Return the stated root that the herniation meets best, by its zone."""
    below, above = traversing_root(disc.level), exiting_root(disc.level)
    match disc.herniation.zone:
        case Zone.CENTRAL | Zone.SUBARTICULAR:
            roots = [(RuleName.ROOT_MET, below)]
        case Zone.FORAMINAL | Zone.EXTRAFORAMINAL:
            roots = [(RuleName.ROOT_MET, above)]
        case _:
            roots = [
                (RuleName.ROOT_MET_ZONE_UNKNOWN, below),
                (RuleName.EXITING_ROOT_ZONE_UNKNOWN, above),
            ]
    weights = symptoms.roots
    found = [_reason(rule, sure * weights[root], root) for rule, root in roots if root in weights]
    return sorted(found, key=lambda one: -one.points)[:1]


def _side(side: Side | None, symptoms: Symptoms, sure: float) -> list[Reason]:
    if side not in (Side.LEFT, Side.RIGHT) or not symptoms.sides:
        return []
    same = side in symptoms.sides
    return [_reason(RuleName.SAME_SIDE if same else RuleName.OTHER_SIDE, sure)]


def _segment(level: Level, symptoms: Symptoms) -> list[Reason]:
    root = traversing_root(level)
    weights = symptoms.roots
    return [_reason(RuleName.SEGMENT, weights[root], root)] if root in weights else []


def _back(disc: DiscFinding, symptoms: Symptoms) -> list[Reason]:
    if Complaint.BACK_PAIN not in symptoms.complaints:
        return []
    found = []
    if disc.hiz.status is LesionStatus.PRESENT:
        chance = disc.hiz.probability
        found.append(_reason(RuleName.HIZ_BACK, 1.0 if chance is None else chance))
    above_two = 0 if disc.pfirrmann is None else int(disc.pfirrmann.grade) - 2
    if above_two > 0:
        found.append(_reason(RuleName.GRADE_BACK, above_two))
    if disc.herniation.status is LesionStatus.PRESENT:
        found.append(_reason(RuleName.HERNIATION_BACK, _certainty(disc)))
    return found
