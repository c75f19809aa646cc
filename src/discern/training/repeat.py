"""A run once more, from its manifest alone."""

from pathlib import Path

from discern.dataset.sources import Dataset
from discern.training.manifest import read_manifest
from discern.training.run import RunOptions, train
from discern.weights import load_weights


def repeat_run(manifest: Path, dataset: Dataset, options: RunOptions) -> str:
    """Train as ``manifest`` says; return whether the weights came out the same, byte for byte.

    The same processor, number of threads and versions give the same bytes; others give weights
    that differ in rounding, and the answer says so.

    Raises:
        DatasetError: Not a manifest, or one of other data.
    """
    wanted = read_manifest(manifest, dataset)
    weights = train(wanted.config, dataset, wanted.split, options)
    if load_weights(weights).sha256 == wanted.weights_sha256:
        return f"weights: {weights}, identical to those of the manifest"
    return (
        f"weights: {weights}, not identical to those of the manifest; compare hardware, threads "
        "and software in the two manifests"
    )
