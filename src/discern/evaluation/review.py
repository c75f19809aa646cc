"""Slices as a person judged them: ``review.csv`` read back, and the paper's figure from it.

Section 3.2 gives the share of slices that a senior surgeon found clinically acceptable. The review
page of an evaluation asks for that judgement; its file names, on every line, the data and the
predictions that were judged, so that it cannot be read with others.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from discern.annotations import GroundTruth
from discern.errors import DatasetError
from discern.evaluation.agreement import ratio
from discern.evaluation.bootstrap import Figure, draw_patients, figure, figure_json
from discern.spine import Plane

SCHEMA = "discern.review/1"
COLUMNS = ("image", "plane", "verdict", "data_digest", "prediction_digest")
_PLANES = (Plane.SAGITTAL, Plane.AXIAL)
_LISTED = 5


class Verdict(StrEnum):
    """What the person said of a slice."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Digests:
    """What was judged: SHA-256 of the data set and of the predictions."""

    data: str
    predictions: str


@dataclass(frozen=True, slots=True)
class ReviewedShare:
    """Share of accepted slices of one plane; ``images`` is the denominator."""

    share: Figure
    images: int


Verdicts = Mapping[str, Verdict]
"""Image stem -> what the person said."""


def read_review(path: Path, images: Sequence[str], digests: Digests) -> Verdicts:
    """Return the verdicts in ``path``, one for each of ``images``.

    Raises:
        DatasetError: The file cannot be read, lacks a column, is about other data or predictions,
            or does not decide exactly these images once each; what to do is said.
    """
    verdicts: dict[str, Verdict] = {}
    known = frozenset(images)
    for number, row in enumerate(_rows(path), start=2):  # the head is line 1
        where = f"{path.name}, line {number}"
        _require_same(row, digests, where)
        image = row["image"]
        if image not in known:
            raise DatasetError(
                f"{where}: {image!r} is not among the images evaluated; "
                "use the same data, --images and --split as for the review page"
            )
        if image in verdicts:
            raise DatasetError(f"{where}: a second verdict on {image!r}; keep one line")
        verdicts[image] = _verdict(row["verdict"], image, where)
    undecided = sorted(known - set(verdicts))
    if undecided:
        raise DatasetError(
            f"{path.name}: {len(undecided)} of {len(known)} images undecided ({_few(undecided)}); "
            "go on in review.html and download the file again"
        )
    return verdicts


def accepted_shares(
    truths: Sequence[GroundTruth], verdicts: Verdicts, *, resamples: int, seed: int
) -> Mapping[Plane, ReviewedShare]:
    """Return the share of accepted slices of each plane, with intervals over the patients."""
    names = sorted({truth.patient for truth in truths})
    rows = {name: row for row, name in enumerate(names)}
    draws = draw_patients(len(names), resamples, np.random.default_rng(seed))
    shares = {}
    for plane in _PLANES:
        counts = np.zeros((len(names), 2), dtype=np.int64)  # accepted, all
        for truth in truths:
            if truth.plane is plane:
                accepted = verdicts[truth.image] is Verdict.ACCEPTED
                counts[rows[truth.patient]] += (int(accepted), 1)
        accepted_slices, slices = (draws @ counts).T
        shares[plane] = ReviewedShare(
            share=figure(ratio(accepted_slices, slices), f"no {plane} image"),
            images=int(slices[0]),
        )
    return shares


def review_json(shares: Mapping[Plane, ReviewedShare], digests: Digests) -> str:
    """Return the ``discern.review/1`` text: shares to four decimals and what was judged."""
    document = {
        "schema": SCHEMA,
        "data_digest": digests.data,
        "prediction_digest": digests.predictions,
        "clinically_acceptable": {
            str(plane): figure_json(one.share) | {"images": one.images}
            for plane, one in shares.items()
        },
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened, strict=True)
            rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    except OSError as error:
        raise DatasetError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise DatasetError(
            f"{path.name}: not a CSV file ({error}); download it from review.html again"
        ) from error
    if missing:
        raise DatasetError(
            f"{path.name}: no column {', '.join(missing)}; "
            "download it from review.html again and keep its columns, separated by commas"
        )
    return rows


def _require_same(row: Mapping[str, str], digests: Digests, where: str) -> None:
    if row["data_digest"] != digests.data:
        raise DatasetError(
            f"{where}: this review is about another data set, or the data has changed; "
            "evaluate the one it was made for"
        )
    if row["prediction_digest"] != digests.predictions:
        raise DatasetError(
            f"{where}: this review is about other predictions; evaluate the predictions.json "
            "beside the review page, with --predictions and the same choice of images"
        )


def _verdict(word: str, image: str, where: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError as error:
        raise DatasetError(
            f"{where}: the verdict on {image!r} is {word!r}; it must be one of {', '.join(Verdict)}"
        ) from error


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
