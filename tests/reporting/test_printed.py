"""The printed page as other programs read it: poppler for text, fonts and metadata."""

import os
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import ImageFile
from printed_cases import TIME, documents_of, pdf_of, program, reported_on, run, squeezed, text_of
from report_cases import HERNIATED, axial_series, make_study, sagittal_series, whole_findings

from discern.errors import UsageError
from discern.findings import (
    LevelHypothesis,
    Numbering,
    PfirrmannFinding,
    QuantityName,
    Source,
    StudyWarning,
)
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.reporting.kinds import Reported
from discern.reporting.narrative import draft_report
from discern.reporting.printed_engine import typeset
from discern.reporting.printed_pictures import build_pictures
from discern.reporting.rows import build_rows
from discern.reporting.viewers import build_viewers
from discern.reporting.wording import percent
from discern.spine import Label, Language, Level, PfirrmannGrade

HERE = Path(__file__).parent
MARGIN_PT, PAGE_PT = 14 / 25.4 * 72, (210 / 25.4 * 72, 297 / 25.4 * 72)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("phantom")
    write_study(demo_parameters(), DEMO_SEED, folder)
    return reported_on(folder)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return reported_on(shared_data / "lumbar-study-dicom" / "study")


@pytest.fixture(scope="module")
def pages(phantom: Reported) -> dict[Language, bytes]:
    return {language: pdf_of(phantom, language=language) for language in Language}


@pytest.fixture(scope="module")
def page(pages: dict[Language, bytes]) -> bytes:
    return pages[Language.ENGLISH]


@pytest.fixture(scope="module")
def real_page(real: Reported) -> bytes:
    return pdf_of(real)


def hand_made(description: str = "Sag T2", source: Source = Source.NIFTI) -> Reported:
    study = make_study(sagittal_series(description=description), axial_series(6), source=source)
    return Reported(whole_findings(study), study)


@pytest.mark.parametrize("language", list(Language))
def test_every_disc_of_the_findings_is_on_the_first_page(
    phantom: Reported, pages: dict[Language, bytes], language: Language
) -> None:
    first = text_of(pages[language], "-layout").split("\f")[0]

    parts = re.split(r"^([TLS][0-9]+-[LS][0-9]+|T[0-9]+-T[0-9]+)\b", first, flags=re.MULTILINE)
    rows = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(rows) == [disc.level for disc in phantom.findings.discs]
    for disc in phantom.findings.discs:
        assert disc.pfirrmann is not None
        assert re.search(rf"\b{disc.pfirrmann.grade.name}\b", rows[disc.level])
        if height := disc.quantities.get(QuantityName.DISC_HEIGHT):
            assert f"{height.value:.1f}" in rows[disc.level]
    experimental = "实验性" if language is Language.CHINESE else "experimental"
    assert first.count(experimental) >= 2 * len(rows)  # both lesions of every disc


@pytest.mark.parametrize("language", list(Language))
def test_the_whole_draft_is_on_the_page(
    phantom: Reported, pages: dict[Language, bytes], language: Language
) -> None:
    text = squeezed(text_of(pages[language], "-raw"))

    for line in draft_report(phantom.findings, language=language).splitlines():
        assert squeezed(line) in text


def test_every_page_says_what_it_is_and_what_it_was_made_from(
    page: bytes, phantom: Reported
) -> None:
    *pages, _ = text_of(page).split("\f")

    for number, text in enumerate(pages, start=1):
        assert "Research use only" in text
        assert f"{number}/{len(pages)}" in squeezed(text)
        assert phantom.findings.model.sha256[:12] in text
        assert "written 2026-01-02 03:04 UTC" in text


def test_the_page_names_neither_the_patient_nor_the_study(page: bytes, phantom: Reported) -> None:
    slices = phantom.study.series[0].slices
    assert slices[0].header is not None
    header, text = slices[0].header(), squeezed(text_of(page))

    for keyword in ("PatientName", "PatientID", "StudyInstanceUID"):
        assert squeezed(str(header[keyword].value)) not in text


def test_warnings_and_doubts_about_the_names_stand_on_the_first_page() -> None:
    reported = hand_made()
    numbering = Numbering(0.62, (LevelHypothesis(Level.L4_L5, 0.3),))
    warnings = (StudyWarning("sacrum_not_found", "The sacrum was not found."),)
    findings = replace(reported.findings, numbering=numbering, warnings=warnings)

    first = text_of(pdf_of(replace(reported, findings=findings)), "-layout").split("\f")[0]

    assert "Level names uncertain 62 %. Lowest disc otherwise: L4-L5 (30 %)" in first
    assert "The sacrum was not found." in first
    assert "L5-S1?" in first


def test_what_is_said_of_a_lesion_and_of_an_abstention_is_printed() -> None:
    reported = hand_made()
    grade = PfirrmannFinding(
        PfirrmannGrade.III, (0.01, 0.09, 0.62, 0.26, 0.02), (PfirrmannGrade.III,), abstain=True
    )
    discs = tuple(replace(one, hiz=HERNIATED, pfirrmann=grade) for one in reported.findings.discs)
    findings = replace(reported.findings, discs=discs)

    first = squeezed(text_of(pdf_of(replace(reported, findings=findings))).split("\f")[0])

    assert "present83%experimentalleftsubarticular,sagittal+axial,2neighbouringslices" in first
    assert "unsure,readbyeye" in first


