"""Time of each stage of one study, and the network against eager PyTorch in the same run.

    python bench/study.py STUDY [--repeats 5]

Each stage is run ``--repeats`` times after one warm-up; the median is printed. The detector is
run in turn with the same network in eager PyTorch fp32; detector, second look and lesion network in
turn with the network of the configuration ``paper`` (same slices, same number of threads), so that
the ratios hold on a noisy machine: for the sagittal slices, and for those of both planes, all of
which that network reads whole. The whole command
(``discern analyze``) is timed as a process of its own with its peak memory.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from discern.imaging.geometry import usual_view
from discern.imaging.pixels import letterbox, window
from discern.imaging.reading import read_study
from discern.imaging.study import Study
from discern.inference.analyze import AnalysisOptions, analyze_study
from discern.inference.detect import BATCH_SLICES
from discern.inference.predictor import Candidates
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.model.detector import NetworkConfig, build_detector
from discern.model.export import export_onnx
from discern.reporting.page import render_page
from discern.spine import Plane
from discern.training.config import read_config
from discern.weights import Weights, embed, load_weights, shipped_weights

Call = tuple[str, np.ndarray]
"""Name of a method of the predictor, and what it was given."""


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of ``run`` after one warm-up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def network_inputs(study: Study, plane: Plane) -> np.ndarray:
    """Return the (B, H, W) network inputs of the slices of ``plane`` that are read."""
    rules = load_weights(shipped_weights()).metadata.preprocessing
    squares = []
    for slice_ in (one for series in study.used(plane) for one in series.slices):
        view = usual_view(slice_.geometry).apply(slice_.read())
        windowed = window(view, rules.low_percentile, rules.high_percentile)
        squares.append(letterbox(windowed, rules.size_px, slice_.view_spacing_mm)[0])
    return np.stack(squares)


def detector_calls(inputs: np.ndarray) -> list[Call]:
    """Return how the detector is asked for all of the (B, H, W) inputs."""
    return [("predict", batch) for batch in batches_of(inputs)]


def crops_of(calls: Sequence[Call]) -> int:
    """Return the number of crops among the calls."""
    return sum(len(values) for name, values in calls if name != "predict")


def batches_of(inputs: np.ndarray) -> list[np.ndarray]:
    """Return the (B, H, W) batches in which ``discern analyze`` reads the inputs."""
    return [inputs[i : i + BATCH_SLICES] for i in range(0, len(inputs), BATCH_SLICES)]


class Recorder:
    """Hands inputs on to the networks and keeps them, in order; tissue is not among them."""

    def __init__(self, predictor: OpenVinoPredictor) -> None:
        """Record what ``predictor`` is asked."""
        self._predictor = predictor
        self.calls: list[Call] = []

    def predict(self, images: np.ndarray) -> list[Candidates]:
        """Return the candidates of images (B, H, W)."""
        self.calls.append(("predict", images))
        return self._predictor.predict(images)

    def predict_grades(self, crops: np.ndarray) -> np.ndarray:
        """Return the opinions on crops (N, H, W)."""
        self.calls.append(("predict_grades", crops))
        return self._predictor.predict_grades(crops)

    def predict_lesions(self, views: np.ndarray) -> np.ndarray:
        """Return the lesions on crops (N, H, W)."""
        self.calls.append(("predict_lesions", views))
        return self._predictor.predict_lesions(views)

    def predict_tissues(self, images: np.ndarray) -> np.ndarray:
        """Return the tissues of images (B, H, W)."""
        return self._predictor.predict_tissues(images)


def asked(study: Study, predictor: OpenVinoPredictor, weights: Weights) -> list[Call]:
    """Return what finding, grading and lesions ask of the networks, sagittal slices first."""
    recorder = Recorder(predictor)
    analyze_study(study, recorder, weights, AnalysisOptions())
    return recorder.calls


def of_sagittal(calls: Sequence[Call], weights: Weights) -> list[Call]:
    """Return the calls that are not for crops of axial slices."""
    finder = weights.metadata.finder
    axial = (finder.axial.rows, finder.axial.columns) if finder else None
    return [one for one in calls if one[0] != "predict_lesions" or one[1].shape[1:] != axial]


def openvino_run(calls: Sequence[Call], predictor: OpenVinoPredictor) -> Callable[[], None]:
    """Return what asks the networks the same again, with OpenVINO."""

    def run() -> None:
        for name, values in calls:
            getattr(predictor, name)(values)

    return run


def eager_run(inputs: np.ndarray) -> Callable[[], None]:
    """Return what reads all inputs with the same network in eager PyTorch."""
    detector = build_detector(NetworkConfig()).eval()

    @torch.inference_mode()
    def run() -> None:
        for batch in batches_of(inputs):
            detector.decode(detector(torch.from_numpy(batch[:, None])))

    return run


def paper_predictor() -> OpenVinoPredictor:
    """Return the network of the configuration ``paper``; its time does not hang on its values."""
    about = load_weights(shipped_weights()).metadata
    network = export_onnx(build_detector(read_config("paper").network))
    return OpenVinoPredictor(Weights(embed(network, about), about, sha256=""))


def in_turn(
    ours: Callable[[], None], other: Callable[[], None], repeats: int
) -> tuple[float, float, float]:
    """Return the median seconds of both, and the median of other / ours, pair by pair."""
    pairs = [(seconds(ours, 1), seconds(other, 1)) for _ in range(repeats)]
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return medians[0], medians[1], statistics.median(b / a for a, b in pairs)


def whole_command(study: Path, repeats: int) -> tuple[float, float]:
    """Return the median wall seconds of ``discern analyze`` and its peak memory in MB."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "discern", "analyze", str(study), "--out", out]

        def run() -> None:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        wall = seconds(run, repeats)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return wall, peak_mb


