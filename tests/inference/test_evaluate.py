"""``discern evaluate`` on a small data set made on the spot."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.dataset.samples import read_image
from discern.dataset.sources import read_dataset
from discern.errors import DatasetError, UsageError
from discern.evaluation.metrics import EvaluationOptions
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.inference.evaluate import EvaluationJob, Selection, run_job
from discern.spine import Label, Plane
from discern.weights import embed, image_hash, load_weights, shipped_weights

FEW = EvaluationOptions(resamples=100)
BOXES = {
    1: TruthBox(Label.PFIRRMANN_3, (20.0, 80.0, 60.0, 95.0), 1),
    2: TruthBox(Label.PFIRRMANN_2, (20.0, 50.0, 60.0, 62.0), 2),
    7: TruthBox(Label.PFIRRMANN_1, (20.0, 20.0, 60.0, 32.0), 7),
}


def make_dataset(folder: Path, patients: tuple[str, ...]) -> Path:
    """Write one noise image and its boxes for each patient."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (128, 96), dtype=np.uint8)
    for patient in patients:
        name = f"{patient}_t2_mid"
        Image.fromarray(noise).save(folder / "images" / f"{name}.png")
        truth = GroundTruth(name, patient, Plane.SAGITTAL, (128, 96), tuple(BOXES.values()))
        path = folder / "annotations" / f"{name}.json"
        write_labelme(path, truth, image_path=f"../images/{name}.png")
    return folder


def write_perfect(path: Path, dataset: Path) -> Path:
    truths = read_dataset(dataset).truths
    boxes = {
        t.image: tuple(PredictedBox(b.label, 0.9, None, b.box_xyxy_px) for b in t.boxes)
        for t in truths
    }
    path.write_text(predictions_json(boxes))
    return path


def test_predictions_made_elsewhere_give_metrics_and_table(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))
    job = EvaluationJob(
        dataset, predictions=write_perfect(tmp_path / "p.json", dataset), options=FEW
    )

    table = run_job(job, tmp_path / "out")

    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["slice_wise"]["pfirrmann"]["exact"]["value"] == 1.0
    assert "2 patients" in table


def test_discs_outside_the_range_are_neither_right_nor_wrong(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))
    predictions = write_perfect(tmp_path / "p.json", dataset)
    job = EvaluationJob(dataset, Selection(discs=(1, 6)), predictions=predictions, options=FEW)

    run_job(job, tmp_path / "out")

    pfirrmann = json.loads((tmp_path / "out" / "metrics.json").read_text())["slice_wise"][
        "pfirrmann"
    ]
    assert pfirrmann["per_grade"]["1"]["support"] == 0
    assert pfirrmann["false_per_image"]["value"] == 0.0
    assert pfirrmann["per_grade"]["3"]["support"] == 2


def test_predictions_for_unknown_images_are_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))
    other = make_dataset(tmp_path / "other", ("a", "b", "c"))
    job = EvaluationJob(dataset, predictions=write_perfect(tmp_path / "p.json", other))

    with pytest.raises(DatasetError, match="c_t2_mid"):
        run_job(job, tmp_path / "out")


def test_the_network_runs_on_patients_it_has_not_seen(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))

    run_job(EvaluationJob(dataset, options=FEW), tmp_path / "out")

    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        *("metrics.json", "predictions.json", "tables.md", "evaluation.html"),
        *("gallery.html", "review.html", "tables", "figures"),
    }
    predictions = json.loads((tmp_path / "out" / "predictions.json").read_text())
    labels = {box["label"] for name in ("a", "b") for box in predictions[f"{name}_t2_mid"]}
    assert "hiz" not in labels  # never trained, so never predicted


def test_training_patients_are_refused_and_only_shown_with_a_banner(tmp_path: Path) -> None:
    assert load_weights(shipped_weights()).metadata.training_patients
    dataset = make_dataset(tmp_path / "spider-lumbar", ("1", "2"))
    job = EvaluationJob(dataset, options=FEW)

    with pytest.raises(DatasetError, match="--allow-training-patients"):
        run_job(job, tmp_path / "out")

    table = run_job(replace(job, allow_training_patients=True), tmp_path / "out")
    for text in (table, (tmp_path / "out" / "tables.md").read_text()):
        assert "*** 2 OF 2 PATIENTS WERE USED TO TRAIN" in text
    assert "USED TO TRAIN" in (tmp_path / "out" / "evaluation.html").read_text()
    assert "USED TO TRAIN" in json.loads((tmp_path / "out" / "metrics.json").read_text())["warning"]


