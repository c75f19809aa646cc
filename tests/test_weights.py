import json

import pytest

from discern.imaging.disc_crop import CropRules
from discern.networks import GraderMetadata, Preprocessing, SegmenterMetadata
from discern.spine import Tissue
from discern.weights import WeightsMetadata, load_weights, parse_metadata, shipped_weights

SEGMENTER = SegmenterMetadata(
    Preprocessing(320, 1.0, 99.0),
    epochs=24,
    training_data=("A, CC BY 4.0",),
    training_patients=("0123456789abcdef",),
    data_digest="d",
    config_digest="c",
)


def test_what_is_said_of_the_tissue_network_reads_back() -> None:
    metadata = WeightsMetadata("best", "1", (), segmenter=SEGMENTER)

    assert parse_metadata(metadata.to_json()) == metadata
    said = json.loads(metadata.to_json())["segmenter"]
    assert said["tissues"] == [tissue.value for tissue in Tissue]
    assert said["preprocessing"]["size_px"] == 320


def test_older_weights_have_no_tissue_network() -> None:
    item = json.loads(WeightsMetadata("best", "1", ()).to_json())
    del item["segmenter"]

    assert parse_metadata(json.dumps(item)).segmenter is None


@pytest.mark.parametrize("damage", [{"epochs": None}, {"extra": 1}, {"tissues": [9]}])
def test_another_form_is_refused(damage: dict[str, object]) -> None:
    item = json.loads(WeightsMetadata("best", "1", (), segmenter=SEGMENTER).to_json())
    item["segmenter"] |= damage
    if damage == {"epochs": None}:
        del item["segmenter"]["epochs"]

    with pytest.raises((TypeError, ValueError)):
        parse_metadata(json.dumps(item))


def test_the_shipped_file_holds_all_networks_in_less_than_20_mb() -> None:
    shipped = load_weights(shipped_weights())

    assert shipped.metadata.segmenter is not None
    assert shipped.metadata.segmenter.preprocessing.size_px % 32 == 0
    assert shipped.metadata.grader is not None
    assert len(shipped.onnx_bytes) < 20e6


GRADER = GraderMetadata(
    CropRules(32, 48, 2.0),
    0.4,
    epochs=40,
    training_data=("A, CC BY 4.0",),
    training_patients=("fedcba9876543210",),
    data_digest="d",
    config_digest="c",
)


def test_what_is_said_of_the_grading_network_reads_back() -> None:
    metadata = WeightsMetadata("best", "1", (), training_patients=("0123",), grader=GRADER)

    assert parse_metadata(metadata.to_json()) == metadata
    assert metadata.known_patients == {"0123", "fedcba9876543210"}
    item = json.loads(metadata.to_json())
    assert item["grader"]["crop"] == {"rows": 32, "columns": 48, "disc_widths": 2.0}
    del item["grader"]
    assert parse_metadata(json.dumps(item)).grader is None


def test_another_form_of_the_grading_network_is_refused() -> None:
    item = json.loads(WeightsMetadata("best", "1", (), grader=GRADER).to_json())
    del item["grader"]["share"]

    with pytest.raises(TypeError):
        parse_metadata(json.dumps(item))
