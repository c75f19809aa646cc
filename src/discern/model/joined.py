"""Detector and tissue network in one ONNX file, side by side: neither sees the other."""

from dataclasses import replace

import onnx
import onnx.utils

from discern.errors import WeightsError
from discern.weights import (
    DETECTOR_OUTPUTS,
    TISSUE_INPUT,
    TISSUE_OUTPUT,
    SegmenterMetadata,
    Weights,
    WeightsMetadata,
    embed,
)

_DETECTOR_INPUT = "images"


def join(
    detector: onnx.ModelProto,
    metadata: WeightsMetadata,
    segmenter: onnx.ModelProto,
    about: SegmenterMetadata,
) -> bytes:
    """Return the weights file with the detector of ``detector`` and the tissue network.

    A tissue network that ``detector`` already holds is left out. Nodes and tensors of the
    detector stay as they are, so that its outputs are the same bit for bit; those of the tissue
    network have names of their own (``export_segmenter``).
    """
    whole = _only(detector, _DETECTOR_INPUT, DETECTOR_OUTPUTS)
    for part in ("node", "initializer", "input", "output"):
        getattr(whole.graph, part).extend(getattr(segmenter.graph, part))
    onnx.checker.check_model(whole, full_check=True)
    return embed(whole, replace(metadata, segmenter=about))


def segmenter_of(weights: Weights) -> tuple[onnx.ModelProto, SegmenterMetadata]:
    """Return the tissue network inside ``weights``.

    Raises:
        WeightsError: There is none.
    """
    if weights.metadata.segmenter is None:
        raise WeightsError("these weights hold no tissue network; use those that Discern ships")
    network = onnx.load_model_from_string(weights.onnx_bytes)
    return _only(network, TISSUE_INPUT, (TISSUE_OUTPUT,)), weights.metadata.segmenter


def with_segmenter_of(
    network: onnx.ModelProto, metadata: WeightsMetadata, source: Weights
) -> bytes:
    """Return the weights file of a detector with the tissue network of ``source``, if any."""
    if source.metadata.segmenter is None:
        return embed(network, metadata)
    return join(network, metadata, *segmenter_of(source))


def _only(
    network: onnx.ModelProto, input_name: str, output_names: tuple[str, ...]
) -> onnx.ModelProto:
    """Return the part of ``network`` between one input and some outputs."""
    part: onnx.ModelProto = onnx.utils.Extractor(network).extract_model(
        [input_name], list(output_names)
    )
    del part.graph.value_info[:]  # optional, and the extractor repeats inputs and outputs in it
    part.graph.name = network.graph.name  # the extractor would note each time it was used
    part.producer_name, part.producer_version = network.producer_name, network.producer_version
    return part
