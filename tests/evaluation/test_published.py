"""The paper's printed figures hold together, and its rows are named as it names them."""

import numpy as np
import pytest

from discern.evaluation.published import (
    DISC_WISE_EXTERNAL,
    DISC_WISE_INTERNAL,
    LESION_PLANES,
    ROWS,
    TABLE_4,
    TABLE_5,
    TABLE_6_AXIAL_HERNIATION,
    TABLE_6_GRADING,
    PublishedScores,
    row_name,
)
from discern.spine import Label, PfirrmannGrade, Plane

HALF_A_DIGIT = 0.005


def f1_range(scores: PublishedScores) -> tuple[float, float]:
    """Return the F1 scores that precision and recall allow before they were rounded."""
    ends = [
        2 * p * r / (p + r)
        for p in (scores.precision - HALF_A_DIGIT, scores.precision + HALF_A_DIGIT)
        for r in (scores.recall - HALF_A_DIGIT, scores.recall + HALF_A_DIGIT)
    ]
    return min(ends), max(ends)


@pytest.mark.parametrize("scores", [*TABLE_4.values(), *TABLE_5.values()])
def test_f1_follows_from_precision_and_recall_within_rounding(scores: PublishedScores) -> None:
    low, high = f1_range(scores)
    assert scores.f1 is not None
    assert low - HALF_A_DIGIT <= scores.f1 <= high + HALF_A_DIGIT


def test_table_6_repeats_table_4() -> None:
    ours = TABLE_6_AXIAL_HERNIATION[-1]
    axial = TABLE_4[Label.HERNIATION, Plane.AXIAL]
    assert (ours.precision, ours.recall) == (axial.precision, axial.recall)

    grades = [TABLE_4[grade] for grade in PfirrmannGrade]
    assert TABLE_6_GRADING[-1].recall == round(float(np.mean([g.recall for g in grades])), 2)
    assert TABLE_6_GRADING[-1].precision == pytest.approx(
        np.mean([g.precision for g in grades]), abs=2 * HALF_A_DIGIT + 1e-9
    )


def test_every_row_is_there_in_the_order_of_the_paper() -> None:
    assert tuple(TABLE_4) == tuple(TABLE_5) == ROWS
    assert tuple(DISC_WISE_INTERNAL) == tuple(DISC_WISE_EXTERNAL) == LESION_PLANES
    assert [row_name(row) for row in ROWS] == [
        "Disc degeneration grade 1",
        "Disc degeneration grade 2",
        "Disc degeneration grade 3",
        "Disc degeneration grade 4",
        "Disc degeneration grade 5",
        "Lumbar disc herniation (sagittal)",
        "Lumbar disc herniation (axial)",
        "High-intensity zone (sagittal)",
        "High-intensity zone (axial)",
    ]


@pytest.mark.parametrize("plane", [Plane.SAGITTAL, Plane.AXIAL])
def test_disc_wise_herniation_has_more_recall_and_less_precision_than_slice_wise(
    plane: Plane,
) -> None:
    disc_wise = DISC_WISE_INTERNAL[Label.HERNIATION, plane]
    slice_wise = TABLE_4[Label.HERNIATION, plane]
    assert disc_wise.recall > slice_wise.recall
    assert disc_wise.precision < slice_wise.precision
