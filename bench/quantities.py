"""Measure how far the quantities of a disc miss, and what they say of real discs.

    python bench/quantities.py ../shared/data/spider-lumbar docs/results --runs runs/segmenter

1. Phantoms of known shape, their own masks. "smooth" grades 1 to 3; in "worn" ones, grades 4 and
   5, the phantom roughens the borders, which the truth, the plates, does not know.
2. SPIDER's T2 slices with the masks published beside them: medians by grade and level, rank
   correlation with the grade, and the area under the curve of the slip for the discs its reader
   called spondylolisthesis. Scale: the nominal pixel spacing, so lengths are for plausibility only.
3. The same discs from their boxes alone, against the masks.
4. With ``--runs runs/segmenter``: the same discs from the masks of the tissue network of the fold
   that has not seen the patient, against the published masks.

Writes quantities.txt into the second folder. The errors stand in ``discern.quantities.combine``.
"""

import argparse
import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from discern.dataset.sources import read_dataset
from discern.findings import QuantityName
from discern.imaging.geometry import usual_view
from discern.outputs import write_files
from discern.phantom.anatomy import build_spine
from discern.phantom.block_frame import CONCAVITY_MM
from discern.phantom.plates import Block
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_sagittal
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.quantities.from_boxes import box_terms, measure_boxes
from discern.quantities.measure import Measured, measure_slice
from discern.quantities.slices import TissueSlice
from discern.spine import GRADE_LABELS, Tissue
from segmentation import MIDDLE, segmented

PATIENTS = 24
MIDLINE_MM = 3.0
NEAR_MIDLINE = Prescription(sagittal_slices=3)
CANAL_DENT_MM = 1.2
TOLERANCE = {QuantityName.WEDGE_ANGLE: 2.0, QuantityName.LISTHESIS: 1.0}
"""Errors that are near enough whatever the share: both quantities are often close to zero."""
HEIGHT, INDEX = QuantityName.DISC_HEIGHT, QuantityName.DISC_HEIGHT_INDEX
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """One disc on one slice; ``slipped`` is the reader's word, None on phantoms."""

    grade: int
    level: str
    measured: Measured
    reference: Measured
    terms: Array | None = None
    slipped: bool = False


def shape_truth(block: Block) -> Measured:
    """Return the true shape of a phantom's disc at the midline, by the definitions of the docs."""
    turn = block.tilt_rad
    back, up = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    borders, ends, corners = [], [], []
    for plate, sign in ((block.upper, 1), (block.lower, -1)):
        along = np.linspace(-1, 1, 201)
        center = np.array([plate.y_mm, plate.z_mm])
        points = center + (along * plate.half_depth_mm)[:, None] * plate.back
        points = points + (sign * CONCAVITY_MM * (1 - along**2))[:, None] * plate.up
        borders.append((points @ back, points @ up))
        last = plate.half_depth_mm - CANAL_DENT_MM
        ends.append((center @ back - plate.half_depth_mm, center @ back + last))
        corners.append(center + last * plate.back)
    front, behind = np.mean(ends, axis=0)
    at = front + np.array([0.1, 0.5, 0.9]) * (behind - front)
    height = float(np.mean(np.interp(at, *borders[0]) - np.interp(at, *borders[1])))
    return {
        HEIGHT: height,
        INDEX: height / float(behind - front),
        QuantityName.WEDGE_ANGLE: float(np.rad2deg(block.lower.tilt_rad - block.upper.tilt_rad)),
        QuantityName.LISTHESIS: float((corners[1] - corners[0]) @ back),
    }


def phantom_cases(patients: int) -> list[Case]:
    """Measure every disc near the midline of synthetic patients.

    The true signal is that of the same patient under an even coil without noise or saturation,
    over the phantom's signal of fluid.
    """
    cases = []
    for seed in range(patients):
        rng = np.random.default_rng(10_000 + seed)
        parameters = sample_parameters(rng)
        even = replace(parameters.scanner, noise=0.0, coil_floor=1.0, saturation_band=False)
        plain = replace(parameters, scanner=even)
        shown = render_sagittal(parameters, rng, prescription=NEAR_MIDLINE)
        ideal = render_sagittal(plain, rng, prescription=NEAR_MIDLINE)
        for pair in zip(shown, ideal, strict=True):
            cases += _phantom_slice(parameters, *pair)
    return cases


