"""The sentences of the report page: plain words for findings, and text made safe to show."""

import re
import unicodedata
from collections.abc import Sequence
from types import MappingProxyType
from typing import Protocol

from markupsafe import Markup

from discern.findings import (
    DiscFinding,
    FocusFinding,
    LesionFinding,
    LesionStatus,
    LesionThreshold,
    MeasuredShare,
    PlaneEvidence,
    StudyFindings,
)
from discern.reporting.sheets import Mark, Sheet
from discern.spine import Label, PfirrmannGrade

_LONG_UID, _UID_END = 24, 19
_UNSAFE = frozenset({"Cc", "Cf", "Cs"})  # control, format (text direction), lone surrogates
_LESION_WORDS = MappingProxyType({Label.HERNIATION: "herniation", Label.HIZ: "HIZ"})

GLOSSARY = (
    ("I", 1, "Homogeneous bright nucleus, clear border to the annulus, normal height."),
    ("II", 2, "Inhomogeneous nucleus, with or without a dark band; border clear, height normal."),
    ("III", 3, "Grey nucleus, border unclear; height normal or slightly lower."),
    ("IV", 4, "Grey to black, nucleus and annulus not told apart; normal to moderately lower."),
    ("V", 5, "Black, and the disc space has collapsed."),
)
"""Pfirrmann (2001) in a few words: name, number, meaning."""


def printable(value: object) -> object:
    r"""Return text without control, direction and surrogate characters; other values as they are.

    >>> printable("T2\x00 sag\u202e\nittal")
    'T2 sag ittal'
    """
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    spaced = " ".join(value.split("\n"))
    return "".join(one for one in spaced if unicodedata.category(one) not in _UNSAFE)


def percent(share: float) -> str:
    """Return a share of one in whole per cent, never rounded up to certainty.

    >>> percent(0.973), percent(0.997), percent(0.002), percent(1.0)
    ('97 %', '>99 %', '<1 %', '100 %')
    """
    whole = f"{share:.0%}".removesuffix("%")
    if whole == "100" and share < 1:
        return ">99 %"
    return "<1 %" if whole == "0" and share > 0 else f"{whole} %"


def grade_range(grades: Sequence[PfirrmannGrade]) -> str:
    """Return neighbouring grades in words, lowest first.

    >>> grade_range([PfirrmannGrade.II, PfirrmannGrade.III, PfirrmannGrade.IV])
    'II to IV'
    >>> grade_range([PfirrmannGrade.V])
    'V'
    """
    names = [grade.name for grade in grades]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def threshold_words(one: LesionThreshold) -> str:
    """Return what a threshold was measured to be worth.

    >>> worth = MeasuredShare(0.339, 0.213, 0.481), MeasuredShare(0.963, 0.952, 0.974)
    >>> threshold_words(LesionThreshold(Label.HERNIATION, "sagittal", 0.25, *worth))
    'herniation, sagittal: sensitivity 34 % [21, 48], specificity 96 % [95, 97]'
    >>> threshold_words(LesionThreshold(Label.HIZ, "axial", 0.25))
    'HIZ, axial: sensitivity and specificity not measured'
    """
    name = f"{_LESION_WORDS[one.label]}, {one.plane}"
    if one.sensitivity is None or one.specificity is None:
        return f"{name}: sensitivity and specificity not measured"
    worth = f"sensitivity {share_words(one.sensitivity)}, specificity"
    return f"{name}: {worth} {share_words(one.specificity)}"


