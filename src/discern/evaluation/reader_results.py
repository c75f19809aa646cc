"""The results of a reader study in sentences (paper 3.2)."""

from collections.abc import Sequence

from discern.evaluation.agreement_tables import TRUSTED_DISC_RECALL
from discern.evaluation.bootstrap import Figure
from discern.evaluation.comparison_tables import p_text, swaps_text
from discern.evaluation.readers import MODEL, KappaDifference, ReaderStudy


def result_sentences(study: ReaderStudy) -> tuple[str, ...]:
    """Return what the paper says in its section 3.2, with intervals, and what limits it."""
    return (
        _sample(study),
        _kappas(study),
        _discs_found(study),
        *(_difference(study, *pair) for pair in study.differences),
        *_reservations(study),
    )


def _sample(study: ReaderStudy) -> str:
    one = next(iter(study.metrics.values()))
    discs = sum(grade.support for grade in one.pfirrmann.per_grade.values())
    return f"{one.images} images of {one.patients} patients with {discs} graded discs were read."


def _kappas(study: ReaderStudy) -> str:
    values = [
        _with_p(metrics.pfirrmann.kappa_linear, metrics.pfirrmann.kappa_linear_p)
        for metrics in study.metrics.values()
    ]
    names = _listed([_called(name) for name in study.metrics])
    verb = "coefficient" if len(values) == 1 else "coefficients"
    was = "was" if len(values) == 1 else "were"
    ending = "" if len(values) == 1 else ", respectively"
    return (
        f"The linearly weighted kappa {verb} of {names} against the truth {was} "
        f"{_listed(values)}{ending}."
    )


def _discs_found(study: ReaderStudy) -> str:
    shares = [_share(metrics.pfirrmann.disc_recall) for metrics in study.metrics.values()]
    names = _listed([_called(name) for name in study.metrics])
    return f"They are over the discs found: {_listed(shares)} of all discs by {names}."


def _difference(study: ReaderStudy, reference: str, other: str) -> str:
    one = study.differences[reference, other]
    value = one.difference.value
    if value is None:
        return f"{_start(other)} and {_called(reference)} cannot be compared: no kappa."
    how = "higher" if value >= 0 else "lower"
    limits = ", ".join(_limits(one.difference, one.p))
    many = len(study.differences) > 1
    holm = f", after Holm for {len(study.differences)} comparisons {_p(one.p_holm)}"
    return (
        f"The coefficient of {_called(other)} was {abs(value):.2f} {how} than that of "
        f"{_called(reference)} ({limits}{holm if many else ''}). "
        f"{_verdict(study, one, other, reference)}"
    )


def _verdict(study: ReaderStudy, one: KappaDifference, other: str, reference: str) -> str:
    if study.margin is None:
        return "No margin was stated, so nothing is said about non-inferiority."
    if one.difference.ci95 is None or one.is_not_inferior is None:
        return "Without an interval nothing is said about non-inferiority."
    low = one.difference.ci95[0]
    if one.is_not_inferior:
        return (
            f"With the stated margin of {study.margin:g}, {_called(other)} was not inferior to "
            f"{_called(reference)} (lower end of the interval {low:.2f})."
        )
    return (
        f"Non-inferiority of {_called(other)} to {_called(reference)} was not shown with the "
        f"stated margin of {study.margin:g} (lower end of the interval {low:.2f})."
    )


def _reservations(study: ReaderStudy) -> Sequence[str]:
    lines = [
        f"{_start(name)} found fewer than {TRUSTED_DISC_RECALL:.0%} of the discs: figures of the "
        "discs found, kappa among them, flatter the result and are not to be quoted."
        for name, metrics in study.metrics.items()
        if _found_too_few(metrics.pfirrmann.disc_recall)
    ]
    lines += [
        f"{_start(name)} drew no {label} on any image: taken as nothing found. If it was not "
        "looked for, leave its figures out."
        for name, labels in study.silent.items()
        for label in labels
    ]
    return [*lines, _method(study)]


def _found_too_few(recall: Figure) -> bool:
    return recall.value is not None and recall.value < TRUSTED_DISC_RECALL


def _method(study: ReaderStudy) -> str:
    paired = [
        f" p of a difference: {swaps_text(comparison)}."
        for comparison in list(study.comparisons.values())[:1]
    ]
    return (
        f"Intervals: 95 %, {study.options.resamples} resamples of the patients, the same for "
        f"everybody. p of a coefficient: for kappa = 0.{''.join(paired)} Seed "
        f"{study.options.seed}. Research use only, not a medical device."
    )


def _with_p(figure: Figure, p: float | None) -> str:
    """Return value, interval and p: ``0.84 (95 % CI 0.79 to 0.88, p < 0.001)``."""
    if figure.value is None:
        return "undefined"
    limits = _limits(figure, p)
    return f"{figure.value:.2f} ({', '.join(limits)})" if limits else f"{figure.value:.2f}"


def _limits(figure: Figure, p: float | None) -> list[str]:
    ends = figure.ci95
    interval = [] if ends is None else [f"95 % CI {ends[0]:.2f} to {ends[1]:.2f}"]
    return interval + ([] if p is None else [_p(p)])


def _p(p: float | None) -> str:
    text = p_text(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _share(figure: Figure) -> str:
    return "none" if figure.value is None else f"{figure.value:.1%}"


def _called(name: str) -> str:
    return f"the {name}" if name == MODEL else name


def _start(name: str) -> str:
    return f"The {name}" if name == MODEL else name


def _listed(words: Sequence[str]) -> str:
    """Return the words as a sentence lists them.

    >>> _listed(["a", "b", "c"]), _listed(["a", "b"]), _listed(["a"])
    ('a, b, and c', 'a and b', 'a')
    """
    if len(words) > 2:  # noqa: PLR2004 - two need no comma
        return f"{', '.join(words[:-1])}, and {words[-1]}"
    return " and ".join(words)
