"""One grade per disc from its boxes on several slices, and the lesions that lie on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.decisions import ConformalGrades
from discern.findings import PfirrmannFinding
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import conformal_grades, grade_probabilities
from discern.spine import LESION_LABELS, Label, PfirrmannGrade


def grade_of(
    track: Track, temperature: float, conformal: ConformalGrades | None = None
) -> PfirrmannFinding:
    """Grade a disc by the mean probabilities of its three middle slices (paper, section 2.3).

    Args:
        track: The disc.
        temperature: Of the grade probabilities.
        conformal: Tells which grades cannot be ruled out, and when there are too many of them.
    """
    scores = np.array([box.selected.class_scores[:5] for box in track.middle()])  # (3, 5)
    mean = grade_probabilities(scores, temperature).mean(axis=0)
    grade, probabilities = PfirrmannGrade(int(mean.argmax()) + 1), tuple(mean.tolist())
    if conformal is None:
        return PfirrmannFinding(grade, probabilities)
    kept = conformal_grades(mean, conformal)
    return PfirrmannFinding(grade, probabilities, kept, abstain=len(kept) > conformal.widest)


@dataclass(frozen=True, slots=True)
class DiscEvidence:
    """Everything the network saw of one disc: its track, and the lesion boxes that lie on it."""

    track: Track
    lesions: tuple[PlacedBox, ...] = ()

    @property
    def boxes(self) -> tuple[PlacedBox, ...]:
        """Every supporting box, those of the disc first."""
        return (*self.track.boxes, *self.lesions)

    def lesions_called(self, label: Label) -> tuple[PlacedBox, ...]:
        """Return the lesion boxes of ``label``, in slice order."""
        return tuple(box for box in self.lesions if box.selected.label is label)


def gather_evidence(
    tracks: Sequence[Track], placed: Sequence[PlacedBox]
) -> tuple[DiscEvidence, ...]:
    """Give each lesion box to the disc nearest to it on the same slice; one disc at most.

    A lesion belongs to a disc when its centre is nearer than three quarters of the disc's width
    towards anterior or posterior, and half a disc distance (the width, about) along the spine.
    """
    lesions: list[list[PlacedBox]] = [[] for _ in tracks]
    for box in placed:
        if box.selected.label in LESION_LABELS:
            here = [(i, disc) for i, t in enumerate(tracks) if (disc := t.on(box.slice_index))]
            near = [(_distance(box, disc), i) for i, disc in here if _lies_on(box, disc)]
            if near:
                lesions[min(near)[1]].append(box)
    pairs = zip(tracks, lesions, strict=True)
    return tuple(DiscEvidence(track, tuple(found)) for track, found in pairs)


def _distance(lesion: PlacedBox, disc: PlacedBox) -> float:
    """Distance of the lesion's centre from the box of the disc, in the posterior-head plane."""
    beyond = np.abs(lesion.center[1:] - disc.center[1:]) - disc.size / 2
    return float(np.linalg.norm(np.clip(beyond, 0, None)))


def _lies_on(lesion: PlacedBox, disc: PlacedBox) -> bool:
    posterior, head = np.abs(lesion.center[1:] - disc.center[1:])
    width = disc.size[0]
    return bool(posterior <= 0.75 * width and head <= 0.5 * width)
