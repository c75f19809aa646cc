"""What is drawn on images for viewers that show no SR: boxes of named discs, and their words."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from discern.findings import Detection, DiscFinding, LesionFinding, LesionStatus, StudyFindings
from discern.imaging.study import Series, Slice
from discern.reporting.kinds import Reported
from discern.reporting.rows import DOUBTFUL_BELOW
from discern.spine import Label, Level

RESEARCH_USE_ONLY = "RESEARCH USE ONLY"
_LESION_WORDS = {Label.HERNIATION: "HERN", Label.HIZ: "HIZ"}

Box = tuple[float, float, float, float]
"""xyxy, y downwards."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One box of a named disc and what is written beside it.

    ``box_xyxy_px`` lies in the stored matrix, outer pixel edges, top left (0, 0), and never
    outside of it.
    """

    box_xyxy_px: Box
    words: str
    lesion: bool


@dataclass(frozen=True, slots=True)
class MarkedSlice:
    """A slice that shows a named disc; ``cuts`` is what an axial slice cuts, empty for others."""

    series: Series
    slice_: Slice
    marks: tuple[Mark, ...]
    cuts: str


def marked_slices(reported: Reported) -> list[MarkedSlice]:
    """Return the slices that show a named disc, in the order of series and slices.

    Boxes that belong to no disc are left out, as are slices with no other.
    """
    findings = reported.findings
    discs = {one: disc for disc in findings.discs for one in disc.detections}
    boxes: dict[tuple[str, int], list[tuple[Detection, DiscFinding]]] = {}
    for one in findings.detections:
        if one.id in discs:
            boxes.setdefault((one.series, one.slice_index), []).append((one, discs[one.id]))
    cuts = {
        (one.series, one.slice_index): _cut_words(one.level, findings)
        for one in findings.axial_slices
        if one.level is not None
    }
    found = []
    for series in reported.study.series:
        for slice_ in series.slices:
            place = series.id, slice_.index
            marks = tuple(_mark(*pair, slice_, findings) for pair in boxes.get(place, ()))
            if marks or place in cuts:
                found.append(MarkedSlice(series, slice_, marks, cuts.get(place, "")))
    return found


def _mark(detection: Detection, disc: DiscFinding, slice_: Slice, findings: StudyFindings) -> Mark:
    rows, columns = slice_.shape_px
    x1, y1, x2, y2 = (round(one, 1) for one in detection.box_xyxy_px)
    inside = max(x1, 0.0), max(y1, 0.0), min(x2, float(columns)), min(y2, float(rows))
    lesion = detection.label in _LESION_WORDS
    return Mark(
        inside, _lesion_words(detection, disc) if lesion else disc_words(disc, findings), lesion
    )


def disc_words(disc: DiscFinding, findings: StudyFindings) -> str:
    """Return level and verdict on a disc: "L4-L5 P4"; what is uncertain has a question mark."""
    doubtful = min(findings.numbering.confidence, disc.level_confidence) < DOUBTFUL_BELOW
    level = f"{disc.level}{'?' if doubtful else ''}"
    if disc.pfirrmann is None:
        return level
    return f"{level} P{disc.pfirrmann.grade.value}{'?' if disc.pfirrmann.abstain else ''}"


def _lesion_words(detection: Detection, disc: DiscFinding) -> str:
    """Return "HERN" or "HIZ"; questioned where experimental, or where the disc is not said so."""
    verdicts: dict[Label, LesionFinding] = {
        Label.HERNIATION: disc.herniation,
        Label.HIZ: disc.hiz,
    }
    verdict = verdicts[detection.label]
    sure = verdict.status is LesionStatus.PRESENT and not verdict.experimental
    return _LESION_WORDS[detection.label] + ("" if sure else "?")


def _cut_words(level: Level, findings: StudyFindings) -> str:
    disc = next((one for one in findings.discs if one.level is level), None)
    return str(level) if disc is None else disc_words(disc, findings)


def place_words(
    boxes: NDArray[np.float64],
    sizes: NDArray[np.float64],
    *,
    lesions: tuple[bool, ...],
    within: tuple[float, float],
) -> list[Box]:
    """Return where words go beside their boxes so that they cover as little as can be.

    Words stand left of a disc and right of a lesion; elsewhere where other boxes or words are in
    the way there.

    Args:
        boxes: (N, 4) xyxy.
        sizes: (N, 2) width and height of the words, in the units of the boxes.
        lesions: Whether a box is a lesion.
        within: Width and height of the drawing, which words never leave.

    >>> place_words(np.array([[50.0, 20, 70, 30]]), np.array([[20.0, 8]]), lesions=(False,),
    ...             within=(100, 100))
    [(26.0, 21.0, 46.0, 29.0)]
    """
    taken = [*boxes]
    placed: list[Box] = []
    for box, size, lesion in zip(boxes, sizes, lesions, strict=True):
        places = [_kept_inside(one, within) for one in _beside(box, size, lesion=lesion)]
        best = min(places, key=lambda place: sum(_overlap(place, one) for one in taken))
        taken.append(best)
        x1, y1, x2, y2 = best.tolist()
        placed.append((x1, y1, x2, y2))
    return placed


def _beside(
    box: NDArray[np.float64], size: NDArray[np.float64], *, lesion: bool
) -> list[NDArray[np.float64]]:
    """Return the places beside a box, the usual one first, then farther off."""
    x1, y1, x2, y2 = box
    width, height = size
    gap = height / 2
    centre, middle = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    left, right = (x1 - gap - width, middle), (x2 + gap, middle)
    above, below = (centre, y1 - gap - height), (centre, y2 + gap)
    order = (right, below, above, left) if lesion else (left, right, above, below)
    shifts = (0.0, -height, height)
    corners = [(x, y + shift) for shift, (x, y) in product(shifts, order)]
    return [np.array([x, y, x + width, y + height]) for x, y in corners]


def _kept_inside(place: NDArray[np.float64], within: tuple[float, float]) -> NDArray[np.float64]:
    size = place[2:] - place[:2]
    corner = np.clip(place[:2], 0, np.maximum(np.array(within) - size, 0))
    return np.concatenate((corner, np.minimum(corner + size, within)))


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return float(np.prod(np.maximum(sides, 0)))
