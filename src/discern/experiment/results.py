"""The tables of a study, rebuilt from the predictions of its runs whenever they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.agreement_tables import TRUSTED_DISC_RECALL
from discern.evaluation.bootstrap import Figure, draw_patients, figure
from discern.evaluation.comparison import Comparison, ComparisonOptions, compare_tallies
from discern.evaluation.comparison_tables import comparison_table
from discern.evaluation.headlines import HEADLINES, Tally, tally
from discern.evaluation.table_formats import Table
from discern.experiment.runs import Workshop, pooled_predictions, runs_of
from discern.experiment.studies import Arm
from discern.training.manifest import parameters_of

SHOWN = (
    *("disc_recall", "exact_all", "exact", "within_one"),
    *("kappa_linear", "kappa_quadratic", "macro_f1"),
)
COMPARED = ("exact_all", "kappa_linear", "kappa_quadratic", "disc_recall")
_OPTIONS = ComparisonOptions()


@dataclass(frozen=True, slots=True)
class Selected:
    """The truth that a study is judged by, and where its predictions lie."""

    truths: tuple[GroundTruth, ...]
    workshop: Workshop

    def of(self, patients: frozenset[str]) -> "Selected":
        """Return the part of ``patients``."""
        return replace(self, truths=tuple(t for t in self.truths if t.patient in patients))


def arm_tally(arm: Arm, seeds: Sequence[int], selected: Selected) -> Tally:
    """Return the counts of each test patient, summed over seeds: every seed answers once."""
    tested = frozenset(patient for split in arm.splits for patient in split.test)
    truths = [truth for truth in selected.truths if truth.patient in tested]
    tallies = []
    for seed in seeds:
        pooled = pooled_predictions(runs_of([arm], [seed]), selected.workshop)
        answered = {truth.image: pooled[truth.image] for truth in truths}
        tallies.append(tally(truths, answered, _OPTIONS.operating_point))
    return replace(tallies[0], counts=np.sum([one.counts for one in tallies], axis=0))


def figures_of(counted: Tally, keys: Sequence[str] = SHOWN) -> Mapping[str, Figure]:
    """Return figures with intervals over resampled patients."""
    rng = np.random.default_rng(_OPTIONS.seed)
    sums = draw_patients(len(counted.patients), _OPTIONS.resamples, rng) @ counted.counts
    return {key: figure(HEADLINES[key].statistic(sums), HEADLINES[key].absent) for key in keys}


def arms_table(name: str, title: str, arms: Sequence[Arm], tallies: Mapping[str, Tally]) -> Table:
    """Return one row per arm: what is different, parameters, figures.

    A star marks an arm that found too few discs for figures of the discs found to be quoted.
    """
    answered = [(arm, figures_of(tallies[arm.name])) for arm in arms]
    return Table(
        name=name,
        title=title,
        columns=(
            *("Arm", "What is different", "Parameters", "Patients tested"),
            *(HEADLINES[key].title for key in SHOWN),
        ),
        rows=tuple(
            (
                arm.name + ("" if _trusted(figures) else " *"),
                arm.changes,
                f"{parameters_of(arm.config):,}",
                len(tallies[arm.name].patients),
                *figures.values(),
            )
            for arm, figures in answered
        ),
        notes=(
            "Every patient was predicted by a network that has not seen them. In brackets: 95 % "
            f"interval, {_OPTIONS.resamples} resamples of the patients, seed {_OPTIONS.seed}.",
            f"*: fewer than {TRUSTED_DISC_RECALL:.0%} of the discs were found. Kappa and figures "
            "of the discs found flatter such an arm and are not to be quoted; 'of all discs' "
            "counts a missed disc as wrong.",
        ),
    )


def _trusted(figures: Mapping[str, Figure]) -> bool:
    recall = figures["disc_recall"].value
    return recall is not None and recall >= TRUSTED_DISC_RECALL


def differences(reference: str, tallies: Mapping[str, Tally]) -> Mapping[str, Comparison]:
    """Return the paired comparison of every other arm with ``reference``."""
    return {
        name: compare_tallies(tallies[reference], counted, _OPTIONS)
        for name, counted in tallies.items()
        if name != reference
    }


def differences_table(name: str, reference: str, tallies: Mapping[str, Tally]) -> Table:
    """Return one row per arm with its paired differences from ``reference``."""
    table = comparison_table(reference, differences(reference, tallies), COMPARED)
    return replace(table, name=name)


def seeds_table(name: str, arms: Sequence[Arm], seeds: Sequence[int], selected: Selected) -> Table:
    """Return one row per arm and seed: how much chance alone moves the figures."""
    return Table(
        name=name,
        title="The finalists, seed by seed",
        columns=("Arm", "Seed", *(HEADLINES[key].title for key in SHOWN)),
        rows=tuple(
            (arm.name, seed, *figures_of(arm_tally(arm, [seed], selected)).values())
            for arm in arms
            for seed in seeds
        ),
        notes=("The seed decides initial weights, order and augmentation; the folds stay.",),
    )
