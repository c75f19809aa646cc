"""What a reader drew: the truth of one image, read from and written to LabelMe JSON.

A LabelMe file holds ``shapes``: rectangles (two corner points, in any order) or polygons (taken as
their bounding box) labelled ``pfirrmann_1`` ... ``pfirrmann_5``, ``herniation`` or ``hiz``;
``group_id`` names the disc within the patient. A rectangle labelled ``ignored`` is a place that
does not count. What a file cannot say - patient, plane, which labels were looked for - the caller
adds.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from discern.boxes import BoxArray
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Label, Plane

LABELME_VERSION = "5.4.1"
_READABLE_MAJOR_VERSIONS = ("4", "5")
_FEWEST_POINTS = {"rectangle": 2, "polygon": 3}

IGNORED = "ignored"
"""Label of a rectangle within which nothing is judged."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One annotated rectangle: xyxy in pixels of the image, outer edges.

    ``disc`` names the disc within the patient (LabelMe ``group_id``), None where not given.
    """

    label: Label
    box_xyxy_px: tuple[float, float, float, float]
    disc: int | None = None


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """All annotations of one image.

    Attributes:
        image: Stem of the image file.
        patient: Unit of splits and bootstrap.
        plane: Sagittal or axial.
        shape_px: Rows and columns of the image.
        boxes: Annotated rectangles.
        annotated: Labels whose absence means "not there"; all others are unknown on this image
            and masked from loss, metrics and false-alarm counts.
        ignored: Places (xyxy) where a box that meets no truth box is neither right nor wrong:
            visible ungraded discs, discs called herniated of which no herniation was drawn.
        ungraded_above_px: Detections with their centre above this row are ignored (the cut or
            ungraded top disc); None when nothing is ignored.
        discs_shown: Numbers of the discs that an axial image cuts, none for a slice through a
            vertebra; None where nobody says.
    """

    image: str
    patient: str
    plane: Plane
    shape_px: tuple[int, int]
    boxes: tuple[TruthBox, ...]
    annotated: frozenset[Label] = frozenset(GRADE_LABELS)
    ignored: tuple[tuple[float, float, float, float], ...] = field(default=())
    ungraded_above_px: float | None = None
    discs_shown: frozenset[int] | None = None

    def boxes_of(self, labels: tuple[Label, ...]) -> BoxArray:
        """Return the (N, 4) boxes whose label is among ``labels``."""
        chosen = [box.box_xyxy_px for box in self.boxes if box.label in labels]
        return np.array(chosen, dtype=np.float64).reshape(-1, 4)


def read_labelme(
    path: Path,
    *,
    patient: str,
    plane: Plane,
    annotated: frozenset[Label] = frozenset(GRADE_LABELS),
    ignored: Iterable[Box] = (),
    ungraded_above_px: float | None = None,
) -> GroundTruth:
    """Return the truth of the image annotated in ``path``; the image is the stem of the file.

    Boxes are clipped to the image; rectangles labelled ``ignored`` are places where nothing is
    judged, beside those of the argument. The keyword arguments become the fields of the same name.

    Raises:
        DatasetError: The file cannot be read, is not LabelMe JSON of version 4 or 5, or holds an
            unknown label, another kind of shape or a box without area; file and remedy are named.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _require_version(document)
        shape_px = _extent(document, "imageHeight"), _extent(document, "imageWidth")
        boxes, places = _read_shapes(document["shapes"], shape_px)
    except OSError as error:
        raise DatasetError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path.name}: {_plain_words(error)}") from error
    return GroundTruth(
        image=path.stem,
        patient=patient,
        plane=plane,
        shape_px=shape_px,
        boxes=boxes,
        annotated=annotated,
        ignored=(*ignored, *places),
        ungraded_above_px=ungraded_above_px,
    )


def write_labelme(path: Path, truth: GroundTruth, *, image_path: str) -> None:
    """Write the boxes of ``truth`` as rectangles LabelMe can open.

    Args:
        path: The JSON file; its stem should be ``truth.image``.
        truth: Patient, plane and what was annotated have no place in the format and are left out.
        image_path: The image, relative to the folder of ``path``.
    """
    path.write_text(labelme_text(truth, image_path), encoding="utf-8")


