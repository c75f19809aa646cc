import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dataset_folder import graded_patients, pixels_of
from PIL import Image as PillowImage

from discern.dataset.duplicates import find_copies, fingerprint
from discern.dataset.samples import read_image
from discern.dataset.sources import Dataset, image_files, patient_of, read_dataset
from discern.dataset.splits import Split, fold_splits, verify_split
from discern.errors import DatasetError

Picture = PillowImage.Image


def _through_jpeg(picture: Picture) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return PillowImage.open(buffer)


def _gamma(picture: Picture) -> Picture:
    return PillowImage.fromarray((255 * (np.asarray(picture) / 255) ** 0.7).astype(np.uint8))


def _noisy(picture: Picture) -> Picture:
    noise = np.random.default_rng(0).normal(0, 8, (picture.height, picture.width))
    return PillowImage.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


ALTERED: dict[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "half size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "stretched": lambda picture: picture.resize((picture.width, picture.height * 13 // 10)),
    "JPEG": _through_jpeg,
    "gamma": _gamma,
    "noise": _noisy,
    "mirrored": lambda picture: picture.transpose(PillowImage.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda picture: picture.transpose(PillowImage.Transpose.ROTATE_180),
    "16 bits": lambda picture: PillowImage.fromarray(np.asarray(picture).astype(np.uint16) * 200),
}


def _copies(files: dict[str, Path], patient_of: Callable[[str], str]) -> list[tuple[str, str]]:
    prints = {stem: fingerprint(read_image(path)) for stem, path in files.items()}
    found = find_copies(files, prints, {stem: patient_of(stem) for stem in files})
    return [(copy.first, copy.second) for copy in found]


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED.keys())
def test_an_altered_copy_is_found_among_others(
    tmp_path: Path, change: Callable[[Picture], Picture]
) -> None:
    for name in ("p1", "p2", "p3", "p4"):
        PillowImage.fromarray(pixels_of(name, (300, 260))).save(tmp_path / f"{name}.png")
    change(PillowImage.fromarray(pixels_of("p2", (300, 260)))).save(tmp_path / "p5.png")
    files = {path.stem: path for path in tmp_path.iterdir()}
    assert _copies(files, lambda stem: stem) == [("p2", "p5")]


def test_blank_images_and_no_images_are_no_copies(tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        PillowImage.fromarray(np.full((50, 40), 7, np.uint8)).save(tmp_path / f"{name}.png")
    assert _copies({path.stem: path for path in tmp_path.iterdir()}, lambda stem: stem) == []
    assert _copies({}, lambda stem: stem) == []


def test_images_of_one_group_are_not_compared(tmp_path: Path) -> None:
    for name in ("p1_a", "p1_b"):
        PillowImage.fromarray(pixels_of("one")).save(tmp_path / f"{name}.png")
    files = {path.stem: path for path in tmp_path.iterdir()}
    assert _copies(files, lambda stem: stem.split("_")[0]) == []
    assert _copies(files, lambda stem: stem) == [("p1_a", "p1_b")]


def test_synthetic_patients_may_look_alike(tmp_path: Path) -> None:
    picture = tmp_path / "phantom-1-0_a.png"
    PillowImage.fromarray(pixels_of("one")).save(picture)
    files = {"phantom-1-0_a": picture, "phantom-1-1_a": picture, "7_a": picture}
    assert _copies(files, patient_of) == [
        ("7_a", "phantom-1-0_a"),
        ("7_a", "phantom-1-1_a"),
    ]


def _with_two_names(folder: Path) -> Dataset:
    """Write eight patients, of whom p006 is p001 once more, in another format."""
    graded_patients(folder, [1, 2, 3, 4, 5, 1, 2, 3])
    (folder / "images" / "p006_x.png").unlink()
    PillowImage.fromarray(pixels_of("p001_x")).save(folder / "images" / "p006_x.tif")
    return read_dataset(folder)


def test_one_person_under_two_names_may_not_be_in_two_parts(tmp_path: Path) -> None:
    dataset = _with_two_names(tmp_path / "set")
    others = tuple(p for p in dataset.patients if p not in {"p001", "p006"})
    apart = Split(dataset.digest, (*others, "p001"), ("p006",), ())
    with pytest.raises(DatasetError, match=r"p001_x and p006_x .* near-duplicates .* two names"):
        verify_split(apart, dataset)
    verify_split(Split(dataset.digest, ("p001", "p006"), others, ()), dataset)


@pytest.mark.slow
def test_the_patients_of_the_public_set_are_different_people(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    files = image_files(dataset.folder)
    patient = {truth.image: truth.patient for truth in dataset.truths}
    assert _copies(files, patient.__getitem__) == []


@pytest.mark.slow
def test_altered_slices_of_the_public_set_are_found(shared_data: Path, tmp_path: Path) -> None:
    sources = sorted((shared_data / "spider-lumbar" / "images").glob("*.png"))[::24]
    files = {path.stem: path for path in sources}
    expected = []
    for number, (path, change) in enumerate(zip(sources, list(ALTERED.values()) * 3, strict=False)):
        with PillowImage.open(path) as opened:
            change(opened.convert("L")).save(tmp_path / f"copy{number:02}.png")
        files[f"copy{number:02}"] = tmp_path / f"copy{number:02}.png"
        expected.append((path.stem, f"copy{number:02}"))
    assert sorted(_copies(files, lambda stem: stem.split("_")[0])) == sorted(expected)


@pytest.mark.slow
def test_a_split_of_the_public_set_is_verified_quickly(shared_data: Path) -> None:
    dataset = read_dataset(shared_data / "spider-lumbar")
    split = fold_splits(dataset, seed=0, folds=5)[0]
    started = time.process_time()
    verify_split(split, dataset)
    assert time.process_time() - started < 3  # of one processor, whatever else runs beside it
