import csv
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from discern.dataset.sources import Dataset  # noqa: E402
from discern.dataset.splits import Split, split_patients, write_split  # noqa: E402
from discern.errors import DatasetError, TrainingError, UsageError, WeightsError  # noqa: E402
from discern.training.config import TrainingConfig  # noqa: E402
from discern.training.repeat import repeat_run  # noqa: E402
from discern.training.run import RunOptions, train  # noqa: E402
from discern.training.validation import (  # noqa: E402
    ValidationMetrics,
    grade_outcomes,
    read_validation_images,
    validation_metrics,
)
from discern.training.weights_file import export_weights, load_averaged  # noqa: E402
from discern.weights import load_weights, patient_hash  # noqa: E402
from four_images import AUGMENTED, COPIES, LEARNING, all_for_training, write_four_images  # noqa: E402


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("four") / "four")


def _here(out: Path) -> RunOptions:
    return RunOptions(out, accelerator="cpu", workers=0)


def _figures(checkpoint: Path, dataset: Dataset) -> ValidationMetrics:
    images = read_validation_images(dataset, dataset.truths, LEARNING.preprocessing)
    return validation_metrics(grade_outcomes(load_averaged(checkpoint), images))


def _command(config: TrainingConfig, dataset: Dataset, split: Split, out: Path) -> list[str]:
    """The command line of a run; its configuration and split lie beside ``out``."""
    out.parent.mkdir(parents=True, exist_ok=True)
    config_file, split_file = out.parent / "config.toml", out.parent / "split.json"
    config_file.write_text(config.to_toml())
    write_split(split, split_file)
    files = ["--config", str(config_file), "--split", str(split_file), "--out", str(out)]
    options = ["--workers", "0", "--accelerator", "cpu"]
    return [sys.executable, "-m", "discern", "train", str(dataset.folder), *files, *options]


def _table(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open(newline="") as opened:
        return list(csv.DictReader(opened))


def _state(out: Path) -> dict[str, Any]:
    stored: dict[str, Any] = torch.load(out / "last.ckpt", weights_only=True)["state_dict"]
    return stored


@pytest.mark.slow
def test_a_tiny_network_learns_four_images(dataset: Dataset, tmp_path: Path) -> None:
    path = train(LEARNING, dataset, all_for_training(dataset), _here(tmp_path))
    learned = _figures(tmp_path / "last.ckpt", dataset)
    assert learned.disc_recall == 1
    assert learned.exact == 1
    assert learned.false_per_image <= 0.5
    metadata = load_weights(path).metadata
    assert metadata.training_patients == tuple(
        sorted(patient_hash("four", patient) for patient in dataset.patients)
    )
    assert metadata.data_digest == dataset.digest
    assert metadata.config_digest == LEARNING.digest
    assert {head.trained_on.value for head in metadata.heads} == {"real"}
    assert metadata.preprocessing == LEARNING.preprocessing


@pytest.mark.slow
@pytest.mark.distributed
def test_two_processes_learn_as_one_does(dataset: Dataset, tmp_path: Path) -> None:
    config = replace(LEARNING, batch_size=2)
    command = _command(config, dataset, all_for_training(dataset), tmp_path / "run")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "--devices", "2"], check=True, env=environment, timeout=300)
    learned = _figures(tmp_path / "run" / "last.ckpt", dataset)
    assert learned.disc_recall == 1
    assert learned.exact == 1
    steps = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["global_step"]
    assert steps == config.epochs * 4 * COPIES // 4  # a step takes two images of each process


@pytest.mark.slow
def test_a_killed_run_ends_where_an_undisturbed_one_does(dataset: Dataset, tmp_path: Path) -> None:
    split = split_patients(dataset, 0, (0.75, 0.25, 0))
    whole, broken = tmp_path / "whole", tmp_path / "broken" / "run"
    train(AUGMENTED, dataset, split, _here(whole))
    running = subprocess.Popen(_command(AUGMENTED, dataset, split, broken))
    deadline = time.monotonic() + 120
    while not (broken / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert len(_table(broken)) < AUGMENTED.epochs
    train(AUGMENTED, dataset, split, replace(_here(broken), resume=True))
    undisturbed_state, resumed_state = _state(whole), _state(broken)
    assert undisturbed_state.keys() == resumed_state.keys()
    for key, value in undisturbed_state.items():
        assert torch.equal(value, resumed_state[key]), key
    for undisturbed, resumed in zip(_table(whole), _table(broken), strict=True):
        assert {**undisturbed, "seconds": ""} == {**resumed, "seconds": ""}


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_before_the_checkpoint(
    dataset: Dataset, tmp_path: Path
) -> None:
    exploding = replace(
        LEARNING,
        optimizer=replace(LEARNING.optimizer, learning_rate=1e30, gradient_clip=1e30),
        epochs=8,
    )
    with pytest.raises(TrainingError, match=r"epoch \d: the loss is no longer a number"):
        train(exploding, dataset, all_for_training(dataset), _here(tmp_path))
    kept = tmp_path / "last.ckpt"
    assert not kept.exists() or all(bool(v.isfinite().all()) for v in _state(tmp_path).values())


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_epoch(dataset: Dataset, tmp_path: Path) -> None:
    config, split = replace(AUGMENTED, epochs=3), all_for_training(dataset)
    out = tmp_path / "full" / "run"
    command = _command(config, dataset, split, out)
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**40)); "
    limited += "from discern.cli.main import run; run(sys.argv[1:])"
    full = subprocess.run(
        [sys.executable, "-c", limited, *command[3:]], capture_output=True, text=True, check=False
    )
    assert full.returncode == 2
    assert "last.ckpt: cannot be written in epoch 1" in full.stderr
    assert "--resume" in full.stderr
    assert not list(out.glob("*.writing"))


