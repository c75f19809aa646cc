"""``discern calibrate``: weights, tables and figures from predictions and fold files."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.cli.main import run
from discern.dataset.sources import read_dataset
from discern.dataset.splits import fold_splits
from discern.decisions import OperatingPoint
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.imaging.disc_crop import CropRules
from discern.networks import FinderMetadata, Head, TrainedOn
from discern.spine import GRADE_LABELS, Label, PfirrmannGrade, Plane
from discern.weights import WeightsMetadata, embed, load_weights, parse_metadata, shipped_weights

PATIENTS, DISCS, SHARPNESS = 80, 4, 2.0
HERNIATION = (Label.HERNIATION, Plane.SAGITTAL)


def patient_boxes(
    generator: np.random.Generator,
) -> Iterator[tuple[list[TruthBox], list[PredictedBox]]]:
    """Yield truth and prediction of each disc; too sure of the grade, unsure of the lesion."""
    for number in range(1, DISCS + 1):
        box = (10.0, 20.0 * number, 50.0, 20.0 * number + 12)
        true = np.exp(-1.5 * np.abs(np.arange(5) - generator.uniform(-0.5, 4.5)))
        true /= true.sum()
        sharp = true**SHARPNESS / (true**SHARPNESS).sum()
        scores = (*sharp.tolist(), 0.0, 0.0)
        label = GRADE_LABELS[int(sharp.argmax())]
        truth = [TruthBox(GRADE_LABELS[generator.choice(5, p=true)], box, number)]
        found = [PredictedBox(label, max(scores), scores, box)]
        score, place = float(generator.beta(1, 4)), (42.0, box[1], 56.0, box[3])
        if generator.random() < score:
            truth.append(TruthBox(Label.HERNIATION, place, number))
        if generator.random() < 0.9:
            found.append(PredictedBox(Label.HERNIATION, score, (0.0,) * 5 + (score, 0.0), place))
        yield truth, found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``data``, ``predictions.json`` and ``splits``."""
    root = tmp_path_factory.mktemp("calibrate")
    data = root / "data"
    for name in ("images", "annotations"):
        (data / name).mkdir(parents=True)
    generator = np.random.default_rng(1)
    predictions = {}
    for patient in range(PATIENTS):
        stem = f"p{patient}_1"
        gray = generator.integers(0, 255, (128, 96), dtype=np.uint8)
        Image.fromarray(gray).save(data / "images" / f"{stem}.png")
        pairs = list(patient_boxes(generator))
        boxes = tuple(box for truth, _ in pairs for box in truth)
        truth = GroundTruth(stem, f"p{patient}", Plane.SAGITTAL, (128, 96), boxes)
        path = data / "annotations" / f"{stem}.json"
        write_labelme(path, truth, image_path=f"../images/{stem}.png")
        predictions[stem] = tuple(box for _, found in pairs for box in found)
    (root / "predictions.json").write_text(predictions_json(predictions))
    (root / "splits").mkdir()
    splits = fold_splits(read_dataset(data), 0, 4, 0.1)
    for number, split in enumerate(splits, start=1):
        (root / "splits" / f"fold-{number}.json").write_text(split.to_json())
    return root


def status_of(command: str, *words: object) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        run([command, *map(str, words)])
    return stop.value.code


def given(folder: Path) -> tuple[object, ...]:
    predictions, splits = folder / "predictions.json", folder / "splits"
    return (
        *(folder / "data", "--predictions", predictions, "--fold-files", splits),
        *("--resamples", 100),
    )


@pytest.fixture(scope="module")
def calibrated(folder: Path) -> Path:
    out = folder / "out"
    assert status_of("calibrate", *given(folder), "--out", out, "--widest-set", 2) == 0
    return out


