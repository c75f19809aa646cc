"""The command that names the discs anew, for every name that one disc could be given.

The page knows neither the input nor the output folder, so both stay placeholders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.findings import DiscFinding
from discern.spine import USUAL_LEVELS, Level, levels_upwards

_LOWEST = (*USUAL_LEVELS[::-1], Level.S1_S2, Level.L6_S1, Level.L5_L6)
_COMMAND = "discern analyze INPUT --out OUT"


@dataclass(frozen=True, slots=True)
class Choice:
    """One name for a disc and the command that gives it; None where no command can."""

    level: Level
    command: str | None


def anchor_choices(discs: Sequence[DiscFinding], index: int) -> tuple[Choice, ...]:
    """Return every level, head to foot, as a name for the disc at ``index`` of ``discs``.

    ``discs`` run head to foot. A disc with a place is named by ``--anchor``; without one the
    lowest disc is named instead, so that the chosen disc gets the name.
    """
    center = discs[index].center_lps_mm
    if center is not None:
        place = ",".join(f"{round(mm, 1) + 0.0:.1f}" for mm in center)  # no -0.0
        return tuple(Choice(one, f'{_COMMAND} --anchor "{one}@{place}"') for one in Level)
    current = discs[-1].level
    upwards, own = levels_upwards(current), discs[index].level
    offset = upwards.index(own) if own in upwards else len(discs) - 1 - index
    lowest = {level: _lowest_for(level, offset, current) for level in Level}
    return tuple(
        Choice(level, below and f"{_COMMAND} --lowest-level {below}")
        for level, below in lowest.items()
    )


def _lowest_for(level: Level, offset: int, current: Level) -> Level | None:
    """Return the lowest level that puts ``level`` at ``offset`` above it, ``current`` if it does.

    >>> str(_lowest_for(Level.L4_L5, 2, Level.L5_S1)), _lowest_for(Level.S1_S2, 1, Level.L5_S1)
    ('S1-S2', None)
    """
    for lowest in (current, *_LOWEST):
        upwards = levels_upwards(lowest)
        if offset < len(upwards) and upwards[offset] is level:
            return lowest
    return None
