from collections.abc import Sequence

import numpy as np
import pytest

from discern.imaging.study import Slice
from discern.inference.detect import SliceBoxes
from discern.inference.lesion_support import supported, supported_scores
from discern.inference.tracks import PlacedBox
from discern.postprocess import PostprocessConfig, SelectedBox
from discern.spine import LABELS, Label

HERNIATION, HIZ = Label.HERNIATION, Label.HIZ
SIZE_MM = (8.0, 6.0)


def selected(label: Label, score: float, left_px: float = 0.0) -> SelectedBox:
    """A box as the network gives it, 8 px wide."""
    scores = [0.0] * len(LABELS)
    scores[LABELS.index(label)] = score
    return SelectedBox(label, score, tuple(scores), (left_px, 0.0, left_px + 8, 6.0))


def placed(
    slice_index: int, score: float, *, head_mm: float = 0.0, label: Label = HIZ
) -> PlacedBox:
    """A box on a slice 4 mm from the next."""
    center = np.array([slice_index * 4.0, 0.0, head_mm])
    return PlacedBox("", slice_index, selected(label, score), center, np.array(SIZE_MM))


def slice_with(index: int, boxes: Sequence[SelectedBox]) -> SliceBoxes:
    """What was found on one slice without a place in space."""
    nothing = np.zeros((8, 8), np.float32)
    view = np.array([box.box_xyxy_px for box in boxes]).reshape(-1, 4)
    slice_ = Slice(index, (8, 8), None, (1.0, 1.0), lambda: nothing, None, None, f"{index}.png")
    return SliceBoxes(slice_, tuple(boxes), view, nothing.astype(np.float16), 8.0, nothing)


def test_a_doubtful_box_beside_a_sure_one_counts_up_to_twice() -> None:
    assert supported_scores([placed(3, 0.8), placed(4, 0.45), placed(5, 0.1)]) == [0.8, 0.8, 0.2]


def test_support_goes_on_through_slices_in_either_direction() -> None:
    boxes = [placed(index, 0.5) for index in (7, 6, 5)] + [placed(4, 0.9)]

    assert supported_scores(boxes) == [0.9] * 4


@pytest.mark.parametrize(
    "other",
    [
        placed(2, 0.4),
        placed(4, 0.4),
        placed(3, 0.4, head_mm=6.5),
        placed(3, 0.4, label=HERNIATION),
        placed(3, 0.4, label=Label.PFIRRMANN_3),
    ],
    ids=["same slice", "slice between", "other place", "other lesion", "disc"],
)
def test_only_the_same_lesion_at_the_same_place_of_the_next_slice_supports(
    other: PlacedBox,
) -> None:
    assert supported_scores([placed(2, 0.9), other]) == [0.9, 0.4]


def test_slices_after_a_gap_do_not_support() -> None:
    boxes = [placed(2, 0.9), placed(3, 0.5), placed(4, 0.5)]

    assert supported_scores(boxes, frozenset({3})) == [0.9, 0.5, 0.5]
    assert supported_scores(boxes, frozenset({4})) == [0.9, 0.9, 0.5]


def test_nothing_found_is_nothing() -> None:
    assert supported_scores([]) == []


def test_what_stays_below_the_threshold_goes_and_discs_stay() -> None:
    thresholds = PostprocessConfig(grade_score=0.3, herniation_score=0.6, hiz_score=0.6)
    disc = selected(Label.PFIRRMANN_3, 0.31)
    results = [
        slice_with(0, [disc, selected(HERNIATION, 0.7)]),
        slice_with(1, [selected(HERNIATION, 0.35), disc, selected(HERNIATION, 0.5, left_px=20)]),
        slice_with(2, [selected(HIZ, 0.5)]),
    ]

    first, second, third = supported(results, thresholds)

    assert first.boxes == results[0].boxes
    assert [(box.label, box.score) for box in second.boxes] == [
        (HERNIATION, 0.7),
        (Label.PFIRRMANN_3, 0.31),
    ]
    assert second.boxes[0].class_scores[LABELS.index(HERNIATION)] == 0.7
    assert second.view_boxes_xyxy_px.tolist() == [[0, 0, 8, 6]] * 2
    assert third.boxes == ()
    assert third.view_boxes_xyxy_px.shape == (0, 4)


def test_what_may_be_supported_passes_lower_thresholds() -> None:
    lower = PostprocessConfig(0.3, 0.6, 0.4).with_doubtful_lesions()

    assert (lower.grade_score, lower.herniation_score, lower.hiz_score) == (0.3, 0.3, 0.2)
