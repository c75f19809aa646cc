"""One results ledger: a CSV row per finished run, keyed by what decided its outcome."""

import csv
import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from discern.dataset.splits import Split
from discern.errors import DatasetError, OutputError
from discern.training.config import TrainingConfig

LEDGER = "ledger.csv"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One finished run.

    Attributes:
        run: Key of the run, see :func:`run_key`.
        study: The study for which it was first trained.
        arm: Its arm there.
        seed: Of weights, order and augmentation.
        fold: From 1.
        folds: Number of splits of the arm.
        config_digest: SHA-256 of the configuration, seed included.
        data_digest: SHA-256 of the data set.
        split_digest: SHA-256 of the split.
        train_patients: How many were trained on.
        test_patients: How many were predicted.
        epochs: Passes over the training images.
        image_size_px: Input size.
        batch_size: Images a step.
        parameters: Of the network.
        train_seconds: Wall clock of the training process, by its manifest.
        threads: Of the training process.
        processor: Name of the GPU it was trained on, else of the processor.
        torch: Version of the training process.
        discern: Version.
        weights_sha256: Of the ONNX file.
        disc_recall: Of the test patients, all annotated images, default operating point.
        exact: Same grade, of the discs found.
        within_one: At most one grade apart, of the discs found.
        kappa_quadratic: Weighted kappa of the discs found.
    """

    run: str
    study: str
    arm: str
    seed: int
    fold: int
    folds: int
    config_digest: str
    data_digest: str
    split_digest: str
    train_patients: int
    test_patients: int
    epochs: int
    image_size_px: int
    batch_size: int
    parameters: int
    train_seconds: float
    threads: int
    processor: str
    torch: str
    discern: str
    weights_sha256: str
    disc_recall: float
    exact: float
    within_one: float
    kappa_quadratic: float


def run_key(config: TrainingConfig, split: Split) -> str:
    """Return 16 hex digits of the configuration (its name aside), the split and the data."""
    decided = replace(config, name="").digest + split_digest(split)
    return hashlib.sha256(decided.encode()).hexdigest()[:16]


def split_digest(split: Split) -> str:
    """Return the SHA-256 of a split, the digest of its data included."""
    return hashlib.sha256(json.dumps(asdict(split)).encode()).hexdigest()


def read_ledger(path: Path) -> dict[str, LedgerRow]:
    """Return the rows by run; empty where there is no file yet.

    Raises:
        DatasetError: Not a ledger of this version.
    """
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        names = [one.name for one in fields(LedgerRow)]
        if reader.fieldnames != names:
            raise DatasetError(
                f"{path.name}: not a ledger of this version of Discern; name another --out"
            )
        try:
            rows = [_row(one) for one in reader]
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{path.name}: a damaged row ({error}); remove that line") from error
    return {row.run: row for row in rows}


def append_row(path: Path, row: LedgerRow) -> None:
    """Add one row and make sure that it is on the disk.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, [one.name for one in fields(LedgerRow)])
            if new:
                writer.writeheader()
            writer.writerow(asdict(row))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise OutputError(
            f"{path.name}: cannot be written ({error.strerror}); free some space and run again, "
            "finished runs are kept"
        ) from error


def _row(values: dict[str, str]) -> LedgerRow:
    kinds = {one.name: one.type for one in fields(LedgerRow)}
    return LedgerRow(**{name: kinds[name](text) for name, text in values.items()})  # type: ignore[operator]
