"""Other losses, crops, starts, data and views for the second look, on the same folds.

    python bench/second_look.py ../shared/data/spider-lumbar --fold-files docs/results/splits
        --predictions docs/results/detector.json --images '*_t2_mid' --discs 1 6 --out OUT

Each arm trains the grading network anew in every fold. It is judged alone and together with the
detector, on discs that the detector found out of fold. An arm whose predictions are in OUT already
is not trained again. ``second-look.md`` has the tables, ``ledger.csv`` a row for each training.

base: what is shipped, with fewer passes. weighted, corn, push-pull, soft: another loss. narrow: a
narrower crop. pretrained: starts from a network that has learned, without any grade and from
T2-SPACE slices too, to know a disc again in two changed crops. space: learns from the graded
T2-SPACE slices of the same patients too. phantom: from discs of synthetic patients too. averaged:
what base says of seven views of a disc, their mean.
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
from torch.utils.data import DataLoader

from discern.dataset.disc_samples import DiscSample, DiscTraining, GradedDisc, graded_discs
from discern.dataset.epochs import Draw, EpochPlan
from discern.dataset.phantoms import of_patients
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
from discern.model.layers import centred
from discern.networks import GraderMetadata, Preprocessing
from discern.outputs import write_files
from discern.phantom.training_set import SliceCounts, slices_of_patient
from discern.spine import Plane
from discern.training.batches import EpochSampler
from discern.training.grading import GradingConfig, collate, disc_batches, training_discs
from discern.training.plain import PlainBatch, fit

GRADES = 5
FAR = 0.3
"""Weight of the expected distance from the true grade."""
PULL, PUSH, APART = 0.1, 0.1, 0.5
"""Weights of the two terms, and how far apart the means of two grades should lie."""
NARROW = 1.25
"""Width of the crop in disc widths; 1.5 is shipped."""
SOFT = 2.0
"""How fast a target falls with the distance from the true grade: to .14 of it one grade away."""
VIEWS = (
    (1, 0, 0),
    (0.93, 0, 0),
    (1.07, 0, 0),
    (1, 0.06, 0),
    (1, -0.06, 0),
    (1, 0, 0.06),
    (1, 0, -0.06),
)
"""Scale and shifts, to the right and down, in half sizes of the crop."""
PHANTOM_PATIENTS, PHANTOM_SEED = 40, 8
TWIN_EPOCHS, TWIN_FEATURES, TWIN_OFF_DIAGONAL = 10, 128, 0.01
SHARES = {"alone": 1.0, "with the detector": 0.5}
ABOUT = (
    "The grading network with other losses, crops, starts, data and views, on the same folds. "
    "Every patient was predicted by networks that have not seen them. Each is compared with "
    "`base`, what is shipped, here with fewer passes over the discs."
)


def _softmax(outputs: Tensor) -> Tensor:
    return outputs[:, :GRADES].softmax(dim=1)


def _unchanged(config: GradingConfig) -> GradingConfig:
    return config


def _plain(grader: Grader) -> nn.Module:
    return grader


def _one_view(crops: Tensor) -> list[Tensor]:
    return [crops]


@dataclass(frozen=True, slots=True)
class Arm:
    """What is different from ``base``.

    Attributes:
        loss: What is made small, of what the network says and the grades.
        network: Makes the network that is trained of a fresh one.
        probabilities: Those of the grades, of what the network says.
        change: Makes the configuration of this arm.
        pretrained: Whether the network first learns without grades.
        phantoms: Synthetic patients whose discs are learned from too.
        views: What it is asked of, of one crop; the answer is the mean.
    """

    loss: Callable[[Tensor, Tensor], Tensor] = grade_loss
    network: Callable[[Grader], nn.Module] = _plain
    probabilities: Callable[[Tensor], Tensor] = _softmax
    change: Callable[[GradingConfig], GradingConfig] = _unchanged
    pretrained: bool = False
    phantoms: int = 0
    views: Callable[[Tensor], list[Tensor]] = _one_view


def weighted(logits: Tensor, grades: Tensor) -> Tensor:
    """Cross-entropy plus the expected distance from the true grade: far errors cost more."""
    distance = (torch.arange(GRADES)[None] - grades[:, None]).abs().float()
    expected = (logits.float().softmax(dim=1) * distance).sum(dim=1).mean()
    return grade_loss(logits, grades) + FAR * expected


def soft(logits: Tensor, grades: Tensor) -> Tensor:
    """Cross-entropy against targets that fall off with the distance from the true grade.

    Soft labels of Diaz and Marathe, CVPR 2019: a disc between two grades is no error of either.
    """
    distance = (torch.arange(GRADES)[None] - grades[:, None]).abs().float()
    wanted = (-SOFT * distance).softmax(dim=1)
    return -(wanted * logits.float().log_softmax(dim=1)).sum(dim=1).mean()


def moved_views(crops: Tensor) -> list[Tensor]:
    """Return crops (N, 1, h, w) as they are, a little larger and smaller, and moved each way."""
    views = []
    for scale, right, down in VIEWS:
        matrix = torch.tensor([[scale, 0, right], [0, scale, down]], dtype=crops.dtype)
        where = functional.affine_grid(
            matrix.expand(len(crops), 2, 3), list(crops.shape), align_corners=False
        )
        views.append(functional.grid_sample(crops, where, align_corners=False))
    return views


class WithFeatures(nn.Module):
    """A grader that says its features, as long as one, behind the logits."""

    def __init__(self, grader: Grader) -> None:
        """Wrap ``grader``."""
        super().__init__()
        self.grader = grader

    def forward(self, crops: Tensor) -> Tensor:
        """Return (N, 5 + F)."""
        features = features_of(self.grader, crops)
        logits = self.grader.classify(self.grader.dropout(features))
        return torch.cat([logits, functional.normalize(features, dim=1)], dim=1)


def features_of(grader: Grader, crops: Tensor) -> Tensor:
    """Return the (N, F) features that the grades are told from."""
    features: Tensor = grader.blocks(grader.stem(centred(crops))).mean(dim=(2, 3))
    return features


def push_pull(outputs: Tensor, grades: Tensor) -> Tensor:
    """Cross-entropy; features near the mean of their grade, the means of two grades far apart.

    After Gao et al., J Magn Reson Imaging 53:799, 2021, within a batch.
    """
    features = outputs[:, GRADES:].float()
    present = torch.unique(grades)
    means = torch.stack([features[grades == grade].mean(dim=0) for grade in present])
    own = means[torch.searchsorted(present, grades)]
    pull = (features - own).square().sum(dim=1).mean()
    apart = torch.pdist(means)
    push = functional.relu(APART - apart).square().mean() if len(apart) else outputs.new_zeros(())
    return grade_loss(outputs[:, :GRADES], grades) + PULL * pull + PUSH * push


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


def corn_network(grader: Grader) -> nn.Module:
    """Return ``grader`` with one number less than there are grades."""
    grader.classify = nn.Linear(grader.classify.in_features, GRADES - 1)
    return grader


def corn_probabilities(logits: Tensor) -> Tensor:
    """Return P(grade = k) from the conditional logits of CORN."""
    beyond = torch.sigmoid(logits).cumprod(dim=1)
    ends = torch.ones(len(beyond), 1), torch.zeros(len(beyond), 1)
    reached = torch.cat([ends[0], beyond, ends[1]], dim=1)
    return reached[:, :-1] - reached[:, 1:]


def _narrow(config: GradingConfig) -> GradingConfig:
    return replace(config, crop=replace(config.crop, disc_widths=NARROW))


def _every_image(config: GradingConfig) -> GradingConfig:
    return replace(config, images="*")


ARMS: Mapping[str, Arm] = {
    "base": Arm(),
    "weighted": Arm(weighted),
    "corn": Arm(corn, corn_network, corn_probabilities),
    "push-pull": Arm(push_pull, WithFeatures),
    "narrow": Arm(change=_narrow),
    "pretrained": Arm(pretrained=True),
    "soft": Arm(soft),
    "space": Arm(change=_every_image),
    "phantom": Arm(phantoms=PHANTOM_PATIENTS),
    "averaged": Arm(views=moved_views),
}


class Twins(nn.Module):
    """The body of a grader and a projection, for Barlow twins."""

    def __init__(self, grader: Grader) -> None:
        """Wrap ``grader``."""
        super().__init__()
        self.grader = grader
        width = grader.classify.in_features
        self.project = nn.Sequential(
            nn.Linear(width, TWIN_FEATURES),
            nn.BatchNorm1d(TWIN_FEATURES),
            nn.ReLU(),
            nn.Linear(TWIN_FEATURES, TWIN_FEATURES),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Return (N, TWIN_FEATURES)."""
        projected: Tensor = self.project(features_of(self.grader, crops))
        return projected


