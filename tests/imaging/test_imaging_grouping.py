"""Which slices belong together, and in which order, from geometry alone."""

import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from discern.errors import NoUsableSeries
from discern.imaging.reading import read_study
from discern.spine import Plane
from writers import (
    AXIAL,
    AXIAL_T2,
    CORONAL,
    SAGITTAL,
    STIR,
    T1,
    Series,
    mr_dataset,
    to_bytes,
    write_series,
    write_study,
)


def tilted_axial(degrees: float) -> list[float]:
    turn = np.radians(degrees)
    return [1.0, 0.0, 0.0, 0.0, float(np.cos(turn)), float(np.sin(turn))]


def test_reversed_instance_numbers_do_not_matter(tmp_path: Path) -> None:
    backwards = Series(step_mm=(-4.0, 0, 0), first_mm=(8.0, -100.0, 120.0))
    study = read_study(write_study(tmp_path, backwards))
    (series,) = study.used(Plane.SAGITTAL)
    assert [one.file[-8:] for one in series.slices] == [f"000{i}.dcm" for i in (5, 4, 3, 2, 1)]


def test_without_places_the_instance_number_orders(tmp_path: Path) -> None:
    paths = write_series(tmp_path, Series().with_tags(ImagePositionPatient=None))
    for index, path in enumerate(paths):
        dataset = mr_dataset(Series().with_tags(ImagePositionPatient=None), index)
        dataset.InstanceNumber = 10 - index
        path.write_bytes(to_bytes(dataset))
    (series,) = read_study(tmp_path).series
    assert [one.file for one in series.slices] == [path.name for path in reversed(paths)]


@pytest.mark.parametrize("tilts", [(-30, -10, 10, 30, 50), (20, 35, 52), (0,)])
def test_oblique_blocks_per_disc_stay_one_axial_series(
    tmp_path: Path, tilts: tuple[float, ...]
) -> None:
    for block, tilt in enumerate(tilts):
        part = replace(
            AXIAL_T2,
            orientation=tilted_axial(tilt),
            first_mm=(-70.0, -80.0, 40.0 * block),
            count=3,
        )
        for index in range(3):
            dataset = mr_dataset(part, index)
            dataset.SOPInstanceUID = f"{part.uid}.{block}.{index}"
            dataset.InstanceNumber = block * 3 + index + 1
            (tmp_path / f"{block}-{index}.dcm").write_bytes(to_bytes(dataset))
    write_series(tmp_path)
    (series,) = read_study(tmp_path).used(Plane.AXIAL)
    assert len(series.slices) == 3 * len(tilts)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_three_plane_localiser_is_split_and_unused(tmp_path: Path, tagged: bool) -> None:  # noqa: FBT001
    description = "loc 3 planes" if tagged else ""
    planes = (
        (SAGITTAL, (10.0, 0, 0)),
        (AXIAL, (0, 0, 10.0)),
        (CORONAL, (0, 10.0, 0)),
    )
    for part, (orientation, step) in enumerate(planes):
        series = Series(
            number=9, count=3, orientation=orientation, step_mm=step, description=description
        )
        for index in range(3):
            dataset = mr_dataset(series, index)
            dataset.SOPInstanceUID = f"{series.uid}.{part}.{index}"
            (tmp_path / f"{part}-{index}.dcm").write_bytes(to_bytes(dataset))
    with pytest.raises(NoUsableSeries, match="only localisers"):
        read_study(tmp_path)
    write_study(tmp_path)
    study = read_study(tmp_path)
    reasons = [one.reason for one in study.series if not one.used]
    assert len(reasons) == 3
    assert all(reason.startswith("localiser") for reason in reasons)


@pytest.mark.parametrize("description", ["Sag Loc", "SCOUT", "t2_localizer", "Survey_SAG"])
def test_localisers_by_their_description(tmp_path: Path, description: str) -> None:
    write_series(tmp_path, Series(number=1, spacing_mm=(0.3, 0.3), description=description))
    write_series(tmp_path, Series(number=2))
    localiser, read = read_study(tmp_path).series
    assert (localiser.used, read.used) == (False, True)
    assert localiser.reason == "localiser: its description or image type says so"


def test_another_part_of_the_spine_gives_way(tmp_path: Path) -> None:
    write_series(tmp_path, Series(number=1, spacing_mm=(0.3, 0.3), description="T2 sag cervical"))
    write_series(tmp_path, Series(number=2, description="T2 sag thor-lumbar"))
    neck, lumbar = read_study(tmp_path).series
    assert (neck.used, lumbar.used) == (False, True)
    assert "another part of the body" in neck.reason


