"""Two sets of predictions on the same patients and images: paired differences of every figure.

Models, readers or arms of an ablation. Intervals come from resampling the patients, the same
resamples for both sides. The p-value comes from a permutation test: if both sides were equally
good, each of a patient's two answers could as well have come from the other side, so the
difference is compared with those after swapping the two answers of random patients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.errors import DatasetError
from discern.evaluation.agreement import Counts
from discern.evaluation.bootstrap import Figure, draw_patients, figure
from discern.evaluation.headlines import HEADLINES, Headline, Tally, tally
from discern.evaluation.paired_test import draw_swaps, holm, p_value
from discern.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """How to compare.

    Attributes:
        resamples: Bootstrap resamples of the patients.
        permutations: Random swaps of the permutation test; where the patients are so few that
            there are no more swaps than that, every one is tried once.
        seed: Of both.
        operating_point: Score thresholds of both sides. Sides with thresholds of their own are
            restricted to their boxes beforehand (``predictions.confident``), these being 0 then.
    """

    resamples: int = 2000
    permutations: int = 9999
    seed: int = 20250101
    operating_point: OperatingPoint = field(default_factory=OperatingPoint)


@dataclass(frozen=True, slots=True)
class PairedFigure:
    """One figure of both sides; ``difference`` is other minus reference.

    ``p`` is two-sided, of the null hypothesis that both sides are equally good; ``p_holm`` is
    corrected for all the figures of the comparison. None where there is no difference.
    """

    reference: Figure
    other: Figure
    difference: Figure
    p: float | None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures of two sides, by the keys of ``HEADLINES``.

    ``swaps`` is the number of swaps behind each p-value, the unswapped sample among them;
    ``exact`` says that there are no others.
    """

    patients: int
    images: int
    options: ComparisonOptions
    swaps: int
    exact: bool
    figures: Mapping[str, PairedFigure]


def compare(
    truths: Sequence[GroundTruth],
    reference: Predictions,
    other: Predictions,
    options: ComparisonOptions | None = None,
) -> Comparison:
    """Return the paired difference of every headline figure.

    Raises:
        DatasetError: One of the predictions is not for exactly the images of ``truths``.
    """
    options = options or ComparisonOptions()
    point = options.operating_point
    return compare_tallies(tally(truths, reference, point), tally(truths, other, point), options)


def compare_tallies(reference: Tally, other: Tally, options: ComparisonOptions) -> Comparison:
    """Return the paired differences of two tallies of the same patients and images.

    Raises:
        DatasetError: They are of other patients.
    """
    if reference.patients != other.patients:
        raise DatasetError("only predictions for the same patients can be compared in pairs")
    patients = len(reference.patients)
    draws = draw_patients(patients, options.resamples, np.random.default_rng(options.seed))
    swaps = draw_swaps(patients, options.permutations, np.random.default_rng((options.seed, 1)))
    moved = swaps @ (other.counts - reference.counts)  # (R, COLUMNS)
    sides = _Sides(
        drawn=(draws @ reference.counts, draws @ other.counts),
        swapped=(reference.counts.sum(axis=0) + moved, other.counts.sum(axis=0) - moved),
    )
    pairs = {key: sides.paired(headline) for key, headline in HEADLINES.items()}
    corrected = holm([pair.p for pair in pairs.values()])
    return Comparison(
        patients=patients,
        images=reference.images,
        options=options,
        swaps=len(swaps),
        exact=len(swaps) == 2**patients,
        figures={
            key: replace(pair, p_holm=p)
            for (key, pair), p in zip(pairs.items(), corrected, strict=True)
        },
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """Sums of reference and other, over resampled and over swapped patients."""

    drawn: tuple[Counts, Counts]  # (B, COLUMNS)
    swapped: tuple[Counts, Counts]  # (R, COLUMNS)

    def paired(self, headline: Headline) -> PairedFigure:
        """Return one figure of both sides."""
        reference, other = (headline.statistic(counts) for counts in self.drawn)
        first, second = (headline.statistic(counts) for counts in self.swapped)
        return PairedFigure(
            reference=figure(reference, headline.absent),
            other=figure(other, headline.absent),
            difference=figure(other - reference, headline.absent),
            p=p_value(second - first),
        )
