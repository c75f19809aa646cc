"""Which slices lie beside a slice of a series: what one cannot tell alone, three may."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from discern.imaging.geometry import SliceGeometry

_USUAL_MM = 4.0
_LEAST_MM, _MOST_MM = 0.5, 8.0
_MOST_ASIDE_MM = 3.0
_LEAST_COSINE = 0.999  # of the angle between two slices that count as parallel
Item = TypeVar("Item")
Other = TypeVar("Other")


class InStack(NamedTuple, Generic[Item]):
    """One of a series between those beside it: itself where there is none."""

    before: Item
    itself: Item
    behind: Item

    def map(self, change: Callable[[Item], Other]) -> "InStack[Other]":
        """Return what ``change`` makes of each; it is asked once for one that is there twice."""
        made: dict[int, Other] = {}
        for one in self:
            if id(one) not in made:
                made[id(one)] = change(one)
        before, itself, behind = (made[id(one)] for one in self)
        return InStack(before, itself, behind)


def alone(item: Item) -> InStack[Item]:
    """Return ``item`` without neighbours."""
    return InStack(item, item, item)


def in_stacks(items: Sequence[Item], places: Sequence[SliceGeometry | None]) -> list[InStack[Item]]:
    """Return each of ``items`` between its ``neighbours``; ``places`` says where they lie."""
    return [
        InStack(items[before], one, items[behind])
        for one, (before, behind) in zip(items, neighbours(places), strict=True)
    ]


def neighbours(places: Sequence[SliceGeometry | None]) -> list[tuple[int, int]]:
    """Return the indices of the slices on either side of each; its own where there is none.

    A neighbour is parallel, has the same spacing and lies straight before or behind, at most 8 mm
    away; of several, the one nearest to 4 mm, so that thin slices are looked at as far apart as
    usual ones. Slices without a place have no neighbours.

    >>> from discern.imaging.geometry import LEFT, POSTERIOR
    >>> def at(height_mm):
    ...     return SliceGeometry((0.0, 0.0, height_mm), LEFT, POSTERIOR, (1.0, 1.0))
    >>> neighbours([at(0.0), at(4.4), at(8.8), None, at(30.0)])
    [(0, 1), (0, 2), (1, 2), (3, 3), (4, 4)]
    """
    known = [index for index, place in enumerate(places) if place is not None]
    found = [(index, index) for index in range(len(places))]
    if not known:
        return found
    given = [place for place in places if place is not None]
    normals = np.array([place.normal for place in given])  # (N, 3)
    firsts = np.array([place.position_lps_mm for place in given])
    spacings = np.array([place.spacing_mm for place in given])
    for here, index in enumerate(known):
        offsets = firsts - firsts[here]
        away = offsets @ normals[here]
        aside = np.linalg.norm(offsets - away[:, None] * normals[here], axis=1)
        fit = np.abs(normals @ normals[here]) >= _LEAST_COSINE
        fit &= (aside <= _MOST_ASIDE_MM) & np.isclose(spacings, spacings[here]).all(axis=1)
        fit &= (np.abs(away) >= _LEAST_MM) & (np.abs(away) <= _MOST_MM)
        sides = []
        for side in (away < 0, away > 0):
            strangeness = np.where(fit & side, np.abs(np.abs(away) - _USUAL_MM), np.inf)
            best = int(strangeness.argmin())
            sides.append(known[best] if np.isfinite(strangeness[best]) else index)
        found[index] = (sides[0], sides[1])
    return found
