"""``discern train-segmenter`` as a stranger types it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

from discern.cli.main import run
from discern.dataset.sources import Dataset
from discern.dataset.splits import Split, fold_splits, write_split
from discern.weights import load_weights, shipped_weights
from four_images import write_four_images
from tissue_images import add_masks

TINY = ("--epochs", "1", "--image-size", "64", "--phantom-patients", "0")


@dataclass(frozen=True)
class Done:
    """Exit status and what was said."""

    status: int
    stdout: str
    stderr: str


def discern(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Done:
    with pytest.raises(SystemExit) as caught:
        run(["train-segmenter", *map(str, words)])
    said = capsys.readouterr()
    return Done(int(caught.value.code or 0), said.out, said.err)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return add_masks(write_four_images(tmp_path_factory.mktemp("command") / "four"))


@pytest.mark.slow
def test_everyone_is_trained_on_beside_the_shipped_detector(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = discern(capsys, dataset.folder, "--out", tmp_path / "run", *TINY)

    assert done.status == 0, done.stderr
    weights = tmp_path / "run" / "weights.onnx"
    assert done.stdout == f"weights: {weights}\n"
    metadata, shipped = load_weights(weights).metadata, load_weights(shipped_weights()).metadata
    assert metadata.heads == shipped.heads
    assert metadata.training_patients == shipped.training_patients
    assert metadata.segmenter is not None
    assert metadata.segmenter.epochs == 1
    assert metadata.segmenter.preprocessing.size_px == 64
    assert len(metadata.segmenter.training_patients) == 4


@pytest.mark.slow
def test_folds_make_one_file_each(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folds").mkdir()
    for number, fold in enumerate(fold_splits(dataset, 0, 2)):
        write_split(fold, tmp_path / "folds" / f"{number}.json")
    folds = ("--fold-files", tmp_path / "folds")

    done = discern(capsys, dataset.folder, "--out", tmp_path / "run", *folds, *TINY)

    assert done.status == 0, done.stderr
    about = [
        load_weights(tmp_path / "run" / f"fold-{n}" / "weights.onnx").metadata.segmenter
        for n in (1, 2)
    ]
    seen = [set(one.training_patients) for one in about if one is not None]
    assert [len(one) for one in seen] == [2, 2]
    assert not seen[0] & seen[1]


def test_bad_options_are_explained(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "run")
    split = tmp_path / "split.json"
    write_split(Split(dataset.digest, dataset.patients, (), ()), split)

    both = discern(capsys, dataset.folder, *out, "--split", split, "--fold-files", tmp_path)
    odd = discern(capsys, dataset.folder, *out, "--image-size", "100")
    bare = write_four_images(tmp_path / "bare")
    none = discern(capsys, bare.folder, *out, *TINY)

    assert (both.status, odd.status, none.status) == (2, 2, 2)
    assert "exclude each other" in both.stderr
    assert "multiple of 32" in odd.stderr
    assert "no masks/*.png" in none.stderr
    assert not (tmp_path / "run").exists()
