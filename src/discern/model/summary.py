"""What a network is made of, read from the network itself by running it once."""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn

from discern.model.detector import Detector
from discern.model.layers import C3, SPPF, ConvNormAct

_EXAMPLE_PX = 64


class BlockKind(StrEnum):
    """The blocks that the network is told in."""

    CONV = "Conv"
    C3 = "C3"
    SPPF = "SPPF"
    DETECT = "Detect"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: channels in and out, kernel and step of its (first) convolution.

    ``stride`` is the number of image pixels between two positions of its output, ``repeats`` the
    number of bottlenecks of a C3.
    """

    kind: BlockKind
    inputs: int
    outputs: int
    kernel: int
    step: int
    stride: int
    repeats: int
    parameters: int


def summarize(detector: Detector) -> dict[str, Block]:
    """Return every block by its name in the module tree, in the order in which they run."""
    blocks: dict[str, Block] = {}

    def note(name: str, module: nn.Module, features: Tensor) -> None:
        blocks[name] = _block(module, features.shape[1], _EXAMPLE_PX // features.shape[2])

    hooks = [
        module.register_forward_hook(
            lambda module, _inputs, output, name=name: note(name, module, output)
        )
        for name, module in _outermost_blocks(detector, "")
    ]
    training = detector.training
    with torch.no_grad():
        detector.eval()(torch.zeros(1, 1, _EXAMPLE_PX, _EXAMPLE_PX))
    detector.train(training)
    for hook in hooks:
        hook.remove()
    return blocks


def parameter_count(module: nn.Module) -> int:
    """Return the number of trained numbers in ``module``."""
    return sum(parameter.numel() for parameter in module.parameters())


def _outermost_blocks(module: nn.Module, prefix: str) -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = []
    for name, child in module.named_children():
        if isinstance(child, (ConvNormAct, C3, SPPF, nn.Conv2d)):
            found.append((prefix + name, child))
        else:
            found += _outermost_blocks(child, f"{prefix}{name}.")
    return found


def _block(module: nn.Module, outputs: int, stride: int) -> Block:
    kinds = {ConvNormAct: BlockKind.CONV, C3: BlockKind.C3, SPPF: BlockKind.SPPF}
    first = next(layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    return Block(
        kind=kinds.get(type(module), BlockKind.DETECT),
        inputs=first.in_channels,
        outputs=outputs,
        kernel=int(first.kernel_size[0]),
        step=int(first.stride[0]),
        stride=stride,
        repeats=len(module.bottlenecks) if isinstance(module, C3) else 1,
        parameters=parameter_count(module),
    )