def stages(folder: Path, repeats: int) -> dict[str, float]:
    """Return the median seconds of each stage."""
    weights = load_weights(shipped_weights())
    predictor = OpenVinoPredictor(weights)
    study = read_study(folder)
    findings = analyze_study(study, predictor, weights, AnalysisOptions()).findings

    def decode() -> None:  # anew: a study keeps what it has decoded
        for series in read_study(folder).series:
            for slice_ in series.slices if series.used else ():
                slice_.read()

    def analyze() -> None:
        analyze_study(read_study(folder), predictor, weights, AnalysisOptions())

    return {
        "read headers, select series": seconds(lambda: read_study(folder), repeats),
        "the same, decode used series": seconds(decode, repeats),
        "load and compile weights": seconds(
            lambda: OpenVinoPredictor(load_weights(shipped_weights())), repeats
        ),
        "read, decode, network, findings": seconds(analyze, repeats),
        "page": seconds(lambda: render_page(findings, study), repeats),
    }


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for name, value in stages(arguments.study, arguments.repeats).items():
        print(f"{name:36} {value:7.3f} s")
    study, weights = read_study(arguments.study), load_weights(shipped_weights())
    inputs, predictor = network_inputs(study, Plane.SAGITTAL), OpenVinoPredictor(weights)
    ours = openvino_run(detector_calls(inputs), predictor)
    shipped, eager, ratio = in_turn(ours, eager_run(inputs), arguments.repeats)
    print(f"{'network, OpenVINO fp32':36} {shipped:7.3f} s  ({len(inputs)} slices)")
    print(f"{'network, eager PyTorch fp32':36} {eager:7.3f} s  ({torch.get_num_threads()} threads)")
    print(f"{'eager PyTorch / OpenVINO':36} {ratio:7.2f} x  (median of pairs)")
    calls, paper = asked(study, predictor, weights), paper_predictor()
    axial = network_inputs(study, Plane.AXIAL)
    for planes, told, slices in (
        ("sagittal", of_sagittal(calls, weights), [inputs]),
        ("both planes", calls, [inputs, axial]),
    ):
        theirs = openvino_run([one for some in slices for one in detector_calls(some)], paper)
        other, shipped, ratio = in_turn(theirs, openvino_run(told, predictor), arguments.repeats)
        counts = f"({sum(map(len, slices))} slices, {crops_of(told)} crops)"
        print(f"{f'network of paper, {planes}':36} {other:7.3f} s")
        print(f"{f'all shipped networks, {planes}':36} {shipped:7.3f} s  {counts}")
        print(f"{f'shipped / paper, {planes}':36} {ratio:7.2f} x  (median of pairs)")
    wall, peak = whole_command(arguments.study, arguments.repeats)
    print(f"{'discern analyze, whole process':36} {wall:7.3f} s  peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
