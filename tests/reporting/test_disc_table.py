import csv
import io
import subprocess
import sys
from dataclasses import replace

import pyarrow.parquet
import pytest
from report_cases import axial_series, make_study, sagittal_series, whole_findings

from discern.errors import UsageError
from discern.findings import PfirrmannFinding, StudyFindings
from discern.reporting.disc_table import COLUMNS, disc_rows, write_csv, write_parquet
from discern.reporting.kinds import Reported
from discern.spine import PfirrmannGrade

STUDY = make_study(sagittal_series(), axial_series(6))


@pytest.fixture
def findings() -> StudyFindings:
    return whole_findings(STUDY)


def csv_rows(findings: StudyFindings) -> list[dict[str, str]]:
    (document,) = write_csv(Reported(findings, STUDY))
    return list(csv.DictReader(io.StringIO(document.content.decode(), newline="")))


def test_csv_has_one_row_per_disc_head_to_foot(findings: StudyFindings) -> None:
    rows = csv_rows(findings)
    assert [row["level"] for row in rows] == ["L3-L4", "L4-L5", "L5-S1"]
    assert list(rows[0]) == list(COLUMNS)
    assert all(row["study_instance_uid"] == "1.2.840.99.1" for row in rows)
    assert all(row["model_sha256"] == "ab" * 32 for row in rows)


def test_what_is_said_of_a_disc_is_in_its_row(findings: StudyFindings) -> None:
    row = csv_rows(findings)[1]
    assert row["pfirrmann_grade"] == "3"
    assert [float(row[f"pfirrmann_{n}_probability"]) for n in range(1, 6)] == [
        0.01, 0.09, 0.62, 0.26, 0.02,
    ]  # fmt: skip
    said = {key: row[f"herniation_{key}"] for key in ("status", "side", "zone", "experimental")}
    assert said == {
        "status": "present",
        "side": "left",
        "zone": "subarticular",
        "experimental": "true",
    }
    assert (row["herniation_score"], row["herniation_probability"]) == ("0.71", "0.83")
    assert (row["disc_height_mm"], row["disc_height_uncertainty95_mm"]) == ("8.44", "0.58")
    assert (row["disc_height_source"], row["disc_csf_signal_ratio_source"]) == ("masks", "boxes")
    assert row["center_head_mm"] == "6.0"


def test_not_assessed_is_said_and_never_empty(findings: StudyFindings) -> None:
    row = csv_rows(findings)[0]
    assert row["hiz_status"] == row["herniation_status"] == "not_assessed"
    assert row["hiz_probability"] == row["hiz_consecutive_slices"] == row["listhesis_mm"] == ""


def test_a_disc_without_grade_has_empty_cells(findings: StudyFindings) -> None:
    discs = (replace(findings.discs[0], pfirrmann=None, center_lps_mm=None),)
    row = csv_rows(replace(findings, discs=discs))[0]
    assert row["pfirrmann_grade"] == row["pfirrmann_3_probability"] == row["center_head_mm"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_of_the_csv_is_a_formula(findings: StudyFindings, start: str) -> None:
    hostile = replace(
        findings,
        study_instance_uid=f'{start}HYPERLINK("http://x")',
        model=replace(findings.model, name=f"{start}cmd|' /C calc'!A0", engine=f"{start}1,2\n3"),
    )
    rows = csv_rows(hostile)
    assert len(rows) == 3
    assert all(row["study_instance_uid"].startswith(f"'{start}") for row in rows)
    assert all(row["model_name"].startswith("'") and row["model_engine"][0] == "'" for row in rows)


def test_parquet_is_typed_and_says_what_the_csv_says(findings: StudyFindings) -> None:
    (document,) = write_parquet(Reported(findings, STUDY))
    table = pyarrow.parquet.read_table(io.BytesIO(document.content))
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist() == list(disc_rows(findings))
    types = {name: str(table.schema.field(name).type) for name in COLUMNS}
    assert types["pfirrmann_grade"] == "int64"
    assert types["hiz_probability"] == "double"
    assert types["hiz_experimental"] == "bool"
    assert types["level"] == "string"


def test_same_findings_same_bytes_also_read_back_from_json(findings: StudyFindings) -> None:
    thirds = PfirrmannFinding(PfirrmannGrade.II, (1 / 3,) * 5)
    discs = (replace(findings.discs[0], pfirrmann=thirds), *findings.discs[1:])
    findings = replace(findings, discs=discs)
    again = StudyFindings.from_json(findings.to_json())
    for write in (write_csv, write_parquet):
        assert write(Reported(findings, STUDY)) == write(Reported(again, STUDY))


def test_a_study_without_discs_is_a_header_alone(findings: StudyFindings) -> None:
    bare = Reported(replace(findings, discs=(), study_instance_uid=None), STUDY)
    assert write_csv(bare)[0].content.decode() == ",".join(COLUMNS) + "\r\n"
    table = pyarrow.parquet.read_table(io.BytesIO(write_parquet(bare)[0].content))
    assert (table.num_rows, table.column_names) == (0, list(COLUMNS))


def test_without_pyarrow_the_remedy_is_named() -> None:
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from discern.reporting.disc_table import write_parquet\n"
        "write_parquet(None)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert UsageError.__name__ in done.stderr
    assert "pip install 'discern-lumbar[parquet]'" in done.stderr