@pytest.mark.parametrize("study", ["page", "real_page"])
def test_nothing_runs_over_the_margins(study: str, request: pytest.FixtureRequest) -> None:
    found = text_of(request.getfixturevalue(study), "-bbox")

    words = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)"', found)
    assert len(words) > 300
    assert min(float(left) for left, _ in words) >= MARGIN_PT - 0.5
    assert max(float(right) for _, right in words) <= PAGE_PT[0] - MARGIN_PT + 0.5


def test_the_page_of_a_real_study_is_small(real_page: bytes) -> None:
    assert len(real_page) < 3_000_000


def test_text_of_the_files_is_text_and_never_markup() -> None:
    hostile = "<script>alert(1)</script> <img src='file:///etc/hostname'> " + "x" * 300

    text = squeezed(text_of(pdf_of(hand_made(hostile)), "-raw"))

    assert squeezed(hostile) in text


def test_metadata_and_times_are_those_of_the_stamp(page: bytes, tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(page)

    said = run([program("pdfinfo"), "-isodates", str(path)], b"").decode()

    assert re.search(r"Title: +Lumbar MR, disc by disc \(Research use only", said)
    assert re.search(r"CreationDate: +2026-01-02T03:04:05Z", said)
    assert re.search(r"ModDate: +2026-01-02T03:04:05Z", said)
    assert re.search(r"Tagged: +yes", said)
    assert re.search(r"Page size: +59\d.* \(A4\)", said)


def test_pictures_are_described_for_those_who_cannot_see_them(
    phantom: Reported, page: bytes
) -> None:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", page, flags=re.DOTALL)
    (tree,) = [one for one in map(inflated, streams) if b"/StructTreeRoot" in one]

    described = re.findall(rb"/Alt \((.+?)\)", tree)
    assert len(described) == tree.count(b"/S /Figure") > 10
    assert b"L4-L5, axial" in described
    grade = phantom.findings.discs[0].pfirrmann
    assert grade is not None
    pairs = zip(PfirrmannGrade, grade.probabilities, strict=True)
    words = ", ".join(f"{one.name} {percent(probability)}" for one, probability in pairs)
    assert words.encode() in described


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""  # a picture, which is compressed as JPEG


@pytest.mark.parametrize("language", list(Language))
def test_every_font_is_embedded(
    pages: dict[Language, bytes], language: Language, tmp_path: Path
) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(pages[language])

    _, _, *fonts = run([program("pdffonts"), str(path)], b"").decode().splitlines()

    assert fonts
    for font in fonts:
        assert re.search(r"Identity-H +yes yes yes", font), font


def test_the_same_findings_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    program_text = (
        "import hashlib, test_printed, printed_cases\n"
        "pdf = printed_cases.pdf_of(test_printed.hand_made())\n"
        "print(hashlib.sha256(pdf).hexdigest(), pdf.count(b'%%EOF'))"
    )
    digests = {
        _python(program_text, {"PYTHONHASHSEED": seed, "TMPDIR": str(tmp_path)}).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1
    assert digests.pop().endswith(" 1\n")


def test_another_time_changes_the_bytes(phantom: Reported, page: bytes) -> None:
    later, encapsulated = documents_of(phantom, time=TIME.replace(hour=4))

    assert later.content != page
    assert [later.name, encapsulated.name] == ["report.pdf", "encapsulated-pdf.dcm"]


def test_no_patient_is_told_where_the_images_are_synthetic(page: bytes) -> None:
    assert "Synthetic sample, no patient." in text_of(page).split("\f")[0]


@pytest.mark.parametrize("source", [Source.NIFTI, Source.RASTER])
def test_without_dicom_there_is_the_pdf_alone(source: Source) -> None:
    (document,) = documents_of(hand_made(source=source))

    assert (document.name, document.media_type) == ("report.pdf", "application/pdf")
    assert document.sop_class_uid is None


def test_a_study_without_discs_places_or_uids_has_its_page() -> None:
    study = make_study(sagittal_series(placed=False), source=Source.RASTER)
    study = replace(study, study_instance_uid=None, study_date=None)
    findings = replace(whole_findings(make_study(sagittal_series(), axial_series(6))), discs=())
    findings = replace(findings, study_instance_uid=None, source=Source.RASTER, detections=())

    text = text_of(pdf_of(Reported(findings, study)))

    assert "No disc was found in this study." in text
    assert "Date not stated" in text


@pytest.mark.parametrize(
    "style",
    [
        "h1 { background: url('http://127.0.0.1:9/letterhead.png') }",
        "h1 { background: url('file:///etc/hostname') }",
        "@import url('https://127.0.0.1:9/more.css');",
        "@font-face { font-family: A; src: url('file:///fonts/a.ttf') } h1 { font-family: A }",
    ],
)
def test_a_style_that_asks_for_a_file_or_an_address_is_refused(style: str, tmp_path: Path) -> None:
    (tmp_path / "printed.css").write_text(style)

    with pytest.raises(UsageError, match=r"(file|https?)://.*loads nothing"):
        documents_of(hand_made(), templates=tmp_path)


def test_a_style_with_data_of_its_own_is_used(tmp_path: Path) -> None:
    (tmp_path / "printed.css").write_text("h1::after { content: ' Department of Radiology' }")

    (document,) = documents_of(hand_made(), templates=tmp_path)

    assert "Department of Radiology" in text_of(document.content)


def test_a_picture_inside_a_drawing_cannot_name_a_file_either() -> None:
    drawing = (
        "<svg viewBox='0 0 9 9'><image href='file:///etc/hostname' width='9' height='9'/></svg>"
    )

    with pytest.raises(UsageError, match="loads nothing"):
        typeset(f"<html lang=en><title>x</title>{drawing}", "1")


def test_a_missing_weasyprint_is_told_with_its_remedy() -> None:
    said = _python("import sys; sys.modules['weasyprint'] = None\n" + _WRITE)

    assert "UsageError: --also pdf: needs WeasyPrint; install it" in said.stderr
    assert "pip install 'discern-lumbar[pdf]'" in said.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="hides a library the way Linux finds them")
def test_a_missing_pango_is_told_with_its_remedy(tmp_path: Path) -> None:
    for name in ("libpango-1.0.so.0", "libpango-1.0-0", "pango-1.0-0", "pango-1.0"):
        (tmp_path / name).write_text("no library")

    said = _python(_WRITE, {"LD_LIBRARY_PATH": str(tmp_path)})

    assert "UsageError: --also pdf: WeasyPrint does not find the Pango library" in said.stderr
    assert "libpango-1.0-0" in said.stderr
    assert "brew install pango" in said.stderr
    assert said.stdout == ""


def test_chinese_without_a_chinese_font_is_refused_with_the_package_to_install(
    tmp_path: Path,
) -> None:
    write = _WRITE.replace("hand_made()", "hand_made(), language=printed_cases.Language.CHINESE")

    said = _python(write, _only_dejavu(tmp_path))

    assert "UsageError: --also pdf --language zh: no installed font has" in said.stderr
    assert "fonts-noto-cjk" in said.stderr


def test_a_character_without_a_font_is_told_on_an_english_page(tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    write = _WRITE.replace("hand_made()", "hand_made('矢 T2')")

    said = _python(
        f"{write}import pathlib; pathlib.Path({str(path)!r}).write_bytes(pdf)",
        _only_dejavu(tmp_path),
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    first = text_of(path.read_bytes()).split("\f")[0]
    assert "no installed font has stand as empty boxes: U+77E2" in " ".join(first.split())


def test_the_picture_of_a_herniated_disc_is_the_slice_that_shows_it(phantom: Reported) -> None:
    viewers = build_viewers(phantom.findings, phantom.study)
    rows = build_rows(phantom.findings, phantom.study, viewers)

    pictures = build_pictures(rows, viewers)

    (index,) = [i for i, row in enumerate(rows) if row.disc.level is Level.L4_L5]
    picture = pictures.discs[index].sagittal
    assert picture is not None
    shown = {mark.detection.label for mark in picture.sheet.marks if mark.disc == index}
    assert Label.HERNIATION in shown
    assert shown - {Label.HERNIATION}


def test_pictures_stay_inside_their_slices_and_hold_their_boxes(phantom: Reported) -> None:
    viewers = build_viewers(phantom.findings, phantom.study)
    rows = build_rows(phantom.findings, phantom.study, viewers)

    for index, disc in enumerate(build_pictures(rows, viewers).discs):
        assert disc.sagittal is not None
        view, (width, height) = disc.sagittal.view, disc.sagittal.sheet.size
        assert view.x >= 0
        assert view.y >= 0
        assert view.x + view.width <= width + 0.1
        assert view.y + view.height <= height + 0.1
        for mark in disc.sagittal.sheet.marks:
            if mark.disc == index:
                assert view.x <= mark.place.x <= view.x + view.width - mark.place.width
                assert view.y <= mark.place.y <= view.y + view.height - mark.place.height


_WRITE = (
    "import test_printed, printed_cases\npdf = printed_cases.pdf_of(test_printed.hand_made())\n"
)


def _python(
    text: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, as a user's machine of that environment would."""
    paths = {"PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[1] / 'src'}"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env=os.environ | paths | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def _only_dejavu(folder: Path) -> dict[str, str]:
    """Return the environment of a machine whose only fonts are those that matplotlib brings."""
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    configuration = folder / "fonts.conf"
    configuration.write_text(
        f"<fontconfig><dir>{fonts}</dir><cachedir>{folder / 'cache'}</cachedir></fontconfig>"
    )
    return {"FONTCONFIG_FILE": str(configuration)}


def test_setting_a_page_leaves_damaged_pictures_damaged() -> None:
    """WeasyPrint lets Pillow read truncated files in the whole process; a reader must not."""
    typeset("<html lang=en><title>x</title><p>page</p>", "1")

    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