def twin_loss(projected: Tensor, grades: Tensor) -> Tensor:  # noqa: ARG001 - grades are not used
    """Barlow twins (Zbontar et al., ICML 2021): the halves of a batch are views of one disc."""
    first, second = (
        (half - half.mean(dim=0)) / (half.std(dim=0) + 1e-4) for half in projected.float().chunk(2)
    )
    alike = first.T @ second / len(first)
    on_diagonal = (alike.diagonal() - 1).square().sum()
    total = alike.square().sum() - alike.diagonal().square().sum()
    return on_diagonal + TWIN_OFF_DIAGONAL * total


class TwinTraining:
    """Discs drawn twice, each time changed anew."""

    def __init__(self, discs: DiscTraining) -> None:
        """Keep them."""
        self._discs = discs

    def __getitem__(self, draw: Draw) -> tuple[DiscSample, DiscSample]:
        """Return both views of a disc."""
        return self._discs[draw], self._discs[replace(draw, epoch=draw.epoch + 10 * TWIN_EPOCHS)]


def pretrained_on(discs: Sequence[GradedDisc], config: GradingConfig) -> Grader:
    """Return a grading network that has learned from ``discs`` without their grades."""
    plan = EpochPlan(seed=config.seed, patients=tuple(disc.patient for disc in discs))
    samples = DiscTraining(discs, config.crop, config.augmentation, seed=config.seed)

    def in_two_views(pairs: Sequence[tuple[DiscSample, DiscSample]]) -> PlainBatch:
        return collate([pair[0] for pair in pairs] + [pair[1] for pair in pairs])

    batches: DataLoader[PlainBatch] = DataLoader(
        TwinTraining(samples),  # type: ignore[arg-type]  # indexed by draws, not by numbers
        batch_size=config.batch_size,
        sampler=EpochSampler(plan, config.batch_size),
        collate_fn=in_two_views,
        drop_last=True,
    )
    course = replace(config, epochs=TWIN_EPOCHS)
    return fit(lambda: Twins(build_grader(config.network)), twin_loss, batches, course).grader


