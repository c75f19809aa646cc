"""Out-of-fold accuracy of one configuration, and weights trained on everyone.

    python bench/crossvalidation.py ../shared/data/spider-lumbar --out runs/cv --config best

Patients are divided into folds; each fold is predicted by a network that has not seen it, by the
weights of its last epoch. The pooled predictions are evaluated once on the primary set (T2-mid,
T12-L1 to L5-S1) and once on the T2-SPACE slices, with intervals over patients. The last network is
trained on every patient; the temperature of its grades is the one fitted on the pooled predictions.
Each stage is skipped where its result exists, and an interrupted training is resumed.
"""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx

from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, fold_splits, write_split
from discern.evaluation.outcomes import grade_outcome
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    predictions_json,
    read_predictions,
)
from discern.inference.evaluate import predict_images
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.training.validation import fit_temperature
from discern.weights import embed, load_weights

SETS = {
    "t2-mid": ["--images", "*_t2_mid", "--discs", "1", "6"],
    "t2-space": ["--images", "*_t2space_*", "--discs", "1", "6"],
}


def held_out_splits(dataset: Dataset, folds: int) -> list[Split]:
    """Return one split per fold: the fold is the validation part, everyone else trains."""
    return [
        Split(s.data_digest, tuple(sorted(s.train + s.validation)), s.test, ())
        for s in fold_splits(dataset, seed=0, folds=folds)
    ]


def train(dataset: Path, split: Split, out: Path, options: list[str]) -> Path:
    """Train one network, or take up where an earlier run stopped; return its weights."""
    weights = out / "weights.onnx"
    if not weights.is_file():
        out.mkdir(parents=True, exist_ok=True)
        write_split(split, out.with_suffix(".json"))
        resume = ["--resume"] if (out / "last.ckpt").is_file() else []
        discern(
            "train", dataset, "--out", out, "--split", out.with_suffix(".json"), *options, *resume
        )
    return weights


def discern(*arguments: object) -> None:
    """Run the command in a process of its own."""
    subprocess.run([sys.executable, "-m", "discern", *map(str, arguments)], check=True)


def predict(dataset: Dataset, split: Split, weights_file: Path) -> Predictions:
    """Return the boxes of the held-out patients."""
    weights = load_weights(weights_file)
    truths = dataset.of_patients(split.validation)
    return predict_images(dataset, truths, OpenVinoPredictor(weights), weights.metadata)


def pooled_temperature(dataset: Dataset, predictions: Predictions) -> float:
    """Return the temperature that makes the true grades of all held-out discs most likely."""
    outcomes = [
        grade_outcome(t, [b for b in predictions[t.image] if b.score >= 0.25])  # noqa: PLR2004
        for t in dataset.truths
    ]
    return round(fit_temperature(outcomes), 4)


def main() -> None:
    """Train the folds, evaluate the pooled predictions, train on everyone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="best")
    parser.add_argument("--folds", type=int, default=4)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    options = ["--config", arguments.config]
    pooled: dict[str, tuple[PredictedBox, ...]] = {}
    for number, split in enumerate(held_out_splits(dataset, arguments.folds), start=1):
        weights = train(arguments.dataset, split, arguments.out / f"fold-{number}", options)
        pooled |= predict(dataset, split, weights)
    predictions = arguments.out / "predictions.json"
    predictions.write_text(predictions_json(pooled), encoding="utf-8")
    for name, selection in SETS.items():
        out = arguments.out / name
        discern(
            "evaluate", arguments.dataset, "--predictions", predictions, "--out", out, *selection
        )
    everyone = Split(dataset.digest, dataset.patients, (), ())
    final = load_weights(train(arguments.dataset, everyone, arguments.out / "everyone", options))
    temperature = pooled_temperature(dataset, read_predictions(predictions))
    described = replace(final.metadata, temperature=temperature)
    network = onnx.load_model_from_string(final.onnx_bytes)
    (arguments.out / "discern.onnx").write_bytes(embed(network, described))
    print(f"temperature {temperature}; weights: {arguments.out / 'discern.onnx'}")


if __name__ == "__main__":
    main()
