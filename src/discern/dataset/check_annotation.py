"""Everything wrong with one LabelMe file, read as it is: nothing is clipped and nothing raised."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from discern.annotations import IGNORED, Box, read_labelme
from discern.boxes import iou
from discern.dataset.problems import Kind, Problem, Severity
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Label, Plane

_READ_VERSIONS = ("4", "5")
_SAME_DISC_IOU = 0.5
_SLACK_PX = 1.0
"""How far a box may reach out unnoticed: LabelMe lets corners lie on the edge."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """One usable shape: number from 1, label, unclipped xyxy in pixels, disc where given."""

    number: int
    label: Label
    box_xyxy_px: Box
    disc: int | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What one annotation file holds, as far as it can be used, and what is wrong with it."""

    plane: Plane
    boxes: tuple[DrawnBox, ...]
    problems: tuple[Problem, ...]


def check_annotation(path: Path, image_shape_px: tuple[int, int] | None) -> Checked:
    """Check one file against its image; the shape is None where there is no readable image."""
    place = f"annotations/{path.name}"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        shapes = document["shapes"]
        if not isinstance(shapes, list) or not all(isinstance(one, dict) for one in shapes):
            raise TypeError("shapes is no list of objects")  # noqa: TRY301 - same remedy
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        return Checked(Plane.SAGITTAL, (), (Problem(Kind.UNREADABLE, place, found),))
    return _File(path, document, image_shape_px).checked()


