"""The network on the CPU: OpenVINO reading the ONNX file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from discern.errors import WeightsError
from discern.inference.predictor import Candidates
from discern.weights import Weights

ENGINE = "openvino"
PRECISION = "fp32"


class OpenVinoPredictor:
    """Runs exported weights in fp32 on the CPU.

    Args:
        weights: Verified weights.
        threads: CPU threads; None lets OpenVINO choose.

    Raises:
        WeightsError: OpenVINO cannot compile the network.
    """

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        """Compile the network."""
        import openvino  # noqa: PLC0415 - half a second that only this class should cost

        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            network = core.read_model(weights.onnx_bytes)
            self._compiled = core.compile_model(network, "CPU", settings)
        except RuntimeError as error:
            raise WeightsError(f"OpenVINO cannot run these weights: {error}") from error

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        """Return the candidates of each image of a (B, H, W) batch with values in 0..1."""
        outputs = self._compiled(np.ascontiguousarray(images[:, None]))
        boxes = np.asarray(outputs["boxes"], dtype=np.float64)  # (B, N, 4)
        scores = np.asarray(outputs["scores"], dtype=np.float64)  # (B, N, 7)
        return [Candidates(*pair) for pair in zip(boxes, scores, strict=True)]
