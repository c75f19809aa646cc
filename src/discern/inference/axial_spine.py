"""The axis of the spine through the named discs, and which disc or vertebra it runs through where.

The axis is a smooth curve through the disc centres in the patient frame (mm, LPS), head to foot,
so lordosis, scoliosis and tilt are followed. It goes on straight beyond the last disc at either
end, for one disc distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from discern.imaging.geometry import HEAD, LEFT, Vector
from discern.inference.tracks import Track
from discern.spine import Level, Vertebra, levels_upwards, vertebra_above, vertebra_below

Points = NDArray[np.float64]
_SAMPLE_MM = 1.0
_USUAL_DISTANCE_MM = 35.0  # between lumbar discs; only where there is but one disc
_HEIGHT_WEIGHTS = (0.32, 0.16, -0.24)  # of box height, width, and width times the sine of the tilt
_LEAST_SHARE = 0.25  # of the height of the box
_UNSEEN_MM = 4.0  # how far a disc that was not found may lie from where its neighbours put it
_FITTING_GAP = (0.7, 1.4)  # of the usual distance, for a gap divided among the discs missed in it


@dataclass(frozen=True, slots=True)
class PlacedDisc:
    """A named disc in the patient frame: its middle, and height and depth (front to back)."""

    level: Level
    center_lps_mm: Vector
    height_mm: float
    depth_mm: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis, in mm from its upper end, and the vertebra it runs through."""

    start_mm: float
    end_mm: float
    vertebra: Vertebra


@dataclass(frozen=True, slots=True)
class SpineAxis:
    """The axis of a spine, sampled head to foot.

    Attributes:
        points_lps_mm: (N, 3) places on the axis.
        along_mm: (N,) length of the axis from its upper end.
        discs: The discs that were given, head to foot.
        disc_along_mm: (D,) where on the axis their middles lie.
        stretches: Where vertebrae lie, head to foot; nothing is said in between.
    """

    points_lps_mm: Points
    along_mm: Points
    discs: tuple[PlacedDisc, ...]
    disc_along_mm: Points
    stretches: tuple[Stretch, ...]

    def disc_at(self, along_mm: float, slab_mm: float) -> PlacedDisc | None:
        """Return the disc that a slab ``slab_mm`` thick about a place of the axis shows.

        Slab and disc must share at least half of the thinner of the two: the middle of the slab
        lies in the disc, or the slab is thicker and holds the middle of the disc. Of two it is the
        one whose middle is nearer.
        """
        away = np.abs(self.disc_along_mm - along_mm)
        reach = np.array([max(disc.height_mm, slab_mm) for disc in self.discs]) / 2
        near = np.where(away <= reach, away, np.inf)
        best = int(near.argmin())
        return self.discs[best] if np.isfinite(near[best]) else None

    def vertebra_at(self, along_mm: float) -> Vertebra | None:
        """Return the vertebra at a place of the axis, None where none is known."""
        here = (s.vertebra for s in self.stretches if s.start_mm <= along_mm <= s.end_mm)
        return next(here, None)


def placed_discs(
    named: Sequence[tuple[Track, Level]], left: Vector = LEFT
) -> tuple[PlacedDisc, ...]:
    """Return tracks in the patient frame as placed discs, head to foot.

    A box is drawn round the whole disc, so it is higher than the disc where this is tilted or
    dented. The height along the axis is estimated from height, width and tilt (the slope of the
    axis) of the box. It is rough; where tissue was segmented the caller puts the measured height in
    its place.

    Args:
        named: Tracks whose centres are in the patient frame, with their levels.
        left: Direction to the patient's left: the tilt is measured in the sagittal plane.
    """
    if not named:
        return ()
    centers = np.array([_center(track, np.array(left)) for track, _ in named])
    _, slopes = _curve(centers).evaluate()
    flat = slopes - np.outer(slopes @ np.array(left), np.array(left))
    cosines = np.clip(-flat[:, 2] / np.linalg.norm(flat, axis=1), 0, 1)
    return tuple(
        _placed(track, level, center, sine)
        for (track, level), center, sine in zip(
            named, centers, np.sqrt(1 - cosines**2).tolist(), strict=True
        )
    )


def _center(track: Track, left: Points) -> Points:
    """Return the middle (3,) of a disc, across the patient from all of its slices.

    The few middle slices of a track would put it on one of a handful of slice positions, which lie
    4 to 5 mm apart: too rough for a midline.
    """
    weights = [box.selected.score for box in track.boxes]
    mean = np.average([box.center for box in track.boxes], axis=0, weights=weights)
    center: Points = track.center + ((mean - track.center) @ left) * left
    return center


def _placed(track: Track, level: Level, center_lps_mm: Points, tilt_sine: float) -> PlacedDisc:
    width, height = track.size.tolist()
    of_height, of_width, of_tilt = _HEIGHT_WEIGHTS
    estimate = of_height * height + of_width * width + of_tilt * width * tilt_sine
    x, y, z = center_lps_mm.tolist()
    least = _LEAST_SHARE * height
    return PlacedDisc(level, (x, y, z), min(max(estimate, least), height), width)