class _File:
    """One parsed file, with the problems found so far."""

    def __init__(
        self, path: Path, document: dict[str, Any], image_shape_px: tuple[int, int] | None
    ) -> None:
        self._path = path
        self._document = document
        self._shape_px = image_shape_px
        self._problems: list[Problem] = []
        flags = document.get("flags")
        self._flags: Mapping[str, Any] = flags if isinstance(flags, dict) else {}

    def checked(self) -> Checked:
        axial = bool(self._flags.get("axial")) or "axial" in self._path.stem.lower()
        plane = Plane.AXIAL if axial else Plane.SAGITTAL
        self._check_head()
        boxes = tuple(self._drawn_boxes())
        if not self._document["shapes"] and "annotated_classes" not in self._flags:
            self._say(Kind.NO_BOX, "no shapes")
        for box in boxes:
            self._check_place(box)
        self._check_grades(boxes, plane)
        self._check_annotated_classes(boxes)
        self._check_discs()
        self._check_readable(plane)
        return Checked(plane, boxes, tuple(self._problems))

    def _say(self, kind: Kind, found: str) -> None:
        self._problems.append(Problem(kind, f"annotations/{self._path.name}", found))

    def _check_head(self) -> None:
        version = self._document.get("version")
        if not isinstance(version, str) or version.split(".")[0] not in _READ_VERSIONS:
            self._say(Kind.VERSION, f"version is {version!r}; 4 and 5 are read")
        stated = self._document.get("imageHeight"), self._document.get("imageWidth")
        if self._shape_px is not None and stated != self._shape_px:
            rows, columns = self._shape_px
            self._say(
                Kind.SIZE,
                f"the image has {rows} rows and {columns} columns, the annotation says "
                f"{stated[0]} and {stated[1]}",
            )
        named = self._document.get("imagePath")
        if isinstance(named, str) and named:
            name = PurePosixPath(named.replace("\\", "/")).name
            if name.rpartition(".")[0] != self._path.stem:
                self._say(Kind.OTHER_IMAGE, f"imagePath is {named!r}")

    def _drawn_boxes(self) -> Iterator[DrawnBox]:
        for number, shape in enumerate(self._document["shapes"], start=1):
            label, group = shape.get("label"), shape.get("group_id")
            if group is not None and not isinstance(group, int):
                self._say(Kind.SHAPE, f"shape {number} has group_id {group!r}")
                group = None
            corners = self._corners(number, shape)
            if label == IGNORED:
                continue
            if label not in tuple(Label):
                self._say(Kind.LABEL, f"shape {number} is labelled {label!r}")
            elif corners is not None:
                yield DrawnBox(number, Label(label), corners, group)

    def _corners(self, number: int, shape: Mapping[str, Any]) -> Box | None:
        kind = shape.get("shape_type")
        try:
            points = np.array(shape["points"], dtype=np.float64).reshape(-1, 2)
        except (KeyError, TypeError, ValueError):
            points = np.empty((0, 2))
        fewest = {"rectangle": 2, "polygon": 3}.get(str(kind))
        if fewest is None or len(points) < fewest or not np.isfinite(points).all():
            self._say(Kind.SHAPE, f"shape {number} is a {kind} of {len(points)} usable points")
            return None
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x1, y1, x2, y2

    def _check_place(self, box: DrawnBox) -> None:
        rows, columns = self._shape_px or (
            self._document.get("imageHeight"),
            self._document.get("imageWidth"),
        )
        if not isinstance(rows, int) or not isinstance(columns, int):
            return
        x1, y1, x2, y2 = box.box_xyxy_px
        corners = ", ".join(f"{value:g}" for value in box.box_xyxy_px)
        what = f"shape {box.number} ({box.label}) at {corners} of {columns} x {rows} pixels"
        if min(x2, columns) <= max(x1, 0) or min(y2, rows) <= max(y1, 0):
            self._say(Kind.NO_AREA, what)
        elif min(x1, y1, columns - x2, rows - y2) < -_SLACK_PX:
            self._say(Kind.CLIPPED, what)

    def _check_grades(self, boxes: tuple[DrawnBox, ...], plane: Plane) -> None:
        graded = [box for box in boxes if box.label in GRADE_LABELS]
        if plane is Plane.AXIAL:
            for box in graded:
                self._say(Kind.AXIAL_GRADE, f"shape {box.number} is {box.label}")
            return
        of_disc: dict[int, list[DrawnBox]] = defaultdict(list)
        for box in graded:
            if box.disc is not None:
                of_disc[box.disc].append(box)
        for disc, drawn in sorted(of_disc.items()):
            if len(drawn) > 1:
                grades = ", ".join(f"{box.label} (shape {box.number})" for box in drawn)
                self._say(Kind.TWO_GRADES, f"group_id {disc}: {grades}")
        for a, b in combinations(graded, 2):
            told = a.disc is not None and a.disc == b.disc
            overlap = iou(np.array([a.box_xyxy_px]), np.array([b.box_xyxy_px]))[0, 0]
            if overlap >= _SAME_DISC_IOU and not told:
                self._say(
                    Kind.TWO_GRADES,
                    f"shapes {a.number} ({a.label}) and {b.number} ({b.label}) cover one disc",
                )

    def _check_annotated_classes(self, boxes: tuple[DrawnBox, ...]) -> None:
        if "annotated_classes" not in self._flags:
            return
        stated = self._flags["annotated_classes"]
        known = isinstance(stated, list) and all(name in tuple(Label) for name in stated)
        if not known:
            self._say(Kind.FLAG, f"annotated_classes is {stated!r}")
            return
        for label in sorted({box.label for box in boxes} - set(stated)):
            self._say(Kind.UNLISTED, f"{label} is drawn but not among {', '.join(stated)}")

    def _check_discs(self) -> None:
        stated = self._flags.get("discs", [])
        if not isinstance(stated, list) or not all(type(one) is int for one in stated):
            self._say(Kind.DISCS_FLAG, f"discs is {stated!r}")

    def _check_readable(self, plane: Plane) -> None:
        """Report whatever else keeps the file from being read, in the words of the reader."""
        if any(problem.kind.severity is Severity.ERROR for problem in self._problems):
            return
        try:
            read_labelme(self._path, patient="", plane=plane)
        except DatasetError as error:
            self._say(Kind.UNREADABLE, str(error).removeprefix(f"{self._path.name}: "))
