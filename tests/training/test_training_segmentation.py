from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import onnx

from discern.dataset.masks import dice, mask_file, read_mask
from discern.dataset.samples import network_input, read_image
from discern.dataset.sources import Dataset, image_files
from discern.dataset.splits import Split
from discern.errors import DatasetError, TrainingError
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.model.detector import NetworkConfig, build_detector
from discern.model.export import export_onnx
from discern.model.joined import segmenter_of, with_segmenter_of
from discern.model.segmenter import SegmenterConfig
from discern.networks import Preprocessing
from discern.spine import Tissue
from discern.training.config import OptimizerConfig, Precision
from discern.training.segmentation import SegmentationConfig, train_segmenter
from discern.weights import Weights, WeightsMetadata, embed, load_weights, patient_hash
from four_images import SIZE, all_for_training, write_four_images
from tissue_images import add_masks

LEARNING = SegmentationConfig(
    epochs=20,
    batch_size=4,
    precision=Precision.FP32,
    phantom_patients=0,
    preprocessing=Preprocessing(size_px=SIZE),
    network=SegmenterConfig(channels=(8, 16, 16, 16, 16)),
    optimizer=OptimizerConfig(
        learning_rate=1e-2, warmup_epochs=1.0, average_decay=0.9, average_warmup_steps=10.0
    ),
    augmentation=None,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return add_masks(write_four_images(tmp_path_factory.mktemp("masked") / "four"))


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Weights of a detector alone, as written before there was a tissue network."""
    path = tmp_path_factory.mktemp("detector") / "old.onnx"
    content = embed(export_onnx(build_detector(NetworkConfig())), WeightsMetadata("old", "1", ()))
    path.write_bytes(content)
    return load_weights(path)


@pytest.fixture(scope="module")
def learned(
    dataset: Dataset, detector: Weights, tmp_path_factory: pytest.TempPathFactory
) -> Weights:
    out = tmp_path_factory.mktemp("run") / "run"
    split = all_for_training(dataset)
    return load_weights(train_segmenter(LEARNING, dataset, split, detector, out))


@pytest.mark.slow
def test_a_tiny_network_learns_four_images(dataset: Dataset, learned: Weights) -> None:
    predictor, files = OpenVinoPredictor(learned), image_files(dataset.folder)
    for truth in dataset.truths[::8]:
        square, _ = network_input(read_image(files[truth.image]), LEARNING.preprocessing)
        shown = predictor.predict_tissues(square[None])[0].argmax(axis=0)
        mask = read_mask(mask_file(dataset, truth.image), truth.shape_px)
        for tissue in (Tissue.DISC, Tissue.VERTEBRA, Tissue.CANAL):
            assert dice(shown, mask, tissue) > 0.8


@pytest.mark.slow
def test_the_weights_say_what_they_were_trained_on(dataset: Dataset, learned: Weights) -> None:
    about = learned.metadata.segmenter
    assert about is not None
    assert about.preprocessing == LEARNING.preprocessing
    assert about.epochs == LEARNING.epochs
    assert about.tissues == tuple(Tissue)
    assert about.data_digest == dataset.digest
    assert about.config_digest == LEARNING.digest
    assert about.training_data == (f"{dataset.credit}, tissue masks",)
    hashes = sorted(patient_hash("four", patient) for patient in dataset.patients)
    assert about.training_patients == tuple(hashes)


@pytest.mark.slow
def test_the_detector_in_the_joined_file_is_the_same_bit_for_bit(
    detector: Weights, learned: Weights
) -> None:
    images = np.random.default_rng(0).random((2, 96, 64), dtype=np.float32)
    alone, beside = OpenVinoPredictor(detector), OpenVinoPredictor(learned)
    for before, after in zip(alone.predict(images), beside.predict(images), strict=True):
        np.testing.assert_array_equal(before.boxes_xyxy_px, after.boxes_xyxy_px)
        np.testing.assert_array_equal(before.class_scores, after.class_scores)
    assert replace(learned.metadata, segmenter=None) == detector.metadata


@pytest.mark.slow
def test_a_tissue_network_is_copied_and_replaced(
    detector: Weights, learned: Weights, tmp_path: Path
) -> None:
    """Copying it into a file that has one already leaves the same file."""
    joined = onnx.load_model_from_string(learned.onnx_bytes)
    (tmp_path / "again.onnx").write_bytes(with_segmenter_of(joined, learned.metadata, learned))
    again = load_weights(tmp_path / "again.onnx")
    images = np.random.default_rng(0).random((1, 64, 64), dtype=np.float32)
    np.testing.assert_array_equal(
        OpenVinoPredictor(again).predict_tissues(images),
        OpenVinoPredictor(learned).predict_tissues(images),
    )
    assert again.metadata == learned.metadata
    assert again.sha256 == learned.sha256
    network, about = segmenter_of(learned)
    assert [value.name for value in network.graph.input] == ["slices"]
    assert about == learned.metadata.segmenter
    alone = onnx.load_model_from_string(detector.onnx_bytes)
    kept = with_segmenter_of(alone, detector.metadata, detector)
    assert kept == detector.onnx_bytes


@pytest.mark.slow
def test_validation_patients_are_trained_on_and_test_patients_are_not(
    dataset: Dataset, detector: Weights, tmp_path: Path
) -> None:
    first, second, third, fourth = dataset.patients
    split = Split(dataset.digest, (first, second), (third,), (fourth,))
    config = replace(LEARNING, epochs=1)
    weights = load_weights(train_segmenter(config, dataset, split, detector, tmp_path))
    about = weights.metadata.segmenter
    assert about is not None
    trained = {patient_hash("four", patient) for patient in (first, second, third)}
    assert set(about.training_patients) == trained


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run(
    dataset: Dataset, detector: Weights, tmp_path: Path
) -> None:
    optimizer = replace(LEARNING.optimizer, learning_rate=1e30, gradient_clip=1e30)
    config = replace(LEARNING, optimizer=optimizer)
    with pytest.raises(TrainingError, match=r"epoch \d+: the loss is no longer a number"):
        train_segmenter(config, dataset, all_for_training(dataset), detector, tmp_path / "run")
    assert not (tmp_path / "run" / "weights.onnx").exists()


def test_a_data_set_without_masks_is_refused(detector: Weights, tmp_path: Path) -> None:
    dataset = write_four_images(tmp_path / "four")
    with pytest.raises(DatasetError, match=r"no masks/\*\.png"):
        train_segmenter(LEARNING, dataset, all_for_training(dataset), detector, tmp_path / "run")
