"""Vertebrae and sacrum: bodies with cortex and marrow, arches, processes, facets."""

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.block_frame import (
    CONCAVITY_MM,
    frame_of,
    outline_mm,
    place_of,
    place_of_block,
    turned,
)
from discern.phantom.canvas import Canvas, Patch, Place, Signal, covered, in_contrast
from discern.phantom.marrow import with_lesions
from discern.phantom.plates import Block
from discern.phantom.settings import Contrast
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Tissue

CORTEX = 0.04
_BODY_CORTEX_MM = 1.3
_ARCH_CORTEX_MM = 0.9
_ROUGHNESS_MM = 0.5
_SPINOUS_HALF_MM = {"L6": 8.0, "L5": 10.0}
"""Half the length of the short spinous processes; all others are 29 mm long."""


@dataclass(frozen=True, slots=True)
class _Process:
    """A rounded part of an arch in the frame of its vertebra: centre, half sizes along x, p, q.

    ``lean`` lowers it towards its tip, mm of q per mm of p; ``slant`` brings it backwards towards
    the midline, mm of p per mm of x. ``squareness`` 2 is an ellipsoid, 4 a rounded box.
    """

    center: tuple[float, float, float]
    half: tuple[float, float, float]
    lean: float = 0.0
    slant: float = 0.0
    squareness: int = 2

    def mirrored(self) -> "_Process":
        """Return the same part on the other side."""
        x, p, q = self.center
        return _Process((-x, p, q), self.half, self.lean, -self.slant, self.squareness)


@dataclass(frozen=True, slots=True)
class _Bone:
    """A part ready to be painted: signed distance to its surface, and cortical thickness.

    ``brightness`` is a factor on marrow; ``tissue`` is what SPIDER's masks call it: arches belong
    to the vertebra, the sacrum is none.
    """

    patch: Patch
    distance_mm: Field
    cortex_mm: float
    brightness: Signal
    tissue: Tissue = Tissue.VERTEBRA


@dataclass(frozen=True, slots=True)
class _Part:
    """A process and the block whose frame it is in; ``place`` holds it."""

    block: Block
    process: _Process
    place: Place
    brightness: float = 0.95
    tissue: Tissue = Tissue.VERTEBRA


@dataclass(frozen=True, slots=True)
class _Body:
    """A body, presacral or sacral; ``place`` holds it."""

    block: Block
    place: Place
    is_sacral: bool


@dataclass(frozen=True, slots=True)
class Skeleton:
    """All bones of one patient and where they lie; the same for every slice."""

    parts: tuple[_Part, ...]
    bodies: tuple[_Body, ...]


def lay_bones(spine: Spine, parameters: PhantomParameters) -> Skeleton:
    """Return the arches, the wings of the sacrum, and the bodies."""
    above = [block for block in spine.cranial if "-" not in block.name]
    presacral = (*spine.bodies, *above)
    segments = [block for block in spine.sacrum if "-" not in block.name]
    arches = [part for body in presacral for part in _arch_parts(spine, body, parameters)]
    bodies = [(body, False) for body in presacral] + [(segment, True) for segment in segments]
    return Skeleton(
        (*arches, *_wings(spine, parameters)),
        tuple(
            _Body(block, place_of_block(block, spine, 3.0), is_sacral)
            for block, is_sacral in bodies
        ),
    )


def paint_bones(canvas: Canvas, skeleton: Skeleton, parameters: PhantomParameters) -> None:
    """Paint all cortex first, then all marrow, so that parts of one bone fuse."""
    bones = [
        _part_bone(patch, part) for part in skeleton.parts for patch in canvas.near(part.place)
    ]
    bones += [
        _body_bone(patch, body.block, parameters, is_sacral=body.is_sacral)
        for body in skeleton.bodies
        for patch in canvas.near(body.place)
    ]
    rough = [_ROUGHNESS_MM * parameters.texture * bone.patch.lumps for bone in bones]
    for bone, rough_mm in zip(bones, rough, strict=True):
        bone.patch.paint(covered(bone.distance_mm + rough_mm), CORTEX)
        bone.patch.mark(bone.distance_mm + rough_mm < 0, bone.tissue)
    for bone, rough_mm in zip(bones, rough, strict=True):
        marrow = partial(_marrow, bone, _grain(bone.patch, parameters, rough_mm))
        bone.patch.paint(covered(bone.distance_mm + rough_mm + bone.cortex_mm), marrow)


def _marrow(bone: _Bone, grain: Field, contrast: Contrast) -> Field:
    return in_contrast(bone.brightness, contrast) * (contrast.marrow * grain)


def _grain(patch: Patch, parameters: PhantomParameters, slow: Field) -> Field:
    """Return the factor on marrow at the points of ``patch``; ``slow`` varies smoothly."""
    grain = 0.06 * parameters.texture * patch.textures.marrow.at(patch.points_mm) + 0.12 * slow
    factor: Field = np.clip(1 + grain, 0.5, 1.6)
    return factor


