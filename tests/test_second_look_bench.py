"""What the second look was tried with: what the numbers of each arm mean, how it starts."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from discern.dataset.disc_samples import GradedDisc  # noqa: E402
from discern.training.config import Precision  # noqa: E402


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
        yield importlib.import_module("second_look")


@pytest.mark.parametrize("name", ["base", "weighted", "corn", "push-pull"])
def test_every_loss_is_least_at_the_truth_and_its_numbers_are_probabilities(
    bench: ModuleType, name: str
) -> None:
    arm, truth = bench.ARMS[name], torch.tensor([0, 1, 2, 3, 4])
    network = arm.network(bench.build_grader(bench.GradingConfig().network)).eval()
    width = network(torch.zeros(1, 1, 64, 96)).shape[1]
    logits = torch.zeros(5, width, requires_grad=True)
    for _ in range(400):
        (gradient,) = torch.autograd.grad(arm.loss(logits, truth), logits)
        logits = (logits - 2 * gradient).detach().requires_grad_()

    said = arm.probabilities(logits.detach())

    assert said.shape == (5, 5)
    torch.testing.assert_close(said.sum(dim=1), torch.ones(5))
    assert said.argmax(dim=1).tolist() == truth.tolist()
    assert arm.loss(logits, truth) < arm.loss(logits, truth.flip(0))


def test_a_far_error_costs_more_where_it_should(bench: ModuleType) -> None:
    truth, near, far = torch.tensor([0]), torch.eye(5)[[1]] * 6, torch.eye(5)[[4]] * 6

    assert bench.ARMS["base"].loss(near, truth) == bench.ARMS["base"].loss(far, truth)
    assert bench.ARMS["weighted"].loss(near, truth) < bench.ARMS["weighted"].loss(far, truth)


def test_push_pull_gathers_a_grade_and_parts_two(bench: ModuleType) -> None:
    grades = torch.tensor([0, 0, 1, 1])
    logits, features = torch.zeros(4, 5), torch.eye(4)
    together, apart = features[[0, 0, 1, 1]], features[[0, 1, 0, 1]]
    same = features[[0, 0, 0, 0]]

    def loss(of: Any) -> float:  # noqa: ANN401 - torch is there or the test is skipped
        return float(bench.push_pull(torch.cat([logits, of], dim=1), grades))

    assert loss(together) < loss(same) < loss(apart)
    assert loss(together) == pytest.approx(float(bench.grade_loss(logits, grades)))


def test_a_network_that_learns_without_grades_knows_twins(bench: ModuleType) -> None:
    torch.manual_seed(0)
    views = torch.randn(64, 16)
    same, other = torch.cat([views, views]), torch.cat([views, torch.randn(64, 16)])

    assert bench.twin_loss(same, None) < bench.twin_loss(other, None)


def test_pretraining_starts_the_grader(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "TWIN_EPOCHS", 1)
    rng = np.random.default_rng(0)
    discs = [
        GradedDisc(rng.random((64, 64)).astype(np.float16), (10.0, 20.0, 50.0, 40.0), n % 5, str(n))
        for n in range(16)
    ]
    config = replace(bench.GradingConfig(), batch_size=8, precision=Precision.FP32)

    grader = bench.pretrained_on(discs, config)

    fresh = bench.build_grader(config.network)
    assert grader.state_dict().keys() == fresh.state_dict().keys()
    assert grader(torch.zeros(2, 1, 64, 96)).shape == (2, 5)
