import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import openvino
import torch

from discern.imaging.disc_crop import CropRules
from discern.model.export import export_grader, fuse_normalisation, round_to_half
from discern.model.grader import Grader, GraderConfig, build_grader, grade_loss


@pytest.fixture(scope="module")
def grader() -> Grader:
    """A network whose batch norms have seen data."""
    torch.manual_seed(0)
    network = build_grader(GraderConfig())
    with torch.no_grad():
        for _ in range(4):
            network(torch.rand(8, 1, 64, 96))
    return network.eval()


def test_the_grade_does_not_hang_on_gain_and_offset(grader: Grader) -> None:
    crops = torch.rand(3, 1, 64, 96) * 0.5
    with torch.no_grad():
        torch.testing.assert_close(grader(crops * 1.6 + 0.1), grader(crops), atol=0.3, rtol=0)
        empty = grader(torch.full((1, 1, 64, 96), 0.4))
    assert torch.isfinite(empty).all()


def test_it_is_small(grader: Grader) -> None:
    assert sum(parameter.numel() for parameter in grader.parameters()) < 0.3e6


@pytest.mark.parametrize("rules", [CropRules(), CropRules(rows=40, columns=56)])
def test_the_exported_network_says_what_it_says_in_torch(grader: Grader, rules: CropRules) -> None:
    crops = np.random.default_rng(0).random((5, 1, rules.rows, rules.columns), dtype=np.float32)
    stored = round_to_half(fuse_normalisation(grader))
    with torch.no_grad():
        expected = stored(torch.from_numpy(crops)).softmax(dim=1).numpy()

    content = export_grader(grader, rules).SerializeToString()
    core, exact = openvino.Core(), {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(content), "CPU", exact)

    np.testing.assert_allclose(compiled(crops)["grades"], expected, atol=1e-4)


def test_the_loss_is_the_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 3.0]])

    loss = grade_loss(logits, torch.tensor([0, 3]))

    by_hand = -(2 - np.log(np.exp(2) + 4)) / 2 - (0 - np.log(np.exp(3) + 4)) / 2
    assert float(loss) == pytest.approx(by_hand, rel=1e-5)
