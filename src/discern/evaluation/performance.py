"""Precision, recall and F1 of the paper's nine rows: from fresh metrics, or from a metrics.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discern.errors import DatasetError
from discern.evaluation.bootstrap import Figure
from discern.evaluation.metrics import SCHEMA, Metrics
from discern.evaluation.published import LESION_PLANES, Row
from discern.spine import PfirrmannGrade

METRICS_FILE = "metrics.json"


@dataclass(frozen=True, slots=True)
class Scores:
    """One row; ``support`` counts boxes (slice-wise) or discs (disc-wise) in the truth."""

    precision: Figure
    recall: Figure
    f1: Figure
    support: int


@dataclass(frozen=True, slots=True)
class Performance:
    """What Tables 4 and 5 are made of; lesions slice by slice meet at an IoU of 0.5."""

    images: int
    patients: int
    slice_wise: Mapping[Row, Scores]
    disc_wise: Mapping[Row, Scores]
    macro: Scores
    kappa_linear: Figure


def performance_of(metrics: Metrics) -> Performance:
    """Return the rows of one evaluation."""
    grades = metrics.pfirrmann
    disc_grades = metrics.disc_wise.pfirrmann
    slice_wise: dict[Row, Scores] = {
        grade: Scores(one.precision, one.recall, one.f1, one.support)
        for grade, one in grades.per_grade.items()
    }
    disc_wise: dict[Row, Scores] = {
        grade: Scores(one.precision, one.recall, one.f1, one.support)
        for grade, one in disc_grades.per_grade.items()
    }
    for row in LESION_PLANES:
        lesion, of_discs = metrics.lesions[row], metrics.disc_wise.lesions[row]
        at_iou = lesion.at_iou
        slice_wise[row] = Scores(at_iou.precision, at_iou.recall, at_iou.f1, lesion.support)
        disc_wise[row] = Scores(of_discs.precision, of_discs.recall, of_discs.f1, of_discs.support)
    return Performance(
        images=metrics.images,
        patients=metrics.patients,
        slice_wise=slice_wise,
        disc_wise=disc_wise,
        macro=Scores(
            precision=grades.macro_precision,
            recall=grades.macro_recall,
            f1=grades.macro_f1,
            support=sum(one.support for one in grades.per_grade.values()),
        ),
        kappa_linear=grades.kappa_linear,
    )


def read_performance(folder: Path) -> Performance:
    """Return the rows of the ``metrics.json`` that an evaluation left in ``folder``.

    Raises:
        DatasetError: There is none, or it is not of this schema; the remedy is said.
    """
    path = folder / METRICS_FILE
    where = f"{folder.name}/{METRICS_FILE}"
    try:
        return _from_document(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DatasetError(
            f"{where}: cannot be read ({error.strerror}); name a folder that "
            "'discern evaluate DATASET --out FOLDER' has written"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{where}: not a {SCHEMA} document of this version ({error!r}); evaluate again"
        ) from error


def _from_document(document: Mapping[str, Any]) -> Performance:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema is {document['schema']!r}")
    slice_wise, disc_wise = document["slice_wise"], document["disc_wise"]
    grades = slice_wise["pfirrmann"]
    return Performance(
        images=int(document["images"]),
        patients=int(document["patients"]),
        slice_wise=_rows(slice_wise),
        disc_wise=_rows(disc_wise),
        macro=Scores(
            precision=_figure(grades["macro_precision"]),
            recall=_figure(grades["macro_recall"]),
            f1=_figure(grades["macro_f1"]),
            support=sum(int(one["support"]) for one in grades["per_grade"].values()),
        ),
        kappa_linear=_figure(grades["kappa_linear"]),
    )


def _rows(part: Mapping[str, Any]) -> Mapping[Row, Scores]:
    rows: dict[Row, Scores] = {
        grade: _scores(part["pfirrmann"]["per_grade"][str(int(grade))]) for grade in PfirrmannGrade
    }
    for label, plane in LESION_PLANES:
        rows[label, plane] = _scores(part[label][plane])
    return rows


def _scores(item: Mapping[str, Any]) -> Scores:
    return Scores(
        precision=_figure(item["precision"]),
        recall=_figure(item["recall"]),
        f1=_figure(item["f1"]),
        support=int(item["support"]),
    )


def _figure(item: Mapping[str, Any]) -> Figure:
    value, ends = item["value"], item["ci95"]
    return Figure(
        value=None if value is None else float(value),
        ci95=None if ends is None else (float(ends[0]), float(ends[1])),
        reason=item.get("reason"),
    )
