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
    if study.used(Plane.AXIAL) and not about.trained_lesions(Plane.AXIAL):
        text = (
            "Axial slices are given to their discs but not assessed: the network has not been "
            "trained on them."
        )
        found.append(StudyWarning("axial_not_assessed", text))
    if not study.used(Plane.SAGITTAL):
        text = "No sagittal series was read, so no disc can be named or graded."
        return [*found, StudyWarning("no_sagittal_series", text)]
    if about.trained_on(Label.HERNIATION, Plane.SAGITTAL) in _WEAK:
        text = (
            "Herniation is experimental: the network has learned it from few and indirect labels "
            "and misses many. Do not rely on 'absent'."
        )
        found.append(StudyWarning("herniation_experimental", text))
    if not reading.tracks:
        found.append(StudyWarning("no_discs", "No disc was found on the slices that were read."))
    return found
