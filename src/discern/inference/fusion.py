"""One verdict per disc from its boxes on several slices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.findings import (
    NOT_ASSESSED,
    LesionFinding,
    LesionStatus,
    PfirrmannFinding,
)
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import grade_probabilities
from discern.spine import Label, PfirrmannGrade, Plane
from discern.weights import TrainedOn, WeightsMetadata


def grade_of(track: Track, temperature: float) -> PfirrmannFinding:
    """Grade a disc by the mean probabilities of its three middle slices (paper, section 2.3)."""
    scores = np.array([box.selected.class_scores[:5] for box in track.middle()])  # (3, 5)
    mean = grade_probabilities(scores, temperature).mean(axis=0)
    return PfirrmannFinding(PfirrmannGrade(int(mean.argmax()) + 1), tuple(mean.tolist()))


@dataclass(frozen=True, slots=True)
class LesionEvidence:
    """Lesion boxes of one kind that lie on one disc, in slice order."""

    label: Label
    boxes: tuple[PlacedBox, ...]


def lesions_of(track: Track, placed: Sequence[PlacedBox], label: Label) -> LesionEvidence:
    """Return the boxes of ``label`` whose centre lies on this disc on the same slice.

    "On the disc" is: nearer to its centre than three quarters of its box width, and within one
    and a half box heights along the spine.
    """
    discs = {box.slice_index: box for box in track.boxes}
    found = [
        box
        for box in placed
        if box.selected.label is label
        and box.slice_index in discs
        and _lies_on(box, discs[box.slice_index])
    ]
    return LesionEvidence(label, tuple(found))


def _lies_on(lesion: PlacedBox, disc: PlacedBox) -> bool:
    posterior, head = np.abs(lesion.center[1:] - disc.center[1:])
    width, height = disc.size
    return bool(posterior <= 0.75 * width and head <= 1.5 * max(height, 0.25 * width))


def lesion_finding(
    evidence: LesionEvidence, plane: Plane, metadata: WeightsMetadata
) -> LesionFinding:
    """Return present when one slice shows the lesion (paper, section 2.6), else absent.

    A head that was never trained for ``plane`` is not assessed; one that has seen no reader's
    label at its place is experimental.
    """
    trained_on = metadata.trained_on(evidence.label, plane)
    if trained_on is TrainedOn.NOTHING:
        return NOT_ASSESSED
    experimental = trained_on is not TrainedOn.REAL
    if not evidence.boxes:
        return LesionFinding(LesionStatus.ABSENT, experimental)
    return LesionFinding(
        LesionStatus.PRESENT,
        experimental,
        score=max(box.selected.score for box in evidence.boxes),
        planes=(plane,),
        consecutive_slices=longest_run(sorted({box.slice_index for box in evidence.boxes})),
    )


def longest_run(indices: Sequence[int]) -> int:
    """Return the length of the longest run of neighbouring slice indices.

    >>> longest_run([2, 3, 4, 7, 8])
    3
    """
    best = run = 0
    previous: int | None = None
    for index in indices:
        run = run + 1 if previous is not None and index == previous + 1 else 1
        best, previous = max(best, run), index
    return best
