"""Level names, joined planes and quantities on phantom studies; used by ``bench/levels.py``.

Each study is drawn (4, 5 or 6 lumbar-type vertebrae, scoliosis, slips, cut fields, 5 to 60 slices,
turned stacks), its sagittal series rendered and read by the shipped networks, then named and
joined. In a share of the studies one disc that was found is struck out: a planted miss. In another
share the patient moves before the axial series: its files say another place than it shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from discern.findings import DiscFinding, QuantityName, Source, StudyFindings
from discern.imaging.geometry import SliceGeometry, travel_mm
from discern.imaging.pixels import Image
from discern.imaging.study import Series, Slice, Study
from discern.inference.analyze import AnalysisOptions, Look, conclude, look_at
from discern.inference.level_warnings import CERTAIN
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.crossing import Structure, structure_at
from discern.phantom.cut import LEAST_SHARE, cut_shares
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_axial, render_sagittal
from discern.phantom.sampling import (
    AnatomyRanges,
    PrescriptionRanges,
    sample_anatomy,
    sample_prescription,
)
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study_truth import PhantomTruth, truth_of_study
from discern.spine import Level, Plane, Weighting
from discern.weights import Weights, load_weights, shipped_weights
from quantities import shape_truth

SAME_DISC_MM = 14.0
PLANTED = 0.25
MOVED = 0.5
MOVED_MM = 5.0
LEAST_DISCS = 2  # no miss is planted among fewer
_SYNONYMS = {Level.L5_L6: Level.L5_S1, Level.L6_S1: Level.S1_S2}
"""Two names of one disc: those of a lumbarised S1, which is also a sixth lumbar vertebra."""
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Ranges:
    """What is drawn."""

    anatomy: AnatomyRanges
    prescription: PrescriptionRanges


@dataclass(frozen=True, slots=True)
class AxialScore:
    """Axial slices of one study.

    Attributes:
        slices: Whose middle lies on the named part of the spine.
        right: ... and given what they cut on the axis, or a quarter of their whole cut.
        discs, discs_right: The same for slices whose middle cuts a disc.
        missed: Slices that were given nothing.
        moved_mm, shift_mm: How far the patient moved towards the feet between the series, so that
            the slices show what lies nearer to the head, and what was measured of it.
    """

    slices: int
    right: int
    discs: int
    discs_right: int
    missed: int
    moved_mm: float
    shift_mm: float


@dataclass(frozen=True, slots=True)
class StudyScore:
    """How one phantom study was read.

    ``errors`` holds value minus truth and truth of every shape, disc by disc.
    """

    number: int
    lumbar_vertebrae: int
    scoliosis_deg: float
    slices: int
    sacrum_in_view: bool
    planted: bool
    found: int
    right: bool
    right_by_synonym: bool
    confidence: float
    lowest: str
    truth_lowest: str
    codes: tuple[str, ...]
    axial: AxialScore
    errors: Mapping[QuantityName, tuple[tuple[float, float], ...]]

    @property
    def announced(self) -> bool:
        """Whether the numbering is said to be in doubt."""
        return self.confidence < CERTAIN

    @property
    def silent(self) -> bool:
        """Wrong, and not said."""
        return not self.right_by_synonym and not self.announced


@cache
def _tools() -> tuple[OpenVinoPredictor, Weights]:
    weights = load_weights(shipped_weights())
    return OpenVinoPredictor(weights, threads=1), weights


def run(seed: int, studies: int, ranges: Ranges) -> Iterator[StudyScore]:
    """Yield the score of every study, in order."""
    with ProcessPoolExecutor(_WORKERS) as pool:
        jobs = ((seed, number, ranges) for number in range(studies))
        yield from pool.map(_score, jobs, chunksize=4)


def _score(job: tuple[int, int, Ranges]) -> StudyScore:
    seed, number, ranges = job
    rng = np.random.default_rng((seed, number))
    parameters = sample_anatomy(rng, ranges.anatomy)
    prescription = sample_prescription(rng, ranges.prescription)
    moved_mm = _moved_mm(np.random.default_rng((seed, number, 1)))
    study, truth = phantom_study(parameters, prescription, rng, moved_mm=moved_mm)
    predictor, weights = _tools()
    options = AnalysisOptions()
    look = look_at(study, predictor, weights, options)
    planted = bool(rng.random() < PLANTED) and len(look.reading.discs) > LEAST_DISCS
    if planted:
        look = _without_one(look, rng)
    findings = conclude(study, look, predictor, weights, options)
    spine = build_spine(parameters)
    true_names = _true_names(spine, findings.discs)
    return StudyScore(
        number=number,
        lumbar_vertebrae=parameters.lumbar_vertebrae,
        scoliosis_deg=parameters.scoliosis_deg,
        slices=prescription.sagittal_slices,
        sacrum_in_view=truth.sacrum_in_view,
        planted=planted,
        found=len(findings.discs),
        right=all(
            disc.level is name for disc, name in zip(findings.discs, true_names, strict=True)
        ),
        right_by_synonym=all(
            name is not None and _one_name(disc.level) is _one_name(name)
            for disc, name in zip(findings.discs, true_names, strict=True)
        ),
        confidence=findings.numbering.confidence,
        lowest=str(findings.discs[-1].level) if findings.discs else "none",
        truth_lowest=str(true_names[-1]) if true_names else "none",
        codes=tuple(warning.code for warning in findings.warnings),
        axial=_axial_score(study, spine, findings, true_names, _Motion(moved_mm, look)),
        errors=_errors(findings.discs, true_names, spine),
    )


def _one_name(level: Level) -> Level:
    return _SYNONYMS.get(level, level)


def _moved_mm(rng: np.random.Generator) -> float:
    moved_mm = float(rng.uniform(-MOVED_MM, MOVED_MM))
    return moved_mm if rng.random() < MOVED else 0.0


def phantom_study(
    parameters: PhantomParameters,
    prescription: Prescription,
    rng: np.random.Generator,
    *,
    moved_mm: float = 0.0,
) -> tuple[Study, PhantomTruth]:
    """Return a study as the reader would hand it on, and its truth.

    The axial files say that they lie ``moved_mm`` nearer to the feet than what they show.
    """
    rendered = render_sagittal(parameters, rng, prescription=prescription)
    noise = np.random.default_rng(parameters.texture_seed)
    crossing = render_axial(parameters, noise, prescription=prescription)
    sagittal = _series(Plane.SAGITTAL, [(one.geometry, one.image) for one in rendered])
    stated = [(raised(one.geometry, -moved_mm), one.image) for one in crossing]
    axial = _series(Plane.AXIAL, stated)
    truth = truth_of_study(parameters, 0, rendered)
    return Study(Source.DICOM, "2.25.1", None, (sagittal, axial)), truth


def raised(geometry: SliceGeometry, by_mm: float) -> SliceGeometry:
    """Return a place ``by_mm`` nearer to the head."""
    x, y, z = geometry.position_lps_mm
    return replace(geometry, position_lps_mm=(x, y, z + by_mm))


def _series(plane: Plane, planes: Sequence[tuple[SliceGeometry, Image]]) -> Series:
    ordered = sorted(planes, key=lambda one: travel_mm(plane, one[0], _shape(one[1])))
    slices = tuple(
        _slice(index, geometry, image) for index, (geometry, image) in enumerate(ordered)
    )
    return Series(plane, None, f"phantom {plane}", plane, Weighting.T2, slices, used=True)


def _shape(image: Image) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _slice(index: int, geometry: SliceGeometry, image: Image) -> Slice:
    uid = f"2.25.1.{index}"
    return Slice(index, _shape(image), geometry, geometry.spacing_mm, lambda: image, uid, None, "")


def _without_one(look: Look, rng: np.random.Generator) -> Look:
    """Strike out one disc that was found, as if the network had missed it on every slice."""
    struck = int(rng.integers(len(look.reading.discs)))
    discs = tuple(disc for i, disc in enumerate(look.reading.discs) if i != struck)
    room_below = look.reading.room_below
    if struck == len(discs):  # the lowest one: what lies below the next is farther down
        lost, next_up = look.reading.discs[-1].track, look.reading.discs[-2].track
        room_below += float(next_up.center[2] - lost.center[2])
    return replace(look, reading=replace(look.reading, discs=discs, room_below=room_below))


def _true_names(spine: Spine, discs: Sequence[DiscFinding]) -> list[Level | None]:
    """Return the true level of each finding, None where no disc of the model is near."""
    names = {str(level): level for level in Level}
    blocks = [block for block in spine.blocks if "-" in block.name]
    places = np.array([spine.center_lps_mm(block) for block in blocks])
    found: list[Level | None] = []
    for disc in discs:
        away = np.linalg.norm((places - np.array(disc.center_lps_mm))[:, 1:], axis=1)
        nearest = int(away.argmin())
        found.append(names.get(blocks[nearest].name) if away[nearest] <= SAME_DISC_MM else None)
    return found


@dataclass(frozen=True, slots=True)
class _Motion:
    moved_mm: float
    look: Look


def _axial_score(
    study: Study,
    spine: Spine,
    findings: StudyFindings,
    true_names: Sequence[Level | None],
    motion: _Motion,
) -> AxialScore:
    """Judge the geometry: an assigned disc counts by its true name, whatever it was called."""
    pairs = zip(findings.discs, true_names, strict=True)
    truth_of = {str(disc.level): name for disc, name in pairs if name is not None}
    wrong_names = any(str(name) != level for level, name in truth_of.items())
    slices = right = discs = discs_right = missed = 0
    series = study.used(Plane.AXIAL)[0]
    thickness_mm = _thickness_mm(series)
    for slice_, named in zip(series.slices, findings.axial_slices, strict=True):
        if slice_.geometry is None:
            continue
        shown = raised(slice_.geometry, motion.moved_mm)
        crossing = structure_at(spine, shown, thickness_mm)
        if crossing.middle is None:
            continue
        given: Structure | None = named.vertebra
        if named.level is not None:
            given = truth_of.get(str(named.level))
        elif named.vertebra is not None and wrong_names:
            continue  # a vertebra between wrongly named discs has no true name to be judged by
        if given is None:
            missed += 1
            continue
        slices += 1
        share = cut_shares(spine, shown, thickness_mm).get(given, 0.0)
        right += given == crossing.middle or share >= LEAST_SHARE
        if isinstance(crossing.middle, Level):
            discs += 1
            discs_right += given == crossing.middle
    shift_mm = motion.look.shifts_mm.get(series.id, 0.0)
    return AxialScore(slices, right, discs, discs_right, missed, motion.moved_mm, shift_mm)


def _thickness_mm(series: Series) -> float:
    """Return the thickness of the slices: the distance between neighbours, less the gap."""
    places = np.array([one.geometry.position_lps_mm for one in series.slices if one.geometry])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    return float(np.percentile(steps, 25)) / 1.1


def _errors(
    discs: Sequence[DiscFinding], true_names: Sequence[Level | None], spine: Spine
) -> dict[QuantityName, tuple[tuple[float, float], ...]]:
    """Return error and truth of every shape that was measured (signal: ``bench/quantities.py``)."""
    errors: dict[QuantityName, list[tuple[float, float]]] = {}
    for disc, name in zip(discs, true_names, strict=True):
        if name not in spine.discs:
            continue
        for quantity, value in shape_truth(spine.discs[name]).items():
            if quantity in disc.quantities:
                pair = (disc.quantities[quantity].value - value, value)
                errors.setdefault(quantity, []).append(pair)
    return {name: tuple(found) for name, found in errors.items()}
