from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import onnx
from numpy.typing import NDArray

from discern.dataset.disc_samples import DiscTraining, read_graded_discs
from discern.dataset.epochs import Draw
from discern.dataset.geometry import GeometryRange
from discern.dataset.samples import read_image, windowed
from discern.dataset.sources import Dataset, image_files
from discern.dataset.splits import Split
from discern.errors import DatasetError
from discern.evaluation.predictions import PredictedBox, predictions_json, read_predictions
from discern.experiment.looks import FoldMaterial, GradingCourse, look_again_out_of_fold
from discern.imaging.disc_crop import CropRules, crop_placement, disc_crop
from discern.inference.evaluate import EvaluationJob, Selection, predict_images, run_job
from discern.inference.predictor import Candidates
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.model.detector import NetworkConfig, build_detector
from discern.model.export import export_onnx, export_segmenter
from discern.model.grader import GraderConfig
from discern.model.joined import with_network
from discern.model.segmenter import SegmenterConfig, build_segmenter
from discern.networks import Preprocessing, SegmenterMetadata
from discern.spine import GRADE_LABELS
from discern.training.config import OptimizerConfig, Precision
from discern.training.grading import GradingConfig, train_grader
from discern.weights import Weights, WeightsMetadata, embed, load_weights, patient_hash
from four_images import BOXES, SIZE, all_for_training, write_four_images

LEARNING = GradingConfig(
    crop=CropRules(rows=16, columns=24),
    epochs=12,
    batch_size=12,
    precision=Precision.FP32,
    network=GraderConfig(channels=(8, 8, 16, 16), dropout=0.0),
    optimizer=OptimizerConfig(
        learning_rate=1e-2, warmup_epochs=1.0, average_decay=0.9, average_warmup_steps=10.0
    ),
    augmentation=None,
)

UNSURE = (0.51, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0)
"""Scores of a detector that cannot tell grade 1 from grade 5."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("graded") / "four")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A detector and a tissue network, both untrained."""
    path = tmp_path_factory.mktemp("base") / "base.onnx"
    detector = export_onnx(build_detector(NetworkConfig()))
    about = WeightsMetadata("tiny", "1", (), preprocessing=Preprocessing(size_px=SIZE))
    tissues = export_segmenter(build_segmenter(SegmenterConfig(channels=(8, 8, 16, 16, 16))))
    seen = SegmenterMetadata(
        Preprocessing(size_px=SIZE), epochs=1, training_data=(), training_patients=()
    )
    path.write_bytes(embed(detector, about))
    path.write_bytes(with_network(detector, about, tissues, seen))
    return load_weights(path)


