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


@pytest.mark.parametrize("name", ["base", "weighted", "corn", "push-pull", "soft"])
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
    for name in ("weighted", "soft"):
        assert bench.ARMS[name].loss(near, truth) < bench.ARMS[name].loss(far, truth)


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


def test_views_of_a_disc_are_larger_smaller_and_moved(bench: ModuleType) -> None:
    crop = torch.zeros(1, 1, 64, 96)
    crop[0, 0, 24:40, 36:60] = 1

    as_it_is, *others = bench.moved_views(crop)

    torch.testing.assert_close(as_it_is, crop)
    larger, smaller, left, right, up, down = (view[0, 0] for view in others)
    assert larger.sum() > crop.sum() > smaller.sum()
    columns, rows = torch.arange(96.0), torch.arange(64.0)
    across = [float((view.sum(0) * columns).sum() / view.sum()) for view in (left, right)]
    downwards = [float((view.sum(1) * rows).sum() / view.sum()) for view in (up, down)]
    assert across == pytest.approx([47.5 - 2.88, 47.5 + 2.88], abs=0.1)
    assert downwards == pytest.approx([31.5 - 1.92, 31.5 + 1.92], abs=0.1)


def test_the_answer_to_several_views_is_their_mean(bench: ModuleType) -> None:
    brighter = replace(bench.ARMS["base"], views=lambda crops: [crops, crops + 1])

    def says(crops: Any) -> Any:  # noqa: ANN401
        return torch.nn.functional.one_hot((crops[:, 0, 0, 0] > 0).long(), 5) * 100.0

    network = torch.nn.Module()
    network.forward = says
    said = bench.TorchGrader(network, brighter).predict_grades(np.zeros((2, 4, 4), np.float32))

    np.testing.assert_allclose(said, [[0.5, 0.5, 0, 0, 0]] * 2, atol=1e-6)


def test_synthetic_discs_have_a_grade(bench: ModuleType) -> None:
    discs = bench.phantom_discs(1)

    assert len(discs) >= 15
    assert {disc.grade for disc in discs} <= set(range(5))
    assert bench.phantom_discs(0) == []
