"""The main job: a study goes in, findings come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from discern.errors import UsageError
from discern.findings import (
    DiscFinding,
    FocusFinding,
    ModelIdentity,
    QuantityName,
    QuantitySource,
    SeriesSummary,
    StudyFindings,
    StudyWarning,
)
from discern.imaging.geometry import Vector
from discern.imaging.plane_geometry import left_of
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Series, Study
from discern.inference.anchor import Anchor, naming_at
from discern.inference.axial import PlacedSeries, place_slices
from discern.inference.axial_alignment import shift_towards_head_mm
from discern.inference.axial_cut import segmented_slices
from discern.inference.axial_look import AxialReader, DetectorOnAxial, LookOnAxial
from discern.inference.axial_reading import AxialReading, read_axial
from discern.inference.axial_spine import placed_discs
from discern.inference.counting import Naming
from discern.inference.detect import SeriesDetector
from discern.inference.disc_quantities import Quantities, quantities_of
from discern.inference.fitness import check_fit
from discern.inference.fusion import grade_of
from discern.inference.lesion_look import LesionLook
from discern.inference.levels import LevelAssignment, assign_levels
from discern.inference.plane_support import SagittalSupport
from discern.inference.planes import PlaneView, axial_view, lesion_finding, sagittal_view
from discern.inference.predictor import StudyPredictor
from discern.inference.predictor_openvino import ENGINE, PRECISION, OpenVinoPredictor
from discern.inference.sagittal import (
    NOTHING_READ,
    NamedDisc,
    SagittalReading,
    detections_with_levels,
    read_sagittal,
)
from discern.inference.second_look import SecondLook
from discern.inference.sign_warnings import image_warnings, sign_warnings
from discern.inference.spine_cues import Chain, chain_of
from discern.inference.spine_signs import NO_SIGNS, SpineSigns, signs_of
from discern.inference.study_warnings import study_warnings
from discern.inference.tissue import segment_slices
from discern.inference.zone_focus import Sight, focus_of, sight_of
from discern.postprocess import PostprocessConfig
from discern.quantities.slices import TissueSlice
from discern.spine import LESION_LABELS, Label, Level, Plane
from discern.weights import Weights, WeightsMetadata, load_weights, shipped_weights


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What a user may choose.

    Attributes:
        reading: Which study, series and plane.
        weights: Weights file; None takes those that came with Discern.
        operating_point: Name of the thresholds in the weights.
        lowest_level: Overrides the level of the lowest disc found.
        anchor: Overrides the level of the disc at a place in the patient.
        threads: CPU threads of the network; None lets the engine choose.
    """

    reading: ReadOptions = field(default_factory=ReadOptions)
    weights: Path | None = None
    operating_point: str = "default"
    lowest_level: Level | None = None
    anchor: Anchor | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Findings, and for those who draw pixels the study and the segmented slices behind them."""

    findings: StudyFindings
    study: Study
    tissues: tuple[TissueSlice, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What the pictures say before anything is named.

    Attributes:
        reading: What the network said of the sagittal series.
        tissues: Its segmented middle slices.
        shifts_mm: How much nearer to the head each axial series, by its id, shows the patient than
            its files say.
        signs: What those slices say of the spine as a whole.
        doubts: Why the series would have been refused had it not been named by hand.
    """

    reading: SagittalReading = NOTHING_READ
    tissues: tuple[TissueSlice, ...] = ()
    shifts_mm: Mapping[str, float] = field(default_factory=dict)
    signs: SpineSigns = NO_SIGNS
    doubts: tuple[StudyWarning, ...] = ()

    @property
    def chain(self) -> Chain:
        """The discs, foot to head, with the cues to their names."""
        return chain_of(self.reading.tracks, self.reading.room_below, self.tissues)


def analyze(source: Path | str, options: AnalysisOptions | None = None) -> Analysis:
    """Read a study and say for every lumbar disc what the network sees.

    Args:
        source: Folder, zip, DICOMDIR, one file, NIfTI volume or PNG/JPEG slices.
        options: Choices; None for the defaults.

    Raises:
        InputError: The input cannot be used as given.
        NothingToAnalyze: It holds no sagittal T2-weighted MR slice of a lumbar spine.
        UsageError: The choices contradict each other or the study.
        WeightsError: The weights are missing or damaged.
    """
    options = options or AnalysisOptions()
    if options.lowest_level and options.anchor:
        raise UsageError("--lowest-level and --anchor both set the numbering; give one of them")
    study = read_study(Path(source), options.reading)
    weights = load_weights(options.weights or shipped_weights())
    predictor = OpenVinoPredictor(weights, options.threads)
    return analyze_study(study, predictor, weights, options)