def test_a_training_image_is_known_under_another_name(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "renamed", ("x", "y"))
    file = next((dataset / "images").glob("x_*"))
    Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    shipped = load_weights(shipped_weights())
    seen = replace(shipped.metadata, training_images=(image_hash(read_image(file)),))
    network = onnx.load_model_from_string(shipped.onnx_bytes)
    (tmp_path / "w.onnx").write_bytes(embed(network, seen))

    with pytest.raises(DatasetError, match="1 of 2 patients were used to train"):
        run_job(EvaluationJob(dataset, weights=tmp_path / "w.onnx", options=FEW), tmp_path / "out")


def test_the_shipped_weights_know_their_images_again(shared_data: Path, tmp_path: Path) -> None:
    source, copy = shared_data / "spider-lumbar", tmp_path / "another-name"
    for part, suffix in (("images", "png"), ("annotations", "json")):
        (copy / part).mkdir(parents=True)
        shutil.copy(source / part / f"9_t2_mid.{suffix}", copy / part / f"p_1.{suffix}")

    with pytest.raises(DatasetError, match="1 of 1 patients were used to train"):
        run_job(EvaluationJob(copy, options=FEW), tmp_path / "out")


def test_contradicting_or_empty_choices_are_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a",))
    both = EvaluationJob(dataset, weights=shipped_weights(), predictions=tmp_path / "p.json")

    with pytest.raises(UsageError, match="both only with --operating-point"):
        run_job(both, tmp_path / "out")
    with pytest.raises(UsageError, match="nothing_"):
        run_job(EvaluationJob(dataset, Selection(images="nothing_*")), tmp_path / "out")


def test_tables_of_discs_and_patients_reach_the_figures(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))
    (dataset / "discs.csv").write_text(
        "patient,ivd_label,herniation,bulging\na,1,0,1\na,2,1,1\nb,1,0,0\nb,2,0,0\n"
    )
    (dataset / "patients.csv").write_text(
        "patient,sex,age_years,manufacturer,field_strength_t,post_operative\n"
        "a,F,39,SIEMENS,1.5,0\nb,M,40,Philips Healthcare,3.0,1\n"
    )
    job = EvaluationJob(
        dataset, predictions=write_perfect(tmp_path / "p.json", dataset), options=FEW
    )

    run_job(job, tmp_path / "out")

    groups = {
        name: list(part["groups"] or ())
        for name, part in json.loads((tmp_path / "out" / "metrics.json").read_text())[
            "subgroups"
        ].items()
    }
    assert groups["vendor"] == ["Philips", "Siemens"]
    assert groups["field_strength"] == ["1.5 T", "3 T"]
    assert groups["sex"] == ["female", "male"]
    assert groups["age"] == ["0 to 39", "40 to 59"]
    assert groups["post_operative"] == ["no", "yes"]


def test_other_predictions_for_more_images_are_compared_on_the_chosen_ones(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b", "c"))
    path = write_perfect(tmp_path / "p.json", dataset)
    job = EvaluationJob(
        dataset, Selection(images="[ab]_*"), predictions=path, against=path, options=FEW
    )

    text = run_job(job, tmp_path / "out")

    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert document["images"] == 2
    assert document["figures"]["exact_all"]["difference"]["value"] == 0.0
    assert "Evaluated compared with Reference" in text


def test_a_picture_that_cannot_be_read_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", ("a", "b"))
    predictions = write_perfect(tmp_path / "p.json", dataset)
    (dataset / "images" / "b_t2_mid.png").write_bytes(b"no picture")

    with pytest.raises(DatasetError, match=r"images/b_t2_mid\.png: not a readable image"):
        run_job(EvaluationJob(dataset, predictions=predictions, options=FEW), tmp_path / "out")
    assert not (tmp_path / "out").exists()
