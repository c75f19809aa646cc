"""Lesions on synthetic studies that differ from those of training in every range.

    python bench/phantom_lesions.py --weights WEIGHTS --out docs/results/phantom-lesions

Draws studies with :data:`TEST_LESIONS` and :data:`TEST_PATIENTS`, whose contrast, noise,
thickness, morphology and sizes of lesions lie outside of what ``discern.phantom.training_set``
draws, runs the network on every slice and judges each plane slice by slice and disc by disc: at the
thresholds of the weights, and at those that are best on other studies, drawn as training draws
them. Sagittal slices support each other, and axial ones, as in a study
(:mod:`discern.inference.lesion_support`, :mod:`discern.inference.plane_support`); beside it
("alone") each by itself, at thresholds fitted likewise. A disc with a lesion that no slice of a
plane shows well enough to be drawn is not judged in that plane. The figures check the code path.
They say nothing of patients and are never set beside the paper's.
"""

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.evaluation.detection_tables import lesion_table
from discern.evaluation.disc_records import DiscRecord
from discern.evaluation.matching import (
    Criterion,
    boxes_array,
    match,
    not_judged,
    scores_array,
)
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.performance_tables import disc_wise_table, slice_wise_table
from discern.evaluation.predictions import PredictedBox
from discern.evaluation.published import LESION_PLANES, row_name
from discern.evaluation.table_formats import Table
from discern.evaluation.tables import tables_markdown
from discern.findings import LesionThreshold
from discern.imaging.geometry import SliceGeometry
from discern.imaging.pixels import Image
from discern.imaging.plane_geometry import step_between_mm
from discern.inference.evaluate import boxes_of_images
from discern.inference.lesion_support import supported_scores
from discern.inference.plane_support import LesionInPatient, SagittalSupport
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.tracks import PlacedBox
from discern.outputs import write_files
from discern.phantom.lesion_sampling import LesionRanges, with_sampled_lesions
from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.render import render_axial, render_sagittal
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.truth import disc_number
from discern.postprocess import SUPPORT_SHARE, SelectedBox
from discern.spine import LESION_LABELS, Label, Plane
from discern.weights import load_weights, shipped_weights

DiscKey = tuple[str, int]
"""Patient, and number of the disc."""
PLANES = (Plane.SAGITTAL, Plane.AXIAL)
STUDIES, SEED = 200, 91_823_004
FITTING_STUDIES, FITTING_SEED = 60, 55_210_008
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.01), 2)
SAGITTAL_SLICES = 11
TEST_LESIONS = LesionRanges(
    herniation_depth_mm=(9.2, 11.0),
    herniation_width_mm=(20.5, 24.0),
    zone_span_mm=(14.5, 18.0),
    zone_thickness_mm=(3.3, 4.2),
    zone_brightness=(0.55, 0.64),
    bulge_mm=(3.1, 3.8),
)
"""Training draws 3.5 to 9 mm, 8 to 20 mm, 4 to 14 mm, 1.4 to 3.2 mm, .65 to 1.1, .8 to 3 mm."""


Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PatientRanges:
    """What a patient is drawn from, least and largest; the scoliosis to either side."""

    marrow: Range
    fat: Range
    annulus: Range
    noise: Range
    slice_thickness_mm: Range
    field_of_view_mm: Range
    blur_mm: Range
    scoliosis_deg: Range
    size: Range
    canal_mm: Range
    muscle_fat: Range


TEST_PATIENTS = PatientRanges(
    marrow=(0.69, 0.8),
    fat=(0.86, 1.0),
    annulus=(0.105, 0.14),
    noise=(0.046, 0.065),
    slice_thickness_mm=(4.6, 5.5),
    field_of_view_mm=(306, 340),
    blur_mm=(0.71, 0.85),
    scoliosis_deg=(12.5, 22),
    size=(1.165, 1.22),
    canal_mm=(20.1, 22),
    muscle_fat=(0.56, 0.7),
)
"""Training draws marrow .26 to .68, fat .45 to .85, annulus .03 to .1, noise .008 to .045,
thickness 3 to 4.5 mm, field 255 to 305 mm, blur .3 to .7 mm, scoliosis to 12 degrees, size .85 to
1.16, canal 11.5 to 20 mm, muscle fat to .55."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One synthetic patient: images, their truth, what each plane shows of each disc."""

    images: tuple[Image, ...]
    truths: tuple[GroundTruth, ...]
    geometries: tuple[SliceGeometry, ...]
    records: dict[Plane, dict[DiscKey, DiscRecord]]


