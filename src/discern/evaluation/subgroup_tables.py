"""Subgroups as one table per attribute and as the section ``subgroups`` of ``metrics.json``."""

from collections.abc import Sequence
from typing import Any

from discern.evaluation.bootstrap import figure_json
from discern.evaluation.comparison_tables import file_stem
from discern.evaluation.headlines import HEADLINES
from discern.evaluation.subgroups import FEW_PATIENTS, LEVEL, SLICE_KIND, Subgroup, Subgroups
from discern.evaluation.table_formats import Cell, Table

_SHOWN = ("kappa_linear", "exact_all", "within_one", "disc_recall")
_COMPARED = "exact_all"
_LESIONS = tuple(
    key for key in HEADLINES if key.endswith("_f1") and "center" not in key and key != "macro_f1"
)
_NAMES = {
    LEVEL: "Level",
    SLICE_KIND: "Kind of slice",
    "vendor": "Vendor",
    "field_strength": "Field strength",
    "sex": "Sex",
    "age": "Age",
    "post_operative": "Post-operative",
}
_FEW = f"* Fewer than {FEW_PATIENTS} patients: the figures say next to nothing."
_LEVELS_NOTE = (
    "Levels are nominal: counted from the lumbosacral disc upwards. A box counts for the disc "
    "that it lies on or nearest to. The parts share their patients."
)


def subgroup_tables(parts: Sequence[Subgroups]) -> tuple[Table, ...]:
    """Return one table for each attribute that has parts."""
    return tuple(_table(one) for one in parts if one.groups)


def subgroups_json(parts: Sequence[Subgroups]) -> dict[str, Any]:
    """Return the section ``subgroups``: attribute -> parts, or the reason why there are none.

    Figures that no part of an attribute has (a lesion that the truth does not hold) are left out.
    """
    return {one.attribute: _attribute_json(one) for one in parts}


def _attribute_json(parts: Subgroups) -> dict[str, Any]:
    if parts.reason:
        return {"groups": None, "reason": parts.reason}
    keys = [key for key in HEADLINES if _is_known(parts, key)]
    return {
        "largest": parts.largest,
        "patients_without_value": parts.unknown,
        "groups": {
            group.name: {
                "patients": group.patients,
                "few_patients": group.has_few_patients,
                "images": group.images,
                "discs": group.discs,
                "figures": {key: figure_json(group.figures[key]) for key in keys},
                "minus_largest": {key: figure_json(group.differences[key]) for key in keys}
                if group.differences
                else None,
            }
            for group in parts.groups
        },
    }


def _is_known(parts: Subgroups, key: str) -> bool:
    return any(group.figures[key].value is not None for group in parts.groups)


def _table(parts: Subgroups) -> Table:
    shown = (*_SHOWN, *(key for key in _LESIONS if _is_known(parts, key)))
    name = _NAMES.get(parts.attribute, parts.attribute)
    notes = [
        "In brackets: 95 % interval, resamples of all patients. Last column: same grade, of all "
        f"discs, minus that of {parts.largest}, the part with the most patients; the intervals are "
        "not corrected for the number of parts."
    ]
    notes += [_LEVELS_NOTE] if parts.attribute == LEVEL else []
    notes += [f"No value is known for {parts.unknown} patients."] if parts.unknown else []
    notes += [_FEW] if any(group.has_few_patients for group in parts.groups) else []
    return Table(
        name=f"subgroups-{file_stem(parts.attribute)}",
        title=f"Subgroups by {name.lower()}",
        columns=(
            *(name, "Patients", "Discs"),
            *(HEADLINES[key].title for key in shown),
            f"Difference from {parts.largest}",
        ),
        rows=tuple(_row(group, shown) for group in parts.groups),
        notes=tuple(notes),
    )


def _row(group: Subgroup, shown: Sequence[str]) -> tuple[Cell, ...]:
    return (
        f"{group.name}{' *' if group.has_few_patients else ''}",
        *(group.patients, group.discs),
        *(group.figures[key] for key in shown),
        group.differences.get(_COMPARED, ""),
    )
