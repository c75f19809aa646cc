from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from discern.errors import DatasetError
from discern.evaluation.robustness import (
    UNTOUCHED,
    Reading,
    Step,
    discs_text,
    figures_of,
    read_discs,
    read_readings,
    readings_csv,
    robustness_files,
)

STEPS = (
    Step(UNTOUCHED, "", 0.0),
    *(Step("noise", "% of the brightness of fluid", value) for value in (3.0, 6.5)),
    Step("blur", "px", 2.0),
)


def _counts(seed: int, patients: int, missed: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = np.zeros((patients, 6, 6), dtype=np.int64)
    for patient in range(patients):
        for _ in range(6):
            truth = int(rng.integers(5))
            found = rng.random() >= missed
            answer = int(np.clip(truth + rng.integers(-1, 2), 0, 4)) if found else 5
            counts[patient, truth, answer] += 1
        counts[patient, 5, int(rng.integers(5))] += int(rng.integers(2))
    return counts


def _readings(*runs: str) -> list[Reading]:
    patients = tuple(f"p{number}" for number in range(9))
    return [
        Reading(run, "abc", step, patients, _counts(10 * i + j, 9, 0.1 * i))
        for i, step in enumerate(STEPS)
        for j, run in enumerate(runs)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_discs_of_a_patient_are_read_as_they_were_written(seed: int) -> None:
    (confusion,) = _counts(seed, 1, 0.3)
    np.testing.assert_array_equal(read_discs(discs_text(confusion)), confusion)


@pytest.mark.parametrize("text", ["2", "23 6-", "234", "x1"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        read_discs(text)


def test_the_file_holds_every_reading(tmp_path: Path) -> None:
    readings = _readings("yolov5", "best")
    (tmp_path / "one.csv").write_text(readings_csv(readings), encoding="utf-8")
    again = read_readings(tmp_path / "one.csv")
    assert [(r.run, r.weights, r.step, r.patients) for r in again] == [
        (r.run, r.weights, r.step, r.patients) for r in readings
    ]
    for one, other in zip(again, readings, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
    assert read_readings(tmp_path / "none.csv") == []


def test_other_files_and_damaged_rows_are_named(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("run,study\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"one\.csv: no table of readings"):
        read_readings(file)
    text = readings_csv(_readings("best"))
    file.write_text(text.rsplit(",", maxsplit=1)[0] + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="8 patients instead of 9"):
        read_readings(file)


def test_the_figures_are_those_of_scikit_learn() -> None:
    (reading,) = [one for one in _readings("best") if one.step == STEPS[2]]
    found = [
        (t, a)
        for (_, t, a), count in np.ndenumerate(reading.counts)
        for _ in range(count)
        if t < 5 and a < 5
    ]
    truths, answers = zip(*found, strict=True)
    figures = figures_of(reading)
    kappa = cohen_kappa_score(truths, answers, labels=range(5), weights="quadratic")
    assert figures["kappa_quadratic"].value == pytest.approx(kappa)
    assert figures["exact"].value == pytest.approx(np.mean([t == a for t, a in found]))
    assert figures["disc_recall"].value == pytest.approx(len(found) / 54)
    low, high = figures["disc_recall"].ci95 or (1.0, 0.0)
    assert low < len(found) / 54 < high


def test_tables_stand_side_by_side_and_mark_what_is_not_to_be_quoted() -> None:
    readings = _readings("yolov5", "best")
    text, files = robustness_files(readings)
    assert set(files) == {
        "robustness.md",
        *(
            f"figures/robustness-{name}.{kind}"
            for name in ("kappa-quadratic", "disc-recall")
            for kind in ("png", "svg")
        ),
    }
    assert files["robustness.md"].decode() == text
    kappas = text.split("\n\n")[2].splitlines()
    assert kappas[0].split("|")[3].strip() == "yolov5"
    assert [row.split("|")[1].strip() for row in kappas[2:]] == [
        *("untouched", "noise", "noise", "blur")
    ]
    assert [row.split("|")[2].strip() for row in kappas[2:]] == ["-", "3", "6.5", "2"]
    assert ["*" in row for row in kappas[2:]] == [False, True, True, True]
    svg = files["figures/robustness-kappa-quadratic.svg"].decode()
    assert all(f">{name}</text>" in svg for name in ("noise", "blur", "yolov5", "best"))


def test_the_same_readings_give_the_same_bytes() -> None:
    assert robustness_files(_readings("best"))[1] == robustness_files(_readings("best"))[1]
