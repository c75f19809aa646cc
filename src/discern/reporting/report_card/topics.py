"""What both checklists and the model card ask: each topic once, with what a person has to say.

A topic is answered from the files where they say it; ``hint`` tells a person what is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from discern.reporting.report_card import data_facts, result_facts, run_facts, training_facts
from discern.reporting.report_card.evidence import Evidence
from discern.reporting.report_card.facts import Facts, Finder


def _silent(_evidence: Evidence) -> Facts:
    return ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to report.

    Attributes:
        hint: What a person writes.
        find: What the files say.
        needs_person: Whether that leaves something to write.
        give: The option that would answer the topic, where it was not given.
    """

    hint: str
    find: Finder = _silent
    needs_person: bool = True
    give: str = ""


def _told(hint: str, find: Finder, give: str = "") -> Topic:
    """Return a topic that the files answer wholly."""
    return Topic(hint, find, needs_person=False, give=give)


_RUN = "a run folder with manifest.json"
_WEIGHTS = "a run folder or weights file"
_SUMMARY = "--summary"

TOPICS: Mapping[str, Topic] = {
    "title": Topic("a title that says deep learning, lumbar MR, and a measure of accuracy"),
    "abstract": Topic("a structured summary: design, methods, results, conclusions"),
    "background": Topic("why this matters, and what is known"),
    "intended_use": Topic("who would use this, on whom, at which point of the workflow"),
    "objectives": Topic("aims and hypotheses"),
    "design": Topic("prospective or retrospective; were the data collected before the study?"),
    "study_goal": Topic("goal: new model, exploration, feasibility, non-inferiority, ..."),
    "ethics": Topic(
        "approval by which committee, with its number, or why none was needed; consent"
    ),
    "eligibility": Topic("who and which images were included and excluded, by which criteria"),
    "recruitment": Topic("how possible participants were found: symptoms, earlier tests, registry"),
    "setting": Topic("where and when: hospitals, country, dates"),
    "series": Topic("consecutive, random or convenience series; was it enriched?"),
    "data_source": Topic(
        "source of the evaluated images, routine care or a public set, with its licence",
        run_facts.data_source,
    ),
    "subset": Topic("which images and discs were evaluated, and why these", result_facts.evaluated),
    "annotation": Topic(
        "who annotated, with how many years of experience, with which tool and instructions",
        run_facts.annotation,
    ),
    "annotated_counts": _told(
        "how many annotations of each class", data_facts.annotations, _SUMMARY
    ),
    "test_annotation": Topic("how the evaluated images were annotated, if otherwise than the rest"),
    "devices": _told("scanners and software", data_facts.scanners, _SUMMARY),
    "acquisition": _told("sequences, TR, TE, matrix, thickness", data_facts.acquisition, _SUMMARY),
    "preprocessing": _told("how images become input", run_facts.preprocessing, _WEIGHTS),
    "deidentification": Topic("how and by whom the images were de-identified"),
    "missing_data": Topic("how many images or readings were missing, and what became of them"),
    "indeterminate": Topic("how unreadable images and doubtful readings were handled"),
    "model": _told("the network, so that it can be built again", run_facts.model, _RUN),
    "training": _told("how it was trained", training_facts.training, _RUN),
    "initialization": _told("where training started", training_facts.initialization, _RUN),
    "final_model": _told("how the final model was chosen", training_facts.final_model, _RUN),
    "ensemble": _told("whether several networks vote", run_facts.ensemble, _WEIGHTS),
    "software": _told("libraries with versions", training_facts.software, _RUN),
    "hardware": _told("processors and time", training_facts.hardware, _RUN),
    "partitions": _told("how patients were assigned to the parts", training_facts.partitions, _RUN),
    "assignment": Topic("how the split was drawn: at random, stratified by what, by centre"),
    "disjoint": _told("that no patient is in two parts", run_facts.disjoint, _RUN),
    "thresholds": Topic("whether these thresholds were fixed beforehand", run_facts.thresholds),
    "end_user": Topic("who runs it and reads its answer, with which training"),
    "reference": Topic("the reference standard: who read what, blinded to what, agreed how"),
    "reference_rationale": Topic("why this reference standard, where others exist"),
    "reference_categories": Topic("definition of each grade and lesion in the reference standard"),
    "reader_agreement": Topic(
        "agreement within and between the readers; 'discern compare-readers' computes it"
    ),
    "index_blinding": _told("what the network knows besides images", run_facts.blinding),
    "reference_blinding": Topic("whether the readers of the truth knew the network's answers"),
    "method": _told("measures of accuracy", result_facts.method),
    "uncertainty": _told("how intervals were made", result_facts.uncertainty),
    "comparison": Topic("tests between models or readers, if any; fixed beforehand?"),
    "sample_size": Topic("the size that was intended, and how it was determined"),
    "subgroups": Topic("which of these parts were planned", result_facts.subgroup_figures),
    "robustness": Topic("tests of robustness: noise, other weightings, other scanners"),
    "fairness": Topic("how error was compared between groups of people", result_facts.fairness),
    "explanation": _told("what explains an answer", run_facts.explanation),
    "internal": Topic(
        "that these weights, or their folds, made the predictions; which part of the split, or how "
        "many folds",
        result_facts.evaluated,
    ),
    "external": Topic(
        "whose patients these are, or that there was no external test",
        result_facts.external_figures,
        give="--external",
    ),
    "registration": Topic("registry and number, or that there is none"),
    "flow": _told("flow of patients, as a diagram", data_facts.flow, _SUMMARY),
    "counts": Topic("how many were excluded, and why", result_facts.evaluated),
    "demographics": _told("age, sex, scanners of each part", data_facts.demographics, _SUMMARY),
    "clinical": Topic("symptoms and other clinical characteristics of the patients of each part"),
    "severity": _told("grades and lesions in the truth", result_facts.severity),
    "alternatives": Topic("other findings in those without the condition", result_facts.bulging),
    "interval": Topic("time and treatment between the image and the reference standard"),
    "representative": Topic("how far the evaluated patients resemble those of the intended use"),
    "external_difference": Topic("how patients, scanners and readers of the external test differ"),
    "truth_table": _told("answers against the truth", result_facts.truth_table),
    "grade_figures": _told("accuracy of the grade", result_facts.grade_figures),
    "lesion_figures": _told("accuracy of the lesions", result_facts.lesion_figures),
    "failures": Topic("what the errors have in common", result_facts.failures),
    "harms": Topic("adverse events of images or readings, or that there were none"),
    "weak_heads": _told("what was not trained", run_facts.untrained, _WEIGHTS),
    "limitations": Topic(
        "sources of bias and uncertainty; where it does not hold", result_facts.shaky
    ),
    "implications": Topic("what follows for practice, and what does not"),
    "ethical_considerations": Topic("harm that unequal error could do, and what was done about it"),
    "protocol": Topic("where the full protocol can be read"),
    "funding": Topic("who paid, and their part in the work"),
    "interests": Topic("commercial interests, of the authors and in the program"),
    "availability": Topic("where data, code and weights can be had", run_facts.availability),
    "audit": Topic("whether single answers and errors can be inspected by others, and where"),
}
"""Every topic by the key that ``answers.toml`` uses."""
