"""The insides of C3 and SPPF, with Module 1 and Module 2 where the network has them."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from discern.model.detector import Detector
from discern.model.drawing import (
    ACCENT,
    INK,
    TIMES,
    Box,
    draw_arrow,
    draw_box,
    draw_join,
    draw_label,
    straight,
)
from discern.model.layers import C3, ChannelAttention, ConvNormAct

_GATE, _Z, _TRUNK, _SIDE = 1.0, 3.1, 5.4, 7.8  # x of the columns of C3
_WIDTH, _HEIGHT = 1.7, 0.62
_JOIN_Y = 5.35


def draw_c3(axes: Axes, detector: Detector) -> None:
    """Draw the first C3 of stride 8, with its attention if it has one."""
    block = next(part for part in detector.backbone.stages[1].modules() if isinstance(part, C3))
    module = "C3 with Module 1" if block.attention is not None else "C3"
    draw_label(axes, (_GATE - 1, -0.75), module, size=11, color=INK, weight="bold", align="left")
    draw_label(axes, (_GATE - 1, -0.35), "shown at stride 8 of the backbone", align="left")
    cv1 = _conv(axes, Box(_TRUNK, 0.55, _WIDTH, _HEIGHT), block.cv1)
    cv2 = _conv(axes, Box(_SIDE, 0.55, _WIDTH, _HEIGHT), block.cv2)
    cv3 = _conv(axes, Box(_TRUNK, 6.15, _WIDTH, _HEIGHT), block.cv3)
    chain = Box(_TRUNK, 1.5, _WIDTH, _HEIGHT)
    draw_box(
        axes,
        chain,
        "c3",
        f"Bottleneck {TIMES}{len(block.bottlenecks)}",
        f"1{TIMES}1, then 3{TIMES}3",
    )
    join = draw_join(axes, (_TRUNK, _JOIN_Y), "C")
    draw_label(axes, (_TRUNK, -0.6), "x", size=10, color=INK, style="italic")
    draw_arrow(axes, [(_TRUNK, -0.4), cv1.top])
    draw_arrow(axes, [(_TRUNK, -0.08), (_SIDE, -0.08), cv2.top])
    draw_arrow(axes, straight(cv1, chain))
    draw_arrow(axes, straight(chain, join))
    draw_arrow(axes, [cv2.bottom, (_SIDE, _JOIN_Y), join.right])
    draw_arrow(axes, straight(join, cv3))
    draw_arrow(axes, [cv3.bottom, (_TRUNK, 6.95)])
    if block.attention is not None:
        _draw_attention(axes, block.attention, join)


def _draw_attention(axes: Axes, attention: ChannelAttention, join: Box) -> None:
    """Draw Module 1 between the end of the bottlenecks and the concatenation."""
    frame = Rectangle((0, 2.25), 4.2, 2.72, fill=False, edgecolor=ACCENT, linestyle=(0, (4, 3)))
    axes.add_patch(frame)
    draw_label(axes, (0, 2.05), "SE-like attention", color=ACCENT, align="left")
    conv = _conv(axes, Box(_Z, 2.72, _WIDTH, _HEIGHT), attention.conv)
    steps = (
        "Average pool",
        f"FC {attention.squeeze.in_features} → {attention.squeeze.out_features}",
        "ReLU",
        f"FC {attention.excite.in_features} → {attention.excite.out_features}",
        "Sigmoid",
    )
    boxes = [Box(_GATE, 2.72 + 0.48 * row, 1.5, 0.34) for row in range(len(steps))]
    for box, text in zip(boxes, steps, strict=True):
        draw_box(axes, box, "plain", text)
    product = draw_join(axes, (_Z, boxes[-1].y), TIMES)
    draw_label(axes, (_TRUNK + 0.22, 2.55), "y", size=10, color=INK, style="italic")
    draw_label(axes, (_Z + 0.22, 3.5), "z", size=10, color=INK, style="italic")
    draw_arrow(axes, [(_TRUNK, conv.y), conv.right])
    draw_arrow(axes, straight(conv, boxes[0]))
    for above, below in pairwise(boxes):
        draw_arrow(axes, straight(above, below))
    draw_arrow(axes, straight(boxes[-1], product))
    draw_arrow(axes, straight(conv, product))
    draw_arrow(axes, [product.bottom, (_Z, _JOIN_Y), join.left])


def draw_sppf(axes: Axes, detector: Detector) -> None:
    """Draw SPPF, with its residual if it has one."""
    sppf = detector.backbone.sppf
    module = "SPPF" if sppf.shortcut is None else "SPPF with Module 2"
    draw_label(axes, (0, -0.45), module, size=11, color=INK, weight="bold", align="left")
    start = (0.2, 0.75)
    cv1 = _conv(axes, Box(1.75, start[1], _WIDTH, _HEIGHT), sppf.cv1)
    pools = [Box(4.05 + 1.95 * step, start[1], 1.5, 0.5) for step in range(3)]
    size = sppf.pool.kernel_size
    bar = Box(5.4, 2.0, 6.6, 0.4)
    cv2 = _conv(axes, Box(5.4, 2.95, _WIDTH, _HEIGHT), sppf.cv2)
    draw_box(axes, bar, "plain", "concatenation")
    draw_label(axes, (0, start[1]), "x", size=10, color=INK, style="italic")
    draw_arrow(axes, [start, cv1.left])
    for before, after in zip([cv1, *pools[:-1]], pools, strict=True):
        draw_box(axes, after, "sppf", f"Max pool {size}{TIMES}{size}")
        draw_arrow(axes, straight(before, after))
        between = (before.right[0] + after.left[0]) / 2
        draw_arrow(axes, [(between, start[1]), (between, bar.top[1])])
    last = pools[-1]
    draw_arrow(axes, [last.bottom, (last.x, bar.top[1])])
    draw_arrow(axes, straight(bar, cv2))
    if sppf.shortcut is None:
        draw_arrow(axes, [cv2.bottom, (cv2.x, 4.3)])
        return
    total = draw_join(axes, (cv2.x, 3.85), "+")
    draw_arrow(axes, straight(cv2, total))
    draw_arrow(axes, [(0, start[1] + 0.25), (0, total.y), total.left], color=ACCENT)
    draw_label(axes, (2.4, total.y - 0.2), "residual", color=ACCENT)
    draw_arrow(axes, [total.right, (8.7, total.y)])


def _conv(axes: Axes, box: Box, conv: ConvNormAct) -> Box:
    kernel = conv.conv.kernel_size[0]
    channels = f"{conv.conv.in_channels} → {conv.conv.out_channels}"
    draw_box(axes, box, "conv", f"Conv {kernel}{TIMES}{kernel}", channels)
    return box
