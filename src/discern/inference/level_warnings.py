"""What the reader must be told of the level names: doubt, cut images, anatomy, gaps."""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import pairwise

import numpy as np

from discern.findings import Numbering, StudyWarning
from discern.inference.counting import Levels
from discern.inference.numbering import Part, WeighedReading, room_in_discs
from discern.inference.spine_cues import Chain
from discern.spine import Level, levels_downwards, vertebra_below

CERTAIN = 0.9  # below this the report says that the numbering is in doubt
_SACRUM_IS_NO_BODY = 0.5  # a patch below the lowest disc with less body than this is sacrum
_ROOM_OF_SACRUM = 0.7  # disc distances below the lowest disc within which S1 would lie
_SHORT = 0.67
_SEEN = 0.1  # probability of a transitional reading from which it is told


class SacrumView(Enum):
    """Whether the sacrum is seen below the lumbosacral disc, and if not, why."""

    SEEN = auto()
    CUT = auto()
    NOT_FOUND = auto()

    @property
    def is_seen(self) -> bool:
        """Whether names may be counted from the sacrum."""
        return self is SacrumView.SEEN


def sacrum_view(chain: Chain, chosen: WeighedReading) -> SacrumView:
    """Say whether the sacrum is seen, not only believed to be there.

    Below the lowest disc there must be a disc distance of image, and, where tissue was segmented,
    no vertebral body in it; or, below a last vertebral body, the same one distance further down.
    A box below that is none of the spine's discs says nothing.
    """
    lowest = chosen.reading.parts[0]
    if lowest in (Part.REMNANT, Part.SIXTH, Part.RUDIMENT):
        return SacrumView.SEEN  # discs below the lumbosacral one
    segmented = bool(np.isfinite(chain.bone).any())
    chain = chain.above(chosen.reading.strays)
    room = room_in_discs(chain)
    if lowest is Part.LUMBOSACRAL:
        body, wanted = float(chain.bone[0]), _ROOM_OF_SACRUM
    else:
        is_last = lowest is Part.FIRST_ABOVE and chain.bone[0] >= _SACRUM_IS_NO_BODY
        body, wanted = chain.bone_further if is_last else 1.0, 1 + _ROOM_OF_SACRUM
    if room < wanted:
        return SacrumView.CUT
    if np.isnan(body):
        believed = lowest is Part.LUMBOSACRAL and not segmented
        return SacrumView.SEEN if believed else SacrumView.NOT_FOUND
    return SacrumView.SEEN if body < _SACRUM_IS_NO_BODY else SacrumView.NOT_FOUND


def uncertain(numbering: Numbering, levels: Levels) -> Iterator[StudyWarning]:
    """Say that the names are in doubt, and what the lowest disc could be instead."""
    if numbering.confidence >= CERTAIN:
        return
    lowest = next(level for level in levels if level is not None)
    others = ", ".join(str(other.lowest_level) for other in numbering.alternatives)
    text = (
        f"The level names are uncertain: the lowest disc named is taken as {lowest}"
        + (f", but it could be {others}" if others else "")
        + ". Check the names on the images; --anchor or --lowest-level sets them."
    )
    yield StudyWarning("numbering_uncertain", text)


def cut_field(view: SacrumView, levels: Levels) -> Iterator[StudyWarning]:
    """Say that the sacrum, from which levels are counted, is not in view."""
    lowest = next(level for level in levels if level is not None)
    if view is SacrumView.CUT:
        text = (
            f"The field of view is cut: the image ends soon below the disc named {lowest}, and the "
            "sacrum, from which levels are counted, is not in view."
        )
        yield StudyWarning("field_of_view_cut", text)
    elif view is SacrumView.NOT_FOUND:
        text = (
            f"The sacrum, from which levels are counted, was not recognised below the disc named "
            f"{lowest}."
        )
        yield StudyWarning("sacrum_not_found", text)


_TRANSITIONAL = {
    Part.SIXTH: (
        "a well-formed disc lies below the usual lumbosacral one: a lumbarised S1 with its disc "
        "S1-S2, also called the sixth lumbar vertebra with its disc L6-S1"
    ),
    Part.RUDIMENT: (
        "the lowest disc looks rudimentary: a sacralised L5 with a rudimentary L5-S1, or a large "
        "remnant S1-S2"
    ),
}


def short_lowest(chain: Chain, chosen: WeighedReading) -> float | None:
    """Return how long the lumbosacral disc is against the one above, where that is unusual.

    Anterior to posterior, in the image: L5-S1 has 0.88 of the length of L4-L5 on the middle slices
    of SPIDER and seldom less than ``_SHORT``; a disc within the sacrum has about 0.6.
    """
    if chosen.reading.parts[0] is not Part.LUMBOSACRAL or chosen.reading.strays or len(chain) == 1:
        return None
    share = float(chain.sizes[0, 0] / chain.sizes[1, 0])
    return share if share < _SHORT else None


def transitional(
    chain: Chain, weighed: Sequence[WeighedReading], short: float | None
) -> Iterator[StudyWarning]:
    """Name transitional anatomy that a reading of some weight, or a short disc, speaks for."""
    if short is not None:
        text = (
            f"Possible transitional anatomy: the lowest disc is only {short:.0%} as long as the "
            "one above it, as a disc within the sacrum (S1-S2) or below a transitional vertebra is."
        )
        yield StudyWarning("transitional_anatomy", text)
    for part, words in _TRANSITIONAL.items():
        parts = {part}
        if part is Part.SIXTH and chain.bone[1] >= _SACRUM_IS_NO_BODY:
            parts.add(Part.REMNANT)  # of an S1 that looks like a vertebral body
        chance = sum(
            one.probability
            for one in weighed
            if one.reading.parts[0] in parts and not one.reading.strays
        )
        if chance >= _SEEN:
            text = f"Possible transitional anatomy ({chance:.0%}): {words}."
            yield StudyWarning("transitional_anatomy", text)


def missing(levels: Levels) -> Iterator[StudyWarning]:
    """Name the discs between the named ones that were not found."""
    named = [level for level in levels if level is not None]
    gone: list[Level] = []
    for lower, upper in pairwise(named):
        between = levels_downwards(upper)[1:]
        gone += between[: between.index(lower)] if lower in between else ()
    if gone:
        names = ", ".join(map(str, gone[::-1]))
        text = f"Not found: {names}. The names above are counted across the gap."
        yield StudyWarning("disc_missing", text)


def unnamed(levels: Levels, strays: int) -> Iterator[StudyWarning]:
    """Say how many discs were found that are not reported, and where."""
    nameless = [i for i, level in enumerate(levels) if level is None]
    below = [i for i in nameless if i < strays or levels[i:].count(None) < len(levels) - i]
    above = len(nameless) - len(below)
    if below:
        named = next(level for level in levels if level is not None)
        text = (
            f"{len(below)} disc-like box(es) below {vertebra_below(named)} belong to no disc and "
            "are not reported."
        )
        yield StudyWarning("below_the_spine", text)
    if above:
        yield StudyWarning("disc_unnamed", "Discs above T9-T10 were found and are not reported.")
