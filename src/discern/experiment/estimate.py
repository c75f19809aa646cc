"""How long the runs of a study will take, from a few steps of two of them."""

from collections.abc import Sequence

import torch

from discern.experiment.runs import Run, Workshop
from discern.training.run import measure_pace

_START_SECONDS = 20.0
"""Start of a process with torch, reading the images, exporting the weights."""


def estimated_minutes(runs: Sequence[Run], workshop: Workshop) -> float:
    """Return the wall-clock minutes of ``runs``: a few steps of the quickest and slowest timed.

    The other runs are taken to cost what is halfway between. ``workshop.jobs`` run at a time.
    """
    by_size = sorted(runs, key=lambda run: run.config.network.attention)
    timed = {run.key: run for run in (by_size[0], by_size[-1])}
    threads = torch.get_num_threads()
    torch.set_num_threads(workshop.threads)
    try:
        seconds = [_training_seconds(run, workshop) for run in timed.values()]
    finally:
        torch.set_num_threads(threads)
    each = sum(seconds) / len(seconds) + _START_SECONDS
    return each * len(runs) / min(workshop.jobs, len(runs)) / 60


def _training_seconds(run: Run, workshop: Workshop) -> float:
    pace = measure_pace(run.config, workshop.dataset, run.split)
    return min(pace.step_seconds) * pace.steps_an_epoch * run.config.epochs
