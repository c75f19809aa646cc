"""Count false refusals and warnings on good studies, and what happens to bad ones.

    python bench/quality.py ../shared/data --out docs/results/quality [--head HEAD.nii.gz]

Good: every T2 slice of SPIDER, each as a study of its own, patients of even number (on which the
limits were chosen) beside those of odd number; the real study, the NIfTI volume, phantoms. Bad:
``bench/quality_inputs.py``. ``--head`` adds a real volume of a head, with its signal turned about
as well, which makes fluid bright.

Writes ``quality.csv`` (a row a kind) and ``quality.txt``. About 12 minutes on two cores.
"""

import argparse
import csv
import io
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import numpy as np

from discern.errors import NothingToAnalyze
from discern.imaging.reading import ReadOptions, read_study
from discern.inference.analyze import AnalysisOptions, analyze_study, look_at
from discern.inference.fitness import check_fit
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.sign_warnings import image_warnings
from discern.inference.spine_signs import signs_of
from discern.outputs import write_files
from discern.weights import Weights, load_weights, shipped_weights
from quality_inputs import (
    FRACTURED,
    OPERATED,
    Input,
    bad_phantoms,
    degraded,
    good_phantoms,
    real_others,
    spider,
)

CODES = (
    *("noisy_image", "blurred_image", "clipped_image", "coarse_pixels", "wide_field_of_view"),
    *("sparse_slices", "uneven_brightness", "fracture_signs", "surgery_signs", "implant_signs"),
)
_REPEATS = 15


@dataclass(slots=True)
class Tally:
    """What became of the studies of one kind."""

    good: bool
    studies: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    any_warning: int = 0


class Counting:
    """Runs studies and keeps a tally by kind."""

    def __init__(self, weights: Weights) -> None:
        """Load the network once."""
        self._weights = weights
        self._predictor = OpenVinoPredictor(weights)
        self.tallies: dict[str, Tally] = {}

    def run(self, inputs: Iterable[Input], *, good: bool) -> None:
        """Analyze each input and count refusals and warnings of ``CODES``."""
        for one in inputs:
            tally = self.tallies.setdefault(one.kind, Tally(good))
            tally.studies += 1
            try:
                codes = self._codes(one)
            except NothingToAnalyze as error:
                tally.refused[type(error).__name__] += 1
                continue
            tally.warned.update(codes)
            tally.any_warning += bool(codes)

    def _codes(self, one: Input) -> set[str]:
        options = AnalysisOptions(reading=ReadOptions(series=one.series))
        study = read_study(one.path, options.reading)
        analysis = analyze_study(study, self._predictor, self._weights, options)
        return {warning.code for warning in analysis.findings.warnings} & set(CODES)

    def cost_ms(self, path: Path) -> float:
        """Return the median processor time that the checks take in one study."""
        study = read_study(path)
        look = look_at(study, self._predictor, self._weights, AnalysisOptions())
        reading, tissues = look.reading, look.tissues
        if reading.series is None:
            return float("nan")
        spent = []
        for _ in range(_REPEATS):
            start = time.thread_time()
            signs = signs_of(reading.tracks, reading, tissues)
            check_fit(reading, look.chain, tissues, signs.void)
            image_warnings(reading.series, tissues)
            spent.append(1000 * (time.thread_time() - start))
        return float(np.median(spent))


def good_real(data: Path) -> Iterator[Input]:
    """Yield the real images that must be analyzed."""
    for half, even in (("even", True), ("odd", False)):
        for name, pattern in (("T2", "*_t2_mid.png"), ("T2-SPACE", "*_t2space_*.png")):
            for path in spider(data, pattern, even=even):
                yield Input(f"SPIDER {name}, {half} patients", path)
    yield Input("real study", data / "lumbar-study-dicom" / "study")
    yield Input("NIfTI volume", data / "lumbar-t2-nifti" / "t2_lumbar.nii.gz")


def told(data: Path) -> Iterator[Input]:
    """Yield the SPIDER slices of patients said to be operated on or fractured."""
    images = data / "spider-lumbar" / "images"
    for kind, patients in (("operated, SPIDER", OPERATED), ("fractured, SPIDER", FRACTURED)):
        for patient in patients:
            yield Input(kind, images / f"{patient}_t2_mid.png")


def heads(path: Path, folder: Path) -> Iterator[Input]:
    """Yield a volume of a head as it is and with its signal turned about."""
    image: Any = nibabel.load(path)
    volume = np.asarray(image.dataobj, np.float32)
    top = float(volume.max())
    turned = np.where(volume > 0.05 * top, 1.05 * top - volume, 0)
    for kind, values in (("real head, T1", volume), ("real head, turned about", turned)):
        target = folder / kind.replace(" ", "-").replace(",", "") / "volume.nii.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(type(image)(values, image.affine), target)
        yield Input(kind, target)


def table(tallies: dict[str, Tally]) -> str:
    """Return a CSV row a kind."""
    errors = sorted({name for one in tallies.values() for name in one.refused})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["kind", "good", "studies", "refused", *errors, "warned", *CODES])
    for kind, one in tallies.items():
        refused = [one.refused[name] for name in errors]
        warned = [one.warned[code] for code in CODES]
        total = one.refused.total()
        row = [kind, int(one.good), one.studies, total, *refused, one.any_warning, *warned]
        writer.writerow(row)
    return buffer.getvalue()


def summary(tallies: dict[str, Tally], cost_ms: float) -> str:
    """Return the table for people."""
    good = [one for one in tallies.values() if one.good]
    false = sum(one.refused.total() for one in good)
    lines = [
        f"Refused of {sum(one.studies for one in good)} good studies: {false}",
        f"Processor time of the checks, real study: {cost_ms:.0f} ms",
    ]
    for title, wanted in (("Good", True), ("To be refused or warned of", False)):
        lines += ["", f"{title:<36}{'studies':>8}{'refused':>8}{'warned':>8}  of these"]
        kinds = [(kind, one) for kind, one in tallies.items() if one.good is wanted]
        lines += [_line(kind, one) for kind, one in kinds]
    return "\n".join(lines) + "\n"


def _line(kind: str, one: Tally) -> str:
    counts = [*sorted(one.refused.items()), *sorted(one.warned.items())]
    parts = ", ".join(f"{name} {count}" for name, count in counts)
    total = one.refused.total()
    return f"{kind:<36}{one.studies:>8}{total:>8}{one.any_warning:>8}  {parts}".rstrip()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--head", type=Path)
    chosen = parser.parse_args(arguments)
    counting = Counting(load_weights(shipped_weights()))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        counting.run(good_real(chosen.data), good=True)
        counting.run(good_phantoms(folder / "good"), good=True)
        counting.run(bad_phantoms(folder / "bad"), good=False)
        counting.run(real_others(chosen.data, folder / "real"), good=False)
        if chosen.head:
            counting.run(heads(chosen.head, folder / "head"), good=False)
        counting.run(told(chosen.data), good=False)
        counting.run(degraded(chosen.data, folder / "degraded"), good=False)
    cost_ms = counting.cost_ms(chosen.data / "lumbar-study-dicom" / "study")
    text = summary(counting.tallies, cost_ms)
    rows = table(counting.tallies)
    write_files(chosen.out, {"quality.csv": rows.encode(), "quality.txt": text.encode()})
    print(text)


if __name__ == "__main__":
    main()
