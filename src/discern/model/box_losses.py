"""Overlap measures between aligned pairs of boxes, differentiable; (..., 4) xyxy, any unit.

IoU = intersection / union. DIoU = IoU - rho^2 / c^2, with rho the distance of the centres and c
the diagonal of the smallest enclosing box. CIoU = DIoU - alpha v, with
v = 4 / pi^2 (atan(w_t / h_t) - atan(w / h))^2 and alpha = v / (1 - IoU + v) held constant
(Zheng et al. 2020, "Distance-IoU loss"; the paper, section 2.5.3, uses 1 - DIoU).
"""

import math

import torch
from torch import Tensor

_EPSILON = 1e-7


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the overlap (...,) of each box in ``a`` with its partner in ``b``.

    >>> iou(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0]))
    tensor(0.3333)
    """
    overlap = intersection(a, b)
    return overlap / (area(a) + area(b) - overlap + _EPSILON)


def diou(a: Tensor, b: Tensor) -> Tensor:
    """Return IoU - rho^2 / c^2 (...,), between -1 and 1."""
    enclosing = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    between_centers = (b[..., :2] + b[..., 2:] - a[..., :2] - a[..., 2:]) / 2
    rho2 = between_centers.square().sum(dim=-1)
    c2 = enclosing.square().sum(dim=-1) + _EPSILON
    return iou(a, b) - rho2 / c2


def ciou(predicted: Tensor, target: Tensor) -> Tensor:
    """Return DIoU - alpha v (...,), which also compares aspect ratios."""
    v = (4 / math.pi**2) * (_aspect_angle(target) - _aspect_angle(predicted)).square()
    with torch.no_grad():
        alpha = v / (1 - iou(predicted, target) + v + _EPSILON)
    return diou(predicted, target) - alpha * v


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """Return the common area (...,); ``a`` and ``b`` broadcast over the leading dimensions."""
    top_left = torch.maximum(a[..., :2], b[..., :2])
    bottom_right = torch.minimum(a[..., 2:], b[..., 2:])
    return (bottom_right - top_left).clamp(min=0).prod(dim=-1)


def area(boxes: Tensor) -> Tensor:
    """Return the area (...,) of each box."""
    return (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)


def _aspect_angle(boxes: Tensor) -> Tensor:
    width, height = (boxes[..., 2:] - boxes[..., :2]).unbind(dim=-1)
    return torch.atan(width / (height + _EPSILON))
