import math
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.box_losses import ciou, iou
from discern.model.detector import DEFAULT_ANCHORS, NetworkConfig, build_detector
from discern.model.loss import (
    DetectionLoss,
    LossConfig,
    LossKind,
    LossTerms,
    Targets,
)

CLASSES, HERNIATION = 7, 5
KINDS = list(LossKind)


def _targets(
    boxes: list[list[float]],
    labels: list[int],
    *,
    images: list[int] | None = None,
    ignored: list[list[float]] | None = None,
    batch: int = 2,
) -> Targets:
    regions = [] if ignored is None else ignored
    return Targets(
        boxes_xyxy_px=torch.tensor(boxes).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64),
        image_index=torch.tensor(images or [0] * len(boxes), dtype=torch.int64),
        annotated=torch.ones(batch, CLASSES, dtype=torch.bool),
        ignored_xyxy_px=torch.tensor(regions).reshape(-1, 4),
        ignored_image_index=torch.zeros(len(regions), dtype=torch.int64),
    )


def _maps(seed: int = 0, size: int = 96, batch: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(
            batch, 3, size // s, size // s, 5 + CLASSES, generator=generator
        ).requires_grad_()
        for s in (8, 16, 32)
    ]


def _loss(kind: LossKind, **options: float) -> DetectionLoss:
    return DetectionLoss(LossConfig(kind=kind, **options), DEFAULT_ANCHORS)


def _gradients(
    maps: list[torch.Tensor], loss: DetectionLoss, targets: Targets
) -> list[torch.Tensor]:
    torch.autograd.backward(loss(maps, targets).total)
    return [raw.grad for raw in maps if raw.grad is not None]


TWO_DISCS = _targets([[20.0, 30.0, 70.0, 50.0], [30.0, 60.0, 78.0, 76.0]], [2, 3], images=[0, 1])


def _bce(logit: torch.Tensor, target: float) -> torch.Tensor:
    return -(target * logit.sigmoid().log() + (1 - target) * (1 - logit.sigmoid()).log())


def test_literal_loss_of_an_image_without_positives_is_its_background() -> None:
    maps = _maps()

    terms = _loss(LossKind.LITERAL)(maps, _targets([], []))

    background = sum(_bce(raw[..., 5:].detach(), 0).sum() for raw in maps)
    torch.testing.assert_close(terms.total.detach(), background / 2)
    assert float(terms.box) == 0


def test_literal_loss_worked_slot_by_slot() -> None:
    # one 50 x 20 disc with centre (45, 40): the nine anchors of DEFAULT_ANCHORS all fit, and the
    # three maps give it cells (row, column) as listed
    maps = _maps(seed=3, batch=1)
    targets = _targets([[20.0, 30.0, 70.0, 50.0]], [2], batch=1)
    cells = {0: [(5, 5), (5, 6), (4, 5)], 1: [(2, 2), (2, 3), (3, 2)], 2: [(1, 1), (1, 0), (0, 1)]}
    cross_entropy, distance = 0.0, []
    for index, raw in enumerate(maps):
        logits = raw.detach()[..., 5:].double()
        truth = torch.zeros_like(logits)
        for anchor in range(3):
            for row, column in cells[index]:
                truth[0, anchor, row, column, 2] = 1
                box = _decoded_by_hand(raw.detach(), index, anchor, row, column)
                distance.append(1 - _diou_by_hand(box, (20.0, 30.0, 70.0, 50.0)))
        p = logits.sigmoid()
        cross_entropy -= float((truth * p.log() + (1 - truth) * (1 - p).log()).sum())

    terms = _loss(LossKind.LITERAL)(maps, targets)

    assert len(distance) == 27
    assert float(terms.classes) == pytest.approx(cross_entropy / 27 / 2, rel=1e-4)
    assert float(terms.box) == pytest.approx(sum(distance) / 27 / 2, rel=1e-4)
    assert float(terms.total.detach()) == pytest.approx(float(terms.classes + terms.box))


def _decoded_by_hand(
    raw: torch.Tensor, index: int, anchor: int, row: int, column: int
) -> tuple[float, ...]:
    stride = (8, 16, 32)[index]
    x, y, w, h = (2 / (1 + math.exp(-t)) for t in raw[0, anchor, row, column, :4].tolist())
    width, height = DEFAULT_ANCHORS[index][anchor]
    cx, cy = (x - 0.5 + column) * stride, (y - 0.5 + row) * stride
    half_w, half_h = w * w * width / 2, h * h * height / 2
    return cx - half_w, cy - half_h, cx + half_w, cy + half_h


