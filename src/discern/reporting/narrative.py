"""Draft report in words: structured findings put into a template's sentences, nothing else.

The built-in templates use the words of Fardon et al. (Spine J 14:2525, 2014). A department may
edit copies: they run in a sandbox and stop at any name that does not exist.
"""

import traceback
from datetime import UTC
from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from discern.errors import UsageError
from discern.findings import LesionThreshold, StudyFindings
from discern.reporting.kinds import Document, DocumentKind, DocumentOptions, Reported
from discern.reporting.narrative_view import (
    DEGENERATED_FROM,
    LISTHESIS_MM,
    SURE_GRADE,
    LevelView,
    clean,
    level_views,
    symptoms_view,
)
from discern.reporting.rows import DOUBTFUL_BELOW
from discern.reporting.stamp import Stamp
from discern.reporting.symptom_levels import order_levels
from discern.reporting.symptoms import parse_symptoms
from discern.reporting.wording import percent, share_words
from discern.spine import Language

FILE_NAME = "draft-report.txt"
BUILTIN = "builtin"
"""A department's template may extend ``builtin/narrative.en.txt.j2`` and replace single blocks."""


def template_name(language: Language) -> str:
    """Return the file name of the template of a language.

    >>> template_name(Language.CHINESE)
    'narrative.zh.txt.j2'
    """
    return f"narrative.{language}.txt.j2"


def draft_report(
    findings: StudyFindings,
    *,
    language: Language,
    symptoms: str | None = None,
    templates: Path | None = None,
) -> str:
    """Return the draft as plain text; ``templates`` is a folder with a department's own.

    Raises:
        UsageError: Nothing of the symptoms is understood, or the template is missing or wrong.
    """
    return _rendered(_context(findings, symptoms), template_name(language), templates)


def write_text(reported: Reported, stamp: Stamp, options: DocumentOptions) -> list[Document]:
    """Return the draft as a text file, its last line naming the findings and the time."""
    draft = draft_report(
        reported.findings,
        language=options.language,
        symptoms=options.symptoms,
        templates=options.templates,
    )
    time = stamp.content_time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{draft}\n[findings.json SHA-256 {stamp.findings_sha256[:16]}, {time}]\n"
    return [Document(DocumentKind.TEXT, FILE_NAME, text.encode(), "text/plain; charset=utf-8")]


def _context(findings: StudyFindings, symptoms: str | None) -> dict[str, object]:
    understood = None if symptoms is None else parse_symptoms(symptoms)
    ordered = None if understood is None else order_levels(findings, understood)
    in_order = level_views(findings, None)
    return {
        "levels": level_views(findings, ordered),
        "levels_head_to_foot": in_order,
        "symptoms": symptoms_view(symptoms, understood) if symptoms and understood else None,
        "warnings": [{"code": one.code, "text": clean(one.text)} for one in findings.warnings],
        "series": [_series(findings, used=True), _series(findings, used=False)],
        "source": str(findings.source),
        "numbering": _numbering(findings),
        "model": {name: clean(getattr(findings.model, name)) for name in ("name", "version")}
        | {"sha256": clean(findings.model.sha256[:12])},
        "operating_point": clean(findings.operating_point),
        "thresholds": [_threshold(one) for one in findings.lesion_thresholds if one.sensitivity],
        "synthetic": any(one.code == "synthetic" for one in findings.warnings),
        "sure_grade": SURE_GRADE,
        "listhesis_mm": LISTHESIS_MM,
        **_impression(in_order),
    }


def _threshold(one: LesionThreshold) -> dict[str, str]:
    return {
        "lesion": str(one.label),
        "plane": str(one.plane),
        "sensitivity": share_words(one.sensitivity) if one.sensitivity else "",
        "specificity": share_words(one.specificity) if one.specificity else "",
    }


def _series(findings: StudyFindings, *, used: bool) -> list[dict[str, str]]:
    return [
        {
            "plane": str(one.plane),
            "weighting": str(one.weighting),
            "description": clean(one.description),
        }
        for one in findings.series
        if one.used is used
    ]


def _numbering(findings: StudyFindings) -> dict[str, object]:
    numbering = findings.numbering
    return {
        "confidence": numbering.confidence,
        "doubtful": numbering.confidence < DOUBTFUL_BELOW,
        "override": clean(numbering.override or ""),
        "alternatives": [
            {"lowest_level": str(one.lowest_level), "confidence": one.confidence}
            for one in numbering.alternatives
        ],
    }


def _impression(levels: tuple[LevelView, ...]) -> dict[str, object]:
    graded = [one for one in levels if one.grade]
    return {
        "herniated": [one for one in levels if one.herniation.status == "present"],
        "herniation_assessed": any(one.herniation.status != "not_assessed" for one in levels),
        "with_hiz": [one for one in levels if one.hiz.status == "present"],
        "hiz_assessed": any(one.hiz.status != "not_assessed" for one in levels),
        "slipped": [one for one in levels if one.listhesis],
        "degenerated": [
            one for one in graded if one.grade and one.grade.number >= DEGENERATED_FROM
        ],
        "ungraded": [one.name for one in levels if not one.grade or one.grade.abstain],
    }


def _rendered(context: dict[str, object], name: str, folder: Path | None) -> str:
    if folder is not None and not (folder / name).is_file():
        raise UsageError(
            f"--templates {folder}: holds no {name}; copy the built-in one there and edit it, "
            "or leave --templates out"
        )
    try:
        text = _environment(folder).get_template(name).render(context)
    except Exception as error:
        if folder is None:
            raise
        raise UsageError(_template_fault(error, name)) from error
    return text.rstrip("\n") + "\n"


def _template_fault(error: Exception, name: str) -> str:
    """Return file, line, fault and remedy of a template that cannot be used."""
    where, line = name, 0
    if isinstance(error, TemplateSyntaxError):
        where, line = error.name or name, error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [one for one in frames if one.filename.endswith(".j2")]
        if inside:
            where, line = Path(inside[-1].filename).name, inside[-1].lineno or 0
    fault = f"no template {error}" if isinstance(error, TemplateNotFound) else str(error)
    place = f"{where}, line {line}" if line else where
    return (
        f"--templates: {place}: {fault or type(error).__name__}; correct the line "
        "(docs/documents.md lists what a template may use) or leave --templates out"
    )


def _environment(folder: Path | None) -> ImmutableSandboxedEnvironment:
    builtin = PackageLoader("discern.reporting", "templates")
    loader: BaseLoader = builtin
    if folder is not None:
        loader = ChoiceLoader([FileSystemLoader(folder), PrefixLoader({BUILTIN: builtin})])
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": _number}
    return environment


def _number(value: float, digits: int = 1) -> str:
    """Return a number with that many decimals and a true minus sign.

    >>> _number(3.14), _number(-0.01)
    ('3.1', '0.0')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")