def spine_axis(discs: Sequence[PlacedDisc]) -> SpineAxis:
    """Return the axis through ``discs`` (at least one, head to foot)."""
    centers = np.array([disc.center_lps_mm for disc in discs])
    curve = _curve(centers)
    places, points, along = _sampled(curve)
    middles = np.interp(curve.knots, places, along)
    stretches = _stretches(discs, middles, float(along[-1]))
    return SpineAxis(points, along, tuple(discs), middles, stretches)


def axis_through(centers_lps_mm: Points) -> tuple[Points, Points]:
    """Return (N, 3) points of the axis through (D, 3) disc centres, and its length (N,) so far."""
    _, points, along = _sampled(_curve(centers_lps_mm))
    return points, along


def _sampled(curve: "_Curve") -> tuple[Points, Points, Points]:
    """Return (N,) places, (N, 3) points and (N,) lengths from the upper end of a curve."""
    first, last = curve.ends_mm
    count = int(np.ceil((curve.knots[-1] + last + first) / _SAMPLE_MM)) + 1
    places = np.linspace(-first, curve.knots[-1] + last, count)
    points, _ = curve.evaluate(places)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return places, points, np.concatenate([[0.0], np.cumsum(steps)])


@dataclass(frozen=True, slots=True)
class _Curve:
    """Cubic spline over the chord length from disc to disc, straight beyond its ends."""

    knots: Points  # (D,) chord length
    spline: CubicSpline | None  # None with a single disc
    center: Points  # (3,) of the first disc
    ends_mm: tuple[float, float]  # how far the axis goes on above and below

    def evaluate(self, places: Points | None = None) -> tuple[Points, Points]:
        """Return (N, 3) points and (N, 3) directions towards the foot; at the discs by default."""
        at = self.knots if places is None else places
        if self.spline is None:
            down = -np.array(HEAD)
            return self.center + np.outer(at, down), np.tile(down, (len(at), 1))
        inside = np.clip(at, self.knots[0], self.knots[-1])
        directions = self.spline(inside, 1)
        return self.spline(inside) + (at - inside)[:, None] * directions, directions


def _curve(centers: Points) -> _Curve:
    gaps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(gaps)])
    if not gaps.size:
        return _Curve(knots, None, centers[0], (_USUAL_DISTANCE_MM, _USUAL_DISTANCE_MM))
    usual = float(np.median(gaps))
    ends = min(float(gaps[0]), usual), min(float(gaps[-1]), usual)
    return _Curve(knots, CubicSpline(knots, centers), centers[0], ends)


def _stretches(
    discs: Sequence[PlacedDisc], middles: Points, length_mm: float
) -> tuple[Stretch, ...]:
    """Return where vertebrae lie: between discs, and beyond the last ones short of the next."""
    first, last = discs[0], discs[-1]
    top = first.height_mm / 2 + _UNSEEN_MM
    bottom = length_mm - last.height_mm / 2 - _UNSEEN_MM
    found = [Stretch(top, float(middles[0]), vertebra_above(first.level))]
    usual = _usual_distance(discs, middles)
    for (upper, start), (lower, end) in pairwise(zip(discs, middles.tolist(), strict=True)):
        found += _between(upper, lower, (start, end), usual)
    return (*found, Stretch(float(middles[-1]), bottom, vertebra_below(last.level)))


def _usual_distance(discs: Sequence[PlacedDisc], middles: Points) -> float | None:
    """Return the median distance of discs that follow each other; None where none do."""
    steps = [_steps(a.level, b.level) for a, b in pairwise(discs)]
    gaps = [gap for gap, step in zip(np.diff(middles).tolist(), steps, strict=True) if step == 1]
    return float(np.median(gaps)) if gaps else None


def _steps(upper: Level, lower: Level) -> int:
    """Return how many levels ``lower`` lies below ``upper``; 0 where it does not.

    >>> _steps(Level.L4_L5, Level.L5_S1), _steps(Level.L4_L5, Level.L5_L6)
    (1, 1)
    """
    above = levels_upwards(lower)
    return above.index(upper) if upper in above else 0


def _between(
    upper: PlacedDisc, lower: PlacedDisc, ends_mm: tuple[float, float], usual_mm: float | None
) -> list[Stretch]:
    """Return the vertebrae between two discs.

    Where discs in between were not found they are put at equal distances if the gap fits their
    number; about their places nothing is said, and nothing at all if the gap does not fit.
    """
    start, end = ends_mm
    steps = _steps(upper.level, lower.level)
    if steps < 1:
        return []
    if steps == 1:
        return [Stretch(start, end, vertebra_below(upper.level))]
    least, most = _FITTING_GAP
    if usual_mm is None or not least <= (end - start) / steps / usual_mm <= most:
        return []
    unseen = (upper.height_mm + lower.height_mm) / 4 + _UNSEEN_MM
    places = np.linspace(start, end, steps + 1).tolist()
    levels = levels_upwards(lower.level)[steps:0:-1]  # upper ... the one above lower
    return [
        Stretch(
            a if index == 0 else a + unseen,
            b if index == steps - 1 else b - unseen,
            vertebra_below(level),
        )
        for index, ((a, b), level) in enumerate(zip(pairwise(places), levels, strict=True))
    ]