def test_the_weights_carry_everything_that_was_fitted(calibrated: Path) -> None:
    shipped, own = (load_weights(p) for p in (shipped_weights(), calibrated / "weights.onnx"))
    about = own.metadata

    assert about.temperature == pytest.approx(SHARPNESS, rel=0.2)
    assert about.conformal is not None
    assert (about.conformal.widest, about.conformal.coverage) == (2, 0.9)
    assert about.conformal.measured is not None
    assert about.conformal.measured.low < 0.9 < about.conformal.measured.high
    assert [one.name for one in about.operating_points] == ["default", "screening", "confirmation"]
    screening, confirmation = (
        about.operating_point(name).threshold(*HERNIATION) for name in ("screening", "confirmation")
    )
    assert screening.sensitivity is not None
    assert confirmation.specificity is not None
    assert screening.score < 0.25 < confirmation.score
    assert screening.sensitivity.value > 0.8
    assert confirmation.specificity.value > 0.95
    (lesion,) = about.lesion_calibrations
    assert {one.point for one in lesion.absent_at} == {"default", "screening", "confirmation"}
    # nothing else was touched, neither description nor networks
    fitted = ("temperature", "conformal", "operating_points", "lesion_calibrations")
    assert replace(shipped.metadata, **{name: getattr(about, name) for name in fitted}) == about
    assert len(own.onnx_bytes) == pytest.approx(len(shipped.onnx_bytes), abs=5000)
    assert parse_metadata(about.to_json()) == about


def test_thresholds_of_lesions_without_truth_are_those_given(folder: Path, tmp_path: Path) -> None:
    scores = ("--score", "hiz:axial=0.6", "--score", "herniation:sagittal=0.4")

    assert status_of("calibrate", *given(folder), *scores, "--out", tmp_path / "out") == 0

    about = load_weights(tmp_path / "out" / "weights.onnx").metadata
    default, screening, confirmation = about.operating_points
    for point in (default, screening, confirmation):
        assert point.min_score(Label.HIZ, Plane.AXIAL) == 0.6
        assert point.threshold(Label.HIZ, Plane.AXIAL).sensitivity is None
        assert point.min_score(Label.HIZ, Plane.SAGITTAL) == 0.25
    assert default.threshold(*HERNIATION).score == 0.4
    assert default.threshold(*HERNIATION).sensitivity is not None
    assert screening.threshold(*HERNIATION).score < 0.4  # truth decides there


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("hiz=0.5", "write LESION:PLANE,"),
        ("hiz:axial=much", "write LESION:PLANE=SCORE"),
        ("pfirrmann_1:sagittal=0.5", "LESION is herniation or hiz"),
        ("hiz:axial=1.5", "between 0 and 1"),
    ],
)
def test_a_threshold_that_means_nothing_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], score: str, said: str
) -> None:
    assert status_of("calibrate", *given(folder), "--score", score, "--out", tmp_path / "o") == 2
    assert said in capsys.readouterr().err


