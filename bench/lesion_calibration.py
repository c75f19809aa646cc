"""Fit and check what makes a probability of a lesion score, disc by disc.

    python bench/lesion_calibration.py ../shared/data/spider-lumbar --results docs/results

The out-of-fold predictions behind the shipped weights are compared with the reader's word on each
disc (``discs.csv``). As in use, only boxes that reach the threshold count; the score of a disc is
its best box, and discs without one share one probability. Printed are the constants of
``LesionCalibration`` and, leaving one fold out, Brier score and calibration error with 95 %
intervals over patients. ``--into WEIGHTS`` writes the constants into a weights file.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from discern.annotations import GroundTruth
from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import read_split
from discern.evaluation.bootstrap import Draws, Values, draw_patients, figure
from discern.evaluation.disc_answers import collect_answers, name_discs
from discern.evaluation.material import Material
from discern.evaluation.predictions import read_predictions
from discern.inference.evaluate import Selection, selected_truths
from discern.spine import Label, Plane
from discern.weights import LesionCalibration, OperatingPoint, embed, load_weights

IMAGES, DISCS = "*_t2_mid", (1, 6)
RESAMPLES, BINS = 2000, 5
LESION, PLANE = Label.HERNIATION, Plane.SAGITTAL


@dataclass(frozen=True, slots=True)
class Discs:
    """Judged discs as columns (K,): patient index, truth, best score (NaN without a box)."""

    patient: NDArray[np.intp]
    positive: NDArray[np.bool_]
    score: NDArray[np.float64]

    def chosen(self, which: NDArray[np.bool_]) -> "Discs":
        """Return some of the discs."""
        return Discs(self.patient[which], self.positive[which], self.score[which])


def judged_discs(dataset: Dataset, truths: list[GroundTruth], predictions: Path) -> Discs:
    """Return every judged disc with the best score that reaches the threshold."""
    known = read_predictions(predictions, [truth.image for truth in dataset.truths])
    material = Material(truths, known, records=dataset.records)
    answers = collect_answers(name_discs(material.images), LESION, PLANE, dataset.records).discs
    score = np.array([one.score for one in answers])
    return Discs(
        np.array([one.patient for one in answers]),
        np.array([one.is_positive for one in answers]),
        np.where(score >= OperatingPoint().herniation_score, score, np.nan),
    )


def fit(discs: Discs) -> LesionCalibration:
    """Return the most likely constants.

    Slope and intercept come from discs with a box. The floor is the score at which this line gives
    the share of positive discs among those without one: the maximum of the likelihood over all
    three, as long as it lies below the threshold.
    """
    boxed = ~np.isnan(discs.score)
    odds = np.log(discs.score[boxed] / (1 - discs.score[boxed]))[:, None]
    line = LogisticRegression(C=np.inf, max_iter=1000).fit(odds, discs.positive[boxed])
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    missed = float(discs.positive[~boxed].mean())
    floor = 1 / (1 + np.exp(-(np.log(missed / (1 - missed)) - intercept) / slope))
    threshold = OperatingPoint().herniation_score
    return LesionCalibration(
        LESION, PLANE, slope, intercept, float(discs.positive.mean()), min(float(floor), threshold)
    )


def probabilities(discs: Discs, calibration: LesionCalibration) -> NDArray[np.float64]:
    """Return the probability (K,) of every disc."""
    return np.array(
        [calibration.probability(None if np.isnan(s) else float(s)) for s in discs.score]
    )


def held_out(discs: Discs, folds: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return the probability (K,) of every disc by the fit to the other folds."""
    result = np.full(len(discs.score), np.nan)
    for test in folds:
        result[test] = probabilities(discs.chosen(test), fit(discs.chosen(~test)))
    return result


def brier(discs: Discs, probability: NDArray[np.float64], draws: Draws) -> Values:
    """Return (B,) the mean squared difference of probability and truth."""
    squared = (probability - discs.positive) ** 2
    counts = draws[:, discs.patient]
    mean: Values = (counts @ squared) / counts.sum(axis=1)
    return mean


