"""Images per second of whole trainings, and of their bare forward and backward passes.

    python bench/training.py ../shared/data/spider-lumbar [--configs yolov5 paper best]

The bare pass repeats forward, loss and backward of one batch that lies in memory. The training is
``discern train`` with everything that belongs to it: reading and changing images, optimizer,
averaged weights, log and checkpoints; its pace is the difference between runs of five epochs and
of one, so that start and export fall out. Both are measured in turn, several times; medians and
their ratio are printed.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from discern.dataset.sources import Dataset, read_dataset
from discern.dataset.splits import Split, fold_splits
from discern.training.config import TrainingConfig, read_config
from discern.training.manifest import processor_name
from discern.training.run import RunOptions, measure_pace, train

LONG, SHORT = 5, 1


def training_seconds(config: TrainingConfig, dataset: Dataset, split: Split, epochs: int) -> float:
    """Return the wall time of a run of ``epochs``."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        short = replace(config, epochs=epochs, validate_every=epochs + 1)
        train(short, dataset, split, RunOptions(Path(folder) / "run"))
        return time.monotonic() - started


def paces(name: str, dataset: Dataset, split: Split, repeats: int) -> tuple[float, float]:
    """Return images per second of the training and of the bare passes, medians."""
    config = read_config(name)
    bare, whole = [], []
    for _ in range(repeats):
        pace = measure_pace(config, dataset, split)
        bare.append(config.batch_size / statistics.median(pace.step_seconds))
        seconds = [training_seconds(config, dataset, split, epochs) for epochs in (SHORT, LONG)]
        images = config.batch_size * pace.steps_an_epoch * (LONG - SHORT)
        whole.append(images / (seconds[1] - seconds[0]))
    return statistics.median(whole), statistics.median(bare)


def main() -> None:
    """Print one line per configuration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--configs", nargs="+", default=["yolov5", "paper", "best"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    first = fold_splits(dataset, seed=0, folds=5)[0]
    split = replace(first, validation=(), test=())
    print(f"{processor_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads")
    for name in arguments.configs:
        whole, bare = paces(name, dataset, split, arguments.repeats)
        print(
            f"{name}: training {whole:.1f} images/s, forward and backward alone {bare:.1f} "
            f"images/s, {whole / bare:.0%}"
        )


if __name__ == "__main__":
    main()
