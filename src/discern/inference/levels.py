"""Names for the discs: the lumbosacral disc is L5-S1, the others are counted upwards from it.

That the lowest disc found *is* the lumbosacral one is a hypothesis with a probability. It rests on
the shape of the lowest disc (wedge, steep), the turn of the spine above it, and on how much image
there is below it. ``bench/numbering.py`` fits and checks the coefficients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discern.findings import LevelHypothesis, Numbering, StudyWarning
from discern.inference.tracks import Track
from discern.spine import Level, levels_upwards

CERTAIN = 0.9  # below this the report says that the numbering is in doubt
_WEIGHTS = np.array([4.697, 0.021, 0.509, 0.689])
_INTERCEPT = 2.845
_PRIOR_ODDS_BY_ROOM = ((0.5, 0.1), (0.8, 1.0), (1.1, 30.0))  # room in disc distances, odds
_ROOM_OF_SACRUM = 0.7  # disc distances below the lowest disc within which S1 and S2 would lie
_BLIND_SHARE = 0.3  # of the probability, spread evenly where the sacrum is not in view
_REMNANT_PRIOR = 0.01
_MOST_FOR_REMNANT = 4.5  # log ratio; too few remnants are known for more than strong doubt
_MISSED_GAP = 1.55  # of the neighbouring distances: one disc in between was not found


@dataclass(frozen=True, slots=True)
class Chain:
    """Discs of one spine, head to foot, in any one length unit.

    Attributes:
        centers: (N, 2) posterior and head coordinates.
        sizes: (N, 2) width and height of the boxes in the usual sagittal view.
        room_below: Length of image with signal below the lowest box.
    """

    centers: NDArray[np.float64]
    sizes: NDArray[np.float64]
    room_below: float


@dataclass(frozen=True, slots=True)
class LevelAssignment:
    """Level of every track (head to foot), how sure, and what to tell the reader."""

    levels: tuple[Level, ...]
    numbering: Numbering
    warnings: tuple[StudyWarning, ...]


def chain_of(tracks: Sequence[Track], room_below: float) -> Chain:
    """Return the chain of tracks that run head to foot."""
    centers = np.array([track.center[1:] for track in tracks]).reshape(-1, 2)
    sizes = np.array([track.size for track in tracks]).reshape(-1, 2)
    return Chain(centers, sizes, room_below)


def lumbosacral_cues(chain: Chain) -> NDArray[np.float64]:
    """Return the (4,) cues of the lowest disc; the chain has at least three discs.

    Log height/width of the lowest box and of the next, and the tilt of the two lowest steps in
    units of 10 degrees (positive: towards posterior going down).
    """
    shape = np.log(chain.sizes[-2:, 1] / chain.sizes[-2:, 0])
    steps = np.diff(chain.centers[-3:], axis=0)  # (2, 2) posterior, head; downwards
    tilt = np.degrees(np.arctan2(steps[:, 0], -steps[:, 1])) / 10
    return np.array([shape[1], shape[0], tilt[1], tilt[0]])


def lowest_level_probabilities(chain: Chain) -> dict[Level, float]:
    """Return the probability of each reading of the lowest disc.

    L5-S1: usual. L4-L5: the lumbosacral disc is out of view or was missed. S1-S2: a remnant disc
    in the sacrum was taken for the lumbosacral one. Where the sacrum is not in view the shapes
    cannot be checked against it, so part of the probability is spread evenly.
    """
    room = room_in_discs(chain)
    rooms, prior = zip(*_PRIOR_ODDS_BY_ROOM, strict=True)
    odds = float(np.exp(np.interp(room, rooms, np.log(prior))))
    if len(chain.centers) < 3:  # noqa: PLR2004 - the cues need two steps
        return _blurred(_normalized({Level.L5_S1: min(odds, 1.0), Level.L4_L5: 1.0}))
    score = float(lumbosacral_cues(chain) @ _WEIGHTS + _INTERCEPT)
    usual = odds * float(np.exp(min(score, 30.0)))
    remnant = usual * _REMNANT_PRIOR * _remnant_ratio(chain)
    likely = _normalized({Level.L5_S1: usual, Level.L4_L5: 1.0, Level.S1_S2: remnant})
    seen = room >= _ROOM_OF_SACRUM and likely[Level.L4_L5] < _BLIND_SHARE
    return likely if seen else _blurred(likely)


def room_in_discs(chain: Chain) -> float:
    """Return the image below the lowest box in units of the median distance between discs."""
    steps = np.linalg.norm(np.diff(chain.centers, axis=0), axis=1)
    spacing = float(np.median(steps)) if steps.size else float(chain.sizes[:, 0].mean())
    return chain.room_below / spacing


def _blurred(likely: dict[Level, float]) -> dict[Level, float]:
    unseen = (Level.L5_S1, Level.L4_L5, Level.L3_L4)
    share = dict.fromkeys(unseen, _BLIND_SHARE / len(unseen))
    kept = 1 - _BLIND_SHARE
    return {k: kept * likely.get(k, 0.0) + share.get(k, 0.0) for k in {**likely, **share}}


def _remnant_ratio(chain: Chain) -> float:
    """Likelihood ratio of an S1-S2 remnant against L5-S1 from steepness and width."""
    _, _, tilt, _ = lumbosacral_cues(chain)
    narrow = float(np.log(chain.sizes[-1, 0] / chain.sizes[-2, 0]))
    log_ratio = _log_normal(tilt, 3.9, 0.6) - _log_normal(tilt, 1.6, 1.0)
    log_ratio += _log_normal(narrow, -0.4, 0.15) - _log_normal(narrow, -0.14, 0.14)
    return float(np.exp(np.clip(log_ratio, -20, _MOST_FOR_REMNANT)))


def _log_normal(value: float, mean: float, deviation: float) -> float:
    return float(-0.5 * ((value - mean) / deviation) ** 2 - np.log(deviation))


def _normalized(weights: dict[Level, float]) -> dict[Level, float]:
    total = sum(weights.values())
    return {level: weight / total for level, weight in weights.items()}


def steps_between(centers: NDArray[np.float64]) -> list[int]:
    """Return how many levels apart neighbouring discs are: 1, or more where one was missed.

    >>> steps_between(np.array([[0, 100.0], [0, 65.0], [0, -5.0], [0, -40.0]]))
    [1, 2, 1]
    """
    gaps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    if len(gaps) < 2:  # noqa: PLR2004 - nothing to compare with
        return [1] * len(gaps)
    usual = float(np.median(gaps[gaps <= _MISSED_GAP * gaps.min()]))
    return [max(1, round(gap / usual)) if gap > _MISSED_GAP * usual else 1 for gap in gaps]


def assign_levels(
    tracks: Sequence[Track], room_below: float, lowest_level: Level | None = None
) -> LevelAssignment:
    """Name the tracks, head to foot.

    Args:
        tracks: Disc tracks, head to foot.
        room_below: Length of image with signal below the lowest box, in the unit of the tracks.
        lowest_level: What the user says the lowest disc is; overrides the cues.
    """
    if not tracks:
        return LevelAssignment((), Numbering(0.0), ())
    chain = chain_of(tracks, room_below)
    likely = lowest_level_probabilities(chain)
    lowest = lowest_level or max(likely, key=lambda level: likely[level])
    steps = steps_between(chain.centers)
    names = _named(lowest, steps)
    confidence = 1.0 if lowest_level else likely[lowest] * 0.8 ** sum(step > 1 for step in steps)
    others = tuple(
        LevelHypothesis(level, probability)
        for level, probability in sorted(likely.items(), key=lambda item: -item[1])
        if level is not lowest and probability >= 0.01  # noqa: PLR2004 - not worth a line below
    )
    override = f"lowest level {lowest_level}" if lowest_level else None
    numbering = Numbering(confidence, () if lowest_level else others, override)
    return LevelAssignment(names, numbering, _warnings(numbering, lowest, steps, names))


def _named(lowest: Level, steps: list[int]) -> tuple[Level, ...]:
    """Name as many discs as the spine has names for; tracks above T9-T10 get none."""
    offsets = np.cumsum([0, *reversed(steps)])  # levels above the lowest, foot to head
    available = levels_upwards(lowest)
    return tuple(available[offset] for offset in offsets if offset < len(available))[::-1]


def _warnings(
    numbering: Numbering, lowest: Level, steps: list[int], names: tuple[Level, ...]
) -> tuple[StudyWarning, ...]:
    found: list[StudyWarning] = []
    if numbering.confidence < CERTAIN:
        others = ", ".join(str(other.lowest_level) for other in numbering.alternatives)
        found.append(
            StudyWarning(
                "numbering_uncertain",
                f"The level names are uncertain: the lowest disc found is taken as {lowest}"
                + (f", but it could be {others}" if others else "")
                + ". Check the names on the images; --lowest-level sets them.",
            )
        )
    if any(step > 1 for step in steps):
        missing = sum(step - 1 for step in steps)
        found.append(
            StudyWarning(
                "disc_missing",
                f"{missing} disc(s) between the named ones were not found; "
                "the names above the gap are counted across it.",
            )
        )
    if len(names) < len(steps) + 1:
        found.append(
            StudyWarning("disc_unnamed", "Discs above T9-T10 were found and are not reported.")
        )
    return tuple(found)