def calibration_error(discs: Discs, probability: NDArray[np.float64], draws: Draws) -> Values:
    """Return (B,) the expected calibration error.

    Over ``BINS`` bins of equally many discs with a box, and one bin of those without.
    """
    boxed = ~np.isnan(discs.score)
    edges = np.quantile(probability[boxed], np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.where(boxed, np.searchsorted(edges, probability), BINS)
    counts = draws[:, discs.patient]
    error = np.zeros(len(draws))
    for one in range(BINS + 1):
        inside = bins == one
        error += np.abs(counts[:, inside] @ (probability - discs.positive)[inside])
    mean: Values = error / counts.sum(axis=1)
    return mean


def line(name: str, values: Values) -> str:
    """Return one figure with its interval."""
    result = figure(values, "undefined")
    low, high = result.ci95 or (float("nan"), float("nan"))
    return f"{name}: {result.value:.4f} [{low:.4f}, {high:.4f}]"


def report(discs: Discs, folds: list[NDArray[np.bool_]], draws: Draws) -> str:
    """Return everything that was fitted and measured."""
    whole, boxed = fit(discs), ~np.isnan(discs.score)
    out_of_fold = held_out(discs, folds)
    same = np.full(len(discs.score), discs.positive.mean())
    raw = np.where(boxed, discs.score, OperatingPoint().herniation_score / 2)
    apart = np.array([fit(discs.chosen(~test)).slope for test in folds])
    lines = [
        f"{LESION}, {PLANE}: {len(boxed)} discs of {draws.shape[1]} patients, "
        f"{discs.positive.sum()} positive; {boxed.sum()} with a box, "
        f"{(boxed & discs.positive).sum()} of them positive",
        f"slope {whole.slope:.4f}, intercept {whole.intercept:.4f}, "
        f"prevalence {whole.prevalence:.4f}, floor {whole.floor:.4f}",
        f"slope with each fold left out: {', '.join(f'{slope:.3f}' for slope in apart)}",
        f"probability without a box {whole.probability(None):.4f}, "
        f"at score 0.25 {whole.probability(0.25):.3f}, 0.5 {whole.probability(0.5):.3f}, "
        f"0.8 {whole.probability(0.8):.3f}",
        "leaving one fold out:",
        line("  Brier score, calibrated", brier(discs, out_of_fold, draws)),
        line("  Brier score, detector score (half the threshold without a box)",
             brier(discs, raw, draws)),
        line("  Brier score, prevalence for all", brier(discs, same, draws)),
        line("  calibration error, calibrated", calibration_error(discs, out_of_fold, draws)),
        line("  calibration error, detector score", calibration_error(discs, raw, draws)),
        "The score of a disc is that of its one mid-sagittal slice here; in use it is the best of "
        "all slices and therefore higher, so the probability is too high by an amount that these "
        "data cannot show.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def write_into(path: Path, calibration: LesionCalibration) -> None:
    """Put the calibration into the metadata of a weights file; the networks stay as they are."""
    weights = load_weights(path)
    rounded = replace(
        calibration,
        **{
            name: round(getattr(calibration, name), 4)
            for name in ("slope", "intercept", "prevalence", "floor")
        },
    )
    others = tuple(
        one
        for one in weights.metadata.lesion_calibrations
        if (one.label, one.plane) != (rounded.label, rounded.plane)
    )
    about = replace(weights.metadata, lesion_calibrations=(*others, rounded))
    path.write_bytes(embed(onnx.load_model_from_string(weights.onnx_bytes), about))


def main() -> None:
    """Fit, check, print and write ``lesion-calibration.txt``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--into", type=Path, help="weights file that is to carry the constants")
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    truths = selected_truths(dataset, Selection(images=IMAGES, discs=DISCS))
    discs = judged_discs(dataset, truths, arguments.results / "predictions.json")
    names = np.array(sorted({truth.patient for truth in truths}))
    splits = sorted((arguments.results / "splits").glob("fold-*.json"))
    folds = [np.isin(names, read_split(one, dataset).test)[discs.patient] for one in splits]
    draws = draw_patients(len(names), RESAMPLES, np.random.default_rng(0))
    text = report(discs, folds, draws)
    (arguments.results / "lesion-calibration.txt").write_text(text, encoding="utf-8")
    print(text, end="")
    if arguments.into:
        write_into(arguments.into, fit(discs))


if __name__ == "__main__":
    main()
