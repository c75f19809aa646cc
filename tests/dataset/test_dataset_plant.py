from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.plant import Lesion, noise_sigma, plant, sample_lesions
from discern.dataset.plant_place import DISC_LENGTH_MM, disc_places
from discern.dataset.plant_samples import Planting, planted_places, planted_samples, planted_slices
from discern.dataset.plant_shapes import Renderer, Shape, coverage
from discern.dataset.sources import Dataset, read_dataset
from discern.networks import Preprocessing
from discern.spine import GRADE_LABELS, LABELS, Label, Plane, Tissue

SIZE_PX = 160
CSF, BONE, DARK, NOISE = 200.0, 90.0, 20.0, 3.0
DISC = (40.0, 60.0, 110.0, 80.0)
Tissues = np.ndarray


def drawn(label: Label = GRADE_LABELS[3]) -> tuple[np.ndarray, GroundTruth, Tissues]:
    """A dark disc 70 px long with its front to the left, the canal 6 px behind it."""
    image = np.full((SIZE_PX, SIZE_PX), BONE, np.float32)
    tissues = np.full((SIZE_PX, SIZE_PX), Tissue.VERTEBRA, np.uint8)
    image[60:80, 40:110], tissues[60:80, 40:110] = DARK, Tissue.DISC
    image[:, 116:140], tissues[:, 116:140] = CSF, Tissue.CANAL
    image += np.random.default_rng(0).normal(0, NOISE, image.shape).astype(np.float32)
    box = TruthBox(label, DISC, 2)
    annotated = frozenset({*GRADE_LABELS, Label.HERNIATION})
    truth = GroundTruth("7_a", "7", Plane.SAGITTAL, (SIZE_PX, SIZE_PX), (box,), annotated)
    return image, truth, tissues


def test_a_disc_is_measured_from_its_mask() -> None:
    (place,) = disc_places(*drawn())
    assert place.center_px == pytest.approx((75, 70), abs=0.6)
    assert place.axis == pytest.approx((1, 0), abs=0.02)
    assert place.half_length_px == pytest.approx(35, abs=1)
    assert place.half_height_px == pytest.approx(10, abs=1.5)
    assert place.csf == pytest.approx(CSF, abs=8)
    assert place.annulus == pytest.approx(DARK, abs=6)
    assert place.pixels_a_mm == pytest.approx(70 / DISC_LENGTH_MM, abs=0.1)


def test_a_disc_without_fluid_or_of_which_the_mask_shows_a_part_is_left_out() -> None:
    image, truth, tissues = drawn()
    dry = np.where(tissues == Tissue.CANAL, np.uint8(Tissue.BACKGROUND), tissues)
    assert disc_places(image, truth, dry) == []
    part = tissues.copy()
    part[:, 80:110] = Tissue.BACKGROUND
    assert disc_places(image, truth, part) == []


@pytest.mark.parametrize("renderer", Renderer)
def test_coverage_is_whole_in_the_middle_and_none_far_away(renderer: Renderer) -> None:
    shape = Shape(Label.HIZ, 10.0, -3.0, 5.0, 4.0, blur_px=0.6, seed=1)
    down, back = np.mgrid[-20:21, -20:31].astype(float)
    share = coverage(shape, back, down, renderer)
    assert share[17, 30] == pytest.approx(1, abs=0.05)
    assert np.abs(share[:, :8]).max() < 0.05
    assert share.sum() == pytest.approx(np.pi * 5 * 4, rel=0.2)


def test_the_two_renderers_draw_differently() -> None:
    shape = Shape(Label.HIZ, 0.0, 0.0, 2.5, 2.0, blur_px=0.6, seed=1)
    down, back = np.mgrid[-10:11, -10:11].astype(float)
    smooth, sampled = (coverage(shape, back, down, one) for one in Renderer)
    assert np.abs(smooth - sampled).max() > 0.1


@pytest.mark.parametrize("renderer", Renderer)
def test_a_zone_is_bright_within_its_box_and_its_sham_is_not(renderer: Renderer) -> None:
    image, truth, tissues = drawn()
    (place,) = disc_places(image, truth, tissues)
    shape = Shape(Label.HIZ, place.half_length_px - 6, 0.0, 2.5, 2.5)
    one = plant(image, truth, [Lesion(place, shape, 0.9)], renderer, np.random.default_rng(1))
    (box,) = [b for b in one.truth.boxes if b.label is Label.HIZ]
    x1, y1, x2, y2 = (round(edge) for edge in box.box_xyxy_px)
    assert (x1 + x2) / 2 == pytest.approx(104, abs=1)
    assert one.image[y1:y2, x1:x2].max() > 0.7 * CSF
    assert one.sham[y1:y2, x1:x2].max() < DARK + 6 * NOISE
    assert box.disc == 2
    assert Label.HIZ in one.truth.annotated
    assert Label.HIZ in one.sham_truth.annotated
    assert one.sham_truth.boxes == truth.boxes
    far = np.ones(image.shape, bool)
    far[y1 - 4 : y2 + 4, x1 - 4 : x2 + 4] = False
    assert np.abs(one.image - image)[far].max() < 6
    assert np.abs(one.sham - image)[far].max() < 6


