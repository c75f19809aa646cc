"""Exponential moving average of the weights: what is validated and exported."""

import copy
import math

import torch
from torch import nn


class MovingAverage(nn.Module):
    """Keeps avg = d avg + (1 - d) weights, d = decay (1 - exp(-step / warmup_steps)).

    Norm statistics are averaged alike; counters and anchors are copied.
    """

    steps: torch.Tensor

    def __init__(self, module: nn.Module, decay: float, warmup_steps: float) -> None:
        """Start from the present weights of ``module``."""
        super().__init__()
        self.module = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
        self.decay = decay
        self.warmup_steps = warmup_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights after one step."""
        self.steps += 1
        weight = 1 - self.decay * (1 - math.exp(-self.steps.item() / self.warmup_steps))
        present = module.state_dict()
        for name, average in self.module.state_dict().items():
            if average.is_floating_point():
                average.lerp_(present[name], weight)
            else:
                average.copy_(present[name])
