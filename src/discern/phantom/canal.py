"""The spinal canal: dural sac with CSF, cord and cauda equina, epidural fat, nerve roots."""

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.block_frame import frame_of, place_of
from discern.phantom.canvas import Canvas, Patch, covered, radial, step
from discern.phantom.plates import Block
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Level, Tissue

_DURA = 0.12
_ROOT_REACH_MM = 1.0
"""Nothing is painted farther from the middle of a root."""
CANAL_REACH_MM = 14.0
"""No part of the dural sac lies farther from the midline."""
_ROOTS = tuple(
    (side, rank, depth)
    for rank in range(6)
    for side, depth in ((-1, 0.30 + 0.04 * (rank % 3)), (1, 0.34 + 0.04 * ((rank + 1) % 3)))
)
"""Side, number of the exit (0 = L2) and resting depth in the sac, of each cauda equina root."""


def depth_mm(patch: Patch, spine: Spine) -> Field:
    """Return how far the points lie behind the posterior wall of the bodies."""
    wall = spine.line_at(spine.wall_y_mm, patch.z_mm)
    depth: Field = (patch.y_mm - wall) * spine.line_at(spine.wall_cosine, patch.z_mm)
    return depth


def paint_canal(canvas: Canvas, spine: Spine, parameters: PhantomParameters) -> None:
    """Paint what fills the canal; bones and discs come later and on top."""
    depth = depth_mm(canvas.whole, spine)
    near = np.abs(canvas.whole.x_mm) < CANAL_REACH_MM + parameters.scanner.slice_thickness_mm
    middle_mm = parameters.canal_mm / 2 + 2
    wanted = near & (np.abs(depth - middle_mm) < middle_mm + 4)
    for patch in canvas.around((wanted & (canvas.whole.z_mm > spine.sacrum[3].z_mm))[0]):
        _paint_sac(patch, spine, parameters)
    for body in spine.bodies:
        _paint_ganglia(canvas, spine, body)


def paint_epidural_fat(canvas: Canvas, spine: Spine, parameters: PhantomParameters) -> None:
    """Fat round the sac and in the foramina; the posterior longitudinal ligament in front."""
    patch = canvas.whole
    depth, side = depth_mm(patch, spine), np.abs(patch.x_mm)
    room = parameters.canal_mm * (0.4 + 0.6 * step(-22, 0, patch.z_mm - spine.sacrum[2].z_mm))
    foramen = (radial((depth - 4.0) / 11.0, side / 25.0) - 1) * 11.0
    behind = (radial((depth - 0.62 * room) / (0.68 * room), side / 11.0) - 1) * 10.0
    above = np.minimum(foramen, behind)
    sacral = np.maximum(np.abs(depth - room / 2) - room / 2, side - 12)
    into_sacrum = step(spine.sacrum[0].z_mm + 14, spine.sacrum[0].z_mm - 14, patch.z_mm)
    distance = above + into_sacrum * (sacral - above)
    uneven = 1.0 + 0.10 * patch.lumps
    patch.paint(covered(distance, 2.5), lambda contrast: contrast.fat * uneven)
    patch.paint(covered(np.maximum(np.abs(depth) - 0.7, side - 11)), _DURA / 2)


def _paint_sac(patch: Patch, spine: Spine, parameters: PhantomParameters) -> None:
    depth = depth_mm(patch, spine)
    size = sac_size(patch.z_mm, spine)
    half = parameters.canal_mm / 2 * size * 0.93
    gap = 0.4 + 3.4 * step(_narrowing_mm(spine), spine.sacrum[0].z_mm, patch.z_mm)
    across = (0.62 * parameters.canal_mm) * size
    v = (depth - gap - half) / np.maximum(half, 0.1)
    # Flat in front, pointed behind, more so towards the sacrum.
    width = across * (1 - 0.18 * v)
    radius = np.sqrt(v**2 + (patch.x_mm / np.maximum(width, 0.1)) ** 2)
    distance = (radius - 1) * np.maximum(half, 0.1)
    patch.paint(covered(distance - 0.6) * (size > 0.05), _DURA)  # noqa: PLR2004
    inside = covered(distance) * (size > 0.05)  # noqa: PLR2004
    patch.paint(inside, lambda contrast: contrast.csf)
    patch.mark((distance < 0) & (size > 0.05), Tissue.CANAL)  # noqa: PLR2004
    _paint_cord(patch, v * half, inside, spine, parameters)
    _paint_roots(patch, (v, half), inside, spine)


