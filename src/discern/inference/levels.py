"""Names for the discs, and how sure each is.

Names are counted upwards from the lumbosacral disc, as if there were five lumbar vertebrae: how
many there are cannot be seen on a lumbar study. What speaks for four or six (a well-formed disc
below the lumbosacral one, a rudimentary L5-S1) enters as a reading of its own, and lowers the
confidence of the names. Where the sacrum is not in view the names are never confident.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.findings import LevelHypothesis, Numbering, StudyWarning
from discern.inference.counting import Count, Levels, Naming
from discern.inference.level_warnings import (
    cut_field,
    missing,
    sacrum_view,
    short_lowest,
    transitional,
    uncertain,
    unnamed,
)
from discern.inference.numbering import Shapes, WeighedReading, weigh
from discern.inference.spine_cues import Chain, Floats
from discern.spine import Level, levels_downwards, levels_upwards

_DOUBTFUL = 0.85  # most confidence where the sacrum is not seen or the lowest disc is unusual
_LEAST_DISCS = 3  # fewer have no pattern
_WORTH_TELLING = 0.01


@dataclass(frozen=True, slots=True)
class LevelAssignment:
    """Level of every disc, head to foot (None: not one of the spine's), and how sure each is."""

    levels: tuple[Level | None, ...]
    confidences: tuple[float, ...]
    numbering: Numbering
    warnings: tuple[StudyWarning, ...]


def assign_levels(
    chain: Chain, naming: Naming | None = None, *, shapes: Shapes | None = None
) -> LevelAssignment:
    """Name the discs of ``chain``; the result runs head to foot.

    Args:
        chain: The discs, foot to head.
        naming: What the user says one of the discs is; overrides the cues.
        shapes: Shape of the discs by their parts; None takes those that came with Discern.
    """
    if not len(chain):
        return LevelAssignment((), (), Numbering(0.0), ())
    count = Count(chain)
    if naming is not None:
        return _as_told(count, naming)
    weighed = weigh(chain, shapes)
    named = [count.upwards_from(one.reading.lowest_level, one.reading.strays) for one in weighed]
    best, together = _best(weighed, named)
    levels, view = named[best], sacrum_view(chain, weighed[best])
    short = short_lowest(chain, weighed[best])
    is_sure = view.is_seen and short is None and len(chain) >= _LEAST_DISCS
    certainty = 1.0 if is_sure else _DOUBTFUL
    sure = certainty * _agreement(weighed, named, levels) * count.confidences(levels)
    others = _alternatives(weighed, levels, _Doubt(1 - certainty, is_short=short is not None))
    numbering = Numbering(certainty * together * count.confidence, others)
    warnings = (
        *uncertain(numbering, levels),
        *cut_field(view, levels),
        *transitional(chain, weighed, short),
        *missing(levels),
        *unnamed(levels, weighed[best].reading.strays),
    )
    return LevelAssignment(levels[::-1], tuple(sure[::-1].tolist()), numbering, warnings)


def _as_told(count: Count, naming: Naming) -> LevelAssignment:
    levels = count.both_ways_from(naming.level, naming.index)
    numbering = Numbering(count.confidence, (), naming.said)
    sure = count.confidences(levels, naming.index)
    warnings = (*missing(levels), *unnamed(levels, 0))
    return LevelAssignment(levels[::-1], tuple(sure[::-1].tolist()), numbering, warnings)


def _best(weighed: Sequence[WeighedReading], named: Sequence[Levels]) -> tuple[int, float]:
    """Return the likeliest naming: its first reading, and all its readings' probability."""
    total: dict[Levels, float] = defaultdict(float)
    for one, levels in zip(weighed, named, strict=True):
        total[levels] += one.probability
    likeliest = max(total, key=lambda levels: total[levels])
    return named.index(likeliest), total[likeliest]


def _agreement(
    weighed: Sequence[WeighedReading], named: Sequence[Levels], levels: Levels
) -> Floats:
    """Return for every disc the probability of the readings that give it this name."""
    agree = np.array([[a is b for a, b in zip(other, levels, strict=True)] for other in named])
    agreement: Floats = np.array([one.probability for one in weighed]) @ agree
    return agreement


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Probability left to readings that cannot be weighed, and which they are."""

    share: float
    is_short: bool

    def readings(self, lowest: Level) -> tuple[Level, ...]:
        """Return what the lowest disc could be besides ``lowest``."""
        if self.is_short:
            return (Level.S1_S2,)
        return (*levels_downwards(lowest)[1:2], *levels_upwards(lowest)[1:2])


def _alternatives(
    weighed: Sequence[WeighedReading], levels: Levels, doubt: _Doubt
) -> tuple[LevelHypothesis, ...]:
    """Return what else the lowest named disc could be, the likeliest first.

    Readings that take it for none of the spine's discs are not among them.
    """
    lowest = next(i for i, level in enumerate(levels) if level is not None)
    chosen = levels[lowest]
    total: dict[Level, float] = defaultdict(float)
    for one in weighed:
        if one.reading.strays == lowest:
            total[one.reading.lowest_level] += (1 - doubt.share) * one.probability
    unweighed = doubt.readings(chosen) if chosen else ()
    for level in unweighed:
        total[level] += doubt.share / len(unweighed)
    return tuple(
        LevelHypothesis(level, chance)
        for level, chance in sorted(total.items(), key=lambda item: -item[1])
        if level is not chosen and chance >= _WORTH_TELLING
    )
