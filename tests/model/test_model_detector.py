from itertools import product

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.errors import UsageError
from discern.model.backbone import Backbone, Scaling
from discern.model.detector import (
    DEFAULT_ANCHORS,
    Detector,
    NetworkConfig,
    NetworkSize,
    build_detector,
)
from discern.model.head import Head
from discern.model.layers import C3, C3Variant, ConvNormAct
from discern.model.neck import Neck


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _assembled(size: NetworkSize, *, inputs: int, classes: int) -> Detector:
    scaling = Scaling(size, C3Variant.PLAIN)
    backbone = Backbone(scaling, residual_sppf=False, inputs=inputs)
    head = Head(backbone.channels, DEFAULT_ANCHORS, classes=classes, objectness=True)
    return Detector(backbone, Neck(backbone.channels, scaling), head)


@pytest.mark.parametrize(
    ("size", "one_channel", "published"),
    [
        (NetworkSize.N, 1_772_236, 1_872_157),
        (NetworkSize.S, 7_036_204, 7_235_389),
        (NetworkSize.M, 20_892_108, 21_190_557),
    ],
)
def test_the_skeleton_has_the_published_number_of_parameters(
    size: NetworkSize, one_channel: int, published: int
) -> None:
    config = NetworkConfig(size=size, attention=False, residual_sppf=False)

    assert _parameters(build_detector(config)) == one_channel
    assert _parameters(_assembled(size, inputs=3, classes=80)) == published


def test_the_modules_cost_what_the_design_says() -> None:
    plain = NetworkConfig(size=NetworkSize.S, attention=False, residual_sppf=False)
    module1 = NetworkConfig(size=NetworkSize.S, residual_sppf=False)
    both = NetworkConfig(size=NetworkSize.S)
    control = NetworkConfig(size=NetworkSize.S, attention=False, capacity_control=True)

    counts = [_parameters(build_detector(c)) for c in (plain, module1, both, control)]

    assert counts[1] - counts[0] == 2_110_754
    assert counts[2] == counts[1]  # the residual of Module 2 has no parameters here
    assert counts[3] == pytest.approx(counts[1], rel=0.001)


@pytest.mark.parametrize(
    ("size", "attention", "residual_sppf"), list(product(NetworkSize, (False, True), (False, True)))
)
def test_maps_have_three_anchors_at_strides_8_16_32(
    size: NetworkSize, *, attention: bool, residual_sppf: bool
) -> None:
    config = NetworkConfig(size=size, attention=attention, residual_sppf=residual_sppf)
    detector = build_detector(config).eval()

    with torch.no_grad():
        maps = detector(torch.rand(2, 1, 64, 96))
        boxes, scores = detector.decode(maps)

    assert [tuple(raw.shape) for raw in maps] == [
        (2, 3, 8, 12, 12),
        (2, 3, 4, 6, 12),
        (2, 3, 2, 3, 12),
    ]
    assert boxes.shape == (2, 3 * (96 + 24 + 6), 4)
    assert scores.shape == (2, 3 * (96 + 24 + 6), 7)


def test_attention_sits_in_every_c3() -> None:
    blocks = [block for block in build_detector(NetworkConfig()).modules() if isinstance(block, C3)]

    assert len(blocks) == 8
    assert all(block.attention is not None for block in blocks)


def test_depth_and_width_of_the_small_network() -> None:
    detector = build_detector(NetworkConfig(size=NetworkSize.S))

    blocks = [block for block in detector.backbone.modules() if isinstance(block, C3)]
    assert [len(block.bottlenecks) for block in blocks] == [1, 2, 3, 1]
    assert detector.backbone.channels == (128, 256, 512)
    assert detector.backbone.stem.conv.kernel_size == (6, 6)


def test_channels_last_and_bf16_autocast_give_nearly_the_same_maps() -> None:
    torch.manual_seed(0)
    detector = build_detector(NetworkConfig()).eval()
    images = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        expected = detector(images)
        fast = detector.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # untyped in torch
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = fast(images.to(memory_format=torch.channels_last))

    for raw, reference in zip(maps, expected, strict=True):
        torch.testing.assert_close(raw.float(), reference, atol=0.05, rtol=0.05)


def test_every_parameter_reaches_the_maps() -> None:
    detector = build_detector(NetworkConfig())

    maps = detector(torch.rand(2, 1, 64, 64))
    torch.autograd.backward([raw.square().mean() for raw in maps])

    assert all(parameter.grad is not None for parameter in detector.parameters())


def test_all_convolutions_but_the_head_are_normalised() -> None:
    detector = build_detector(NetworkConfig(size=NetworkSize.N))

    convolutions = [m for m in detector.modules() if isinstance(m, torch.nn.Conv2d)]
    normalised = [m for m in detector.modules() if isinstance(m, ConvNormAct)]
    assert len(convolutions) - len(normalised) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": True, "capacity_control": True}, "stands in for attention"),
        ({"anchors_px": DEFAULT_ANCHORS[:2]}, "three maps"),
        ({"anchors_px": (*DEFAULT_ANCHORS[:2], DEFAULT_ANCHORS[2][:1])}, "same number"),
    ],
)
def test_refuses_contradictory_choices(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NetworkConfig(**options)  # type: ignore[arg-type] # one option at a time
