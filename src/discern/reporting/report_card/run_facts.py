"""What weights and manifest say: the network, its data, its thresholds."""

from collections.abc import Iterator, Mapping
from typing import Any

from discern.imaging.disc_crop import CropRules
from discern.networks import Head, TrainedOn
from discern.reporting.report_card.evidence import MANIFEST_FILE, Evidence
from discern.reporting.report_card.facts import PROGRAM, Fact, Facts, counted, yes_or_no
from discern.reporting.report_card.figures import LESION_NAMES
from discern.reporting.wording import share_words, threshold_words
from discern.spine import GRADE_LABELS, Plane
from discern.weights import WeightsMetadata

PARTS = ("train", "validation", "test")
TRAINED_ON = {
    TrainedOn.REAL: "real: a reader's own label at that place",
    TrainedOn.DERIVED: "derived: a reader's verdict on the disc, the box from geometry",
    TrainedOn.SYNTHETIC: "synthetic images only",
    TrainedOn.NOTHING: "nothing",
}


def data_source(evidence: Evidence) -> Facts:
    """Return the data trained on and how much of it."""
    facts = []
    if evidence.weights is not None:
        about = evidence.weights.metadata
        facts = [
            Fact(f"Trained on {text.rstrip('.')}.", evidence.weights.source)
            for text in about.training_data
        ]
        if about.finder is not None:
            learned = "; ".join(text.rstrip(".") for text in about.finder.training_data)
            facts.append(Fact(f"Lesion network trained on {learned}.", evidence.weights.source))
    if evidence.manifest is not None:
        data = evidence.manifest["data"]
        text = (
            f"Data set {data['name']}: {counted(data['images'], 'image')} of "
            f"{counted(data['patients'], 'patient')}, digest {data['digest']}."
        )
        facts.append(Fact(text, MANIFEST_FILE))
    return tuple(facts)


def annotation(evidence: Evidence) -> Facts:
    """Return what kind of label each head was trained on."""
    if evidence.weights is None:
        return ()
    lines = [f"{name}, {plane}: {words}." for name, plane, words in heads_of(evidence)]
    return (Fact("Labels. " + " ".join(lines), evidence.weights.source),)


def heads_of(evidence: Evidence) -> list[tuple[str, Plane, str]]:
    """Return (labels, plane, what they were trained on) of the weights, the grades as one."""
    if evidence.weights is None:
        return []
    grades = [head for head in evidence.weights.metadata.spoken_heads if head.label in GRADE_LABELS]
    lesions = [
        head for head in evidence.weights.metadata.spoken_heads if head.label not in GRADE_LABELS
    ]
    alike = {(head.plane, head.trained_on) for head in grades}
    rows = [
        (_grades_of(grades, plane, seen), plane, TRAINED_ON[seen]) for plane, seen in sorted(alike)
    ]
    return rows + [
        (LESION_NAMES[head.label], head.plane, TRAINED_ON[head.trained_on]) for head in lesions
    ]


def preprocessing(evidence: Evidence) -> Facts:
    """Return how a slice becomes network input."""
    if evidence.weights is None:
        return ()
    how = evidence.weights.metadata.preprocessing
    text = (
        f"Each slice is windowed between its {how.low_percentile:g} and {how.high_percentile:g} "
        f"percentiles, resized (aspect kept, square pixels) so that its longer side is "
        f"{how.size_px} px, and padded with zeros to a square; one channel, float."
    )
    return (Fact(text, evidence.weights.source),)


def model(evidence: Evidence) -> Facts:
    """Return which network this is."""
    facts = []
    if evidence.weights is not None:
        about = evidence.weights.metadata
        text = (
            f"Weights {about.name}, version {about.version}, SHA-256 {evidence.weights.sha256}. "
            f"Input: one square of {about.preprocessing.size_px} px; output: boxes with a score "
            f"for each of {', '.join(about.labels)}. Configuration digest {about.config_digest}."
        )
        facts.append(Fact(text, evidence.weights.source))
    if evidence.manifest is not None:
        facts.append(Fact(_network(evidence.manifest), MANIFEST_FILE))
    return tuple(facts)


def ensemble(evidence: Evidence) -> Facts:
    """Return whether several networks vote."""
    if evidence.weights is None:
        return ()
    second = evidence.weights.metadata.grader
    text = "No ensemble: one network."
    if second is not None:
        size = _size_of(second.crop)
        learned = counted(len(second.training_patients), "training patient")
        text = (
            "Two networks give each disc of a sagittal slice its grade: the detector, and one that "
            f"sees the disc by itself ({second.crop.disc_widths:g} widths of its box in {size}; "
            f"{learned}, {second.epochs} epochs). Geometric mean of their probabilities, "
            f"{second.share:.0%} of the weight for the second."
        )
    facts = [Fact(text, evidence.weights.source)]
    if (finder := evidence.weights.metadata.finder) is not None:
        said = ", ".join(f"{LESION_NAMES[one.label]} ({one.plane})" for one in finder.heads)
        facts.append(
            Fact(
                f"A lesion network alone says: {said}. It sees {_size_of(finder.sagittal)} "
                f"about each disc and of {_size_of(finder.axial)} about the spine; "
                f"{counted(len(finder.training_patients), 'training patient')}, {finder.epochs} "
                "epochs.",
                evidence.weights.source,
            )
        )
    return tuple(facts)


