from collections import Counter

import numpy as np

from discern.dataset.augment import IntensityMode
from discern.dataset.epochs import AugmentationConfig, Draw, EpochPlan, TrainingSamples
from discern.dataset.samples import Sample

THIRTY = tuple(f"patient {n}" for n in range(30))
PLAIN = AugmentationConfig(intensity=IntensityMode.OFF, geometry=False)


def _samples(count: int, size: int = 64) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [
        Sample(
            image=rng.random((size, size)).astype(np.float16),
            boxes=np.array([[10.0, 20.0, 40.0, 30.0]]),
            labels=np.array([n % 5]),
            annotated=np.array([True] * 5 + [n % 2 == 0, False]),
            ignored=np.zeros((0, 4)),
        )
        for n in range(count)
    ]


def test_an_epoch_shows_every_real_sample_once_and_a_share_of_phantoms() -> None:
    plan = EpochPlan(seed=1, patients=THIRTY, phantom=50, phantom_share=0.25)
    shown = Counter(draw.index for draw in plan.draws(0))
    assert all(shown[index] == 1 for index in range(30))
    assert sum(shown[index] for index in range(30, 80)) == 10
    assert plan.length == len(plan.draws(3)) == 40


def test_a_patient_with_many_slices_is_not_shown_more_than_others() -> None:
    patients = ("a",) * 5 + ("b",) * 2 + ("c",)
    plan = EpochPlan(seed=1, patients=patients, slices_per_patient=2)
    shown = Counter(draw.index for epoch in range(40) for draw in plan.draws(epoch))
    for epoch in range(3):
        assert Counter(patients[draw.index] for draw in plan.draws(epoch)) == {
            "a": 2,
            "b": 2,
            "c": 1,
        }
    assert plan.length == 5
    assert set(shown) == set(range(8))  # every slice has its turn


def test_phantoms_take_turns() -> None:
    plan = EpochPlan(seed=1, patients=THIRTY, phantom=50, phantom_share=0.25)
    shown = Counter(draw.index for epoch in range(5) for draw in plan.draws(epoch))
    assert all(shown[index] == 1 for index in range(30, 80))


def test_planted_copies_take_the_place_of_their_slices() -> None:
    planted = ((30, 31), (), *((32 + index,) for index in range(28)))
    plain = EpochPlan(seed=1, patients=THIRTY)
    mixed = EpochPlan(seed=1, patients=THIRTY, planted=planted, planted_share=0.5)
    original = {copy: index for index, copies in enumerate(planted) for copy in copies}
    shown = [draw.index for epoch in range(20) for draw in mixed.draws(epoch)]
    for epoch in range(3):
        places = [original.get(draw.index, draw.index) for draw in mixed.draws(epoch)]
        assert places == [draw.index for draw in plain.draws(epoch)]
    assert 0.4 < sum(index >= 30 for index in shown) / len(shown) < 0.6
    assert {30, 31} <= set(shown)
    assert shown.count(1) == 20  # it has no copies


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    plan = EpochPlan(seed=1, patients=THIRTY)
    assert plan.draws(4) == EpochPlan(seed=1, patients=THIRTY).draws(4)
    assert [d.index for d in plan.draws(4)] != [d.index for d in plan.draws(5)]
    assert [d.index for d in plan.draws(4)] != [d.index for d in EpochPlan(2, THIRTY).draws(4)]


def test_the_papers_copies_are_the_same_in_every_epoch() -> None:
    plan = EpochPlan(seed=1, patients=THIRTY[:10], paper_copies=True)
    assert len(plan.copied) == 3
    samples = TrainingSamples(
        _samples(10),
        AugmentationConfig(intensity=IntensityMode.PAPER, geometry=False),
        seed=1,
        epochs=5,
    )
    for epoch in (0, 3):
        draws = {(d.index, d.paper_copy): samples[d].image for d in plan.draws(epoch)}
        assert len(draws) == 13
        for index in plan.copied:
            assert not np.array_equal(draws[index, True], draws[index, False])
    first = next(d for d in plan.draws(0) if d.paper_copy)
    later = Draw(epoch=4, place=0, index=first.index, paper_copy=True)
    np.testing.assert_array_equal(samples[first].image, samples[later].image)


def test_a_draw_is_replayable_and_epochs_differ() -> None:
    samples = TrainingSamples(_samples(6), AugmentationConfig(), seed=3, epochs=10)
    again = TrainingSamples(_samples(6), AugmentationConfig(), seed=3, epochs=10)
    draw = Draw(epoch=2, place=5, index=1)
    np.testing.assert_array_equal(samples[draw].image, again[draw].image)
    np.testing.assert_array_equal(samples[draw].boxes, again[draw].boxes)
    other = samples[Draw(epoch=3, place=5, index=1)]
    assert not np.array_equal(samples[draw].image, other.image)


def test_without_augmentation_samples_are_shown_as_they_are() -> None:
    prepared = _samples(4)
    samples = TrainingSamples(prepared, PLAIN, seed=0, epochs=2)
    np.testing.assert_array_equal(samples[Draw(0, 0, 2)].image, prepared[2].image)


def test_mosaics_join_samples_annotated_alike_and_end_before_the_run_does() -> None:
    config = AugmentationConfig(intensity=IntensityMode.OFF, mosaic=1.0, mosaic_off_last=0.2)
    prepared = _samples(12)
    samples = TrainingSamples(prepared, config, seed=0, epochs=10)
    for index in range(12):
        early = samples[Draw(epoch=0, place=index, index=index)]
        np.testing.assert_array_equal(early.annotated, prepared[index].annotated)
        assert len(early.boxes) + len(early.ignored) > 1
        late = samples[Draw(epoch=8, place=index, index=index)]
        assert len(late.boxes) + len(late.ignored) == 1
