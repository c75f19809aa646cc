"""Discs of the phantom beside real ones of the same grade, to look at.

    python bench/phantom_sheet.py ../shared/data/spider-lumbar --out sheet.png

One row a grade: real discs on the left, phantom discs on the right, each in a square 1.8 discs
wide, windowed by its own slice. The sheet shows patients and stays out of the repository.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from discern.annotations import GroundTruth
from discern.boxes import BoxArray
from discern.dataset.samples import read_image
from discern.dataset.sources import image_files, read_dataset
from discern.imaging.pixels import Image, window
from discern.phantom.draw import DrawSettings, draw_patient
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_sagittal
from discern.spine import GRADE_LABELS

SIDE_PX, WIDTHS, EACH, SEED = 150, 1.8, 6, 5_017
_ONE = Prescription(sagittal_slices=1)

Tiles = dict[int, list[PillowImage.Image]]


def real_slices(folder: Path, rng: np.random.Generator) -> Iterator[tuple[Image, GroundTruth]]:
    """Yield T2 middle slices in random order."""
    dataset = read_dataset(folder)
    files = image_files(folder)
    truths = [truth for truth in dataset.truths if truth.image.endswith("_t2_mid")]
    for index in rng.permutation(len(truths)):
        yield read_image(files[truths[index].image]), truths[index]


def phantom_slices() -> Iterator[tuple[Image, GroundTruth]]:
    """Yield the middle slice of one synthetic patient after the other."""
    for number in range(1000):
        draw = draw_patient(number, DrawSettings(seed=SEED, lesions=True))
        rng = np.random.default_rng(draw.seed)
        (one,) = render_sagittal(draw.parameters, rng, prescription=_ONE)
        yield one.image, one.truth


def tiles_of(slices: Iterable[tuple[Image, GroundTruth]], rng: np.random.Generator) -> Tiles:
    """Return ``EACH`` discs of every grade, at most one of a grade from a slice."""
    tiles: Tiles = {grade: [] for grade in range(len(GRADE_LABELS))}
    for image, truth in slices:
        shown = window(image, 1.0, 99.5)
        for grade, label in enumerate(GRADE_LABELS):
            boxes = truth.boxes_of((label,))
            if len(boxes) and len(tiles[grade]) < EACH:
                tiles[grade].append(tile(shown, boxes[rng.integers(len(boxes))]))
        if all(len(some) == EACH for some in tiles.values()):
            break
    return tiles


def tile(shown: Image, box: BoxArray) -> PillowImage.Image:
    """Return the square round a disc."""
    middle, half = (box[:2] + box[2:]) / 2, WIDTHS * (box[2] - box[0]) / 2
    grey = PillowImage.fromarray((np.clip(shown, 0, 1) * 255).astype(np.uint8))
    corners = (*(middle - half).round().astype(int), *(middle + half).round().astype(int))
    return grey.crop(corners).resize((SIDE_PX, SIDE_PX), PillowImage.Resampling.BICUBIC)


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    rng = np.random.default_rng(SEED)
    sides = tiles_of(real_slices(chosen.dataset, rng), rng), tiles_of(phantom_slices(), rng)
    gap = SIDE_PX // 4
    sheet = PillowImage.new("L", (2 * EACH * SIDE_PX + gap, len(GRADE_LABELS) * SIDE_PX), 255)
    pen = ImageDraw.Draw(sheet)
    for side, tiles in enumerate(sides):
        for grade, some in tiles.items():
            for index, one in enumerate(some):
                x = side * (EACH * SIDE_PX + gap) + index * SIDE_PX
                sheet.paste(one, (x, grade * SIDE_PX))
        for grade in tiles:
            name = f"{'phantom' if side else 'real'} {grade + 1}"
            pen.text((side * (EACH * SIDE_PX + gap) + 4, grade * SIDE_PX + 4), name, fill=255)
    sheet.save(chosen.out)
    print(f"picture: {chosen.out}")


if __name__ == "__main__":
    main()
