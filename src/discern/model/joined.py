"""Detector and the networks beside it in one ONNX file: none sees another."""

from dataclasses import replace
from types import MappingProxyType

import onnx
import onnx.utils

from discern.errors import WeightsError
from discern.networks import (
    DETECTOR,
    FINDER,
    GRADER,
    SEGMENTER,
    Ends,
    FinderMetadata,
    GraderMetadata,
    SegmenterMetadata,
)
from discern.weights import Weights, WeightsMetadata, embed

About = SegmenterMetadata | GraderMetadata | FinderMetadata
_BESIDE = MappingProxyType({"segmenter": SEGMENTER, "grader": GRADER, "finder": FINDER})
"""By the name of the field of ``WeightsMetadata`` that describes it."""
_FIELDS = MappingProxyType(
    {SegmenterMetadata: "segmenter", GraderMetadata: "grader", FinderMetadata: "finder"}
)


def with_network(
    base: onnx.ModelProto, metadata: WeightsMetadata, network: onnx.ModelProto, about: About
) -> bytes:
    """Return the weights file of ``base`` with another network beside its own.

    One of the same kind that ``base`` holds is replaced. Nodes and tensors of the others stay as
    they are, so that their outputs are the same bit for bit; each network has inner names of its
    own (``export``).
    """
    kind = _FIELDS[type(about)]
    parts = {
        name: _only(base, ends)
        for name, ends in _BESIDE.items()
        if name != kind and getattr(metadata, name) is not None
    }
    parts[kind] = network
    whole = _only(base, DETECTOR)
    for name in sorted(parts, reverse=True):
        for part in ("node", "initializer", "input", "output"):
            getattr(whole.graph, part).extend(getattr(parts[name].graph, part))
    onnx.checker.check_model(whole, full_check=True)
    described = {kind: about}
    return embed(whole, replace(metadata, **described))  # type: ignore[arg-type]  # of its kind


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
