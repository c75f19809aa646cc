from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_folder import graded_patients
from hypothesis import assume, given
from hypothesis import strategies as st

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.sources import Dataset
from discern.dataset.splits import (
    external_splits,
    fold_splits,
    read_split,
    split_patients,
    verify_split,
    write_split,
)
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, Plane


def _dataset(grades: list[int]) -> Dataset:
    truths = tuple(
        GroundTruth(
            image=f"{number}_x",
            patient=str(number),
            plane=Plane.SAGITTAL,
            shape_px=(10, 10),
            boxes=(TruthBox(GRADE_LABELS[grade - 1], (0, 0, 4, 2)),),
        )
        for number, grade in enumerate(grades)
    )
    return Dataset("synthetic", Path(), truths, "0" * 64, "synthetic")


@given(
    grades=st.lists(st.integers(1, 5), min_size=2, max_size=60),
    seed=st.integers(0, 5),
    folds=st.integers(2, 6),
)
def test_no_patient_is_in_two_folds_and_none_is_lost(
    grades: list[int], seed: int, folds: int
) -> None:
    assume(folds <= len(grades))
    dataset = _dataset(grades)
    splits = fold_splits(dataset, seed, folds)
    assert sorted(p for fold in splits for p in fold.test) == sorted(dataset.patients)
    for fold in splits:
        together = [*fold.train, *fold.validation, *fold.test]
        assert sorted(together) == sorted(dataset.patients)
        assert fold.train
        assert len(fold.test) in {len(grades) // folds, len(grades) // folds + 1}


@given(grades=st.lists(st.integers(1, 5), min_size=7, max_size=60), seed=st.integers(0, 5))
def test_no_patient_is_in_two_parts_and_none_is_lost(grades: list[int], seed: int) -> None:
    dataset = _dataset(grades)
    split = split_patients(dataset, seed)
    together = [*split.train, *split.validation, *split.test]
    assert sorted(together) == sorted(dataset.patients)
    assert all(split.parts.values())


def test_shares_and_grades_are_alike() -> None:
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 6, 420).tolist()
    split = split_patients(_dataset(grades), seed=3)
    parts = (split.train, split.validation, split.test)
    assert [len(part) for part in parts] == [294, 84, 42]  # the paper's numbers
    means = [np.mean([grades[int(patient)] for patient in part]) for part in parts]
    assert np.ptp(means) < 0.1


def test_folds_are_alike_in_grades_and_scanners(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 6, 100).tolist()
    makers = rng.choice(["SIEMENS", "Philips Healthcare", "Philips Medical Systems"], 100).tolist()
    dataset = replace(_dataset(grades), folder=tmp_path)
    rows = "".join(f"{number},{maker}\n" for number, maker in enumerate(makers))
    (tmp_path / "patients.csv").write_text(f"patient,manufacturer\n{rows}")
    siemens = makers.count("SIEMENS") / 5
    for fold in fold_splits(dataset, 0, 5):
        tested = [int(patient) for patient in fold.test]
        assert abs(np.mean([grades[patient] for patient in tested]) - np.mean(grades)) < 0.2
        assert abs([makers[patient] for patient in tested].count("SIEMENS") - siemens) <= 1
        kept = [makers[int(patient)] for patient in fold.validation]
        assert 2 <= kept.count("SIEMENS") <= 4  # of about 80 patients, a third is Siemens


def test_one_vendor_is_tested_after_training_on_the_other(tmp_path: Path) -> None:
    dataset = replace(_dataset([1 + n % 5 for n in range(41)]), folder=tmp_path)
    makers = ["SIEMENS", "Philips Healthcare", "Philips Medical Systems", "Siemens Healthineers"]
    rows = "".join(f"{n},{makers[n % 4]}\n" for n in range(40)) + "40,\n"
    (tmp_path / "patients.csv").write_text(f"patient,manufacturer\n{rows}")
    splits = external_splits(dataset, "manufacturer", 0)
    assert list(splits) == ["Philips", "Siemens"]
    philips = {str(n) for n in range(40) if n % 4 in {1, 2}}
    siemens = {str(n) for n in range(40) if n % 4 in {0, 3}}
    assert set(splits["Philips"].test) == philips
    assert set(splits["Siemens"].test) == siemens
    for split, rest in ((splits["Philips"], siemens), (splits["Siemens"], philips)):
        assert {*split.train, *split.validation} == rest
        assert len(split.validation) == 2
    assert external_splits(dataset, "manufacturer", 0) == splits
    with pytest.raises(DatasetError, match="no value or is no column"):
        external_splits(dataset, "vendor_name", 0)


def test_a_column_of_measurements_makes_no_external_test(tmp_path: Path) -> None:
    dataset = replace(_dataset([1, 2, 3] * 8), folder=tmp_path)
    rows = "".join(f"{n},{20 + n}\n" for n in range(24))
    (tmp_path / "patients.csv").write_text(f"patient,age_years\n{rows}")
    with pytest.raises(DatasetError, match="24 values"):
        external_splits(dataset, "age_years", 0)


def test_the_seed_decides() -> None:
    dataset = _dataset([1 + n % 5 for n in range(40)])
    assert split_patients(dataset, 1) == split_patients(dataset, 1)
    assert split_patients(dataset, 1) != split_patients(dataset, 2)
    assert fold_splits(dataset, 1, 4) == fold_splits(dataset, 1, 4)
    assert fold_splits(dataset, 1, 4) != fold_splits(dataset, 2, 4)


def test_a_split_survives_the_disk_and_other_data_are_refused(tmp_path: Path) -> None:
    dataset = graded_patients(tmp_path / "set", [1, 2, 3, 4, 5, 1, 2, 3])
    split = split_patients(dataset, 0)
    write_split(split, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", dataset) == split
    with pytest.raises(DatasetError, match="other data"):
        read_split(tmp_path / "split.json", replace(dataset, digest="f" * 64))


def test_a_leak_and_a_stranger_are_refused() -> None:
    dataset = _dataset([1, 2, 3, 4, 5, 1, 2, 3])
    split = split_patients(dataset, 0)
    with pytest.raises(DatasetError, match="leaks"):
        verify_split(replace(split, test=split.train[:1]), dataset)
    with pytest.raises(DatasetError, match="lacks"):
        verify_split(replace(split, test=("stranger",)), dataset)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"schema": "discern.split/1"}'])
def test_another_file_is_no_split(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"split\.json"):
        read_split(path, _dataset([1, 2]))


def test_impossible_requests_are_refused() -> None:
    dataset = _dataset([1, 2, 3])
    with pytest.raises(DatasetError, match="add up"):
        split_patients(dataset, 0, (0.5, 0.2, 0.2))
    with pytest.raises(DatasetError, match="choose 2 to 3"):
        fold_splits(dataset, 0, 4)
    with pytest.raises(DatasetError, match="test part would be empty"):
        split_patients(dataset, 0)
    alone = _dataset([3])
    with pytest.raises(DatasetError, match=r"too few patients \(1\)"):
        split_patients(alone, 0)
    with pytest.raises(DatasetError, match=r"too few patients \(1\)"):
        fold_splits(alone, 0, 2)
