"""What the user says of the numbering: ``--lowest-level`` and ``--anchor "L5-S1@x,y,z"``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.errors import UsageError
from discern.imaging.geometry import Vector
from discern.imaging.study import Series, Slice
from discern.inference.counting import Naming
from discern.inference.spine_cues import Chain, Floats, usual_distance
from discern.inference.tracks import Track
from discern.spine import Level

_REACH = 0.6  # of the distance between discs: farther from every disc, a point names none
_OUTSIDE_MM = 10.0  # beyond the outermost slices that still counts as inside the series
_COORDINATES = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """The disc at a place in the patient frame is ``level``."""

    level: Level
    point_lps_mm: Vector

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return f"{self.level}@" + ",".join(f"{value:g}" for value in self.point_lps_mm)


def parse_level(text: str, option: str) -> Level:
    """Return the level called ``text``.

    Raises:
        UsageError: There is none of that name.

    >>> parse_level("l4-l5", "--lowest-level")
    <Level.L4_L5: 'L4-L5'>
    """
    try:
        return Level(text.strip().upper())
    except ValueError:
        known = ", ".join(Level)
        raise UsageError(f"{option}: there is no level {text!r}; the levels are {known}") from None


def parse_anchor(text: str) -> Anchor:
    """Read "L5-S1@x,y,z", the place in mm of the patient frame (DICOM: left, posterior, head).

    Raises:
        UsageError: Not of that form.

    >>> parse_anchor("L4-L5@-3.5,20,-61.2").point_lps_mm
    (-3.5, 20.0, -61.2)
    """
    name, separator, place = text.partition("@")
    try:
        values = [float(value) for value in place.split(",")]
    except ValueError:
        values = []
    if not separator or len(values) != _COORDINATES or not np.isfinite(values).all():
        raise UsageError(
            f'--anchor {text}: write it as "LEVEL@x,y,z" in mm of the patient frame, for example '
            '"L5-S1@0.5,31.2,-88.0" (the report gives the command for every disc)'
        )
    x, y, z = values
    return Anchor(parse_level(name, "--anchor"), (x, y, z))


def naming_at(anchor: Anchor, tracks: Sequence[Track], chain: Chain, series: Series) -> Naming:
    """Return which disc of ``tracks`` (head to foot) the anchor names.

    Raises:
        UsageError: The series has no geometry, the point lies outside it or on no disc.
    """
    point = np.array(anchor.point_lps_mm)
    beyond_mm = min(_outside_mm(point, one) for one in series.slices)
    if beyond_mm > _OUTSIDE_MM:
        raise UsageError(
            f"--anchor {anchor}: the point lies {beyond_mm:.0f} mm outside the sagittal series "
            f"{series.id}; give it in mm of the patient frame (left, posterior, head)"
        )
    away = [float(np.linalg.norm((track.center - point)[1:])) for track in tracks[::-1]]
    if not away:
        raise UsageError("--anchor: no disc was found that could be named")
    nearest, distance = int(np.argmin(away)), usual_distance(chain.centers)
    if away[nearest] > _REACH * (distance if np.isfinite(distance) else 2 * _OUTSIDE_MM):
        center = ",".join(f"{value:.1f}" for value in tracks[::-1][nearest].center)
        raise UsageError(
            f"--anchor {anchor}: no disc was found there; the nearest, "
            f"{away[nearest]:.0f} mm away, has its centre at {center}"
        )
    return Naming(nearest, anchor.level, f"anchor {anchor}")


def _outside_mm(point_lps_mm: Floats, slice_: Slice) -> float:
    """Return how far a (3,) point lies from the rectangle of a slice."""
    if slice_.geometry is None:
        raise UsageError(
            "--anchor needs slices that say where they lie in the patient; use --lowest-level"
        )
    x, y = slice_.geometry.lps_to_pixel(point_lps_mm[None])[0]
    (rows, columns), (row_mm, column_mm) = slice_.shape_px, slice_.geometry.spacing_mm
    beyond = (max(-x, x - columns, 0.0) * column_mm, max(-y, y - rows, 0.0) * row_mm)
    return float(np.hypot(np.hypot(*beyond), slice_.geometry.distance_mm(point_lps_mm[None])[0]))
