"""What a reader drew, in a folder of LabelMe files, as predictions for the images of the truth."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from discern import boxes as box_ops
from discern.annotations import GroundTruth, TruthBox, read_labelme
from discern.errors import DatasetError
from discern.evaluation.matching import MAX_OVERLAP_OF_GRADES
from discern.evaluation.predictions import PredictedBox, Predictions
from discern.spine import GRADE_LABELS, Plane

CERTAIN = 1.0
"""The score of every box of a reader: people draw, or do not."""

_LISTED = 5


def read_reader(folder: Path, truths: Sequence[GroundTruth], known: Collection[str]) -> Predictions:
    """Return the boxes of one reader on the images of ``truths``, all with score 1.

    A file without shapes means: looked at, nothing found. There is no class score, so no AUC.

    Args:
        folder: ``annotations/*.json`` in it, else ``*.json``.
        truths: The images to be read.
        known: All images of the data set: files for others of these are left aside.

    Raises:
        DatasetError: The folder holds no annotations, an image of the truth was not read, a file
            is of no image of the data set, or a file cannot be used; folder and file are named.
    """
    files = _files(folder)
    _require_the_images(folder.name, files, [truth.image for truth in truths], known)
    return {truth.image: _read(folder.name, files[truth.image], truth) for truth in truths}


def _files(folder: Path) -> Mapping[str, Path]:
    inside = folder / "annotations"
    files = {path.stem: path for path in (inside if inside.is_dir() else folder).glob("*.json")}
    if not files:
        raise DatasetError(
            f"{folder.name}: no annotations there; name a folder of LabelMe files (*.json), "
            "or one with a folder annotations/ of them"
        )
    return files


def _require_the_images(
    reader: str, files: Mapping[str, Path], images: Sequence[str], known: Collection[str]
) -> None:
    missing = sorted(set(images) - set(files))
    if missing:
        raise DatasetError(
            f"{reader}: {len(missing)} of the {len(images)} images have no annotation "
            f"({_few(missing)}); a reader reads every image: save a file without shapes where "
            "nothing was found, or choose the images that were read with --images or --split"
        )
    strange = sorted(set(files) - set(known))
    if strange:
        raise DatasetError(
            f"{reader}: {len(strange)} annotations are of no image of the truth "
            f"({_few([f'{name}.json' for name in strange])}); name them as the images are named"
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _read(reader: str, path: Path, truth: GroundTruth) -> tuple[PredictedBox, ...]:
    try:
        drawn = read_labelme(path, patient=truth.patient, plane=truth.plane)
        _require_same_size(path, drawn, truth)
        _require_one_grade_per_disc(path, drawn)
    except DatasetError as error:
        raise DatasetError(f"{reader}: {error}") from error
    return tuple(PredictedBox(box.label, CERTAIN, None, box.box_xyxy_px) for box in drawn.boxes)


def _require_same_size(path: Path, drawn: GroundTruth, truth: GroundTruth) -> None:
    if drawn.shape_px != truth.shape_px:
        raise DatasetError(
            f"{path.name}: drawn on an image of {_size(drawn)} pixels, the truth on one of "
            f"{_size(truth)}; both must be drawn on the same image"
        )


def _size(truth: GroundTruth) -> str:
    rows, columns = truth.shape_px
    return f"{columns} x {rows}"


def _require_one_grade_per_disc(path: Path, drawn: GroundTruth) -> None:
    grades = [box for box in drawn.boxes if box.label in GRADE_LABELS]
    if grades and drawn.plane is not Plane.SAGITTAL:
        raise DatasetError(
            f"{path.name}: a Pfirrmann grade on an {drawn.plane} image; delete it, grades are read "
            "on sagittal images"
        )
    boxes = drawn.boxes_of(GRADE_LABELS)
    twice = np.argwhere(np.triu(box_ops.iou(boxes, boxes), k=1) > MAX_OVERLAP_OF_GRADES)
    if len(twice):
        first, second = (_described(grades[i]) for i in twice[0].tolist())
        raise DatasetError(f"{path.name}: {first} and {second} are on one disc; delete one of them")


def _described(box: TruthBox) -> str:
    x1, y1, x2, y2 = box.box_xyxy_px
    return f"{box.label} at ({x1:.0f}, {y1:.0f}, {x2:.0f}, {y2:.0f})"
