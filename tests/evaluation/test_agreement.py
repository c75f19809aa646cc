import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    precision_recall_fscore_support,
)

from discern.evaluation import agreement
from discern.evaluation.agreement import Counts, KappaWeight
from discern.evaluation.published import TABLE_4, TABLE_5, PublishedScores


def as_labels(counts: Counts) -> tuple[list[int], list[int]]:
    """Return truth and answer of every item of a confusion matrix, grades from 1."""
    cells = [(row + 1, column + 1, n) for (row, column), n in np.ndenumerate(counts)]
    truth = [row for row, _, n in cells for _ in range(n)]
    return truth, [column for _, column, n in cells for _ in range(n)]


def full_matrix(seed: int, highest: int = 30) -> Counts:
    counts: Counts = np.random.default_rng(seed).integers(1, highest, (6, 6))
    counts[5, 5] = 0
    return counts


@pytest.mark.parametrize(("weight", "name"), [(1, "linear"), (2, "quadratic")])
@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_kappa_is_that_of_scikit_learn(weight: int, name: str, seed: int) -> None:
    pairs = np.random.default_rng(seed).integers(0, 9, (5, 5)) + np.eye(5, dtype=np.int64)
    truth, answer = as_labels(pairs)

    expected = cohen_kappa_score(truth, answer, labels=[1, 2, 3, 4, 5], weights=name)

    assert agreement.kappa(pairs, KappaWeight(weight)) == pytest.approx(expected, abs=1e-12)


def test_kappa_runs_over_grades_1_to_5_even_if_some_are_absent() -> None:
    pairs = np.zeros((5, 5), dtype=np.int64)
    pairs[1, 1], pairs[1, 4], pairs[4, 4], pairs[4, 1] = 4, 1, 3, 2
    truth, answer = as_labels(pairs)

    expected = cohen_kappa_score(truth, answer, labels=[1, 2, 3, 4, 5], weights="linear")

    assert agreement.kappa(pairs, KappaWeight.LINEAR) == pytest.approx(expected)


def test_kappa_of_a_worked_example() -> None:
    """Ten discs, eight right, one a grade off, one two grades off."""
    pairs = np.zeros((5, 5), dtype=np.int64)
    pairs[0, 0], pairs[1, 1], pairs[2, 2] = 2, 2, 4
    pairs[0, 1], pairs[0, 2] = 1, 1
    # truth (4, 2, 4), answers (2, 3, 5): w O sums to 3, w E to (12+40 + 4+10 + 16+12) / 10
    assert agreement.kappa(pairs, KappaWeight.LINEAR) == pytest.approx(1 - 3 / 9.4)


def test_kappa_is_undefined_where_everything_is_one_grade() -> None:
    pairs = np.zeros((5, 5), dtype=np.int64)
    pairs[2, 2] = 7

    assert np.isnan(agreement.kappa(pairs, KappaWeight.QUADRATIC))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_precision_recall_and_f1_are_those_of_scikit_learn(seed: int) -> None:
    full = full_matrix(seed)
    truth, answer = as_labels(full)

    precision, recall, f1, support = precision_recall_fscore_support(
        truth, answer, labels=[1, 2, 3, 4, 5], zero_division=0
    )

    assert agreement.grade_precision(full) == pytest.approx(precision)
    assert agreement.grade_recall(full) == pytest.approx(recall)
    assert agreement.grade_f1(full) == pytest.approx(f1)
    assert agreement.support(full).tolist() == support.tolist()
    assert agreement.mean_over_grades(agreement.grade_f1(full), full) == pytest.approx(f1.mean())


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_balanced_accuracy_is_that_of_scikit_learn(seed: int) -> None:
    pairs = agreement.paired(full_matrix(seed))

    assert agreement.balanced_accuracy(pairs) == pytest.approx(
        balanced_accuracy_score(*as_labels(pairs))
    )


@pytest.mark.parametrize("scores", [*TABLE_4.values(), *TABLE_5.values()])
def test_f1_of_the_paper_follows_from_its_precision_and_recall(scores: PublishedScores) -> None:
    precision, recall = round(100 * scores.precision), round(100 * scores.recall)
    hits = np.array(precision * recall)
    false_alarms, misses = (
        np.array(recall * (100 - precision)),
        np.array(precision * (100 - recall)),
    )

    assert agreement.f1(hits, false_alarms, misses) == pytest.approx(scores.f1, abs=0.01)


def test_missed_discs_count_only_where_they_should() -> None:
    full = np.zeros((6, 6), dtype=np.int64)
    full[0, 0], full[1, 2], full[3, 0], full[4, 5] = 5, 2, 1, 2  # 8 found, 2 missed
    full[5, 1] = 3  # false alarms
    pairs = agreement.paired(full)

    assert agreement.disc_recall(full) == pytest.approx(0.8)
    assert agreement.within(pairs, 0) == pytest.approx(5 / 8)
    assert agreement.within(pairs, 1) == pytest.approx(7 / 8)
    assert agreement.within(full, 0) == pytest.approx(5 / 10)
    assert agreement.within(full, 1) == pytest.approx(7 / 10)


def test_a_grade_never_predicted_lowers_the_mean_and_an_absent_one_does_not() -> None:
    full = np.zeros((6, 6), dtype=np.int64)
    full[0, 0], full[1, 0] = 4, 4  # grade 2 never said, grades 3 to 5 not there

    assert agreement.mean_over_grades(agreement.grade_f1(full), full) == pytest.approx(
        (8 / 12 + 0) / 2
    )
    assert agreement.mean_over_grades(agreement.grade_precision(full), full) == 0.25


def test_nothing_is_undefined_and_leading_axes_are_kept() -> None:
    nothing = np.zeros((3, 6, 6), dtype=np.int64)

    assert np.isnan(agreement.grade_f1(nothing)).all()
    assert agreement.grade_f1(nothing).shape == (3, 5)
    assert np.isnan(agreement.mean_over_grades(agreement.grade_f1(nothing), nothing)).all()
    assert np.isnan(agreement.disc_recall(nothing)).tolist() == [True, True, True]
