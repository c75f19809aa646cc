"""What the reader of a report must know of a study besides the numbering."""

from collections.abc import Sequence

from discern.findings import StudyWarning
from discern.imaging.study import Study
from discern.inference.sagittal import NamedDisc, SagittalReading
from discern.spine import Label, Plane
from discern.weights import TrainedOn, WeightsMetadata

_WEAK = (TrainedOn.DERIVED, TrainedOn.SYNTHETIC)


def study_warnings(
    study: Study,
    reading: SagittalReading,
    named: Sequence[NamedDisc],
    about: WeightsMetadata,
) -> list[StudyWarning]:
    """Return warnings of cut discs, planes that were not assessed, and weak heads."""
    found: list[StudyWarning] = []
    cut = [str(disc.level) for disc in named if disc.evidence.track.is_cut]
    if cut:
        text = f"At the edge of the image; do not rely on the grade of {', '.join(cut)}."
        found.append(StudyWarning("disc_at_edge", text))
    if study.used(Plane.AXIAL):
        found += _of_axial_heads(about)
    if not study.used(Plane.SAGITTAL):
        text = "No sagittal series was read, so no disc can be named or graded."
        return [*found, StudyWarning("no_sagittal_series", text)]
    found += _of_sagittal_heads(about)
    if not reading.tracks:
        found.append(StudyWarning("no_discs", "No disc was found on the slices that were read."))
    return found


def _of_axial_heads(about: WeightsMetadata) -> list[StudyWarning]:
    """Return what must be known of axial slices that are read by nobody, or by a weak head."""
    lesions = about.trained_lesions(Plane.AXIAL)
    if not lesions:
        text = (
            "Axial slices are given to their discs but not assessed: the network has not been "
            "trained on them."
        )
        return [StudyWarning("axial_not_assessed", text)]
    if any(about.trained_on(label, Plane.AXIAL) is TrainedOn.REAL for label in lesions):
        return []
    text = (
        "Axial slices are read experimentally: the network has learned their lesions without a "
        "reader's own labels, from synthetic images. Do not rely on what it says of them."
    )
    return [StudyWarning("axial_experimental", text)]


def _of_sagittal_heads(about: WeightsMetadata) -> list[StudyWarning]:
    found = []
    if about.trained_on(Label.HERNIATION, Plane.SAGITTAL) in _WEAK:
        text = (
            "Herniation is experimental: the network has learned it from few and indirect labels "
            "and misses many. Do not rely on 'absent'."
        )
        found.append(StudyWarning("herniation_experimental", text))
    if about.trained_on(Label.HIZ, Plane.SAGITTAL) in _WEAK:
        text = (
            "High-intensity zones are experimental: the network has learned them from lesions that "
            "were drawn by a program, never from a reader's labels. Do not rely on 'absent'."
        )
        found.append(StudyWarning("hiz_experimental", text))
    return found
