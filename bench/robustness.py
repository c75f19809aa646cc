"""Kappa and recall on slices made worse step by step, several configurations side by side.

    python bench/robustness.py ../shared/data/spider-lumbar --fold-files docs/results/splits \
        --runs yolov5=runs/yolov5 paper=runs/paper best=runs/best \
        --images '*_t2_mid' --discs 1 6 --out docs/results/robustness

``FOLDER/fold-K.onnx`` are the fold weights of a configuration, K counting the split files by
name; every patient is read by the weights that have not seen them, others are refused. The
degradations and their severities are those of ``discern.dataset.degrade``; one seed for each image
and degradation, so that all severities and configurations see the same noise.

``OUT/robustness.csv`` has what became of every disc, a row for each configuration and severity: the
same command goes on where it stopped. Tables and drawings follow from that file alone
(``--tables-only``). ``--sheet`` draws the slices of a few patients at every severity and ends; it
shows patients and stays out of the repository.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from discern.annotations import GroundTruth
from discern.dataset.degrade import LADDERS, Contrast, Degradation, Subject, degraded, mean_contrast
from discern.dataset.masks import mask_file, read_mask
from discern.dataset.samples import read_image
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.dataset.splits import Split, read_fold_splits
from discern.dataset.strata import vendors_of
from discern.errors import UsageError
from discern.evaluation.agreement import Counts
from discern.evaluation.outcomes import grade_outcome
from discern.evaluation.predictions import confident
from discern.evaluation.robustness import (
    UNTOUCHED,
    Reading,
    Step,
    read_readings,
    readings_csv,
    robustness_files,
)
from discern.imaging.pixels import Image, window
from discern.inference.evaluate import Selection, boxes_of_images, refuse_overlap, selected_truths
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import check_folder, write_files
from discern.spine import GRADE_LABELS
from discern.weights import Weights, load_weights

SEED = 61_203
CSV = "robustness.csv"
TILE_PX = 220

Slice = tuple[Image, GroundTruth]


@dataclass(frozen=True, slots=True)
class Fold:
    """Weights, and the patients whom they may read."""

    weights: Weights
    predictor: OpenVinoPredictor
    patients: frozenset[str]

    def discs(self, slices: Sequence[Slice]) -> Iterator[tuple[str, Counts]]:
        """Yield patient and confusion of those slices that show one of the patients."""
        own = [one for one in slices if one[1].patient in self.patients]
        images = ((image, truth.plane) for image, truth in own)
        about = self.weights.metadata
        point = about.operating_point("default")
        found = boxes_of_images(images, self.predictor, about)
        for (_, truth), boxes in zip(own, found, strict=True):
            yield (
                truth.patient,
                grade_outcome(truth, confident(boxes, point, truth.plane)).confusion(),
            )


@dataclass(frozen=True, slots=True)
class Configuration:
    """A name, and one ``Fold`` for each split."""

    name: str
    folds: tuple[Fold, ...]

    def digest(self, about: str) -> str:
        """Return 16 hex digits of all fold weights and of ``about``."""
        decided = json.dumps([about, *(fold.weights.sha256 for fold in self.folds)])
        return hashlib.sha256(decided.encode()).hexdigest()[:16]

    def read(self, slices: Sequence[Slice]) -> Mapping[str, Counts]:
        """Return the (6, 6) confusion of every patient."""
        counts: dict[str, Counts] = {}
        for fold in self.folds:
            for patient, confusion in fold.discs(slices):
                counts[patient] = counts.get(patient, 0) + confusion
        return counts


def load_configuration(
    given: str, dataset: Dataset, splits: Sequence[Split], truths: Sequence[GroundTruth]
) -> Configuration:
    """Read the fold weights of ``NAME=FOLDER``.

    Raises:
        UsageError: Not of that form.
        WeightsError: A file is missing or no weights.
        DatasetError: Weights were trained on a patient whom they are to read.
    """
    name, _, folder = given.partition("=")
    if not folder:
        raise UsageError(f"--runs {given}: write NAME=FOLDER")
    folds = []
    for number, split in enumerate(splits, start=1):
        weights = load_weights(Path(folder) / f"fold-{number}.onnx")
        own = [truth for truth in truths if truth.patient in split.test]
        refuse_overlap(dataset, own, weights, allowed=False)
        folds.append(Fold(weights, OpenVinoPredictor(weights), frozenset(split.test)))
    return Configuration(name, tuple(folds))


def steps() -> list[tuple[Degradation | None, Step]]:
    """Return the untouched slices, then every severity of every degradation."""
    ladders = [
        (kind, Step(kind, ladder.unit, severity))
        for kind, ladder in LADDERS.items()
        for severity in ladder.severities
    ]
    return [(None, Step(UNTOUCHED, "", 0.0)), *ladders]


def contrasts(dataset: Dataset, truths: Sequence[GroundTruth]) -> Mapping[str, Contrast]:
    """Return, by patient, the mean contrast of the slices of other vendors.

    Raises:
        DatasetError: There are not two vendors.
    """
    files = image_files(dataset.folder)
    vendors = vendors_of(dataset)
    vendor_of = {patient: vendor for vendor, some in vendors.items() for patient in some}
    known = [truth for truth in truths if truth.patient in vendor_of]
    others = {
        vendor: mean_contrast(
            read_image(files[truth.image]) for truth in known if vendor_of[truth.patient] != vendor
        )
        for vendor in (*vendors, None)
    }
    return {truth.patient: others[vendor_of.get(truth.patient)] for truth in truths}


def subjects(
    dataset: Dataset, truths: Sequence[GroundTruth], patients: Sequence[str] | None
) -> list[Subject]:
    """Read the slices of ``patients`` (None: all) among ``truths``, with their tissue masks.

    Raises:
        DatasetError: An image or a mask is missing.
    """
    files, other = image_files(dataset.folder), contrasts(dataset, truths)
    return [
        Subject(
            read_image(files[truth.image]),
            truth,
            read_mask(mask_file(dataset, truth.image), truth.shape_px),
            other[truth.patient],
        )
        for truth in truths
        if patients is None or truth.patient in patients
    ]


def made_worse(subject: Subject, kind: Degradation | None, step: Step) -> Slice:
    """Return the slice at one step; chance depends on image and degradation alone."""
    if kind is None:
        return subject.image, subject.truth
    words = f"{kind} {subject.truth.image}".encode()
    return degraded(subject, kind, step.severity, np.random.default_rng([SEED, *words]))


def measure(
    configurations: Sequence[Configuration], everyone: Sequence[Subject], about: str, out: Path
) -> list[Reading]:
    """Read what the CSV lacks, step by step; return all readings in the order of the steps."""
    patients = tuple(sorted({one.truth.patient for one in everyone}))
    digests = {one.name: one.digest(about) for one in configurations}
    done = {
        (one.run, one.step): one
        for one in read_readings(out / CSV)
        if digests.get(one.run) == one.weights and one.patients == patients
    }
    started, before = time.monotonic(), len(done)
    for kind, step in steps():
        waiting = [one for one in configurations if (one.name, step) not in done]
        if not waiting:
            continue
        slices = [made_worse(one, kind, step) for one in everyone]
        for one in waiting:
            found = one.read(slices)
            counts = np.array([found[patient] for patient in patients])
            done[one.name, step] = Reading(one.name, digests[one.name], step, patients, counts)
        write_files(out, {CSV: readings_csv(in_order(done, configurations)).encode()})
        left = len(steps()) * len(configurations) - len(done)
        minutes = (time.monotonic() - started) / (len(done) - before) * left / 60
        print(f"{step.degradation} {step.severity:g}: {minutes:.0f} minutes left", flush=True)
    return in_order(done, configurations)


def in_order(
    done: Mapping[tuple[str, Step], Reading], configurations: Sequence[Configuration]
) -> list[Reading]:
    """Return what there is, step by step, configurations in the order given."""
    wanted = [(one.name, step) for _, step in steps() for one in configurations]
    return [done[key] for key in wanted if key in done]


def tile(one: Slice) -> PillowImage.Image:
    """Draw a slice as the network sees its brightness, with the boxes of its graded discs."""
    image, truth = one
    grey = PillowImage.fromarray((window(image, 0.5, 99.5) * 255).astype(np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(grey)
    for box in truth.boxes_of(GRADE_LABELS).tolist():
        pen.rectangle(box, outline="yellow")
    for place in truth.ignored:
        pen.rectangle(place, outline="red")
    grey.thumbnail((TILE_PX, TILE_PX))
    return grey


def write_sheet(shown: Sequence[Subject], file: Path) -> None:
    """Draw a row for each degradation and patient, a column for each severity."""
    rows = [(kind, one) for kind in LADDERS for one in shown]
    widest = 1 + max(len(ladder.severities) for ladder in LADDERS.values())
    sheet = PillowImage.new("RGB", (widest * TILE_PX, len(rows) * TILE_PX))
    pen = ImageDraw.Draw(sheet)
    for row, (kind, subject) in enumerate(rows):
        for column, severity in enumerate((0.0, *LADDERS[kind].severities)):
            step = Step(kind, LADDERS[kind].unit, severity)
            place = column * TILE_PX, row * TILE_PX
            sheet.paste(tile(made_worse(subject, kind, step)), place)
            pen.text((place[0] + 3, place[1] + 3), f"{kind} {severity:g}", fill="lime")
    sheet.save(file)


def parsed() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--fold-files", type=Path)
    parser.add_argument("--runs", nargs="+", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--images", default="*_t2_mid")
    parser.add_argument("--discs", nargs=2, type=int, default=[1, 6])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tables-only", action="store_true", help="from OUT/robustness.csv")
    parser.add_argument("--sheet", type=Path, help="draw --patients and end")
    parser.add_argument("--patients", nargs="+", help="only these, for a trial or a sheet")
    return parser.parse_args()


def main() -> None:
    """Read what is missing, write tables and drawings."""
    given = parsed()
    if given.tables_only:
        readings = read_readings(given.out / CSV)
    else:
        dataset = read_dataset(given.dataset)
        selection = Selection(images=given.images, discs=tuple(given.discs))
        truths = selected_truths(dataset, selection)
        if given.sheet:
            write_sheet(subjects(dataset, truths, given.patients), given.sheet)
            return
        check_folder(given.out)
        splits = read_fold_splits(given.fold_files, dataset)
        configurations = [load_configuration(r, dataset, splits, truths) for r in given.runs]
        about = f"{dataset.digest} {given.images} {given.discs} {SEED}"
        everyone = subjects(dataset, truths, given.patients)
        readings = measure(configurations, everyone, about, given.out)
    text, files = robustness_files(readings)
    write_files(given.out, files)
    print(text)


if __name__ == "__main__":
    main()
