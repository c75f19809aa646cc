import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import onnx
import openvino
import torch
from numpy.typing import NDArray

from discern.errors import WeightsError
from discern.model.detector import Detector, NetworkConfig, NetworkSize, build_detector
from discern.model.export import export_onnx, fuse_normalisation, round_to_half

SHAPES = [(1, 64, 64), (3, 96, 64), (2, 128, 160)]  # batch, height, width; none is the traced one


def _trained(config: NetworkConfig) -> Detector:
    """A network whose batch norms have seen data and whose biases are not their priors."""
    torch.manual_seed(0)
    detector = build_detector(config)
    with torch.no_grad():
        for _ in range(8):
            detector(torch.rand(4, 1, 96, 96))
        for predict in detector.head.predictions:
            predict.get_parameter("bias").normal_()
    return detector


def _run(network: onnx.ModelProto, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    core = openvino.Core()
    model = core.read_model(network.SerializeToString())
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = compiled(images)
    return [outputs["boxes"], outputs["scores"]]


def _images(batch: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(batch).random((batch, 1, height, width), dtype=np.float32)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return _trained(NetworkConfig())


@pytest.fixture(scope="module")
def network(detector: Detector) -> onnx.ModelProto:
    return export_onnx(detector)


@pytest.mark.parametrize("shape", SHAPES)
def test_openvino_agrees_with_torch_of_the_same_rounded_weights(
    detector: Detector, network: onnx.ModelProto, shape: tuple[int, int, int]
) -> None:
    images = _images(*shape)
    rounded = round_to_half(fuse_normalisation(detector))
    with torch.no_grad():
        boxes, scores = rounded.decode(rounded(torch.from_numpy(images)))

    got_boxes, got_scores = _run(network, images)

    np.testing.assert_allclose(got_boxes, boxes.numpy(), atol=1e-3)  # pixels
    np.testing.assert_allclose(got_scores, scores.numpy(), atol=1e-5)


def test_rounding_the_weights_moves_boxes_less_than_a_tenth_of_a_pixel(
    detector: Detector, network: onnx.ModelProto
) -> None:
    images = _images(2, 128, 128)
    exact = build_detector(NetworkConfig())
    exact.load_state_dict(detector.state_dict())
    with torch.no_grad():
        boxes, scores = exact.eval().decode(exact(torch.from_numpy(images)))

    got_boxes, got_scores = _run(network, images)

    np.testing.assert_allclose(got_boxes, boxes.numpy(), atol=0.1)
    np.testing.assert_allclose(got_scores, scores.numpy(), atol=0.002)


def test_without_objectness_the_scores_are_the_classes_alone() -> None:
    detector = _trained(NetworkConfig(objectness=False))
    images = _images(1, 64, 64)
    with torch.no_grad():
        maps = detector.eval()(torch.from_numpy(images))
    classes = torch.cat([raw[..., 5:].sigmoid().reshape(-1, 7) for raw in maps])

    _, scores = _run(export_onnx(detector), images)

    np.testing.assert_allclose(scores[0], classes.numpy(), atol=0.002)


def test_the_file_holds_two_bytes_a_weight(detector: Detector, network: onnx.ModelProto) -> None:
    weights = sum(parameter.numel() for parameter in detector.parameters())

    assert 2 * weights < len(network.SerializeToString()) < 2.1 * weights
    large = [t for t in network.graph.initializer if np.prod(t.dims) > 1000]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}
    assert not any(tensor.external_data for tensor in network.graph.initializer)


def test_names_and_dynamic_shapes(network: onnx.ModelProto) -> None:
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*network.graph.input, *network.graph.output)
    }

    assert shapes["images"] == ["batch", 1, "height", "width"]
    assert shapes["boxes"][0] == shapes["scores"][0] == "batch"
    assert shapes["boxes"][2] == 4
    assert shapes["scores"][2] == 7
    assert [entry.version for entry in network.opset_import] == [17]


def test_the_size_s_network_with_both_modules_stays_under_20_mb() -> None:
    exported = export_onnx(build_detector(NetworkConfig(size=NetworkSize.S)))

    assert len(exported.SerializeToString()) < 20e6


def test_two_exports_are_identical_and_leave_the_detector_as_it_was(detector: Detector) -> None:
    detector.train()
    before = {name: value.clone() for name, value in detector.state_dict().items()}

    first, second = export_onnx(detector), export_onnx(detector)

    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )
    assert detector.training
    for name, value in detector.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_a_weight_that_fp16_cannot_hold_is_refused() -> None:
    detector = build_detector(NetworkConfig())
    with torch.no_grad():
        detector.backbone.stem.conv.weight[0, 0, 0, 0] = 1e6

    with pytest.raises(WeightsError, match="does not fit fp16"):
        export_onnx(detector)
