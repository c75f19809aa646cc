import base64
import hashlib
from dataclasses import replace

import pytest
from report_cases import (
    LEVELS,
    Page,
    axial_series,
    make_findings,
    make_study,
    sagittal_series,
    whole_findings,
)

from discern.errors import UnreadableFile
from discern.findings import (
    LesionFinding,
    LesionStatus,
    LevelHypothesis,
    Numbering,
    PfirrmannFinding,
    Quantity,
    QuantityName,
    QuantitySource,
    Side,
    Source,
    StudyFindings,
    StudyWarning,
)
from discern.imaging.study import Image, Series, Study
from discern.reporting.page import render_page
from discern.reporting.stack import MAX_SLICES
from discern.spine import Level, PfirrmannGrade, Plane

HOSTILE = "<script>alert(1)</script> [/red] \"'><img src=x onerror=alert(1)>"


def page_of(findings: StudyFindings, study: Study) -> Page:
    return Page(render_page(findings, study))


def plain_page() -> Page:
    study = make_study()
    return page_of(make_findings(study), study)


def test_the_same_findings_give_the_same_bytes() -> None:
    study, again = make_study(), make_study()
    assert render_page(make_findings(study), study) == render_page(make_findings(again), again)


def test_the_policy_admits_exactly_the_inlined_style_and_script() -> None:
    page = plain_page()
    (policy,) = (
        e.attributes["content"]
        for e in page.all("meta")
        if e.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    for tag in ("style", "script"):
        (element,) = page.all(tag)
        digest = hashlib.sha256("".join(element.text).encode()).digest()
        assert directives[f"{tag}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_nothing_points_outside_the_file() -> None:
    study = make_study()
    html = render_page(make_findings(study), study)
    for element in Page(html).elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), "the policy blocks inline handlers"
            assert name != "style", "the policy blocks inline styles"
            if name in {"src", "href", "srcset", "action", "poster", "data"}:
                assert value.startswith(("data:", "#")), value[:40]
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html


@pytest.mark.parametrize(
    "place", ["description", "reason", "warning", "model", "date", "override", "method"]
)
def test_hostile_text_is_shown_and_never_becomes_markup(place: str) -> None:
    study = make_study(sagittal_series(description=HOSTILE if place == "description" else "Sag"))
    study = replace(study, study_date=HOSTILE) if place == "date" else study
    findings = make_findings(study)
    measured = {QuantityName.WEDGE_ANGLE: Quantity(4, HOSTILE, 1, HOSTILE, QuantitySource.BOXES, 1)}
    changed = {
        "reason": {"series": (replace(findings.series[0], reason=HOSTILE),)},
        "warning": {"warnings": (StudyWarning(HOSTILE, HOSTILE),)},
        "model": {"model": replace(findings.model, name=HOSTILE)},
        "override": {"numbering": Numbering(1.0, (), HOSTILE)},
        "method": {"discs": (replace(findings.discs[0], quantities=measured),)},
    }.get(place, {})
    page = page_of(replace(findings, **changed), study)  # type: ignore[arg-type]
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert "<script>alert(1)</script> [/red]" in page.words


def test_control_direction_and_surrogate_characters_are_dropped() -> None:
    study = make_study(sagittal_series(description="T2\x00\u202esag\udc80\x1b[31m"))
    html = render_page(make_findings(study), study)
    html.encode("utf-8")
    assert "T2sag[31m" in html
    assert not {"\x00", "\x1b", "\u202e"} & set(html)


def test_one_row_per_disc_head_to_foot_with_grade_and_probabilities() -> None:
    page = plain_page()
    buttons = [e.words for e in page.all("button") if "aria-pressed" in e.attributes]
    assert buttons == list(LEVELS)
    assert [e.words for e in page.all("span", "chip")][:3] == ["grade III"] * 3
    words = page.all("svg", "bars")[0].attributes["aria-label"]
    assert words == "grade I 1 %, grade II 9 %, grade III 62 %, grade IV 26 %, grade V 2 %"


def whole_page() -> Page:
    study = make_study(sagittal_series(), axial_series(6))
    return page_of(whole_findings(study), study)


def test_the_row_of_a_disc_points_to_its_best_sagittal_and_middle_axial_slice() -> None:
    rows = [e.attributes for e in whole_page().all("tr") if "data-disc" in e.attributes]
    assert [row["data-sagittal"] for row in rows] == ["2", "2", "2"]
    assert [row.get("data-axial") for row in rows] == [None, "3", "0"]


def test_axial_slices_say_what_they_cut() -> None:
    page = whole_page()
    cuts = [e.attributes["data-cuts"] for e in page.all("svg", "slice")]
    disc, other = "L4-L5 disc", "not at a named level"
    assert cuts == [""] * 5 + ["L5-S1 disc", "L5 vertebra", disc, disc, disc, other]
    own = [e.words for e in page.all("div", "own")]
    assert own == [
        "L3-L4 on 2 3 4", "L4-L5 on 2 3 4", "L5-S1 on 2 3 4",
        "No axial slice cuts L3-L4", "L4-L5 on 3 4 5", "L5-S1 on 1",
    ]  # fmt: skip
    lines = [e.attributes for e in page.all("line") if "data-disc" in e.attributes]
    assert {(line["data-of"], line["data-disc"]) for line in lines} == {
        ("0", "2"), ("2", "1"), ("3", "1"), ("4", "1")
    }  # fmt: skip


def test_without_assignment_no_axial_slice_is_given_to_a_disc() -> None:
    page = plain_page()
    rows = [e.attributes for e in page.all("tr") if "data-disc" in e.attributes]
    assert not any("data-axial" in row for row in rows)
    assert page.words.count("Axial slices are not assigned to discs") == len(LEVELS)


def test_quantities_are_given_with_unit_uncertainty_source_and_comparison() -> None:
    page = whole_page()
    cells = [e.words for e in page.all("td", "value")]
    assert cells == ["9.0 ± 0.6 mm", "0.45", "8.4 ± 0.6 mm", "0.42", "4.0 ± 0.6 mm", "0.20"]
    first, *_ = (e.words for e in page.all("article", "panel"))
    assert "from masks, 3 slices mid-slice masks" in first
    assert "from boxes (approximate), 1 slice medians" in first
    spark = page.all("svg", "spark")[0]
    assert spark.attributes["aria-label"] == "L3-L4 9.0 mm, L4-L5 8.4 mm, L5-S1 4.0 mm"
    heights = [
        float(e.attributes["height"])
        for e in page.all("rect", "bar")
        if e.attributes["width"] == "9"
    ]
    assert heights[:3] == pytest.approx([24, 24 * 8.44 / 9, 24 * 4 / 9], abs=0.1)


def test_missing_quantities_are_explained() -> None:
    assert "Not measured in this run" in plain_page().words
    study = make_study(sagittal_series(placed=False))
    assert "the files state no pixel spacing" in page_of(make_findings(study), study).words


def test_what_each_plane_says_stands_beside_the_joint_probability() -> None:
    panel = whole_page().all("article", "panel")[1].words
    assert (
        "Herniation present 64 % 2 of 5 slices, score 0.71 not assessed shown on 3 slices"
        " present 83 % experimental left subarticular 2 neighbouring slices"
    ) in panel
    assert "HIZ not assessed not assessed not assessed" in panel


def commands(page: Page, disc: int) -> dict[str, str | None]:
    """The command of each name that a disc can be given."""
    options = page.all("option")[disc * len(Level) : (disc + 1) * len(Level)]
    return {e.attributes["value"]: e.attributes.get("data-command") for e in options}


def test_a_disc_with_a_place_is_re_anchored_there() -> None:
    found = commands(plain_page(), 1)
    assert list(found) == list(Level)
    assert found["L5-S1"] == 'discern analyze INPUT --out OUT --anchor "L5-S1@0.0,-9.0,6.0"'


def test_a_disc_without_a_place_names_the_lowest_disc() -> None:
    study = make_study(sagittal_series(placed=False))
    findings = make_findings(study)
    discs = tuple(replace(disc, center_lps_mm=None) for disc in findings.discs)
    found = commands(page_of(replace(findings, discs=discs), study), 1)
    start = "discern analyze INPUT --out OUT --lowest-level "
    assert found["L4-L5"] == start + "L5-S1"
    assert found["L3-L4"] == start + "L4-L5"
    assert found["L5-S1"] == start + "S1-S2"
    assert found["L5-L6"] == start + "L6-S1"
    assert found["S1-S2"] is None


def test_lesions_say_what_they_are_and_not_assessed_is_never_absent() -> None:
    study = make_study()
    findings = make_findings(study)
    present = LesionFinding(
        LesionStatus.PRESENT, experimental=True, score=0.714, planes=(Plane.SAGITTAL,),
        side=Side.LEFT, consecutive_slices=2,
    )  # fmt: skip
    absent = LesionFinding(LesionStatus.ABSENT, score=0.04)
    discs = (
        replace(findings.discs[0], herniation=present),
        replace(findings.discs[1], herniation=absent),
        findings.discs[2],
    )
    cells = [
        e.words
        for e in page_of(replace(findings, discs=discs), study).all("td", "lesion")
        if e.attributes["data-label"] == "Herniation"
    ]
    assert cells[0] == "present 0.71 experimental left, sagittal"
    assert cells[1] == "absent 0.04"
    assert cells[2] == "not assessed"


def test_doubtful_numbering_marks_every_name_and_offers_the_alternatives() -> None:
    study = make_study()
    sure = make_findings(study)
    doubtful = replace(sure, numbering=Numbering(0.62, (LevelHypothesis(Level.L6_S1, 0.3),)))
    page = page_of(doubtful, study)
    (box,) = page.all("details", "doubt")
    assert "open" in box.attributes
    assert "Level names uncertain: 62 % sure. L5-S1 is taken as the lowest disc." in box.words
    assert [e.words for e in page.all("button", "alternative")] == ["L6-S1 (30 %)"]
    assert len(page.all("span", "query")) == 2 * len(LEVELS)  # in the table and in the panels
    names = [e.words for e in page.all("text")]
    assert names.count("L4-L5?") == 3
    assert "L4-L5" not in names
    assert not page_of(sure, study).all("span", "query")
    (box,) = page_of(sure, study).all("details")
    assert "open" not in box.attributes


def test_one_doubtful_name_marks_its_disc_and_the_vertebrae_beside_it() -> None:
    study = make_study(sagittal_series(), axial_series(6))
    findings = whole_findings(study)
    discs = (*findings.discs[:2], replace(findings.discs[2], level_confidence=0.5))
    page = page_of(replace(findings, discs=discs), study)
    assert "Names marked ? are uncertain." in page.words
    cuts = [e.attributes["data-cuts"] for e in page.all("svg", "slice")][5:8]
    assert cuts == ["L5-S1? disc", "L5? vertebra", "L4-L5 disc"]


def test_an_override_of_the_numbering_is_said() -> None:
    study = make_study()
    findings = replace(make_findings(study), numbering=Numbering(1.0, (), "L5-S1"))
    assert (
        "Level names set by the user. L5-S1 is taken as the lowest disc (L5-S1)"
        in page_of(findings, study).words
    )


def test_abstaining_and_the_conformal_set_are_shown() -> None:
    study = make_study()
    findings = make_findings(study)
    unsure = PfirrmannFinding(
        PfirrmannGrade.III,
        (0.0, 0.1, 0.5, 0.4, 0.0),
        conformal_set=(PfirrmannGrade.III, PfirrmannGrade.IV),
        abstain=True,
    )
    discs = (replace(findings.discs[0], pfirrmann=unsure), *findings.discs[1:])
    page = page_of(replace(findings, discs=discs), study)
    assert [e.words for e in page.all("small", "doubt")] == ["unsure"]
    assert len(page.all("line", "kept")) == 4  # in the table and in the panel
    words = page.all("svg", "bars")[0].attributes["aria-label"]
    assert words.endswith("cannot be ruled out: III, IV")


def test_a_disc_without_grade_says_so() -> None:
    study = make_study()
    findings = make_findings(study)
    discs = tuple(replace(disc, pfirrmann=None) for disc in findings.discs)
    assert page_of(replace(findings, discs=discs), study).words.count("not graded") == 2 * len(
        LEVELS
    )


def test_every_warning_is_written_and_a_synthetic_study_has_a_banner() -> None:
    study = make_study()
    findings = make_findings(study)
    page = page_of(findings, study)
    assert "The images were compressed with loss." in page.words
    assert not page.all("p", "synthetic")
    synthetic = StudyWarning("synthetic", "Computed by discern.phantom.")
    page = page_of(replace(findings, warnings=(synthetic,)), study)
    (banner,) = page.all("p", "synthetic")
    assert banner.words == "Synthetic sample, no patient. Computed by discern.phantom."


def test_the_summary_line_names_the_worst_discs_and_herniations() -> None:
    study = make_study()
    findings = make_findings(study)
    first, second, third = findings.discs
    assert "Highest grade III at L3-L4, L4-L5, L5-S1. Herniation not assessed." in (
        page_of(findings, study).words
    )
    graded = PfirrmannFinding(PfirrmannGrade.V, (0.0, 0.0, 0.0, 0.2, 0.8))
    absent = LesionFinding(LesionStatus.ABSENT)
    discs = (first, replace(second, pfirrmann=graded), replace(third, herniation=absent))
    words = page_of(replace(findings, discs=discs), study).words
    assert "3 discs, L3-L4 to L5-S1. Highest grade V at L4-L5. No herniation detected." in words
    discs = (first, replace(second, pfirrmann=replace(graded, abstain=True)), third)
    words = page_of(replace(findings, discs=discs), study).words
    assert "Highest grade III at L3-L4, L5-S1. Grade unsure at L4-L5. Herniation" in words
    present = LesionFinding(LesionStatus.PRESENT, experimental=True)
    discs = (first, second, replace(third, herniation=present))
    words = page_of(replace(findings, discs=discs), study).words
    assert "Herniation (experimental) at L5-S1." in words


def test_every_series_is_listed_with_its_reason() -> None:
    words = plain_page().words
    assert "Research use only" in words
    assert "the only one" in words
    assert "shown for reading" in words


def test_zero_discs_still_shows_the_images() -> None:
    study = make_study()
    page = page_of(make_findings(study, levels=()), study)
    assert "No disc was found" in page.words
    assert len(page.all("image")) == 9


def test_a_study_without_axial_series() -> None:
    study = make_study(sagittal_series())
    page = page_of(make_findings(study), study)
    assert "Axial findings: not assessed" in page.words
    assert len(page.all("image")) == 5


def test_plain_images_without_geometry() -> None:
    study = make_study(sagittal_series(placed=False), source=Source.RASTER)
    study = replace(study, study_instance_uid=None, study_date=None)
    findings = make_findings(study)
    discs = tuple(replace(disc, center_lps_mm=None) for disc in findings.discs)
    page = page_of(replace(findings, discs=discs, study_instance_uid=None), study)
    texts = {e.words for e in page.all("text")}
    assert not {"H", "F", "A", "P", "5 cm"} & texts
    assert "L4-L5" in texts
    assert "The files do not say where slices lie" in page.words
    assert "Date not stated" in page.words


def test_a_study_with_no_readable_slice_keeps_its_table() -> None:
    study = make_study(replace(sagittal_series(), slices=()))
    page = page_of(make_findings(study), study)
    assert "No sagittal slice can be shown." in page.words
    assert [e.words for e in page.all("button") if "aria-pressed" in e.attributes] == list(LEVELS)


def unreadable() -> Image:
    raise UnreadableFile("slice-0 is truncated")


def with_damaged_first_slice(series: Series) -> Series:
    return replace(series, slices=(replace(series.slices[0], read=unreadable), *series.slices[1:]))


def test_a_slice_that_cannot_be_decoded_is_left_out_and_noted() -> None:
    study = make_study(with_damaged_first_slice(sagittal_series()))
    page = page_of(make_findings(study), study)
    assert len(page.all("image")) == 4
    assert "Series s1: slices not decodable: 1." in page.words
    rows = [e.attributes for e in page.all("tr") if "data-disc" in e.attributes]
    assert rows[0]["data-sagittal"] == "1"  # the second of the four that are left


def test_a_long_series_is_thinned_but_keeps_the_best_slice_of_each_disc() -> None:
    study = make_study(sagittal_series(101))
    page = page_of(make_findings(study), study)
    assert 40 <= len(page.all("image")) <= 40 + len(LEVELS)
    assert "of 101 slices of series s1 are shown, evenly chosen" in page.words
    captions = [e.attributes["data-caption"] for e in page.all("svg", "slice")]
    rows = [e.attributes for e in page.all("tr") if "data-disc" in e.attributes]
    assert captions[int(rows[0]["data-sagittal"])] == "Sag T2, slice 3 of 101"


def test_several_axial_series_can_be_jumped_to() -> None:
    study = make_study(sagittal_series(), axial_series(2), axial_series(3, "s3"))
    page = page_of(make_findings(study), study)
    assert [e.attributes["data-to"] for e in page.all("button", "jump")] == ["0", "2"]


def test_more_axial_series_than_slices_to_show_still_show_one_each() -> None:
    blocks = [axial_series(2, f"a{number}") for number in range(MAX_SLICES[Plane.AXIAL] + 1)]
    study = make_study(sagittal_series(1), *blocks)
    page = page_of(make_findings(study), study)
    assert len(page.all("image")) == 1 + len(blocks)