@pytest.fixture(scope="module")
def learned(dataset: Dataset, base: Weights, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    out = tmp_path_factory.mktemp("run") / "run"
    return load_weights(train_grader(LEARNING, dataset, all_for_training(dataset), base, out))


@pytest.mark.slow
def test_a_tiny_network_learns_bright_and_dark_discs(dataset: Dataset, learned: Weights) -> None:
    discs = read_graded_discs(dataset, dataset.truths[::8], learned.metadata.preprocessing)
    rules = LEARNING.crop
    crops = np.stack(
        [disc_crop(d.image, crop_placement(d.box_xyxy_px, rules), rules) for d in discs]
    )

    said = OpenVinoPredictor(learned).predict_grades(crops)

    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert said.argmax(axis=1).tolist() == [disc.grade for disc in discs]
    assert {disc.grade for disc in discs} == {0, 4}


@pytest.mark.slow
def test_the_other_networks_in_the_file_stay_the_same_bit_for_bit(
    base: Weights, learned: Weights
) -> None:
    images = np.random.default_rng(0).random((2, 64, 96), dtype=np.float32)
    before, after = OpenVinoPredictor(base), OpenVinoPredictor(learned)
    for ours, theirs in zip(before.predict(images), after.predict(images), strict=True):
        np.testing.assert_array_equal(ours.boxes_xyxy_px, theirs.boxes_xyxy_px)
        np.testing.assert_array_equal(ours.class_scores, theirs.class_scores)
    np.testing.assert_array_equal(before.predict_tissues(images), after.predict_tissues(images))
    assert replace(learned.metadata, grader=None) == base.metadata


@pytest.mark.slow
def test_the_weights_say_what_they_were_trained_on_and_keep_it_when_tissues_are_replaced(
    dataset: Dataset, learned: Weights, tmp_path: Path
) -> None:
    about = learned.metadata.grader
    assert about is not None
    assert (about.crop, about.share, about.epochs) == (LEARNING.crop, 0.5, LEARNING.epochs)
    assert (about.data_digest, about.config_digest) == (dataset.digest, LEARNING.digest)
    hashes = sorted(patient_hash("four", patient) for patient in dataset.patients)
    assert about.training_patients == tuple(hashes)
    tissues = export_segmenter(build_segmenter(SegmenterConfig(channels=(8, 8, 16, 16, 16))))
    seen = SegmenterMetadata(
        Preprocessing(size_px=SIZE), epochs=2, training_data=(), training_patients=()
    )
    whole = onnx.load_model_from_string(learned.onnx_bytes)
    path = tmp_path / "other.onnx"
    path.write_bytes(with_network(whole, learned.metadata, tissues, seen))
    other = load_weights(path)
    assert other.metadata == replace(learned.metadata, segmenter=seen)
    crops = np.random.default_rng(0).random((3, 16, 24), dtype=np.float32)
    np.testing.assert_array_equal(
        OpenVinoPredictor(other).predict_grades(crops),
        OpenVinoPredictor(learned).predict_grades(crops),
    )


class _FindsTheFirst:
    """Finds the three discs of patient 0 on every image and is unsure of their grades."""

    def __init__(self, learned: Weights) -> None:
        self._grader = OpenVinoPredictor(learned)

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        scores = np.tile(UNSURE, (len(BOXES), 1))
        return [Candidates(np.array(BOXES, np.float64), scores) for _ in images]

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._grader.predict_grades(crops)

    def predict_lesions(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._grader.predict_lesions(views)


@pytest.mark.slow
def test_evaluation_looks_again_and_refuses_patients_the_grading_network_knows(
    dataset: Dataset, base: Weights, learned: Weights, tmp_path: Path
) -> None:
    truths, finds = dataset.truths[:1], _FindsTheFirst(learned)
    (alone,) = predict_images(dataset, truths, finds, base.metadata).values()
    (both,) = predict_images(dataset, truths, finds, learned.metadata).values()

    assert {box.label for box in alone} == {GRADE_LABELS[0]}
    assert {box.box_xyxy_px: box.label for box in both} == {
        box.box_xyxy_px: box.label for box in truths[0].boxes
    }
    path = tmp_path / "learned.onnx"
    path.write_bytes(learned.onnx_bytes)
    with pytest.raises(DatasetError, match="4 of 4 patients were used to train these weights"):
        run_job(EvaluationJob(dataset.folder, Selection(), weights=path), tmp_path / "out")


@pytest.mark.slow
def test_out_of_fold_each_patient_is_graded_by_a_network_that_has_not_seen_him(
    dataset: Dataset, base: Weights, tmp_path: Path
) -> None:
    """The detector is unsure between grades 1 and 5; the second look decides, and rightly."""
    first, second, third, fourth = dataset.patients
    splits = [
        Split(dataset.digest, (third, fourth), (), (first, second)),
        Split(dataset.digest, (first, second), (), (third, fourth)),
    ]
    detected = {
        truth.image: tuple(
            PredictedBox(GRADE_LABELS[0], UNSURE[0], UNSURE, box.box_xyxy_px) for box in truth.boxes
        )
        for truth in dataset.truths
    }
    given = tmp_path / "detected.json"
    given.write_text(predictions_json(detected))
    material, out = FoldMaterial(dataset, splits, given, base), tmp_path / "out"

    pooled = read_predictions(look_again_out_of_fold(GradingCourse(LEARNING), material, out))

    for truth in dataset.truths:
        said = [box.label for box in pooled[truth.image]]
        assert said == [box.label for box in truth.boxes]
    for number, split in enumerate(splits, start=1):
        file = out / f"fold-{number}" / "weights.onnx"
        about = load_weights(file).metadata.grader
        assert about is not None
        assert not {patient_hash("four", p) for p in split.test} & set(about.training_patients)
    times = [path.stat().st_mtime_ns for path in sorted(out.glob("fold-*/weights.onnx"))]
    look_again_out_of_fold(GradingCourse(LEARNING), material, out)
    assert times == [path.stat().st_mtime_ns for path in sorted(out.glob("fold-*/weights.onnx"))]


def test_predictions_without_class_scores_cannot_be_joined(
    dataset: Dataset, base: Weights, tmp_path: Path
) -> None:
    bare = {
        truth.image: tuple(PredictedBox(b.label, 0.9, None, b.box_xyxy_px) for b in truth.boxes)
        for truth in dataset.truths
    }
    (tmp_path / "bare.json").write_text(predictions_json(bare))
    split = Split(dataset.digest, dataset.patients[:2], (), dataset.patients[2:])
    material = FoldMaterial(dataset, [split], tmp_path / "bare.json", base)
    with pytest.raises(DatasetError, match="no class_scores"):
        look_again_out_of_fold(
            GradingCourse(replace(LEARNING, epochs=1)), material, tmp_path / "out"
        )


def test_a_drawn_crop_differs_by_epoch_and_not_by_call(dataset: Dataset) -> None:
    discs = read_graded_discs(dataset, dataset.truths[:1], Preprocessing(size_px=SIZE))
    samples = DiscTraining(discs, LEARNING.crop, GeometryRange(), seed=3)
    first, again, later = (samples[Draw(epoch, 0, 0)] for epoch in (0, 0, 1))

    np.testing.assert_array_equal(first.crop, again.crop)
    assert np.abs(first.crop - later.crop).max() > 0.1
    assert first.crop.shape == (16, 24)
    assert first.grade == later.grade == discs[0].grade
    file = image_files(dataset.folder)[dataset.truths[0].image]
    image = windowed(read_image(file), Preprocessing(size_px=SIZE)).astype(np.float16)
    still = DiscTraining(discs, LEARNING.crop, None, seed=3)[Draw(0, 0, 1)]
    placement = crop_placement(discs[1].box_xyxy_px, LEARNING.crop)
    np.testing.assert_array_equal(still.crop, disc_crop(image, placement, LEARNING.crop))


def test_too_few_discs_are_refused(dataset: Dataset, base: Weights, tmp_path: Path) -> None:
    config = replace(LEARNING, images="*_t2_mid")
    with pytest.raises(DatasetError, match=r"0 graded discs .* '\*_t2_mid'"):
        train_grader(config, dataset, all_for_training(dataset), base, tmp_path / "run")
