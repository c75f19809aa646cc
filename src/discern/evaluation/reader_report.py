"""The files of a reader study: ``results.txt``, ``readers.json``, tables and figures."""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from matplotlib.figure import Figure as Canvas

from discern.evaluation.bootstrap import figure_json
from discern.evaluation.comparison_tables import comparison_json, file_stem
from discern.evaluation.drawing_files import drawing_files
from discern.evaluation.grading import PfirrmannMetrics
from discern.evaluation.metrics import Metrics
from discern.evaluation.plots import draw_confusion
from discern.evaluation.reader_agreement import PairAgreement
from discern.evaluation.reader_results import result_sentences
from discern.evaluation.reader_tables import detail_tables, summary_tables
from discern.evaluation.readers import KappaDifference, ReaderStudy
from discern.evaluation.table_formats import table_files, table_text

SCHEMA = "discern.readers/1"
_LINE = 100
_SQUARE_INCHES = (3.7, 3.6)
_GRADING = (
    *("kappa_linear", "kappa_quadratic", "exact", "within_one", "disc_recall"),
    *("exact_all", "within_one_all", "balanced_accuracy", "false_per_image"),
    *("macro_precision", "macro_recall", "macro_f1"),
)
_SCORES = ("precision", "recall", "f1")


def results_text(study: ReaderStudy) -> str:
    """Return the sentences, then the tables that put everybody side by side."""
    sentences = [textwrap.fill(one, _LINE) for one in result_sentences(study)]
    tables = [table_text(table) for table in summary_tables(study)]
    return "\n\n".join([*sentences, *tables])


def readers_json(study: ReaderStudy) -> str:
    """Return the ``discern.readers/1`` text."""
    one = next(iter(study.metrics.values()))
    document = {
        "schema": SCHEMA,
        "data_digest": one.data_digest,
        "patients": one.patients,
        "images": one.images,
        "operating_point_of_model": asdict(study.options.operating_point),
        "bootstrap": {
            "unit": "patient",
            "resamples": study.options.resamples,
            "seed": study.options.seed,
        },
        "margin": study.margin,
        "against_truth": {name: _reader(metrics) for name, metrics in study.metrics.items()},
        "never_drawn": {name: list(labels) for name, labels in study.silent.items()},
        "agreement": [_pair(pair, agreed) for pair, agreed in study.agreement.items()],
        "kappa_differences": [_difference(pair, d) for pair, d in study.differences.items()],
        "comparisons": [
            comparison_json(comparison, *pair) for pair, comparison in study.comparisons.items()
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def reader_files(study: ReaderStudy) -> dict[str, bytes]:
    """Return every file, by name."""
    files = {
        "results.txt": results_text(study).encode(),
        "readers.json": readers_json(study).encode(),
    }
    for table in (*summary_tables(study), *detail_tables(study)):
        files |= table_files(table)
    for name, metrics in study.metrics.items():
        draw = partial(_draw_confusion, name=name, metrics=metrics.pfirrmann)
        files |= drawing_files(f"confusion-{file_stem(name)}", draw, _SQUARE_INCHES)
    return files


def _draw_confusion(canvas: Canvas, name: str, metrics: PfirrmannMetrics) -> None:
    draw_confusion(canvas, metrics)
    canvas.axes[0].set(title=f"{name} against the truth", xlabel=f"Grade by {name}")


def _reader(metrics: Metrics) -> dict[str, Any]:
    grades = metrics.pfirrmann
    return {
        "prediction_digest": metrics.prediction_digest,
        "pfirrmann": {name: figure_json(getattr(grades, name)) for name in _GRADING}
        | {
            "kappa_linear_p": _p(grades.kappa_linear_p),
            "kappa_quadratic_p": _p(grades.kappa_quadratic_p),
            "confusion": [list(row) for row in grades.confusion],
            "per_grade": {
                str(int(grade)): _scores(one)
                | {"auc": figure_json(one.auc), "support": one.support}
                for grade, one in grades.per_grade.items()
            },
        },
        "lesions": {
            f"{label} {plane}": {
                "slice_wise": _scores(one.at_iou),
                "center_inside": _scores(one.center_inside),
                "disc_wise": _scores(metrics.disc_wise.lesions[label, plane]),
                "support": one.support,
            }
            for (label, plane), one in metrics.lesions.items()
        },
        "acceptable_auto": {
            str(plane): figure_json(one.share) for plane, one in metrics.acceptable.items()
        },
    }


def _scores(holder: object) -> dict[str, Any]:
    return {name: figure_json(getattr(holder, name)) for name in _SCORES}


def _pair(pair: tuple[str, str], agreed: PairAgreement) -> dict[str, Any]:
    names = ("kappa_linear", "kappa_quadratic", "exact", "within_one", "shared")
    return {
        "first": pair[0],
        "second": pair[1],
        **{name: figure_json(getattr(agreed, name)) for name in names},
        "kappa_linear_p": _p(agreed.kappa_linear_p),
        "discs_of_both": agreed.discs,
        "grades": [list(row) for row in agreed.grades],
    }


def _difference(pair: tuple[str, str], one: KappaDifference) -> Mapping[str, Any]:
    return {
        "reference": pair[0],
        "other": pair[1],
        "difference": figure_json(one.difference),
        "p": _p(one.p),
        "p_holm": _p(one.p_holm),
        "is_not_inferior": one.is_not_inferior,
    }


def _p(p: float | None) -> float | None:
    """Return three significant digits."""
    return None if p is None else float(f"{p:.3g}")
