"""Counting from one named disc to the others, across discs that were not found."""

from dataclasses import dataclass

import numpy as np

from discern.inference.numbering import step_chances, steps_between
from discern.inference.spine_cues import Chain, Floats
from discern.spine import Level, levels_downwards, levels_upwards

Levels = tuple[Level | None, ...]
"""Level of every disc, foot to head; None where a disc is not one of the spine's."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What the user says: the disc at ``index`` (foot to head) is ``level``.

    ``said`` is how the findings record it.
    """

    index: int
    level: Level
    said: str


class Count:
    """How many levels apart the discs of a chain are, and how sure that is."""

    def __init__(self, chain: Chain) -> None:
        """Measure the distances once."""
        self._offsets = np.cumsum([0, *steps_between(chain.centers)])
        self._sure = step_chances(chain.centers)  # (N - 1,)

    @property
    def confidence(self) -> float:
        """How sure all steps together are."""
        return float(np.prod(self._sure))

    def upwards_from(self, lowest: Level, strays: int) -> Levels:
        """Name the discs above ``strays`` others, the first of them ``lowest``.

        Discs above T9-T10 get no name.
        """
        return (*(None,) * strays, *self._upwards(lowest, strays))

    def both_ways_from(self, level: Level, index: int) -> Levels:
        """Name the disc at ``index`` and all others from it; None where names have run out."""
        below = levels_downwards(level)
        down = [self._offsets[index] - offset for offset in self._offsets[:index]]
        names = [below[step] if step < len(below) else None for step in down]
        return (*names, *self._upwards(level, index))

    def _upwards(self, lowest: Level, index: int) -> Levels:
        available = levels_upwards(lowest)
        steps = self._offsets[index:] - self._offsets[index]
        return tuple(available[step] if step < len(available) else None for step in steps)

    def confidences(self, levels: Levels, index: int | None = None) -> Floats:
        """Return (N,) how sure the count from the disc at ``index`` to each disc is.

        ``index`` None means the lowest disc with a name.
        """
        if index is None:
            index = next(i for i, level in enumerate(levels) if level is not None)
        upwards = np.cumprod([1.0, *self._sure[index:]])
        downwards = np.cumprod([1.0, *self._sure[:index][::-1]])[1:][::-1]
        sure: Floats = np.concatenate((downwards, upwards))
        return sure
