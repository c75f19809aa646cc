"""Detector, tissue and grading network in one ONNX file, side by side: none sees another."""

from dataclasses import replace

import onnx
import onnx.utils

from discern.errors import WeightsError
from discern.weights import (
    DETECTOR,
    GRADER,
    SEGMENTER,
    Ends,
    GraderMetadata,
    SegmenterMetadata,
    Weights,
    WeightsMetadata,
    embed,
)


def with_network(
    base: onnx.ModelProto,
    metadata: WeightsMetadata,
    network: onnx.ModelProto,
    about: SegmenterMetadata | GraderMetadata,
) -> bytes:
    """Return the weights file of ``base`` with a tissue or a grading network beside its own.

    One of the same kind that ``base`` holds is replaced. Nodes and tensors of the others stay as
    they are, so that their outputs are the same bit for bit; each network has inner names of its
    own (``export``).
    """
    others = {} if metadata.segmenter is None else {"segmenter": _only(base, SEGMENTER)}
    if metadata.grader is not None:
        others["grader"] = _only(base, GRADER)
    kind = "segmenter" if isinstance(about, SegmenterMetadata) else "grader"
    parts = {**others, kind: network}
    whole = _only(base, DETECTOR)
    for name in sorted(parts, reverse=True):
        for part in ("node", "initializer", "input", "output"):
            getattr(whole.graph, part).extend(getattr(parts[name].graph, part))
    onnx.checker.check_model(whole, full_check=True)
    if isinstance(about, SegmenterMetadata):
        return embed(whole, replace(metadata, segmenter=about))
    return embed(whole, replace(metadata, grader=about))


def segmenter_of(weights: Weights) -> tuple[onnx.ModelProto, SegmenterMetadata]:
    """Return the tissue network inside ``weights``.

    Raises:
        WeightsError: There is none.
    """
    if weights.metadata.segmenter is None:
        raise WeightsError("these weights hold no tissue network; use those that Discern ships")
    network = onnx.load_model_from_string(weights.onnx_bytes)
    return _only(network, SEGMENTER), weights.metadata.segmenter


def with_segmenter_of(
    network: onnx.ModelProto, metadata: WeightsMetadata, source: Weights
) -> bytes:
    """Return the weights file of a detector with the tissue network of ``source``, if any."""
    if source.metadata.segmenter is None:
        return embed(network, metadata)
    return with_network(network, metadata, *segmenter_of(source))


def _only(network: onnx.ModelProto, ends: Ends) -> onnx.ModelProto:
    """Return the part of ``network`` between one input and some outputs."""
    part: onnx.ModelProto = onnx.utils.Extractor(network).extract_model(
        [ends.input], list(ends.outputs)
    )
    del part.graph.value_info[:]  # optional, and the extractor repeats inputs and outputs in it
    part.graph.name = network.graph.name  # the extractor would note each time it was used
    part.producer_name, part.producer_version = network.producer_name, network.producer_version
    return part
