"""Time of each stage of one study, and the network against eager PyTorch in the same run.

    python bench/study.py STUDY [--repeats 5]

Each stage is run ``--repeats`` times after one warm-up; the median is printed. The detector is
run in turn with the same network in eager PyTorch fp32; detector and second look in turn with the
network of the configuration ``paper`` (same inputs, same number of threads), so that the ratios
hold on a noisy machine. The whole command
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
from discern.inference.detect import BATCH_SLICES, SeriesDetector
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.sagittal import read_sagittal
from discern.inference.second_look import SecondLook
from discern.model.detector import NetworkConfig, build_detector
from discern.model.export import export_onnx
from discern.postprocess import PostprocessConfig
from discern.reporting.page import render_page
from discern.spine import Plane
from discern.training.config import read_config
from discern.weights import Weights, embed, load_weights, shipped_weights


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of ``run`` after one warm-up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def network_inputs(study: Study) -> np.ndarray:
    """Return the (B, H, W) network inputs of the sagittal series."""
    rules = load_weights(shipped_weights()).metadata.preprocessing
    squares = []
    for slice_ in study.used(Plane.SAGITTAL)[0].slices:
        view = usual_view(slice_.geometry).apply(slice_.read())
        windowed = window(view, rules.low_percentile, rules.high_percentile)
        squares.append(letterbox(windowed, rules.size_px, slice_.spacing_mm)[0])
    return np.stack(squares)


def batches_of(inputs: np.ndarray) -> list[np.ndarray]:
    """Return the (B, H, W) batches in which ``discern analyze`` reads the inputs."""
    return [inputs[i : i + BATCH_SLICES] for i in range(0, len(inputs), BATCH_SLICES)]


class Recorder:
    """Hands crops on to a grading network and keeps them, slice by slice."""

    def __init__(self, predictor: OpenVinoPredictor) -> None:
        """Record what ``predictor`` is asked."""
        self._predictor = predictor
        self.crops: list[np.ndarray] = []

    def predict_grades(self, crops: np.ndarray) -> np.ndarray:
        """Return the opinions on crops (N, H, W)."""
        self.crops.append(crops)
        return self._predictor.predict_grades(crops)


def second_look_crops(study: Study, predictor: OpenVinoPredictor) -> list[np.ndarray]:
    """Return what the second look is shown of the sagittal series, slice by slice."""
    about, plane = load_weights(shipped_weights()).metadata, Plane.SAGITTAL
    recorder = Recorder(predictor)
    thresholds = PostprocessConfig.at(about.operating_point("default"), plane)
    detector = SeriesDetector(predictor, about.preprocessing, thresholds)
    read_sagittal(study.used(plane)[0], detector, SecondLook.of(recorder, about, plane))
    return recorder.crops


def openvino_run(
    inputs: np.ndarray, predictor: OpenVinoPredictor, crops: Sequence[np.ndarray] = ()
) -> Callable[[], None]:
    """Return what reads all inputs, and then all crops, with OpenVINO."""

    def run() -> None:
        for batch in batches_of(inputs):
            predictor.predict(batch)
        for discs in crops:
            predictor.predict_grades(discs)

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
    used = [slice_ for series in study.series if series.used for slice_ in series.slices]
    return {
        "read headers, select series": seconds(lambda: read_study(folder), repeats),
        "decode pixels of used series": seconds(lambda: [s.read() for s in used], repeats),
        "load and compile weights": seconds(
            lambda: OpenVinoPredictor(load_weights(shipped_weights())), repeats
        ),
        "decode, network, levels, findings": seconds(
            lambda: analyze_study(study, predictor, weights, AnalysisOptions()), repeats
        ),
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
    inputs = network_inputs(read_study(arguments.study))
    predictor = OpenVinoPredictor(load_weights(shipped_weights()))
    ours = openvino_run(inputs, predictor)
    shipped, eager, ratio = in_turn(ours, eager_run(inputs), arguments.repeats)
    print(f"{'network, OpenVINO fp32':36} {shipped:7.3f} s  ({len(inputs)} slices)")
    print(f"{'network, eager PyTorch fp32':36} {eager:7.3f} s  ({torch.get_num_threads()} threads)")
    print(f"{'eager PyTorch / OpenVINO':36} {ratio:7.2f} x  (median of pairs)")
    crops = second_look_crops(read_study(arguments.study), predictor)
    both = openvino_run(inputs, predictor, crops)
    paper, shipped, ratio = in_turn(
        openvino_run(inputs, paper_predictor()), both, arguments.repeats
    )
    print(f"{'network of paper, OpenVINO fp32':36} {paper:7.3f} s")
    print(f"{'shipped with second look':36} {shipped:7.3f} s  ({sum(map(len, crops))} discs)")
    print(f"{'shipped with second look / paper':36} {ratio:7.2f} x  (median of pairs)")
    wall, peak = whole_command(arguments.study, arguments.repeats)
    print(f"{'discern analyze, whole process':36} {wall:7.3f} s  peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
