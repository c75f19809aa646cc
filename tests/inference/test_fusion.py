from dataclasses import replace

import numpy as np
import pytest

from discern.decisions import ConformalGrades
from discern.inference.fusion import (
    DiscEvidence,
    gather_evidence,
    grade_of,
)
from discern.inference.tracks import PlacedBox, Track
from discern.postprocess import SelectedBox, grade_probabilities
from discern.spine import Label, PfirrmannGrade


def disc(slice_index: int, scores: tuple[float, ...]) -> PlacedBox:
    selected = SelectedBox(Label.PFIRRMANN_3, max(scores), (*scores, 0.0, 0.0), (0, 0, 1, 1))
    place = np.array([4.0 * slice_index, 0.0, 0.0])
    return PlacedBox(f"d{slice_index}", slice_index, selected, place, np.array([36.0, 10.0]))


def herniation(slice_index: int, posterior_mm: float, score: float = 0.6) -> PlacedBox:
    scores = (0.0,) * 5 + (score, 0.0)
    selected = SelectedBox(Label.HERNIATION, score, scores, (0, 0, 1, 1))
    place = np.array([4.0 * slice_index, posterior_mm, 0.0])
    return PlacedBox(f"h{slice_index}", slice_index, selected, place, np.array([12.0, 12.0]))


TRACK = Track(tuple(disc(i, (0.0, 0.1, 0.8, 0.1, 0.0)) for i in range(3, 8)))


def test_the_grade_is_the_mean_of_the_three_middle_slices_only() -> None:
    bright, dark = (0.9, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.9, 0.0)
    edges = [disc(i, dark) for i in (1, 2)] + [disc(i, dark) for i in (6, 7)]
    track = Track(
        tuple(sorted([*edges, *(disc(i, bright) for i in (3, 4, 5))], key=lambda b: b.slice_index))
    )

    finding = grade_of(track, temperature=1.0)

    assert finding.grade is PfirrmannGrade.I
    assert sum(finding.probabilities) == pytest.approx(1.0)


def test_a_higher_temperature_is_less_sure_of_the_same_grade() -> None:
    scores = np.array([0.05, 0.2, 0.7, 0.1, 0.02])

    sharp, soft = (grade_probabilities(scores, t) for t in (1.0, 3.0))

    assert sharp.argmax() == soft.argmax() == 2
    assert soft.max() < sharp.max()


def test_the_set_and_the_abstention_follow_the_rule_of_the_weights() -> None:
    # 0.1, 0.8, 0.1 for II, III, IV on every slice
    narrow, wide = (
        grade_of(TRACK, 1.0, ConformalGrades((0.5, least, 0.5, least, 0.5), widest=2))
        for least in (0.2, 0.05)
    )

    assert (narrow.conformal_set, narrow.abstain) == ((PfirrmannGrade.III,), False)
    assert wide.conformal_set == (PfirrmannGrade.II, PfirrmannGrade.III, PfirrmannGrade.IV)
    assert wide.abstain
    assert grade_of(TRACK, 1.0).conformal_set is None


def only_disc(*lesions: PlacedBox) -> DiscEvidence:
    (evidence,) = gather_evidence([TRACK], lesions)
    return evidence


def test_a_lesion_elsewhere_is_not_this_discs() -> None:
    assert not only_disc(herniation(5, 60.0)).lesions


def test_lesions_are_asked_for_by_name() -> None:
    evidence = only_disc(herniation(5, 16.0))

    assert len(evidence.lesions_called(Label.HERNIATION)) == 1
    assert not evidence.lesions_called(Label.HIZ)


def test_a_lesion_between_two_discs_belongs_to_the_nearer_one_only() -> None:
    below = Track(tuple(replace(b, center=b.center - (0.0, 0.0, 22.0)) for b in TRACK.boxes))
    lesion = herniation(5, 16.0)
    nearer_below = replace(lesion, center=lesion.center - (0.0, 0.0, 14.0))

    upper, lower = gather_evidence([TRACK, below], [lesion, nearer_below])

    assert upper.lesions == (lesion,)
    assert lower.lesions == (nearer_below,)
