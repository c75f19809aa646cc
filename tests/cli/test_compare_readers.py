"""``discern compare-readers`` from outside: synthetic truth, readers perturbed by a seeded rule."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image as mpl_image
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from discern.annotations import GroundTruth, TruthBox, read_labelme, write_labelme
from discern.cli.main import run
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.phantom.training_set import SliceCounts, slices_of_patient
from discern.spine import GRADE_LABELS, LABELS, LESION_LABELS, Label, Plane

FEW = ("--resamples", "100", "--permutations", "99")
PATIENTS = 6


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of synthetic patients."""
    folder = tmp_path_factory.mktemp("phantoms") / "truth"
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for number in range(PATIENTS):
        (one,) = slices_of_patient(number, 7, SliceCounts(sagittal=1))
        name = one.truth.image
        gray = np.asarray(one.image / 4095, np.float32).clip(0, 1)
        mpl_image.imsave(folder / "images" / f"{name}.png", gray, cmap="gray", vmin=0, vmax=1)
        path = folder / "annotations" / f"{name}.json"
        write_labelme(path, one.truth, image_path=f"../images/{name}.png")
    return folder


def annotations(folder: Path) -> list[GroundTruth]:
    return [
        read_labelme(path, patient=path.stem, plane=Plane.SAGITTAL)
        for path in sorted((folder / "annotations").glob("*.json"))
    ]


def simulated_reader(truth: Path, folder: Path, seed: int, wrong: float) -> Path:
    """Not a person: jitters every box by a pixel and moves a share of the grades by one."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for one in annotations(truth):
        boxes = tuple(_misread(box, generator, wrong) for box in one.boxes)
        path = folder / f"{one.image}.json"
        write_labelme(path, replace(one, boxes=boxes), image_path=f"{one.image}.png")
    return folder


def _misread(box: TruthBox, generator: np.random.Generator, wrong: float) -> TruthBox:
    moved = np.array(box.box_xyxy_px) + generator.normal(0, 0.5, 4)
    x1, y1, x2, y2 = moved.clip(0).tolist()
    label = box.label
    if label in GRADE_LABELS and generator.random() < wrong:
        grade = GRADE_LABELS.index(label) + int(generator.choice([-1, 1]))
        label = GRADE_LABELS[min(4, max(0, grade))]
    return TruthBox(label, (x1, y1, x2, y2))


def model_of(truth: Path, path: Path) -> Path:
    """Predictions that are right everywhere, with scores, and a faint false box."""
    images = {}
    for one in annotations(truth):
        right = tuple(
            PredictedBox(b.label, 0.9, _scores(b.label), b.box_xyxy_px) for b in one.boxes
        )
        faint = PredictedBox(Label.HERNIATION, 0.1, _scores(Label.HERNIATION), (1.0, 1.0, 9.0, 9.0))
        images[one.image] = (*right, faint)
    path.write_text(predictions_json(images))
    return path


def _scores(label: Label) -> tuple[float, ...]:
    return tuple((0.9 * np.eye(len(LABELS))[LABELS.index(label)]).tolist())


def compare_readers(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        run(["compare-readers", *map(str, words)])
    return int(stop.value.code or 0)


def read_json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.fixture(scope="session")
def study(truth: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output for two readers and a model, with a margin."""
    folder = tmp_path_factory.mktemp("study")
    first = simulated_reader(truth, folder / "Reader 1", 1, wrong=0.5)
    second = simulated_reader(truth, folder / "Reader 2" / "annotations", 2, wrong=0.2).parent
    model = model_of(truth, folder / "predictions.json")
    out = folder / "out"
    arguments = (truth, first, second, "--model", model, "--margin", "0.1", "--out", out)
    assert compare_readers(*arguments, *FEW) == 0
    return out


def test_the_sentence_of_the_paper_is_written(study: Path) -> None:
    text = " ".join((study / "results.txt").read_text().split())
    document = read_json(study / "readers.json")

    kappas = [
        f"{one['pfirrmann']['kappa_linear']['value']:.2f} (95 % CI"
        for one in document["against_truth"].values()
    ]
    assert list(document["against_truth"]) == ["model", "Reader 1", "Reader 2"]
    assert (
        "The linearly weighted kappa coefficients of the model, Reader 1, and Reader 2 "
        f"against the truth were {kappas[0]}"
    ) in text
    assert f"and {kappas[2]}" in text
    assert "the model was not inferior to Reader 1" in text
    assert "Research use only" in text


