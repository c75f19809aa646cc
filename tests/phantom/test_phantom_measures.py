"""True quantities against measurements on the drawn tissues."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.measures import DiscMeasures, measure_disc
from discern.phantom.plates import Block
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_sagittal
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import draw_textures
from discern.spine import Level, Tissue

FINE = Scanner(matrix_px=640, slice_thickness_mm=0.5, noise=0, blur_mm=0)
PLAIN = PhantomParameters(texture=0, scanner=FINE)
LEVELS = (Level.L1_L2, Level.L3_L4, Level.L4_L5, Level.L5_S1)
Points = NDArray[np.float64]


@cache
def middle(parameters: PhantomParameters) -> PhantomSlice:
    one = Prescription(sagittal_slices=1)
    return render_sagittal(parameters, np.random.default_rng(0), prescription=one)[0]


def truth(parameters: PhantomParameters, level: Level) -> DiscMeasures:
    textures = draw_textures(parameters.texture_seed)
    return measure_disc(build_spine(parameters), level, parameters, textures)


def place_mm(parameters: PhantomParameters, level: Level) -> Points:
    return np.array([build_spine(parameters).disc_center_lps_mm(level)])


def drawn(slice_: PhantomSlice, tissue: Tissue, near_mm: Points) -> Points:
    """Return (y, z) in mm of the pixels of the component of ``tissue`` nearest a place."""
    labels, _ = ndimage.label(slice_.tissues == tissue)
    rows, columns = np.nonzero(labels)
    pixels = np.stack((columns, rows), axis=1).astype(np.float64) + 0.5
    places = slice_.geometry.pixel_to_lps(pixels)[:, 1:]
    nearest = np.hypot(*(places - near_mm[0, 1:]).T).argmin()
    keep = labels[rows, columns] == labels[rows[nearest], columns[nearest]]
    kept: Points = places[keep]
    return kept


def measured(points: Points, center_mm: Points) -> tuple[float, float, float]:
    """Return depth, mean height and wedge of a disc from its pixels, along its principal axis.

    The endplates dip like parabolas about the middle of the plates: their slopes are taken there.
    """
    centered = points - points.mean(axis=0)
    axis = np.linalg.svd(centered, full_matrices=False)[2][0]
    axis = axis * np.sign(axis[0])  # towards the back
    u, v = centered @ axis, centered @ np.array([-axis[1], axis[0]])
    low, high = u.min(), u.max()
    pixel_mm = FINE.field_of_view_mm / FINE.matrix_px
    stations = low + (high - low) * np.linspace(0.08, 0.92, 43)
    upper = np.array([v[np.abs(u - one) < pixel_mm].max() for one in stations]) + pixel_mm / 2
    lower = np.array([v[np.abs(u - one) < pixel_mm].min() for one in stations]) - pixel_mm / 2
    heights = upper - lower
    middle_u = float((center_mm[0, 1:] - points.mean(axis=0)) @ axis)
    slopes = [np.polyfit(stations - middle_u, edge, 2)[1] for edge in (upper, lower)]
    wedge = np.rad2deg(np.arctan(slopes[1]) - np.arctan(slopes[0]))
    return high - low, float(np.mean(heights[[1, 21, 41]])), float(wedge)


@pytest.mark.parametrize("level", LEVELS)
def test_height_depth_and_wedge_agree_with_the_drawn_disc(level: Level) -> None:
    center_mm = place_mm(PLAIN, level)
    depth_mm, height_mm, wedge_deg = measured(
        drawn(middle(PLAIN), Tissue.DISC, center_mm), center_mm
    )
    true = truth(PLAIN, level)
    assert true.disc_height_mm == pytest.approx(height_mm, rel=0.05)
    assert true.disc_depth_mm == pytest.approx(depth_mm, rel=0.05)
    assert true.wedge_deg == pytest.approx(wedge_deg, rel=0.05, abs=0.6)


def step_mm(parameters: PhantomParameters, level: Level) -> float:
    """Return how far the wall above a disc lies before the wall below it, from the bodies."""
    spine, slice_ = build_spine(parameters), middle(parameters)
    disc = spine.discs[level]
    back, up = disc.lower.back, disc.lower.up
    edges = []
    for plate, side in ((disc.upper, 4.0), (disc.lower, -4.0)):
        inside = np.array([[0.0, plate.y_mm, plate.z_mm + 2.5 * side]])
        body = drawn(slice_, Tissue.VERTEBRA, inside)
        height = (body - (plate.y_mm, plate.z_mm)) @ up
        row = body[np.abs(height - side) < 0.2]
        near = np.abs((row - (plate.y_mm, plate.z_mm)) @ back) < 1.3 * plate.half_depth_mm
        edges.append(((row - (plate.y_mm, plate.z_mm)) @ back)[near].max())
    offset = np.array([disc.upper.y_mm - disc.lower.y_mm, disc.upper.z_mm - disc.lower.z_mm])
    return float(edges[1] - edges[0] - offset @ back)


@pytest.mark.parametrize("slip_mm", [-6.0, 8.0, 12.0])
def test_a_slip_steps_the_drawn_walls_as_the_truth_says(slip_mm: float) -> None:
    slipped = replace(PLAIN, listhesis_mm=(0.0,) * 7 + (slip_mm, 0.0))
    true = truth(slipped, Level.L4_L5).listhesis_mm - truth(PLAIN, Level.L4_L5).listhesis_mm
    drawn_mm = step_mm(slipped, Level.L4_L5) - step_mm(PLAIN, Level.L4_L5)
    assert true == pytest.approx(slip_mm, rel=0.05)
    pixel_mm = FINE.field_of_view_mm / FINE.matrix_px
    assert drawn_mm == pytest.approx(slip_mm, rel=0.05, abs=pixel_mm)


def test_signal_ratio_agrees_with_the_image_without_a_coil() -> None:
    flat = replace(FINE, coil_floor=1.0, csf_units=1000)
    parameters = replace(PLAIN, scanner=flat)
    slice_ = middle(parameters)
    labels, _ = ndimage.label(slice_.tissues == Tissue.DISC)
    x, y = slice_.geometry.lps_to_pixel(place_mm(parameters, Level.L3_L4))[0].astype(int)
    mean = slice_.image[labels == labels[y, x]].mean() / 1000
    assert truth(parameters, Level.L3_L4).csf_signal_ratio == pytest.approx(mean, rel=0.05)


def tissue_of(block: Block, slice_: PhantomSlice, spine: Spine) -> Tissue:
    center = np.array([spine.center_lps_mm(block)])
    x, y = slice_.geometry.lps_to_pixel(center)[0].astype(int)
    return Tissue(slice_.tissues[y, x])


def test_every_tissue_is_marked_and_the_sacrum_is_none() -> None:
    slice_, spine = middle(PLAIN), build_spine(PLAIN)
    assert set(np.unique(slice_.tissues)) == set(Tissue)
    for block, tissue in (
        (spine.bodies[0], Tissue.VERTEBRA),
        (spine.lowest_disc, Tissue.DISC),
        (spine.sacrum[0], Tissue.BACKGROUND),
        (spine.sacrum[1], Tissue.BACKGROUND),
    ):
        assert tissue_of(block, slice_, spine) is tissue, block.name


def test_a_fifth_lumbar_vertebra_fused_with_the_sacrum_is_a_vertebra_and_has_a_disc() -> None:
    fused = replace(PLAIN, lumbar_vertebrae=4)
    slice_, spine = middle(fused), build_spine(fused)
    found = {block.name: tissue_of(block, slice_, spine) for block in spine.sacrum[:4]}
    assert found == {
        "L5": Tissue.VERTEBRA,
        "L5-S1": Tissue.DISC,
        "S1": Tissue.BACKGROUND,
        "S1-S2": Tissue.BACKGROUND,
    }
