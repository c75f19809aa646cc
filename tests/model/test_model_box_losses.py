import math

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model import box_losses

A = torch.tensor([0.0, 0.0, 4.0, 2.0])
SHIFTED = torch.tensor([2.0, 0.0, 6.0, 2.0])
TALL = torch.tensor([1.0, -1.0, 3.0, 3.0])
FAR = torch.tensor([6.0, 8.0, 10.0, 10.0])


def test_iou_by_hand() -> None:
    boxes = torch.stack([A, SHIFTED, TALL, FAR])

    # overlaps 8, 4, 4, 0 of unions 8, 12, 12, 16
    expected = torch.tensor([1.0, 1 / 3, 1 / 3, 0.0])
    torch.testing.assert_close(box_losses.iou(A.expand(4, 4), boxes), expected)


def test_diou_takes_off_the_squared_distance_of_the_centres() -> None:
    boxes = torch.stack([SHIFTED, TALL, FAR])

    # SHIFTED: centres 2 apart, enclosing 6 x 2; TALL: same centre; FAR: (6, 8) apart in 10 x 10
    expected = torch.tensor([1 / 3 - 4 / 40, 1 / 3, -100 / 200])
    torch.testing.assert_close(box_losses.diou(A.expand(3, 4), boxes), expected)


def test_ciou_takes_off_the_difference_of_aspect_ratios() -> None:
    v = 4 / math.pi**2 * (math.atan(2.0) - math.atan(0.5)) ** 2
    alpha = v / (1 - 1 / 3 + v)

    assert float(box_losses.ciou(A, TALL)) == pytest.approx(1 / 3 - alpha * v, abs=1e-6)
    assert float(box_losses.ciou(A, SHIFTED)) == pytest.approx(float(box_losses.diou(A, SHIFTED)))


def test_boxes_apart_still_attract_each_other() -> None:
    shift = torch.zeros(2, requires_grad=True)

    torch.autograd.backward(1 - box_losses.diou(A + shift.repeat(2), FAR))

    assert shift.grad is not None
    assert (shift.grad < 0).all()  # descending moves the box right and down, towards FAR


def test_empty_and_degenerate_boxes_give_finite_numbers() -> None:
    flat = torch.tensor([1.0, 1.0, 1.0, 1.0], requires_grad=True)

    overlap = box_losses.ciou(flat, flat.detach())
    torch.autograd.backward(overlap)

    assert torch.isfinite(overlap)
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()
    assert box_losses.ciou(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0,)
