"""Drawn discs of known shape, measured from their masks."""

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.findings import QuantityName
from discern.quantities.measure import measure_slice
from discern.quantities.slices import Array, TissueSlice
from discern.spine import Tissue

SPACING_MM = 0.7
SIZE_PX = 240
DEPTH_MM, HEIGHT_MM, BODY_MM = 35.0, 9.0, 26.0
NUCLEUS, ANNULUS, FLUID = 300.0, 60.0, 900.0
CENTER_MM = SIZE_PX * SPACING_MM / 2


def drawn(
    *,
    tilt_deg: float = 0.0,
    wedge_deg: float = 0.0,
    slip_mm: float = 0.0,
    sacral: bool = False,
    spacing_mm: tuple[float, float] = (SPACING_MM, SPACING_MM),
) -> tuple[TissueSlice, Array]:
    """Draw one disc between two vertebrae before a canal; return its maps and its box."""
    y, x = (np.mgrid[: 3 * SIZE_PX, : 3 * SIZE_PX] + 0.5) / 3  # nine points a pixel
    y, x = y * spacing_mm[0] - CENTER_MM, x * spacing_mm[1] - CENTER_MM
    cos, sin = np.cos(np.deg2rad(tilt_deg)), np.sin(np.deg2rad(tilt_deg))
    u, v = x * cos + y * sin, y * cos - x * sin
    half = HEIGHT_MM / 2 - u * np.tan(np.deg2rad(wedge_deg / 2))
    depth = np.abs(u) < DEPTH_MM / 2
    disc = depth & (np.abs(v) < half)
    gap_mm = 0.8
    above = (np.abs(u + slip_mm / 2) < DEPTH_MM / 2) & (v < -half - gap_mm) & (v > -BODY_MM)
    below = (np.abs(u - slip_mm / 2) < DEPTH_MM / 2) & (v > half + gap_mm) & (v < BODY_MM)
    canal = (u > DEPTH_MM / 2 + 4) & (u < DEPTH_MM / 2 + 18)
    tissues = np.zeros(x.shape, np.uint8)
    tissues[canal], tissues[above], tissues[disc] = Tissue.CANAL, Tissue.VERTEBRA, Tissue.DISC
    if not sacral:
        tissues[below] = Tissue.VERTEBRA
    image = np.where(disc, ANNULUS, 400.0).astype(np.float32)
    image[disc & (np.abs(u) < 12) & (np.abs(v) < 0.4 * HEIGHT_MM)] = NUCLEUS
    image[canal] = FLUID
    rows, columns = np.nonzero(disc)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]) / 3
    masks = np.stack([_pixels(tissues == tissue) for tissue in Tissue])
    return TissueSlice(0, _pixels(image), masks, spacing_mm), box


def _pixels(points: NDArray[np.generic]) -> NDArray[np.float32]:
    parts = points.astype(np.float32).reshape(SIZE_PX, 3, SIZE_PX, 3)
    pixels: NDArray[np.float32] = parts.mean(axis=(1, 3))
    return pixels


@pytest.mark.parametrize("tilt_deg", [-40.0, -12.0, 0.0, 7.0, 25.0])
@pytest.mark.parametrize("wedge_deg", [-4.0, 0.0, 9.0])
def test_a_drawn_disc_is_measured_at_any_tilt(tilt_deg: float, wedge_deg: float) -> None:
    found = measure_slice(*drawn(tilt_deg=tilt_deg, wedge_deg=wedge_deg))[0]
    assert found[QuantityName.DISC_HEIGHT] == pytest.approx(HEIGHT_MM, rel=0.04)
    index = HEIGHT_MM / DEPTH_MM
    assert found[QuantityName.DISC_HEIGHT_INDEX] == pytest.approx(index, rel=0.05)
    assert found[QuantityName.WEDGE_ANGLE] == pytest.approx(wedge_deg, abs=0.8)


@pytest.mark.parametrize("slip_mm", [-4.0, 0.0, 3.0, 8.0])
def test_slip_is_positive_when_the_upper_vertebra_lies_in_front(slip_mm: float) -> None:
    found = measure_slice(*drawn(tilt_deg=-15.0, slip_mm=slip_mm))[0]
    assert found[QuantityName.LISTHESIS] == pytest.approx(slip_mm, abs=0.5)