def test_a_lesion_can_be_left_to_the_detector(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = load_weights(shipped_weights())
    crop = CropRules()
    zone = (Label.HIZ, Plane.SAGITTAL)
    heads = (Head(*HERNIATION, TrainedOn.SYNTHETIC), Head(*zone, TrainedOn.REAL))
    finder = FinderMetadata(crop, crop, heads, epochs=1, training_data=(), training_patients=())
    given_heads = (Head(*HERNIATION, TrainedOn.DERIVED),)
    about = replace(shipped.metadata, finder=finder, heads=given_heads)
    file, out = tmp_path / "w.onnx", tmp_path / "out"
    file.write_bytes(embed(onnx.load_model_from_string(shipped.onnx_bytes), about))
    options = (*given(folder), "--weights", file, "--out", out)

    assert status_of("calibrate", *options, "--leave", "herniation:sagittal") == 0

    left = load_weights(out / "weights.onnx").metadata
    assert left.trained_on(*HERNIATION) is TrainedOn.DERIVED
    assert left.trained_on(*zone) is TrainedOn.REAL
    assert left.finder is not None
    assert left.finder.heads == heads[1:]
    assert status_of("calibrate", *options, "--leave", "hiz:sagittal") == 2
    assert "the detector of these weights has not learned hiz" in capsys.readouterr().err
    assert status_of("calibrate", *options, "--leave", "hiz:axial") == 2
    assert "axial slices are read by one network" in capsys.readouterr().err
    assert status_of("calibrate", *options, "--leave", "hiz") == 2
    assert "write LESION:PLANE" in capsys.readouterr().err


def test_the_files_say_what_the_weights_say(calibrated: Path) -> None:
    said = json.loads((calibrated / "calibration.json").read_text())
    described = json.loads(load_weights(calibrated / "weights.onnx").metadata.to_json())

    assert said["schema"] == "discern.calibration/1"
    for name in ("temperature", "conformal", "operating_points", "lesion_calibrations"):
        assert said[name] == described[name]
    tables = (calibrated / "tables.md").read_text()
    for table in ("grade-probabilities", "grade-sets", "grade-set-sizes", "operating-points"):
        assert (calibrated / "tables" / f"{table}.csv").is_file()
    for drawing in ("reliability-grades", "grade-sets", "roc-herniation-sagittal"):
        assert (calibrated / "figures" / f"{drawing}.png").is_file()
    assert "The weights abstain above 2." in tables
    assert "leaving one fold out" in tables.lower()
    assert "<svg" not in tables
    assert "Operating points" in (calibrated / "calibration.html").read_text()


def test_the_same_predictions_give_the_same_bytes(folder: Path, calibrated: Path) -> None:
    again = folder / "again"
    assert status_of("calibrate", *given(folder), "--out", again, "--widest-set", 2) == 0

    for path in calibrated.rglob("*.*"):
        assert (again / path.relative_to(calibrated)).read_bytes() == path.read_bytes(), path


def test_evaluating_at_an_operating_point_gives_its_sensitivity(
    folder: Path, calibrated: Path, tmp_path: Path
) -> None:
    weights = calibrated / "weights.onnx"
    point = load_weights(weights).metadata.operating_point("screening")
    words = (folder / "data", "--predictions", folder / "predictions.json", "--crops", 0)
    named = ("--weights", weights, "--operating-point", "screening", "--resamples", 100)

    assert status_of("evaluate", *words, *named, "--out", tmp_path) == 0

    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["operating_point"]["name"] == "screening"
    recall = metrics["disc_wise"]["herniation"]["sagittal"]["recall"]["value"]
    measured = point.threshold(*HERNIATION).sensitivity
    assert measured is not None
    assert recall >= 0.9 >= measured.low
    drawn = (tmp_path / "figures" / "roc-herniation-sagittal.svg").read_text()
    assert all(name in drawn for name in ("screening", "confirmation", "default"))


@pytest.fixture(scope="module")
def study(folder: Path) -> Path:
    phantom = folder / "phantom"
    assert status_of("phantom", "--out", phantom, "--no-t1") == 0
    (found,) = phantom.glob("*/study")
    return found


def test_a_study_is_read_with_them_without_torch(
    calibrated: Path, study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["analyze", str(study), "--out", str(out), "--operating-point", "screening"]
    words += ["--weights", str(calibrated / "weights.onnx"), "--also", "text,csv,sr"]
    code = "import sys; sys.modules['torch'] = None\n"
    code += f"from discern.cli.main import run\nrun({words!r})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    findings = json.loads((out / "findings.json").read_text())
    about = load_weights(calibrated / "weights.onnx").metadata
    assert about.conformal is not None
    assert findings["operating_point"] == "screening"
    threshold, *others = findings["lesion_thresholds"]
    assert (threshold["label"], threshold["plane"]) == HERNIATION
    assert all(one["sensitivity"] is None for one in others)  # nothing was fitted for them
    screening = about.operating_point("screening").threshold(*HERNIATION)
    assert screening.sensitivity is not None
    assert threshold["score"] == pytest.approx(screening.score)
    assert threshold["sensitivity"]["value"] == pytest.approx(screening.sensitivity.value)
    boxes = [one for one in findings["detections"] if one["label"] == "herniation"]
    assert all(one["score"] >= screening.score - 1e-4 for one in boxes)
    for disc in findings["discs"]:
        grade = disc["pfirrmann"]
        kept = grade["conformal_set"]
        assert kept == list(range(kept[0], kept[-1] + 1))
        assert grade["grade"] in kept
        assert grade["abstain"] == (len(kept) > 2)
        least = about.conformal.least_probability
        certain = [g for g in PfirrmannGrade if grade["probabilities"][g - 1] > least[g - 1] + 1e-4]
        assert set(certain) <= set(kept)


def test_weights_that_were_never_calibrated_give_no_set(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = load_weights(shipped_weights())
    bare = replace(
        shipped.metadata,
        conformal=None,
        operating_points=(OperatingPoint(),),
        lesion_calibrations=(),
    )
    network = onnx.load_model_from_string(shipped.onnx_bytes)
    (tmp_path / "bare.onnx").write_bytes(embed(network, bare))
    words = (study, "--weights", tmp_path / "bare.onnx", "--out", tmp_path / "out")

    assert status_of("analyze", *words) == 0

    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert {str(disc["pfirrmann"]["conformal_set"]) for disc in findings["discs"]} == {"None"}
    assert not any(disc["pfirrmann"]["abstain"] for disc in findings["discs"])
    assert {one["sensitivity"] for one in findings["lesion_thresholds"]} == {None}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "cannot be ruled out" not in page
    assert "sensitivity and specificity not measured" in page
    assert "possible" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--widest-set", 6), "--widest-set 6"),
        (("--images", "x*"), "--images"),
        (("--fold-files", "data/images"), "every patient must be in the test part"),
        (("--predictions", "nothing.json"), "nothing.json"),
        (("--weights", "predictions.json"), "predictions.json"),
    ],
)
def test_what_cannot_be_used_is_said(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.chdir(folder)

    assert status_of("calibrate", *given(folder), "--out", tmp_path / "out", *words) == 2

    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_predictions_without_class_scores_cannot_be_calibrated(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((folder / "predictions.json").read_text())
    for boxes in document.values():
        for box in boxes if isinstance(boxes, list) else ():
            del box["class_scores"]
    (tmp_path / "bare.json").write_text(json.dumps(document))
    words = (*given(folder), "--predictions", tmp_path / "bare.json", "--out", tmp_path / "out")

    assert status_of("calibrate", *words) == 2

    assert "class_scores" in capsys.readouterr().err


def test_an_unknown_operating_point_is_refused_with_those_known(
    folder: Path, calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (folder / "data", "--predictions", folder / "predictions.json")
    named = ("--weights", calibrated / "weights.onnx", "--operating-point", "wild")

    assert status_of("evaluate", *words, *named, "--out", tmp_path / "o") == 2

    said = capsys.readouterr().err
    assert all(name in said for name in ("wild", "default", "screening", "confirmation"))


def test_weights_beside_predictions_need_a_named_operating_point(
    folder: Path, calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (folder / "data", "--predictions", folder / "predictions.json")

    status = status_of(
        "evaluate", *words, "--weights", calibrated / "weights.onnx", "--out", tmp_path / "o"
    )

    assert status == 2
    assert "--operating-point" in capsys.readouterr().err


def test_older_weights_read_as_they_did() -> None:
    item = json.loads(WeightsMetadata("best", "1", ()).to_json())
    del item["conformal"]
    for point in item["operating_points"]:
        del point["lesions"]
    older = {"slope": 2.0, "intercept": -0.3, "prevalence": 0.05, "floor": 0.2}
    item["lesion_calibrations"] = [{"label": "herniation", "plane": "sagittal", **older}]

    about = parse_metadata(json.dumps(item))

    assert about.conformal is None
    assert about.operating_points == (OperatingPoint(),)
    (lesion,) = about.lesion_calibrations
    assert lesion.probability(0.5) == pytest.approx(1 / (1 + np.exp(0.3)))
    floor = 2.0 * np.log(0.2 / 0.8) - 0.3
    assert lesion.probability(None) == pytest.approx(1 / (1 + np.exp(-floor)))
    assert parse_metadata(about.to_json()) == about


def test_a_rule_for_four_grades_is_refused() -> None:
    item = json.loads(WeightsMetadata("best", "1", ()).to_json())
    item["conformal"] = {
        "least_probability": [0.1] * (len(GRADE_LABELS) - 1),
        "widest": 3,
        "coverage": 0.9,
        "measured": None,
    }

    with pytest.raises(ValueError, match="5 grades"):
        parse_metadata(json.dumps(item))
