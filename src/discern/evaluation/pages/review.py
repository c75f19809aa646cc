"""The review page: a person accepts or rejects what the machine says of each slice (paper 2.6).

The page shows the answers alone, without the truth, and gives back ``review.csv``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from discern.evaluation.matching import AnsweredImage, one_grade_per_place
from discern.evaluation.material import ReadImage
from discern.evaluation.pages.gallery import words
from discern.evaluation.pages.page import render
from discern.evaluation.pages.pictures import Mark, displayed, mark, slice_jpeg
from discern.evaluation.predictions import PredictedBox
from discern.evaluation.review import COLUMNS, Digests, Verdict
from discern.spine import GRADE_LABELS, LESION_LABELS, Plane

MOST_SLICES = 2000  # some 60 kB each: more than a browser takes gladly


@dataclass(frozen=True, slots=True)
class ReviewedSlice:
    """One slice as the page shows it; ``size`` is columns and rows."""

    image: str
    plane: Plane
    size: tuple[int, int]
    picture: str
    marks: tuple[Mark, ...]
    names: tuple[str, ...]


def review_page(images: Iterable[AnsweredImage], read: ReadImage, digests: Digests) -> str:
    """Return ``review.html``.

    Args:
        images: With the boxes that reach their threshold.
        read: Called once for each image.
        digests: Of the data and the predictions; they go into ``review.csv``.
    """
    slices = [_slice(image, read) for image in images]
    return render(
        "review",
        has_script=True,
        slices=slices,
        digests=digests,
        columns=",".join(COLUMNS),
        verdicts=[str(verdict) for verdict in Verdict],
    )


def _slice(image: AnsweredImage, read: ReadImage) -> ReviewedSlice:
    grey = displayed(read(image.truth.image))
    rows, columns = grey.shape
    discs = one_grade_per_place(image.boxes)
    discs.sort(key=lambda box: box.box_xyxy_px[1])
    lesions = [box for box in image.boxes if box.label in LESION_LABELS]
    shown = [*discs, *lesions]
    return ReviewedSlice(
        image=image.truth.image,
        plane=image.truth.plane,
        size=(columns, rows),
        picture=slice_jpeg(grey),
        marks=tuple(mark(_style(box), words(box.label), box.box_xyxy_px) for box in shown),
        names=tuple(_name(box) for box in shown),
    )


def _style(box: PredictedBox) -> str:
    return "disc" if box.label in GRADE_LABELS else "lesion"


def _name(box: PredictedBox) -> str:
    """Return what stands beside the box."""
    return box.label.grade.name if box.label.grade else words(box.label)
