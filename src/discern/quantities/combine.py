"""One quantity of one disc from what its slices say, with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.findings import Quantity, QuantityName, QuantitySource
from discern.quantities.measure import Measured

_WIDE = 1.96


@dataclass(frozen=True, slots=True)
class _Method:
    """How a quantity is written down, and how far it was measured to miss.

    ``absolute`` (in the unit) and ``relative`` (of the value) are standard deviations of the error
    of one slice; they add up in squares.
    """

    name: str
    unit: str
    absolute: float
    relative: float


_MASKS = {
    QuantityName.DISC_HEIGHT: _Method("three-point mean", "mm", 0.76, 0.0),
    QuantityName.DISC_HEIGHT_INDEX: _Method("three-point mean over depth", "1", 0.03, 0.0),
    QuantityName.SIGNAL_RATIO: _Method("nucleus over CSF", "1", 0.012, 0.08),
    QuantityName.HOMOGENEITY: _Method("1 - SD over mean of nucleus", "1", 0.1, 0.0),
    QuantityName.WEDGE_ANGLE: _Method("endplate lines", "deg", 3.3, 0.0),
    QuantityName.LISTHESIS: _Method("posterior corners along bisector", "mm", 0.81, 0.0),
}
_BOXES = {
    QuantityName.DISC_HEIGHT: _Method("box corrected for tilt", "mm", 1.55, 0.0),
    QuantityName.DISC_HEIGHT_INDEX: _Method("box corrected for tilt", "1", 0.045, 0.0),
}
"""Errors of lengths and angles are half the larger 95th percentile of two: of the tissue network's
masks against phantoms of known shape (``docs/results/levels/phantoms.txt``), and against SPIDER's
masks out of fold, larger for listhesis alone (``docs/results/quantities.txt``); those of signals
are printed by ``python bench/quantities.py`` too. Boxes add their error against masks (1.34 mm and
0.033 there) in squares."""


def combine(slices: Sequence[Measured], source: QuantitySource) -> dict[QuantityName, Quantity]:
    """Return the mean over ``slices`` of everything that at least one of them measured.

    The half width of the 95 % interval is 1.96 sqrt(e^2 + s^2 / n): e the error of the method,
    which slices share and more slices do not lessen; s the spread over the n slices.
    """
    methods = _MASKS if source is QuantitySource.MASKS else _BOXES
    found = {}
    for name, method in methods.items():
        values = [slice_[name] for slice_ in slices if name in slice_]
        if not values:
            continue
        mean = float(np.mean(values))
        spread = float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0
        error = float(np.sqrt(method.absolute**2 + (method.relative * mean) ** 2 + spread))
        found[name] = Quantity(mean, method.unit, _WIDE * error, method.name, source, len(values))
    return found
