"""Other losses for the second look, on the same folds, discs and steps.

    python bench/second_look.py ../shared/data/spider-lumbar --fold-files docs/results/splits
        --predictions docs/results/detector.json --images '*_t2_mid' --discs 1 6 --out OUT

Each loss trains the grading network anew in every fold. It is judged alone and together with the
detector, on discs that the detector found out of fold. An arm whose predictions are in OUT already
is not trained again. ``second-look.md`` has the tables, ``ledger.csv`` a row for each training.
"""

import argparse
import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, read_fold_splits
from discern.evaluation.comparison import ComparisonOptions, compare
from discern.evaluation.comparison_tables import paired_table
from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    predictions_json,
    read_predictions,
)
from discern.evaluation.tables import tables_markdown
from discern.experiment.looks import looked_at_again
from discern.inference.evaluate import Selection, given_predictions, selected_truths
from discern.inference.second_look import SecondLook
from discern.model.grader import Grader, build_grader, grade_loss
from discern.outputs import write_files
from discern.spine import Plane
from discern.training.grading import GradingConfig, disc_batches, training_discs
from discern.training.plain import fit
from discern.weights import GraderMetadata, Preprocessing

GRADES = 5
FAR = 0.3
"""Weight of the expected distance from the true grade."""
SHARES = {"alone": 1.0, "with the detector": 0.5}
ABOUT = (
    "The grading network with other losses; same folds, discs and steps. Every patient was "
    "predicted by networks that have not seen them. Each is compared with `base`, the plain "
    "cross-entropy of what is shipped, here with fewer passes over the discs."
)


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(dim=1)


@dataclass(frozen=True, slots=True)
class Arm:
    """One loss: what it makes small, how many numbers it needs of a disc, and what they mean."""

    loss: Callable[[Tensor, Tensor], Tensor] = grade_loss
    outputs: int = GRADES
    probabilities: Callable[[Tensor], Tensor] = _softmax


def weighted(logits: Tensor, grades: Tensor) -> Tensor:
    """Cross-entropy plus the expected distance from the true grade: far errors cost more."""
    distance = (torch.arange(GRADES)[None] - grades[:, None]).abs().float()
    expected = (logits.float().softmax(dim=1) * distance).sum(dim=1).mean()
    return grade_loss(logits, grades) + FAR * expected


def corn(logits: Tensor, grades: Tensor) -> Tensor:
    """CORN (Shi, Cao, Raschka, Pattern Anal Appl 26:941, 2023): P(grade > k | grade >= k)."""
    terms, discs = logits.new_zeros((), dtype=torch.float32), 0
    for k in range(GRADES - 1):
        reached = grades >= k
        above = (grades[reached] > k).float()
        terms = terms + functional.binary_cross_entropy_with_logits(
            logits[reached, k].float(), above, reduction="sum"
        )
        discs += int(reached.sum())
    return terms / discs


def corn_probabilities(logits: Tensor) -> Tensor:
    """Return P(grade = k) from the conditional logits of CORN."""
    beyond = torch.sigmoid(logits).cumprod(dim=1)
    ends = torch.ones(len(beyond), 1), torch.zeros(len(beyond), 1)
    reached = torch.cat([ends[0], beyond, ends[1]], dim=1)
    return reached[:, :-1] - reached[:, 1:]


ARMS: Mapping[str, Arm] = {
    "base": Arm(),
    "weighted": Arm(weighted),
    "corn": Arm(corn, GRADES - 1, corn_probabilities),
}


class TorchGrader:
    """The trained network as the second look asks it."""

    def __init__(self, grader: Grader, arm: Arm) -> None:
        """Keep the network and what its numbers mean."""
        self._grader, self._arm = grader.eval(), arm

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (N, 5) probabilities of the grades of (N, H, W) crops."""
        with torch.no_grad():
            logits = self._grader(torch.from_numpy(crops[:, None]))
        return self._arm.probabilities(logits.float()).double().numpy()


def learn(arm: Arm, config: GradingConfig, dataset: Dataset, split: Split) -> Grader:
    """Return the grading network of one fold, trained with the loss of ``arm``."""

    def build() -> Grader:
        grader = build_grader(config.network)
        if arm.outputs != GRADES:
            grader.classify = nn.Linear(grader.classify.in_features, arm.outputs)
        return grader

    discs = training_discs(config, dataset, split, Preprocessing())
    return fit(build, arm.loss, disc_batches(discs, config), config)


def run_arm(
    name: str, config: GradingConfig, dataset: Dataset, splits: Sequence[Split], given: Predictions
) -> tuple[dict[str, Predictions], list[dict[str, object]]]:
    """Return the pooled predictions of an arm for each share, and its rows of the ledger."""
    arm, rows = ARMS[name], []
    pooled: dict[str, dict[str, tuple[PredictedBox, ...]]] = {how: {} for how in SHARES}
    for fold, split in enumerate(splits, start=1):
        start = time.perf_counter()
        network = TorchGrader(learn(arm, config, dataset, split), arm)
        seconds = round(time.perf_counter() - start)
        rows.append({"arm": name, "fold": fold, "epochs": config.epochs, "seconds": seconds})
        for how, share in SHARES.items():
            look = SecondLook(network, GraderMetadata(config.crop, share, config.epochs, (), ()))
            pooled[how] |= looked_at_again(
                dataset, split.test, given, {Plane.SAGITTAL: look.at}, Preprocessing()
            )
    return dict(pooled), rows


def main() -> None:
    """Train what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--fold-files", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--images", default="*")
    parser.add_argument("--discs", type=int, nargs=2)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    splits = read_fold_splits(arguments.fold_files, dataset)
    given = given_predictions(arguments.predictions, dataset, dataset.truths)
    config = GradingConfig(images=arguments.images)
    if arguments.epochs:
        config = replace(config, epochs=arguments.epochs)
    for name in ARMS:
        file = arguments.out / "arms" / f"{name}.csv"
        if file.is_file():
            continue
        pooled, rows = run_arm(name, config, dataset, splits, given)
        texts = {f"{name}, {how}.json": predictions_json(p).encode() for how, p in pooled.items()}
        write_files(file.parent, texts)
        write_files(file.parent, {file.name: _csv(rows)})
    discs = None if arguments.discs is None else (arguments.discs[0], arguments.discs[1])
    write_table(dataset, Selection(images=arguments.images, discs=discs), arguments.out)


def write_table(dataset: Dataset, selection: Selection, out: Path) -> None:
    """Write ``second-look.md`` and ``ledger.csv`` from what the arms left in ``out/arms``."""
    truths = selected_truths(dataset, selection)
    images = {truth.image for truth in truths}
    tables = []
    for how in SHARES:
        known = {
            name: {
                image: boxes
                for image, boxes in read_predictions(out / "arms" / f"{name}, {how}.json").items()
                if image in images
            }
            for name in ARMS
        }
        base = known.pop("base")
        tables += [
            paired_table(
                compare(truths, base, other, ComparisonOptions()),
                f"base, {how}",
                f"{name}, {how}",
            )
            for name, other in known.items()
        ]
    rows: list[Mapping[str, object]] = []
    for name in ARMS:
        rows += csv.DictReader(io.StringIO((out / "arms" / f"{name}.csv").read_text()))
    text = tables_markdown("Other losses for the second look", ABOUT, tables)
    write_files(out, {"second-look.md": text.encode(), "ledger.csv": _csv(rows)})


def _csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    main()
