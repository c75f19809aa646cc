"""What the reader of a report must know of a study besides the numbering."""

from collections.abc import Sequence

from discern.findings import StudyWarning
from discern.imaging.study import Study
from discern.inference.sagittal import NamedDisc, SagittalReading
from discern.networks import TrainedOn
from discern.spine import Label, Plane
from discern.weights import WeightsMetadata

_TAUGHT = {
    TrainedOn.DERIVED: "from few and indirect labels",
    TrainedOn.SYNTHETIC: "only from lesions that a program has drawn",
}
_NAMES = {Label.HERNIATION: "herniation", Label.HIZ: "high-intensity zone"}


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
    """Return what must be known of axial slices that are read by nobody, or by weak heads."""
    if not about.trained_lesions(Plane.AXIAL):
        text = (
            "Axial slices are given to their discs but not assessed: the network has not been "
            "trained on them."
        )
        return [StudyWarning("axial_not_assessed", text)]
    weak = _weak(about, Plane.AXIAL)
    if not weak:
        return []
    taught = "; ".join(f"{_NAMES[label]} {_TAUGHT[kind]}" for label, kind in weak.items())
    text = (
        f"Axial slices are read experimentally. The network has learned {taught}. Do not rely on "
        "what it says of them."
    )
    return [StudyWarning("axial_experimental", text)]


def _of_sagittal_heads(about: WeightsMetadata) -> list[StudyWarning]:
    return [
        StudyWarning(
            f"{label}_experimental",
            f"{_NAMES[label].capitalize()} is experimental: the network has learned it "
            f"{_TAUGHT[kind]} and misses many. Do not rely on 'absent'.",
        )
        for label, kind in _weak(about, Plane.SAGITTAL).items()
    ]


def _weak(about: WeightsMetadata, plane: Plane) -> dict[Label, TrainedOn]:
    """Return the lesions learned in ``plane`` without a reader's own labels, and from what."""
    kinds = {label: about.trained_on(label, plane) for label in about.trained_lesions(plane)}
    return {label: kind for label, kind in kinds.items() if kind is not TrainedOn.REAL}
