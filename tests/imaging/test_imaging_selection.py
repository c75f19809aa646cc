"""One sagittal and every axial T2 series; ranking, overrides and reasons."""

from typing import Any

import pytest

from discern.errors import NoUsableSeries, UsageError
from discern.imaging.selection import Candidate, select
from discern.imaging.study import Image, Series, Slice
from discern.imaging.weighting import DixonPart
from discern.spine import Plane, Weighting

T2, FS, STIR = Weighting.T2, Weighting.T2_FAT_SUPPRESSED, Weighting.STIR
SAGITTAL, AXIAL, CORONAL = Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL


def unread() -> Image:
    raise AssertionError("selection reads no pixels")


def candidate(
    name: str,
    plane: Plane = SAGITTAL,
    weighting: Weighting = T2,
    pixel_mm: float | None = 0.5,
    **rest: Any,  # noqa: ANN401 - fields of Candidate
) -> Candidate:
    spacing_mm = None if pixel_mm is None else (pixel_mm, pixel_mm)
    slices = tuple(
        Slice(index, (4, 4), None, spacing_mm, unread, None, None, f"{name}{index}")
        for index in range(5)
    )
    series = Series(name, f"uid-{name}", name, plane, weighting, slices)
    return Candidate(series, str(weighting), **rest)


def used(candidates: list[Candidate], *named: str) -> list[str]:
    return [one.id for one in select(candidates, named).series if one.used]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (candidate("b"), candidate("a", weighting=FS, pixel_mm=0.2)),
        (candidate("b", weighting=FS), candidate("a", weighting=STIR, pixel_mm=0.2)),
        (candidate("b", weighting=STIR), candidate("a", weighting=Weighting.UNKNOWN)),
        (candidate("b", pixel_mm=0.4), candidate("a", pixel_mm=0.6)),
        (candidate("b", pixel_mm=0.9), candidate("a", pixel_mm=None)),
        (candidate("b", pixel_mm=0.9), candidate("a", three_dimensional=True)),
        (candidate("b", pixel_mm=0.9), candidate("a", derived=True)),
        (candidate("b", weighting=FS), candidate("a", elsewhere=True)),
        (
            candidate("b", weighting=Weighting.T2_DIXON, dixon_part=DixonPart.IN_PHASE),
            candidate("a", weighting=Weighting.T2_DIXON, dixon_part=DixonPart.WATER),
        ),
        (candidate("a"), candidate("b")),  # equal but for the UID
    ],
)
def test_one_sagittal_series_by_rank(better: Candidate, worse: Candidate) -> None:
    for order in ([better, worse], [worse, better]):
        assert used(order) == [better.series.id]


@pytest.mark.parametrize(
    "useless",
    [
        candidate("x", weighting=Weighting.T1),
        candidate("x", weighting=Weighting.PD),
        candidate("x", localizer="it says so"),
        candidate("x", weighting=Weighting.UNKNOWN, unreadable_contrast=True),
        candidate("x", CORONAL),
        candidate("x", Plane.UNKNOWN),
    ],
)
def test_series_that_are_never_chosen(useless: Candidate) -> None:
    assert used([useless, candidate("good")]) == ["good"]
    with pytest.raises(NoUsableSeries, match=r'x "x".*--series'):
        select([useless])


def test_every_axial_t2_and_no_other_axial() -> None:
    candidates = [
        candidate("sag"),
        candidate("t2", AXIAL),
        candidate("fs", AXIAL, FS),
        candidate("pd", AXIAL, Weighting.PD),
        candidate("loc", AXIAL, localizer="few slices"),
        candidate("none", AXIAL, Weighting.UNKNOWN),
    ]
    assert used(candidates) == ["sag", "t2", "fs"]


def test_the_order_of_the_files_does_not_matter() -> None:
    candidates = [candidate(name, pixel_mm=0.5) for name in "abcdef"]
    assert used(candidates) == used(candidates[::-1]) == ["a"]


def test_named_series_replace_the_choice_in_their_plane() -> None:
    candidates = [candidate("t2"), candidate("t1", weighting=Weighting.T1), candidate("ax", AXIAL)]
    assert used(candidates, "t1") == ["t1", "ax"]
    assert used(candidates, "uid-t1") == ["t1", "ax"]
    with_pd = [*candidates, candidate("pd", AXIAL, Weighting.PD)]
    assert used(with_pd, "pd") == ["t2", "pd"]
    assert used([candidate("x", localizer="it says so")], "x") == ["x"]


def test_named_series_must_exist_and_be_readable() -> None:
    candidates = [candidate("t2"), candidate("cor", CORONAL)]
    with pytest.raises(UsageError, match=r"--series nope.*t2"):
        select(candidates, ["nope"])
    with pytest.raises(UsageError, match="its plane is coronal"):
        select(candidates, ["cor"])


def test_axial_alone_only_when_asked_for() -> None:
    with pytest.raises(NoUsableSeries):
        select([candidate("ax", AXIAL)])
    assert [one.used for one in select([candidate("ax", AXIAL)], axial_alone=True).series] == [True]
    assert used([candidate("ax", AXIAL)], "ax") == ["ax"]


@pytest.mark.parametrize(
    ("weighting", "codes"),
    [
        (T2, []),
        (FS, ["not_t2_spin_echo"]),
        (STIR, ["not_t2_spin_echo"]),
        (Weighting.UNKNOWN, ["weighting_unknown"]),
    ],
)
def test_what_the_reader_must_know(weighting: Weighting, codes: list[str]) -> None:
    selection = select([candidate("a", weighting=weighting)])
    assert [one.code for one in selection.warnings] == codes


def test_every_series_has_a_reason() -> None:
    candidates = [
        candidate("best"),
        candidate("second"),
        candidate("cor", CORONAL),
        candidate("t1", weighting=Weighting.T1),
        candidate("loc", localizer="it says so"),
        candidate("neck", elsewhere=True),
    ]
    reasons = {one.id: one.reason for one in select(candidates).series}
    assert reasons == {
        "best": "sagittal T2",
        "second": "sagittal T2; another sagittal series is preferred",
        "cor": "coronal T2; its plane is not read",
        "t1": "sagittal T1; not T2-weighted",
        "loc": "localiser: it says so",
        "neck": "sagittal T2; its files name another part of the body",
    }