def analyze_study(
    study: Study, predictor: StudyPredictor, weights: Weights, options: AnalysisOptions
) -> Analysis:
    """Analyze a study that has been read; see ``analyze``."""
    look = look_at(study, predictor, weights, options)
    doubts = check_fit(look.reading, look.chain, look.tissues, look.signs.void)
    look = replace(look, doubts=doubts)
    findings = conclude(study, look, predictor, weights, options)
    return Analysis(findings, study, look.tissues)


def look_at(
    study: Study, predictor: StudyPredictor, weights: Weights, options: AnalysisOptions
) -> Look:
    """Run the networks over the sagittal series and compare the axial ones with it.

    Boxes on all slices, tissue on the middle ones.
    """
    sagittal = study.used(Plane.SAGITTAL)
    if not sagittal:
        return Look()
    detector = _sagittal_detector(predictor, weights, options)
    look = SecondLook.of(predictor, weights.metadata, Plane.SAGITTAL)
    reading = read_sagittal(sagittal[0], detector, look)
    segmenter = weights.metadata.segmenter
    middle = reading.middle_slices
    tissues = segment_slices(middle, predictor, segmenter) if segmenter else ()
    signs = signs_of(reading.tracks, reading, tissues)
    return Look(reading, tuple(tissues), _shifts_mm(study, reading), signs)


def _shifts_mm(study: Study, reading: SagittalReading) -> dict[str, float]:
    if not reading.has_geometry:
        return {}
    centers = np.array([track.center for track in reading.tracks]).reshape(-1, 3)
    return {
        series.id: shift_towards_head_mm(series, centers, reading.middle_slices)
        for series in study.used(Plane.AXIAL)
    }


def conclude(
    study: Study,
    look: Look,
    predictor: StudyPredictor,
    weights: Weights,
    options: AnalysisOptions,
) -> StudyFindings:
    """Name the discs, join the planes and measure; the network runs on axial slices only."""
    about, reading, chain = weights.metadata, look.reading, look.chain
    point = about.operating_point(options.operating_point)
    assignment = assign_levels(chain)
    naming = _naming(options, reading, chain, assignment)
    if naming is not None:
        assignment = assign_levels(chain, naming)
    named = _named(reading, assignment)
    tracks = [disc.evidence.track for disc in named]
    measured = quantities_of(tracks, look.tissues, reading.middle_slices)
    axial = _join_axial(study, look, named, measured)
    reader = _axial_reader(predictor, weights, options)
    left = _left(reading)
    sight = sight_of(study, reading.series, look.tissues) if reading.series else None
    support = SagittalSupport.of(reading, about.lesions_across_planes)
    axial_reading = read_axial(
        axial, reader, support, first_id=len(reading.detections) + 1, left=left
    )
    views = _Views(reading.series, axial, axial_reading, sight)
    at_point = about.calibrated_at(point)
    return StudyFindings(
        source=study.source,
        study_instance_uid=study.study_instance_uid,
        model=_identity(weights),
        operating_point=point.name,
        warnings=(
            *study.warnings,
            *reading.warnings,
            *look.doubts,
            *(image_warnings(reading.series, look.tissues) if reading.series else ()),
            *sign_warnings(look.signs, assignment.levels),
            *assignment.warnings,
            *(warning for series in axial for warning in series.warnings),
            *axial_reading.warnings,
            *study_warnings(study, reading, named, about),
        ),
        numbering=assignment.numbering,
        series=tuple(_summary(series) for series in study.series),
        discs=tuple(
            _disc(disc, quantities, views, at_point)
            for disc, quantities in zip(named, measured, strict=True)
        ),
        detections=(*detections_with_levels(reading, named), *axial_reading.detections),
        axial_slices=tuple(slice_ for series in axial for slice_ in series.named),
        lesion_thresholds=about.lesion_thresholds(point),
    )


def _sagittal_detector(
    predictor: StudyPredictor, weights: Weights, options: AnalysisOptions
) -> SeriesDetector:
    about = weights.metadata
    thresholds = _thresholds(weights, options, Plane.SAGITTAL)
    look = LesionLook.of(predictor, about, Plane.SAGITTAL, thresholds)
    return SeriesDetector(predictor, about.preprocessing, thresholds, look)


