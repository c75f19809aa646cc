"""The main job: a study goes in, findings come out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from discern.errors import UsageError
from discern.findings import (
    DiscFinding,
    ModelIdentity,
    SeriesSummary,
    StudyFindings,
    StudyWarning,
)
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Series, Study
from discern.inference.detect import SeriesDetector
from discern.inference.fusion import DiscEvidence, grade_of, lesion_finding
from discern.inference.levels import LevelAssignment, assign_levels
from discern.inference.predictor import Predictor
from discern.inference.predictor_openvino import ENGINE, PRECISION, OpenVinoPredictor
from discern.inference.sagittal import (
    NOTHING_READ,
    SagittalReading,
    detections_with_levels,
    read_sagittal,
)
from discern.postprocess import PostprocessConfig
from discern.spine import LESION_LABELS, Label, Level, Plane
from discern.weights import TrainedOn, Weights, WeightsMetadata, load_weights

SHIPPED_WEIGHTS = "discern.onnx"


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What a user may choose.

    Attributes:
        reading: Which study, series and plane.
        weights: Weights file; None takes those that came with Discern.
        operating_point: Name of the thresholds in the weights.
        lowest_level: Overrides the level of the lowest disc found.
        threads: CPU threads of the network; None lets the engine choose.
    """

    reading: ReadOptions = field(default_factory=ReadOptions)
    weights: Path | None = None
    operating_point: str = "default"
    lowest_level: Level | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Findings, and the study they were read from (for those who draw pixels)."""

    findings: StudyFindings
    study: Study


def shipped_weights() -> Path:
    """Return the path of the weights inside the package."""
    return Path(str(files("discern") / "resources" / SHIPPED_WEIGHTS))


def analyze(source: Path | str, options: AnalysisOptions | None = None) -> Analysis:
    """Read a study and say for every lumbar disc what the network sees.

    Args:
        source: Folder, zip, DICOMDIR, one file, NIfTI volume or PNG/JPEG slices.
        options: Choices; None for the defaults.

    Raises:
        InputError: The input cannot be used as given.
        NothingToAnalyze: It holds no sagittal T2-weighted MR slice.
        WeightsError: The weights are missing or damaged.
    """
    options = options or AnalysisOptions()
    study = read_study(Path(source), options.reading)
    weights = load_weights(options.weights or shipped_weights())
    predictor = OpenVinoPredictor(weights, options.threads)
    return Analysis(analyze_study(study, predictor, weights, options), study)


def analyze_study(
    study: Study, predictor: Predictor, weights: Weights, options: AnalysisOptions
) -> StudyFindings:
    """Return the findings of a study that has been read; see ``analyze``."""
    about = weights.metadata
    point = about.operating_point(options.operating_point)
    thresholds = PostprocessConfig.at(point, about.trained_lesions(Plane.SAGITTAL))
    detector = SeriesDetector(predictor, about.preprocessing, thresholds)
    sagittal = study.used(Plane.SAGITTAL)
    reading = read_sagittal(sagittal[0], detector) if sagittal else NOTHING_READ
    assignment = assign_levels(reading.tracks, reading.room_below, options.lowest_level)
    if options.lowest_level and not reading.tracks:
        raise UsageError("--lowest-level: no disc was found that could be named")
    named = tuple(zip(reading.discs[-len(assignment.levels) :], assignment.levels, strict=True))
    return StudyFindings(
        source=study.source,
        study_instance_uid=study.study_instance_uid,
        model=_identity(weights),
        operating_point=point.name,
        warnings=(
            *study.warnings,
            *reading.warnings,
            *assignment.warnings,
            *_said(study, reading, named, about),
        ),
        numbering=assignment.numbering,
        series=tuple(_summary(series) for series in study.series),
        discs=tuple(_disc(disc, level, reading, about, assignment) for disc, level in named),
        detections=detections_with_levels(reading, named),
    )


def _disc(
    disc: DiscEvidence,
    level: Level,
    reading: SagittalReading,
    about: WeightsMetadata,
    assignment: LevelAssignment,
) -> DiscFinding:
    herniation, hiz = (
        lesion_finding(label, disc.lesions_called(label), Plane.SAGITTAL, about)
        for label in LESION_LABELS
    )
    x, y, z = disc.track.center.tolist()
    return DiscFinding(
        level=level,
        level_confidence=assignment.numbering.confidence,
        pfirrmann=grade_of(disc.track, about.temperature),
        herniation=herniation,
        hiz=hiz,
        center_lps_mm=(x, y, z) if reading.has_geometry else None,
        detections=tuple(box.detection for box in disc.boxes),
    )


_WEAK = (TrainedOn.DERIVED, TrainedOn.SYNTHETIC)


def _said(
    study: Study,
    reading: SagittalReading,
    named: Sequence[tuple[DiscEvidence, Level]],
    about: WeightsMetadata,
) -> list[StudyWarning]:
    found: list[StudyWarning] = []
    cut = [str(level) for disc, level in named if disc.track.is_cut]
    if cut:
        text = f"At the edge of the image; do not rely on the grade of {', '.join(cut)}."
        found.append(StudyWarning("disc_at_edge", text))
    if study.used(Plane.AXIAL):
        text = "Axial slices are shown but not assessed: the network has not been trained on them."
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


def _identity(weights: Weights) -> ModelIdentity:
    about = weights.metadata
    return ModelIdentity(about.name, about.version, weights.sha256, ENGINE, PRECISION)


def _summary(series: Series) -> SeriesSummary:
    return SeriesSummary(
        id=series.id,
        series_instance_uid=series.series_instance_uid,
        description=series.description,
        plane=series.plane,
        weighting=series.weighting,
        used=series.used,
        reason=series.reason,
    )
