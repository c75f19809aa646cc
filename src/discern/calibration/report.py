"""A calibration for people and programs: tables, drawings, a page, and its numbers as JSON."""

import json
from dataclasses import asdict
from typing import Any

from discern.calibration.embedding import calibrated
from discern.calibration.fit import Calibration
from discern.calibration.grade_tables import grade_tables
from discern.calibration.lesion_tables import lesion_tables
from discern.calibration.plots import calibration_drawings
from discern.evaluation.pages.index import index_page
from discern.evaluation.table_formats import Table, table_files
from discern.evaluation.tables import tables_markdown
from discern.weights import WeightsMetadata

SCHEMA = "discern.calibration/1"
_TITLE = "Calibration"
_IN_WEIGHTS = ("temperature", "conformal", "lesion_calibrations", "operating_points")


def calibration_files(calibration: Calibration) -> dict[str, bytes]:
    """Return ``calibration.json``, ``tables.md``, ``calibration.html``, tables and figures."""
    tables, drawings = _tables(calibration), calibration_drawings(calibration)
    about = _about(calibration)
    files = {
        "calibration.json": calibration_json(calibration).encode(),
        "tables.md": calibration_text(calibration).encode(),
        "calibration.html": index_page(_TITLE, about, tables, drawings, ()).encode(),
    }
    for table in tables:
        files |= table_files(table)
    return files | drawings


def calibration_text(calibration: Calibration) -> str:
    """Return every table, one below the other."""
    return tables_markdown(_TITLE, _about(calibration), _tables(calibration))


def calibration_json(calibration: Calibration) -> str:
    """Return ``discern.calibration/1``: what the weights get, as their metadata holds it."""
    described = asdict(calibrated(WeightsMetadata("", "", ()), calibration))
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "patients": calibration.patients,
        "folds": calibration.folds,
        **{name: described[name] for name in _IN_WEIGHTS},
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _tables(calibration: Calibration) -> tuple[Table, ...]:
    grades = calibration.grades
    of_grades = () if grades is None else grade_tables(grades, calibration.draws)
    return (*of_grades, *lesion_tables(calibration))


def _about(calibration: Calibration) -> str:
    options = calibration.options
    return (
        f"{calibration.patients} patients in {calibration.folds} folds, each predicted by a "
        f"network that has not seen them. In brackets: 95 % interval, {options.resamples} "
        f"resamples of the patients, seed {options.seed}. Research use only, not a medical device."
    )
