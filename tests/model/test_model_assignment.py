import math

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.assignment import MapGeometry, assign_targets
from discern.model.head import decode_boxes

ANCHORS = torch.tensor([[20.0, 10.0], [40.0, 20.0], [200.0, 100.0]])
MAP = MapGeometry(rows=8, columns=12, stride=8, anchors_wh_px=ANCHORS)


def _box(x: float, y: float, width: float = 24.0, height: float = 10.0) -> list[float]:
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def _assign(boxes: list[list[float]], images: list[int]) -> set[tuple[int, ...]]:
    found = assign_targets(
        torch.tensor(boxes).reshape(-1, 4),
        torch.tensor(images, dtype=torch.int64),
        MAP,
        max_ratio=4.0,
    )
    columns = (found.image, found.anchor, found.row, found.column, found.target)
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_centre_cell_and_the_two_nearest_neighbours_of_every_fitting_anchor() -> None:
    # centre (4.25, 3.75) cells: left and lower neighbours are nearest; anchor 2 is over 4 x larger
    found = _assign([_box(34, 30)], [0])

    cells = {(3, 4), (3, 3), (4, 4)}
    assert found == {(0, anchor, row, column, 0) for anchor in (0, 1) for row, column in cells}


def test_neighbours_outside_the_map_are_left_out() -> None:
    assert {slot[2:4] for slot in _assign([_box(2, 2)], [0])} == {(0, 0)}
    assert {slot[2:4] for slot in _assign([_box(95, 62)], [0])} == {(7, 11)}


@pytest.mark.parametrize(
    ("width", "fits"), [(79.9, True), (80.1, False), (5.1, True), (4.9, False)]
)
def test_an_anchor_fits_within_a_ratio_of_four_both_ways(width: float, *, fits: bool) -> None:
    found = _assign([_box(50, 30, width=width)], [0])

    assert (0 in {slot[1] for slot in found}) is fits


def test_a_slot_learns_only_the_target_with_the_nearest_centre() -> None:
    # both centres lie in cell (row 3, column 4), whose centre is (36, 28)
    found = _assign([_box(33, 28), _box(37, 29), _box(37, 29)], [0, 0, 1])

    owners = {slot[4] for slot in found if slot[:4] == (0, 0, 3, 4)}
    assert owners == {1}
    assert {slot[4] for slot in found if slot[0] == 1} == {2}  # another image does not compete
    assert len({slot[:4] for slot in found}) == len(found)


def test_anchors_and_images_do_not_compete_for_a_slot() -> None:
    found = _assign([_box(34, 30)] * 3, [0, 1, 2])

    assert len(found) == 3 * 2 * 3  # images x fitting anchors x cells
    assert all(slot[0] == slot[4] for slot in found)


def test_nothing_to_assign() -> None:
    assert _assign([], []) == set()


def test_a_target_encoded_in_any_of_its_slots_decodes_to_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    center = torch.rand(40, 2, generator=generator) * torch.tensor([96.0, 64.0])
    size = torch.rand(40, 2, generator=generator) * 30 + torch.tensor([12.0, 6.0])
    boxes = torch.cat([center - size / 2, center + size / 2], dim=1)

    found = assign_targets(boxes, torch.arange(40), MAP, max_ratio=4.0)

    cell = torch.stack([found.column, found.row], dim=1)
    anchors = ANCHORS[found.anchor]
    # inverse of the decoding formula, worked by hand
    unit_xy = (center[found.target] / 8 - cell + 0.5) / 2
    unit_wh = (size[found.target] / anchors).sqrt() / 2
    unit = torch.cat([unit_xy, unit_wh], dim=1)
    assert ((unit >= 0) & (unit < 1)).all()  # every slot can reach its target
    raw = torch.logit(unit.double())
    decoded = decode_boxes(raw, cell, anchors, 8)
    torch.testing.assert_close(decoded, boxes[found.target].double(), atol=1e-3, rtol=0)
    assert len(found.target) > 40 * 3
    assert math.isclose(float(found.image.float().mean()), float(found.target.float().mean()))