class TorchGrader:
    """The trained network as the second look asks it."""

    def __init__(self, network: nn.Module, arm: Arm) -> None:
        """Keep the network and what its numbers mean."""
        self._network, self._arm = network.eval(), arm

    def predict_grades(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (N, 5) probabilities of the grades of (N, H, W) crops."""
        with torch.no_grad():
            views = self._arm.views(torch.from_numpy(crops[:, None]))
            said = [self._arm.probabilities(self._network(view).float()) for view in views]
        return torch.stack(said).mean(dim=0).double().numpy()


def phantom_discs(patients: int) -> list[GradedDisc]:
    """Return the discs on three slices of each of ``patients`` synthetic patients."""
    return of_patients(_of_phantom, patients)


def _of_phantom(number: int) -> list[GradedDisc]:
    return [
        disc
        for one in slices_of_patient(number, PHANTOM_SEED, SliceCounts(3))
        for disc in graded_discs(one.image, one.truth, Preprocessing())
    ]


def learn(arm: Arm, config: GradingConfig, dataset: Dataset, split: Split) -> nn.Module:
    """Return the network of one fold, trained as ``arm`` says."""
    discs = training_discs(config, dataset, split, Preprocessing())
    discs += phantom_discs(arm.phantoms)
    start: Grader | None = None
    if arm.pretrained:
        every = training_discs(_every_image(config), dataset, split, Preprocessing())
        start = pretrained_on(every, config)

    def build() -> nn.Module:
        grader = build_grader(config.network)
        if start is not None:
            grader.load_state_dict(start.state_dict())
        return arm.network(grader)

    return fit(build, arm.loss, disc_batches(discs, config), config)


def run_arm(
    name: str, config: GradingConfig, dataset: Dataset, splits: Sequence[Split], given: Predictions
) -> tuple[dict[str, Predictions], list[dict[str, object]]]:
    """Return the pooled predictions of an arm for each share, and its rows of the ledger."""
    arm, rows = ARMS[name], []
    config = arm.change(config)
    pooled: dict[str, dict[str, tuple[PredictedBox, ...]]] = {how: {} for how in SHARES}
    for fold, split in enumerate(splits, start=1):
        start = time.perf_counter()
        network = TorchGrader(learn(arm, config, dataset, split), arm)
        seconds = round(time.perf_counter() - start)
        rows.append({"arm": name, "fold": fold, "epochs": config.epochs, "seconds": seconds})
        for how, share in SHARES.items():
            about = GraderMetadata(
                config.crop,
                share,
                epochs=config.epochs,
                training_data=(),
                training_patients=(),
            )
            look = SecondLook(network, about)
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
    text = tables_markdown("Other ways to train and ask the second look", ABOUT, tables)
    write_files(out, {"second-look.md": text.encode(), "ledger.csv": _csv(rows)})


def _csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    main()
