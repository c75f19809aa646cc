"""Where everything lies: plates, blocks between them and the canal, from the parameters.

The spine is a chain of plates (vertebral endplates) in the midsagittal plane, built upwards from
the sacrum. Between two plates lies a block, alternately disc and vertebral body, so that a disc
and its neighbours share their surfaces. Lengths follow Berry et al. (Spine 12:362, 1987), Panjabi
et al. (Spine 17:299, 1992) and, for disc heights, Zhou et al. (Eur Spine J 9:242, 2000).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from discern.phantom.settings import HEIGHT_KEPT
from discern.phantom.spine_model import PhantomParameters
from discern.spine import USUAL_LEVELS, Level

Line = NDArray[np.float64]

BODY_NAMES = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9")
_BODY_HEIGHT_MM = (27.5, 27.5, 27.5, 27.0, 26.5, 24.5, 22.5, 21.5, 20.5)
_BODY_DEPTH_MM = (35.0, 35.0, 34.5, 34.0, 33.0, 31.5, 30.5, 29.5, 28.5)
_BODY_WIDTH_MM = (51.0, 49.0, 46.5, 44.0, 42.0, 40.0, 37.0, 34.0, 32.0)
_DISC_HEIGHT_MM = (10.6, 11.0, 10.2, 9.3, 8.2, 6.8, 5.6, 4.8, 4.2)
_DISC_WEDGE = (0.29, 0.22, 0.16, 0.11, 0.07, 0.02, 0.0, -0.02, -0.02)
"""Share of the lordosis taken by each disc, L5-S1 upwards; the bodies take the rest."""
_BODY_WEDGE = (0.16, 0.04, 0.0, -0.01, -0.04, -0.06, -0.06, -0.06, -0.06)
_SACRUM = (  # height, depth of the lower plate, width of the lower plate (mm), turn (degrees)
    (29.0, 23.0, 44.0, 4.0),
    (2.6, 22.0, 42.0, 2.0),
    (23.0, 16.0, 34.0, 10.0),
    (1.4, 15.5, 33.0, 2.0),
    (19.0, 11.0, 28.0, 16.0),
    (1.2, 11.0, 27.0, 2.0),
    (17.0, 8.0, 22.0, 22.0),
)
_SACRUM_TOP_MM = (34.0, 53.0)
_CURVE_MM = 190.0
"""Length over which a lumbar scoliosis swings out and back."""


@dataclass(frozen=True, slots=True)
class Plate:
    """One endplate: centre in the midsagittal plane, tilt, half depth and half width.

    ``up`` is the unit normal towards the head and ``back`` lies in the plate; a positive tilt
    leans the normal forward, as at S1.
    """

    y_mm: float
    z_mm: float
    tilt_rad: float
    half_depth_mm: float
    half_width_mm: float

    @property
    def up(self) -> Line:
        """(y, z) of the normal towards the head."""
        return np.array([-np.sin(self.tilt_rad), np.cos(self.tilt_rad)])

    @property
    def back(self) -> Line:
        """(y, z) of the direction in the plate towards the back."""
        return np.array([np.cos(self.tilt_rad), np.sin(self.tilt_rad)])


@dataclass(frozen=True, slots=True)
class Block:
    """What lies between two plates: a disc or a vertebral body, named "L4-L5", "L4", "S1"."""

    name: str
    lower: Plate
    upper: Plate

    @property
    def y_mm(self) -> float:
        """Middle of the block, anterior to posterior."""
        return (self.lower.y_mm + self.upper.y_mm) / 2

    @property
    def z_mm(self) -> float:
        """Middle of the block, foot to head."""
        return (self.lower.z_mm + self.upper.z_mm) / 2

    @property
    def tilt_rad(self) -> float:
        """Mean tilt of the two plates."""
        return (self.lower.tilt_rad + self.upper.tilt_rad) / 2

    @property
    def height_mm(self) -> float:
        """Distance between the centres of the plates."""
        return float(np.hypot(self.upper.y_mm - self.lower.y_mm, self.upper.z_mm - self.lower.z_mm))


@dataclass(frozen=True, slots=True)
class Spine:
    """The whole chain, foot to head, and the lines other structures are hung on.

    Attributes:
        discs: By level, L5-S1 first.
        bodies: L5 first.
        sacrum: S1, then alternately remnant discs and segments, downwards.
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
    z_mm: Line
    front_y_mm: Line
    wall_y_mm: Line
    wall_cosine: Line
    skin_y_mm: Line
    scoliosis_mm: float

    def shift_mm(self, z_mm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return how far the spine lies to the left at heights ``z_mm`` (the scoliotic curve)."""
        foot_mm = self.discs[Level.L5_S1].z_mm
        phase = np.clip((z_mm - foot_mm) / _CURVE_MM, 0, 1)
        shift: NDArray[np.floating] = self.scoliosis_mm * np.sin(np.pi * phase)
        return shift

    def disc_center_lps_mm(self, level: Level) -> tuple[float, float, float]:
        """Return the centre of the disc at ``level`` in the patient frame."""
        disc = self.discs[level]
        return float(self.shift_mm(np.array(disc.z_mm))), disc.y_mm, disc.z_mm


def build_spine(parameters: PhantomParameters) -> Spine:
    """Lay out the anatomy of one patient; L3 sits near the origin of the patient frame."""
    blocks = _presacral_blocks(parameters)
    bodies = tuple(block for block in blocks if "-" not in block.name)
    discs = {Level(block.name): block for block in blocks if "-" in block.name}
    sacrum = _sacral_blocks(parameters, discs[Level.L5_S1].lower)
    plates = [block.lower for block in sacrum[::-1]] + [sacrum[0].upper]
    plates += [block.upper for block in blocks]
    z_mm = np.arange(plates[0].z_mm - 60, plates[-1].z_mm + 60, 0.5)
    front_y_mm = _edge(plates, z_mm, side=-1)
    wall_y_mm = _edge(plates, z_mm, side=1)
    slope = np.gradient(wall_y_mm, z_mm)
    cobb_rad = np.deg2rad(parameters.scoliosis_deg)
    return Spine(
        discs=discs,
        bodies=bodies,
        sacrum=sacrum,
        z_mm=z_mm,
        front_y_mm=front_y_mm,
        wall_y_mm=wall_y_mm,
        wall_cosine=1 / np.hypot(1, slope),
        skin_y_mm=_skin(parameters, z_mm, wall_y_mm),
        scoliosis_mm=float(_CURVE_MM / np.pi * np.tan(cobb_rad / 2)),
    )


def _presacral_blocks(parameters: PhantomParameters) -> list[Block]:
    """Return L5-S1, L5, L4-L5 ... T9, walking up from the upper plate of S1."""
    lordosis_rad = np.deg2rad(parameters.lordosis_deg)
    plate = _promontory(parameters)
    blocks: list[Block] = []
    for row, level in enumerate(USUAL_LEVELS[::-1]):
        kept = HEIGHT_KEPT[parameters.grade_of(level)] * parameters.disc_height
        half_mm = parameters.size * np.array([_BODY_DEPTH_MM[row], _BODY_WIDTH_MM[row]]) / 2
        steps = (
            (str(level), _DISC_HEIGHT_MM[row] * kept, _DISC_WEDGE[row] * min(kept, 1.0)),
            (BODY_NAMES[row], _BODY_HEIGHT_MM[row], _BODY_WEDGE[row]),
        )
        for name, height_mm, wedge in steps:
            upper = _next_plate(plate, height_mm * parameters.size, wedge * lordosis_rad, half_mm)
            blocks.append(Block(name, plate, upper))
            plate = upper
    return blocks


def _promontory(parameters: PhantomParameters) -> Plate:
    """Return the upper plate of S1, some 100 mm below the origin."""
    depth_mm, width_mm = parameters.size * np.array(_SACRUM_TOP_MM)
    tilt_rad = np.deg2rad(parameters.sacral_slope_deg)
    return Plate(15.0, -100.0, float(tilt_rad), depth_mm / 2, width_mm / 2)


def _sacral_blocks(parameters: PhantomParameters, top: Plate) -> tuple[Block, ...]:
    """Return S1, S1-S2, S2 ... S4 downwards; the sacrum curves forward towards its tip."""
    blocks: list[Block] = []
    for index, (height_mm, depth_mm, width_mm, turn_deg) in enumerate(_SACRUM):
        half_mm = parameters.size * np.array([depth_mm, width_mm]) / 2
        lower = _next_plate(top, -height_mm * parameters.size, np.deg2rad(turn_deg), half_mm)
        segment = index // 2 + 1
        name = f"S{segment}" if index % 2 == 0 else f"S{segment}-S{segment + 1}"
        blocks.append(Block(name, lower, top))
        top = lower
    return tuple(blocks)


def _next_plate(plate: Plate, step_mm: float, wedge_rad: float, half_mm: Line) -> Plate:
    """Walk ``step_mm`` along the spine, turning by ``-wedge_rad``; posterior borders stay flush."""
    tilt_rad = plate.tilt_rad - wedge_rad
    mean = Plate(0.0, 0.0, (plate.tilt_rad + tilt_rad) / 2, 0.0, 0.0)
    flush_mm = plate.half_depth_mm - half_mm[0]
    y_mm, z_mm = (plate.y_mm, plate.z_mm) + step_mm * mean.up + flush_mm * mean.back
    return Plate(float(y_mm), float(z_mm), float(tilt_rad), float(half_mm[0]), float(half_mm[1]))


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
