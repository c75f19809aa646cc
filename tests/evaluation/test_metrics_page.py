"""docs/metrics.md: the example is read from the page, evaluated, and every value compared."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from discern.annotations import GroundTruth, TruthBox, write_labelme
from discern.cli.main import run
from discern.evaluation.predictions import PredictedBox, predictions_json
from discern.spine import GRADE_LABELS, Label, Plane

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
DISCS_CSV = "patient,ivd_label,herniation,bulging\nA,1,1,0\nA,2,0,1\nB,1,0,1\nB,2,0,0\nB,3,0,0\n"
BESIDE = (10.0, 150.0, 30.0, 170.0)

Box = tuple[float, float, float, float]
Row = tuple[str, ...]


def rows_of(first_column: str) -> list[Row]:
    """Return the cells of the rows of the last table whose head starts with ``first_column``."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return rows


def disc_box(place: str) -> Box:
    if place == "beside":
        return BESIDE
    bottom = 200.0 - 50 * int(place.removeprefix("disc "))
    return (60.0, bottom - 20, 120.0, bottom)


def lesion_box(place: str) -> Box:
    _, top, right, bottom = disc_box(place)
    return (right - 20, top - 2, right + 10, bottom + 2)


def truth_boxes(place: str, said: str) -> list[TruthBox]:
    disc = int(place.removeprefix("disc ")) if place != "beside" else None
    grades = [int(grade) for grade in re.findall(r"grade (\d)", said)]
    boxes = [TruthBox(GRADE_LABELS[grade - 1], disc_box(place), disc) for grade in grades]
    if "herniation" in said:
        boxes.append(TruthBox(Label.HERNIATION, lesion_box(place), disc))
    return boxes


def predicted_boxes(place: str, said: str) -> list[PredictedBox]:
    grades = {int(grade): float(score) for grade, score in re.findall(r"(\d): ([\d.]+)", said)}
    boxes = []
    if grades:
        scores = tuple(grades.get(grade, 0.0) for grade in range(1, 6))
        best = GRADE_LABELS[int(np.argmax(scores))]
        boxes.append(PredictedBox(best, max(scores), (*scores, 0.0, 0.0), disc_box(place)))
    lesions = map(float, re.findall(r"herniation: ([\d.]+)", said))
    boxes += [PredictedBox(Label.HERNIATION, one, None, lesion_box(place)) for one in lesions]
    return boxes


def write_example(folder: Path) -> None:
    """Write images, annotations, table of discs and predictions of the page."""
    truths: dict[str, list[TruthBox]] = defaultdict(list)
    answers: dict[str, list[PredictedBox]] = defaultdict(list)
    for name, place, truth, answer in rows_of("slice"):
        truths[name] += truth_boxes(place, truth)
        answers[name] += predicted_boxes(place, answer)
    for part in ("images", "annotations"):
        (folder / part).mkdir()
    for name, boxes in truths.items():
        Image.fromarray(np.zeros((200, 200), dtype=np.uint8)).save(folder / f"images/{name}.png")
        truth_ = GroundTruth(name, name[0], Plane.SAGITTAL, (200, 200), tuple(boxes))
        path = folder / "annotations" / f"{name}.json"
        write_labelme(path, truth_, image_path=f"../images/{name}.png")
    (folder / "discs.csv").write_text(DISCS_CSV)
    predictions = {name: tuple(boxes) for name, boxes in answers.items()}
    (folder / "predictions.json").write_text(predictions_json(predictions))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("example")
    write_example(folder)
    words = ["evaluate", folder, "--predictions", folder / "predictions.json"]
    with pytest.raises(SystemExit) as leaving:
        run([*map(str, words), "--out", str(folder / "out"), "--resamples", "100"])
    assert leaving.value.code == 0
    loaded: dict[str, Any] = json.loads((folder / "out" / "metrics.json").read_text())
    return loaded


def example_values() -> list[Row]:
    """Return path, working and value of every row of the worked example."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in rows if re.fullmatch(r"`\w+(/[\w.]+)+`", row[0])]


def test_the_example_is_read_whole() -> None:
    assert (len(rows_of("slice")), len(example_values())) == (8, 27)


@pytest.mark.parametrize("row", example_values(), ids=lambda row: row[0].strip("`"))
def test_every_value_of_the_example_is_computed(document: dict[str, Any], row: Row) -> None:
    path, _, stated = row
    node: Any = document
    for key in path.strip("`").split("/"):
        node = node[key]

    assert node["value"] == pytest.approx(float(stated), abs=1e-9)
