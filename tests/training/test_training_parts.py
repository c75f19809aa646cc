from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from torch import nn  # noqa: E402

from discern.dataset.augment import IntensityMode  # noqa: E402
from discern.dataset.epochs import AugmentationConfig, EpochPlan, TrainingSamples  # noqa: E402
from discern.dataset.samples import Sample  # noqa: E402
from discern.dataset.sources import read_dataset  # noqa: E402
from discern.dataset.splits import split_patients  # noqa: E402
from discern.evaluation.outcomes import GradeOutcome, MatchedDisc  # noqa: E402
from discern.networks import TrainedOn  # noqa: E402
from discern.spine import Label, Plane  # noqa: E402
from discern.training.average import MovingAverage  # noqa: E402
from discern.training.batches import EpochSampler, collate, training_loader  # noqa: E402
from discern.training.config import OptimizerConfig, OptimizerKind, TrainingConfig  # noqa: E402
from discern.training.module import Schedule, build_optimizer  # noqa: E402
from discern.training.validation import validation_metrics  # noqa: E402
from discern.training.weights_file import describe  # noqa: E402


def _sample(boxes: int, ignored: int, *, herniation: bool) -> Sample:
    return Sample(
        image=np.full((32, 32), boxes / 10, np.float32),
        boxes=np.arange(4.0 * boxes).reshape(-1, 4),
        labels=np.arange(boxes),
        annotated=np.array([True] * 5 + [herniation, False]),
        ignored=np.ones((ignored, 4)),
    )


def test_samples_become_one_batch() -> None:
    one, none, two = (
        _sample(1, 0, herniation=True),
        _sample(0, 2, herniation=False),
        _sample(2, 1, herniation=True),
    )
    images, targets = collate([one, none, two])
    assert images.shape == (3, 1, 32, 32)
    assert images.dtype == torch.float32
    assert targets.image_index.tolist() == [0, 2, 2]
    assert targets.labels.tolist() == [0, 0, 1]
    assert targets.boxes_xyxy_px.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert targets.ignored_image_index.tolist() == [1, 1, 2]
    assert targets.annotated[:, 5].tolist() == [True, False, True]
    assert not targets.annotated[:, 6].any()


def test_processes_share_an_epoch_without_overlap() -> None:
    plan = EpochPlan(seed=0, patients=("p",) * 22)
    shares = [list(EpochSampler(plan, 4, rank=rank, processes=2)) for rank in range(2)]
    assert [len(share) for share in shares] == [8, 8]  # 6 left over
    shown = [draw.index for share in shares for draw in share]
    assert len(set(shown)) == 16
    alone = EpochSampler(plan, 8)
    together = [share[i : i + 4] for i in (0, 4) for share in shares]
    assert [draw for batch in together for draw in batch] == list(alone)


def test_an_epoch_smaller_than_a_batch_is_repeated() -> None:
    sampler = EpochSampler(EpochPlan(seed=0, patients=("p",) * 3), 4)
    assert len(list(sampler)) == len(sampler) == 4
    sampler.set_epoch(1)
    assert {draw.epoch for draw in sampler} == {1}


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_the_same_whoever_prepares_them(workers: int) -> None:
    samples = TrainingSamples(
        [_sample(n % 3, 1, herniation=True) for n in range(8)],
        AugmentationConfig(intensity=IntensityMode.ONLINE),
        seed=5,
        epochs=3,
    )
    sampler = EpochSampler(EpochPlan(seed=5, patients=("p",) * 8), 4)
    loader = training_loader(samples, sampler, 4, workers)
    for _, (images, _) in zip(range(2), loader, strict=False):
        assert images.shape == (4, 1, 32, 32)
    expected = collate([samples[draw] for draw in list(sampler)[4:]])[0]
    assert torch.equal(images, expected)


def test_the_learning_rate_warms_up_and_falls_like_a_cosine() -> None:
    schedule = Schedule(steps=110, warmup_steps=10, final_share=0.1)
    shares = [schedule.share(step) for step in range(111)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == shares[10] == pytest.approx(1)
    assert shares[60] == pytest.approx(0.55)
    assert shares[110] == pytest.approx(0.1)
    assert all(a >= b for a, b in pairwise(shares[10:]))


@pytest.mark.parametrize("kind", list(OptimizerKind))
def test_norms_and_biases_do_not_decay(kind: OptimizerKind) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimizer = build_optimizer(module, OptimizerConfig(kind=kind, weight_decay=0.1))
    decay = {p: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {p.ndim: value for p, value in decay.items()} == {4: 0.1, 1: 0.0}
    assert len(decay) == len(list(module.parameters()))


def test_the_average_follows_its_formula() -> None:
    module = nn.BatchNorm1d(1)
    average = MovingAverage(module, decay=0.9, warmup_steps=2.0)
    expected = 1.0
    for step in (1, 2, 3):
        module.weight.data.fill_(float(step * 10))
        module.num_batches_tracked.fill_(step)  # type: ignore[union-attr]
        decay = 0.9 * (1 - np.exp(-step / 2.0))
        expected = decay * expected + (1 - decay) * step * 10
        average.update(module)
    averaged = average.module.state_dict()
    assert averaged["weight"].item() == pytest.approx(expected)
    assert averaged["num_batches_tracked"].item() == 3
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_figures_of_a_known_outcome() -> None:
    scores = (0.2, 0.2, 0.2, 0.2, 0.2)
    matched = tuple(MatchedDisc(t, a, (*scores, 0, 0)) for t, a in [(0, 0), (1, 2), (4, 1)])
    metrics = validation_metrics([GradeOutcome(matched, missed=(3,), false_alarms=(2, 2))])
    assert metrics.disc_recall == pytest.approx(3 / 4)
    assert metrics.exact == pytest.approx(1 / 3)
    assert metrics.within_one == pytest.approx(2 / 3)
    assert metrics.false_per_image == 2
    assert validation_metrics([GradeOutcome((), (1,), ())]).selection == 0


def test_the_weights_say_what_each_head_has_seen(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    split = split_patients(dataset, 0)
    real = describe(TrainingConfig(), dataset, split)
    assert real.trained_on(Label.PFIRRMANN_4, Plane.SAGITTAL) is TrainedOn.REAL
    assert real.trained_on(Label.HERNIATION, Plane.SAGITTAL) is TrainedOn.DERIVED
    for label in Label:
        assert real.trained_on(label, Plane.AXIAL) is TrainedOn.NOTHING
    assert real.trained_on(Label.HIZ, Plane.SAGITTAL) is TrainedOn.NOTHING
    assert len(real.training_patients) == len(split.train)
    assert not any(split.train[0] == known for known in real.training_patients)
    only_t2space = replace(
        dataset, truths=tuple(t for t in dataset.truths if Label.HERNIATION not in t.annotated)
    )
    mixed = describe(TrainingConfig(phantom_patients=3), only_t2space, split)
    assert mixed.trained_on(Label.HERNIATION, Plane.SAGITTAL) is TrainedOn.SYNTHETIC
    assert mixed.trained_on(Label.PFIRRMANN_1, Plane.SAGITTAL) is TrainedOn.REAL