def _narrowing_mm(spine: Spine) -> float:
    """Return the height below which the sac leaves the wall: the last disc but one."""
    return tuple(spine.discs.values())[1].z_mm


def sac_size(z_mm: Field, spine: Spine) -> Field:
    """Return the calibre of the dural sac, 1 at L3, closing within S2."""
    tip_mm = spine.sacrum[2].z_mm
    open_mm = spine.lowest_disc.z_mm + 12
    size: Field = np.sqrt(np.clip((z_mm - tip_mm) / (open_mm - tip_mm), 0, 1)) * (
        1 - 0.10 * step(spine.discs[Level.L1_L2].z_mm, spine.discs[Level.T10_T11].z_mm, z_mm)
    )
    return size


def _paint_cord(
    patch: Patch, offset: Field, inside: Field, spine: Spine, parameters: PhantomParameters
) -> None:
    """Cord, swollen at the conus and tapering to its tip; it lies a little behind the middle."""
    tip_mm = spine.discs[parameters.conus_level].z_mm
    above = np.clip((patch.z_mm - tip_mm) / 32.0, 0, 1)
    calibre = 4.3 * np.sqrt(above) + 0.4 * np.exp(-(((patch.z_mm - tip_mm - 36) / 14) ** 2))
    back = 1.2 - 1.6 * above
    radius = np.sqrt((offset - back) ** 2 + (patch.x_mm / 1.2) ** 2)
    coverage = covered(radius - calibre, 1.2) * inside * (above > 0)
    patch.paint(coverage, lambda contrast: contrast.cord)


def _paint_roots(
    patch: Patch,
    sac: tuple[Field, Field],
    inside: Field,
    spine: Spine,
) -> None:
    """Roots settle at the back of the sac (lying patient) and fan out to their exits.

    ``sac`` is the place between its front (-1) and back (1), and half its depth in mm.
    """
    v, half = sac
    start_mm = spine.discs[Level.L1_L2].z_mm + 8
    lower = [disc for disc in spine.discs.values() if disc.z_mm < spine.discs[Level.L1_L2].z_mm]
    exits_mm = [block.z_mm for block in (*lower[::-1], *spine.sacrum[1:])]
    for side, rank, rest in _ROOTS:
        way = np.clip((start_mm - patch.z_mm) / (start_mm - exits_mm[rank]), 0, 1)
        bend = np.square(way * way * way)
        across = side * (0.8 + 0.75 * (5 - rank) * np.sqrt(way) + 2.5 * bend)
        settle = rest + 0.35 * (rank / 5) - 0.5 * bend
        wave = 0.25 * np.sin(patch.z_mm / (9 + rank) + 1.7 * rank + side)
        beside = patch.x_mm - across - wave
        if np.abs(beside).min() > _ROOT_REACH_MM:
            continue
        distance = radial(beside, (v - settle) * half)
        present = inside * (way > 0) * (way < 1)
        share = 0.6 * covered(distance - 0.55, 0.9) * present
        patch.paint(share, lambda contrast: contrast.root)


def _paint_ganglia(canvas: Canvas, spine: Spine, body: Block) -> None:
    """The root under each pedicle: a gray oval in the fat of the foramen."""
    for side in (-1, 1):
        across = side * (0.54 * body.lower.half_width_mm + 1)
        back = body.lower.half_depth_mm + 4.0
        place = place_of(body, spine, (across, back, -8.0), (7.0, 6.0, 6.0))
        for patch in canvas.near(place):
            frame = frame_of(patch, body, dip_mm=0.0)
            radius = np.sqrt(
                ((frame.x - across) / 5) ** 2
                + ((frame.p - back - 0.3 * (frame.x - across) * -side) / 2.6) ** 2
                + ((frame.q + 8) / 3.4) ** 2
            )
            patch.paint(covered((radius - 1) * 2.6), lambda contrast: 0.9 * contrast.cord)
