import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.layers import (
    C3,
    SPPF,
    Bottleneck,
    C3Variant,
    ChannelAttention,
    ConvNormAct,
)


def test_conv_norm_act_by_hand() -> None:
    block = ConvNormAct(1, 1, kernel=3, stride=2).eval()
    with torch.no_grad():
        block.conv.weight.fill_(0.1)
        block.norm.get_buffer("running_var").fill_(0.003)

        out = block(torch.ones(1, 1, 4, 4))

    normalised = torch.tensor([[0.4, 0.6], [0.6, 0.9]]) / (0.003 + 0.001) ** 0.5
    torch.testing.assert_close(out[0, 0], normalised * normalised.sigmoid())


def test_attention_multiplies_every_channel_of_its_convolution_by_one_number() -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(32).eval()
    y = torch.randn(2, 32, 5, 7)

    with torch.no_grad():
        z = attention.conv(y)
        ratio = attention(y) / z

    torch.testing.assert_close(ratio, ratio[:, :, :1, :1].expand_as(ratio))
    assert ((ratio > 0) & (ratio < 1)).all()


def test_attention_equals_the_formula_worked_by_hand() -> None:
    torch.manual_seed(1)
    attention = ChannelAttention(32).eval()
    y = torch.randn(1, 32, 3, 3)

    with torch.no_grad():
        z = attention.conv(y)
        mean = z.sum(dim=(2, 3)) / 9
        hidden = (mean @ attention.squeeze.weight.T + attention.squeeze.bias).clamp(min=0)
        raised = hidden @ attention.excite.weight.T + attention.excite.bias
        expected = z / (1 + torch.exp(-raised))[..., None, None]

        torch.testing.assert_close(attention(y), expected)
    assert attention.squeeze.out_features == 2  # 32 / 16


def test_c3_joins_attended_original_and_second_branch_in_that_order() -> None:
    torch.manual_seed(2)
    block = C3(8, 64, 2, shortcut=True, variant=C3Variant.ATTENTION).eval()
    x = torch.randn(1, 8, 6, 6)

    with torch.no_grad():
        y = block.bottlenecks(block.cv1(x))
        assert block.attention is not None
        expected = block.cv3(torch.cat([block.attention(y), y, block.cv2(x)], dim=1))

        torch.testing.assert_close(block(x), expected)
    assert block.cv3.conv.in_channels == 96


@pytest.mark.parametrize("channels", [32, 64, 128, 256, 512, 768])
def test_the_capacity_control_costs_what_the_attention_costs(channels: int) -> None:
    counts = {
        variant: sum(
            p.numel()
            for p in C3(channels, channels, 1, shortcut=True, variant=variant).parameters()
        )
        for variant in C3Variant
    }

    attention = counts[C3Variant.ATTENTION] - counts[C3Variant.PLAIN]
    control = counts[C3Variant.CAPACITY] - counts[C3Variant.PLAIN]
    assert control == pytest.approx(attention, rel=0.03)


def test_a_bottleneck_adds_its_input_only_with_a_shortcut() -> None:
    torch.manual_seed(3)
    with_shortcut = Bottleneck(16, shortcut=True).eval()
    without = Bottleneck(16, shortcut=False).eval()
    without.load_state_dict(with_shortcut.state_dict())
    x = torch.randn(1, 16, 4, 4)

    with torch.no_grad():
        torch.testing.assert_close(with_shortcut(x) - x, without(x))


def test_sppf_pools_5_9_and_13_wide() -> None:
    torch.manual_seed(4)
    block = SPPF(16, 16, residual=False).eval()
    x = torch.randn(1, 16, 20, 20)

    with torch.no_grad():
        x1 = block.cv1(x)
        wide = [torch.nn.functional.max_pool2d(x1, k, 1, k // 2) for k in (5, 9, 13)]

        torch.testing.assert_close(block(x), block.cv2(torch.cat([x1, *wide], dim=1)))


def test_module_2_adds_the_input_or_its_projection() -> None:
    torch.manual_seed(5)
    plain, residual = SPPF(16, 16, residual=False).eval(), SPPF(16, 16, residual=True).eval()
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(2, 16, 6, 6)

    with torch.no_grad():
        torch.testing.assert_close(residual(x), plain(x) + x)
    projecting = SPPF(16, 24, residual=True).eval()
    assert projecting(x).shape == (2, 24, 6, 6)
    assert isinstance(projecting.shortcut, torch.nn.Conv2d)