def labelme_text(
    truth: GroundTruth, image_path: str, flags: Mapping[str, object] = MappingProxyType({})
) -> str:
    """Return what :func:`write_labelme` writes, with ``flags`` of the image."""
    places = [_shape(IGNORED, place, None) for place in truth.ignored]
    document: dict[str, Any] = {
        "version": LABELME_VERSION,
        "flags": dict(flags),
        "shapes": [_shape(box.label, box.box_xyxy_px, box.disc) for box in truth.boxes] + places,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": truth.shape_px[0],
        "imageWidth": truth.shape_px[1],
    }
    return json.dumps(document, indent=1) + "\n"


def _require_version(document: dict[str, Any]) -> None:
    version = document["version"]
    if not isinstance(version, str) or version.split(".")[0] not in _READABLE_MAJOR_VERSIONS:
        raise ValueError(
            f"written by LabelMe {version!r}, but versions 4 and 5 are read; save it again with one"
        )


def _extent(document: dict[str, Any], key: str) -> int:
    extent = document[key]
    if not isinstance(extent, int) or extent <= 0:
        raise ValueError(f"{key} is {extent!r}; open and save the file with LabelMe 5")
    return extent


def _read_shapes(
    shapes: list[dict[str, Any]], shape_px: tuple[int, int]
) -> tuple[tuple[TruthBox, ...], tuple[Box, ...]]:
    """Return the boxes of ``shapes`` and the places that are ignored."""
    boxes: list[TruthBox] = []
    places: list[Box] = []
    for number, shape in enumerate(shapes, start=1):
        if shape["label"] == IGNORED:
            places.append(_bounding_box(number, shape, shape_px))
        else:
            boxes.append(_truth_box(number, shape, shape_px))
    return tuple(boxes), tuple(places)


def _truth_box(number: int, shape: dict[str, Any], shape_px: tuple[int, int]) -> TruthBox:
    """Return shape ``number`` (from 1) of an image of ``shape_px`` rows and columns."""
    name, group = shape["label"], shape.get("group_id")
    if name not in tuple(Label):
        known = ", ".join((*Label, IGNORED))
        raise ValueError(f"shape {number} is labelled {name!r}; rename it to one of {known}")
    if group is not None and not isinstance(group, int):
        raise ValueError(f"shape {number} has group_id {group!r}; make it the disc's number")
    return TruthBox(Label(name), _bounding_box(number, shape, shape_px), group)


def _bounding_box(number: int, shape: dict[str, Any], shape_px: tuple[int, int]) -> Box:
    points, kind = shape["points"], shape["shape_type"]
    if len(points) < _FEWEST_POINTS.get(kind, math.inf):
        raise ValueError(
            f"shape {number} ({shape['label']}) is a {kind} of {len(points)} points; "
            "draw a rectangle or a polygon"
        )
    corners = np.array(points, dtype=np.float64).reshape(len(points), 2)  # x, y
    if not np.isfinite(corners).all():
        raise ValueError(f"shape {number} has a point that is no number; draw it again")
    rows, columns = shape_px
    clipped = np.clip(corners, 0, (columns, rows))
    (x1, y1), (x2, y2) = clipped.min(axis=0).tolist(), clipped.max(axis=0).tolist()
    if x1 >= x2 or y1 >= y2:
        raise ValueError(f"shape {number} has no area inside the image; draw it again or delete it")
    return x1, y1, x2, y2


def _plain_words(error: Exception) -> str:
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return f"not JSON ({error}); restore the file or annotate the image again"
    if isinstance(error, KeyError):
        return f"no {error.args[0]!r}, so not a LabelMe file; open and save it with LabelMe 5"
    if isinstance(error, TypeError):
        return f"not laid out as LabelMe does ({error}); open and save it with LabelMe 5"
    return str(error)


def _shape(label: str, box_xyxy_px: Box, disc: int | None) -> dict[str, Any]:
    x1, y1, x2, y2 = box_xyxy_px
    return {
        "label": str(label),
        "points": [[x1, y1], [x2, y2]],
        "group_id": disc,
        "description": "",
        "shape_type": "rectangle",
        "flags": {},
        "mask": None,
    }
