"""Which networks are compared: arms of one factor each, on the same folds, budget and seeds."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from discern.dataset.augment import PAPER_SHARE, IntensityMode
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, fold_splits
from discern.dataset.strata import vendors_of
from discern.errors import UsageError
from discern.model.backbone import NetworkSize
from discern.model.loss_config import LossKind
from discern.training.config import TrainingConfig, read_config


class Study(StrEnum):
    """A question that several trainings answer together."""

    ABLATION = "ablation"  # what each change of the paper is worth
    LEARNING_CURVE = "learning-curve"  # what more patients would bring
    TRANSFER = "transfer"  # trained on one vendor, tested on the other (paper, Table 5)


def parse_study(name: str) -> Study:
    """Return the study called ``name``.

    Raises:
        UsageError: There is no such study.
    """
    try:
        return Study(name)
    except ValueError as error:
        raise UsageError(f"--study {name}: choose one of {', '.join(Study)}") from error


REFERENCE = "yolov5"
FINALISTS = ("yolov5", "paper")
LEARNING_SHARES = (0.25, 0.5, 0.75, 1.0)
LEARNING_FOLDS = 2
"""A curve of four points needs fewer test patients than a difference between two arms."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What every arm of a study is given alike.

    Attributes:
        epochs: Passes over the training patients; fewer where the paper's copies lengthen each,
            so that all arms make as many steps.
        image_size_px: Input size.
        size: Network size.
        batch_size: Images a step.
        slices_per_patient: Most slices of a patient in an epoch, so that all patients weigh alike.
    """

    epochs: int = 30
    image_size_px: int = 320
    size: NetworkSize = NetworkSize.N
    batch_size: int = 8
    slices_per_patient: int = 1

    def applied_to(self, config: TrainingConfig) -> TrainingConfig:
        """Return ``config`` with this budget, without phantoms or looks at validation patients."""
        optimizer = replace(config.optimizer, average_decay=0.995, average_warmup_steps=100.0)
        copies = config.augmentation.intensity is IntensityMode.PAPER
        return replace(
            config,
            epochs=round(self.epochs / (1 + PAPER_SHARE)) if copies else self.epochs,
            batch_size=self.batch_size,
            slices_per_patient=self.slices_per_patient,
            phantom_patients=0,
            validate_every=self.epochs,
            preprocessing=replace(config.preprocessing, size_px=self.image_size_px),
            network=replace(config.network, size=self.size),
            optimizer=optimizer,
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One row of a table: a configuration, and the splits on which it is trained and tested.

    Attributes:
        name: Of the row; file stem of its predictions.
        changes: What is different from the reference, in words.
        config: Of every run; the seed is set by the run.
        splits: One per fold; the test part is predicted, the validation part is empty.
    """

    name: str
    changes: str
    config: TrainingConfig
    splits: tuple[Split, ...]


def held_out_splits(dataset: Dataset, folds: int) -> tuple[Split, ...]:
    """Return one split per fold: the fold is the test part, everyone else trains.

    The weights of the last epoch are used, so no patient is set aside for choosing an epoch.
    """
    return tuple(
        Split(s.data_digest, tuple(sorted(s.train + s.validation)), (), s.test)
        for s in fold_splits(dataset, seed=0, folds=folds)
    )


def ablation_arms(budget: Budget, splits: tuple[Split, ...]) -> tuple[Arm, ...]:
    """Return the reference, one arm for each factor of the paper changed alone, and the paper.

    Module 1 is shown beside its capacity control: as many parameters without attention.
    """
    yolov5, paper = map(read_config, FINALISTS)
    network, augmentation = yolov5.network, yolov5.augmentation
    literal = replace(
        yolov5,
        network=replace(network, objectness=False),
        loss=replace(yolov5.loss, kind=LossKind.LITERAL),
    )
    copies = replace(augmentation, intensity=IntensityMode.PAPER, geometry=False)
    plain = replace(augmentation, intensity=IntensityMode.OFF, geometry=False)
    changed = {
        REFERENCE: ("the baseline: modules off, YOLOv5 loss, online augmentation", yolov5),
        "module-1": (
            "attention in every C3",
            replace(yolov5, network=replace(network, attention=True)),
        ),
        "module-1-control": (
            "a plain bottleneck of as many parameters instead of attention",
            replace(yolov5, network=replace(network, capacity_control=True)),
        ),
        "module-2": (
            "residual in SPPF",
            replace(yolov5, network=replace(network, residual_sppf=True)),
        ),
        "literal-loss": ("(Cls + DIoU) / 2 instead of the YOLOv5 loss", literal),
        "paper-augmentation": (
            "30 % noise-and-gamma copies, no geometry",
            replace(yolov5, augmentation=copies),
        ),
        "no-augmentation": ("no augmentation at all", replace(yolov5, augmentation=plain)),
        "paper": ("both modules, literal loss, paper augmentation", paper),
    }
    return tuple(
        Arm(name, says, budget.applied_to(replace(config, name=name)), splits)
        for name, (says, config) in changed.items()
    )


def learning_curve_arms(config: TrainingConfig, splits: tuple[Split, ...]) -> tuple[Arm, ...]:
    """Return one arm for each share of the training patients, nested, all with as many steps."""
    arms = []
    for share in LEARNING_SHARES:
        percent = round(100 * share)
        longer = replace(config, epochs=round(config.epochs / share))
        arms.append(
            Arm(
                f"{config.name}-{percent}-percent",
                f"{percent} % of the training patients, as many steps",
                longer,
                tuple(
                    replace(s, train=_share(s.train, share, fold)) for fold, s in enumerate(splits)
                ),
            )
        )
    return tuple(arms)


def transfer_arms(
    config: TrainingConfig, dataset: Dataset, splits: tuple[Split, ...]
) -> tuple[Arm, ...]:
    """Return one arm for each vendor trained on, tested on all others.

    It makes as many steps as a training on ``splits``, which draw from all vendors.

    Raises:
        DatasetError: ``patients.csv`` is missing, or names one vendor only.
    """
    vendors = vendors_of(dataset)
    usual = sum(len(split.train) for split in splits) / len(splits)
    return tuple(
        Arm(
            f"{config.name}-trained-on-{vendor.lower()}",
            f"trained on {vendor}, tested on the others, as many steps",
            replace(config, epochs=round(config.epochs * usual / len(patients))),
            (
                Split(
                    dataset.digest,
                    patients,
                    (),
                    tuple(sorted(p for name, ps in vendors.items() if name != vendor for p in ps)),
                ),
            ),
        )
        for vendor, patients in vendors.items()
    )


def arms_of(study: Study, dataset: Dataset, budget: Budget, folds: int) -> tuple[Arm, ...]:
    """Return the arms of a study on the named configurations, all with the same budget.

    Raises:
        DatasetError: Too few patients for the folds, or no vendors to transfer between.
    """
    configs = [budget.applied_to(read_config(name)) for name in FINALISTS]
    splits = held_out_splits(dataset, folds)
    if study is Study.TRANSFER:
        return tuple(arm for config in configs for arm in transfer_arms(config, dataset, splits))
    if study is Study.LEARNING_CURVE:
        return learning_curve_arms(configs[0], splits[:LEARNING_FOLDS])
    return ablation_arms(budget, splits)


def _share(patients: tuple[str, ...], share: float, fold: int) -> tuple[str, ...]:
    """Return the first share of a fixed random order, so that smaller shares lie in larger."""
    order = np.random.default_rng([fold, 7]).permutation(len(patients))
    kept = order[: max(1, round(share * len(patients)))]
    return tuple(sorted(patients[i] for i in kept))
