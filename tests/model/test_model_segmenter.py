import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import onnx
import openvino
import torch
from torch import Tensor, nn

from discern.errors import WeightsError
from discern.model.export import export_segmenter, fuse_normalisation, round_to_half
from discern.model.segmenter import Segmenter, SegmenterConfig, build_segmenter, tissue_loss
from discern.spine import Tissue

SMALL = SegmenterConfig(channels=(8, 8, 16, 16, 16))


def _seen(config: SegmenterConfig) -> Segmenter:
    """A network whose batch norms have seen data."""
    torch.manual_seed(0)
    segmenter = build_segmenter(config)
    with torch.no_grad():
        for _ in range(8):
            segmenter(torch.rand(4, 1, 96, 96))
    return segmenter


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return _seen(SegmenterConfig())


@pytest.fixture(scope="module")
def network(segmenter: Segmenter) -> onnx.ModelProto:
    return export_segmenter(segmenter)


def test_logits_are_as_large_as_the_image(segmenter: Segmenter) -> None:
    with torch.no_grad():
        assert segmenter(torch.rand(2, 1, 64, 96)).shape == (2, len(Tissue), 64, 96)


def test_it_is_small(segmenter: Segmenter, network: onnx.ModelProto) -> None:
    assert sum(parameter.numel() for parameter in segmenter.parameters()) < 1.5e6
    assert len(network.SerializeToString()) < 3e6


def test_a_pixel_depends_on_the_far_end_of_the_image() -> None:
    segmenter = _seen(SegmenterConfig()).eval()
    image = torch.rand(1, 1, 320, 320, requires_grad=True)

    segmenter(image)[0, :, 40, 160].sum().backward()

    assert image.grad is not None
    rows = image.grad[0, 0].abs().sum(dim=1).nonzero().flatten()
    assert rows.min() == 0
    assert rows.max() > 290


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 96, 64), (2, 128, 160)])
def test_openvino_agrees_with_torch_of_the_same_rounded_weights(
    segmenter: Segmenter, network: onnx.ModelProto, shape: tuple[int, int, int]
) -> None:
    batch, height, width = shape
    images = np.random.default_rng(batch).random((batch, 1, height, width), dtype=np.float32)
    rounded = round_to_half(fuse_normalisation(segmenter))
    with torch.no_grad():
        expected = rounded(torch.from_numpy(images)).softmax(dim=1)

    core = openvino.Core()
    model = core.read_model(network.SerializeToString())
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    np.testing.assert_allclose(compiled(images)["tissues"], expected.numpy(), atol=1e-5)


def test_a_weight_that_fp16_cannot_hold_is_refused() -> None:
    segmenter = build_segmenter(SMALL)
    with torch.no_grad():
        segmenter.stem.conv.weight[0, 0, 0, 0] = 1e6

    with pytest.raises(WeightsError, match="does not fit fp16"):
        export_segmenter(segmenter)


def test_the_loss_is_cross_entropy_and_dice() -> None:
    logits = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    tissues = torch.randint(0, 4, (2, 8, 8), generator=torch.Generator().manual_seed(2))
    p = logits.softmax(dim=1)
    dices = []
    for tissue in (1, 2, 3):
        shown = (tissues == tissue).float()
        overlap = 2 * (p[:, tissue] * shown).sum() + 1
        dices.append(overlap / (p[:, tissue].sum() + shown.sum() + 1))
    chosen = p.gather(1, tissues[:, None])
    expected = -chosen.log().mean() + 1 - torch.stack(dices).mean()

    torch.testing.assert_close(tissue_loss(logits, tissues), expected)


def test_a_right_answer_costs_next_to_nothing() -> None:
    tissues = torch.randint(0, 4, (1, 16, 16), generator=torch.Generator().manual_seed(0))
    sure: Tensor = 30.0 * nn.functional.one_hot(tissues, 4).movedim(-1, 1).float()

    assert tissue_loss(sure, tissues) < 1e-3
    assert tissue_loss(-sure, tissues) > 10