def share_words(share: MeasuredShare) -> str:
    """Return a share in per cent with its interval."""
    return f"{percent(share.value)} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def date(stated: str) -> str:
    """Return a DICOM date in ISO form; anything else as stated.

    >>> date("20070101"), date("2007")
    ('2007-01-01', '2007')
    """
    return re.sub(r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3", stated)


def short_uid(uid: str) -> str:
    """Return the end of a long UID, which is the part that differs.

    >>> short_uid("1.2.840.113619.2.176.2025.1499492.7409.1172755464.916")
    '…7409.1172755464.916'
    """
    return uid if len(uid) <= _LONG_UID else "…" + uid[-_UID_END:].lstrip(".")


def lesion_place(finding: LesionFinding) -> str:
    """Return side, zone and planes of a lesion.

    >>> seen = ("sagittal", "axial")
    >>> lesion_place(LesionFinding(LesionStatus.PRESENT, side="left", planes=seen))
    'left, sagittal and axial'
    """
    return ", ".join(part for part in (lesion_site(finding), " and ".join(finding.planes)) if part)


def lesion_run(finding: LesionFinding) -> str:
    """Return the longest run of slices that show a lesion.

    >>> lesion_run(LesionFinding(LesionStatus.PRESENT, consecutive_slices=3))
    '3 neighbouring slices'
    """
    run = finding.consecutive_slices
    return "one slice" if run == 1 else f"{run} neighbouring slices"


def focus_words(focus: FocusFinding | None) -> str:
    """Return what a high-intensity zone looks like; empty without one.

    >>> focus_words(FocusFinding("posterior", nucleus_ratio=3.14, csf_ratio=0.7, t1="dark"))
    'posterior, 3.1 times the nucleus, 0.7 of the fluid, dark on T1'
    """
    if focus is None:
        return ""
    parts = [str(focus.border)]
    if focus.nucleus_ratio is not None:
        parts.append(f"{focus.nucleus_ratio:.1f} times the nucleus")
    if focus.csf_ratio is not None:
        parts.append(f"{focus.csf_ratio:.1f} of the fluid")
    if focus.t1 is not None:
        parts.append(f"{focus.t1} on T1")
    return ", ".join(parts)


def lesion_site(finding: LesionFinding) -> str:
    """Return the patient's side and the axial zone; empty where neither is known.

    >>> lesion_site(LesionFinding(LesionStatus.PRESENT, side="left", zone="foraminal"))
    'left foraminal'
    >>> lesion_site(LesionFinding(LesionStatus.PRESENT, side="central", zone="central"))
    'central'
    """
    return " ".join(dict.fromkeys(str(part) for part in (finding.side, finding.zone) if part))


def plane_evidence(finding: LesionFinding, plane: str) -> PlaneEvidence | None:
    """Return what the plane of that name said; None where findings do not tell."""
    return next((one for one in finding.by_plane if one.plane == plane), None)


def evidence_words(evidence: PlaneEvidence) -> str:
    """Return on how many slices one plane saw a lesion, and its score.

    >>> evidence_words(PlaneEvidence("axial", LesionStatus.PRESENT, 0.71, None, 4, 2))
    '2 of 4 slices, score 0.71'
    >>> evidence_words(PlaneEvidence("axial", LesionStatus.NOT_ASSESSED, slices=3))
    'shown on 3 slices'
    """
    if not evidence.slices:
        return "no slice shows the disc"
    slices = "1 slice" if evidence.slices == 1 else f"{evidence.slices} slices"
    if evidence.status is LesionStatus.NOT_ASSESSED:
        return f"shown on {slices}"
    score = "" if evidence.score is None else f", score {evidence.score:.2f}"
    return f"{evidence.positive_slices} of {slices}{score}"


def sheet_caption(sheet: Sheet) -> str:
    """Return the name of the series and the number of the slice, counted from 1."""
    description = sheet.series.description or f"series {sheet.series.id}"
    return f"{description}, slice {sheet.slice_.index + 1} of {len(sheet.series.slices)}"


def cut_words(sheet: Sheet, unsure: frozenset[str]) -> str:
    """Return what an axial slice cuts, names in doubt with a question mark; empty if not known."""
    if sheet.cuts is None:
        return ""
    name, kind = sheet.cuts.level or sheet.cuts.vertebra, "disc" if sheet.cuts.level else "vertebra"
    return f"{name}{'?' if name in unsure else ''} {kind}" if name else "not at a named level"


class _HasDisc(Protocol):
    @property
    def disc(self) -> DiscFinding: ...


def mark_words(mark: Mark, rows: list[_HasDisc]) -> str:
    """Return what one box says by itself; the verdict on the disc may differ."""
    one = mark.detection
    level = "Not assigned to a disc" if mark.disc is None else str(rows[mark.disc].disc.level)
    says = f"grade {one.label.grade.name}" if one.label.grade else str(one.label)
    return f"{level}: {says} on this slice, score {one.score:.2f}"


def summary(findings: StudyFindings) -> str:
    """Return the study in one line: how many discs, the highest grade, the lesions seen."""
    if not findings.discs:
        return "No disc was found."
    first, last = findings.discs[0].level, findings.discs[-1].level
    found = f"{len(findings.discs)} discs, {first} to {last}"
    count = "1 disc, " + first if len(findings.discs) == 1 else found
    parts = [count, _highest_grade(findings.discs), _herniations(findings.discs)]
    parts.append(_zones(findings.discs))
    return ". ".join(part for part in parts if part) + "."


def _highest_grade(discs: tuple[DiscFinding, ...]) -> str:
    """Name the worst discs; a grade that the model does not vouch for makes no headline."""
    told = {d.level: d.pfirrmann.grade for d in discs if d.pfirrmann and not d.pfirrmann.abstain}
    unsure = [d.level for d in discs if d.pfirrmann and d.pfirrmann.abstain]
    parts = [f"Grade unsure at {', '.join(unsure)}"] if unsure else []
    if told:
        worst: PfirrmannGrade = max(told.values())
        levels = ", ".join(level for level, grade in told.items() if grade is worst)
        parts.insert(0, f"Highest grade {worst.name} at {levels}")
    return ". ".join(parts)


def _herniations(discs: tuple[DiscFinding, ...]) -> str:
    if all(disc.herniation.status is LesionStatus.NOT_ASSESSED for disc in discs):
        return "Herniation not assessed"
    present = [disc for disc in discs if disc.herniation.status is LesionStatus.PRESENT]
    if not present:
        return "No herniation detected"
    doubt = " (experimental)" if any(disc.herniation.experimental for disc in present) else ""
    return f"Herniation{doubt} at {', '.join(disc.level for disc in present)}"


def _zones(discs: tuple[DiscFinding, ...]) -> str:
    present = [disc for disc in discs if disc.hiz.status is LesionStatus.PRESENT]
    doubt = " (experimental)" if any(disc.hiz.experimental for disc in present) else ""
    levels = ", ".join(disc.level for disc in present)
    return f"High-intensity zone{doubt} at {levels}" if present else ""
