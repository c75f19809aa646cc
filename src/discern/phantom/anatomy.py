"""Where everything lies: plates, blocks between them and the canal, from the parameters.

The spine is a chain of plates (vertebral endplates) in the midsagittal plane, built upwards from
the sacrum. Between two plates lies a block, alternately disc and vertebral body, so that a disc
and its neighbours share their surfaces. Sizes stand in :mod:`discern.phantom.sizes`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from discern.phantom.plates import Block, Line, Plate, Step, next_plate
from discern.phantom.settings import HEIGHT_KEPT
from discern.phantom.sizes import (
    BODY_SIZES,
    CRANIAL_NAMES,
    SACRA,
    disc_height_mm,
    wedge_shares,
)
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Level, Vertebra, vertebra_above

_TABLE_MM = 0.5
"""Between the heights of the lines of a spine."""
_CURVE_MM = 190.0
"""Length over which a lumbar scoliosis swings out and back."""
_CRANIAL_WEDGE = (-0.02, -0.06)
"""Share of the lordosis taken by a disc and a body above T9."""


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """The whole chain, foot to head, and the lines other structures are hung on.

    Equal to itself alone, so that what follows from it can be remembered.

    Attributes:
        discs: By level, the lowest presacral disc first.
        bodies: The lowest presacral body first.
        sacrum: Its top segment (S1, or a sacralised L5), then alternately remnant discs and
            segments, downwards.
        cranial: Discs and bodies above T9, upwards; no level of theirs has a name.
        z_mm: Heights at which the lines below are tabulated, ascending.
        front_y_mm: Anterior border of the bodies at ``z_mm``.
        wall_y_mm: Posterior border of the bodies (anterior wall of the canal) at ``z_mm``.
        wall_cosine: Cosine of the wall's slope: turns a difference in y into a distance.
        skin_y_mm: Skin of the back in the midline at ``z_mm``.
        scoliosis_mm: Largest sideways shift of the lumbar curve.
    """

    discs: dict[Level, Block]
    bodies: tuple[Block, ...]
    sacrum: tuple[Block, ...]
    cranial: tuple[Block, ...]
    z_mm: Line
    front_y_mm: Line
    wall_y_mm: Line
    wall_cosine: Line
    skin_y_mm: Line
    scoliosis_mm: float

    @property
    def lowest_disc(self) -> Block:
        """The lumbosacral disc: the lowest that is not a remnant within the sacrum."""
        return next(iter(self.discs.values()))

    @property
    def lumbar_bodies(self) -> tuple[Block, ...]:
        """The presacral lumbar bodies, lowest first."""
        return tuple(body for body in self.bodies if body.name.startswith("L"))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, foot to head: sacrum, then discs and bodies in turn up to T9."""
        presacral = zip(self.discs.values(), self.bodies, strict=True)
        return (*self.sacrum[::-1], *(block for pair in presacral for block in pair))

    def vertebra(self, name: Vertebra) -> Block:
        """Return a vertebral body or sacral segment that this spine has."""
        return next(block for block in self.blocks if block.name == name)

    def line_at(self, line: Line, z_mm: Field) -> Field:
        """Return one of the lines at heights ``z_mm``, its end beyond either end, as float32.

        The heights of the table are even, so that nothing is searched for as in ``np.interp``.
        """
        last = self.z_mm.size - 1
        place = np.clip((z_mm - np.float32(self.z_mm[0])) * np.float32(1 / _TABLE_MM), 0, last)
        below = np.minimum(place.astype(np.int32), last - 1)
        share, table = place - below, line.astype(np.float32)
        low, high = table.take(below, mode="clip"), table.take(below + 1, mode="clip")
        between: Field = (low + (high - low) * share).astype(np.float32)
        return between

    def shift_mm(self, z_mm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return how far the spine lies to the left at heights ``z_mm`` (the scoliotic curve)."""
        phase = np.clip((z_mm - self.lowest_disc.z_mm) / _CURVE_MM, 0, 1)
        shift: NDArray[np.floating] = self.scoliosis_mm * np.sin(np.pi * phase)
        return shift

    def disc_center_lps_mm(self, level: Level) -> tuple[float, float, float]:
        """Return the centre of the disc at ``level`` in the patient frame."""
        return self.center_lps_mm(self.discs[level])

    def center_lps_mm(self, block: Block) -> tuple[float, float, float]:
        """Return the middle of ``block`` in the patient frame."""
        return float(self.shift_mm(np.array(block.z_mm))), block.y_mm, block.z_mm


def build_spine(parameters: PhantomParameters) -> Spine:
    """Lay out the anatomy of one patient; L3 sits near the origin of the patient frame."""
    sacrum = _sacral_blocks(parameters)
    blocks = _presacral_blocks(parameters, sacrum[0].upper)
    cranial = _cranial_blocks(parameters, blocks[-1].upper)
    plates = [block.lower for block in sacrum[::-1]] + [sacrum[0].upper]
    plates += [block.upper for block in (*blocks, *cranial)]
    z_mm = np.arange(plates[0].z_mm - 60, plates[-1].z_mm + 60, _TABLE_MM)
    front_y_mm = _edge(plates, z_mm, side=-1)
    wall_y_mm = _edge(plates, z_mm, side=1)
    slope = np.gradient(wall_y_mm, z_mm)
    cobb_rad = np.deg2rad(parameters.scoliosis_deg)
    return Spine(
        discs={Level(block.name): block for block in blocks if "-" in block.name},
        bodies=tuple(block for block in blocks if "-" not in block.name),
        sacrum=sacrum,
        cranial=tuple(cranial),
        z_mm=z_mm,
        front_y_mm=front_y_mm,
        wall_y_mm=wall_y_mm,
        wall_cosine=1 / np.hypot(1, slope),
        skin_y_mm=_skin(parameters, z_mm, wall_y_mm),
        scoliosis_mm=float(_CURVE_MM / np.pi * np.tan(cobb_rad / 2)),
    )


def _presacral_blocks(parameters: PhantomParameters, plate: Plate) -> list[Block]:
    """Return the lowest disc, the body on it ... T9, walking up from the top of the sacrum."""
    lordosis_rad, count = np.deg2rad(parameters.lordosis_deg), parameters.lumbar_vertebrae
    shares = wedge_shares(count)
    blocks: list[Block] = []
    for row, level in enumerate(parameters.levels[::-1]):
        body = vertebra_above(level)
        kept = HEIGHT_KEPT[parameters.grade_of(level)] * parameters.disc_height
        kept = kept * parameters.disc_scale_of(level)
        disc_step = Step(
            disc_height_mm(str(level), count) * kept * parameters.size,
            shares[2 * row] * min(kept, 1.0) * lordosis_rad,
            parameters.listhesis_of(level),
        )
        below, above = _half_plates_mm(body, parameters)
        height_mm = BODY_SIZES[body].height_mm * parameters.body_scale_of(body) * parameters.size
        collapse_rad = float(np.deg2rad(parameters.body_wedge_of(body)))
        body_step = Step(
            height_mm - float(np.tan(collapse_rad) * above[0]),
            shares[2 * row + 1] * lordosis_rad - collapse_rad,
        )
        for name, step, half_mm in ((level, disc_step, below), (body, body_step, above)):
            upper = next_plate(plate, step, half_mm)
            blocks.append(Block(str(name), plate, upper))
            plate = upper
    return blocks


def _half_plates_mm(body: str, parameters: PhantomParameters) -> tuple[Line, Line]:
    """Return half depth and half width of the lower and of the upper plate of a body."""
    size = BODY_SIZES[body]
    lower_mm = np.array([size.lower_depth_mm or size.depth_mm, size.width_mm])
    upper_mm = np.array([size.depth_mm, size.width_mm])
    return parameters.size * lower_mm / 2, parameters.size * upper_mm / 2


def _cranial_blocks(parameters: PhantomParameters, plate: Plate) -> list[Block]:
    """Return the discs and bodies asked for above T9, upwards."""
    lordosis_rad = np.deg2rad(parameters.lordosis_deg)
    blocks: list[Block] = []
    for row, name in enumerate(CRANIAL_NAMES[: 2 * parameters.cranial_vertebrae]):
        body = CRANIAL_NAMES[row // 2 * 2 + 1]
        is_disc = name != body
        height_mm = disc_height_mm(name, 5) if is_disc else BODY_SIZES[body].height_mm
        step = Step(height_mm * parameters.size, _CRANIAL_WEDGE[row % 2] * lordosis_rad)
        upper = next_plate(plate, step, _half_plates_mm(body, parameters)[1])
        blocks.append(Block(name, plate, upper))
        plate = upper
    return blocks


def _sacral_blocks(parameters: PhantomParameters) -> tuple[Block, ...]:
    """Return the top segment, its remnant disc ... downwards, from some 100 mm below the origin.

    The sacrum curves forward towards its tip.
    """
    sacrum = SACRA[parameters.lumbar_vertebrae]
    depth_mm, width_mm = parameters.size * np.array([sacrum.depth_mm, sacrum.width_mm])
    tilt_rad = np.deg2rad(parameters.sacral_slope_deg)
    top = Plate(15.0, -100.0, float(tilt_rad), float(depth_mm) / 2, float(width_mm) / 2)
    blocks: list[Block] = []
    for part in sacrum.blocks:
        half_mm = parameters.size * np.array([part.depth_mm, part.width_mm]) / 2
        step = Step(-part.height_mm * parameters.size, np.deg2rad(part.turn_deg))
        lower = next_plate(top, step, half_mm)
        blocks.append(Block(part.name, lower, top))
        top = lower
    return tuple(blocks)


def _edge(plates: list[Plate], z_mm: Line, *, side: int) -> Line:
    """Tabulate the anterior (-1) or posterior (+1) border through all plates, smoothed by 4 mm."""
    points = [(p.y_mm, p.z_mm) + side * p.half_depth_mm * p.back for p in plates]
    coccyx = points[0] - (12.0, 26.0)
    y, z = np.array([coccyx, *points]).T
    order = np.argsort(z)
    return gaussian_filter1d(np.interp(z_mm, z[order], y[order]), 8.0, mode="nearest")


def _skin(parameters: PhantomParameters, z_mm: Line, wall_y_mm: Line) -> Line:
    """Tabulate the skin of the back: flatter than the spine, never closer than 38 mm to it."""
    smooth_mm = gaussian_filter1d(wall_y_mm, 80.0, mode="nearest")
    behind_mm = (50.0 + 6.0) * parameters.size + parameters.back_fat_mm
    flat_mm = 0.75 * smooth_mm + 0.25 * smooth_mm[z_mm.size // 2] + behind_mm
    nearest_mm = wall_y_mm + 34.0 + 0.7 * parameters.back_fat_mm
    return gaussian_filter1d(np.maximum(flat_mm, nearest_mm), 16.0, mode="nearest")
