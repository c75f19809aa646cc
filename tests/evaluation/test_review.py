"""What a person accepted, read back: the share against a hand count, and files that do not fit."""

import csv
from pathlib import Path

import pytest
from evaluation_cases import truth_of

from discern.annotations import GroundTruth
from discern.errors import DatasetError
from discern.evaluation.review import (
    COLUMNS,
    Digests,
    Verdict,
    accepted_shares,
    read_review,
)
from discern.spine import Plane

DIGESTS = Digests("d" * 64, "p" * 64)
IMAGES = ("1_a", "1_b", "2_a")


def write(path: Path, *rows: tuple[str, ...], head: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([head, *rows])
    return path


def row(image: str, verdict: str = "accepted", digests: Digests = DIGESTS) -> tuple[str, ...]:
    return image, "sagittal", verdict, digests.data, digests.predictions


def test_verdicts_are_read_whatever_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "review.csv", row("2_a", "rejected"), row("1_b"), row("1_a"))

    assert read_review(path, IMAGES, DIGESTS) == {
        "1_a": Verdict.ACCEPTED,
        "1_b": Verdict.ACCEPTED,
        "2_a": Verdict.REJECTED,
    }


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    lines = [",".join(COLUMNS), *(",".join(row(image)) for image in IMAGES)]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())

    assert set(read_review(path, IMAGES, DIGESTS)) == set(IMAGES)


BAD = {
    "unknown image": ([*map(row, IMAGES), row("9_z")], "line 5: '9_z' is not among the images"),
    "undecided": ([row("1_a")], "2 of 3 images undecided .1_b, 2_a.; go on in review.html"),
    "second verdict": ([row("1_a"), row("1_a", "rejected")], "line 3: a second verdict on '1_a'"),
    "unknown verdict": ([row("1_a", "maybe")], "'maybe'; it must be one of accepted, rejected"),
    "other data": ([row("1_a", digests=Digests("x", "p" * 64))], "line 2: .* another data set"),
    "other predictions": (
        [row("1_a", digests=Digests("d" * 64, "x"))],
        "line 2: .* other predictions; .*predictions.json",
    ),
    "nothing": ([], "3 of 3 images undecided"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_review_that_does_not_fit_is_refused(tmp_path: Path, name: str) -> None:
    rows, message = BAD[name]
    path = write(tmp_path / "review.csv", *rows)

    with pytest.raises(DatasetError, match=rf"review\.csv.*{message}"):
        read_review(path, IMAGES, DIGESTS)


def test_a_missing_column_or_file_and_other_kinds_of_file_are_named(tmp_path: Path) -> None:
    short = write(tmp_path / "short.csv", ("1_a", "accepted"), head=("image", "verdict"))
    with pytest.raises(DatasetError, match="no column plane, data_digest, prediction_digest"):
        read_review(short, IMAGES, DIGESTS)

    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read_review(tmp_path / "none.csv", IMAGES, DIGESTS)

    (tmp_path / "image.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    with pytest.raises(DatasetError, match=r"image\.csv: not a CSV file"):
        read_review(tmp_path / "image.csv", IMAGES, DIGESTS)


def slices(patient: str, plane: Plane, count: int) -> list[GroundTruth]:
    return [
        truth_of(image=f"{patient}_{plane}_{i}", patient=patient, plane=plane) for i in range(count)
    ]


def test_the_share_is_that_of_a_hand_count_and_patients_are_resampled() -> None:
    truths = [
        *(slices("a", Plane.SAGITTAL, 4) + slices("b", Plane.SAGITTAL, 4)),
        *slices("a", Plane.AXIAL, 2),
    ]
    rejected = {"a_sagittal_0", "b_sagittal_1", "a_axial_0"}
    verdicts = {
        t.image: Verdict.REJECTED if t.image in rejected else Verdict.ACCEPTED for t in truths
    }

    shares = accepted_shares(truths, verdicts, resamples=200, seed=1)

    sagittal, axial = shares[Plane.SAGITTAL], shares[Plane.AXIAL]
    assert (sagittal.share.value, sagittal.images) == (0.75, 8)
    assert sagittal.share.ci95 == (0.75, 0.75)  # both patients have the same share
    assert (axial.share.value, axial.images) == (0.5, 2)


def test_a_plane_without_slices_has_no_share() -> None:
    truths = slices("a", Plane.SAGITTAL, 1)
    verdicts = {truths[0].image: Verdict.ACCEPTED}

    axial = accepted_shares(truths, verdicts, resamples=100, seed=1)[Plane.AXIAL]

    assert (axial.share.value, axial.share.reason, axial.images) == (None, "no axial image", 0)
