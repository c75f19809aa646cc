"""Disc by disc from end to end: real truth, and ``discern evaluate`` on a folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_cases import Box, perfect, predicted
from PIL import Image

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.cli.main import run
from discern.dataset.sources import read_dataset
from discern.errors import UsageError
from discern.evaluation.disc_answers import LesionTruth
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.spine import Label, Plane

UPPER, LOWER = (20.0, 30.0, 60.0, 45.0), (20.0, 70.0, 60.0, 85.0)
BEHIND_UPPER, BEHIND_LOWER = (52.0, 28.0, 68.0, 48.0), (52.0, 68.0, 68.0, 88.0)
FEW = EvaluationOptions(resamples=50)


def write_slice(folder: Path, name: str, *boxes: TruthBox) -> None:
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (128, 96), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "images" / f"{name}.png")
    truth = GroundTruth(name, name.split("_", maxsplit=1)[0], Plane.SAGITTAL, (128, 96), boxes)
    path = folder / "annotations" / f"{name}.json"
    write_labelme(path, truth, image_path=f"../images/{name}.png")


def evaluated(
    folder: Path, predictions: dict[str, tuple[PredictedBox, ...]], *options: str
) -> dict[str, Any]:
    (folder / "p.json").write_text(predictions_json(predictions))
    out = folder / "out"
    words = ["evaluate", folder, "--predictions", folder / "p.json", "--out", out, *options]
    with pytest.raises(SystemExit) as leaving:
        run([*map(str, words), "--resamples", "100"])
    assert leaving.value.code == 0
    document: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return document


def boxes(upper: int, lower: int, herniated: Box | None = None) -> tuple[TruthBox, ...]:
    grades = (
        TruthBox(Label(f"pfirrmann_{upper}"), UPPER, 2),
        TruthBox(Label(f"pfirrmann_{lower}"), LOWER, 1),
    )
    return grades if herniated is None else (*grades, TruthBox(Label.HERNIATION, herniated))


def test_the_command_takes_the_slices_of_a_disc_together_and_believes_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_slice(tmp_path, "1_a", *boxes(2, 4, BEHIND_LOWER))
    write_slice(tmp_path, "1_b", *boxes(2, 4))
    write_slice(tmp_path, "2_a", *boxes(3, 5))
    (tmp_path / "discs.csv").write_text(
        "patient,ivd_label,herniation,bulging\n1,1,1,0\n1,2,0,1\n2,1,0,0\n2,2,0,1\n"
    )
    grade_2, grade_4 = (Label.PFIRRMANN_2, Label.PFIRRMANN_4)
    document = evaluated(
        tmp_path,
        {
            "1_a": (predicted(grade_2, UPPER), predicted(Label.HERNIATION, BEHIND_UPPER, 0.4)),
            "1_b": (predicted(grade_4, LOWER), predicted(Label.HERNIATION, BEHIND_LOWER, 0.6)),
            "2_a": (predicted(Label.HERNIATION, BEHIND_UPPER, 0.1),),
        },
    )

    grading = document["disc_wise"]["pfirrmann"]
    assert document["slice_wise"]["pfirrmann"]["disc_recall"]["value"] == round(2 / 6, 4)
    assert grading["disc_recall"]["value"] == 2 / 4
    assert (grading["discs"], grading["slices"], grading["mixed_truth"]) == (4, 6, 0)
    herniation = document["disc_wise"]["herniation"]["sagittal"]
    assert herniation["truth"] == "table of discs"
    assert (herniation["support"], herniation["discs"], herniation["bulging"]) == (1, 4, 2)
    assert herniation["recall"]["value"] == 1
    assert herniation["precision"]["value"] == 1 / 2
    assert herniation["specificity"]["value"] == round(2 / 3, 4)
    assert herniation["false_alarm_on_bulging"]["value"] == 1 / 2
    assert herniation["ppv_at"]["0.25"]["value"] == 1 / 2
    axial = document["disc_wise"]["herniation"]["axial"]
    assert axial["recall"]["reason"] == "no axial image is annotated for herniation"
    assert document["slice_wise"]["clinically_acceptable_auto"]["sagittal"]["value"] == 0
    capsys.readouterr()


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 30.0])
def test_a_prevalence_is_a_share(prevalence: float) -> None:
    with pytest.raises(UsageError, match="give a share between 0 and 1"):
        EvaluationOptions(prevalences=(0.1, prevalence))


def test_the_middle_slices_show_all_but_three_of_the_herniated_discs(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    truths = [truth for truth in dataset.truths if truth.image.endswith("_t2_mid")]

    metrics = evaluate(truths, perfect(truths), options=FEW, records=dataset.records)

    lesions = metrics.disc_wise.lesions[Label.HERNIATION, Plane.SAGITTAL]
    assert (lesions.support, lesions.discs, lesions.unread) == (57, 1174, 0)
    assert lesions.recall.value == pytest.approx(54 / 57)
    assert lesions.precision.value == lesions.specificity.value == 1
    assert lesions.false_alarm_on_bulging.value == 0
    assert lesions.truth is LesionTruth.RECORDS
    assert metrics.acceptable[Plane.SAGITTAL].share.value == 1


def test_up_to_four_slices_show_each_disc_of_the_other_sequence(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    truths = [truth for truth in dataset.truths if "_t2space_" in truth.image]

    metrics = evaluate(truths, perfect(truths), options=FEW, records=dataset.records)

    assert metrics.disc_wise.slices == 1083
    assert metrics.disc_wise.discs == len({(t.patient, b.disc) for t in truths for b in t.boxes})
    assert metrics.disc_wise.mixed_truth == 0
    assert metrics.disc_wise.pfirrmann.kappa_linear.value == 1
    reason = metrics.disc_wise.lesions[Label.HERNIATION, Plane.SAGITTAL].recall.reason
    assert reason == "no sagittal image is annotated for herniation"
