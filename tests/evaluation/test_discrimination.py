import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.discrimination import auc, average_precision


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_area_is_that_of_scikit_learn_in_every_resample(seed: int) -> None:
    generator = np.random.default_rng(seed)
    patient = generator.integers(0, 8, 60)
    positive = generator.random(60) < 0.4
    positive[:2] = True, False
    score = generator.integers(0, 12, 60) / 12 + 0.25 * positive  # with ties between the classes
    draws = draw_patients(8, 5, generator)

    areas = auc(draws, patient, positive, score)

    for row, area in zip(draws, areas, strict=True):
        items = np.repeat(np.arange(60), row[patient])  # the resample, written out
        if len(set(positive[items])) == 2:
            expected = roc_auc_score(positive[items], score[items])
            assert area == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(area)


def test_one_class_has_no_area() -> None:
    everyone = np.ones((1, 1), dtype=np.int64)

    area = auc(everyone, np.zeros(3, dtype=np.intp), np.ones(3, dtype=np.bool_), np.arange(3.0))

    assert np.isnan(area).tolist() == [True]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_average_precision_is_that_of_scikit_learn_in_every_resample(seed: int) -> None:
    generator = np.random.default_rng(seed)
    patient = generator.integers(0, 8, 60)
    positive = generator.random(60) < 0.2
    positive[0] = True
    score = generator.integers(-1, 12, 60) / 12 + 0.25 * positive
    draws = draw_patients(8, 5, generator)

    areas = average_precision(draws, patient, positive, score)

    for row, area in zip(draws, areas, strict=True):
        items = np.repeat(np.arange(60), row[patient])
        if positive[items].any():
            assert area == pytest.approx(average_precision_score(positive[items], score[items]))
        else:
            assert np.isnan(area)


def test_nothing_positive_has_no_average_precision_and_all_positive_has_one() -> None:
    everyone = np.ones((1, 1), dtype=np.int64)
    items = np.zeros(3, dtype=np.intp)

    none, every = (
        average_precision(everyone, items, np.full(3, one), np.arange(3.0)) for one in (False, True)
    )

    assert np.isnan(none).tolist() == [True]
    assert every.tolist() == [1]
