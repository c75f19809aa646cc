"""The networks on the CPU: OpenVINO reading the ONNX file."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from discern.errors import WeightsError
from discern.inference.predictor import Candidates
from discern.networks import DETECTOR, FINDER, GRADER, SEGMENTER, Ends
from discern.weights import Weights

ENGINE = "openvino"
PRECISION = "fp32"


class OpenVinoPredictor:
    """Runs exported weights in fp32 on the CPU; all but the detector are compiled on first use.

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
            self._detector = self._compiled(DETECTOR)
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
        return np.array(outputs[SEGMENTER.outputs[0]], dtype=np.float32)

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (N, 5) probabilities of the grades of discs from their (N, H, W) crops in 0..1.

        Raises:
            WeightsError: The file holds no grading network.
        """
        outputs = self._grader(np.ascontiguousarray(crops[:, None]))
        return np.array(outputs[GRADER.outputs[0]], dtype=np.float64)

    def predict_lesions(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, 6, h/2, w/2) scores and distances of the lesions on (N, h, w) crops in 0..1.

        Raises:
            WeightsError: The file holds no lesion network.
        """
        outputs = self._finder(np.ascontiguousarray(views[:, None]))
        return np.array(outputs[FINDER.outputs[0]], dtype=np.float32)

    @cached_property
    def _segmenter(self) -> Any:  # noqa: ANN401 - openvino is imported on use
        return self._beside(SEGMENTER, "tissue")

    @cached_property
    def _grader(self) -> Any:  # noqa: ANN401
        return self._beside(GRADER, "grading")

    @cached_property
    def _finder(self) -> Any:  # noqa: ANN401
        return self._beside(FINDER, "lesion")

    def _beside(self, ends: Ends, kind: str) -> Any:  # noqa: ANN401
        if not any(ends.outputs[0] in output.get_names() for output in self._file.outputs):
            raise WeightsError(f"these weights hold no {kind} network")
        return self._compiled(ends)

    def _compiled(self, ends: Ends) -> Any:  # noqa: ANN401
        """Compile the part of the file between ``ends``: each network apart."""
        import openvino  # noqa: PLC0415

        results = [
            result
            for result in self._file.get_results()
            if result.output(0).get_names() & set(ends.outputs)
        ]
        needed = [one for one in self._file.get_parameters() if one.friendly_name == ends.input]
        part = openvino.Model(results, needed, "part")
        return self._core.compile_model(part, "CPU", self._settings)
