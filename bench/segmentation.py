"""Out-of-fold figures of the tissue network, and its maps for benches that need no training.

    discern train-segmenter DATASET --out runs/segmenter --fold-files docs/results/splits
    python bench/segmentation.py ../shared/data/spider-lumbar

Every image is segmented by the network of the fold that has not seen its patient. Writes
``docs/results/segmentation.txt`` and ``docs/results/levels/tissues.json``:

- Dice of disc, vertebra and canal by patient (mean of its slices), with 95 % bootstrap intervals
  over patients; T2-SPACE against SPIDER's reference masks, T2 middle slices against masks that
  another network made and nobody corrected: agreement with that network, not accuracy.
- The lumbosacral cue: mean probability of vertebra in a patch half a disc distance below each
  true disc box. The sacrum is no vertebra, so it is low below L5-S1 and high below all others.
- The same cue where the field of view ends just below it (cut 0.8 disc distances below the centre
  of L5-S1, and of L4-L5): can the lowest disc be named when next to nothing is seen below it?
- Milliseconds a slice.
"""

import argparse
import base64
import json
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from discern.annotations import GroundTruth
from discern.dataset.masks import dice, mask_file, read_mask
from discern.dataset.samples import network_input, read_image
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import read_split
from discern.errors import WeightsError
from discern.evaluation.bootstrap import draw_patients, figure
from discern.imaging.pixels import Letterbox, letterbox
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.tissue import in_view
from discern.networks import Preprocessing
from discern.quantities.slices import TissueSlice
from discern.spine import GRADE_LABELS, Tissue
from discern.weights import load_weights, patient_hash

GRID, STEPS = 104, 15
MIDDLE = "t2_mid"
RESAMPLES = 2000
PATCH = 0.2  # half the side of the patch, in disc distances
LUMBOSACRAL = 1  # SPIDER's number of the disc L5-S1; it counts upwards, 0 is S1-S2
KEPT = (Tissue.DISC, Tissue.VERTEBRA)
Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TissueMap:
    """Coarse out-of-fold probabilities of one image.

    Attributes:
        shape_px: Rows and columns of the image.
        probabilities: (4, GRID, GRID) in the order of ``Tissue``, of the letterboxed image; canal
            is not kept (zero), background is what disc and vertebra leave.
    """

    shape_px: tuple[int, int]
    probabilities: Maps

    def tissue_slice(self) -> TissueSlice:
        """Return the map at the size of its image, whose pixels are left black."""
        empty = np.zeros(self.shape_px, np.float32)
        fit = letterbox(empty, GRID)[1]
        maps = in_view(self.probabilities, fit, self.shape_px)
        return TissueSlice(0, empty, maps, None)


