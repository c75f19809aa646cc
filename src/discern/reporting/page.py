"""The report page: findings and images of one study as one HTML file that works offline.

The file holds its own style, script and images and may load nothing else: a Content-Security-Policy
allows exactly the one style and the one script below, by their hashes. Every word that came from a
file is escaped by the template engine and stripped of control characters. No time and no path are
written, so the same findings give the same bytes.
"""

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from discern.findings import LesionStatus, Source, StudyFindings
from discern.imaging.study import Study
from discern.page_policy import content_policy
from discern.reporting import wording
from discern.reporting.rows import DOUBTFUL_BELOW, build_rows, doubtful_names, first_choice
from discern.reporting.viewers import build_viewers
from discern.spine import PfirrmannGrade, Plane

_SOURCE_WORDS = {
    Source.DICOM: "DICOM files",
    Source.NIFTI: "a NIfTI volume",
    Source.RASTER: "plain images",
}


def render_page(findings: StudyFindings, study: Study) -> str:
    """Return the HTML of ``report.html``; reads the pixels of the used series of ``study``."""
    style, script = _asset("report.css"), _asset("report.js")
    viewers = build_viewers(findings, study)
    rows = build_rows(findings, study, viewers)
    doubtful = findings.numbering.confidence < DOUBTFUL_BELOW
    text = (
        _environment()
        .get_template("report.html.j2")
        .render(
            findings=findings,
            study=study,
            summary=wording.summary(findings),
            source_words=_SOURCE_WORDS[findings.source],
            doubtful=doubtful,
            warnings=[one for one in findings.warnings if one.code != "synthetic"],
            slice_counts={one.id: len(one.slices) for one in study.series},
            rows=rows,
            first=first_choice(rows),
            unsure=doubtful_names(rows),
            viewers=viewers,
            axial_assessed=_axial_assessed(findings),
            any_conformal=any(
                one.pfirrmann and one.pfirrmann.conformal_set for one in findings.discs
            ),
            glossary=wording.GLOSSARY,
            romans=[grade.name for grade in PfirrmannGrade],
            policy=content_policy(style, script),
            style=Markup(style),  # noqa: S704 - our own file, not data
            script=Markup(script),  # noqa: S704 - our own file, not data
        )
    )
    return text.rstrip("\n") + "\n"


def _axial_assessed(findings: StudyFindings) -> bool:
    """Whether the axial plane has a verdict on any disc."""
    return any(
        one.plane is Plane.AXIAL and one.status is not LesionStatus.NOT_ASSESSED
        for disc in findings.discs
        for lesion in (disc.herniation, disc.hiz)
        for one in lesion.by_plane
    )


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("discern.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=wording.printable,
    )
    environment.filters |= {
        "percent": wording.percent,
        "grade_range": wording.grade_range,
        "threshold_words": wording.threshold_words,
        "date": wording.date,
        "short_uid": wording.short_uid,
        "lesion_place": wording.lesion_place,
        "lesion_run": wording.lesion_run,
        "focus_words": wording.focus_words,
        "lesion_site": wording.lesion_site,
        "evidence_words": wording.evidence_words,
        "plane_evidence": wording.plane_evidence,
        "cut_words": wording.cut_words,
        "sheet_caption": wording.sheet_caption,
        "mark_words": wording.mark_words,
    }
    return environment
