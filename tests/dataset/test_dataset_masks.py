from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

from discern.dataset.epochs import Draw
from discern.dataset.geometry import GeometryRange
from discern.dataset.masks import (
    TissueSample,
    TissueTraining,
    changed,
    dice,
    phantom_tissue_samples,
    prepare_tissues,
    read_mask,
    with_masks,
)
from discern.errors import DatasetError
from discern.networks import Preprocessing
from discern.spine import Tissue
from four_images import write_four_images
from tissue_images import add_masks, save_mask


def _marked(size: int) -> TissueSample:
    """An image whose grey value is its tissue: what moves in one must move in the other."""
    tissues = np.zeros((size, size), np.uint8)
    tissues[size // 4 : size // 2, size // 8 : size // 2] = Tissue.VERTEBRA
    tissues[size // 2 : size * 5 // 8, size // 4 : size * 3 // 4] = Tissue.DISC
    return TissueSample((tissues / 3).astype(np.float16), tissues)


def test_the_mask_is_fitted_like_its_image() -> None:
    tissues = np.zeros((30, 20), np.uint8)
    tissues[10:20, 5:15] = Tissue.DISC

    sample = prepare_tissues(tissues.astype(np.float32), tissues, Preprocessing(size_px=60))

    assert sample.tissues[20:40, 20:40].all()
    assert sample.tissues.sum() == 400
    np.testing.assert_array_equal(sample.tissues == Tissue.DISC, sample.image > 0.5)


def test_image_and_mask_move_together_and_a_draw_is_repeatable() -> None:
    marked = _marked(64)
    training = TissueTraining([marked], GeometryRange(), seed=3)
    agreeing = []
    for place in range(12):
        drawn = training[Draw(0, place, 0)]
        again = training[Draw(0, place, 0)]
        np.testing.assert_array_equal(drawn.image, again.image)
        np.testing.assert_array_equal(drawn.tissues, again.tissues)
        agreeing.append(((drawn.image > 0.2) == (drawn.tissues > 0)).mean())

    assert np.mean(agreeing) > 0.95
    assert len({training[Draw(0, place, 0)].tissues.tobytes() for place in range(12)}) == 12


def test_some_samples_are_cut_short_and_none_is_flipped() -> None:
    marked = _marked(64)
    still = GeometryRange(scale=(1.0, 1.0), aspect=0.0, rotation_deg=0.0, shift=0.0)
    drawn = [changed(marked, np.random.default_rng(seed), still) for seed in range(60)]
    whole = [np.array_equal(one.tissues, marked.tissues) for one in drawn]

    assert 40 < sum(whole) < 60  # a cut takes 5 to 45 %: some do not reach what is marked
    for one in drawn:
        shown = one.tissues > 0
        np.testing.assert_array_equal(one.tissues[shown], marked.tissues[shown])


def test_only_images_with_a_mask_are_trained_on(tmp_path: Path) -> None:
    dataset = write_four_images(tmp_path / "four")
    add_masks(dataset, every=4)

    assert len(with_masks(dataset, dataset.patients)) == len(dataset.truths) // 4
    assert with_masks(dataset, ["nobody"]) == []


@pytest.mark.parametrize(
    ("tissues", "reason"),
    [
        (np.zeros((9, 8), np.uint8), r"is \(9, 8\) px"),
        (np.full((8, 8), 7, np.uint8), "holds the value 7"),
        (np.zeros((8, 8, 3), np.uint8), r"is \(8, 8, 3\) px"),
    ],
)
def test_an_unusable_mask_is_named(tmp_path: Path, tissues: np.ndarray, reason: str) -> None:
    dataset = write_four_images(tmp_path / "four")
    (dataset.folder / "masks").mkdir()
    path = save_mask(dataset, "p0_0", tissues)

    with pytest.raises(DatasetError, match=rf"masks/p0_0\.png: .*{reason}"):
        read_mask(path, (8, 8))


def test_a_mask_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p1.png"
    path.write_bytes(b"not an image")

    with pytest.raises(DatasetError, match=r"masks/p1\.png: not a readable image"):
        read_mask(path, (8, 8))


def test_phantoms_bring_their_tissues() -> None:
    samples = phantom_tissue_samples(1, 1, Preprocessing(size_px=128))

    assert len(samples) == 3
    for sample in samples:
        assert sample.image.shape == sample.tissues.shape == (128, 128)
        assert set(np.unique(sample.tissues)) >= {Tissue.BACKGROUND, Tissue.DISC, Tissue.VERTEBRA}


def test_dice_of_a_tissue_that_nobody_shows_is_no_number() -> None:
    shown = np.array([0, 1, 1, 2])

    assert dice(shown, shown, Tissue.DISC) == 1
    assert dice(shown, 0 * shown, Tissue.DISC) == 0
    assert np.isnan(dice(shown, shown, Tissue.CANAL))
