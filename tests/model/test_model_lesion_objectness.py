import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.head import OBJECTNESS_CHANNEL
from discern.model.loss import DetectionLoss
from discern.model.loss_config import LossConfig
from discern.model.targets import Targets
from discern.spine import LABELS, Label

ANCHORS = (((8.0, 8.0),) * 3,) * 3


def objectness_gradient(label: Label, least: float) -> torch.Tensor:
    """Return what the loss asks of the objectness where one small box is badly placed."""
    maps = [torch.zeros(1, 3, n, n, 5 + len(LABELS)) for n in (8, 4, 2)]
    for one in maps:
        one[..., OBJECTNESS_CHANNEL] = 0.5
        one.requires_grad_()
    targets = Targets(
        boxes_xyxy_px=torch.tensor([[29.0, 29.0, 33.0, 33.0]]),
        labels=torch.tensor([LABELS.index(label)]),
        image_index=torch.tensor([0]),
        annotated=torch.ones(1, len(LABELS), dtype=torch.bool),
        ignored_xyxy_px=torch.zeros(0, 4),
        ignored_image_index=torch.zeros(0, dtype=torch.int64),
    )
    loss = DetectionLoss(LossConfig(lesion_objectness=least), ANCHORS)
    loss(maps, targets).total.backward()
    gradient = maps[0].grad
    assert gradient is not None
    return gradient[0, :, 3, 3, OBJECTNESS_CHANNEL]


def test_a_lesion_is_an_object_however_small_its_overlap() -> None:
    assert (objectness_gradient(Label.HIZ, 0.0) > 0).all()  # asked for less than it has
    assert (objectness_gradient(Label.HIZ, 0.9) < 0).all()  # asked for more


def test_discs_learn_their_overlap_as_before() -> None:
    plain, raised = (objectness_gradient(Label.PFIRRMANN_2, least) for least in (0.0, 0.9))
    assert torch.equal(plain, raised)