def test_kappas_agree_with_scikit_learn(study: Path, truth: Path) -> None:
    document = read_json(study / "readers.json")
    read = {
        "truth": truth / "annotations",
        "Reader 1": study.parent / "Reader 1",
        "Reader 2": study.parent / "Reader 2" / "annotations",
    }
    grades = {
        name: [
            GRADE_LABELS.index(box.label)
            for path in sorted(folder.glob("*.json"))
            for box in read_labelme(path, patient="", plane=Plane.SAGITTAL).boxes
            if box.label in GRADE_LABELS
        ]
        for name, folder in read.items()
    }

    pairs = {(one["first"], one["second"]): one for one in document["agreement"]}
    for first, second in (("truth", "Reader 1"), ("truth", "Reader 2"), ("Reader 1", "Reader 2")):
        for weights in ("linear", "quadratic"):
            expected = cohen_kappa_score(
                grades[first], grades[second], labels=range(5), weights=weights
            )
            assert pairs[first, second][f"kappa_{weights}"]["value"] == pytest.approx(
                expected, abs=5e-5
            )
        assert pairs[first, second]["shared"]["value"] == 1
        assert pairs[first, second]["discs_of_both"] == len(grades["truth"])
    assert pairs["truth", "model"]["kappa_linear"]["value"] == 1
    assert len(pairs) == 6


def test_each_reader_has_tables_figures_and_reasons(study: Path) -> None:
    names = {path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file()}

    for stem in ("model", "reader-1", "reader-2"):
        for kind in ("txt", "csv", "tex", "html"):
            assert f"tables/{stem}-table-4-slice-wise.{kind}" in names
            assert f"tables/{stem}-disc-wise.{kind}" in names
        assert {f"figures/confusion-{stem}.png", f"figures/confusion-{stem}.svg"} <= names
    for name in ("kappa-linear", "kappa-quadratic", "agreement-pairs", "kappa-differences"):
        assert f"tables/{name}.csv" in names
    assert "tables/comparison-model-reader-1.csv" in names
    assert mpl_image.imread(study / "figures" / "confusion-reader-1.png").shape[0] > 800
    document = read_json(study / "readers.json")
    auc = document["against_truth"]["Reader 1"]["pfirrmann"]["per_grade"]["3"]["auc"]
    assert auc["value"] is None
    assert "class scores" in auc["reason"]


def test_differences_are_paired_and_the_margin_decides(study: Path) -> None:
    document = read_json(study / "readers.json")

    assert document["margin"] == 0.1
    assert [(d["reference"], d["other"]) for d in document["kappa_differences"]] == [
        ("Reader 1", "model"),
        ("Reader 2", "model"),
    ]
    for one, comparison in zip(document["kappa_differences"], document["comparisons"], strict=True):
        figure = comparison["figures"]["kappa_linear"]
        sides = document["against_truth"]
        apart = (
            sides["model"]["pfirrmann"]["kappa_linear"]["value"]
            - sides[one["reference"]]["pfirrmann"]["kappa_linear"]["value"]
        )
        assert figure["difference"]["value"] == pytest.approx(apart, abs=1e-4)
        assert one["difference"] == figure["difference"]
        assert one["is_not_inferior"] is (one["difference"]["ci95"][0] > -0.1)
        assert one["p"] == pytest.approx(figure["p"], abs=1e-4)
        assert comparison["permutation_test"]["exact"] is True  # six patients, 64 swaps


@pytest.mark.slow
def test_readers_alone_are_compared_with_each_other_and_nothing_is_claimed(
    truth: Path, tmp_path: Path
) -> None:
    first = simulated_reader(truth, tmp_path / "a", 1, wrong=0.5)
    second = simulated_reader(truth, tmp_path / "b", 2, wrong=0.1)
    for out in ("one", "two"):
        assert compare_readers(truth, first, second, "--out", tmp_path / out, *FEW) == 0

    document = read_json(tmp_path / "one" / "readers.json")
    assert [(d["reference"], d["other"]) for d in document["kappa_differences"]] == [("a", "b")]
    assert document["kappa_differences"][0]["is_not_inferior"] is None
    text = " ".join((tmp_path / "one" / "results.txt").read_text().split())
    assert "No margin was stated" in text
    assert "all 64 swaps" in text
    for path in (tmp_path / "one").rglob("*.*"):
        again = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == again.read_bytes(), path.name


