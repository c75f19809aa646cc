import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.assignment import MapGeometry
from discern.model.loss_config import LossConfig
from discern.model.matching import class_targets, ignored_slots, match_map
from discern.model.targets import Targets

CLASSES = 7
MAP = MapGeometry(rows=4, columns=6, stride=16, anchors_wh_px=torch.tensor([[32.0, 16.0]]))


def _targets(ignored: list[list[float]], images: list[int]) -> Targets:
    return Targets(
        boxes_xyxy_px=torch.tensor([[8.0, 16.0, 40.0, 32.0], [50.0, 30.0, 90.0, 44.0]]),
        labels=torch.tensor([1, 5]),
        image_index=torch.tensor([0, 1]),
        annotated=torch.tensor([[True] * 7, [True] * 5 + [False] * 2]),
        ignored_xyxy_px=torch.tensor(ignored).reshape(-1, 4),
        ignored_image_index=torch.tensor(images, dtype=torch.int64),
    )


def _slots(mask: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(slot) for slot in mask.nonzero().tolist()}


def test_cells_with_their_centre_in_a_region_of_their_image_are_ignored() -> None:
    # zero logits: 32 x 16 boxes round cell centres (8 + 16 column, 8 + 16 row)
    raw = torch.zeros(2, 1, 4, 6, 5 + CLASSES)

    ignored = ignored_slots(raw, _targets([[16.0, 16.0, 32.0, 32.0]], [1]), MAP)

    assert _slots(ignored) == {(1, 0, 1, 1)}


@pytest.mark.parametrize(("left", "ignored"), [(31.9, {(0, 0, 0, 1)}), (32.1, set())])
def test_a_predicted_box_is_ignored_when_more_than_half_of_it_is_inside(
    left: float, ignored: set[tuple[int, ...]]
) -> None:
    raw = torch.zeros(1, 1, 4, 6, 5 + CLASSES)
    # sigmoid 0.75, 0.5, 0.25, 0.25: an 8 x 4 box round (32, 8), x from 28 to 36
    raw[0, 0, 0, 1, :4] = torch.logit(torch.tensor([0.75, 0.5, 0.25, 0.25]))
    region = [left, 0.0, 39.0, 16.0]  # between the cell centres at x = 24 and x = 40

    assert _slots(ignored_slots(raw, _targets([region], [0]), MAP)) == ignored


def test_nothing_is_ignored_without_regions() -> None:
    raw = torch.zeros(2, 1, 4, 6, 5 + CLASSES)

    assert not ignored_slots(raw, _targets([], []), MAP).any()


def test_positives_count_even_inside_a_region_and_know_their_classes() -> None:
    raw = torch.zeros(2, 1, 4, 6, 5 + CLASSES)
    everywhere = [[0.0, 0.0, 96.0, 64.0]] * 2

    matched = match_map(raw, _targets(everywhere, [0, 1]), MAP, LossConfig())

    assert _slots(matched.counted) == set(
        zip(*(index.tolist() for index in matched.positives.slots), strict=True)
    )
    assert matched.truth.tolist() == [
        _targets([], []).boxes_xyxy_px[target].tolist() for target in matched.positives.target
    ]
    second = matched.positives.image == 1
    assert (matched.class_target[second].argmax(dim=1) == 5).all()
    assert not matched.class_known[second][:, 5:].any()
    assert matched.class_known[~second].all()


def test_smoothing_of_grades_and_labels() -> None:
    labels = torch.tensor([0, 2, 5])

    plain = class_targets(labels, CLASSES, LossConfig())
    grades = class_targets(labels, CLASSES, LossConfig(grade_smoothing=0.1))
    both = class_targets(labels, CLASSES, LossConfig(label_smoothing=0.2))

    assert plain.tolist() == torch.eye(CLASSES)[labels].tolist()
    expected = [[0.9, 0.1, 0, 0, 0, 0, 0], [0, 0.1, 0.8, 0.1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0]]
    torch.testing.assert_close(grades, torch.tensor(expected))
    assert both[0].tolist() == pytest.approx([0.9] + [0.1] * 6)
