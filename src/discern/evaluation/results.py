"""All that one evaluation computes: metrics, subgroups, a comparison, a person's review."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from discern.evaluation.comparison import Comparison, ComparisonOptions, compare
from discern.evaluation.comparison_tables import paired_table
from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.predictions import Predictions, predictions_digest
from discern.evaluation.review import (
    Digests,
    ReviewedShare,
    Verdicts,
    accepted_shares,
    read_review,
)
from discern.evaluation.subgroup_tables import subgroup_tables
from discern.evaluation.subgroups import Subgroups, subgroups
from discern.evaluation.table_formats import Table
from discern.evaluation.tables import evaluation_tables
from discern.spine import Plane

EVALUATED, REFERENCE = "Evaluated", "Reference"
"""Names of the two sides of a paired comparison."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What may be asked for beyond the figures.

    Attributes:
        review: ``review.csv`` from the review page of the same predictions.
        against: Other predictions for the same images, compared patient by patient.
    """

    review: Path | None = None
    against: Predictions | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """What was computed, and all of it as tables; ``warning`` belongs above them."""

    metrics: Metrics
    subgroups: tuple[Subgroups, ...]
    comparison: Comparison | None
    reviewed: Mapping[Plane, ReviewedShare] | None
    tables: tuple[Table, ...]
    warning: str | None = None

    @property
    def digests(self) -> Digests:
        """What the figures are about."""
        return Digests(self.metrics.data_digest, self.metrics.prediction_digest)


def compute(material: Material, options: EvaluationOptions, extras: Extras) -> Results:
    """Return the results of ``material``.

    Raises:
        DatasetError: Predictions or review are not for exactly these images.
    """
    digests = Digests(material.digest, predictions_digest(material.predictions))
    images = [truth.image for truth in material.truths]
    verdicts = None if extras.review is None else read_review(extras.review, images, digests)
    metrics = evaluate(
        material.truths,
        material.predictions,
        options=options,
        data_digest=material.digest,
        records=material.records,
    )
    reviewed = None if verdicts is None else _reviewed(verdicts, material, options)
    parts = subgroups(material.truths, material.predictions, material.attributes, options)
    comparison = None if extras.against is None else _compared(extras.against, material, options)
    paired = () if comparison is None else (paired_table(comparison, REFERENCE, EVALUATED),)
    return Results(
        metrics=metrics,
        subgroups=parts,
        comparison=comparison,
        reviewed=reviewed,
        tables=(*evaluation_tables(metrics, reviewed), *subgroup_tables(parts), *paired),
        warning=material.warning,
    )


def _reviewed(
    verdicts: Verdicts, material: Material, options: EvaluationOptions
) -> Mapping[Plane, ReviewedShare]:
    return accepted_shares(
        material.truths, verdicts, resamples=options.resamples, seed=options.seed
    )


def _compared(other: Predictions, material: Material, options: EvaluationOptions) -> Comparison:
    return compare(
        material.truths,
        other,
        material.predictions,
        ComparisonOptions(
            resamples=options.resamples,
            seed=options.seed,
            operating_point=options.operating_point,
        ),
    )
