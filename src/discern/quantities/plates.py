"""The two endplates of each disc and the posterior walls of its vertebrae."""

from dataclasses import dataclass

import numpy as np

from discern.quantities.axes import DiscAxes
from discern.quantities.lines import fit_lines
from discern.quantities.profiles import Field, Profiles, run_through
from discern.quantities.slices import Array, Mask

_TRIM = 0.1
"""Share of the depth left off at both ends of an endplate when its line is fitted."""
_LINE_SCALE = 0.03
"""Distance in depths (1 mm) from which a contour point loses its say in a line."""
_REACH = 0.25
"""How far from its axis, in depths, a disc is looked for when its ends are determined."""
_OFFSETS = np.linspace(0.05, 0.22, 8)
"""Rows of a vertebra, in depths (2 to 8 mm) from the disc, that show its wall near the corner."""
_AGREE = 0.2
"""An end of a vertebra farther than this (in depths) from that of the disc is another structure."""
_MIN_ROWS = 5
_STEEPEST = 0.6
"""Most a posterior wall leans against the disc's axis across (31 degrees); an arch leans more."""
_SHORTEST = 0.7
"""Least share of a disc's first estimate of depth that one piece must span; a disc in pieces, its
middle crushed away, has no contours to measure."""


@dataclass(frozen=True, slots=True)
class Plates:
    """Endplates of N discs in the axes (u, v) of each disc; NaN where they cannot be told.

    Attributes:
        u: (N, U) positions along the disc.
        upper, lower: (N, U) contour of the disc towards head and foot, NaN beyond its ends.
        front, back: (N,) ends of the endplates along u.
        upper_slope, upper_start, lower_slope, lower_start: (N,) lines v = start + slope * u.
    """

    u: Array
    upper: Array
    lower: Array
    front: Array
    back: Array
    upper_slope: Array
    upper_start: Array
    lower_slope: Array
    lower_start: Array


@dataclass(frozen=True, slots=True)
class Walls:
    """Posterior walls next to N discs as lines u = start + slope * v; NaN where not seen.

    The last two are the (N,) ends of the rows nearest the disc, of both vertebrae.
    """

    upper_slope: Array
    upper_start: Array
    lower_slope: Array
    lower_start: Array
    fronts: tuple[Array, Array]
    backs: tuple[Array, Array]


def find_plates(profiles: Profiles, axes: DiscAxes) -> tuple[Plates, Walls]:
    """Return endplates and posterior walls.

    The endplates are the borders of the disc mask towards its vertebrae, so that the lumbosacral
    disc, whose sacrum has no mask, is measured like the others. They end where the vertebrae end:
    what bulges or protrudes beyond them is no part of the depth.
    """
    column = run_through(profiles.disc, profiles.v, np.zeros_like(profiles.u))
    near = np.abs(profiles.v) <= _REACH * axes.depth[:, None]  # (N, V)
    along = np.where(near[:, None, :], profiles.disc, 0).max(axis=2)  # (N, U)
    ends = run_through(along[:, None], profiles.u, np.zeros((len(along), 1)))
    whole = ends.last[:, 0] - ends.first[:, 0] >= _SHORTEST * axes.depth
    front, back = (np.where(whole, end[:, 0], np.nan) for end in (ends.first, ends.last))
    shown = (profiles.u >= front[:, None]) & (profiles.u <= back[:, None])
    shown &= ~np.isnan(column.first) & ~column.open_first & ~column.open_last
    upper, lower = np.where(shown, column.first, np.nan), np.where(shown, column.last, np.nan)
    draft = _plates(profiles.u, upper, lower, front, back)
    walls = _walls(profiles, axes.depth, draft)
    front = _trimmed(front, walls.fronts, axes.depth, is_back=False)
    back = _trimmed(back, walls.backs, axes.depth, is_back=True)
    return _plates(profiles.u, upper, lower, front, back), walls


def _plates(u: Array, upper: Array, lower: Array, front: Array, back: Array) -> Plates:
    trim = _TRIM * (back - front)
    used = (u >= (front + trim)[:, None]) & (u <= (back - trim)[:, None]) & ~np.isnan(upper)
    scale = _LINE_SCALE * np.nan_to_num(back - front, nan=1.0)
    upper_line = fit_lines(u, upper, used, scale)
    lower_line = fit_lines(u, lower, used, scale)
    return Plates(u, upper, lower, front, back, *upper_line, *lower_line)


def _walls(profiles: Profiles, depth: Array, plates: Plates) -> Walls:
    offsets = depth[:, None] * _OFFSETS  # (N, K)
    above = plates.upper_start[:, None, None] - offsets[:, :, None]
    below = plates.lower_start[:, None, None] + offsets[:, :, None]
    v_above = above + (plates.upper_slope[:, None] * profiles.u)[:, None]  # (N, K, U)
    v_below = below + (plates.lower_slope[:, None] * profiles.u)[:, None]
    v = np.concatenate((v_above, v_below), axis=1)  # (N, 2K, U)
    values = _at(profiles, np.nan_to_num(v))
    seed = np.broadcast_to(plates.back[:, None] - 0.3 * depth[:, None], values.shape[:2])
    runs = run_through(values, profiles.u, seed)
    # A row that runs off the grid goes on into an arch; its end is no wall.
    wall = np.where(runs.open_last, np.nan, runs.last)
    front = np.where(runs.open_first, np.nan, runs.first)
    slopes = np.concatenate(
        (plates.upper_slope[:, None] + 0 * offsets, plates.lower_slope[:, None] + 0 * offsets),
        axis=1,
    )
    starts = np.concatenate((above[:, :, 0], below[:, :, 0]), axis=1)
    wall_v = starts + slopes * wall
    valid = ~np.isnan(wall) & (np.abs(wall - plates.back[:, None]) < 2 * _AGREE * depth[:, None])
    count = len(_OFFSETS)
    lines = [
        _wall_line(wall_v[:, part], wall[:, part], valid[:, part], depth)
        for part in (slice(None, count), slice(count, None))
    ]
    return Walls(
        *lines[0], *lines[1], (front[:, 1], front[:, count + 1]), (wall[:, 1], wall[:, count + 1])
    )


def _wall_line(v: Array, u: Array, valid: Mask, depth: Array) -> tuple[Array, Array]:
    slope, start = fit_lines(v, u, valid, _LINE_SCALE * depth)
    believed = (valid.sum(axis=1) >= _MIN_ROWS) & (np.abs(slope) <= _STEEPEST)
    return np.where(believed, slope, np.nan), np.where(believed, start, np.nan)


def _at(profiles: Profiles, v: Array) -> Field:
    """Return the vertebra's probability (N, K, U) at heights ``v`` of every column."""
    step = profiles.v[:, 1] - profiles.v[:, 0]
    place = (v - profiles.v[:, :1, None]) / step[:, None, None]
    last = profiles.v.shape[1] - 1
    index = np.clip(np.rint(place).astype(np.intp), 0, last)
    n, _, u = np.ogrid[: v.shape[0], : v.shape[1], : v.shape[2]]
    values: Field = np.where((place < 0) | (place > last), 0, profiles.vertebra[n, u, index])
    return values.astype(np.float32)


def _trimmed(end: Array, bones: tuple[Array, Array], depth: Array, *, is_back: bool) -> Array:
    """Return the end of a disc drawn in to the mean end of its vertebrae, never pushed out."""
    known = [np.where(np.abs(bone - end) <= _AGREE * depth, bone, end) for bone in bones]
    middle = (known[0] + known[1]) / 2
    return np.minimum(end, middle) if is_back else np.maximum(end, middle)