def _phantom_slice(
    parameters: PhantomParameters, shown: PhantomSlice, ideal: PhantomSlice
) -> list[Case]:
    spine = build_spine(parameters)
    boxes = [box for box in shown.truth.boxes if box.label in GRADE_LABELS]
    boxes.sort(key=lambda box: -(box.disc or 0))
    turn = usual_view(shown.geometry)
    stored = np.array([box.box_xyxy_px for box in boxes])
    usual = turn.apply_boxes(stored, shown.truth.shape_px)
    fluid = parameters.scanner.csf_units
    even = turn.apply(ideal.image)
    tissues = turn.apply(ideal.tissues.astype(np.float32))
    even[tissues == Tissue.CANAL] = fluid  # the fluid as it is, without roots
    truths = measure_slice(_maps(even, tissues, ideal.geometry.spacing_mm), usual)
    image = turn.apply(shown.image)
    found = measure_slice(_maps(image, tissues, shown.geometry.spacing_mm), usual)
    cases = []
    for box, measured, signal in zip(boxes, found, truths, strict=True):
        level = parameters.levels[len(parameters.levels) - (box.disc or 1)]
        center = np.array([spine.disc_center_lps_mm(level)])
        if abs(float(shown.geometry.distance_mm(center)[0])) < MIDLINE_MM:
            truth = signal | shape_truth(spine.discs[level])
            cases.append(Case(int(parameters.grade_of(level)), str(level), measured, truth))
    return cases


def _maps(
    image: NDArray[np.float32], tissues: NDArray[np.float32], spacing_mm: tuple[float, float] | None
) -> TissueSlice:
    masks = np.stack([tissues == tissue for tissue in Tissue]).astype(np.float32)
    return TissueSlice(0, image, masks, spacing_mm)


def spider_cases(folder: Path) -> list[Case]:
    """Measure every boxed disc of the T2 middle slices, from masks and from boxes."""
    patients = patients_of(folder)
    with (folder / "discs.csv").open(newline="", encoding="utf-8") as file:
        slipped = {
            (row["patient"], int(row["ivd_label"]))
            for row in csv.DictReader(file)
            if row["spondylolisthesis"] == "1"
        }
    cases = []
    for path in sorted((folder / "annotations").glob("*_t2_mid.json")):
        patient = path.stem.split("_")[0]
        shapes = json.loads(path.read_text(encoding="utf-8"))["shapes"]
        shapes = [one for one in shapes if one["label"].startswith("pfirrmann")]
        shapes.sort(key=lambda one: -one["group_id"])
        boxes = np.array([np.ravel(one["points"]) for one in shapes], float)
        maps = spider_maps(folder, path.stem, patients[patient])
        found = measure_slice(maps, boxes)
        from_boxes = measure_boxes(boxes, maps.spacing_mm)
        terms = box_terms(boxes, maps.spacing_mm)
        for row, shape in enumerate(shapes):
            cases.append(
                Case(
                    grade=int(shape["label"][-1]),
                    level=shape["description"],
                    measured=from_boxes[row],
                    reference=found[row],
                    terms=np.r_[terms[row], (boxes[row, 2] - boxes[row, 0]) * maps.scale[0]],
                    slipped=(patient, shape["group_id"]) in slipped,
                )
            )
    return cases


def network_cases(folder: Path, runs: Path, splits: Path) -> list[Case]:
    """Measure every boxed disc of the T2 middle slices from masks predicted out of fold."""
    patients = patients_of(folder)
    cases = []
    dataset = read_dataset(folder)
    for one in segmented(dataset, runs, splits):
        if one.cut or not one.truth.image.endswith(MIDDLE):
            continue
        boxes = [box for box in one.truth.boxes if box.label in GRADE_LABELS]
        corners = np.array([box.box_xyxy_px for box in boxes], float).reshape(-1, 4)
        masks = spider_maps(folder, one.truth.image, patients[one.truth.patient])
        predicted = replace(masks, probabilities=one.probabilities)
        pairs = zip(measure_slice(predicted, corners), measure_slice(masks, corners), strict=True)
        cases += [
            Case(int(box.label[-1]), "", measured, reference)
            for box, (measured, reference) in zip(boxes, pairs, strict=True)
        ]
    return cases


