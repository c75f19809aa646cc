"""Vertebrae and sacrum: bodies with cortex and marrow, arches, processes, facets."""

from dataclasses import dataclass

import numpy as np

from discern.phantom.anatomy import Block, Spine
from discern.phantom.block_frame import CONCAVITY_MM, frame_of, outline_mm
from discern.phantom.canvas import Canvas, Field, Patch, covered
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Textures

CORTEX = 0.04
_CORTEX_MM = 0.9


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    """A rounded process in the frame of its vertebra: centre and half sizes along x, p, q.

    ``lean`` lowers it towards its tip: mm of q per mm of p.
    """

    center: tuple[float, float, float]
    half: tuple[float, float, float]
    lean: float = 0.0
    squareness: int = 2


def paint_bones(
    canvas: Canvas, spine: Spine, parameters: PhantomParameters, textures: Textures
) -> None:
    """Paint arches and processes, then bodies, then the sacrum."""
    for body in spine.bodies:
        for patch in canvas.near(_center(spine, body), 95.0):
            _paint_arch(patch, body, parameters, textures)
    segments = [block for block in spine.sacrum if "-" not in block.name]
    for block in (*spine.bodies, *segments):
        for patch in canvas.near(_center(spine, block), 48.0):
            _paint_body(patch, block, parameters, textures)


def _center(spine: Spine, block: Block) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    shift_mm = float(spine.shift_mm(np.array(block.z_mm)))
    return np.array([shift_mm, block.y_mm, block.z_mm])


def _paint_body(
    patch: Patch, block: Block, parameters: PhantomParameters, textures: Textures
) -> None:
    """Dark cortex and ligaments outside, marrow inside, a basivertebral vein at the back."""
    is_sacral = block.name.startswith("S")
    frame = frame_of(patch, block, dip_mm=0.0 if is_sacral else -CONCAVITY_MM)
    waist = -1.6 * 4 * frame.t * (1 - frame.t)
    radial = outline_mm(frame, front_mm=waist, back_mm=0.4 * waist)
    distance = np.maximum(radial, -np.minimum(frame.lower, frame.upper))
    patch.paint(covered(distance - 0.6), CORTEX)
    marrow = marrow_signal(patch, parameters, textures)
    if not is_sacral:
        vein = ((frame.p - frame.half_depth + 2) / 5) ** 2 + (frame.q / 2.2) ** 2
        vein = vein + (frame.x / 5) ** 2
        marrow = marrow + 0.25 * np.clip(1 - vein, 0, 1)
    patch.paint(covered(distance + _CORTEX_MM), marrow)


def marrow_signal(patch: Patch, parameters: PhantomParameters, textures: Textures) -> Field:
    """Return the textured marrow signal at the points of ``patch``."""
    grain = 0.055 * textures.marrow.at(patch) + 0.05 * textures.lumps.at(patch)
    signal: Field = parameters.contrast.marrow * np.clip(1 + parameters.texture * grain, 0.5, 1.6)
    return signal


def _paint_arch(
    patch: Patch, body: Block, parameters: PhantomParameters, textures: Textures
) -> None:
    """Pedicles, laminae, facets and processes, each with cortex and marrow."""
    frame = frame_of(patch, body, dip_mm=0.0)
    marrow = 0.95 * marrow_signal(patch, parameters, textures)
    side = np.abs(frame.x)
    for part in _arch(body, parameters):
        distance = _distance(part, side, frame.p, frame.q)
        patch.paint(covered(distance), CORTEX)
        patch.paint(covered(distance + 1.1), marrow)


def _arch(body: Block, parameters: PhantomParameters) -> tuple[_Ellipsoid, ...]:
    """Return the processes of one vertebra; the pedicles spread towards the sacrum."""
    size, back = parameters.size, body.lower.half_depth_mm
    canal = parameters.canal_mm
    spread = 0.27 * 2 * body.lower.half_width_mm
    is_last = body.name == "L5"
    length = 11.0 * size if is_last else 15.0 * size
    tip = back + canal + 5 + length
    return (
        _Ellipsoid((spread + 1, back + 5, 5.5), (4.2 * size, 9.5, 6.8 * size), squareness=4),
        _Ellipsoid((spread + 14, back + 10, 4), (14 * size, 3.5, 4.5)),
        _Ellipsoid((spread + 4.5, back + 13, 9), (4.6, 5.2, 10.5 * size)),
        _Ellipsoid((spread + 3.0, back + 18, -15), (4.4, 4.6, 10.0 * size)),
        _Ellipsoid((spread / 2 + 1, back + canal + 1, -5), (8.5, 3.2, 9.5 * size), 0.0, 4),
        _Ellipsoid((0, tip, -8), (3.2, length, 10.5 * size), -0.22, 4),
    )


def _distance(part: _Ellipsoid, side: Field, p: Field, q: Field) -> Field:
    """Return an approximate signed distance to ``part`` (and its mirror image)."""
    p = p - part.center[1]
    q = q - part.center[2] - part.lean * p
    terms = [
        np.abs(value / half) ** part.squareness
        for value, half in zip((side - part.center[0], p, q), part.half, strict=True)
    ]
    radius = (terms[0] + terms[1] + terms[2]) ** (1 / part.squareness)
    distance: Field = (radius - 1) * np.float32(min(part.half))
    return distance
