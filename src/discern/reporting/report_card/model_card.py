"""The model card: what the weights are, what they learned from, how well they do, their limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.evaluation.disc_wise import PLANES
from discern.evaluation.headlines import HEADLINES
from discern.evaluation.subgroups import FEW_PATIENTS
from discern.evaluation.table_formats import Table
from discern.networks import TrainedOn
from discern.reporting.report_card.answers import Answers
from discern.reporting.report_card.evidence import Evidence
from discern.reporting.report_card.figures import LESION_NAMES, figures_table
from discern.reporting.report_card.result_facts import subgroups_of
from discern.reporting.report_card.run_facts import TRAINED_ON, heads_of
from discern.spine import LESION_LABELS

RESEARCH_USE = (
    "Research use only. Not a medical device. No statement of these weights may decide on the "
    "care of a patient."
)
_USE = (
    "For a first reading of lumbar MR in research, with slices and boxes behind each statement.",
    "Not for diagnosis, triage, or any use without a person who looks at the images.",
)
_SUBGROUP_FIGURES = ("exact_all", "within_one", "kappa_linear", "disc_recall")

_FEW = f"* Fewer than {FEW_PATIENTS} patients: the figures say next to nothing."


@dataclass(frozen=True, slots=True)
class CardSection:
    """Lines and tables under one heading; ``topics`` are said after ``lines``."""

    title: str
    lines: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def card_title(evidence: Evidence) -> str:
    """Return the heading: name and version of the weights, or the configuration."""
    if evidence.weights is not None:
        about = evidence.weights.metadata
        return f"Model card: {about.name} {about.version}"
    name = evidence.manifest["configuration"]["name"] if evidence.manifest else "unnamed"
    return f"Model card: {name}"


def card_sections(evidence: Evidence) -> tuple[CardSection, ...]:
    """Return the sections in order."""
    titled = {evidence.evaluation.name: evidence.evaluation}
    if evidence.external is not None:
        titled[evidence.external.name] = evidence.external
    return (
        CardSection("What it is", topics=("model", "preprocessing", "ensemble")),
        CardSection("Intended use", _USE, ("intended_use", "end_user")),
        CardSection("Heads", tables=_heads(evidence)),
        CardSection(
            "Training data", topics=("data_source", "annotation", "annotated_counts", "partitions")
        ),
        CardSection(
            "Training",
            topics=("training", "initialization", "final_model", "hardware", "software"),
        ),
        CardSection("Thresholds and calibration", topics=("thresholds",), tables=_points(evidence)),
        CardSection(
            "Evaluation",
            topics=("internal", "external", "disjoint", "uncertainty"),
            tables=(figures_table(titled),),
        ),
        CardSection("Subgroups", _without_subgroups(evidence), tables=_subgroups(evidence)),
        CardSection("Patients", topics=("devices", "demographics", "severity", "representative")),
        CardSection(
            "Known limits",
            topics=("weak_heads", "limitations", "failures", "ethical_considerations"),
        ),
        CardSection("Availability and licence", topics=("availability", "funding", "interests")),
    )


def topics_of(sections: Sequence[CardSection]) -> tuple[str, ...]:
    """Return the topics of all sections."""
    return tuple(key for section in sections for key in section.topics)


def lines_of(section: CardSection, answers: Answers) -> list[str]:
    """Return the lines of ``section`` with what is said, or is to be said, of its topics."""
    lines = list(section.lines)
    for key in section.topics:
        lines += [f"{fact.text} ({fact.source})" for fact in answers[key].facts]
        lines += [answers[key].placeholder or ""]
    return [line for line in lines if line]


def _heads(evidence: Evidence) -> tuple[Table, ...]:
    if evidence.weights is None:
        return ()
    about = evidence.weights.metadata
    rows = [(label, str(plane), trained) for label, plane, trained in heads_of(evidence)]
    rows += [
        (
            LESION_NAMES[label],
            str(plane),
            f"{TRAINED_ON[TrainedOn.NOTHING]}: findings say not assessed",
        )
        for label in LESION_LABELS
        for plane in PLANES
        if not any((head.label, head.plane) == (label, plane) for head in about.spoken_heads)
    ]
    return (
        Table(
            "heads", "What each head was trained on", ("Label", "Plane", "Trained on"), tuple(rows)
        ),
    )


def _points(evidence: Evidence) -> tuple[Table, ...]:
    if evidence.weights is None:
        return ()
    about = evidence.weights.metadata
    lesions = [(label, plane) for plane in PLANES for label in about.trained_lesions(plane)]
    rows = tuple(
        (one.name, f"{one.grade_score:g}", *(f"{one.min_score(*row):g}" for row in lesions))
        for one in about.operating_points
    )
    head = ("Name", "Grade", *(f"{LESION_NAMES[label]}, {plane}" for label, plane in lesions))
    return (Table("operating-points", "Operating points of the weights", head, rows),)


def _subgroups(evidence: Evidence) -> tuple[Table, ...]:
    return tuple(
        Table(
            name=f"subgroups-{attribute.replace('_', '-')}",
            title=f"By {attribute.replace('_', ' ')}",
            columns=("Part", "Patients", *(HEADLINES[key].title for key in _SUBGROUP_FIGURES)),
            rows=tuple(
                (
                    f"{name} *" if part.at("few_patients") else name,
                    int(part.at("patients")),
                    *(part.figure("figures", key) for key in _SUBGROUP_FIGURES),
                )
                for name, part in parts.items()
            ),
            notes=(_FEW,) if any(part.at("few_patients") for part in parts.values()) else (),
        )
        for attribute, parts in subgroups_of(evidence.evaluation).items()
    )


def _without_subgroups(evidence: Evidence) -> tuple[str, ...]:
    return () if _subgroups(evidence) else ("The evaluation has no subgroups.",)
