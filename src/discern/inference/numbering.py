"""Which disc is the lumbosacral one: every reading of the lowest discs, with its probability.

A reading gives each of the lowest discs a part to play, foot to head: strays below the spine, a
remnant S1-S2, a sixth lumbar-type level or a rudimentary L5-S1, the lumbosacral disc itself, then
the discs above it in order. Each part has a Gaussian of ``spine_cues.FEATURES``; bone is expected
on both sides of a lumbar disc and not below the lumbosacral one, because the sacrum is none. The
Gaussians of the usual parts are fitted by ``bench/levels.py`` (``resources/numbering.json``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from discern.inference.spine_cues import Chain, features, usual_distance
from discern.spine import Level

Floats = NDArray[np.float64]
_TAIL = 0.03  # share of each density that is broad: one odd value cannot decide alone
_TAIL_WIDTH = 4.0
_SHAPE_WEIGHT = 0.6  # shapes of neighbouring discs are not independent of each other
_MOST_PARTS = 4  # discs of the lower end that are compared; those above look alike
_MOST_STRAYS = 2


class Part(StrEnum):
    """The part a disc plays at the lower end of the spine."""

    STRAY = "stray"
    REMNANT = "remnant"  # S1-S2 inside the sacrum
    SIXTH = "sixth"  # L6-S1, the last of six lumbar-type levels
    RUDIMENT = "rudiment"  # L5-S1 of a sacralised L5
    LUMBOSACRAL = "L5-S1"
    FIRST_ABOVE = "L4-L5"
    SECOND_ABOVE = "L3-L4"
    HIGHER = "higher"


FITTED = (Part.LUMBOSACRAL, Part.FIRST_ABOVE, Part.SECOND_ABOVE, Part.HIGHER)
_ABOVE = (Part.FIRST_ABOVE, Part.SECOND_ABOVE, Part.HIGHER)


@dataclass(frozen=True, slots=True)
class Shape:
    """Gaussian of the (5,) features of one part."""

    mean: Floats
    covariance: Floats

    def log_density(self, values: Floats) -> float:
        """Return the log density of (5,) features, those that are NaN left out; broad tail."""
        known = np.isfinite(values)
        offset, covariance = (values - self.mean)[known], self.covariance[np.ix_(known, known)]
        narrow = _log_normal(offset, covariance)
        broad = _log_normal(offset, covariance * _TAIL_WIDTH**2)
        return float(np.logaddexp(np.log(1 - _TAIL) + narrow, np.log(_TAIL) + broad))


Shapes = dict[Part, Shape]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the lower end: what the lowest named disc is, and how many lie below it.

    Attributes:
        lowest_level: Level of the lowest disc that is named.
        strays: Discs below it that are none of the spine's.
        parts: Part of each of the lowest named discs, foot to head.
        prior: Before anything of this spine is known.
    """

    lowest_level: Level
    strays: int
    parts: tuple[Part, ...]
    prior: float


@dataclass(frozen=True, slots=True)
class WeighedReading:
    """A reading and its probability."""

    reading: Reading
    probability: float


_USUAL = (Part.LUMBOSACRAL, *_ABOVE)
_READINGS = (  # level of the lowest named disc, parts, prior
    (Level.L5_S1, _USUAL, 0.92),
    (Level.S1_S2, (Part.REMNANT, *_USUAL), 0.04),
    (Level.L6_S1, (Part.SIXTH, *_USUAL), 0.006),
    (Level.L5_S1, (Part.RUDIMENT, *_USUAL), 0.02),  # one to two remnants, as in SPIDER
    (Level.L4_L5, _ABOVE, 0.02),
    (Level.L3_L4, (Part.SECOND_ABOVE, Part.HIGHER), 0.006),
    (Level.L2_L3, (Part.HIGHER, Part.HIGHER), 0.002),
)
_STRAY_PRIOR = 0.02
_SACRUM_BELOW = frozenset({Part.LUMBOSACRAL, Part.REMNANT, Part.SIXTH, Part.RUDIMENT})
_BONE_ABOVE = {  # probability that a vertebral body lies above a disc of this part
    Part.STRAY: 0.2,
    Part.REMNANT: 0.3,
    Part.SIXTH: 0.9,
    Part.RUDIMENT: 0.7,
}
_BONE_SEEN = 0.985  # ... is segmented as such
_BONE_FALSE = 0.015  # sacrum taken for a vertebral body
_SHARPNESS = 4.0  # of the densities of the mean probability in a patch
_USUAL_ROOM = (0.46, 0.35)  # log of disc distances below L5-S1: mean and deviation
_CUT_ROOM = 1.3  # disc distances that may lie below the lowest disc where the image is cut
_CUT_SHARE = 0.75  # of the studies whose lowest disc is not lumbosacral: cut; the rest: missed


