"""The networks on the CPU: OpenVINO reading the ONNX file."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from discern.errors import WeightsError
from discern.inference.predictor import Candidates
from discern.weights import DETECTOR_OUTPUTS, TISSUE_INPUT, TISSUE_OUTPUT, Weights

ENGINE = "openvino"
PRECISION = "fp32"


class OpenVinoPredictor:
    """Runs exported weights in fp32 on the CPU; the tissue network is compiled on first use.

    Args:
        weights: Verified weights.
        threads: CPU threads; None lets OpenVINO choose.

    Raises:
        WeightsError: OpenVINO cannot compile the network.
    """

    def __init__(self, weights: Weights, threads: int | None = None) -> None:
        """Read the file and compile the detector."""
        import openvino  # noqa: PLC0415 - half a second that only this class should cost

        self._settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        try:
            self._core = openvino.Core()
            self._file = self._core.read_model(weights.onnx_bytes)
            self._detector = self._compiled(DETECTOR_OUTPUTS)
        except RuntimeError as error:
            raise WeightsError(f"OpenVINO cannot run these weights: {error}") from error

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        """Return the candidates of each image of a (B, H, W) batch with values in 0..1."""
        outputs = self._detector(np.ascontiguousarray(images[:, None]))
        boxes = np.asarray(outputs["boxes"], dtype=np.float64)  # (B, N, 4)
        scores = np.asarray(outputs["scores"], dtype=np.float64)  # (B, N, 7)
        return [Candidates(*pair) for pair in zip(boxes, scores, strict=True)]

    def predict_tissues(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (B, 4, H, W) probabilities in the order of ``Tissue`` of a (B, H, W) batch.

        Raises:
            WeightsError: The file holds no tissue network.
        """
        outputs = self._segmenter(np.ascontiguousarray(images[:, None]))
        return np.array(outputs[TISSUE_OUTPUT], dtype=np.float32)

    @cached_property
    def _segmenter(self) -> Any:  # noqa: ANN401 - openvino is imported on use
        if not any(TISSUE_OUTPUT in output.get_names() for output in self._file.outputs):
            raise WeightsError("these weights hold no tissue network")
        return self._compiled((TISSUE_OUTPUT,))

    def _compiled(self, outputs: tuple[str, ...]) -> Any:  # noqa: ANN401
        """Compile the part of the file that computes ``outputs``: each network apart."""
        import openvino  # noqa: PLC0415

        results = [
            result
            for result in self._file.get_results()
            if result.output(0).get_names() & set(outputs)
        ]
        needed = [
            parameter
            for parameter in self._file.get_parameters()
            if (parameter.friendly_name == TISSUE_INPUT) == (TISSUE_OUTPUT in outputs)
        ]
        part = openvino.Model(results, needed, "part")
        return self._core.compile_model(part, "CPU", self._settings)
