"""Bounds outside which a number is a failed measurement, not anatomy."""

from collections.abc import Mapping

from discern.findings import QuantityName

BOUNDS = {
    QuantityName.DISC_HEIGHT: (1.0, 22.0),
    QuantityName.DISC_HEIGHT_INDEX: (0.03, 0.7),
    QuantityName.SIGNAL_RATIO: (0.0, 1.5),
    QuantityName.HOMOGENEITY: (0.0, 1.0),
    QuantityName.WEDGE_ANGLE: (-20.0, 40.0),
    QuantityName.LISTHESIS: (-20.0, 30.0),
}
"""Smallest and largest value believed, in the unit of each quantity."""


def plausible(values: Mapping[QuantityName, float]) -> dict[QuantityName, float]:
    """Return the values inside their bounds; NaN is outside.

    >>> plausible({QuantityName.DISC_HEIGHT: 9.0, QuantityName.WEDGE_ANGLE: float("nan")})
    {<QuantityName.DISC_HEIGHT: 'disc_height'>: 9.0}
    """
    return {
        name: value for name, value in values.items() if BOUNDS[name][0] <= value <= BOUNDS[name][1]
    }
