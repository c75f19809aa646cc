"""The quantities of one disc as the report shows them, beside those of the other discs."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.findings import DiscFinding, Quantity, QuantityName, QuantitySource
from discern.imaging.study import Study
from discern.spine import Plane

_LABELS = {
    QuantityName.DISC_HEIGHT: "Disc height",
    QuantityName.DISC_HEIGHT_INDEX: "Disc height index",
    QuantityName.SIGNAL_RATIO: "Signal, disc to CSF",
    QuantityName.HOMOGENEITY: "Homogeneity",
    QuantityName.WEDGE_ANGLE: "Wedge angle",
    QuantityName.LISTHESIS: "Slip (listhesis)",
}
_SOURCES = {
    QuantitySource.MASKS: "from masks",
    QuantitySource.BOXES: "from boxes (approximate)",
}
_UNITS = {"mm": " mm", "deg": "°", "1": ""}  # UCUM code -> what follows the number
_SPARK_HEIGHT = 24.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One disc in the comparison: its place on a scale of 24 units, y downwards."""

    disc: int
    y: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity of one disc in words, and the bars of all discs that have it."""

    label: str
    value: str
    unit: str
    basis: str
    method: str
    approximate: bool
    bars: tuple[Bar, ...]

    @property
    def comparison(self) -> str:
        """All discs in words, head to foot."""
        return ", ".join(bar.words for bar in self.bars)


def measures_of(discs: Sequence[DiscFinding], index: int) -> tuple[Measure, ...]:
    """Return the quantities of the disc at ``index``, in the order of their names' enum."""
    own = discs[index].quantities
    return tuple(_measure(name, own[name], discs) for name in QuantityName if name in own)


def _measure(name: QuantityName, one: Quantity, discs: Sequence[DiscFinding]) -> Measure:
    spread = "" if one.uncertainty is None else f" ± {_number(one.uncertainty, one.unit)}"
    slices = "1 slice" if one.slices == 1 else f"{one.slices} slices"
    return Measure(
        label=_LABELS[name],
        value=_number(one.value, one.unit) + spread,
        unit=_UNITS.get(one.unit, f" {one.unit}"),
        basis=f"{_SOURCES[one.source]}, {slices}",
        method=one.method,
        approximate=one.source is QuantitySource.BOXES,
        bars=_bars(name, discs),
    )


def _bars(name: QuantityName, discs: Sequence[DiscFinding]) -> tuple[Bar, ...]:
    """Place the values of all discs on one scale that holds zero."""
    having = [
        (row, disc, disc.quantities[name])
        for row, disc in enumerate(discs)
        if name in disc.quantities
    ]
    values = [one.value for _, _, one in having]
    low, high = min(0.0, *values), max(0.0, *values)
    units = _SPARK_HEIGHT / ((high - low) or 1.0)
    return tuple(
        Bar(
            row,
            y=round((high - max(one.value, 0.0)) * units, 1),
            height=max(round(abs(one.value) * units, 1), 0.8),
            words=f"{disc.level} {_number(one.value, one.unit)}{_UNITS.get(one.unit, '')}",
        )
        for row, disc, one in having
    )


def _number(value: float, unit: str) -> str:
    """Return a value with the decimals that its unit deserves.

    >>> _number(0.284, "1"), _number(8.449, "mm"), _number(-0.04, "deg")
    ('0.28', '8.4', '0.0')
    """
    digits = 2 if unit == "1" else 1
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def why_unmeasured(discs: Sequence[DiscFinding], study: Study) -> str:
    """Return why a disc without quantities has none, as far as findings and files tell."""
    if any(disc.quantities for disc in discs):
        return "Nothing could be measured of this disc."
    slices = [one for series in study.used(Plane.SAGITTAL) for one in series.slices]
    if all(one.spacing_mm is None for one in slices):
        return "Not measured: the files state no pixel spacing."
    return "Not measured in this run: its findings hold no quantity of any disc."
