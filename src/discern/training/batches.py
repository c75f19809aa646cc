"""Draws to batches: order by epoch, shared out to processes, stacked into tensors."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from discern.dataset.epochs import Draw, EpochPlan, TrainingSamples
from discern.dataset.samples import Sample
from discern.model.targets import Targets

Batch = tuple[Tensor, Targets]


class EpochSampler(Sampler[Draw]):
    """Yields this process's share of the draws of an epoch; Lightning calls ``set_epoch``.

    Incomplete last batches are left out, so that all processes make as many steps.
    """

    def __init__(
        self, plan: EpochPlan, batch_size: int, *, rank: int = 0, processes: int = 1
    ) -> None:
        """Share out ``plan`` batch by batch."""
        self._plan = plan
        self._batch_size = batch_size
        self._rank = rank
        self._processes = processes
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the number of samples for this process."""
        together = self._batch_size * self._processes
        return max(self._plan.length // together, 1) * self._batch_size

    def __iter__(self) -> Iterator[Draw]:
        """Yield the draws; an epoch shorter than one batch of all processes is repeated."""
        draws = self._plan.draws(self._epoch)
        wanted = len(self) * self._processes
        draws = (draws * -(-wanted // len(draws)))[:wanted]
        size = self._batch_size
        for start in range(self._rank * size, wanted, size * self._processes):
            yield from draws[start : start + size]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into images (B, 1, S, S) and their targets."""
    images = np.stack([sample.image for sample in samples])[:, None].astype(np.float32)
    counts = [len(sample.boxes) for sample in samples]
    ignored_counts = [len(sample.ignored) for sample in samples]
    places = np.arange(len(samples))
    targets = Targets(
        boxes_xyxy_px=_float32([sample.boxes for sample in samples]),
        labels=torch.from_numpy(np.concatenate([sample.labels for sample in samples])),
        image_index=torch.from_numpy(np.repeat(places, counts)),
        annotated=torch.from_numpy(np.stack([sample.annotated for sample in samples])),
        ignored_xyxy_px=_float32([sample.ignored for sample in samples]),
        ignored_image_index=torch.from_numpy(np.repeat(places, ignored_counts)),
    )
    return torch.from_numpy(images), targets


def training_loader(
    samples: TrainingSamples, sampler: EpochSampler, batch_size: int, workers: int
) -> DataLoader[Batch]:
    """Return batches of changed samples; ``workers`` processes prepare them.

    The processes start afresh: a fork of one whose libraries run threads can crash.
    """
    return DataLoader(
        samples,  # type: ignore[arg-type]  # indexed by draws, not by numbers
        batch_size=batch_size,
        sampler=sampler,
        collate_fn=collate,
        num_workers=workers,
        multiprocessing_context="forkserver" if workers else None,
        persistent_workers=workers > 0,
        drop_last=True,
    )


def _float32(boxes: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(boxes).astype(np.float32))