def test_a_zone_too_dim_or_too_small_to_see_has_no_box() -> None:
    image, truth, tissues = drawn()
    (place,) = disc_places(image, truth, tissues)
    for half_px, signal in ((2.5, 0.1), (0.7, 1.0)):
        shape = Shape(Label.HIZ, place.half_length_px - 6, 0.0, half_px, half_px)
        lesion = Lesion(place, shape, signal)
        one = plant(image, truth, [lesion], Renderer.SMOOTH, np.random.default_rng(1))
        assert one.truth.boxes == truth.boxes


def test_a_protrusion_indents_the_fluid_and_its_box_holds_the_back_third() -> None:
    image, truth, tissues = drawn()
    (place,) = disc_places(image, truth, tissues)
    shape = Shape(Label.HERNIATION, place.half_length_px, 0.0, 14.0, 9.0)
    lesion = Lesion(place, shape, 0.05)
    one = plant(image, truth, [lesion], Renderer.SMOOTH, np.random.default_rng(1))
    (box,) = [b for b in one.truth.boxes if b.label is Label.HERNIATION]
    assert box.box_xyxy_px[0] == pytest.approx(75 + 35 / 3, abs=2)
    assert box.box_xyxy_px[2] > 120
    assert one.image[70, 119] < 0.4 * CSF
    assert one.sham[70, 119] > 0.8 * CSF


def test_no_protrusion_where_herniations_are_not_annotated_or_one_is_drawn() -> None:
    image, truth, tissues = drawn()
    drawn_one = TruthBox(Label.HERNIATION, (90, 58, 115, 82), 2)
    for other in (
        replace(truth, annotated=frozenset(GRADE_LABELS)),
        replace(truth, boxes=(*truth.boxes, drawn_one)),
    ):
        for seed in range(30):
            lesions = sample_lesions(image, other, tissues, np.random.default_rng(seed))
            assert {one.shape.label for one in lesions} == {Label.HIZ}


def test_noise_is_measured() -> None:
    image, _, _ = drawn()
    assert noise_sigma(image) == pytest.approx(NOISE, rel=0.15)


@pytest.fixture
def spider(shared_data: Path) -> Dataset:
    return read_dataset(shared_data / "spider-lumbar")


def test_real_slices_are_planted_alike_each_time(spider: Dataset) -> None:
    truths = spider.of_patients(spider.patients[:4])
    planting = Planting(Renderer.SAMPLED, 5)
    first, again = (list(planted_slices(spider, truths, planting)) for _ in range(2))
    assert len(first) >= 4
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.image, other.image)
        assert one.truth == other.truth
        zones = [box for box in one.truth.boxes if box.label is Label.HIZ]
        graded = {box.disc: box.box_xyxy_px for box in one.truth.boxes if box.label in GRADE_LABELS}
        for zone in zones:
            x1, y1, x2, y2 = graded[zone.disc]
            left, top, right, bottom = zone.box_xyxy_px
            assert x1 <= (left + right) / 2 <= x2
            assert y1 <= (top + bottom) / 2 <= y2


def test_training_samples_hold_zones_and_shams(spider: Dataset) -> None:
    truths = spider.of_patients(spider.patients[:6])
    by_image = planted_samples(spider, truths, 2, Preprocessing(size_px=128))
    assert len(by_image) == len(truths)
    assert {len(copies) for copies in by_image} == {2}
    samples = [copy for copies in by_image for copy in copies]
    assert planted_places(by_image, 50)[:2] == ((50, 51), (52, 53))
    zone = LABELS.index(Label.HIZ)
    assert all(one.annotated[zone] for one in samples)
    with_zone = sum((one.labels == zone).any() for one in samples)
    assert 0.5 * len(samples) < with_zone < len(samples)


def test_images_without_a_mask_are_left_out(spider: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    truth = spider.truths[0]
    PillowImage.new("L", truth.shape_px[::-1]).save(folder / "images" / f"{truth.image}.png")
    other = replace(spider, folder=folder)
    assert list(planted_slices(other, [truth], Planting(Renderer.SMOOTH, 1))) == []