def _axial_reader(
    predictor: StudyPredictor, weights: Weights, options: AnalysisOptions
) -> AxialReader:
    about = weights.metadata
    thresholds = _thresholds(weights, options, Plane.AXIAL)
    look = LesionLook.of(predictor, about, Plane.AXIAL, thresholds)
    if look is not None:
        return LookOnAxial(look, about.preprocessing)
    return DetectorOnAxial(SeriesDetector(predictor, about.preprocessing, thresholds))


def _thresholds(weights: Weights, options: AnalysisOptions, plane: Plane) -> PostprocessConfig:
    about = weights.metadata
    point = about.operating_point(options.operating_point)
    return PostprocessConfig.at(point, plane, about.trained_lesions(plane))


def _naming(
    options: AnalysisOptions, reading: SagittalReading, chain: Chain, found: LevelAssignment
) -> Naming | None:
    """Return what the user says of the numbering.

    ``--lowest-level`` speaks of the lowest disc that would have been named without it.
    """
    if options.lowest_level is None and options.anchor is None:
        return None
    if reading.series is None or not reading.tracks:
        option = "--anchor" if options.anchor else "--lowest-level"
        raise UsageError(f"{option}: no disc was found that could be named")
    if options.anchor is not None:
        return naming_at(options.anchor, reading.tracks, chain, reading.series)
    level = options.lowest_level or Level.L5_S1
    lowest = next(i for i, one in enumerate(found.levels[::-1]) if one is not None)
    return Naming(lowest, level, f"lowest level {level}")


def _named(reading: SagittalReading, assignment: LevelAssignment) -> tuple[NamedDisc, ...]:
    parts = zip(reading.discs, assignment.levels, assignment.confidences, strict=True)
    return tuple(
        NamedDisc(disc, level, confidence, reading.has_geometry)
        for disc, level, confidence in parts
        if level is not None
    )


def _left(reading: SagittalReading) -> Vector:
    slices = reading.series.slices if reading.series else ()
    return left_of([one.geometry for one in slices if one.geometry is not None])


def _join_axial(
    study: Study,
    look: Look,
    named: Sequence[NamedDisc],
    measured: Sequence[Quantities],
) -> tuple[PlacedSeries, ...]:
    """Name the axial slices; heights come from masks where they were measured, else from boxes."""
    reading = look.reading
    tracks = [(disc.evidence.track, disc.level) for disc in named] if reading.has_geometry else []
    discs = [
        replace(disc, height_mm=_height_mm(quantities) or disc.height_mm)
        for disc, quantities in zip(placed_discs(tracks, _left(reading)), measured, strict=False)
    ]
    segmented = segmented_slices(reading.series.slices if reading.series else (), look.tissues)
    return tuple(
        place_slices(discs, series, segmented, shift_mm=look.shifts_mm.get(series.id, 0.0))
        for series in study.used(Plane.AXIAL)
    )


def _height_mm(quantities: Quantities) -> float | None:
    height = quantities.get(QuantityName.DISC_HEIGHT)
    return height.value if height and height.source is QuantitySource.MASKS else None


@dataclass(frozen=True, slots=True)
class _Views:
    """What was read in each plane."""

    sagittal: Series | None
    axial: Sequence[PlacedSeries]
    read: AxialReading
    sight: Sight | None = None

    def of(self, disc: NamedDisc, label: Label) -> list[PlaneView]:
        """Return what each plane shows of one lesion of a disc."""
        views = [sagittal_view(disc.evidence, label, self.sagittal)]
        if self.axial:
            views.append(axial_view(disc.level, label, self.axial, self.read))
        return views

    def focus_of(self, disc: NamedDisc) -> FocusFinding | None:
        """Return what the high-intensity zone of a disc looks like, None where it has none."""
        return focus_of(disc.evidence, self.sight) if self.sight else None


def _disc(
    disc: NamedDisc, quantities: Quantities, views: _Views, about: WeightsMetadata
) -> DiscFinding:
    track = disc.evidence.track
    lesions = {
        label: lesion_finding(label, views.of(disc, label), about, about.lesion_calibrations)
        for label in LESION_LABELS
    }
    x, y, z = track.center.tolist()
    sagittal_ids = (box.detection for box in disc.evidence.boxes)
    axial_ids = (one.id for one in views.read.detections if one.level is disc.level)
    return DiscFinding(
        level=disc.level,
        level_confidence=disc.confidence,
        pfirrmann=grade_of(track, about.temperature, about.conformal),
        herniation=lesions[Label.HERNIATION],
        hiz=replace(lesions[Label.HIZ], focus=views.focus_of(disc)),
        center_lps_mm=(x, y, z) if disc.has_geometry else None,
        detections=(*sagittal_ids, *axial_ids),
        quantities=quantities,
    )


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
