"""Zones planted in real slices of patients that the weights have not seen, beside sham twins.

    python bench/planted.py ../shared/data/spider-lumbar --weights WEIGHTS \
        --split docs/results/splits/fold-1.json --out docs/results/planted

One planted and one sham slice of each T2 middle slice of the validation and test patients, drawn
by the renderer that training does not use. A planted zone is found where the centre of a box lies
inside its box. An alarm on a sham slice is counted as false, though the slice may hold a real zone
that nobody has labelled: those at the same place on the untouched slice are counted beside.
``--gallery`` draws what was planted, found and missed; it shows patients and stays out of the
repository.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw

from discern.annotations import GroundTruth
from discern.boxes import iou
from discern.dataset.plant import Planted
from discern.dataset.plant_samples import Planting, planted_slices
from discern.dataset.plant_shapes import Renderer
from discern.dataset.samples import read_image
from discern.dataset.sources import image_files, read_dataset
from discern.dataset.splits import read_split
from discern.evaluation.bootstrap import draw_patients, figure, figure_json
from discern.evaluation.matching import Criterion, boxes_array, match, scores_array
from discern.evaluation.predictions import PredictedBox
from discern.imaging.pixels import Image
from discern.inference.evaluate import boxes_of_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import write_files
from discern.spine import Label, Plane
from discern.weights import WeightsMetadata, load_weights

SEED, RESAMPLES = 77_001, 2000
ALARMS_A_SLICE = 0.2
_SAME_PLACE = 0.2
_CROP_PX, _ZOOM = 90, 3


@dataclass(frozen=True, slots=True)
class Answer:
    """One patient: the scores of found zones (NaN where missed), and of alarms on the sham.

    ``also_untouched`` says which alarms the untouched slice has at the same place.
    """

    found: NDArray[np.float64]
    alarms: NDArray[np.float64]
    also_untouched: NDArray[np.bool_]


class Reader:
    """Zones that weights see on an image."""

    def __init__(self, path: Path) -> None:
        """Load the weights."""
        weights = load_weights(path)
        self.about: WeightsMetadata = weights.metadata
        self.sha256 = weights.sha256
        self._predictor = OpenVinoPredictor(weights)

    def zones(self, image: Image) -> list[PredictedBox]:
        """Return boxes of zones down to a low score, in image pixels."""
        boxes = next(boxes_of_images([(image, Plane.SAGITTAL)], self._predictor, self.about))
        return [box for box in boxes if box.label is Label.HIZ]


def answer(reader: Reader, one: Planted, untouched: Image) -> Answer:
    """Read the planted slice, its sham twin and the untouched slice."""
    lesions = one.truth.boxes_of((Label.HIZ,))
    boxes = reader.zones(one.image)
    scores = scores_array(boxes)
    chosen = match(lesions, boxes_array(boxes), scores, Criterion.CENTER_INSIDE)
    found = np.full(len(lesions), np.nan)
    found[chosen[chosen >= 0]] = scores[chosen >= 0]
    sham, before = reader.zones(one.sham), reader.zones(untouched)
    overlap = iou(boxes_array(sham), boxes_array(before))
    same = overlap.max(axis=1, initial=0.0) >= _SAME_PLACE
    return Answer(found, scores_array(sham), same)


def figures(answers: Sequence[Answer], threshold: float) -> dict[str, object]:
    """Return recall and false alarms a sham slice, with intervals over patients."""
    draws = draw_patients(len(answers), RESAMPLES, np.random.default_rng(SEED))
    zones = np.array([len(one.found) for one in answers], float)
    hits = np.array([np.nansum(one.found >= threshold) for one in answers], float)
    alarms = np.array([(one.alarms >= threshold).sum() for one in answers], float)
    also = np.array(
        [((one.alarms >= threshold) & one.also_untouched).sum() for one in answers], float
    )
    return {
        "threshold": round(threshold, 4),
        "recall": _interval(draws @ hits, draws @ zones),
        "alarms_a_sham_slice": _interval(draws @ alarms, draws.sum(axis=1)),
        "of_them_on_the_untouched_slice_too": int(also.sum()),
        "zones": int(zones.sum()),
        "sham_slices": len(answers),
    }


def _interval(above: NDArray[np.float64], below: NDArray[np.float64]) -> dict[str, object]:
    return figure_json(figure(above / below, "no zone"))


def curve(answers: Sequence[Answer]) -> list[tuple[float, float, float]]:
    """Return (threshold, alarms a sham slice, recall), threshold falling."""
    found = np.concatenate([one.found for one in answers])
    alarms = np.concatenate([one.alarms for one in answers])
    every = np.unique(np.concatenate((found[~np.isnan(found)], alarms)))[::-1]
    return [
        (float(t), float((alarms >= t).sum() / len(answers)), float((found >= t).mean()))
        for t in every
    ]


def bearable(points: Sequence[tuple[float, float, float]]) -> float:
    """Return the lowest threshold with at most ``ALARMS_A_SLICE``."""
    return min((t for t, alarms, _ in points if alarms <= ALARMS_A_SLICE), default=1.0)


def tile(one: Planted, untouched: Image, boxes: Sequence[PredictedBox]) -> PillowImage.Image:
    """Draw untouched, sham and planted slice about the zone: truth yellow, boxes green."""
    x1, y1, x2, y2 = one.truth.boxes_of((Label.HIZ,))[0]
    left, top = int((x1 + x2 - _CROP_PX) / 2), int((y1 + y2 - _CROP_PX) / 2)
    side = _CROP_PX * _ZOOM
    row = PillowImage.new("RGB", (3 * side, side))
    for place, image in enumerate((untouched, one.sham, one.image)):
        grey = np.clip(image / np.percentile(untouched, 99.5), 0, 1) * 255
        crop = PillowImage.fromarray(grey.astype(np.uint8)).crop(
            (left, top, left + _CROP_PX, top + _CROP_PX)
        )
        row.paste(crop.resize((side, side), PillowImage.Resampling.BICUBIC), (place * side, 0))
    pen = ImageDraw.Draw(row)
    for box, colour in [((x1, y1, x2, y2), "yellow"), *((b.box_xyxy_px, "lime") for b in boxes)]:
        a, b, c, d = box
        corners = [(a - left) * _ZOOM, (b - top) * _ZOOM, (c - left) * _ZOOM, (d - top) * _ZOOM]
        if corners[0] >= 0 and corners[2] < side:
            shifted = [corners[0] + 2 * side, corners[1], corners[2] + 2 * side, corners[3]]
            pen.rectangle(shifted, outline=colour)
    return row


def write_gallery(rows: Sequence[PillowImage.Image], out: Path) -> None:
    """Write all tiles as one PNG, three beside each other."""
    out.mkdir(parents=True, exist_ok=True)
    width, height = rows[0].size
    sheet = PillowImage.new("RGB", (3 * width, -(-len(rows) // 3) * height))
    for index, row in enumerate(rows):
        sheet.paste(row, (index % 3 * width, index // 3 * height))
    sheet.save(out / "planted.png")


def main() -> None:
    """Plant, read, count, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--images", default="_t2_mid")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gallery", type=Path)
    chosen = parser.parse_args()
    dataset, reader = read_dataset(chosen.dataset), Reader(chosen.weights)
    split = read_split(chosen.split, dataset)
    truths: list[GroundTruth] = [
        truth
        for truth in dataset.of_patients((*split.validation, *split.test))
        if truth.image.endswith(chosen.images)
    ]
    files, answers, rows = image_files(dataset.folder), [], []
    for one in planted_slices(dataset, truths, Planting(Renderer.SAMPLED, SEED)):
        untouched = read_image(files[one.truth.image])
        answers.append(answer(reader, one, untouched))
        if chosen.gallery and len(one.truth.boxes_of((Label.HIZ,))):
            at = reader.about.operating_point("default").hiz_score
            seen = [box for box in reader.zones(one.image) if box.score >= at]
            rows.append(tile(one, untouched, seen))
    points = curve(answers)
    result = {
        "weights": {"name": reader.about.name, "sha256": reader.sha256},
        "split": chosen.split.name,
        "patients": len(answers),
        "at_operating_point": figures(answers, reader.about.operating_point("default").hiz_score),
        f"at_most_{ALARMS_A_SLICE}_alarms": figures(answers, bearable(points)),
        "froc": [[round(value, 4) for value in point] for point in points],
    }
    write_files(chosen.out, {"planted.json": (json.dumps(result, indent=1) + "\n").encode()})
    print(json.dumps({key: value for key, value in result.items() if key != "froc"}, indent=1))
    if rows:
        write_gallery(rows, chosen.gallery)


if __name__ == "__main__":
    main()
