import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_folder import graded_patients
from PIL import Image as PillowImage

from discern.dataset.augment import IntensityMode
from discern.dataset.epochs import AugmentationConfig, EpochPlan, TrainingSamples
from discern.dataset.preview import Origin, PreviewSettings, preview_tiles
from discern.dataset.preview_sheet import preview_png
from discern.dataset.samples import prepare_dataset
from discern.dataset.sources import read_dataset
from discern.errors import DatasetError
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts
from discern.spine import LABELS, Label

PAPER = PreviewSettings(
    name="paper",
    seed=3,
    epochs=10,
    slices_per_patient=0,
    phantom_patients=0,
    phantom_slices=SliceCounts(),
    phantom_share=0.0,
    planted_copies=0,
    planted_share=0.0,
    preprocessing=Preprocessing(size_px=64),
    augmentation=AugmentationConfig(intensity=IntensityMode.PAPER, geometry=False),
    count=8,
)
ONLINE = replace(PAPER, name="online", augmentation=AugmentationConfig(), count=6)


def test_the_papers_copies_stand_behind_their_originals(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path, [1, 2, 3, 4, 5] * 4)
    tiles = preview_tiles(dataset, dataset.patients, PAPER)
    assert len(tiles) == 8
    copies = [at for at, tile in enumerate(tiles) if tile.origin is Origin.PAPER_COPY]
    assert len(copies) == 2  # 6 of 26 samples are copies, and 8 are shown
    for at in copies:
        original, copy = tiles[at - 1], tiles[at]
        assert (original.image, original.origin) == (copy.image, Origin.REAL)
        change = copy.sample.image.astype(float) - original.sample.image.astype(float)
        assert 0.001 < np.abs(change).mean() < 0.2
        np.testing.assert_array_equal(copy.sample.boxes, original.sample.boxes)


def test_a_tile_is_a_sample_of_the_first_epoch(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path, [1, 2, 3, 4, 5] * 4)
    plan = EpochPlan(seed=3, patients=dataset.patients)
    samples = prepare_dataset(dataset, dataset.truths, ONLINE.preprocessing)
    training = TrainingSamples(samples, ONLINE.augmentation, seed=3, epochs=10)
    drawn = {training[draw].image.tobytes() for draw in plan.draws(0)}
    for tile in preview_tiles(dataset, dataset.patients, ONLINE):
        assert tile.origin is Origin.REAL
        assert tile.sample.image.tobytes() in drawn


def test_synthetic_patients_are_shown_where_they_are_mixed_in(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path, [1, 2, 3, 4, 5])
    mixed = replace(ONLINE, phantom_patients=1, phantom_share=0.5)
    origins = [tile.origin for tile in preview_tiles(dataset, dataset.patients, mixed)]
    assert origins.count(Origin.SYNTHETIC) == 3


def test_planted_lesions_are_shown_where_they_are_mixed_in(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    planted = replace(ONLINE, planted_copies=3, planted_share=0.5)
    tiles = preview_tiles(dataset, dataset.patients[:8], planted)
    shown = [tile for tile in tiles if tile.origin is Origin.PLANTED]
    zone = LABELS.index(Label.HIZ)
    assert 1 <= len(shown) < len(tiles)
    assert all(tile.sample.annotated[zone] for tile in shown)
    images = {truth.image for truth in dataset.of_patients(dataset.patients[:8])}
    assert {tile.image for tile in shown} <= images


def test_the_sheet_is_a_picture_that_comes_out_again(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path, [1, 2, 3, 4, 5] * 2)
    sheet = preview_png(dataset, dataset.patients, PAPER)
    assert sheet == preview_png(dataset, dataset.patients, PAPER)
    assert sheet != preview_png(dataset, dataset.patients, replace(PAPER, seed=4))
    with PillowImage.open(io.BytesIO(sheet)) as picture:
        colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for color in ((0xC2, 0x41, 0x0C), (0xFF, 0xE2, 0x4D)):  # frame of a copy, box of grade 3
        assert (np.abs(colors.astype(int) - color).sum(axis=1) == 0).sum() > 50


def test_more_tiles_than_samples_and_no_patients(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path, [1, 2, 3])
    assert len(preview_tiles(dataset, dataset.patients, replace(ONLINE, count=50))) == 3
    with pytest.raises(DatasetError, match="no training image"):
        preview_tiles(dataset, (), ONLINE)