def patient_within(
    ranges: PatientRanges, lesions: LesionRanges, rng: np.random.Generator
) -> PhantomParameters:
    """Draw a patient as training does, but for what ``ranges`` and ``lesions`` name."""
    base = sample_parameters(rng)

    def within(pair: Range) -> float:
        return float(rng.uniform(*pair))

    contrast = replace(
        base.contrast,
        marrow=within(ranges.marrow),
        fat=within(ranges.fat),
        annulus=within(ranges.annulus),
    )
    scanner = replace(
        base.scanner,
        noise=within(ranges.noise),
        slice_thickness_mm=within(ranges.slice_thickness_mm),
        field_of_view_mm=within(ranges.field_of_view_mm),
        blur_mm=within(ranges.blur_mm),
    )
    varied = replace(
        base,
        contrast=contrast,
        scanner=scanner,
        scoliosis_deg=float(rng.choice([-1, 1]) * within(ranges.scoliosis_deg)),
        size=within(ranges.size),
        canal_mm=within(ranges.canal_mm),
        muscle_fat=within(ranges.muscle_fat),
    )
    return with_sampled_lesions(varied, rng, lesions)


def fitting_study(number: int, seed: int) -> Answered:
    """Render study ``number`` within the ranges of training."""
    rng = np.random.default_rng((seed, number))
    parameters = with_sampled_lesions(sample_parameters(rng), rng)
    return rendered(f"fitting-{number:03d}", parameters, prescribed(rng, (0, 5), (0, 8)), rng)


def drawn_study(number: int, seed: int) -> Answered:
    """Render study ``number``; axial slices run along the discs, turned as in no training."""
    rng = np.random.default_rng((seed, number))
    parameters = patient_within(TEST_PATIENTS, TEST_LESIONS, rng)
    return rendered(f"test-{number:03d}", parameters, prescribed(rng, (5.5, 9), (8.5, 12)), rng)


def prescribed(
    rng: np.random.Generator, turn_deg: tuple[float, float], rotation_deg: tuple[float, float]
) -> Prescription:
    """Draw how far the patient and the axial slices are turned, either way."""
    return Prescription(
        sagittal_slices=SAGITTAL_SLICES,
        head_turn_deg=float(rng.choice([-1, 1]) * rng.uniform(*turn_deg)),
        axial_layout=AxialLayout.PER_DISC,
        axial_rotation_deg=float(rng.choice([-1, 1]) * rng.uniform(*rotation_deg)),
    )


def rendered(
    name: str,
    parameters: PhantomParameters,
    prescription: Prescription,
    rng: np.random.Generator,
) -> Answered:
    """Render one study."""
    slices = [
        *render_sagittal(parameters, rng, prescription=prescription, patient=name),
        *render_axial(parameters, rng, prescription=prescription, patient=name),
    ]
    truths = tuple(one.truth for one in slices)
    records = {plane: records_of(name, parameters, truths, plane) for plane in PLANES}
    images, geometries = zip(*((one.image, one.geometry) for one in slices), strict=True)
    return Answered(images, truths, geometries, records)


def records_of(
    name: str, parameters: PhantomParameters, truths: Sequence[GroundTruth], plane: Plane
) -> dict[DiscKey, DiscRecord]:
    """Return what the slices of ``plane`` show of each disc; None where a lesion is not drawn."""
    boxes = [box for truth in truths if truth.plane is plane for box in truth.boxes]
    drawn = {(box.disc, box.label) for box in boxes}
    records = {}
    for level in parameters.levels:
        disc = disc_number(level, parameters)
        there = {
            Label.HERNIATION: parameters.herniation_of(level) is not None,
            Label.HIZ: parameters.lesions.zone_of(level) is not None,
        }
        shown = {
            label: present if not present or (disc, label) in drawn else None
            for label, present in there.items()
        }
        bulging = parameters.bulge_of(level) > 0
        records[name, disc] = DiscRecord(shown[Label.HERNIATION], shown[Label.HIZ], bulging)
    return records


def selected_box(box: PredictedBox) -> SelectedBox:
    """Return a box as the program keeps it."""
    return SelectedBox(box.label, box.score, box.class_scores or (), box.box_xyxy_px)


