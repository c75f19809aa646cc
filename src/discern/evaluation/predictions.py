"""Predicted boxes per image, read from ``discern.predictions/1`` or from a folder of findings.

``discern.predictions/1`` is one JSON object: image stem -> list of ``{label, score,
class_scores?, box_xyxy_px}``. The writer adds ``"schema": "discern.predictions/1"`` beside the
stems; a reader needs no such key, but refuses another value of it. An image on which nothing was
found has an empty list: an image that is missing was not looked at.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discern.decisions import OperatingPoint
from discern.errors import DatasetError, InputError
from discern.findings import Detection, StudyFindings
from discern.spine import LABELS, Label, Plane

SCHEMA = "discern.predictions/1"
_LISTED = 5
_CORNERS = 4
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PredictedBox:
    """One box of one image, xyxy in pixels of that image, outer edges.

    ``class_scores`` has the order of ``LABELS``; without it there is no AUC.
    """

    label: Label
    score: float
    class_scores: tuple[float, ...] | None
    box_xyxy_px: tuple[float, float, float, float]


Predictions = Mapping[str, tuple[PredictedBox, ...]]
"""Image stem -> its boxes."""


def read_predictions(path: Path, images: Iterable[str] = ()) -> Predictions:
    """Return the predictions in a JSON file, or in the ``findings.json`` files below a folder.

    Args:
        path: File or folder. In a folder every ``findings.json`` is read; its detections belong to
            the image whose stem is that of their raster file or, for DICOM, their SOP UID.
        images: All image stems of the data set. Findings do not list slices without detections,
            so images that no finding names count as looked at and empty; a warning is logged.

    Raises:
        DatasetError: Nothing to read, or not of the schema.
    """
    if path.is_dir():
        return _from_findings(path, images)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _from_document(document)
    except OSError as error:
        raise DatasetError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path.name}: not a {SCHEMA} document: {error}") from error


def confident(
    boxes: Sequence[PredictedBox], point: OperatingPoint, plane: Plane
) -> tuple[PredictedBox, ...]:
    """Return the boxes of an image of ``plane`` that reach the threshold of their label."""
    return tuple(box for box in boxes if box.score >= point.min_score(box.label, plane))


def predictions_json(predictions: Predictions) -> str:
    """Return the ``discern.predictions/1`` text: images by name, a line for each box, unrounded."""
    entries = [f'"schema": {json.dumps(SCHEMA)}']
    for name in sorted(predictions):
        boxes = [json.dumps(_to_json(box), allow_nan=False) for box in predictions[name]]
        entries.append(f"{json.dumps(name)}: [" + ",".join(f"\n  {box}" for box in boxes) + "]")
    return "{\n " + ",\n ".join(entries) + "\n}\n"


def predictions_digest(predictions: Predictions) -> str:
    """Return the SHA-256 of the predictions, whatever file they came from."""
    return hashlib.sha256(predictions_json(predictions).encode()).hexdigest()


def require_same_images(predictions: Predictions, images: Iterable[str]) -> None:
    """Make sure that predictions and data set speak of the same images.

    Raises:
        DatasetError: An image of the data set has no entry, or an entry has no image.
    """
    known = set(images)
    missing, unknown = sorted(known - set(predictions)), sorted(set(predictions) - known)
    if missing:
        raise DatasetError(
            f"no predictions for {len(missing)} of {len(known)} images ({_few(missing)}); "
            "give an image on which nothing was found an empty list"
        )
    if unknown:
        raise DatasetError(
            f"predictions for {len(unknown)} images that the data set lacks ({_few(unknown)}); "
            "the keys must be the stems of the image files; if the data set is a part of the one "
            "predicted, remove the others"
        )


def _few(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _to_json(box: PredictedBox) -> dict[str, Any]:
    scores = {} if box.class_scores is None else {"class_scores": list(box.class_scores)}
    return {
        "label": str(box.label),
        "score": box.score,
        **scores,
        "box_xyxy_px": list(box.box_xyxy_px),
    }


def _from_document(document: dict[str, Any]) -> Predictions:
    schema = document.get("schema", SCHEMA)
    if isinstance(schema, str) and schema != SCHEMA:
        raise ValueError(f"schema is {schema!r}")
    images = {name: boxes for name, boxes in document.items() if boxes != SCHEMA}
    return {
        name: tuple(_from_json(box, f"{name}, box {i}") for i, box in enumerate(boxes, start=1))
        for name, boxes in images.items()
    }


def _from_json(box: dict[str, Any], where: str) -> PredictedBox:
    try:
        scores = box.get("class_scores")
        return PredictedBox(
            label=Label(box["label"]),
            score=_score(box["score"]),
            class_scores=None if scores is None else _class_scores(scores),
            box_xyxy_px=_corners(box["box_xyxy_px"]),
        )
    except KeyError as error:
        raise ValueError(f"{where}: no {error.args[0]!r}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


def _score(value: Any) -> float:  # noqa: ANN401 - whatever the file holds
    score = float(value)
    if not 0 <= score <= 1:
        raise ValueError(f"the score {score} is not within 0 and 1")
    return score


def _class_scores(values: list[Any]) -> tuple[float, ...]:
    if len(values) != len(LABELS):
        raise ValueError(f"{len(values)} class scores instead of {len(LABELS)}")
    return tuple(map(_score, values))


def _corners(values: list[Any]) -> tuple[float, float, float, float]:
    corners = [float(value) for value in values]
    if len(corners) != _CORNERS or not all(map(math.isfinite, corners)):
        raise ValueError("box_xyxy_px is not four numbers")
    x1, y1, x2, y2 = corners
    if x1 >= x2 or y1 >= y2:
        raise ValueError("box_xyxy_px has no area (left, top, right, bottom expected)")
    return x1, y1, x2, y2


def _from_findings(folder: Path, images: Iterable[str]) -> Predictions:
    predictions: dict[str, tuple[PredictedBox, ...]] = {}
    files = sorted(folder.rglob("findings.json"))
    if not files:
        raise DatasetError(f"{folder.name}: no findings.json in it; name a folder made by analyze")
    for file in files:
        try:
            findings = StudyFindings.from_json(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, InputError) as error:
            raise DatasetError(f"{file.relative_to(folder)}: {error}") from error
        for detection in findings.detections:
            name = _image_of(detection)
            predictions[name] = (*predictions.get(name, ()), _from_detection(detection))
    silent = [name for name in images if name not in predictions]
    if silent:
        _LOG.warning("findings name no box on %d images (%s)", len(silent), _few(silent))
    return predictions | dict.fromkeys(silent, ())


def _image_of(detection: Detection) -> str:
    return Path(detection.file).stem if detection.file else str(detection.sop_instance_uid)


def _from_detection(detection: Detection) -> PredictedBox:
    scores = detection.class_scores or None
    return PredictedBox(detection.label, detection.score, scores, detection.box_xyxy_px)
