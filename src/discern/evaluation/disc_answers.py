"""Collect, for one lesion in one plane, what the truth and the predictions say of every disc.

A disc is judged when it is seen on an image annotated for the lesion. It is truly positive when
the table of discs says so; where a data set has no such table, when one slice shows the lesion
(paper 2.6). Its score is the best of the lesion boxes that lie on it, on whatever slice.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from discern.evaluation.disc_identity import Disc, Place, disc_at, identify
from discern.evaluation.disc_records import DiscRecord, DiscRecords
from discern.evaluation.matching import AnsweredImage, judged_labels
from discern.evaluation.outcomes import is_graded
from discern.spine import Label, Plane

NO_BOX = -1.0
"""The score of a disc without any box: below every threshold."""


class LesionTruth(StrEnum):
    """Where the truth of a disc comes from."""

    RECORDS = "table of discs"
    BOXES = "boxes on the slices"


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image and the disc of each of its truth boxes, None where it cannot be told."""

    image: AnsweredImage
    discs: tuple[Disc | None, ...]

    @property
    def places(self) -> list[Place]:
        """Where discs are seen on this image."""
        truth = self.image.truth
        pairs = zip(self.discs, truth.boxes, strict=True)
        boxed = [Place(disc, box.box_xyxy_px) for disc, box in pairs if disc is not None]
        rows, columns = truth.shape_px
        whole = (0.0, 0.0, float(columns), float(rows))
        return boxed + [Place(Disc(truth.patient, n), whole) for n in sorted(self._shown)]

    @property
    def _shown(self) -> frozenset[int]:
        return self.image.truth.discs_shown or frozenset()

    @property
    def names_its_discs(self) -> bool:
        """Whether it is known which discs it shows, be it none."""
        truth = self.image.truth
        return bool(self.places) or truth.discs_shown is not None or is_graded(truth)


def name_discs(images: Sequence[AnsweredImage]) -> list[NamedImage]:
    """Return the images with the disc of each of their truth boxes."""
    discs = identify([image.truth for image in images])
    return [NamedImage(*pair) for pair in zip(images, discs, strict=True)]


@dataclass(frozen=True, slots=True)
class DiscAnswer:
    """One judged disc: index of its patient, truth, whether it bulges (None: unknown), score."""

    patient: int
    is_positive: bool
    bulges: bool | None
    score: float


@dataclass(frozen=True, slots=True)
class DiscAnswers:
    """Every judged disc; ``absent`` says why there can be none, ``unread`` counts those left out.

    A disc is left out when there is a table of discs which does not mention it.
    """

    discs: tuple[DiscAnswer, ...]
    truth: LesionTruth
    unread: int = 0
    absent: str | None = None


def collect_answers(
    images: Sequence[NamedImage], label: Label, plane: Plane, records: DiscRecords
) -> DiscAnswers:
    """Return what is said of every disc about ``label`` on the images of ``plane``.

    Args:
        images: Every image, with boxes down to low scores.
        label: The lesion.
        plane: The plane.
        records: The table of discs, empty where there is none.
    """
    judged = [
        one
        for one in images
        if one.image.truth.plane is plane and label in judged_labels(one.image.truth)
    ]
    has_records = any(record.shows(label) is not None for record in records.values())
    truth = LesionTruth.RECORDS if has_records else LesionTruth.BOXES
    absent = _why_none(judged, label, plane)
    if absent is not None:
        return DiscAnswers((), truth, absent=absent)
    scores, drawn = _best_scores(judged, label), _drawn(judged, label)
    patient = {one.image.truth.patient: one.image.patient for one in judged}
    answers = []
    for disc, score in sorted(scores.items()):
        record = _record(disc, records)
        positive = record.shows(label) if has_records else disc in drawn
        if positive is not None:
            answers.append(DiscAnswer(patient[disc.patient], positive, record.bulging, score))
    unread = len(scores) - len(answers)
    if unread and not answers:
        absent = f"the table of discs says nothing of {label} on the {unread} discs seen"
    return DiscAnswers(tuple(answers), truth, unread, absent)


def _why_none(judged: Sequence[NamedImage], label: Label, plane: Plane) -> str | None:
    """Return why the discs of the judged images cannot be told apart, None where they can.

    A graded image shows all of its discs, or none. Any other must name the disc that it shows.
    """
    if not judged:
        return f"no {plane} image is annotated for {label}"
    nameless = [one for one in judged if not one.names_its_discs]
    if nameless:
        return (
            f"{len(nameless)} of {len(judged)} {plane} images do not say which disc they show "
            "(group_id, or the flag discs)"
        )
    return None


def _best_scores(judged: Sequence[NamedImage], label: Label) -> dict[Disc, float]:
    """Return the best score of ``label`` on every disc that is seen."""
    best: dict[Disc, float] = defaultdict(lambda: NO_BOX)
    for one in judged:
        places = one.places
        for place in places:
            best[place.disc] = max(best[place.disc], NO_BOX)
        for box in one.image.boxes:
            disc = None
            if box.label is label:
                disc = disc_at(one.image.truth, box.box_xyxy_px, places)
            if disc is not None:
                best[disc] = max(best[disc], box.score)
    return best


def _drawn(judged: Sequence[NamedImage], label: Label) -> set[Disc]:
    """Return the discs on which somebody drew ``label``."""
    return {
        disc
        for one in judged
        for disc, box in zip(one.discs, one.image.truth.boxes, strict=True)
        if disc is not None and box.label is label
    }


def _record(disc: Disc, records: DiscRecords) -> DiscRecord:
    unread = DiscRecord()
    return records.get((disc.patient, disc.number), unread) if disc.is_named else unread