def placed_box(box: PredictedBox, index: int, geometry: SliceGeometry) -> PlacedBox:
    """Return a box of sagittal slice ``index`` in the patient frame."""
    selected = selected_box(box)
    corners = np.reshape(box.box_xyxy_px, (2, 2))
    row_mm, column_mm = geometry.spacing_mm
    (center,) = geometry.pixel_to_lps(corners.mean(axis=0, keepdims=True))
    return PlacedBox("", index, selected, center, np.diff(corners, axis=0)[0] * (column_mm, row_mm))


class Reader:
    """Reads synthetic studies with one file of weights."""

    def __init__(self, path: Path) -> None:
        """Load the weights."""
        self.weights = load_weights(path)
        self._predictor = OpenVinoPredictor(self.weights)

    def read(self, studies: Iterable[Answered]) -> "Judged":
        """Return truth and boxes of all slices, each read by itself."""
        judged = Judged()
        for study in studies:
            planes = (truth.plane for truth in study.truths)
            images = zip(study.images, planes, strict=True)
            boxes = boxes_of_images(images, self._predictor, self.weights.metadata)
            names = [truth.image for truth in study.truths]
            judged.truths.extend(study.truths)
            judged.geometries.update(zip(names, study.geometries, strict=True))
            judged.answers.update(zip(names, boxes, strict=True))
            for plane, records in study.records.items():
                judged.records[plane].update(records)
        return judged


@dataclass(frozen=True)
class Judged:
    """Truth, places, boxes down to a low score, and what is true of each disc."""

    truths: list[GroundTruth] = field(default_factory=list)
    geometries: dict[str, SliceGeometry] = field(default_factory=dict)
    answers: dict[str, tuple[PredictedBox, ...]] = field(default_factory=dict)
    records: dict[Plane, dict[DiscKey, DiscRecord]] = field(
        default_factory=lambda: {plane: {} for plane in PLANES}
    )

    def supported(self, share: float = SUPPORT_SHARE) -> "Judged":
        """Return the same, sagittal lesions with what neighbouring slices add."""
        answers = dict(self.answers)
        sagittal = (truth for truth in self.truths if truth.plane is Plane.SAGITTAL)
        for _, truths in groupby(sagittal, key=lambda truth: truth.patient):
            names = [truth.image for truth in truths]
            placed = [
                placed_box(box, index, self.geometries[name])
                for index, name in enumerate(names)
                for box in self.answers[name]
            ]
            scores = iter(supported_scores(placed, share=share))
            for name in names:
                answers[name] = tuple(
                    replace(box, score=next(scores)) for box in self.answers[name]
                )
        return replace(self, answers=answers)

    def across_planes(
        self, labels: tuple[Label, ...], point: OperatingPoint, share: float = SUPPORT_SHARE
    ) -> "Judged":
        """Return the same, axial lesions with what sagittal ones add that count at ``point``."""
        answers = dict(self.answers)
        for _, of_patient in groupby(self.truths, key=lambda truth: truth.patient):
            names: dict[Plane, list[str]] = {plane: [] for plane in PLANES}
            for truth in of_patient:
                names[truth.plane].append(truth.image)
            lesions = {plane: self._in_patient(images) for plane, images in names.items()}
            sagittal = [
                one
                for some in lesions[Plane.SAGITTAL].values()
                for one in some
                if one.box.score >= point.min_score(one.box.label, Plane.SAGITTAL)
            ]
            support = SagittalSupport(tuple(sagittal), labels, share)
            for name, some in lesions[Plane.AXIAL].items():
                pairs = zip(answers[name], some, strict=True)
                answers[name] = tuple(
                    replace(box, score=support.score_of(one)) for box, one in pairs
                )
        return replace(self, answers=answers)

    def _in_patient(self, names: Sequence[str]) -> dict[str, list[LesionInPatient]]:
        """Return the boxes of the slices of one plane by name."""
        geometries = [self.geometries[name] for name in names]
        thickness_mm = step_between_mm(geometries)
        return {
            name: [
                LesionInPatient.of(selected_box(box), geometry, thickness_mm)
                for box in self.answers[name]
            ]
            for name, geometry in zip(names, geometries, strict=True)
        }

    def metrics(self, plane: Plane, point: OperatingPoint) -> Metrics:
        """Return every figure of one plane."""
        truths = [truth for truth in self.truths if truth.plane is plane]
        return evaluate(
            truths,
            {truth.image: self.answers[truth.image] for truth in truths},
            options=EvaluationOptions(operating_point=point),
            records=self.records[plane],
        )


