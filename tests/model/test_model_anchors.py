import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

from discern.model.anchors import FloatArray, fit_anchors, mean_best_iou, size_iou

CENTERS = np.array(
    [[12, 8], [20, 9], [16, 16], [36, 14], [30, 24], [48, 20], [60, 24], [52, 40], [90, 36]], float
)


def _sizes(rng: np.random.Generator, spread: float = 0.02) -> FloatArray:
    return np.repeat(CENTERS, 40, axis=0) * rng.normal(1, spread, (len(CENTERS) * 40, 2))


def test_finds_nine_separate_clusters_finest_map_first() -> None:
    anchors = np.array(fit_anchors(_sizes(np.random.default_rng(1)), np.random.default_rng(2)))

    assert anchors.shape == (3, 3, 2)
    ordered = CENTERS[np.argsort(CENTERS.prod(axis=1))]
    np.testing.assert_allclose(anchors.reshape(9, 2), ordered, rtol=0.03)


def test_the_same_seed_gives_the_same_anchors() -> None:
    sizes = _sizes(np.random.default_rng(1), spread=0.3).clip(2)

    fits = [fit_anchors(sizes, np.random.default_rng(5)) for _ in range(2)]

    assert fits[0] == fits[1]


def test_covers_the_boxes_better_than_nine_of_them_drawn_by_chance() -> None:
    sizes = _sizes(np.random.default_rng(3), spread=0.4).clip(2)
    fitted = np.array(fit_anchors(sizes, np.random.default_rng(0))).reshape(9, 2)
    drawn = np.random.default_rng(4).choice(sizes, 9, replace=False)

    assert mean_best_iou(sizes, fitted) > mean_best_iou(sizes, drawn)


def test_overlap_of_sizes_by_hand() -> None:
    overlap = size_iou(np.array([[10.0, 10.0], [2.0, 5.0]]), np.array([[5.0, 10.0]]))

    np.testing.assert_allclose(overlap, [[0.5], [0.2]])


@pytest.mark.parametrize("sizes", [np.ones((50, 2)), np.arange(40.0).reshape(20, 2)])
def test_refuses_too_few_or_empty_boxes(sizes: FloatArray) -> None:
    with pytest.raises(ValueError, match="at least 9 different, positive"):
        fit_anchors(sizes, np.random.default_rng(0))
