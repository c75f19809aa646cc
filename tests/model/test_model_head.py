import math

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.head import STRIDES, Head, cell_grid, decode_boxes

ANCHORS = (
    ((10.0, 6.0), (20.0, 8.0), (24.0, 12.0)),
    ((30.0, 12.0), (36.0, 18.0), (48.0, 20.0)),
    ((50.0, 30.0), (64.0, 32.0), (80.0, 40.0)),
)


def _head(*, objectness: bool) -> Head:
    return Head((4, 4, 4), ANCHORS, classes=7, objectness=objectness)


def _zero_maps() -> list[torch.Tensor]:
    return [torch.zeros(1, 3, 64 // stride, 96 // stride, 12) for stride in STRIDES]


def test_zero_logits_decode_to_the_anchor_in_the_middle_of_its_cell() -> None:
    boxes, _ = _head(objectness=True).decode(_zero_maps())

    # map 0, anchor 1, row 2, column 5 of an 8 x 12 map: centre (5.5, 2.5) * 8, size (20, 8)
    index = 1 * 96 + 2 * 12 + 5
    assert boxes[0, index].tolist() == [44 - 10, 20 - 4, 44 + 10, 20 + 4]
    # last map, last anchor, last cell: row 1, column 2
    assert boxes[0, -1].tolist() == [80 - 40, 48 - 20, 80 + 40, 48 + 20]


def test_decode_by_hand_at_other_logits() -> None:
    raw = torch.tensor([math.log(3.0), -math.log(3.0), math.log(3.0), -math.log(3.0)])

    box = decode_boxes(raw, torch.tensor([4.0, 2.0]), torch.tensor([20.0, 16.0]), 8)

    # sigmoid 0.75 and 0.25: centre (4 + 1, 2 + 0) * 8, size (1.5^2 * 20, 0.5^2 * 16)
    torch.testing.assert_close(box, torch.tensor([40 - 22.5, 16 - 2, 40 + 22.5, 16 + 2]))


def test_scores_are_classes_times_objectness_or_classes_alone() -> None:
    maps = _zero_maps()
    for raw in maps:
        raw[..., 4] = -math.log(3.0)  # objectness 0.25
        raw[..., 7] = math.log(4.0)  # third class 0.8

    _, with_objectness = _head(objectness=True).decode(maps)
    _, alone = _head(objectness=False).decode(maps)

    assert with_objectness[0, 0].tolist() == pytest.approx([0.125, 0.125, 0.2] + [0.125] * 4)
    assert alone[0, 0].tolist() == pytest.approx([0.5, 0.5, 0.8] + [0.5] * 4)


def test_biases_start_at_the_base_rates() -> None:
    features = tuple(torch.zeros(1, 4, 416 // s, 416 // s) for s in STRIDES)

    with torch.no_grad():
        literal = _head(objectness=False)(features)
        usual = _head(objectness=True)(features)

    assert float(literal[0][..., 5:].sigmoid().mean()) == pytest.approx(0.01)
    assert float(usual[1][..., 4].sigmoid().mean()) == pytest.approx(8 / (26 * 26), rel=0.02)


def test_grid_counts_columns_then_rows() -> None:
    grid = cell_grid(2, 3, torch.device("cpu"))

    assert grid.shape == (2, 3, 2)
    assert grid[1, 2].tolist() == [2, 1]
