"""The error gallery (the paper's Figure 7): crops of what went wrong, worst first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from discern.annotations import TruthBox
from discern.evaluation.matching import AnsweredImage, one_grade_per_place
from discern.evaluation.material import ReadImage
from discern.evaluation.mistakes import Mistake, MistakeKind
from discern.evaluation.pages.page import render
from discern.evaluation.pages.pictures import (
    Mark,
    Region,
    crop_png,
    displayed,
    mark,
    region_around,
)
from discern.evaluation.predictions import PredictedBox
from discern.evaluation.subgroup_parts import nominal_level
from discern.spine import GRADE_LABELS, LESION_LABELS, Label

CROPS_PER_KIND = 24
_EDGES_SHOWN, _LEAST_SHARE = 2.4, 0.28  # of a box, of the image
_IMAGES_KEPT = 8
_NO_BOX = "no box that meets it"
_EXPLANATIONS = {
    MistakeKind.GRADE: "The disc was found. Furthest from the truth first, then highest score.",
    MistakeKind.BULGING: "Herniation boxes on discs that the reader called bulging and not "
    "herniated (the paper's Figure 7A). Highest score first.",
    MistakeKind.FALSE_LESION: "Herniation and zone boxes that meet none in the truth. Highest "
    "score first.",
    MistakeKind.MISSED_LESION: "Lesions in the truth that no box met (the paper's Figure 7B). "
    "Those that had the lowest score, or none, first.",
    MistakeKind.MISSED_DISC: "Graded discs that no box met. Those that had the lowest score, or "
    "none, first.",
    MistakeKind.FALSE_DISC: "Graded boxes that meet no disc, where all discs were annotated. "
    "Highest score first.",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One crop with its caption."""

    mistake: Mistake
    picture: str
    region: Region
    marks: tuple[Mark, ...]
    truth: str
    answer: str
    score: str

    @property
    def place(self) -> str:
        """Plane and nominal level."""
        disc = self.mistake.disc
        level = "" if disc is None else f", {nominal_level(disc)}"
        return f"{self.mistake.plane}{level}"


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of error; ``total`` counts all, ``cards`` are the worst of them."""

    title: str
    explanation: str
    total: int
    cards: tuple[Card, ...]


def gallery_page(
    mistakes: Sequence[Mistake],
    images: Mapping[str, AnsweredImage],
    read: ReadImage,
    crops_per_kind: int = CROPS_PER_KIND,
) -> str:
    """Return ``gallery.html``.

    Args:
        mistakes: By kind, worst first.
        images: By stem, with the boxes that reach their threshold.
        read: Called once or a few times for each image that is shown.
        crops_per_kind: At most so many crops of each kind; the counts above them are complete.
    """

    @lru_cache(maxsize=_IMAGES_KEPT)
    def grey(stem: str) -> NDArray[np.uint8]:
        return displayed(read(stem))

    sections = []
    for kind in MistakeKind:
        of_kind = [mistake for mistake in mistakes if mistake.kind is kind]
        cards = tuple(
            _card(mistake, images[mistake.image], grey(mistake.image))
            for mistake in of_kind[:crops_per_kind]
        )
        sections.append(Section(kind.value, _EXPLANATIONS[kind], len(of_kind), cards))
    return render("gallery", sections=sections, images=len(images), crops_per_kind=crops_per_kind)


def words(label: Label) -> str:
    """Return a label as people say it.

    >>> words(Label.PFIRRMANN_3), words(Label.HIZ)
    ('grade III', 'high-intensity zone')
    """
    if label.grade:
        return f"grade {label.grade.name}"
    return "herniation" if label is Label.HERNIATION else "high-intensity zone"


def _card(mistake: Mistake, image: AnsweredImage, grey: NDArray[np.uint8]) -> Card:
    rows, columns = grey.shape
    region = region_around(
        mistake.boxes,
        (rows, columns),
        times=_EDGES_SHOWN,
        fewest_px=round(_LEAST_SHARE * max(rows, columns)),
    )
    return Card(
        mistake=mistake,
        picture=crop_png(grey, region),
        region=region,
        marks=_marks(mistake, image),
        truth=words(mistake.truth.label) if mistake.truth else _nothing_drawn(mistake),
        answer=words(mistake.answer.label) if mistake.answer else _NO_BOX,
        score=_score(mistake),
    )


def _nothing_drawn(mistake: Mistake) -> str:
    return "bulging, not herniated" if mistake.kind is MistakeKind.BULGING else _NO_BOX


def _score(mistake: Mistake) -> str:
    if mistake.score is None:
        return "none, however weak"
    below = "" if mistake.answer else "at best, below the threshold: "
    return f"{below}{mistake.score:.2f}"


def _marks(mistake: Mistake, image: AnsweredImage) -> tuple[Mark, ...]:
    """Return all boxes of the kind in question, those of the error itself last and strongest."""
    boxes = mistake.truth or mistake.answer
    about_discs = boxes is not None and boxes.label in GRADE_LABELS
    labels = GRADE_LABELS if about_discs else LESION_LABELS
    drawn: list[TruthBox | PredictedBox] = [b for b in image.truth.boxes if b.label in labels]
    answers = one_grade_per_place(image.boxes) if about_discs else image.boxes
    drawn += [b for b in answers if b.label in labels]
    focus = [b for b in drawn if b in (mistake.truth, mistake.answer)]
    ordered = [b for b in drawn if b not in focus] + focus
    return tuple(
        mark(
            ("truth" if isinstance(b, TruthBox) else "answer") + (" focus" if b in focus else ""),
            f"{'Truth' if isinstance(b, TruthBox) else 'Predicted'}: {words(b.label)}",
            b.box_xyxy_px,
        )
        for b in ordered
    )
