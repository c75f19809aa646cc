"""Lesions on synthetic studies that differ from those of training in every range.

    python bench/phantom_lesions.py --weights WEIGHTS --out docs/results/phantom-lesions

Draws studies with :data:`TEST_LESIONS` and :func:`test_parameters`, whose contrast, noise,
thickness, morphology and sizes of lesions lie outside of what ``discern.phantom.training_set``
draws, runs the network on every slice and judges slice by slice and disc by disc. The figures
check the code path. They say nothing of patients and are never set beside the paper's.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from discern.annotations import GroundTruth
from discern.evaluation.disc_records import DiscRecord
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.performance_tables import disc_wise_table, slice_wise_table
from discern.evaluation.predictions import PredictedBox
from discern.evaluation.tables import tables_markdown
from discern.imaging.pixels import Image
from discern.inference.evaluate import boxes_of_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import write_files
from discern.phantom.lesion_sampling import LesionRanges, with_sampled_lesions
from discern.phantom.prescription import AxialLayout, Prescription
from discern.phantom.render import render_axial, render_sagittal
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.truth import disc_number
from discern.weights import load_weights, shipped_weights

STUDIES, SEED = 200, 91_823_004
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


@dataclass(frozen=True, slots=True)
class Answered:
    """One synthetic patient: images, their truth, what is true of each disc."""

    images: tuple[Image, ...]
    truths: tuple[GroundTruth, ...]
    records: dict[tuple[str, int], DiscRecord]


def test_parameters(rng: np.random.Generator) -> PhantomParameters:
    """Draw a patient outside of what training draws.

    Training draws marrow .26 to .68, fat .45 to .85, annulus .03 to .1, noise .008 to .045,
    thickness 3 to 4.5 mm, field 255 to 305 mm, blur .3 to .7 mm, scoliosis to 12 degrees, size .85
    to 1.16, canal 11.5 to 20 mm, muscle fat to .55.
    """
    base = sample_parameters(rng)
    contrast = replace(
        base.contrast,
        marrow=float(rng.uniform(0.69, 0.8)),
        fat=float(rng.uniform(0.86, 1.0)),
        annulus=float(rng.uniform(0.105, 0.14)),
    )
    scanner = replace(
        base.scanner,
        noise=float(rng.uniform(0.046, 0.065)),
        slice_thickness_mm=float(rng.uniform(4.6, 5.5)),
        field_of_view_mm=float(rng.uniform(306, 340)),
        blur_mm=float(rng.uniform(0.71, 0.85)),
    )
    varied = replace(
        base,
        contrast=contrast,
        scanner=scanner,
        scoliosis_deg=float(rng.choice([-1, 1]) * rng.uniform(12.5, 22)),
        size=float(rng.uniform(1.165, 1.22)),
        canal_mm=float(rng.uniform(20.1, 22)),
        muscle_fat=float(rng.uniform(0.56, 0.7)),
    )
    return with_sampled_lesions(varied, rng, TEST_LESIONS)


def drawn_study(number: int, seed: int) -> Answered:
    """Render study ``number``; axial slices run along the discs, turned as in no training."""
    rng = np.random.default_rng((seed, number))
    parameters, name = test_parameters(rng), f"test-{number:03d}"
    prescription = Prescription(
        sagittal_slices=SAGITTAL_SLICES,
        head_turn_deg=float(rng.choice([-1, 1]) * rng.uniform(5.5, 9)),
        axial_layout=AxialLayout.PER_DISC,
        axial_rotation_deg=float(rng.choice([-1, 1]) * rng.uniform(8.5, 12)),
    )
    slices = [
        *render_sagittal(parameters, rng, prescription=prescription, patient=name),
        *render_axial(parameters, rng, prescription=prescription, patient=name),
    ]
    records = {
        (name, disc_number(level, parameters)): DiscRecord(
            herniation=parameters.herniation_of(level) is not None,
            hiz=parameters.lesions.zone_of(level) is not None,
            bulging=parameters.bulge_of(level) > 0,
        )
        for level in parameters.levels
    }
    return Answered(tuple(one.image for one in slices), tuple(one.truth for one in slices), records)


def main() -> None:
    """Draw, predict, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=shipped_weights())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    weights = load_weights(chosen.weights)
    about, predictor = weights.metadata, OpenVinoPredictor(weights)
    truths: list[GroundTruth] = []
    answers: dict[str, tuple[PredictedBox, ...]] = {}
    records: dict[tuple[str, int], DiscRecord] = {}
    with ProcessPoolExecutor(chosen.processes) as pool:
        for study in pool.map(partial(drawn_study, seed=chosen.seed), range(chosen.studies)):
            truths += study.truths
            records |= study.records
            planes = (truth.plane for truth in study.truths)
            boxes = boxes_of_images(zip(study.images, planes, strict=True), predictor, about)
            answers |= dict(zip((one.image for one in study.truths), boxes, strict=True))
    options = EvaluationOptions(operating_point=about.operating_point("default"))
    metrics = evaluate(truths, answers, options=options, records=records)
    text = tables_markdown(
        "Lesions on synthetic studies",
        f"{chosen.studies} synthetic studies of seed {chosen.seed}, drawn outside the ranges of "
        f"training. Weights {about.name}, SHA-256 {weights.sha256[:16]}. These figures check the "
        "code path; no patient is among them.",
        (slice_wise_table(metrics), disc_wise_table(metrics)),
    )
    write_files(
        chosen.out, {"lesions.md": text.encode(), "metrics.json": metrics_to_json(metrics).encode()}
    )
    print(text)


if __name__ == "__main__":
    main()
