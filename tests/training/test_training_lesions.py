from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from discern.dataset.lesion_samples import lesions_of
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split
from discern.errors import DatasetError
from discern.evaluation.predictions import PredictedBox, predictions_json, read_predictions
from discern.experiment.looks import FoldMaterial, LesionCourse, look_again_out_of_fold
from discern.imaging.disc_crop import CropRules, crop_placement, disc_crop
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.model.detector import NetworkConfig, build_detector
from discern.model.export import export_onnx
from discern.model.finder import Finder, FinderConfig, FoundLesions, finder_loss
from discern.networks import Head, Preprocessing, TrainedOn
from discern.phantom.training_set import SliceCounts
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, Plane
from discern.training.config import OptimizerConfig, Precision
from discern.training.lesions import LesionConfig, LesionSources, made_views, train_finder
from discern.weights import Weights, WeightsMetadata, embed, load_weights, patient_hash
from four_images import SIZE, all_for_training, write_four_images

TINY = LesionConfig(
    epochs=2,
    precision=Precision.FP32,
    batches=1,
    sagittal_crops=4,
    axial_crops=2,
    sagittal=CropRules(32, 64, 1.6),
    axial=CropRules(64, 64, 1.0),
    rows=64,
    phantom_patients=2,
    phantom_slices=SliceCounts(3, 6),
    network=FinderConfig((8, 8, 16, 16, 16)),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("lesions") / "four")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path = tmp_path_factory.mktemp("base") / "base.onnx"
    heads = (Head(Label.HERNIATION, Plane.SAGITTAL, TrainedOn.REAL),)
    about = WeightsMetadata("tiny", "1", heads, preprocessing=Preprocessing(size_px=SIZE))
    path.write_bytes(embed(export_onnx(build_detector(NetworkConfig())), about))
    return load_weights(path)


