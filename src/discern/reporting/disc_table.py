"""One row per disc for statistics: CSV and Parquet, the same columns in the same order.

Units are in the column names; an empty cell is a value that is not known. The status of a lesion
that was never judged is ``not_assessed``, not empty and not ``absent``.
"""

import csv
import importlib
import io
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from discern.errors import UsageError
from discern.findings import (
    DiscFinding,
    FocusFinding,
    LesionFinding,
    LesionStatus,
    PfirrmannFinding,
    QuantityName,
    StudyFindings,
)
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.spine import PfirrmannGrade

Cell = str | int | float | bool | None
Row = dict[str, Cell]

_SCORE_DECIMALS, _MM_DECIMALS = 4, 2
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_UNIT_SUFFIXES = MappingProxyType(
    {
        QuantityName.DISC_HEIGHT: "_mm",
        QuantityName.DISC_HEIGHT_INDEX: "",
        QuantityName.SIGNAL_RATIO: "",
        QuantityName.HOMOGENEITY: "",
        QuantityName.WEDGE_ANGLE: "_deg",
        QuantityName.LISTHESIS: "_mm",
    }
)
_LESIONS = ("herniation", "hiz")


def _column_types() -> Mapping[str, type]:
    columns: dict[str, type] = {
        "study_instance_uid": str,
        "level": str,
        "level_confidence": float,
        "pfirrmann_grade": int,
    }
    columns |= {f"pfirrmann_{int(grade)}_probability": float for grade in PfirrmannGrade}
    columns |= {"pfirrmann_abstain": bool}
    columns |= {"pfirrmann_set_lowest": int, "pfirrmann_set_highest": int}
    for lesion in _LESIONS:
        columns |= {f"{lesion}_{what}": str for what in ("status", "side", "zone")}
        columns |= {f"{lesion}_{what}": float for what in ("score", "probability")}
        columns |= {f"{lesion}_consecutive_slices": int, f"{lesion}_experimental": bool}
    columns |= {"hiz_border": str, "hiz_nucleus_ratio": float, "hiz_csf_ratio": float}
    columns |= {"hiz_t1": str, "hiz_t1_ratio": float}
    for name, unit in _UNIT_SUFFIXES.items():
        columns |= {f"{name}{unit}": float, f"{name}_uncertainty95{unit}": float}
        columns |= {f"{name}_source": str, f"{name}_slices": int}
    columns |= {f"center_{axis}_mm": float for axis in ("left", "posterior", "head")}
    return MappingProxyType(columns | {f"model_{what}": str for what in _MODEL})


_MODEL = ("name", "version", "sha256", "engine", "precision")
COLUMNS = _column_types()
"""Name and type of every column, in order."""


def write_csv(reported: Reported) -> list[Document]:
    """Return ``discs.csv`` (RFC 4180, UTF-8); no text in it is a formula to a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in disc_rows(reported.findings):
        writer.writerow([_csv_cell(row[name]) for name in COLUMNS])
    return [Document(DocumentKind.CSV, "discs.csv", buffer.getvalue().encode(), "text/csv")]


def write_parquet(reported: Reported) -> list[Document]:
    """Return ``discs.parquet``, typed.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow, parquet = _arrow()
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    schema = arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    table = arrow.Table.from_pylist(list(disc_rows(reported.findings)), schema=schema)
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    media_type = "application/vnd.apache.parquet"
    return [Document(DocumentKind.PARQUET, "discs.parquet", sink.getvalue(), media_type)]


def _arrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            "--also parquet: needs pyarrow; install it with pip install 'discern-lumbar[parquet]'"
        ) from error


def disc_rows(findings: StudyFindings) -> Iterator[Row]:
    """Yield one row per disc, head to foot, with every column of ``COLUMNS``."""
    common: Row = {"study_instance_uid": findings.study_instance_uid}
    common |= {f"model_{what}": getattr(findings.model, what) for what in _MODEL}
    for disc in findings.discs:
        row = common | _disc_cells(disc)
        yield {name: row.get(name) for name in COLUMNS}


def _disc_cells(disc: DiscFinding) -> Row:
    row: Row = {
        "level": str(disc.level),
        "level_confidence": _rounded(disc.level_confidence),
    }
    row |= _grade_cells(disc.pfirrmann)
    for lesion, finding in zip(_LESIONS, (disc.herniation, disc.hiz), strict=True):
        row |= {f"{lesion}_{what}": cell for what, cell in _lesion_cells(finding).items()}
    row |= _focus_cells(disc.hiz.focus)
    return row | _quantity_cells(disc) | _center_cells(disc)


def _grade_cells(finding: PfirrmannFinding | None) -> Row:
    if finding is None:
        return {}
    kept = finding.conformal_set
    probabilities: Row = {
        f"pfirrmann_{int(grade)}_probability": _rounded(probability)
        for grade, probability in zip(PfirrmannGrade, finding.probabilities, strict=True)
    }
    return {
        "pfirrmann_grade": int(finding.grade),
        "pfirrmann_abstain": finding.abstain,
        "pfirrmann_set_lowest": int(min(kept)) if kept else None,
        "pfirrmann_set_highest": int(max(kept)) if kept else None,
        **probabilities,
    }


def _lesion_cells(finding: LesionFinding) -> Row:
    assessed = finding.status is not LesionStatus.NOT_ASSESSED
    return {
        "status": str(finding.status),
        "side": None if finding.side is None else str(finding.side),
        "zone": None if finding.zone is None else str(finding.zone),
        "score": _rounded(finding.score),
        "probability": _rounded(finding.probability),
        "consecutive_slices": finding.consecutive_slices if assessed else None,
        "experimental": finding.experimental,
    }


def _focus_cells(focus: FocusFinding | None) -> Row:
    if focus is None:
        return {}
    return {
        "hiz_border": str(focus.border),
        "hiz_nucleus_ratio": _rounded(focus.nucleus_ratio),
        "hiz_csf_ratio": _rounded(focus.csf_ratio),
        "hiz_t1": None if focus.t1 is None else str(focus.t1),
        "hiz_t1_ratio": _rounded(focus.t1_ratio),
    }


def _quantity_cells(disc: DiscFinding) -> Row:
    row: Row = {}
    for name, quantity in disc.quantities.items():
        unit = _UNIT_SUFFIXES[name]
        row[f"{name}{unit}"] = _rounded(quantity.value)
        row[f"{name}_uncertainty95{unit}"] = _rounded(quantity.uncertainty)
        row[f"{name}_source"] = str(quantity.source)
        row[f"{name}_slices"] = quantity.slices
    return row


def _center_cells(disc: DiscFinding) -> Row:
    center = disc.center_lps_mm or (None, None, None)
    names = ("center_left_mm", "center_posterior_mm", "center_head_mm")
    return {name: _rounded(value, _MM_DECIMALS) for name, value in zip(names, center, strict=True)}


def _rounded(value: float | None, decimals: int = _SCORE_DECIMALS) -> float | None:
    return None if value is None else round(value, decimals) + 0.0  # no -0.0


def _csv_cell(cell: Cell) -> str:
    """Return a cell as text; a leading quote keeps text from being read as a formula.

    >>> _csv_cell("=1+1"), _csv_cell(-1.5), _csv_cell(True), _csv_cell(None)
    ("'=1+1", '-1.5', 'true', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA):
        return f"'{cell}"
    return str(cell)
