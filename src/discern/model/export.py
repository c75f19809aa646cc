"""Networks to ONNX graphs: weights stored in fp16, computed in fp32; decoding inside."""

import copy
import tempfile
import warnings
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import onnx.compose
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from discern.errors import WeightsError
from discern.imaging.disc_crop import CropRules
from discern.model.detector import Detector
from discern.model.finder import Finder, FoundLesions
from discern.model.grader import Grader
from discern.model.head import BOX_CHANNELS
from discern.model.layers import ConvNormAct
from discern.model.segmenter import Segmenter
from discern.networks import DETECTOR, FINDER, GRADER, SEGMENTER

Network = TypeVar("Network", bound=nn.Module)
OPSET = 17
_WEIGHTED = ("Conv", "Gemm", "MatMul")
_EXAMPLE_SHAPE = (1, 1, 64, 96)  # batch, channel, height, width; only traced, all but one dynamic
_IMAGE_AXES = {0: "batch", 2: "height", 3: "width"}
_SLICE_AXES = {0: "slices", 2: "rows", 3: "columns"}
_SEGMENTER_PREFIX, _GRADER_PREFIX, _FINDER_PREFIX = "segmenter/", "grader/", "finder/"
"""Of all inner names of these networks, so that one file can hold them beside a detector."""


class _DecodedDetector(nn.Module):
    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.detector.decode(self.detector(images))


class _Probabilities(nn.Module):
    def __init__(self, network: Segmenter | Grader) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits.softmax(dim=1)


def export_onnx(detector: Detector) -> onnx.ModelProto:
    """Return the network as ONNX (TorchScript-based exporter).

    Input ``images`` (B, 1, H, W) float32 in 0..1, H and W multiples of 32; outputs ``boxes``
    (B, N, 4) xyxy in input pixels and ``scores`` (B, N, classes) in 0..1. B, H and W are dynamic.
    ``detector`` itself is left as it is.

    Raises:
        WeightsError: A weight does not fit fp16.
    """
    stored = _stored(detector)
    candidates = {0: "batch", 1: "candidates"}
    axes = {DETECTOR.input: _IMAGE_AXES, **dict.fromkeys(DETECTOR.outputs, candidates)}
    network = _traced(_DecodedDetector(stored).eval(), axes)
    _store_as_half(network.graph)
    for output, width in zip(
        network.graph.output, (BOX_CHANNELS, detector.head.classes), strict=True
    ):
        output.type.tensor_type.shape.dim[-1].dim_value = width
    onnx.checker.check_model(network, full_check=True)
    return network


def export_segmenter(segmenter: Segmenter) -> onnx.ModelProto:
    """Return the tissue network as ONNX.

    Input ``slices`` (B, 1, H, W) float32 in 0..1, H and W multiples of 32; output ``tissues``
    (B, 4, H, W), probabilities in the order of ``Tissue``. B, H and W are dynamic.

    Raises:
        WeightsError: A weight does not fit fp16.
    """
    axes = dict.fromkeys((SEGMENTER.input, *SEGMENTER.outputs), _SLICE_AXES)
    network = _Probabilities(_stored(segmenter))
    return _exported_beside(network, axes, _EXAMPLE_SHAPE, _SEGMENTER_PREFIX)


def export_grader(grader: Grader, crop: CropRules) -> onnx.ModelProto:
    """Return the grading network as ONNX.

    Input ``crops`` (N, 1, rows, columns) float32 in 0..1 of the size of ``crop``; output ``grades``
    (N, 5), the probabilities of grades 1 to 5. N is dynamic.

    Raises:
        WeightsError: A weight does not fit fp16.
    """
    axes = {GRADER.input: {0: "discs"}, GRADER.outputs[0]: {0: "discs"}}
    network = _Probabilities(_stored(grader))
    return _exported_beside(network, axes, (1, 1, crop.rows, crop.columns), _GRADER_PREFIX)


def export_finder(finder: Finder) -> onnx.ModelProto:
    """Return the lesion network as ONNX.

    Input ``views`` (N, 1, h, w) float32 in 0..1, h and w multiples of 32; output ``lesions``
    (N, 6, h/2, w/2) as ``FoundLesions`` gives it. N, h and w are dynamic.

    Raises:
        WeightsError: A weight does not fit fp16.
    """
    axes = dict.fromkeys((FINDER.input, *FINDER.outputs), _SLICE_AXES)
    return _exported_beside(FoundLesions(_stored(finder)), axes, _EXAMPLE_SHAPE, _FINDER_PREFIX)


def _stored(network: Network) -> Network:
    """Return ``network`` as it will be stored."""
    return round_to_half(fuse_normalisation(network))


def _exported_beside(
    network: nn.Module,
    axes: dict[str, dict[int, str]],
    shape: tuple[int, int, int, int],
    prefix: str,
) -> onnx.ModelProto:
    exported = _traced(network.eval(), axes, shape)
    _store_as_half(exported.graph)
    onnx.compose.add_prefix(
        exported, prefix, rename_inputs=False, rename_outputs=False, inplace=True
    )
    onnx.checker.check_model(exported, full_check=True)
    return exported


def fuse_normalisation(network: Network) -> Network:
    """Return a copy in eval mode on the CPU whose convolutions contain their batch norm.

    w' = w gamma / sqrt(var + eps), b' = beta - mean gamma / sqrt(var + eps).
    """
    fused = copy.deepcopy(network).cpu().float().eval()
    for module in fused.modules():
        if isinstance(module, ConvNormAct) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = nn.utils.fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return fused


def round_to_half(network: Network) -> Network:
    """Round the weights (not the biases) of ``network`` to fp16 in place and return it.

    Raises:
        WeightsError: A weight does not fit fp16.
    """
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            half = parameter.detach().half()
            if not torch.isfinite(half).all():
                raise WeightsError(f"{name} does not fit fp16; the training has diverged")
            parameter.detach().copy_(half)
    return network


def _traced(
    network: nn.Module,
    axes: dict[str, dict[int, str]],
    shape: tuple[int, int, int, int] = _EXAMPLE_SHAPE,
) -> onnx.ModelProto:
    """Trace ``network``; ``axes`` names its input, then its outputs, and what is dynamic there."""
    names = list(axes)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "network.onnx"
        # torch marks this exporter as deprecated; the other one writes external data
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(shape),),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes=axes,
        )
        return onnx.load_model(path)


def _store_as_half(graph: onnx.GraphProto) -> None:
    """Replace the weights of every convolution and FC by their fp16 selves and a Cast.

    Biases and anchors stay fp32: they are small, and anchors are not rounded in the detector.
    """
    weights = {node.input[1] for node in graph.node if node.op_type in _WEIGHTED}
    casts: list[onnx.NodeProto] = []
    for tensor in graph.initializer:
        if tensor.name not in weights:
            continue
        name, stored_name = tensor.name, f"{tensor.name}.fp16"
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, stored_name))
        casts.append(helper.make_node("Cast", [stored_name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
