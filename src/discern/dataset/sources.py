"""A folder of images and LabelMe files as ground truth.

Layout: ``images/NAME.png``, ``annotations/NAME.json`` (LabelMe rectangles), optionally
``discs.csv`` (patient, ivd_label, herniation, ...) with what a reader said of each disc.

- The patient is the part of NAME before the first ``_``.
- The plane is sagittal, unless the LabelMe flag ``axial`` is true or NAME contains "axial".
- What is annotated: the LabelMe flag ``annotated_classes`` (a list of labels) where it exists;
  else the five grades on sagittal images, and each lesion label that occurs anywhere in the
  data set in the same plane.
- The flag ``discs`` lists the numbers of the discs that an axial image cuts, so that its slices
  can be judged disc by disc where nothing is drawn on them.
- Above the topmost graded disc of a sagittal image nothing is judged (``ungraded_above_px``).
- A disc that ``discs.csv`` calls herniated, without a herniation box on an image where herniation
  is annotated, is ignored there: the reader saw the whole examination, the slice may not show it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from discern.annotations import GroundTruth, read_labelme
from discern.dataset.discs import read_disc_records
from discern.dataset.spider import CONVENTIONS, Conventions
from discern.errors import DatasetError
from discern.evaluation.disc_records import DiscRecords
from discern.networks import TrainedOn
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, Plane

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True, slots=True)
class Dataset:
    """Ground truth of a folder, in order of image name.

    Attributes:
        name: Name of the folder; part of the hashed patient ids in the weights.
        folder: Where it was read from.
        truths: One per annotated image.
        digest: SHA-256 over names and bytes of images, annotations and ``discs.csv``.
        credit: Source and licence where known, else the name.
        lesion_boxes: Whether readers drew the lesion boxes, or they were derived.
        records: What ``discs.csv`` says of each disc, empty without one.
    """

    name: str
    folder: Path
    truths: tuple[GroundTruth, ...]
    digest: str
    credit: str
    lesion_boxes: TrainedOn = TrainedOn.REAL
    records: DiscRecords = field(default_factory=dict)

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, sorted."""
        return tuple(sorted({truth.patient for truth in self.truths}))

    def of_patients(self, patients: Iterable[str]) -> tuple[GroundTruth, ...]:
        """Return the images of ``patients``, in order of image name."""
        chosen = frozenset(patients)
        return tuple(truth for truth in self.truths if truth.patient in chosen)


def image_files(folder: Path) -> dict[str, Path]:
    """Return the files in ``folder/images`` by stem."""
    found = sorted((folder / "images").glob("*"))
    return {path.stem: path for path in found if path.suffix.lower() in IMAGE_SUFFIXES}


def patient_of(stem: str) -> str:
    """Return the patient that an image or annotation file belongs to.

    >>> patient_of("107_t2_mid")
    '107'
    """
    return stem.split("_", maxsplit=1)[0]


def read_dataset(folder: Path) -> Dataset:
    """Read the ground truth of ``folder``.

    Raises:
        DatasetError: A folder, image or annotation is missing or cannot be used.
    """
    annotations = sorted((folder / "annotations").glob("*.json"))
    if not annotations:
        raise DatasetError(f"{folder.name}: no annotations/*.json; needs one LabelMe file an image")
    images = image_files(folder)
    lone = [path.name for path in annotations if path.stem not in images]
    if lone:
        raise DatasetError(f"{folder.name}: annotations/{lone[0]} has no image in images/")
    name = folder.resolve().name
    conventions = CONVENTIONS.get(name, Conventions())
    table = folder / "discs.csv"
    drawn = [_read_drawn(path) for path in annotations]
    truths = _annotated(drawn, conventions)
    records = read_disc_records(table)
    truths = [_with_ignored(truth, conventions, records) for truth in truths]
    used = [*annotations, *(images[path.stem] for path in annotations)]
    digest = _digest(folder, [*used, table] if table.is_file() else used)
    credit = conventions.credit or name
    return Dataset(name, folder, tuple(truths), digest, credit, conventions.lesion_boxes, records)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One image's truth as its own file says it; ``stated`` are its annotated classes, if any."""

    truth: GroundTruth
    stated: frozenset[Label] | None


def _read_drawn(path: Path) -> _Drawn:
    flags = _flags(path)
    axial = bool(flags.get("axial")) or "axial" in path.stem.lower()
    truth = read_labelme(
        path,
        patient=patient_of(path.stem),
        plane=Plane.AXIAL if axial else Plane.SAGITTAL,
    )
    if "discs" in flags:
        truth = replace(truth, discs_shown=_discs_shown(path, flags["discs"]))
    if "annotated_classes" not in flags:
        return _Drawn(truth, None)
    try:
        return _Drawn(truth, frozenset(map(Label, flags["annotated_classes"])))
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"annotations/{path.name}: the flag annotated_classes must list labels ({error})"
        ) from error


def _discs_shown(path: Path, stated: object) -> frozenset[int]:
    if not isinstance(stated, list) or not all(type(one) is int for one in stated):
        raise DatasetError(
            f"annotations/{path.name}: the flag discs is {stated!r}; it must list numbers of discs"
        )
    return frozenset(stated)


def _flags(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"annotations/{path.name}: cannot be read ({error})") from error
    flags = document.get("flags") if isinstance(document, dict) else None
    return flags if isinstance(flags, dict) else {}


def _annotated(drawn: list[_Drawn], conventions: Conventions) -> list[GroundTruth]:
    present = {(one.truth.plane, box.label) for one in drawn for box in one.truth.boxes}
    truths = []
    for one in drawn:
        truth, plane = one.truth, one.truth.plane
        grades = GRADE_LABELS if plane is Plane.SAGITTAL else ()
        lesions = [label for label in LESION_LABELS if (plane, label) in present]
        if conventions.grades_only is not None and conventions.grades_only in truth.image:
            lesions = []
        general = frozenset([*grades, *lesions])
        annotated = general if one.stated is None else one.stated
        truths.append(replace(truth, annotated=annotated))
    return truths


def _with_ignored(
    truth: GroundTruth, conventions: Conventions, records: DiscRecords
) -> GroundTruth:
    graded = [box for box in truth.boxes if box.label in GRADE_LABELS]
    ignored = [*truth.ignored, *conventions.unboxed.get(truth.image, ())]
    if Label.HERNIATION in truth.annotated:
        herniated = {disc for disc, record in records.items() if record.herniation}
        boxed = {box.disc for box in truth.boxes if box.label is Label.HERNIATION}
        ignored += [
            box.box_xyxy_px
            for box in graded
            if box.disc is not None
            and (truth.patient, box.disc) in herniated
            and box.disc not in boxed
        ]
    top = min((box.box_xyxy_px[1] for box in graded), default=None)
    return replace(truth, ignored=tuple(ignored), ungraded_above_px=top)


def _digest(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
