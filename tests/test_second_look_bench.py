"""The losses that the second look was tried with: what their numbers mean."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
        yield importlib.import_module("second_look")


@pytest.mark.parametrize("name", ["base", "weighted", "corn"])
def test_every_loss_is_least_at_the_truth_and_its_numbers_are_probabilities(
    bench: ModuleType, name: str
) -> None:
    arm, truth = bench.ARMS[name], torch.tensor([0, 1, 2, 3, 4])
    logits = torch.zeros(5, arm.outputs, requires_grad=True)
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
