"""How much a lesion is worth beside a sure one: shares compared on studies of development.

    python bench/lesion_support.py --weights WEIGHTS --processes 2

Reads synthetic studies of the training ranges and of their hard end (none of the test studies of
``phantom_lesions.py``), and prints F1 by slice for several values of
``discern.postprocess.SUPPORT_SHARE``; 1 is no support: of each sagittal lesion that the next slice
supports, then of each axial lesion that supported sagittal ones support. Thresholds are the best on
the studies that ``phantom_lesions.py`` fits them on.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from discern.phantom.lesion_sampling import LesionRanges
from discern.spine import LESION_LABELS, Label, Plane
from phantom_lesions import (
    FITTING_SEED,
    THRESHOLDS,
    Answered,
    Judged,
    PatientRanges,
    Reader,
    f1_of_thresholds,
    fitted_point,
    fitting_study,
    patient_within,
    prescribed,
    rendered,
)

SHARES = (1.0, 0.7, 0.5, 0.4, 0.3)
STUDIES, SEED, HARD_SEED = 60, 77_002, 77_001
HARD_PATIENTS = PatientRanges(
    marrow=(0.58, 0.68),
    fat=(0.75, 0.85),
    annulus=(0.08, 0.1),
    noise=(0.035, 0.045),
    slice_thickness_mm=(4.1, 4.5),
    field_of_view_mm=(290, 305),
    blur_mm=(0.6, 0.7),
    scoliosis_deg=(8, 12),
    size=(1.1, 1.16),
    canal_mm=(18, 20),
    muscle_fat=(0.4, 0.55),
)
HARD_LESIONS = LesionRanges(
    herniation_depth_mm=(7.0, 9.0),
    herniation_width_mm=(16.0, 20.0),
    zone_span_mm=(10.0, 14.0),
    zone_thickness_mm=(2.4, 3.2),
    zone_brightness=(0.65, 0.75),
    bulge_mm=(2.2, 3.0),
)


def hard_study(number: int, seed: int) -> Answered:
    """Render study ``number`` near the end of the training ranges that the test goes beyond."""
    rng = np.random.default_rng((seed, number))
    parameters = patient_within(HARD_PATIENTS, HARD_LESIONS, rng)
    return rendered(f"hard-{number:03d}", parameters, prescribed(rng, (3, 5), (5, 8)), rng)


def print_line(
    share: float, judged: Mapping[str, Judged], labels: Sequence[Label], plane: Plane
) -> None:
    """Print F1 of every lesion in one plane at the threshold that is best on "fitting"."""
    for label in labels:
        f1 = {name: f1_of_thresholds(one, label, plane) for name, one in judged.items()}
        best = int(f1["fitting"].argmax())
        figures = ", ".join(f"{name} {values[best]:.3f}" for name, values in f1.items())
        print(f"{plane} share {share:.1f}  {label:11} from {THRESHOLDS[best]:.2f}: {figures}")


def main() -> None:
    """Print one line for each share and lesion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    reader = Reader(chosen.weights)
    numbers = range(chosen.studies)
    with ProcessPoolExecutor(chosen.processes) as pool:
        read = {
            "fitting": reader.read(pool.map(partial(fitting_study, seed=FITTING_SEED), numbers)),
            "training ranges": reader.read(pool.map(partial(fitting_study, seed=SEED), numbers)),
            "their hard end": reader.read(pool.map(partial(hard_study, seed=HARD_SEED), numbers)),
        }
    for share in SHARES:
        print_line(
            share,
            {name: one.supported(share) for name, one in read.items()},
            LESION_LABELS,
            Plane.SAGITTAL,
        )
    labels = reader.weights.metadata.lesions_across_planes
    own = reader.weights.metadata.operating_point("default")
    point = fitted_point(read["fitting"], labels, own)
    usual = {name: one.supported() for name, one in read.items()}
    for share in SHARES:
        print_line(
            share,
            {name: one.across_planes(labels, point, share) for name, one in usual.items()},
            labels,
            Plane.AXIAL,
        )
    print(f"F1 by slice, {chosen.studies} studies each; thresholds fitted on 'fitting'")


if __name__ == "__main__":
    main()
