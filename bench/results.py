"""Every table and figure of ``docs/results``, rebuilt from the committed predictions.

    python bench/results.py ../shared/data/spider-lumbar --results docs/results

Nothing is trained. Pages that show patients (``gallery.html``, ``review.html``) are left out of
the repository; ``discern evaluate`` makes them, see ``docs/results/README.md``.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ceiling import SYSTEMS, ceiling_files
from discern.calibration.fit import CalibrationOptions
from discern.calibration.fit import calibrate as fit_calibration
from discern.calibration.report import calibration_files
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import read_fold_splits
from discern.evaluation.comparison import ComparisonOptions, compare
from discern.evaluation.comparison_tables import paired_table
from discern.evaluation.predictions import Predictions, predictions_json
from discern.evaluation.tables import tables_markdown
from discern.experiment.runs import Workshop, pooled_predictions, runs_of
from discern.experiment.studies import Budget, Study, ablation_arms, held_out_splits
from discern.experiment.study import StudyJob, run_study
from discern.inference.evaluate import (
    EvaluationJob,
    Selection,
    given_predictions,
    material_of,
    run_job,
    selected_truths,
)
from discern.outputs import write_files

DISCS = (1, 6)
T2_MID, T2_SPACE = "*_t2_mid", "*_t2space_*"
STUDIES = "studies"
FOLDS, EPOCHS = 5, 20
SAME_FOLDS = (
    "Every patient was predicted by networks that have not seen them, on the same four folds. "
    "best: what is shipped, detector and second look. detector: the same without a second look. "
    "yolov5n and yolo11s: Ultralytics' own training from scratch, 150 epochs at 416 px "
    "(bench/public_peers.py). best-448: best-448/config.toml."
)
SHOWS_NO_PATIENT = {".json", ".md", ".png", ".svg", ".csv", ".tex", ".txt"}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One folder of results.

    Attributes:
        images: Those judged.
        finalist: Of the ablation, that read them; None for the out-of-fold predictions behind the
            shipped weights.
        against: A finalist to compare with, paired by patient.
    """

    images: str
    finalist: str | None = None
    against: str | None = None


FOLDERS: Mapping[str, Evaluated] = {
    "t2-mid": Evaluated(T2_MID, against="yolov5"),
    "t2-space": Evaluated(T2_SPACE),
    "yolov5-t2-mid": Evaluated(T2_MID, "yolov5"),
    "paper-t2-mid": Evaluated(T2_MID, "paper"),
}


def study_job(study: Study) -> StudyJob:
    """Return the study as it was run, without training."""
    budget = Budget(epochs=EPOCHS)
    selection = Selection(images=T2_MID, discs=DISCS)
    return StudyJob(study, budget, folds=FOLDS, selection=selection, tables_only=True)


def finalist_predictions(name: str, dataset: Dataset, results: Path) -> Predictions:
    """Return the pooled predictions of a finalist with the first seed."""
    workshop = Workshop(dataset, results / STUDIES, Study.ABLATION)
    arms = ablation_arms(Budget(epochs=EPOCHS), held_out_splits(dataset, FOLDS))
    arm = next(one for one in arms if one.name == name)
    return pooled_predictions(runs_of([arm], [0]), workshop)


def evaluate(dataset: Dataset, results: Path, name: str, out: Path) -> None:
    """Evaluate one set of predictions into ``out/NAME``, without pages that show patients."""
    chosen = FOLDERS[name]
    with tempfile.TemporaryDirectory() as folder:
        pooled: dict[str | None, Path] = {}
        for finalist in filter(None, (chosen.finalist, chosen.against)):
            found = finalist_predictions(finalist, dataset, results)
            pooled[finalist] = Path(folder) / f"{finalist}.json"
            pooled[finalist].write_text(predictions_json(found), encoding="utf-8")
        job = EvaluationJob(
            dataset=dataset.folder,
            selection=Selection(images=chosen.images, discs=DISCS),
            predictions=pooled.get(chosen.finalist, results / "predictions.json"),
            against=pooled.get(chosen.against),
        )
        run_job(job, Path(folder) / name)
        made = Path(folder) / name
        files = {
            path.relative_to(made).as_posix(): path.read_bytes()
            for path in made.rglob("*")
            if _is_kept(path.name) and path.name != "predictions.json"
        }
    write_files(out / name, files)


def calibrate(dataset: Dataset, results: Path) -> None:
    """Write what ``discern calibrate`` measures on the predictions behind the shipped weights."""
    truths = selected_truths(dataset, Selection(images=T2_MID, discs=DISCS))
    predictions = given_predictions(results / "predictions.json", dataset, truths)
    tested = [split.test for split in read_fold_splits(results / "splits", dataset)]
    material = material_of(dataset, truths, predictions)
    fitted = fit_calibration(material, tested, CalibrationOptions())
    files = calibration_files(fitted)
    write_files(results / "calibration", {n: c for n, c in files.items() if _is_kept(n)})


def compare_systems(dataset: Dataset, results: Path) -> None:
    """Write how ``best`` differs from other networks on the same folds, and the ceiling."""
    truths = selected_truths(dataset, Selection(images=T2_MID, discs=DISCS))
    known = {
        name: given_predictions(results / file, dataset, truths) for name, file in SYSTEMS.items()
    }
    best = given_predictions(results / "predictions.json", dataset, truths)
    tables = [
        paired_table(compare(truths, other, best, ComparisonOptions()), name, "best")
        for name, other in known.items()
    ]
    text = tables_markdown("best and other networks on the same folds", SAME_FOLDS, tables)
    write_files(results, {"comparison.md": text.encode()} | ceiling_files(dataset, truths, results))


def _is_kept(name: str) -> bool:
    return Path(name).suffix in SHOWS_NO_PATIENT


def main() -> None:
    """Rebuild everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    for study in Study:
        print(run_study(study_job(study), dataset, arguments.results / STUDIES))
    for name in FOLDERS:
        evaluate(dataset, arguments.results, name, arguments.results)
    calibrate(dataset, arguments.results)
    compare_systems(dataset, arguments.results)


if __name__ == "__main__":
    main()