def test_two_echoes_of_one_series_are_told_apart(tmp_path: Path) -> None:
    for echo, time_ms in enumerate((20.0, 100.0)):
        series = Series(description="sag pd+t2").with_tags(EchoTime=time_ms)
        for index in range(5):
            dataset = mr_dataset(series, index)
            dataset.SOPInstanceUID = f"{series.uid}.{echo}.{index}"
            (tmp_path / f"{echo}-{index}.dcm").write_bytes(to_bytes(dataset))
    study = read_study(tmp_path)
    assert [(len(one.slices), one.used) for one in study.series] == [(5, False), (5, True)]
    assert "TE 100 ms" in study.used(Plane.SAGITTAL)[0].reason


def test_series_that_share_a_uid_are_told_apart(tmp_path: Path) -> None:
    shared = {"SeriesInstanceUID": "1.2.3"}
    t1 = Series(number=3, description="sag t1", tags=T1)
    for one in (Series(), AXIAL_T2, t1):
        write_series(tmp_path / str(one.number), one.with_tags(**shared))
    used = {one.description: one.used for one in read_study(tmp_path).series}
    assert used == {"t2_tse_sag": True, "t2_tse_tra": True, "sag t1": False}


def test_repeated_places_are_left_out(tmp_path: Path) -> None:
    for repeat in range(2):
        for index in range(5):
            dataset = mr_dataset(Series(), index)
            dataset.SOPInstanceUID = f"1.2.{repeat}.{index}"
            dataset.InstanceNumber = repeat * 5 + index + 1
            (tmp_path / f"{repeat}-{index}.dcm").write_bytes(to_bytes(dataset))
    study = read_study(tmp_path)
    assert [one.file[0] for one in study.series[0].slices] == ["0"] * 5
    assert [one.code for one in study.warnings] == ["repeated_slices"]


def test_another_matrix_is_another_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a")
    larger = replace(Series(), shape_px=(48, 40), first_mm=(40.0, -100.0, 120.0))
    for index in range(5):
        dataset = mr_dataset(larger, index)
        dataset.SOPInstanceUID = f"1.2.7.{index}"
        (tmp_path / f"large-{index}.dcm").write_bytes(to_bytes(dataset))
    assert sorted(len(one.slices) for one in read_study(tmp_path).series) == [5, 5]


def test_ids_follow_the_series_numbers_not_the_files(tmp_path: Path) -> None:
    stir = Series(number=3, description="sag stir", tags=STIR)
    t1 = Series(number=11, description="sag t1", tags=T1)
    write_series(tmp_path / "zz", Series(number=2))
    write_series(tmp_path / "mm", stir)
    write_series(tmp_path / "aa", t1)
    named = [(one.id, one.description) for one in read_study(tmp_path).series]
    assert named == [("s1", "t2_tse_sag"), ("s2", "sag stir"), ("s3", "sag t1")]


@pytest.mark.slow
def test_four_thousand_slices_in_bounded_memory(tmp_path: Path) -> None:
    """Sparse files of 2 GB together: headers and one decoded slice stay far below that."""
    series = Series(count=4000, shape_px=(8, 8))
    template = to_bytes(mr_dataset(series, 0))
    small, large = (np.array([size, size * size * 2], "<u4") for size in (8, 512))
    start = len(template) - 128
    header = bytearray(template[:start])
    header[-4:] = large[1:].tobytes()  # length of PixelData
    for keyword in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        at = header.index(keyword) + len(keyword)
        assert header[at : at + 2] == small[:1].tobytes()[:2]
        header[at : at + 2] = large[:1].tobytes()[:2]
    place = header.index(b"-8.0\\-100.0\\120.0")
    instance = header.index(b"IS\x02\x001 ") + 4
    for index in range(series.count):
        header[place : place + 4] = f"{index:04d}".encode()
        header[instance : instance + 2] = f"{index % 100:02d}".encode()
        path = tmp_path / f"{index}.dcm"
        path.write_bytes(header)
        os.truncate(path, start + int(large[1]))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (read,) = read_study(tmp_path).series
    assert len(read.slices) == 4000
    assert [read.slices[index].read().shape for index in (0, 3999)] == [(512, 512)] * 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 100 * 1024
