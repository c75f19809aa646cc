"""Zones planted in real slices of patients that the weights have not seen, beside sham twins.

    python bench/planted.py ../shared/data/spider-lumbar --out docs/results/planted \
        --weights RUN/fold-*/weights.onnx --split docs/results/splits/fold-*.json

As many weights as splits: each reads the validation and test patients of its split whose lesions
its network has not seen. Discs may be found by a detector that knows them: with a lesion network,
that alone has to be new to the patients.

One planted and one sham slice of each T2 middle slice, drawn by the renderer that training does not
use. A planted zone is found where the centre of a box lies inside its box. An alarm on a sham slice
may be a real zone that nobody has labelled, where the untouched slice has it at the same place:
those that the sham alone has are counted beside, but recall is given at a bearable number of all
of them. ``--gallery`` draws what was planted, found and
missed (``planted.png``), and the surest boxes on untouched slices (``untouched.png``), which are
not called false; it shows patients and stays out of the repository.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
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
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import Split, read_split
from discern.errors import DatasetError
from discern.evaluation.bootstrap import draw_patients, figure, figure_json
from discern.evaluation.matching import Criterion, boxes_array, match, scores_array
from discern.evaluation.predictions import PredictedBox
from discern.imaging.pixels import Image
from discern.inference.evaluate import boxes_of_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import write_files
from discern.spine import Label, Plane
from discern.weights import WeightsMetadata, load_weights, patient_hash

SEED, RESAMPLES = 77_001, 2000
ALARMS_A_SLICE, MOST_ALARMS = 0.2, 5.0
HITS_SHOWN = 24
_SAME_PLACE = 0.2
_CROP_PX, _ZOOM = 90, 3


@dataclass(frozen=True, slots=True)
class Answer:
    """One patient: the scores of found zones (NaN where missed), and of alarms on the sham.

    ``also_untouched`` says which alarms the untouched slice has at the same place; ``untouched``
    are the boxes there.
    """

    found: NDArray[np.float64]
    alarms: NDArray[np.float64]
    also_untouched: NDArray[np.bool_]
    untouched: tuple[PredictedBox, ...] = ()

    @property
    def own_alarms(self) -> NDArray[np.float64]:
        """Scores of the alarms that the sham alone has."""
        return self.alarms[~self.also_untouched]


class Reader:
    """Zones that weights see on an image."""

    def __init__(self, path: Path) -> None:
        """Load the weights."""
        weights = load_weights(path)
        self.about: WeightsMetadata = weights.metadata
        self.sha256 = weights.sha256
        self._predictor = OpenVinoPredictor(weights)
        point = self.about.operating_point("default")
        self.default_score = point.min_score(Label.HIZ, Plane.SAGITTAL)

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
    return Answer(found, scores_array(sham), same, tuple(before))


def figures(answers: Sequence[Answer], threshold: float) -> dict[str, object]:
    """Return recall and false alarms a sham slice, with intervals over patients."""
    draws = draw_patients(len(answers), RESAMPLES, np.random.default_rng(SEED))
    zones = np.array([len(one.found) for one in answers], float)
    hits = np.array([np.nansum(one.found >= threshold) for one in answers], float)
    alarms = np.array([(one.alarms >= threshold).sum() for one in answers], float)
    own = np.array([(one.own_alarms >= threshold).sum() for one in answers], float)
    return {
        "threshold": round(threshold, 4),
        "recall": _interval(draws @ hits, draws @ zones),
        "alarms_a_sham_slice": _interval(draws @ alarms, draws.sum(axis=1)),
        "of_the_sham_alone": _interval(draws @ own, draws.sum(axis=1)),
        "zones": int(zones.sum()),
        "sham_slices": len(answers),
    }


def _interval(above: NDArray[np.float64], below: NDArray[np.float64]) -> dict[str, object]:
    return figure_json(figure(above / below, "no zone"))


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold: alarms a sham slice, those of the sham alone, and recall."""

    threshold: float
    alarms: float
    own_alarms: float
    recall: float


def curve(answers: Sequence[Answer]) -> list[Point]:
    """Return the points of the FROC, threshold falling."""
    found = np.concatenate([one.found for one in answers])
    alarms = np.concatenate([one.alarms for one in answers])
    own = np.concatenate([one.own_alarms for one in answers])
    every = np.unique(np.concatenate((found[~np.isnan(found)], alarms)))[::-1]
    slices = len(answers)
    return [
        Point(
            threshold=float(t),
            alarms=float((alarms >= t).sum() / slices),
            own_alarms=float((own >= t).sum() / slices),
            recall=float((found >= t).mean()),
        )
        for t in every
    ]


def bearable(points: Sequence[Point]) -> float:
    """Return the lowest threshold with at most ``ALARMS_A_SLICE``."""
    return min((one.threshold for one in points if one.alarms <= ALARMS_A_SLICE), default=1.0)


