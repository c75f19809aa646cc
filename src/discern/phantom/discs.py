"""Intervertebral discs: annulus, nucleus by Pfirrmann grade, bulge and herniation."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.block_frame import (
    CONCAVITY_MM,
    BlockFrame,
    frame_of,
    outline_mm,
    place_of_block,
)
from discern.phantom.canvas import Canvas, Mask, Patch, Window, covered, most, step
from discern.phantom.disc_lesions import paint_nodes, paint_zone
from discern.phantom.plates import Block
from discern.phantom.settings import Contrast, Herniation
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Level, PfirrmannGrade, Tissue

_CLEFT_DEPTH = {PfirrmannGrade.I: 0.05, PfirrmannGrade.II: 0.5, PfirrmannGrade.III: 0.3}
_UNEVENNESS = (0.03, 0.10, 0.18, 0.28, 0.25)
_BORDER = (0.16, 0.22, 0.5, 0.8, 0.9)
"""Share of the disc radius over which nucleus fades into annulus: sharp at 1 and 2, lost at 4."""
_WORN_PLATES_MM = (0.0, 0.05, 0.15, 0.35, 0.5)
"""How uneven the plates beside a disc have become, by grade."""
_PROTRUDED = 0.16
"""Most signal that protruded material has, however bright the nucleus behind it."""
VISIBLE, _FAINT = 0.25, 0.06
"""How far a zone stands out, in parts of the signal of CSF, to be drawn by a reader, or seen."""
FRONT_MM, BACK_MM = 0.5, 0.4
"""How far a disc without bulge overhangs the outline of its plates."""
_MARGIN_MM = 15.0
"""Room left round a disc for bulge, protrusion and migration."""


@dataclass(frozen=True, slots=True)
class DiscFootprint:
    """The pixels of one disc on one slice.

    Attributes:
        level: The disc; None above T9-T10.
        window: Part of the image that the masks (h, w) cover.
        disc: At least half of the slice thickness is disc, herniated material included.
        posterior: The posterior third of the disc, and herniated material.
        herniated: Herniated material beyond the posterior margin.
        zone: A high-intensity zone stands out by at least a quarter of the signal of CSF.
        faint_zone: It stands out by less, though it may be seen.
    """

    level: Level | None
    window: Window
    disc: Mask
    posterior: Mask
    herniated: Mask
    zone: Mask
    faint_zone: Mask


def paint_discs(canvas: Canvas, spine: Spine, parameters: PhantomParameters) -> list[DiscFootprint]:
    """Paint all discs and return where each lies, remnants of the upper sacrum included.

    Discs above T9-T10 look like that one.
    """
    remnants = [
        (block.name, _paint_remnant(patch, block))
        for block in spine.sacrum
        if "-" in block.name
        for patch in canvas.near(place_of_block(block, spine, 2.0))
    ]
    discs = [
        _paint_disc(patch, level, block, parameters)
        for level, block in spine.discs.items()
        for patch in canvas.near(place_of_block(block, spine, _MARGIN_MM))
    ]
    above = [
        replace(_paint_disc(patch, Level.T9_T10, block, parameters), level=None)
        for block in spine.cranial
        if "-" in block.name
        for patch in canvas.near(place_of_block(block, spine, _MARGIN_MM))
    ]
    named = [replace(one, level=Level(name)) for name, one in remnants if name in tuple(Level)]
    return discs + above + named


def _paint_remnant(patch: Patch, block: Block) -> DiscFootprint:
    frame = frame_of(patch, block, dip_mm=0.0)
    distance = np.maximum(
        outline_mm(frame, front_mm=-1.0, back_mm=-1.0), -np.minimum(frame.lower, frame.upper)
    )
    patch.paint(covered(distance), lambda contrast: contrast.annulus)
    core = np.maximum(distance + 0.6, np.abs(frame.p) - 0.5 * frame.half_depth)
    patch.paint(0.8 * covered(core), lambda contrast: contrast.marrow * 0.8)
    if block.name == Level.L5_S1:
        patch.mark(distance < 0, Tissue.DISC)
    disc = most(distance < 0)
    nothing = np.zeros_like(disc)
    return DiscFootprint(None, patch.window, disc, nothing, nothing, nothing, nothing)


def _paint_disc(
    patch: Patch,
    level: Level,
    block: Block,
    parameters: PhantomParameters,
) -> DiscFootprint:
    frame = frame_of(patch, block, dip_mm=CONCAVITY_MM)
    worn_mm = _WORN_PLATES_MM[parameters.grade_of(level) - 1] * parameters.texture
    distance = disc_distance_mm(frame, parameters.bulge_of(level))
    distance = distance - worn_mm * np.clip(patch.lumps, -1.5, 1.5)
    patch.paint(covered(distance), disc_signal(patch, frame, level, parameters))
    inside = distance < 0
    posterior = inside & (frame.p > frame.half_depth / 3)
    herniation = parameters.herniation_of(level)
    beyond = np.zeros_like(inside)
    if herniation is not None:
        beyond = _paint_herniation(patch, block, herniation, parameters) & ~inside
    patch.mark(inside | beyond, Tissue.DISC)
    paint_nodes(patch, frame, level, parameters)
    zone = paint_zone(patch, frame, level, parameters)
    return DiscFootprint(
        level,
        patch.window,
        disc=most(inside | beyond),
        posterior=most(posterior | beyond),
        herniated=most(beyond),
        zone=zone >= VISIBLE,
        faint_zone=zone >= _FAINT,
    )


def disc_distance_mm(frame: BlockFrame, bulge_mm: float) -> Field:
    """Return the signed distance (negative inside) to the disc, bulge included."""
    radial = outline_mm(frame, front_mm=FRONT_MM + 0.4 * bulge_mm, back_mm=BACK_MM + bulge_mm)
    # The free margin is rounded: towards the plates the outline draws in by a millimetre.
    margin = np.square(np.square(2 * frame.t - 1))
    distance: Field = np.maximum(radial + margin, -np.minimum(frame.lower, frame.upper))
    return distance


def disc_signal(
    patch: Patch, frame: BlockFrame, level: Level, parameters: PhantomParameters
) -> Callable[[Contrast], Field]:
    """Return the signal inside a disc by its grade (Pfirrmann et al., Spine 26:1873, 2001)."""
    grade = parameters.grade_of(level)
    row = int(grade) - 1
    v = 2 * frame.t - 1
    radius = np.sqrt(
        ((frame.p - 0.04 * frame.half_depth) / (0.75 * frame.half_depth)) ** 2
        + (frame.x / (0.76 * frame.half_width)) ** 2
        + np.square(np.square(v / 1.12))
    )
    border = _BORDER[row]
    core = step(0.92 + border / 2, 0.92 - border, radius)
    uneven = 1 + _UNEVENNESS[row] * parameters.texture * patch.lumps
    wave = v + 0.12 * patch.lumps
    cleft = 1 - _CLEFT_DEPTH.get(grade, 0.0) * np.exp(-((wave / 0.2) ** 2)) * (radius < 1)
    gain = parameters.gain_of(level)
    texture = np.clip(uneven, 0.3, 2)

    def signal(contrast: Contrast) -> Field:
        nucleus = gain * contrast.nucleus[row] * texture * cleft
        inside: Field = contrast.annulus + core * np.maximum(nucleus - contrast.annulus, 0)
        return inside

    return signal


def _paint_herniation(
    patch: Patch,
    block: Block,
    herniation: Herniation,
    parameters: PhantomParameters,
) -> Mask:
    """Paint the protrusion, pushed into the canal under a dark rim; return its sample points."""
    frame = frame_of(patch, block, dip_mm=0.0)
    distance = herniation_distance_mm(frame, block, herniation)
    grade = parameters.grade_of(herniation.level)
    rim = covered(distance - 0.7) * step(-1.0, 1.0, frame.p - frame.half_depth)
    patch.paint(rim, lambda contrast: 0.4 * contrast.annulus)
    texture = np.clip(1 + 0.15 * patch.lumps, 0.4, 1.8)

    def inner(contrast: Contrast) -> Field:
        core = min(0.6 * contrast.nucleus[int(grade) - 1], _PROTRUDED) + 0.5 * contrast.annulus
        signal: Field = core * texture
        return signal

    patch.paint(covered(distance + 0.6, 1.6), inner)
    return distance < 0


def herniation_distance_mm(frame: BlockFrame, block: Block, herniation: Herniation) -> Field:
    """Return the signed distance (negative inside) to the protruded material, an ellipsoid."""
    root_mm = 4.0
    half_depth_mm = (herniation.depth_mm + root_mm) / 2 + 1
    half_height_mm = max(0.42 * block.height_mm, 0.5 * herniation.depth_mm, 3.0)
    center_p = frame.half_depth + herniation.depth_mm - half_depth_mm
    radius = np.sqrt(
        ((frame.p - center_p) / half_depth_mm) ** 2
        + ((frame.x - herniation.offset_mm) / (herniation.width_mm / 2)) ** 2
        + (
            (frame.q - herniation.migration_mm * step(-2, 6, frame.p - frame.half_depth))
            / half_height_mm
        )
        ** 2
    )
    distance: Field = (radius - 1) * np.float32(min(half_depth_mm, half_height_mm))
    return distance
