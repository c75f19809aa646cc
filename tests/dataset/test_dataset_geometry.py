import numpy as np
import pytest

from discern.dataset.geometry import (
    GeometryRange,
    compose,
    mosaic,
    place_one,
)
from discern.dataset.samples import Sample
from discern.imaging.placement import Placement
from discern.spine import LABELS

SIZE = 160
WIDE = GeometryRange(scale=(0.6, 1.5), aspect=0.1, rotation_deg=10.0, shift=0.15)


def _bright_ellipse(center: tuple[float, float], semi_axes: tuple[float, float]) -> Sample:
    """A disc-like ellipse of value 1 on black, in its tight box."""
    (x, y), (a, b) = center, semi_axes
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    image = (((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1).astype(np.float16)
    return Sample(
        image=image,
        boxes=np.array([[x - a, y - b, x + a, y + b]]),
        labels=np.array([2]),
        annotated=np.ones(len(LABELS), bool),
        ignored=np.zeros((0, 4)),
    )


def _extent(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image > 0.5)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("seed", range(20))
def test_the_box_stays_tight_round_what_it_showed(seed: int) -> None:
    sample = _bright_ellipse((80, 76), (24, 9))
    placed = place_one(sample, np.random.default_rng(seed), WIDE)
    np.testing.assert_allclose(placed.boxes[0], _extent(placed.image), atol=1.6)


def test_a_rotation_turns_clockwise_on_the_screen() -> None:
    turned = Placement((1, 1), 90, (80, 80), (80, 80)).points(np.array([[100.0, 80.0]]))
    np.testing.assert_allclose(turned, [[80, 100]])


def test_nothing_is_ever_mirrored() -> None:
    for seed in range(50):
        sample = _bright_ellipse((80, 76), (24, 9))
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, SIZE)
        placed = Placement((1.2, 0.9), float(rng.uniform(-10, 10)), (x, x), (80, 80))
        assert np.linalg.det(placed.matrix) > 0
        assert len(place_one(sample, rng, WIDE).labels) <= 1


def test_the_undisturbed_placement_changes_nothing() -> None:
    sample = _bright_ellipse((70, 60), (20, 8))
    still = Placement((1, 1), 0, (0, 0), (0, 0))
    same = compose([sample], [still], [(0, 0, SIZE, SIZE)])
    np.testing.assert_array_equal(same.image, sample.image)
    np.testing.assert_allclose(same.boxes, sample.boxes)


def test_a_disc_cut_to_a_sliver_is_ignored_and_not_taught() -> None:
    sample = _bright_ellipse((80, 76), (24, 9))
    to_the_edge = Placement((1, 1), 0, (80, 76), (SIZE + 12.0, 76))  # a quarter of it is left
    cut = compose([sample], [to_the_edge], [(0, 0, SIZE, SIZE)])
    assert len(cut.boxes) == 0
    np.testing.assert_allclose(cut.ignored, [[SIZE - 12, 67, SIZE, 85]])
    mostly_there = Placement((1, 1), 0, (80, 76), (SIZE - 6.0, 76))
    kept = compose([sample], [mostly_there], [(0, 0, SIZE, SIZE)])
    np.testing.assert_allclose(kept.boxes, [[SIZE - 30, 67, SIZE, 85]])


def test_ignored_places_move_with_the_image() -> None:
    sample = _bright_ellipse((80, 76), (24, 9))
    twice = Placement((2, 2), 0, (80, 76), (80, 76))
    marked = Sample(sample.image, sample.boxes, sample.labels, sample.annotated, sample.boxes)
    moved = compose([marked], [twice], [(0, 0, SIZE, SIZE)])
    np.testing.assert_allclose(moved.ignored, [[32, 58, 128, 94]])


@pytest.mark.parametrize("seed", range(5))
def test_a_mosaic_shows_four_tiles_with_their_boxes(seed: int) -> None:
    samples = [_bright_ellipse((80, 40 + 20 * n), (20, 8)) for n in range(4)]
    joined = mosaic(samples, np.random.default_rng(seed), WIDE)
    assert joined.image.shape == (SIZE, SIZE)
    assert len(joined.boxes) + len(joined.ignored) >= 3  # each about a point of its own disc
    for x1, y1, x2, y2 in joined.boxes.round().astype(int):
        assert joined.image[y1:y2, x1:x2].mean() > 0.5


def test_the_same_seed_gives_the_same_picture() -> None:
    sample = _bright_ellipse((80, 76), (24, 9))
    once, again = (place_one(sample, np.random.default_rng(7), WIDE) for _ in range(2))
    np.testing.assert_array_equal(once.image, again.image)
    np.testing.assert_array_equal(once.boxes, again.boxes)
