"""Everything disc by disc: all slices of a disc that the data set holds, taken together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discern.decisions import OperatingPoint
from discern.evaluation.bootstrap import Draws
from discern.evaluation.disc_answers import collect_answers, name_discs
from discern.evaluation.disc_grades import grade_discs
from discern.evaluation.disc_lesions import DiscLesionMetrics, disc_lesion_metrics
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.grade_tally import tally_grades
from discern.evaluation.grading import PfirrmannMetrics, pfirrmann_metrics
from discern.evaluation.matching import AnsweredImage
from discern.spine import LESION_LABELS, Label, Plane

PLANES = (Plane.SAGITTAL, Plane.AXIAL)


@dataclass(frozen=True, slots=True)
class DiscWiseMetrics:
    """Figures per disc.

    Attributes:
        pfirrmann: Grading; ``false_per_image`` counts spurious discs per patient here.
        lesions: One entry per lesion and plane.
        discs: Graded discs in the truth.
        slices: Graded boxes of these discs over all slices.
        mixed_truth: Discs whose slices carry different grades in the truth.
    """

    pfirrmann: PfirrmannMetrics
    lesions: Mapping[tuple[Label, Plane], DiscLesionMetrics]
    discs: int
    slices: int
    mixed_truth: int


@dataclass(frozen=True, slots=True)
class DiscWiseOptions:
    """Thresholds, the table of discs, and the prevalences at which a precision is wanted."""

    point: OperatingPoint
    records: DiscRecords
    prevalences: tuple[float, ...]


def disc_wise_metrics(
    images: Sequence[AnsweredImage], draws: Draws, options: DiscWiseOptions
) -> DiscWiseMetrics:
    """Return every figure per disc.

    Args:
        images: Every image, with boxes down to low scores.
        draws: (B, P) how often each patient counts.
        options: Thresholds, table of discs, prevalences.
    """
    named = name_discs(images)
    graded = grade_discs(named, options.point)
    lesions = {
        (label, plane): disc_lesion_metrics(
            collect_answers(named, label, plane, options.records),
            label,
            draws,
            min_score=options.point.min_score(label, plane),
            prevalences=options.prevalences,
        )
        for label in LESION_LABELS
        for plane in PLANES
    }
    return DiscWiseMetrics(
        pfirrmann=pfirrmann_metrics(tally_grades(graded.outcomes, draws.shape[1]), draws),
        lesions=lesions,
        discs=graded.discs,
        slices=graded.slices,
        mixed_truth=graded.mixed_truth,
    )