def readings(discs: int) -> list[Reading]:
    """Return every reading of a spine with ``discs`` discs."""
    found = []
    for strays in range(min(_MOST_STRAYS, discs - 1) + 1):
        for level, parts, prior in _READINGS:
            found.append(Reading(level, strays, parts, prior * _STRAY_PRIOR**strays))
    return found


def weigh(chain: Chain, shapes: Shapes | None = None) -> tuple[WeighedReading, ...]:
    """Return every reading of ``chain``, the likeliest first; probabilities sum to one."""
    fits = _log_fits(chain, shapes or usual_shapes())
    found = readings(len(chain))
    logs = np.array([_log_weight(chain, one, fits) for one in found])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    return tuple(WeighedReading(found[i], float(weights[i])) for i in order)


def _log_weight(chain: Chain, reading: Reading, fits: Sequence[Mapping[Part, float]]) -> float:
    strays = (Part.STRAY,) * reading.strays
    parts = (*strays, *reading.parts)[: min(_MOST_PARTS, len(chain))]
    parts = parts + (Part.HIGHER,) * (min(_MOST_PARTS, len(chain)) - len(parts))
    shape = sum(fit[part] for part, fit in zip(parts, fits, strict=False))
    return (
        float(np.log(reading.prior))
        + _SHAPE_WEIGHT * shape
        + _log_bone(chain, parts)
        + _log_room(chain.above(reading.strays), parts[reading.strays])
    )


def _log_fits(chain: Chain, shapes: Shapes) -> list[dict[Part, float]]:
    """Return how well the shape of each of the lowest discs fits each part, as log densities."""
    if len(chain) == 1:
        return []
    steps = steps_between(chain.centers)
    values = features(chain, steps)
    return [
        {part: shape.log_density(value) + _log_step(step, part) for part, shape in shapes.items()}
        for value, step in zip(values[:_MOST_PARTS], steps, strict=False)
    ]


def _log_step(step: int, part: Part) -> float:
    """Log probability that a disc of this part lies ``step`` levels below the next one found."""
    if part is Part.STRAY:
        return -float(np.log(_MOST_MISSED))
    return (step - 1) * float(np.log(_MISS_PRIOR))


def _log_bone(chain: Chain, parts: Sequence[Part]) -> float:
    """Log likelihood of the bone below the lowest disc and above each."""
    lowest = parts[0]
    below = _BONE_FALSE if lowest in _SACRUM_BELOW else 0.2 if lowest is Part.STRAY else _BONE_SEEN
    total = _log_patch(float(chain.bone[0]), below)
    if lowest is Part.FIRST_ABOVE:
        total += _log_patch(chain.bone_further, 0.5 * _BONE_FALSE + 0.1)
    elif lowest in _ABOVE:
        total += _log_patch(chain.bone_further, _BONE_SEEN - 0.1)
    for part, bone in zip(parts, chain.bone[1:], strict=False):
        total += _log_patch(float(bone), _BONE_ABOVE.get(part, _BONE_SEEN))
    return total


def _log_patch(value: float, bone: float) -> float:
    """Log density of the mean probability in a patch that shows bone with probability ``bone``."""
    if np.isnan(value):
        return 0.0
    shown = _SHARPNESS * value ** (_SHARPNESS - 1)
    other = _SHARPNESS * (1 - value) ** (_SHARPNESS - 1)
    return float(np.log(bone * shown + (1 - bone) * other + 1e-3))


def _log_room(chain: Chain, lowest: Part) -> float:
    """Log density of the image below the lowest disc, in usual disc distances."""
    room = room_in_discs(chain)
    mean, deviation = _USUAL_ROOM
    whole = _log_normal_room(room, mean, deviation)
    if lowest not in _ABOVE:
        return float(np.log(whole + 1e-3))
    cut = (1 / _CUT_ROOM) * float(room < _CUT_ROOM)
    missed = _log_normal_room(room - 1, mean, deviation)
    return float(np.log(_CUT_SHARE * cut + (1 - _CUT_SHARE) * missed + 1e-3))


def _log_normal_room(room: float, mean: float, deviation: float) -> float:
    if room <= 0:
        return 0.0
    z = (np.log(room) - mean) / deviation
    return float(np.exp(-0.5 * z * z) / (room * deviation * np.sqrt(2 * np.pi)))