def _size_of(crop: CropRules) -> str:
    return f"{crop.columns} x {crop.rows} px"


def disjoint(evidence: Evidence) -> Facts:
    """Return at which level the parts are disjoint."""
    facts = []
    if evidence.manifest is not None:
        parts = [set(evidence.manifest["split"].get(part, ())) for part in PARTS]
        shared = sum(map(len, parts)) - len(set().union(*parts))
        text = f"By patient: {counted(shared, 'patient')} in more than one part."
        facts.append(Fact(text, MANIFEST_FILE))
    if evidence.weights is not None:
        known = len(evidence.weights.metadata.known_patients)
        text = (
            f"The weights remember {counted(known, 'training patient')} as hashes; "
            "'discern evaluate' refuses to run them on these."
        )
        facts.append(Fact(text, evidence.weights.source))
    return tuple(facts)


def thresholds(evidence: Evidence) -> Facts:
    """Return the operating points of evaluation and weights, and the calibration."""
    point = evidence.evaluation.at("operating_point")
    facts = [
        Fact(
            f"Evaluated at operating point {point['name']}: score at least "
            f"{point['grade_score']:g} for a grade, {point['herniation_score']:g} for a "
            f"herniation, {point['hiz_score']:g} for a high-intensity zone."
            + "".join(
                f" Instead, {one['score']:g} for {one['label']} on {one['plane']} images."
                for one in point.get("lesions", ())
            ),
            evidence.evaluation.source,
        )
    ]
    if evidence.weights is not None:
        facts += [
            Fact(text, evidence.weights.source) for text in _fitted(evidence.weights.metadata)
        ]
    return tuple(facts)


def _fitted(about: WeightsMetadata) -> Iterator[str]:
    """Yield what was fitted on patients not trained on."""
    yield (
        f"Grade probabilities are calibrated with temperature {about.temperature:g} "
        "(1 means: not calibrated)."
    )
    rule = about.conformal
    if rule is not None:
        measured = f"; measured {share_words(rule.measured)}" if rule.measured else ""
        yield (
            f"Sets of grades were made to hold the reader's grade in {rule.coverage:.0%} of the "
            f"discs of every grade{measured}. With more than {rule.widest} grades in the set the "
            "software abstains."
        )
    for point in about.operating_points:
        for one in point.lesions:
            yield f"Operating point {point.name}, score from {one.score:g}: {threshold_words(one)}."


def untrained(evidence: Evidence) -> Facts:
    """Return which statements the weights cannot make, or only doubtfully."""
    if evidence.weights is None:
        return ()
    about = evidence.weights.metadata
    pairs = [(label, plane) for label in about.labels for plane in (Plane.SAGITTAL, Plane.AXIAL)]
    lesions = [(label, plane) for label, plane in pairs if label not in GRADE_LABELS]
    never = [
        f"{LESION_NAMES[label]} ({plane})"
        for label, plane in lesions
        if about.trained_on(label, plane) is TrainedOn.NOTHING
    ]
    weak = [
        f"{LESION_NAMES.get(head.label, head.label)} ({head.plane}, {head.trained_on})"
        for head in about.spoken_heads
        if head.trained_on in {TrainedOn.DERIVED, TrainedOn.SYNTHETIC}
    ]
    said = [f"Never trained, therefore not assessed: {', '.join(never)}."] if never else []
    said += [f"Experimental, for want of a reader's own boxes: {', '.join(weak)}."] if weak else []
    return tuple(Fact(text, evidence.weights.source) for text in said)


def explanation(_evidence: Evidence) -> Facts:
    """Return what a person is shown to check a statement by."""
    text = (
        "Every statement on a disc names the slices and boxes that support it, drawn on the report "
        "page. No saliency method is applied."
    )
    return (Fact(text, PROGRAM),)


def blinding(_evidence: Evidence) -> Facts:
    """Return what the network knows besides the image."""
    return (Fact("The network is given pixels only: no clinical text, no reading.", PROGRAM),)


def availability(evidence: Evidence) -> Facts:
    """Return where the program stands."""
    facts = [Fact("Discern is free software under the Apache License 2.0.", PROGRAM)]
    if evidence.weights is not None:
        text = f"Weights: SHA-256 {evidence.weights.sha256}."
        facts.append(Fact(text, evidence.weights.source))
    return tuple(facts)


def _grades_of(grades: list[Head], plane: Plane, seen: TrainedOn) -> str:
    own = [head.label[-1] for head in grades if (head.plane, head.trained_on) == (plane, seen)]
    return f"Pfirrmann {', '.join(own)}"


def _network(manifest: Mapping[str, Any]) -> str:
    network = manifest["settings"]["network"]
    return (
        f"Single-stage detector on the YOLOv5 v6 skeleton, size {network['size']}, "
        f"{manifest['configuration']['parameters']:,} parameters; attention in the CSP blocks "
        f"(module 1): {yes_or_no(network['attention'])}; residual SPPF (module 2): "
        f"{yes_or_no(network['residual_sppf'])}."
    )