def _diou_by_hand(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    common = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    rho2 = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    c2 = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
    return common / union - rho2 / c2


def test_yolov5_objectness_of_an_empty_image_is_balanced_over_the_maps() -> None:
    maps = _maps()

    terms = _loss(LossKind.YOLOV5, objectness_gain=1.0)(maps, _targets([], []))

    means = [_bce(raw[..., 4].detach(), 0).mean() for raw in maps]
    torch.testing.assert_close(terms.objectness, 4 * means[0] + means[1] + 0.4 * means[2])
    assert float(terms.box) == float(terms.classes) == 0


def test_yolov5_gains_weigh_the_terms() -> None:
    maps = _maps()
    unit = _loss(LossKind.YOLOV5, box_gain=1.0, objectness_gain=1.0, class_gain=1.0)
    weighed = _loss(LossKind.YOLOV5, box_gain=0.5, objectness_gain=2.0, class_gain=3.0)

    first, second = unit(maps, TWO_DISCS), weighed(maps, TWO_DISCS)

    torch.testing.assert_close(second.box, 0.5 * first.box)
    torch.testing.assert_close(second.objectness, 2 * first.objectness)
    torch.testing.assert_close(second.classes, 3 * first.classes)
    total = second.box + second.objectness + second.classes
    torch.testing.assert_close(second.total.detach(), total)


def test_yolov5_objectness_learns_the_overlap_of_its_box() -> None:
    # every slot says objectness 0.5: the gradient is 0.5 - target, and 0.5 for background
    maps = [torch.zeros(1, 3, 96 // s, 96 // s, 12, requires_grad=True) for s in (8, 16, 32)]
    centre = (2.5 * 16, 3.5 * 16)  # the middle of a cell: zero logits decode to the anchor itself
    box = _around(centre, DEFAULT_ANCHORS[1][2])

    gradient = _gradients(maps, _loss(LossKind.YOLOV5), _targets([box], [0], batch=1))

    learnt = 0.5 * (1 - gradient[1][0, :, 3, 2, 4] / gradient[1][0, 0, 0, 0, 4])
    anchors = torch.tensor([_around(centre, size) for size in DEFAULT_ANCHORS[1]])
    torch.testing.assert_close(learnt, ciou(anchors, torch.tensor(box).expand(3, 4)))
    # 48.1 x 12.4 of 986.3 and 48.1 x 16.2 of 1033.5 px2 in common, aspect ratios nearly alike
    assert learnt.tolist() == pytest.approx([0.6045, 0.7539, 1.0], abs=1e-3)


def _around(center: tuple[float, float], size: tuple[float, float]) -> list[float]:
    (x, y), (width, height) = center, size
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_that_is_not_annotated_on_an_image_gives_no_gradient_there(kind: LossKind) -> None:
    annotated = torch.ones(2, CLASSES, dtype=torch.bool)
    annotated[0, HERNIATION] = False

    gradients = _gradients(_maps(), _loss(kind), replace(TWO_DISCS, annotated=annotated))

    for gradient in gradients:
        assert (gradient[0, ..., 5 + HERNIATION] == 0).all()
    assert any((gradient[1, ..., 5 + HERNIATION] != 0).any() for gradient in gradients)
    assert any((gradient[0, ..., 5 + HERNIATION + 1] != 0).any() for gradient in gradients)


@pytest.mark.parametrize("kind", KINDS)
def test_background_in_an_ignore_region_gives_no_gradient(kind: LossKind) -> None:
    region = [0.0, 0.0, 96.0, 24.0]  # the upper three rows of cells of the finest map, image 0
    maps = _maps()
    targets = replace(TWO_DISCS, **_ignoring([region]))

    gradients = _gradients(maps, _loss(kind), targets)

    assert (gradients[0][0, :, :3] == 0).all()
    assert (gradients[0][1, :, :3, :, 4:] != 0).any()  # the other image has no such region
    assert (gradients[0][0, :, 8:, :, 4:] != 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_that_lies_mostly_in_an_ignore_region_is_ignored(kind: LossKind) -> None:
    maps = [torch.zeros(1, 3, 96 // s, 96 // s, 12) for s in (8, 16, 32)]
    # in row 5 (cell centre y = 44) the 41.0 x 9.8 anchor, moved up to the centre y = 5.0 * 8 = 40
    maps[0][0, 1, 5, 6, :4] = torch.tensor([0.0, -1.0986, 0.0, 0.0])
    for raw in maps:
        raw.requires_grad_()
    region = [0.0, 30.0, 96.0, 42.0]  # no cell centre of row 5, but 70 % of that box

    gradients = _gradients(
        maps, _loss(kind), replace(_targets([], [], batch=1), **_ignoring([region]))
    )

    assert (gradients[0][0, 1, 5, 6] == 0).all()
    assert (gradients[0][0, 1, 5, 5] != 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_in_an_ignore_region_is_still_learnt(kind: LossKind) -> None:
    everything = replace(TWO_DISCS, **_ignoring([[0.0, 0.0, 96.0, 96.0]]))

    gradients = _gradients(_maps(), _loss(kind), everything)

    learning = [(gradient[0] != 0).any(dim=-1).sum() for gradient in gradients]
    assert [int(count) for count in learning] == [9, 9, 9]  # 3 anchors x 3 cells, nothing else


def _ignoring(regions: list[list[float]]) -> dict[str, torch.Tensor]:
    return {
        "ignored_xyxy_px": torch.tensor(regions),
        "ignored_image_index": torch.zeros(len(regions), dtype=torch.int64),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_maps_give_a_finite_float32_loss(kind: LossKind, dtype: torch.dtype) -> None:
    maps = [(raw * 8).to(dtype).detach().requires_grad_() for raw in _maps()]

    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = _loss(kind)(maps, TWO_DISCS)
    torch.autograd.backward(terms.total)

    assert terms.total.dtype is torch.float32
    assert torch.isfinite(terms.total)
    assert all(raw.grad is not None and torch.isfinite(raw.grad).all() for raw in maps)


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_maps_and_boxes_give_a_finite_gradient(kind: LossKind) -> None:
    maps = [(raw * 100).detach().requires_grad_() for raw in _maps()]
    hard = _targets(
        [[10.0, 10.0, 10.0, 10.0], [-40.0, 20.0, 30.0, 30.0], [90.0, 90.0, 140.0, 99.0]], [0, 1, 6]
    )

    gradients = _gradients(maps, _loss(kind), hard)

    assert len(gradients) == 3
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_learns_four_images_by_heart(kind: LossKind) -> None:
    torch.manual_seed(0)
    detector = build_detector(NetworkConfig(objectness=kind is LossKind.YOLOV5))
    images, targets = _four_images()
    loss = _loss(kind, class_gain=0.5)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1.5e-3)

    history = [_step(detector, loss, optimizer, images, targets) for _ in range(60)]

    assert history[-1] < 0.25 * history[0]
    boxes, scores = detector.decode([raw.detach() for raw in detector(images)])
    best = scores[:, :, :5].amax(dim=2).argmax(dim=1)
    found = boxes[torch.arange(4), best]
    assert scores[torch.arange(4), best, :5].argmax(dim=1).tolist() == targets.labels.tolist()
    assert (iou(found, targets.boxes_xyxy_px) > 0.5).all()


def _four_images() -> tuple[torch.Tensor, Targets]:
    """Draw one bright bar in each image, brighter for each grade."""
    images = torch.zeros(4, 1, 64, 64)
    boxes = [[8, 10, 48, 22], [14, 24, 56, 38], [4, 40, 44, 56], [18, 8, 62, 20]]
    for image, (x1, y1, x2, y2) in enumerate(boxes):
        images[image, 0, y1:y2, x1:x2] = 0.25 + 0.25 * image
    floats = [[float(side) for side in box] for box in boxes]
    return images, _targets(floats, [0, 1, 2, 3], images=[0, 1, 2, 3], batch=4)


def _step(
    detector: torch.nn.Module,
    loss: DetectionLoss,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    targets: Targets,
) -> float:
    terms: LossTerms = loss(detector(images), targets)
    optimizer.zero_grad()
    torch.autograd.backward(terms.total)
    optimizer.step()
    return float(terms.total.detach())