def best_thresholds(judged: Judged, plane: Plane) -> tuple[LesionThreshold, ...]:
    """Return the threshold of each lesion in ``plane`` that has the best F1, slice by slice."""
    return tuple(
        LesionThreshold(
            label, plane, float(THRESHOLDS[int(f1_of_thresholds(judged, label, plane).argmax())])
        )
        for label in LESION_LABELS
    )


def fitted_point(judged: Judged, labels: tuple[Label, ...], own: OperatingPoint) -> OperatingPoint:
    """Return ``own`` with the best thresholds: sagittal ones first, which decide what supports."""
    supported = judged.supported()
    sagittal = best_thresholds(supported, Plane.SAGITTAL)
    point = replace(own, name="fitted", lesions=sagittal)
    axial = best_thresholds(supported.across_planes(labels, point), Plane.AXIAL)
    return replace(point, lesions=(*sagittal, *axial))


def of_lesions(table: Table, plane: Plane) -> Table:
    """Return the rows of the lesions: what the detector says of grades is not asked here."""
    lesions = tuple(row_name(one) for one in LESION_PLANES)
    rows = tuple(row for row in table.rows if str(row[0]).startswith(lesions))
    return replace(table, title=f"{plane}: {table.title}", rows=rows)


def f1_of_thresholds(judged: Judged, label: Label, plane: Plane) -> NDArray[np.float64]:
    """Return F1 at each of ``THRESHOLDS``; a lesion is met by the centre of a box."""
    hits: list[float] = []
    alarms: list[float] = []
    lesions = 0
    for truth in judged.truths:
        if truth.plane is not plane:
            continue
        drawn = truth.boxes_of((label,))
        boxes = [box for box in judged.answers[truth.image] if box.label is label]
        scores = scores_array(boxes)
        chosen = match(drawn, boxes_array(boxes), scores, Criterion.CENTER_INSIDE)
        met = chosen >= 0
        counted = ~met & ~not_judged(truth, boxes_array(boxes))
        hits += scores[met].tolist()
        alarms += scores[counted].tolist()
        lesions += len(drawn)
    reached = (np.array(hits)[:, None] >= THRESHOLDS).sum(axis=0)
    false = (np.array(alarms)[:, None] >= THRESHOLDS).sum(axis=0)
    f1: NDArray[np.float64] = 2 * reached / np.maximum(reached + false + lesions, 1)
    return f1


def main() -> None:
    """Draw, predict, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=shipped_weights())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    reader = Reader(chosen.weights)
    about, sha256 = reader.weights.metadata, reader.weights.sha256
    with ProcessPoolExecutor(chosen.processes) as pool:
        fitting = partial(fitting_study, seed=FITTING_SEED)
        fitted_on = reader.read(pool.map(fitting, range(FITTING_STUDIES)))
        test = partial(drawn_study, seed=chosen.seed)
        judged = reader.read(pool.map(test, range(chosen.studies)))
    own = about.operating_point("default")
    labels = about.lesions_across_planes
    fitted = fitted_point(fitted_on, labels, own)
    each = tuple(one for plane in PLANES for one in best_thresholds(fitted_on, plane))
    alone, supported = replace(own, name="alone", lesions=each), judged.supported()
    files: dict[str, bytes] = {}
    for point, answered in (
        (own, supported.across_planes(labels, own)),
        (fitted, supported.across_planes(labels, fitted)),
        (alone, judged),
    ):
        tables: list[Table] = []
        for plane in PLANES:
            metrics = answered.metrics(plane, point)
            parts = (slice_wise_table(metrics), disc_wise_table(metrics), lesion_table(metrics))
            tables += [of_lesions(one, plane) for one in parts]
            files[f"metrics-{point.name}-{plane}.json"] = metrics_to_json(metrics).encode()
        scores = ", ".join(
            f"{label} {plane} {point.min_score(label, plane):g}"
            for plane in PLANES
            for label in LESION_LABELS
        )
        text = tables_markdown(
            f"Lesions on synthetic studies, thresholds {point.name}",
            f"{chosen.studies} synthetic studies of seed {chosen.seed}, drawn outside the ranges "
            f"of training. Weights {about.name}, SHA-256 {sha256[:16]}. Told from a score of: "
            f"{scores}; fitted thresholds are the best on {FITTING_STUDIES} other studies, seed "
            f"{FITTING_SEED}, drawn as training draws. Sagittal slices support each other and "
            'axial ones, but not in "alone". These figures check the code path; no patient is '
            "among them.",
            tables,
        )
        files[f"lesions-{point.name}.md"] = text.encode()
        print(text)
    write_files(chosen.out, files)


if __name__ == "__main__":
    main()
