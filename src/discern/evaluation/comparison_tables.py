"""Comparisons as tables and as ``discern.comparison/1``."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from discern.evaluation.bootstrap import figure_json, rounded
from discern.evaluation.comparison import Comparison
from discern.evaluation.headlines import HEADLINES
from discern.evaluation.paired_test import holm
from discern.evaluation.table_formats import Cell, Table

SCHEMA = "discern.comparison/1"
ARM_FIGURES = ("kappa_linear", "exact_all", "macro_f1", "disc_recall")
_SMALLEST_SHOWN = 0.001


def p_text(p: float | None) -> str:
    """Return a p-value as papers print it.

    >>> p_text(0.00021), p_text(0.0421), p_text(1.0), p_text(None)
    ('< 0.001', '0.042', '1.000', '-')
    """
    if p is None:
        return "-"
    return f"< {_SMALLEST_SHOWN}" if p < _SMALLEST_SHOWN else f"{p:.3f}"


def paired_table(comparison: Comparison, reference: str, other: str) -> Table:
    """Return every figure that both sides have, with the difference and its p-values.

    Args:
        comparison: Of the two.
        reference: Name of the one that is subtracted.
        other: Name of the one it is subtracted from.
    """
    return Table(
        name=f"comparison-{file_stem(other)}-{file_stem(reference)}",
        title=f"{other} compared with {reference} on the same {_sample(comparison)}",
        columns=("Figure", reference, other, "Difference", "p", "p (Holm)"),
        rows=tuple(
            (
                HEADLINES[key].title,
                *(pair.reference, pair.other, pair.difference),
                *(p_text(pair.p), p_text(pair.p_holm)),
            )
            for key, pair in comparison.figures.items()
            if pair.difference.value is not None
        ),
        notes=(
            f"Difference: {other} minus {reference}. {_method(comparison)}",
            "p (Holm): corrected for the number of rows. Figures of discs found are over the discs "
            "that each side found for itself.",
        ),
    )


def comparison_table(
    reference: str, others: Mapping[str, Comparison], figures: Sequence[str] = ARM_FIGURES
) -> Table:
    """Return one row for the reference and one for each of the others, as of an ablation.

    Args:
        reference: Name of the arm that every comparison has as its reference.
        others: Comparison of each other arm with it, by name; at least one.
        figures: Keys of ``HEADLINES`` to show.
    """
    first = next(iter(others.values()))
    shown = {(arm, key): others[arm].figures[key].p for arm in others for key in figures}
    corrected = dict(zip(shown, holm(list(shown.values())), strict=True))
    head = [("Arm",), *((HEADLINES[key].title, "Difference", "p (Holm)") for key in figures)]
    rows: list[list[Cell]] = [[reference]]
    for key in figures:
        rows[0] += [first.figures[key].reference, "", ""]
    for arm, comparison in others.items():
        row: list[Cell] = [arm]
        for key in figures:
            pair = comparison.figures[key]
            row += [pair.other, pair.difference, p_text(corrected[arm, key])]
        rows.append(row)
    return Table(
        name="comparison",
        title=f"Differences from {reference} on the same {_sample(first)}",
        columns=tuple(name for group in head for name in group),
        rows=tuple(map(tuple, rows)),
        notes=(
            f"Difference: arm minus {reference}. {_method(first)}",
            f"p (Holm): corrected for the {sum(p is not None for p in shown.values())} "
            "differences shown.",
        ),
    )


def comparison_json(comparison: Comparison, reference: str, other: str) -> dict[str, Any]:
    """Return the ``discern.comparison/1`` value: figures and p-values to four decimals."""
    return {
        "schema": SCHEMA,
        "reference": reference,
        "other": other,
        "patients": comparison.patients,
        "images": comparison.images,
        "operating_point": asdict(comparison.options.operating_point),
        "bootstrap": {
            "unit": "patient",
            "resamples": comparison.options.resamples,
            "seed": comparison.options.seed,
        },
        "permutation_test": {
            "unit": "patient",
            "swaps": comparison.swaps,
            "exact": comparison.exact,
            "seed": [comparison.options.seed, 1],
        },
        "figures": {
            key: {
                "reference": figure_json(pair.reference),
                "other": figure_json(pair.other),
                "difference": figure_json(pair.difference),
                "p": rounded(pair.p),
                "p_holm": rounded(pair.p_holm),
            }
            for key, pair in comparison.figures.items()
        },
    }


def comparison_text(comparison: Comparison, reference: str, other: str) -> str:
    """Return ``comparison_json`` as the text of a file."""
    return json.dumps(comparison_json(comparison, reference, other), indent=1) + "\n"


def swaps_text(comparison: Comparison) -> str:
    """Return how the p-values of the differences came about."""
    every = f"all {comparison.swaps}" if comparison.exact else f"{comparison.swaps} random"
    return f"{every} swaps of the two answers of a patient"


def file_stem(name: str) -> str:
    """Return ``name`` as lower case letters, digits and hyphens, fit for a file.

    >>> file_stem("Reader 1 (Dr. O'Neill)")
    'reader-1-dr-o-neill'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _sample(comparison: Comparison) -> str:
    return f"{comparison.images} images of {comparison.patients} patients"


def _method(comparison: Comparison) -> str:
    return (
        f"In brackets: 95 % interval, {comparison.options.resamples} resamples of the patients, "
        f"the same for both. p: permutation test, {swaps_text(comparison)}. "
        f"Seed {comparison.options.seed}."
    )