def read_tissue_maps(path: Path) -> dict[str, TissueMap]:
    """Read ``docs/results/levels/tissues.json``: out-of-fold maps by image."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return {name: _unpacked(item) for name, item in document["images"].items()}


def _packed(probabilities: Maps, shape_px: tuple[int, int]) -> dict[str, object]:
    """Return two maps in steps of 1/15, two values a byte, zlib, base64."""
    steps = np.rint(probabilities[list(KEPT)] * STEPS).astype(np.uint8).reshape(-1, 2)
    content = zlib.compress(((steps[:, 0] << 4) | steps[:, 1]).tobytes(), 9)
    return {"shape_px": list(shape_px), "maps": base64.b64encode(content).decode()}


def _unpacked(item: dict[str, object]) -> TissueMap:
    packed = np.frombuffer(zlib.decompress(base64.b64decode(str(item["maps"]))), np.uint8)
    steps = np.stack((packed >> 4, packed & 15), axis=1).reshape(len(KEPT), GRID, GRID)
    probabilities = np.zeros((len(Tissue), GRID, GRID), np.float32)
    probabilities[list(KEPT)] = steps / STEPS
    probabilities[Tissue.BACKGROUND] = 1 - probabilities.sum(axis=0)
    rows, columns = (int(value) for value in item["shape_px"])  # type: ignore[attr-defined]
    return TissueMap((rows, columns), probabilities)


@dataclass(frozen=True, slots=True)
class Segmented:
    """One image, segmented out of fold: (4, S, S) maps of the network input and their fit.

    ``cut`` says that the image was cut below its lowest disc.
    """

    truth: GroundTruth
    maps: Maps
    fit: Letterbox
    milliseconds: float
    cut: bool = False

    @property
    def probabilities(self) -> Maps:
        """(4, H, W) at the size of the image."""
        return in_view(self.maps, self.fit, self.truth.shape_px)


def segmented(dataset: Dataset, runs: Path, splits: Path) -> Iterator[Segmented]:
    """Yield every masked image of ``dataset``, segmented by the network of its fold."""
    for path in sorted(splits.glob("*.json")):
        split = read_split(path, dataset)
        weights = load_weights(runs / path.stem / "weights.onnx")
        about = weights.metadata.segmenter
        unseen = {patient_hash(dataset.name, patient) for patient in split.test}
        if about is None or unseen & set(about.training_patients):
            raise WeightsError(f"{path.stem}: no tissue network that has not seen the fold")
        predictor = OpenVinoPredictor(weights)
        yield from _fold(dataset, split.test, predictor, about.preprocessing)


def _fold(
    dataset: Dataset, patients: Sequence[str], predictor: OpenVinoPredictor, rules: Preprocessing
) -> Iterator[Segmented]:
    files = image_files(dataset.folder)
    predictor.predict_tissues(np.zeros((1, rules.size_px, rules.size_px), np.float32))
    for truth in dataset.of_patients(patients):
        image = read_image(files[truth.image])
        shown = [truth]
        if truth.image.endswith(MIDDLE):
            shown += filter(None, (cut_below(truth, disc) for disc in (LUMBOSACRAL, 2)))
        for one in shown:
            square, fit = network_input(image[: one.shape_px[0]], rules)
            started = time.perf_counter()
            maps = predictor.predict_tissues(square[None])[0]
            milliseconds = 1000 * (time.perf_counter() - started)
            yield Segmented(one, maps, fit, milliseconds, cut=one is not truth)


def cut_below(truth: GroundTruth, disc: int) -> GroundTruth | None:
    """Return ``truth`` as if the field of view ended 0.8 disc distances below a disc's centre.

    None where the disc or the one above it has no box, or nothing would be cut.
    """
    boxes = [b for b in truth.boxes if b.label in GRADE_LABELS and (b.disc or -1) >= disc]
    middles = {b.disc: (b.box_xyxy_px[1] + b.box_xyxy_px[3]) / 2 for b in boxes}
    if disc not in middles or disc + 1 not in middles:
        return None
    bottom = round(middles[disc] + 0.8 * (middles[disc] - middles[disc + 1]))
    rows, columns = truth.shape_px
    return replace(truth, shape_px=(bottom, columns), boxes=tuple(boxes)) if bottom < rows else None


def dices(one: Segmented, dataset: Dataset) -> dict[Tissue, float]:
    """Return the Dice of each tissue of one image against its mask."""
    mask = read_mask(mask_file(dataset, one.truth.image), one.truth.shape_px)
    predicted = one.probabilities.argmax(axis=0)
    return {tissue: dice(predicted, mask, tissue) for tissue in list(Tissue)[1:]}


def dice_lines(found: dict[str, list[dict[Tissue, float]]]) -> list[str]:
    """Return one line a tissue: the mean over patients of the mean over their slices."""
    draws = draw_patients(len(found), RESAMPLES, np.random.default_rng(0))
    lines = []
    for tissue in list(Tissue)[1:]:
        of_slices = [[one[tissue] for one in slices] for slices in found.values()]
        means = np.array([np.nanmean(values) for values in of_slices])
        result = figure(draws @ means / draws.sum(axis=1), "no patient")
        low, high = result.ci95 or (float("nan"), float("nan"))
        lines.append(
            f"  {tissue.name.lower():9} {means.mean():.3f} ({low:.3f} to {high:.3f}), "
            f"worst patient {means.min():.3f} ({list(found)[int(means.argmin())]})"
        )
    return lines


@dataclass(frozen=True, slots=True)
class Below:
    """The cue of one disc: mean probability of vertebra in the patch below it."""

    image: str
    disc: int
    vertebra: float


def below_discs(one: Segmented) -> list[Below]:
    """Return the cue of every true disc box that has a neighbour above and a patch in view."""
    boxes = [b for b in one.truth.boxes if b.label in GRADE_LABELS and b.disc is not None]
    boxes.sort(key=lambda box: box.disc or 0)  # foot to head
    corners = np.array([box.box_xyxy_px for box in boxes]).reshape(-1, 4)
    centers = (corners[:, :2] + corners[:, 2:]) / 2
    bone = one.probabilities[Tissue.VERTEBRA]
    found = []
    size_xy = bone.shape[::-1]
    for box, (here, above) in zip(boxes, pairwise(centers), strict=False):
        distance = float(np.linalg.norm(above - here))
        below = here - (above - here) / 2
        x, y = below
        reach = PATCH * distance
        rows = slice(max(round(y - reach), 0), round(y + reach) + 1)
        columns = slice(max(round(x - reach), 0), round(x + reach) + 1)
        if np.all(below >= reach) and np.all(below + reach <= size_xy):
            found.append(Below(one.truth.image, box.disc or 0, float(bone[rows, columns].mean())))
    return found


def cue_lines(found: Sequence[Below]) -> list[str]:
    """Return the AUC of the cue and the discs on the wrong side of one half."""
    named = [one for one in found if one.disc >= LUMBOSACRAL]
    lowest = np.array([one.disc == LUMBOSACRAL for one in named])
    cue = np.array([one.vertebra for one in named])
    wrong = [one for one in named if (one.vertebra < 0.5) != (one.disc == LUMBOSACRAL)]  # noqa: PLR2004
    remnants = [one for one in found if one.disc < LUMBOSACRAL]
    lines = [
        f"  discs {len(named)}, L5-S1 {lowest.sum()}; AUC {roc_auc_score(lowest, -cue):.4f}",
        f"  below L5-S1: median {np.median(cue[lowest]):.2f}, "
        f"95th percentile {np.percentile(cue[lowest], 95):.2f}; "
        f"below the others: median {np.median(cue[~lowest]):.2f}, "
        f"5th percentile {np.percentile(cue[~lowest], 5):.2f}",
        f"  on the wrong side of 0.5: {len(wrong)}: "
        + ", ".join(f"{one.image} disc {one.disc} {one.vertebra:.2f}" for one in wrong),
    ]
    if remnants:
        said = ", ".join(f"{one.image} {one.vertebra:.2f}" for one in remnants)
        lines.append(f"  below S1-S2 (well formed remnants): {said}")
    return lines


def main() -> None:
    """Write and print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/segmenter"))
    parser.add_argument("--splits", type=Path, default=Path("docs/results/splits"))
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    found: dict[str, dict[str, list[dict[Tissue, float]]]] = {
        kind: defaultdict(list) for kind in ("t2space", MIDDLE)
    }
    cues: list[Below] = []
    cut: list[Below] = []
    maps: dict[str, dict[str, object]] = {}
    times = []
    for one in segmented(dataset, arguments.runs, arguments.splits):
        middle = one.truth.image.endswith(MIDDLE)
        if one.cut:
            cut += below_discs(one)[:1]
            continue
        found[MIDDLE if middle else "t2space"][one.truth.patient].append(dices(one, dataset))
        times.append(one.milliseconds)
        if middle:
            cues += below_discs(one)
            coarse = letterboxed_grid(one)
            maps[one.truth.image] = _packed(coarse, one.truth.shape_px)
    text = [
        "Tissue network, out of fold (bench/segmentation.py)",
        "",
        f"Dice, T2-SPACE, SPIDER's reference masks ({len(found['t2space'])} patients):",
        *dice_lines(found["t2space"]),
        f"Dice, T2 middle slices, machine-made masks ({len(found['t2_mid'])} patients):",
        *dice_lines(found[MIDDLE]),
        "Lumbosacral cue, T2 middle slices, probability of vertebra below a true disc box:",
        *cue_lines(cues),
        "The same below the lowest disc of images cut just below it:",
        *cue_lines(cut),
        f"Milliseconds a slice, OpenVINO fp32 alone: median {statistics.median(times):.0f}",
    ]
    document = {
        "about": "out-of-fold probabilities of disc and vertebra; read by bench/segmentation.py",
        "tissues": [tissue.name.lower() for tissue in KEPT],
        "grid": GRID,
        "steps": STEPS,
        "images": dict(sorted(maps.items())),
    }
    (arguments.out / "segmentation.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    levels = arguments.out / "levels"
    levels.mkdir(exist_ok=True)
    (levels / "tissues.json").write_text(json.dumps(document) + "\n", encoding="utf-8")
    print("\n".join(text))


def letterboxed_grid(one: Segmented) -> Maps:
    """Return (4, GRID, GRID) maps: the letterboxed input in blocks of its mean."""
    channels, size, _ = one.maps.shape
    block = size // GRID
    blocks = one.maps.reshape(channels, GRID, block, GRID, block)
    grid: Maps = blocks.mean(axis=(2, 4))
    return grid


if __name__ == "__main__":
    main()