def test_a_reader_who_drew_no_herniation_is_mentioned(truth: Path, tmp_path: Path) -> None:
    assert any(b.label in LESION_LABELS for one in annotations(truth) for b in one.boxes)
    folder = tmp_path / "grades-only"
    folder.mkdir()
    for one in annotations(truth):
        kept = tuple(box for box in one.boxes if box.label in GRADE_LABELS)
        write_labelme(folder / f"{one.image}.json", replace(one, boxes=kept), image_path="x.png")

    assert compare_readers(truth, folder, "--out", tmp_path / "out", *FEW) == 0

    text = " ".join((tmp_path / "out" / "results.txt").read_text().split())
    assert "grades-only drew no herniation on any image" in text
    assert "coefficient of grades-only against the truth was 1.00" in text
    assert read_json(tmp_path / "out" / "readers.json")["kappa_differences"] == []


def test_only_some_images_were_read(truth: Path, tmp_path: Path) -> None:
    folder = simulated_reader(truth, tmp_path / "r", 1, wrong=0.2)
    unread = sorted(folder.glob("*.json"))[-1]
    unread.unlink()
    out = tmp_path / "out"

    assert compare_readers(truth, folder, "--out", out, *FEW) == 2
    kept = sorted(folder.glob("*.json"))[0].stem
    assert compare_readers(truth, folder, "--images", kept, "--out", out, *FEW) == 0

    document = read_json(out / "readers.json")
    assert (document["images"], document["patients"]) == (1, 1)
    assert document["agreement"][0]["kappa_linear"]["ci95"] is None


def test_bad_input_is_one_message_and_leaves_nothing(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = simulated_reader(truth, tmp_path / "r", 1, wrong=0.2)
    twin = simulated_reader(truth, tmp_path / "elsewhere" / "R", 1, wrong=0.2)
    called_model = simulated_reader(truth, tmp_path / "Model", 1, wrong=0.2)
    (tmp_path / "short.json").write_text("{}")
    out = tmp_path / "out"
    for arguments, word in (
        ((truth, tmp_path / "nowhere"), "nowhere: no annotations"),
        ((reader, reader), "no annotations/*.json"),
        ((truth, reader, twin), "distinct names"),
        ((truth, called_model), "rename the folder"),
        ((truth, reader, "--margin", "1.5"), "--margin 1.5"),
        ((truth, reader, "--model", tmp_path / "short.json"), "no predictions for 6 of 6"),
        ((truth, reader, "--images", "*axial*"), "--images"),
    ):
        assert compare_readers(*arguments, "--out", out, *FEW) == 2
        message = capsys.readouterr().err
        assert message.startswith("error: ")
        assert word in message
        assert not out.exists()


@pytest.mark.slow
def test_the_kappa_of_the_model_is_the_published_one(shared_data: Path, tmp_path: Path) -> None:
    """Real slices; the reader is simulated, there is no second reader of them."""
    results = Path(__file__).resolve().parents[2] / "docs" / "results"
    reader = simulated_reader(shared_data / "spider-lumbar", tmp_path / "simulated", 1, wrong=0.3)
    chosen = ("--images", "*_t2_mid", "--discs", "1", "6")
    model = ("--model", results / "predictions.json")
    words = (shared_data / "spider-lumbar", reader, *chosen, *model, "--out", tmp_path / "out")

    assert compare_readers(*words, *FEW) == 0

    sides = read_json(tmp_path / "out" / "readers.json")["against_truth"]
    published = read_json(results / "t2-mid" / "metrics.json")["slice_wise"]["pfirrmann"]
    for name in ("kappa_linear", "kappa_quadratic", "exact_all", "disc_recall"):
        assert sides["model"]["pfirrmann"][name]["value"] == published[name]["value"]
    assert sides["simulated"]["pfirrmann"]["within_one"]["value"] == 1
    assert (
        sides["simulated"]["lesions"]["herniation sagittal"]["slice_wise"]["recall"]["value"] > 0.9
    )