def room_in_discs(chain: Chain) -> float:
    """Return the image below the lowest box in units of the usual distance between discs."""
    distance = usual_distance(chain.centers)
    return chain.room_below / (float(chain.sizes[:, 0].mean()) if np.isnan(distance) else distance)


_SPACING_SPREAD = 0.11  # deviation of the log distance of two neighbours from the usual one
_MISS_PRIOR = 0.02  # that a disc between two others was not found
_MOST_MISSED = 4


def step_probabilities(distance: float) -> Floats:
    """Return the probability that two discs are 1, 2, ... levels apart.

    ``distance`` is theirs in usual distances.

    >>> [int(step_probabilities(distance).argmax()) + 1 for distance in (1.0, 2.0)]
    [1, 2]
    """
    steps = np.arange(1, _MOST_MISSED + 1)
    z = (np.log(distance) - np.log(steps)) / _SPACING_SPREAD
    logs = -0.5 * z**2 - np.log(steps) + (steps - 1) * np.log(_MISS_PRIOR)
    weights: Floats = np.exp(logs - logs.max())
    weights /= weights.sum()
    return weights


def steps_between(centers: Floats) -> list[int]:
    """Return how many levels apart neighbouring discs (foot to head) are: 1, or more.

    >>> steps_between(np.array([[0, -40.0], [0, -5.0], [0, 65.0], [0, 100.0]]))
    [1, 2, 1]
    """
    return [int(one.argmax()) + 1 for one in _steps(centers)]


def step_chances(centers: Floats) -> Floats:
    """Return (N - 1,) how sure each of ``steps_between`` is."""
    return np.array([one.max() for one in _steps(centers)])


def _steps(centers: Floats) -> list[Floats]:
    gaps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    if len(gaps) < 2:  # noqa: PLR2004 - nothing to compare with
        return [np.eye(1, _MOST_MISSED)[0]] * len(gaps)
    return [step_probabilities(float(gap)) for gap in gaps / usual_distance(centers)]


def _log_normal(offset: Floats, covariance: Floats) -> float:
    _, log_determinant = np.linalg.slogdet(covariance)
    squared = float(offset @ np.linalg.solve(covariance, offset))
    return -0.5 * (squared + float(log_determinant) + len(offset) * float(np.log(2 * np.pi)))


_UNUSUAL = {  # mean, deviation of the features of parts too rare to fit; read from single cases
    Part.REMNANT: ((-0.45, 2.5, -0.46, -0.07), (0.5, 1.2, 0.17, 0.1)),
    Part.SIXTH: ((-0.3, 1.7, -0.26, -0.05), (0.35, 0.9, 0.15, 0.15)),
    Part.RUDIMENT: ((-0.4, 2.0, -0.32, -0.05), (0.4, 0.9, 0.15, 0.15)),
    Part.STRAY: ((-0.5, 1.5, 0.0, 0.5), (0.5, 3.5, 0.4, 0.6)),
}


_BREADTH = {  # mean, deviation of the log breadth ratio; SPIDER's middle slices do not show it
    Part.STRAY: (-1.2, 0.8),
    Part.REMNANT: (-0.7, 0.35),
    Part.RUDIMENT: (-0.5, 0.4),
    Part.SIXTH: (-0.2, 0.25),
}
_USUAL_BREADTH = (-0.05, 0.2)


def complete(fitted: Shapes) -> Shapes:
    """Return ``fitted`` (four features) with the shapes of the rare parts, and breadth for all."""
    rare = {
        part: Shape(np.array(mean), np.diag(np.square(deviation)))
        for part, (mean, deviation) in _UNUSUAL.items()
    }
    return {part: _with_breadth(part, shape) for part, shape in (fitted | rare).items()}


def _with_breadth(part: Part, shape: Shape) -> Shape:
    mean, deviation = _BREADTH.get(part, _USUAL_BREADTH)
    covariance = np.zeros((5, 5))
    covariance[:4, :4] = shape.covariance
    covariance[4, 4] = deviation**2
    return Shape(np.append(shape.mean, mean), covariance)


@cache
def usual_shapes() -> Shapes:
    """Return the shapes in ``resources/numbering.json``, those of the rare parts added."""
    text = (files("discern") / "resources" / "numbering.json").read_text(encoding="utf-8")
    document = json.loads(text)["parts"]
    return complete(
        {
            Part(name): Shape(np.array(one["mean"]), np.array(one["covariance"]))
            for name, one in document.items()
        }
    )
