"""What the evaluations say: who was evaluated, how, and with which figures."""

from discern.evaluation.agreement_tables import TRUSTED_DISC_RECALL
from discern.evaluation.headlines import HEADLINES
from discern.evaluation.table_formats import cell_text
from discern.reporting.report_card.evidence import Evaluation, Evidence
from discern.reporting.report_card.facts import Fact, Facts, counted
from discern.reporting.report_card.figures import LESION_NAMES, figures_table

_BACKGROUND = 5
_TRUTH_ROWS = (*(f"grade {grade}" for grade in range(1, 6)), "spurious")
_HEADLINE = "exact_all"
_PERSONAL = ("sex", "age")


def _grades(one: Evaluation) -> Facts:
    shown = ("disc", "false disc", "same grade", "within one", "kappa", "balanced", "f1, mean")
    return _listed(one, shown)


def _listed(one: Evaluation, starts: tuple[str, ...]) -> Facts:
    rows = figures_table({one.name: one}).rows
    own = [row for row in rows if str(row[0]).lower().startswith(starts)]
    text = "; ".join(f"{name} {cell_text(cell)}" for name, cell in own)
    return (Fact(f"{text}.", one.source),) if own else ()


def grade_figures(evidence: Evidence) -> Facts:
    """Return the figures of the Pfirrmann grade."""
    return _grades(evidence.evaluation)


def lesion_figures(evidence: Evidence) -> Facts:
    """Return the figures of every lesion in the truth, and the share of acceptable slices."""
    starts = tuple(name.lower() for name in LESION_NAMES.values())
    return _listed(evidence.evaluation, (*starts, "acceptable"))


def external_figures(evidence: Evidence) -> Facts:
    """Return how many patients from elsewhere were evaluated, and their figures."""
    if evidence.external is None:
        return ()
    other = evidence.external
    facts = [Fact(_who(other), other.source)]
    if other.at("data_digest") in {evidence.evaluation.at("data_digest"), *_trained(evidence)}:
        text = "This is the data set of the training or of the internal evaluation: not external."
        facts.append(Fact(text, other.source))
    return (*facts, *_grades(other))


def evaluated(evidence: Evidence) -> Facts:
    """Return how many were evaluated, and whether the data set is that of the training."""
    one = evidence.evaluation
    facts = [Fact(_who(one), one.source)]
    if one.at("data_digest") in _trained(evidence):
        text = (
            "The evaluated data set is the one trained on: the figures hold only for patients whom "
            "the evaluated network had not seen (a part of the split, or out-of-fold predictions)."
        )
        facts.append(Fact(text, one.source))
    return tuple(facts)


def method(evidence: Evidence) -> Facts:
    """Return which figures there are."""
    one = evidence.evaluation
    names = [str(row[0]) for row in figures_table({one.name: one}).rows]
    return (Fact(f"Computed: {'; '.join(names)}.", one.source),)


def uncertainty(evidence: Evidence) -> Facts:
    """Return how intervals were made."""
    one = evidence.evaluation
    text = (
        f"95 % percentile bootstrap over the {one.at('bootstrap', 'unit')}s, "
        f"{one.at('bootstrap', 'resamples'):,} resamples, seed {one.at('bootstrap', 'seed')}."
    )
    return (Fact(text, one.source),)


def truth_table(evidence: Evidence) -> Facts:
    """Return the confusion matrix of the grades."""
    one = evidence.evaluation
    matrix = one.at("slice_wise", "pfirrmann", "confusion")
    if matrix is None:
        return ()
    rows = [
        f"{name}: {', '.join(map(str, row))}" for name, row in zip(_TRUTH_ROWS, matrix, strict=True)
    ]
    text = (
        f"Pfirrmann grades, truth in rows, answers 1 to 5 and missed in columns. {'; '.join(rows)}."
    )
    return (Fact(text, one.source),)


def severity(evidence: Evidence) -> Facts:
    """Return how many discs of each grade and lesions the truth holds."""
    one = evidence.evaluation
    grades = one.at("slice_wise", "pfirrmann", "per_grade") or {}
    counts = [f"grade {grade}: {item['support']}" for grade, item in grades.items()]
    for label, name in LESION_NAMES.items():
        for plane, item in (one.at("slice_wise", label) or {}).items():
            if item.get("support"):
                counts.append(f"{name} ({plane}): {item['support']}")
    return (Fact(f"Boxes in the truth. {'; '.join(counts)}.", one.source),) if counts else ()