def test_a_damaged_checkpoint_is_named(dataset: Dataset, tmp_path: Path) -> None:
    split = all_for_training(dataset)
    (tmp_path / "config.toml").write_text(LEARNING.to_toml())
    write_split(split, tmp_path / "split.json")
    (tmp_path / "last.ckpt").write_bytes(b"half a file")
    with pytest.raises(WeightsError, match=r"last.ckpt: .* train anew"):
        train(LEARNING, dataset, split, replace(_here(tmp_path), resume=True))


@pytest.mark.slow
def test_a_run_is_repeated_from_its_manifest(dataset: Dataset, tmp_path: Path) -> None:
    config = replace(AUGMENTED, epochs=2)
    train(config, dataset, all_for_training(dataset), _here(tmp_path / "first"))
    manifest = tmp_path / "first" / "manifest.json"
    said = repeat_run(manifest, dataset, _here(tmp_path / "second"))
    assert "identical to those of the manifest" in said
    assert "not identical" not in said
    weights = [(tmp_path / name / "weights.onnx").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]
    with pytest.raises(DatasetError, match=r"manifest.json: .* other data"):
        repeat_run(manifest, replace(dataset, digest="0" * 64), _here(tmp_path / "third"))
    manifest.write_text("{}")
    with pytest.raises(DatasetError, match=r"not a discern\.run/1 file"):
        repeat_run(manifest, dataset, _here(tmp_path / "third"))


@pytest.mark.slow
def test_a_run_leaves_what_it_promises_and_refuses_to_overwrite(
    dataset: Dataset, tmp_path: Path
) -> None:
    config = replace(AUGMENTED, epochs=1, phantom_patients=1, phantom_share=0.5)
    split = split_patients(dataset, 0, (0.75, 0.25, 0))
    out = tmp_path / "run"
    weights = train(config, dataset, split, _here(out))
    names = {"config.toml", "split.json", "metrics.csv", "last.ckpt", "best.ckpt"}
    names |= {"weights.onnx", "manifest.json"}
    assert {path.name for path in out.iterdir()} == names
    assert any("synthetic" in data for data in load_weights(weights).metadata.training_data)
    with pytest.raises(UsageError, match="--resume"):
        train(config, dataset, split, _here(out))
    with pytest.raises(UsageError, match="another configuration"):
        train(replace(config, epochs=2), dataset, split, replace(_here(out), resume=True))
    with pytest.raises(UsageError, match="another split"):
        train(config, dataset, all_for_training(dataset), replace(_here(out), resume=True))
    export_weights(out / "last.ckpt", tmp_path / "again.onnx", temperature=1.5)
    again = load_weights(tmp_path / "again.onnx").metadata
    assert again.temperature == 1.5
    assert replace(again, temperature=load_weights(weights).metadata.temperature) == (
        load_weights(weights).metadata
    )


def test_a_leaking_or_foreign_split_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    split = split_patients(dataset, 0, (0.75, 0.25, 0))
    with pytest.raises(DatasetError, match="leaks"):
        train(LEARNING, dataset, replace(split, test=split.train), _here(tmp_path))
    with pytest.raises(DatasetError, match="other data"):
        train(LEARNING, dataset, replace(split, data_digest="0" * 64), _here(tmp_path))
    with pytest.raises(UsageError, match=r"no last\.ckpt"):
        train(LEARNING, dataset, split, replace(_here(tmp_path), resume=True))


def test_another_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_averaged(tmp_path / "a.ckpt")
    torch.save({"state_dict": {"x": torch.zeros(1)}}, tmp_path / "b.ckpt")
    with pytest.raises(WeightsError, match="discern train"):
        load_averaged(tmp_path / "b.ckpt")
