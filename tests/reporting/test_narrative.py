"""The draft report: every disc, every doubt, both languages, templates of one's own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from report_cases import make_study, whole_findings

from discern.errors import UsageError
from discern.findings import StudyFindings
from discern.reporting.kinds import DocumentOptions, Reported
from discern.reporting.narrative import draft_report, template_name, write_text
from discern.reporting.stamp import Stamp
from discern.spine import Language

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


@pytest.fixture
def findings() -> StudyFindings:
    return whole_findings(make_study())


def test_english_draft_names_every_level_and_every_doubt(findings: StudyFindings) -> None:
    text = draft_report(findings, language=ENGLISH)
    assert text.index("\nL3-L4") < text.index("\nL4-L5") < text.index("\nL5-S1")
    assert "left subarticular" in text
    assert "protrusion or extrusion" in text
    assert "UNCERTAIN, probability 62 %; also possible: IV" in text
    assert text.count("Herniation: not assessed.") == 2
    assert "High-intensity zones not assessed" in text
    assert "Disc height: 4.0 ± 0.6 mm, lower than the disc above" in text
    assert "compressed with loss" in text
    assert text.endswith("RESEARCH USE ONLY. DRAFT, NOT CONFIRMED BY A PHYSICIAN.\n")


def test_chinese_draft_uses_clinical_words(findings: StudyFindings) -> None:
    text = draft_report(findings, language=CHINESE, symptoms="left leg pain, L5")
    for words in ("Pfirrmann 分级 III 级", "左侧关节突下区", "高信号区", "椎间盘突出", "未评估"):
        assert words in text
    assert text.index("\nL4-L5 椎间盘") < text.index("\nL3-L4 椎间盘")


def test_symptoms_give_reasons_and_keep_all_levels(findings: StudyFindings) -> None:
    text = draft_report(findings, language=ENGLISH, symptoms="left leg pain, L5 dermatome, foo")
    assert "meets the L5 root (+4.98" in text
    assert "NOT understood, not used: foo" in text
    assert all(f"\n{disc.level}\n" in text for disc in findings.discs)


def test_text_document_is_the_same_twice(findings: StudyFindings) -> None:
    reported = Reported(findings, make_study())
    stamp = Stamp("ab" * 32, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    first, again = (write_text(reported, stamp, DocumentOptions()) for _ in range(2))
    assert first == again
    assert first[0].name == "draft-report.txt"
    assert "2026-01-02 03:04 UTC" in first[0].content.decode()


def test_department_template_may_extend_the_builtin(
    findings: StudyFindings, tmp_path: Path
) -> None:
    name = template_name(ENGLISH)
    own = f'{{% extends "builtin/{name}" %}}{{% block title %}}OUR WARD\n{{% endblock %}}'
    (tmp_path / name).write_text(own, encoding="utf-8")
    text = draft_report(findings, language=ENGLISH, templates=tmp_path)
    assert "OUR WARD" in text
    assert "FINDINGS" in text


@pytest.mark.parametrize(
    "wrong",
    [
        "one\n{{ no_such_name }}",
        "one\n{% if %}",
        "one\n{{ ''.__class__.__mro__ }}",
        "one\n{{ 1 / 0 }}",
        'one\n{% include "gone" %}',
    ],
)
def test_bad_template_is_told_with_its_line(
    findings: StudyFindings, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / template_name(ENGLISH)).write_text(wrong, encoding="utf-8")
    with pytest.raises(UsageError, match=r"narrative\.en\.txt\.j2, line 2"):
        draft_report(findings, language=ENGLISH, templates=tmp_path)


def test_missing_template_is_told(findings: StudyFindings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no narrative\.zh\.txt\.j2"):
        draft_report(findings, language=CHINESE, templates=tmp_path)
