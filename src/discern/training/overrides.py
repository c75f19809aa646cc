"""The few values of a configuration that a command line may change."""

from dataclasses import dataclass, replace

from discern.errors import UsageError
from discern.model.detector import NetworkSize
from discern.training.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Overrides:
    """Replacements by name; None leaves the configured value."""

    epochs: int | None = None
    size: str | None = None
    image_size_px: int | None = None
    batch_size: int | None = None
    phantom_patients: int | None = None
    seed: int | None = None


def with_overrides(config: TrainingConfig, overrides: Overrides) -> TrainingConfig:
    """Return ``config`` with ``overrides``; its digest changes with them.

    Raises:
        UsageError: A value that does not exist or does not fit.
    """
    plain = {
        name: getattr(overrides, name)
        for name in ("epochs", "batch_size", "phantom_patients", "seed")
        if getattr(overrides, name) is not None
    }
    network, preprocessing = config.network, config.preprocessing
    if overrides.size is not None:
        network = replace(network, size=parse_size(overrides.size))
    if overrides.image_size_px is not None:
        preprocessing = replace(preprocessing, size_px=overrides.image_size_px)
    return replace(config, network=network, preprocessing=preprocessing, **plain)


def parse_size(name: str) -> NetworkSize:
    """Return the network size called ``name``.

    Raises:
        UsageError: There is no such size.
    """
    try:
        return NetworkSize(name)
    except ValueError as error:
        known = ", ".join(size.value for size in NetworkSize)
        raise UsageError(f"--size {name}: choose one of {known}") from error
