from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.errors import UnreadableFile
from discern.imaging.geometry import SliceGeometry
from discern.imaging.pixels import letterbox
from discern.imaging.study import Slice
from discern.inference.tissue import in_view, segment_slices
from discern.networks import Preprocessing, SegmenterMetadata

ABOUT = SegmenterMetadata(
    Preprocessing(size_px=64), epochs=1, training_data=(), training_patients=()
)


def slice_of(
    index: int, shape_px: tuple[int, int], read: Callable[[], NDArray[np.float32]]
) -> Slice:
    """Return a slice without geometry, as of a PNG."""
    return Slice(index, shape_px, None, None, read, None, None, f"{index}.png")


class ByBrightness:
    """A tissue network that calls bright pixels discs; it counts its calls."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_tissues(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(len(images))
        none = np.zeros_like(images)
        return np.stack([1 - images, images, none, none], axis=1)


def _half_bright(rows: int, columns: int) -> NDArray[np.float32]:
    image = np.zeros((rows, columns), np.float32)
    image[: rows // 2] = 100
    return image


def test_tissues_lie_on_the_pixels_they_belong_to() -> None:
    image = _half_bright(40, 24)
    found = segment_slices([slice_of(7, (40, 24), lambda: image)], ByBrightness(), ABOUT)[0]

    assert found.slice_index == 7
    assert found.spacing_mm is None
    assert found.probabilities.shape == (4, 40, 24)
    assert found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(found.probabilities.argmax(axis=0) == 1, image > 0)
    np.testing.assert_array_equal(found.image, image)


def test_a_turned_slice_is_shown_in_the_usual_view_with_its_spacing() -> None:
    """Stored with rows from head to foot along the columns: transposed against the usual view."""
    usual = _half_bright(30, 20)
    geometry = SliceGeometry(
        position_lps_mm=(0.0, 0.0, 0.0),
        along_row=(0.0, 0.0, -1.0),
        along_column=(0.0, 1.0, 0.0),
        spacing_mm=(2.0, 1.0),
    )
    stored = slice_of(0, (20, 30), lambda: np.ascontiguousarray(usual.T))
    stored = replace(stored, geometry=geometry, spacing_mm=(2.0, 1.0))

    found = segment_slices([stored], ByBrightness(), ABOUT)[0]

    np.testing.assert_array_equal(found.image, usual)
    assert found.spacing_mm == (1.0, 2.0)
    np.testing.assert_array_equal(found.probabilities.argmax(axis=0) == 1, usual > 0)


def test_unreadable_slices_are_left_out_and_the_rest_comes_in_order() -> None:
    def damaged() -> NDArray[np.float32]:
        raise UnreadableFile("3.png: truncated")

    slices = [slice_of(i, (16, 16), lambda: _half_bright(16, 16)) for i in range(10)]
    slices[3] = replace(slices[3], read=damaged)
    predictor = ByBrightness()

    found = segment_slices(slices, predictor, ABOUT)

    assert [one.slice_index for one in found] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert predictor.batches == [8, 1]


def test_nothing_to_segment_asks_for_nothing() -> None:
    predictor = ByBrightness()

    assert segment_slices([], predictor, ABOUT) == []
    assert predictor.batches == []


@pytest.mark.parametrize("shape", [(50, 80), (81, 33), (64, 64)])
def test_the_way_back_undoes_the_letterbox(shape: tuple[int, int]) -> None:
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    image = (x + y) / (rows + columns)
    square, fit = letterbox(image, 256)

    back = in_view(square[None], fit, shape)[0]

    inner = (slice(2, -2), slice(2, -2))  # at the rim the zeros around the image mix in
    np.testing.assert_allclose(back[inner], image[inner], atol=0.02)
