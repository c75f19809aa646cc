"""Grades that cannot be ruled out, abstention and operating points in page, draft and table."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from report_cases import make_study, whole_findings

from discern.findings import LesionThreshold, MeasuredShare, PfirrmannFinding, StudyFindings
from discern.reporting.disc_table import write_csv
from discern.reporting.fhir import write_fhir
from discern.reporting.kinds import Reported
from discern.reporting.narrative import draft_report
from discern.reporting.page import render_page
from discern.reporting.stamp import Stamp, findings_digest
from discern.spine import Label, Language, PfirrmannGrade, Plane

STUDY = make_study()
SURE = PfirrmannFinding(
    PfirrmannGrade.IV, (0.0, 0.0, 0.1, 0.85, 0.05), (PfirrmannGrade.III, PfirrmannGrade.IV)
)
WIDE = PfirrmannFinding(
    PfirrmannGrade.III, (0.05, 0.2, 0.4, 0.3, 0.05), tuple(PfirrmannGrade)[:4], abstain=True
)
ALONE = PfirrmannFinding(
    PfirrmannGrade.V, (0.0, 0.0, 0.0, 0.04, 0.96), (PfirrmannGrade.V,), abstain=False
)
MEASURED = LesionThreshold(
    Label.HERNIATION, Plane.SAGITTAL, 0.0122, MeasuredShare(0.821, 0.722, 0.918),
    MeasuredShare(0.659, 0.628, 0.690),
)  # fmt: skip
UNMEASURED = LesionThreshold(Label.HIZ, Plane.AXIAL, 0.25)


@pytest.fixture
def findings() -> StudyFindings:
    known = whole_findings(STUDY)
    grades = zip(known.discs, (SURE, WIDE, ALONE), strict=True)
    return replace(
        known,
        operating_point="screening",
        lesion_thresholds=(MEASURED, UNMEASURED),
        discs=tuple(replace(disc, pfirrmann=grade) for disc, grade in grades),
    )


def test_all_of_it_survives_the_json(findings: StudyFindings) -> None:
    assert StudyFindings.from_json(findings.to_json()) == findings
    said = json.loads(findings.to_json())
    assert said["lesion_thresholds"][0] == {
        "label": "herniation",
        "plane": "sagittal",
        "score": 0.0122,
        "sensitivity": {"value": 0.821, "low": 0.722, "high": 0.918},
        "specificity": {"value": 0.659, "low": 0.628, "high": 0.69},
    }


def test_findings_written_before_there_were_thresholds_can_be_read(findings: StudyFindings) -> None:
    older = json.loads(findings.to_json())
    del older["lesion_thresholds"]

    assert StudyFindings.from_json(json.dumps(older)) == replace(findings, lesion_thresholds=())


def test_the_page_tells_the_sets_and_what_the_operating_point_is_worth(
    findings: StudyFindings,
) -> None:
    page = unescape(render_page(findings, STUDY))

    assert "Pfirrmann IV, 85 %; III to IV cannot be ruled out" in page
    assert "Pfirrmann III, 40 %; I to IV cannot be ruled out; unsure, read by eye" in page
    assert "Pfirrmann V, 96 %</small>" in page
    worth = "herniation, sagittal: sensitivity 82 % [72, 92], specificity 66 % [63, 69]"
    assert page.count(worth) == 2
    assert f"{worth} (score from 0.0122)" in page
    assert "HIZ, axial: sensitivity and specificity not measured (score from 0.25)" in page


def test_the_draft_names_grades_that_are_not_ruled_out(findings: StudyFindings) -> None:
    text = draft_report(findings, language=Language.ENGLISH)

    assert "Pfirrmann grade IV, marked degeneration (not ruled out: III)." in text
    assert (
        "UNCERTAIN, the software abstains; nearest Pfirrmann grade III, otherwise I or II" in text
    )
    assert "sensitivity 82 % [72, 92], specificity 66 % [63, 69]" in text
    assert "high-intensity zone on axial images, sensitivity" not in text  # never measured


def test_the_chinese_draft_does_too(findings: StudyFindings) -> None:
    text = draft_report(findings, language=Language.CHINESE)

    for words in (
        *("Pfirrmann 分级 IV 级", "不能排除 III 级", "软件不予分级", "也可能为 I、II、IV 级"),
        *("矢状位椎间盘突出", "灵敏度 82 % [72, 92]", "特异度 66 % [63, 69]"),
    ):
        assert words in text


def test_the_table_has_the_ends_of_the_set(findings: StudyFindings) -> None:
    (document,) = write_csv(Reported(findings, STUDY))
    rows = list(csv.DictReader(io.StringIO(document.content.decode(), newline="")))

    ends = [(row["pfirrmann_set_lowest"], row["pfirrmann_set_highest"]) for row in rows]
    assert ends == [("3", "4"), ("1", "4"), ("5", "5")]
    assert [row["pfirrmann_abstain"] for row in rows] == ["false", "true", "false"]


def test_fhir_notes_the_operating_point(findings: StudyFindings) -> None:
    pytest.importorskip("fhir.resources")
    stamp = Stamp(findings_digest(findings), datetime(2026, 1, 2, tzinfo=UTC))

    for document in write_fhir(Reported(findings, STUDY), stamp, "draft"):
        assert "Operating point screening, herniation, sagittal: sensitivity 82 %" in (
            document.content.decode()
        )