def test_signal_is_that_of_the_nucleus_over_the_fluid() -> None:
    found = measure_slice(*drawn(tilt_deg=10.0))[0]
    assert found[QuantityName.SIGNAL_RATIO] == pytest.approx(NUCLEUS / FLUID, rel=0.01)
    assert found[QuantityName.HOMOGENEITY] == pytest.approx(1.0, abs=0.01)


def test_homogeneity_is_one_less_the_coefficient_of_variation() -> None:
    maps, box = drawn()
    noise = np.random.default_rng(1).normal(0, 30, maps.image.shape).astype(np.float32)
    found = measure_slice(replace(maps, image=maps.image + noise), box)[0]
    assert found[QuantityName.HOMOGENEITY] == pytest.approx(1 - 30 / NUCLEUS, abs=0.02)


def test_the_lumbosacral_disc_has_everything_but_a_slip() -> None:
    maps, box = drawn(tilt_deg=-35.0, wedge_deg=10.0, sacral=True)
    found = measure_slice(maps, box)[0]
    assert set(QuantityName) - set(found) == {QuantityName.LISTHESIS}
    assert found[QuantityName.DISC_HEIGHT] == pytest.approx(HEIGHT_MM, rel=0.05)


def test_rows_and_columns_may_be_spaced_differently() -> None:
    found = measure_slice(*drawn(tilt_deg=20.0, spacing_mm=(0.7, 0.55)))[0]
    assert found[QuantityName.DISC_HEIGHT] == pytest.approx(HEIGHT_MM, rel=0.04)


def test_without_spacing_only_ratios_and_angles_are_given() -> None:
    maps, box = drawn(wedge_deg=6.0)
    found = measure_slice(replace(maps, spacing_mm=None), box)[0]
    assert {QuantityName.DISC_HEIGHT, QuantityName.LISTHESIS} == set(QuantityName) - set(found)
    assert found[QuantityName.WEDGE_ANGLE] == pytest.approx(6.0, abs=0.8)


def test_without_a_canal_neither_signal_nor_slip_is_told() -> None:
    maps, box = drawn()
    masks = maps.probabilities.copy()
    masks[Tissue.CANAL] = 0
    found = measure_slice(replace(maps, probabilities=masks), box)[0]
    assert not {QuantityName.SIGNAL_RATIO, QuantityName.LISTHESIS} & set(found)
    assert QuantityName.DISC_HEIGHT in found


def test_islands_and_holes_change_little() -> None:
    maps, box = drawn(tilt_deg=-10.0, wedge_deg=5.0)
    masks = maps.probabilities.copy()
    x1, y1, x2, y2 = box[0].astype(int)
    masks[Tissue.DISC, y1 - 12 : y1 - 8, x1 : x1 + 5] = 1
    masks[Tissue.DISC, (y1 + y2) // 2, (x1 + x2) // 2 - 6 : (x1 + x2) // 2 - 2] = 0
    clean = measure_slice(maps, box)[0]
    found = measure_slice(replace(maps, probabilities=masks), box)[0]
    assert found[QuantityName.DISC_HEIGHT] == pytest.approx(
        clean[QuantityName.DISC_HEIGHT], rel=0.05
    )


def test_a_disc_in_pieces_or_at_the_edge_or_without_pixels_has_no_shape() -> None:
    maps, box = drawn()
    x1, _, x2, _ = box[0].astype(int)
    crushed = maps.probabilities.copy()
    crushed[Tissue.DISC, :, x1 + 12 : x2 - 12] = 0
    cut = replace(
        maps, image=maps.image[:, x1 + 9 :], probabilities=maps.probabilities[:, :, x1 + 9 :]
    )
    empty = np.zeros_like(maps.probabilities)
    for one, place in (
        (replace(maps, probabilities=crushed), box),
        (cut, box - (x1 + 9, 0, x1 + 9, 0)),
        (replace(maps, probabilities=empty), box),
    ):
        found = measure_slice(one, place)[0]
        assert not {QuantityName.DISC_HEIGHT, QuantityName.WEDGE_ANGLE} & set(found)


def test_no_boxes_give_no_discs() -> None:
    assert measure_slice(drawn()[0], np.zeros((0, 4))) == []


def test_a_slice_takes_milliseconds() -> None:
    maps, box = drawn()
    boxes = np.repeat(box, 8, axis=0)
    measure_slice(maps, boxes)
    start = time.process_time()
    for _ in range(5):
        measure_slice(maps, boxes)
    assert time.process_time() - start < 1.0  # an order above what it takes