def bulging(evidence: Evidence) -> Facts:
    """Return how many discs bulge without being herniated, and how often that misleads."""
    place = ("disc_wise", "herniation", "sagittal")
    one = evidence.evaluation
    count = one.at(*place, "bulging")
    if not count:
        return ()
    share = cell_text(one.figure(*place, "false_alarm_on_bulging"))
    text = f"{counted(count, 'disc')} bulge without herniation; called herniated: {share}."
    return (Fact(text, one.source),)


def failures(evidence: Evidence) -> Facts:
    """Return the counts of what went wrong."""
    one = evidence.evaluation
    matrix = one.at("slice_wise", "pfirrmann", "confusion")
    if matrix is None:
        return ()
    far = sum(
        count
        for truth, row in enumerate(matrix[:_BACKGROUND])
        for said, count in enumerate(row[:_BACKGROUND])
        if abs(truth - said) > 1
    )
    missed = sum(row[_BACKGROUND] for row in matrix[:_BACKGROUND])
    spurious = sum(matrix[_BACKGROUND][:_BACKGROUND])
    text = f"Discs off by more than one grade: {far}; missed: {missed}; spurious: {spurious}."
    if one.has_gallery:
        text += " The worst are shown in gallery.html beside the figures."
    return (Fact(text, one.source),)


def subgroup_figures(evidence: Evidence) -> Facts:
    """Return the same-grade share in every part of the data."""
    return _subgroups(evidence, tuple(subgroups_of(evidence.evaluation)))


def fairness(evidence: Evidence) -> Facts:
    """Return the same-grade share by sex and age."""
    known = subgroups_of(evidence.evaluation)
    return _subgroups(evidence, tuple(name for name in _PERSONAL if name in known))


def subgroups_of(one: Evaluation) -> dict[str, dict[str, Evaluation]]:
    """Return attribute -> part -> its figures, of the attributes that have parts."""
    found = {}
    for attribute, item in (one.at("subgroups") or {}).items():
        groups = item.get("groups") or {}
        if groups:
            found[attribute] = {name: Evaluation(name, group) for name, group in groups.items()}
    return found


def shaky(evidence: Evidence) -> Facts:
    """Return what in the figures themselves calls for caution."""
    facts = []
    for one in filter(None, (evidence.evaluation, evidence.external)):
        recall = one.figure("slice_wise", "pfirrmann", "disc_recall").value
        if recall is not None and recall < TRUSTED_DISC_RECALL:
            text = f"Only {recall:.3f} of the discs were found in {one.name}."
            facts.append(Fact(text, one.source))
    few = [
        f"{attribute} {name} ({part.at('patients')})"
        for attribute, parts in subgroups_of(evidence.evaluation).items()
        for name, part in parts.items()
        if part.at("few_patients")
    ]
    if few:
        text = f"Parts with few patients, whose figures say next to nothing: {', '.join(few)}."
        facts.append(Fact(text, evidence.evaluation.source))
    if evidence.external is None:
        facts.append(Fact("No external evaluation was given.", evidence.evaluation.source))
    return tuple(facts)


def _trained(evidence: Evidence) -> set[str]:
    """Return the digests of the data trained on."""
    digests = {
        "" if evidence.weights is None else evidence.weights.metadata.data_digest,
        "" if evidence.manifest is None else evidence.manifest["data"]["digest"],
    }
    return digests - {""}


def _subgroups(evidence: Evidence, attributes: tuple[str, ...]) -> Facts:
    one = evidence.evaluation
    known = subgroups_of(one)
    facts = []
    for attribute in attributes:
        parts = [
            f"{name} ({counted(part.at('patients'), 'patient')}) "
            f"{cell_text(part.figure('figures', _HEADLINE))}"
            for name, part in known[attribute].items()
        ]
        text = (
            f"{HEADLINES[_HEADLINE].title}, by {attribute.replace('_', ' ')}: {'; '.join(parts)}."
        )
        facts.append(Fact(text, one.source))
    return tuple(facts)


def _who(one: Evaluation) -> str:
    return (
        f"Evaluated: {counted(one.at('images'), 'slice')} of "
        f"{counted(one.at('patients'), 'patient')}, data digest {one.at('data_digest')}, "
        f"prediction digest {one.at('prediction_digest')}."
    )