def unseen(reader: Reader, dataset: Dataset, split: Split) -> list[str]:
    """Return the patients of ``split`` whose lesions the weights have not learned from.

    Raises:
        DatasetError: A test patient is not among them.
    """
    about = reader.about.finder or reader.about
    known = set(about.training_patients)
    new = [
        one
        for one in (*split.validation, *split.test)
        if patient_hash(dataset.name, one) not in known
    ]
    if not set(split.test) <= set(new):
        raise DatasetError("the weights have learned lesions from test patients of their split")
    return new


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


def hit_tile(image: Image, box: PredictedBox) -> PillowImage.Image:
    """Draw an untouched slice about one of its boxes, alone and with the box and its score."""
    x1, y1, x2, y2 = box.box_xyxy_px
    left, top = int((x1 + x2 - _CROP_PX) / 2), int((y1 + y2 - _CROP_PX) / 2)
    side = _CROP_PX * _ZOOM
    grey = np.clip(image / np.percentile(image, 99.5), 0, 1) * 255
    crop = PillowImage.fromarray(grey.astype(np.uint8)).crop(
        (left, top, left + _CROP_PX, top + _CROP_PX)
    )
    pair = PillowImage.new("RGB", (2 * side, side))
    large = crop.resize((side, side), PillowImage.Resampling.BICUBIC)
    pair.paste(large, (0, 0))
    pair.paste(large, (side, 0))
    pen = ImageDraw.Draw(pair)
    corners = [(x1 - left) * _ZOOM, (y1 - top) * _ZOOM, (x2 - left) * _ZOOM, (y2 - top) * _ZOOM]
    pen.rectangle([corners[0] + side, corners[1], corners[2] + side, corners[3]], outline="lime")
    pen.text((side + 4, 4), f"{box.score:.2f}", fill="lime")
    return pair


def write_gallery(rows: Sequence[PillowImage.Image], file: Path, beside: int) -> None:
    """Write all tiles as one PNG, ``beside`` in a row."""
    file.parent.mkdir(parents=True, exist_ok=True)
    width, height = rows[0].size
    sheet = PillowImage.new("RGB", (beside * width, -(-len(rows) // beside) * height))
    for index, row in enumerate(rows):
        sheet.paste(row, (index % beside * width, index // beside * height))
    sheet.save(file)


def main() -> None:
    """Plant, read, count, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--split", type=Path, nargs="+", required=True)
    parser.add_argument("--images", default="_t2_mid")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gallery", type=Path)
    chosen = parser.parse_args()
    if len(chosen.weights) != len(chosen.split):
        parser.error("give as many --weights as --split")
    dataset = read_dataset(chosen.dataset)
    files, answers, rows = image_files(dataset.folder), [], []
    hits: list[tuple[float, PillowImage.Image]] = []
    readers = [Reader(path) for path in chosen.weights]
    for reader, path in zip(readers, chosen.split, strict=True):
        truths: list[GroundTruth] = [
            truth
            for truth in dataset.of_patients(unseen(reader, dataset, read_split(path, dataset)))
            if truth.image.endswith(chosen.images)
        ]
        for one in planted_slices(dataset, truths, Planting(Renderer.SAMPLED, SEED)):
            untouched = read_image(files[one.truth.image])
            answers.append(answer(reader, one, untouched))
            if chosen.gallery and len(one.truth.boxes_of((Label.HIZ,))):
                at = reader.default_score
                seen = [box for box in reader.zones(one.image) if box.score >= at]
                rows.append(tile(one, untouched, seen))
                found = answers[-1].untouched[:3]
                hits += [(box.score, hit_tile(untouched, box)) for box in found]
    points = curve(answers)
    result = {
        "weights": [{"name": one.about.name, "sha256": one.sha256} for one in readers],
        "splits": [path.name for path in chosen.split],
        "patients": len(answers),
        "at_operating_point": figures(answers, readers[0].default_score),
        f"at_most_{ALARMS_A_SLICE}_alarms": figures(answers, bearable(points)),
        "froc": {
            "columns": ["threshold", "alarms", "alarms_of_the_sham_alone", "recall"],
            "points": [
                [round(value, 4) for value in astuple(point)]
                for point in points
                if point.alarms <= MOST_ALARMS
            ],
        },
    }
    write_files(chosen.out, {"planted.json": (json.dumps(result, indent=1) + "\n").encode()})
    print(json.dumps({key: value for key, value in result.items() if key != "froc"}, indent=1))
    if rows:
        write_gallery(rows, chosen.gallery / "planted.png", 3)
    if hits:
        surest = sorted(hits, key=lambda hit: -hit[0])[:HITS_SHOWN]
        write_gallery([picture for _, picture in surest], chosen.gallery / "untouched.png", 4)


if __name__ == "__main__":
    main()