@pytest.fixture(scope="module")
def learned(dataset: Dataset, base: Weights, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    out = tmp_path_factory.mktemp("run") / "run"
    return load_weights(train_finder(TINY, dataset, all_for_training(dataset), base, out))


@pytest.mark.slow
def test_the_file_says_what_was_learned_and_keeps_the_detector(
    base: Weights, learned: Weights
) -> None:
    about = learned.metadata.finder
    assert about is not None
    assert replace(learned.metadata, finder=None) == base.metadata
    assert (about.sagittal, about.axial, about.epochs) == (TINY.sagittal, TINY.axial, 2)
    assert about.config_digest == TINY.digest
    assert {head.trained_on for head in about.heads} == {TrainedOn.SYNTHETIC}
    assert any("Discern phantom, 2 synthetic" in text for text in about.training_data)
    images = np.random.default_rng(0).random((1, 64, 96), dtype=np.float32)
    (before,), (after,) = (OpenVinoPredictor(one).predict(images) for one in (base, learned))
    np.testing.assert_array_equal(before.class_scores, after.class_scores)
    maps = OpenVinoPredictor(learned).predict_lesions(images)
    assert maps.shape == (1, 6, 32, 48)
    assert (maps >= 0).all()


def test_readers_lesions_count_before_made_ones(dataset: Dataset) -> None:
    sources = LesionSources((), (), ())
    assert sources.heads(dataset) == ()
    assert sources.pools(TINY.shares) == {}


def test_peaks_alone_have_a_score_and_distances_are_pixels() -> None:
    torch.manual_seed(0)
    finder = Finder(TINY.network).eval()
    crops = torch.rand(2, 1, 32, 64)

    with torch.no_grad():
        raw, found = finder(crops), FoundLesions(finder)(crops)

    scores = found[:, :2]
    neighbours = torch.nn.functional.max_pool2d(raw[:, :2].sigmoid(), 3, 1, 1)
    assert 0 < int((scores > 0).sum()) < scores.numel() / 4
    torch.testing.assert_close(scores[scores > 0], neighbours[scores > 0])
    torch.testing.assert_close(found[:, 2:], raw[:, 2:].exp())


def test_the_loss_falls_where_the_network_is_right_and_leaves_out_what_is_not_judged() -> None:
    truth = torch.zeros(1, 9, 4, 4)
    truth[0, 1, 2, 2] = truth[0, 2:4] = 1
    truth[0, 8, 2, 2] = 1
    right, blind = torch.full((1, 6, 4, 4), -6.0), torch.full((1, 6, 4, 4), -6.0)
    right[0, 1, 2, 2], right[0, 2:] = 6.0, 0.0
    false = right.clone()
    false[0, 0, 0, 0] = 6.0

    assert finder_loss(right, truth) < 0.01
    assert finder_loss(blind, truth) > 1
    assert finder_loss(false, truth) > 1
    truth[0, 2, 0, 0] = 0
    assert finder_loss(false, truth) < 0.01


@pytest.mark.slow
def test_a_network_learns_where_zones_lie_on_synthetic_slices(
    dataset: Dataset, base: Weights, tmp_path: Path
) -> None:
    """Two synthetic slices learned by heart: the zones are found there, the rest is dark."""
    config = replace(
        TINY,
        epochs=30,
        batches=8,
        sagittal_crops=8,
        planted_copies=0,
        optimizer=OptimizerConfig(
            learning_rate=4e-3, warmup_epochs=2.0, average_decay=0.9, average_warmup_steps=5.0
        ),
        sagittal_moved=None,
    )
    made = [
        view
        for view in made_views(config, base.metadata.preprocessing)
        if view.truth.plane is Plane.SAGITTAL
    ]
    nobody = Split(dataset.digest, (), (), dataset.patients)
    weights = load_weights(train_finder(config, dataset, nobody, base, tmp_path / "out", made))
    predictor = OpenVinoPredictor(weights)

    found, zones = 0, 0
    for view in made:
        placement = crop_placement(view.box_xyxy_px, config.sagittal)
        crop = disc_crop(view.image, placement, config.sagittal)
        scores = predictor.predict_lesions(crop[None])[0, LESION_LABELS.index(Label.HIZ)]
        for box in lesions_of(view.truth):
            x1, y1, x2, y2 = box.box_xyxy_px
            x, y = placement.points(np.array([[(x1 + x2) / 2, (y1 + y2) / 2]]))[0] / 2
            inside = 2 < x < scores.shape[1] - 2 and 2 < y < scores.shape[0] - 2
            if box.label is Label.HIZ and inside:
                zones += 1
                near = scores[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
                found += bool(near.max() > 0.3)
    assert zones > 0
    assert found / zones > 0.7


@pytest.mark.slow
def test_out_of_fold_lesions_come_from_a_network_that_has_not_seen_the_patient(
    dataset: Dataset, base: Weights, tmp_path: Path
) -> None:
    first, second, third, fourth = dataset.patients
    splits = [
        Split(dataset.digest, (third, fourth), (), (first, second)),
        Split(dataset.digest, (first, second), (), (third, fourth)),
    ]
    scores = (0.9, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0)
    given = tmp_path / "given.json"
    detected = {
        truth.image: (
            *(PredictedBox(GRADE_LABELS[0], 0.9, scores, b.box_xyxy_px) for b in truth.boxes),
            PredictedBox(Label.HERNIATION, 0.5, scores, truth.boxes[0].box_xyxy_px),
        )
        for truth in dataset.truths
    }
    given.write_text(predictions_json(detected))
    material, out = FoldMaterial(dataset, splits, given, base), tmp_path / "out"

    pooled = read_predictions(look_again_out_of_fold(LesionCourse(TINY), material, out))

    for number, split in enumerate(splits, start=1):
        weights = load_weights(out / f"fold-{number}" / "weights.onnx")
        about = weights.metadata.finder
        assert about is not None
        assert not {patient_hash("four", p) for p in split.test} & set(about.training_patients)
    for truth in dataset.truths:
        discs = [box for box in pooled[truth.image] if box.label in GRADE_LABELS]
        assert [box.box_xyxy_px for box in discs] == [b.box_xyxy_px for b in truth.boxes]
        lesions = [box for box in pooled[truth.image] if box.label in LESION_LABELS]
        assert all(box.score != 0.5 for box in lesions)


@pytest.mark.slow
def test_without_anything_to_learn_from_it_says_so(
    dataset: Dataset, base: Weights, tmp_path: Path
) -> None:
    nothing = replace(TINY, phantom_patients=0)
    with pytest.raises(DatasetError, match="nothing to learn from"):
        train_finder(nothing, dataset, all_for_training(dataset), base, tmp_path / "out")
