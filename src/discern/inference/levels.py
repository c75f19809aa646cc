"""Names for the discs, and how sure each is.

Names are counted upwards from the lumbosacral disc, as if there were five lumbar vertebrae: how
many there are cannot be seen on a lumbar study. What speaks for four or six (a well-formed disc
below the lumbosacral one, a rudimentary L5-S1) enters as a reading of its own, and lowers the
confidence of the names. Where the sacrum is not in view the names are never confident.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from discern.inference.numbering import Part, Shapes, WeighedReading, weigh
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
    short = short_lowest(chain, weighed[_best(weighed, named)[0]])
    if short is not None:
        weighed = _with_doubt(weighed)
    best, together = _best(weighed, named)
    levels, view = named[best], sacrum_view(chain, weighed[best])
    is_sure = (view.is_seen or short is not None) and len(chain) >= _LEAST_DISCS
    certainty = 1.0 if is_sure else _DOUBTFUL
    sure = certainty * _agreement(weighed, named, levels) * count.confidences(levels)
    others = _alternatives(weighed, levels, 1 - certainty)
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


def _with_doubt(weighed: Sequence[WeighedReading]) -> tuple[WeighedReading, ...]:
    """Give a remnant S1-S2 the doubt that an unusually short lumbosacral disc leaves."""
    return tuple(
        replace(
            one,
            probability=_DOUBTFUL * one.probability
            + (1 - _DOUBTFUL) * (one.reading.parts[0] is Part.REMNANT and not one.reading.strays),
        )
        for one in weighed
    )


def _alternatives(
    weighed: Sequence[WeighedReading], levels: Levels, doubt: float
) -> tuple[LevelHypothesis, ...]:
    """Return what else the lowest named disc could be, the likeliest first.

    ``doubt`` is what is left to readings that cannot be weighed: the levels beside. Readings that
    take the disc for none of the spine's are not among them.
    """
    lowest = next(i for i, level in enumerate(levels) if level is not None)
    chosen = levels[lowest]
    total: dict[Level, float] = defaultdict(float)
    for one in weighed:
        if one.reading.strays == lowest:
            total[one.reading.lowest_level] += (1 - doubt) * one.probability
    beside = (*levels_downwards(chosen)[1:2], *levels_upwards(chosen)[1:2]) if chosen else ()
    for level in beside:
        total[level] += doubt / len(beside)
    return tuple(
        LevelHypothesis(level, chance)
        for level, chance in sorted(total.items(), key=lambda item: -item[1])
        if level is not chosen and chance >= _WORTH_TELLING
    )
