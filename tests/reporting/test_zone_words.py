"""A high-intensity zone in every form of words: page, draft, table, one line, JSON."""

from dataclasses import replace

import pytest
from report_cases import axial_series, make_study, sagittal_series, whole_findings

from discern.findings import (
    Border,
    FocusFinding,
    LesionFinding,
    LesionStatus,
    StudyFindings,
    T1Appearance,
)
from discern.reporting.disc_table import disc_rows
from discern.reporting.narrative import draft_report
from discern.reporting.page import render_page
from discern.reporting.wording import summary
from discern.spine import Language, Plane

STUDY = make_study(sagittal_series(), axial_series(6))
FOCUS = FocusFinding(Border.POSTERIOR, 3.14, 0.72, T1Appearance.DARK, 0.61)


def zoned(focus: FocusFinding | None = FOCUS) -> StudyFindings:
    findings = whole_findings(STUDY)
    zone = LesionFinding(
        LesionStatus.PRESENT,
        experimental=True,
        score=0.5,
        planes=(Plane.SAGITTAL,),
        consecutive_slices=2,
        focus=focus,
    )
    first, second, third = findings.discs
    return replace(findings, discs=(first, replace(second, hiz=zone), third))


def test_the_json_keeps_what_the_zone_looks_like() -> None:
    assert StudyFindings.from_json(zoned().to_json()).discs[1].hiz.focus == FOCUS
    unknown = FocusFinding(Border.ANTERIOR)
    assert StudyFindings.from_json(zoned(unknown).to_json()).discs[1].hiz.focus == unknown


def test_findings_written_before_there_was_a_focus_are_read() -> None:
    text = whole_findings(STUDY).to_json().replace('    "focus": null,\n', "")
    older = text.replace(',\n    "focus": null', "")
    assert '"focus"' not in older
    assert StudyFindings.from_json(older).discs[1].hiz.focus is None


ENGLISH = (
    "Focus: posterior; signal 3.1 times that of the nucleus; 0.7 of cerebrospinal fluid; "
    "dark on T1 against the nucleus.",
)
CHINESE = ("位于纤维环后部", "信号为髓核的 3.1 倍", "为脑脊液的 0.7 倍", "T1 上相对髓核呈低信号")


@pytest.mark.parametrize(
    ("language", "words"), [(Language.ENGLISH, ENGLISH), (Language.CHINESE, CHINESE)]
)
def test_the_draft_describes_the_focus(language: Language, words: tuple[str, ...]) -> None:
    text = draft_report(zoned(), language=language)
    without = draft_report(zoned(None), language=language)
    for one in words:
        assert one in text
        assert one not in without


def test_a_focus_no_brighter_than_the_nucleus_is_told() -> None:
    dim = draft_report(zoned(FocusFinding(Border.POSTERIOR, 0.9)), language=Language.ENGLISH)
    assert "0.9 times that of the nucleus, which is not brighter" in dim
    assert "not brighter" not in draft_report(zoned(), language=Language.ENGLISH)


def test_the_table_has_it_in_columns_of_its_own() -> None:
    rows = list(disc_rows(zoned()))
    names = ("hiz_border", "hiz_nucleus_ratio", "hiz_csf_ratio", "hiz_t1", "hiz_t1_ratio")
    assert [rows[1][name] for name in names] == ["posterior", 3.14, 0.72, "dark", 0.61]
    assert [rows[0][name] for name in names] == [None] * 5


def test_page_and_summary_name_the_zone() -> None:
    findings = zoned()
    assert "posterior, 3.1 times the nucleus, 0.7 of the fluid, dark on T1" in render_page(
        findings, STUDY
    )
    level = findings.discs[1].level
    assert f"High-intensity zone (experimental) at {level}" in summary(findings)
    assert "High-intensity" not in summary(whole_findings(STUDY))