def patients_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of ``patients.csv`` by patient."""
    with (folder / "patients.csv").open(newline="", encoding="utf-8") as file:
        return {row["patient"]: row for row in csv.DictReader(file)}


def spider_maps(folder: Path, name: str, patient: dict[str, str]) -> TissueSlice:
    """Return one image with the masks published beside it."""
    with Image.open(folder / "images" / f"{name}.png") as file:
        image = np.asarray(file.convert("L"), np.float32)
    with Image.open(folder / "masks" / f"{name}.png") as file:
        tissues = np.asarray(file, np.float32)
    nominal = float(patient["pixel_spacing_mm"].strip("[] ").split(",")[0])
    native = max(int(patient["source_width"]), int(patient["source_height"]))
    spacing = nominal * native / image.shape[1]
    return _maps(image, tissues, (spacing, spacing))


def errors(cases: list[Case], title: str) -> list[str]:
    """Return one line a quantity: bias, spread, and how often it is near enough."""
    header = "quantity n bias sd p95|e| share<10% (or 2 degrees, 1 mm)"
    lines = [f"{title}: {len(cases)} discs", header]
    for name in QuantityName:
        pairs = np.array(
            [
                (case.measured[name], case.reference[name])
                for case in cases
                if name in case.measured and name in case.reference
            ]
        ).reshape(-1, 2)
        if len(pairs):
            off = pairs[:, 0] - pairs[:, 1]
            near = np.abs(off) < 0.1 * np.abs(pairs[:, 1])
            far = np.percentile(np.abs(off), 95)
            figures = f"{off.mean():+.3f} {off.std():.3f} {far:.3f} {near.mean():.0%}"
            if name in TOLERANCE:
                figures += f" ({(near | (np.abs(off) <= TOLERANCE[name])).mean():.0%})"
            lines.append(f"{name} {len(pairs)} {figures}")
    return [*lines, ""]


def medians(cases: list[Case]) -> list[str]:
    """Return medians by grade and by level, and the rank correlation with the grade."""
    levels = sorted({case.level for case in cases if case.grade <= 3})  # noqa: PLR2004
    lines = [f"SPIDER, masks: {len(cases)} discs; medians by grade 1-5, then by level, grade 1-3"]
    for name in QuantityName:
        have = [case for case in cases if name in case.reference]
        values = np.array([case.reference[name] for case in have])
        grades = np.array([case.grade for case in have])
        by_grade = " ".join(f"{np.median(values[grades == grade]):.2f}" for grade in range(1, 6))
        rho = spearmanr(values, grades)[0]
        lines.append(f"{name} n {len(have)} rho {rho:+.2f} grades {by_grade}")
        for level in levels:
            row = np.array([c.level == level and c.grade <= 3 for c in have])  # noqa: PLR2004
            if row.sum() >= 10:  # noqa: PLR2004
                lines.append(f"  {level} n {row.sum()} {np.median(values[row]):.2f}")
    slip = [case for case in cases if QuantityName.LISTHESIS in case.reference]
    size = np.array([case.reference[QuantityName.LISTHESIS] for case in slip])
    called = np.array([case.slipped for case in slip])
    lines.append(
        f"spondylolisthesis, {called.sum()} of {len(slip)} measurable discs: "
        f"AUC of |slip| {roc_auc_score(called, np.abs(size)):.3f}, "
        f"median |slip| {np.median(np.abs(size[called])):.1f} and "
        f"{np.median(np.abs(size[~called])):.1f} mm"
    )
    return [*lines, ""]


def box_fit(cases: list[Case]) -> list[str]:
    """Return the least-squares coefficients that ``from_boxes`` holds."""
    rows = [case for case in cases if INDEX in case.measured and HEIGHT in case.reference]
    terms = np.array([case.terms for case in rows])
    lines = []
    for name, width in ((HEIGHT, terms[:, 3:]), (INDEX, 1.0)):
        wanted = np.array([case.reference[name] for case in rows])
        fitted = np.linalg.lstsq(terms[:, :3] * width, wanted, rcond=None)[0]
        lines.append(f"boxes, {name}: coefficients {fitted.round(3).tolist()}")
    return lines


def main() -> None:
    """Print the figures and write them."""
    parser = argparse.ArgumentParser(description="Measure the quantities of discs.")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--splits", type=Path, default=Path("docs/results/splits"))
    given = parser.parse_args()
    phantoms, real = phantom_cases(PATIENTS), spider_cases(given.dataset)
    runs = f" --runs {given.runs}" if given.runs else ""
    lines = [f"python bench/quantities.py ../shared/data/spider-lumbar docs/results{runs}", ""]
    lines += errors([case for case in phantoms if case.grade <= 3], "phantom, smooth")  # noqa: PLR2004
    lines += errors([case for case in phantoms if case.grade > 3], "phantom, worn")  # noqa: PLR2004
    lines += errors(phantoms, "phantom, all")
    lines += medians(real)
    lines += errors(real, "SPIDER, boxes against masks")
    lines += box_fit(real)
    if given.runs:
        found = network_cases(given.dataset, given.runs, given.splits)
        lines += ["", *errors(found, "SPIDER, tissue network out of fold against masks")]
    text = "\n".join(lines) + "\n"
    print(text)
    write_files(given.results, {"quantities.txt": text.encode()})


if __name__ == "__main__":
    main()