def _body_bone(
    patch: Patch, block: Block, parameters: PhantomParameters, *, is_sacral: bool
) -> _Bone:
    """A body with a waist; the basivertebral vein is a bright spot at its back."""
    frame = frame_of(patch, block, dip_mm=0.0 if is_sacral else -CONCAVITY_MM)
    waist = -1.8 * 4 * frame.t * (1 - frame.t)
    radial = outline_mm(frame, front_mm=waist, back_mm=0.4 * waist)
    distance = np.maximum(radial, -np.minimum(frame.lower, frame.upper)) - 0.5
    brightness: Field = np.ones((1, 1, 1), np.float32)
    if not is_sacral:
        vein = ((frame.p - frame.half_depth + 2) / 5) ** 2 + (frame.q / 2.2) ** 2
        vein = vein + (frame.x / 5) ** 2
        brightness = 1 + 0.5 * np.clip(1 - vein, 0, 1)
    with_changes = partial(with_lesions, brightness, frame, block.name, parameters.lesions)
    return _Bone(patch, distance, _BODY_CORTEX_MM, with_changes, _tissue_of(block))


def _tissue_of(block: Block) -> Tissue:
    """Return what SPIDER's masks call a bone: a vertebra, an L5 fused with the sacrum too."""
    return Tissue.BACKGROUND if block.name.startswith("S") else Tissue.VERTEBRA


def _part_bone(patch: Patch, part: _Part) -> _Bone:
    distance = _distance(part.process, patch.x_mm, *turned(patch, part.block))
    return _Bone(patch, distance, _ARCH_CORTEX_MM, part.brightness, part.tissue)


def _wings(spine: Spine, parameters: PhantomParameters) -> list[_Part]:
    """The wings of the first sacral segment, and of a fifth lumbar one fused with it."""
    size = parameters.size
    wing = _Process((30.0 * size, 7.0, 1.0), (26.0 * size, 13.0, 13.0), slant=0.3)
    winged = [block for block in spine.sacrum if block.name in ("L5", "S1")]
    reach = (wing.half[0] + 2, 24.0, 15.0)
    return [
        _Part(block, side, place_of(block, spine, side.center, reach), 1.0, _tissue_of(block))
        for block, side in product(winged, (wing, wing.mirrored()))
    ]


def _arch_parts(spine: Spine, body: Block, parameters: PhantomParameters) -> list[_Part]:
    parts = []
    for process in _arch(body, parameters):
        x, p, q = process.half
        reach_p = p + abs(process.slant) * x + 2
        reach = (x + 2, reach_p, q + abs(process.lean) * reach_p + 2)
        parts.append(_Part(body, process, place_of(body, spine, process.center, reach)))
    return parts


def _arch(body: Block, parameters: PhantomParameters) -> list[_Process]:
    """Return the parts of one arch; the pedicles spread towards the sacrum.

    Sizes follow Panjabi et al. (Spine 17:299, 1992): pedicles 8 x 15 mm, spinous processes
    some 30 mm long.
    """
    size, back = parameters.size, body.lower.half_depth_mm
    rear = back + parameters.canal_mm + 1.5
    spread = 0.54 * body.lower.half_width_mm
    length = _SPINOUS_HALF_MM.get(body.name, 14.5) * size
    drop = body.height_mm / 2
    paired = [
        _Process((spread + 1, back + 4, 5), (4.2 * size, 9.5, 6.8 * size), squareness=4),
        _Process((spread + 15, back + 9, 4), (14 * size, 3.2, 4.5), slant=0.25),
        _Process((spread + 5.5, back + 12, 11), (6.2, 5.0, 9.5 * size), slant=0.45),
        _Process((spread + 3.0, back + 19.5, 2 - drop), (6.0, 5.0, 11.0 * size), slant=0.45),
        _Process((spread / 2 + 1, rear - 1, 1 - 0.5 * drop), (8.5, 2.8, 9.0 * size), 0.25, -0.5, 4),
    ]
    spinous = _Process((0, rear + length, -0.55 * drop), (3.4, length, 10.0 * size), -0.25, 0.0, 3)
    return [*paired, *(part.mirrored() for part in paired), spinous]


def _distance(part: _Process, x: Field, p: Field, q: Field) -> Field:
    """Return the signed distance to first order: (r - 1) over the size of its gradient."""
    n = part.squareness
    x = x - part.center[0]
    p = p - part.center[1] - part.slant * x
    q = q - part.center[2] - part.lean * p
    scaled = [np.abs(value) / half for value, half in zip((x, p, q), part.half, strict=True)]
    below = [_power(value, n - 1) for value in scaled]  # |u|^(n-1), the slope of |u|^n / n
    total = sum(low * value for low, value in zip(below, scaled, strict=True))
    radius = np.maximum(total, 1e-6) ** (1 / n)
    steep = sum(np.square(low / half) for low, half in zip(below, part.half, strict=True))
    gradient = np.sqrt(np.maximum(steep, 1e-9)) * radius ** (1 - n)
    distance: Field = ((radius - 1) / np.maximum(gradient, 1e-3)).astype(np.float32)
    return distance


def _power(value: Field, exponent: int) -> Field:
    """Return a small whole power by multiplication, many times faster than ``**``."""
    result = value
    for _ in range(exponent - 1):
        result = result * value
    return result
