"""The figures of parts of the data: by level of the disc, kind of slice, attribute of the patient.

Every part has intervals over the same resamples of all patients, so that its difference from the
largest part has one too, whether parts share patients (levels) or not (vendors).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.bootstrap import Draws, Figure, Values, draw_patients, figure
from discern.evaluation.headlines import (
    COLUMNS,
    HEADLINES,
    image_counts,
)
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.metrics import EvaluationOptions
from discern.evaluation.predictions import Predictions, confident, require_same_images
from discern.evaluation.subgroup_parts import Attributes, Parts, by_attribute, by_kind, by_level
from discern.spine import GRADE_LABELS

FEW_PATIENTS = 10
LEVEL, SLICE_KIND = "level", "slice_kind"
PATIENT_ATTRIBUTES = ("vendor", "field_strength", "sex", "age", "post_operative")
_REASONS = {
    LEVEL: "no graded disc of the truth has a number (group_id)",
    SLICE_KIND: "the names of the images say no kind of slice",
}
_NO_VALUE = "no patient has a value: patients.csv has no such column, or it is empty"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One part of the data.

    Attributes:
        name: The value of the attribute.
        patients: With an image in it.
        images: In it.
        discs: Graded truth boxes in it.
        figures: By the keys of ``HEADLINES``.
        differences: These minus those of the largest part; empty for the largest itself.
    """

    name: str
    patients: int
    images: int
    discs: int
    figures: Mapping[str, Figure]
    differences: Mapping[str, Figure]

    @property
    def has_few_patients(self) -> bool:
        """Whether its figures say next to nothing."""
        return self.patients < FEW_PATIENTS


@dataclass(frozen=True, slots=True)
class Subgroups:
    """The parts by one attribute.

    ``largest`` names the part with the most patients, with which the others are compared;
    ``unknown`` counts patients without a value; ``reason`` says why there are no parts.
    """

    attribute: str
    groups: tuple[Subgroup, ...]
    largest: str | None
    unknown: int
    reason: str | None = None


def subgroups(
    truths: Sequence[GroundTruth],
    predictions: Predictions,
    attributes: Attributes,
    options: EvaluationOptions,
) -> tuple[Subgroups, ...]:
    """Return the parts by level, by kind of slice, by the usual and any further attributes.

    Args:
        truths: One for each image.
        predictions: Boxes of each image.
        attributes: Of the patients.
        options: Resamples, seed, operating point.

    Raises:
        DatasetError: The predictions are not for exactly the images of ``truths``.
    """
    require_same_images(predictions, [truth.image for truth in truths])
    names = sorted({truth.patient for truth in truths})
    row = {name: i for i, name in enumerate(names)}
    point = options.operating_point
    images = [
        AnsweredImage(row[t.patient], t, confident(predictions[t.image], point, t.plane))
        for t in truths
    ]
    draws = draw_patients(len(names), options.resamples, np.random.default_rng(options.seed))
    further = sorted({name for one in attributes.values() for name in one})
    parts = {
        LEVEL: by_level(images),
        SLICE_KIND: by_kind(images),
        **{
            name: by_attribute(images, attributes, name)
            for name in dict.fromkeys((*PATIENT_ATTRIBUTES, *further))
        },
    }
    return tuple(_subgroups(name, part, draws) for name, part in parts.items())


def _subgroups(attribute: str, parts: Parts, draws: Draws) -> Subgroups:
    patients = {name: {one.patient for one in part} for name, part in parts.items()}
    known = set().union(*patients.values())
    unknown = draws.shape[1] - len(known)
    if not parts:
        return Subgroups(attribute, (), None, unknown, _REASONS.get(attribute, _NO_VALUE))
    largest = max(parts, key=lambda name: len(patients[name]))
    values = {name: _values(part, draws) for name, part in parts.items()}
    return Subgroups(
        attribute=attribute,
        groups=tuple(
            Subgroup(
                name=name,
                patients=len(patients[name]),
                images=len(part),
                discs=sum(len(one.truth.boxes_of(GRADE_LABELS)) for one in part),
                figures=_figures(values[name]),
                differences={} if name == largest else _differences(values[name], values[largest]),
            )
            for name, part in parts.items()
        ),
        largest=largest,
        unknown=unknown,
    )


def _values(part: Sequence[AnsweredImage], draws: Draws) -> Mapping[str, Values]:
    """Return every headline figure of one part, of the sample and of every resample."""
    counts = np.zeros((draws.shape[1], COLUMNS), dtype=np.int64)
    for image in part:
        counts[image.patient] += image_counts(image.truth, image.boxes)
    drawn = draws @ counts
    return {key: headline.statistic(drawn) for key, headline in HEADLINES.items()}


def _figures(values: Mapping[str, Values]) -> Mapping[str, Figure]:
    return {key: figure(values[key], headline.absent) for key, headline in HEADLINES.items()}


def _differences(
    values: Mapping[str, Values], largest: Mapping[str, Values]
) -> Mapping[str, Figure]:
    return _figures({key: values[key] - largest[key] for key in HEADLINES})
