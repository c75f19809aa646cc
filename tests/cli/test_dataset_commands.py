"""``discern dataset`` as a stranger types it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from discern.cli.main import run
from discern.dataset.sources import read_dataset
from discern.dataset.splits import Split, write_split

BOX = [[5, 5], [20, 12]]


@dataclass(frozen=True)
class Done:
    """Exit status and what was said."""

    returncode: int
    stdout: str
    stderr: str


Discern = Callable[..., Done]


@pytest.fixture
def discern(capsys: pytest.CaptureFixture[str]) -> Discern:
    """Run ``discern dataset`` with some words."""

    def run_words(*words: str | Path) -> Done:
        with pytest.raises(SystemExit) as caught:
            run(["dataset", *map(str, words)])
        said = capsys.readouterr()
        return Done(int(caught.value.code or 0), said.out, said.err)

    return run_words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten patients of two vendors, one disc each."""
    rng = np.random.default_rng(0)
    for part in ("images", "annotations"):
        (tmp_path / "mine" / part).mkdir(parents=True)
    rows = ["patient,manufacturer,age_years"]
    for number in range(10):
        name = f"p{number}_mid"
        pixels = rng.integers(0, 256, (60, 40), dtype=np.uint8)
        PillowImage.fromarray(pixels).save(tmp_path / "mine" / "images" / f"{name}.png")
        shape = {"label": f"pfirrmann_{1 + number % 5}", "points": BOX, "group_id": 1}
        document = {
            "version": "5.4.1",
            "flags": {},
            "shapes": [shape | {"shape_type": "rectangle", "flags": {}}],
            "imagePath": f"../images/{name}.png",
            "imageHeight": 60,
            "imageWidth": 40,
        }
        (tmp_path / "mine" / "annotations" / f"{name}.json").write_text(json.dumps(document))
        rows.append(f"p{number},{('SIEMENS', 'Philips Healthcare')[number % 2]},{40 + number}")
    (tmp_path / "mine" / "patients.csv").write_text("\n".join(rows))
    return tmp_path / "mine"


def test_check_ends_with_0_where_there_are_only_warnings(
    discern: Discern, folder: Path, tmp_path: Path
) -> None:
    done = discern("check", folder, "--out", tmp_path / "check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("checked mine: 10 images, 10 patients, 10 boxes\n")
    assert "mine: 0 errors, 2 warnings" in done.stdout
    assert done.stdout.endswith("no error\n")
    written = {path.name for path in (tmp_path / "check" / "tables").iterdir()}
    assert {"problems.csv", "problems-by-kind.html"} <= written


def test_check_lists_every_error_and_ends_with_2(
    discern: Discern, folder: Path, tmp_path: Path
) -> None:
    (folder / "annotations" / "p0_mid.json").write_text("{")
    shutil.copy(folder / "images" / "p1_mid.png", folder / "images" / "p2_mid.png")
    split = {"schema": "discern.split/1", "data_digest": "0", "train": ["p1"], "test": ["p1"]}
    (tmp_path / "split.json").write_text(json.dumps(split | {"validation": []}))
    done = discern("check", folder, "--split", tmp_path / "split.json")
    assert done.returncode == 2
    assert done.stderr == "error: mine: 3 errors to repair, see above\n"
    for said in (
        "annotations/p0_mid.json",
        "images/p1_mid.png and images/p2_mid.png",
        "patient p1 is in train and in test",
    ):
        assert said in done.stdout


def test_split_writes_parts_folds_and_vendors(
    discern: Discern, folder: Path, tmp_path: Path
) -> None:
    done = discern("split", folder, "--out", tmp_path / "split.json")
    assert done.stdout == "split.json: 7 training, 2 validation, 1 test patients\n"
    done = discern("split", folder, "--folds", "5", "--out", tmp_path / "folds")
    assert done.returncode == 0, done.stderr
    folds = [json.loads(path.read_text()) for path in sorted((tmp_path / "folds").iterdir())]
    assert sorted(p for fold in folds for p in fold["test"]) == [f"p{n}" for n in range(10)]
    done = discern("split", folder, "--by", "manufacturer", "--out", tmp_path / "vendors")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "vendors").iterdir()}
    assert names == {"external-philips.json", "external-siemens.json"}
    siemens = json.loads((tmp_path / "vendors" / "external-siemens.json").read_text())
    assert siemens["test"] == ["p0", "p2", "p4", "p6", "p8"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--folds", "11"), "choose 2 to 10"),
        (("--folds", "1"), "choose 2 to 10"),
        (("--by", "hospital"), "no value or is no column"),
        (("--by", "manufacturer", "--folds", "2"), "exclude each other"),
        (("--fractions", "0.5", "0.5", "0.5"), "add up to 1"),
    ],
)
def test_split_says_what_cannot_be(
    discern: Discern, folder: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = discern("split", folder, "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_summary_prints_and_writes_the_tables(
    discern: Discern, folder: Path, tmp_path: Path
) -> None:
    discern("split", folder, "--out", tmp_path / "split.json")
    (folder / "exclusions.csv").write_text("patient,reason\np77,Spinal surgery\n")
    arguments = ("--split", tmp_path / "split.json", "--out", tmp_path / "summary")
    done = discern("summary", folder, *arguments)
    assert done.returncode == 0, done.stderr
    for said in ("Table 1.", "Training set (n = 7)", "Vendor: Siemens", "Pfirrmann grade 5"):
        assert said in done.stdout
    assert "Spinal surgery" in (tmp_path / "summary/figures/figure-1-stard.svg").read_text()
    done = discern("summary", folder, "--dicom", folder, "--out", tmp_path / "again")
    assert done.returncode == 3
    assert "--dicom" in done.stderr
    assert not (tmp_path / "again").exists()


def test_preview_needs_the_train_extra_and_says_so(
    discern: Discern, folder: Path, tmp_path: Path
) -> None:
    done = discern("preview", folder, "--config", "paper", "--out", tmp_path / "p.png")
    if find_spec("torch") is None:
        assert done.returncode == 2
        assert "discern-lumbar[train]" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    with PillowImage.open(tmp_path / "p.png") as picture:
        assert picture.format == "PNG"
    done = discern("preview", folder, "--out", tmp_path / "p.jpg")
    assert done.returncode == 2
    assert "p.png" in done.stderr


def test_training_refuses_one_person_in_two_parts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="needs the train extra")
    shutil.copy(folder / "images" / "p1_mid.png", folder / "images" / "p2_mid.png")
    dataset = read_dataset(folder)
    split = Split(dataset.digest, dataset.patients[:2], dataset.patients[2:], ())
    write_split(split, tmp_path / "split.json")
    words = ["--split", tmp_path / "split.json", "--out", tmp_path / "run", "--config", "yolov5"]
    with pytest.raises(SystemExit) as caught:
        run(["train", str(folder), *map(str, words)])
    assert caught.value.code == 2
    assert "p1_mid and p2_mid of different parts are near-duplicates" in capsys.readouterr().err
    assert not (tmp_path / "run" / "last.ckpt").exists()
