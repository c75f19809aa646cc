"""Zips, DICOMDIR and links: read where they are honest, refused where they reach out."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from discern.errors import NoImages, UnreadableFile, UnsafeArchive
from discern.imaging.archive import ArchiveLimits, files_of_zip
from discern.imaging.reading import read_study
from writers import AXIAL_T2, Series, write_directory, write_series, write_study


def zip_of(path: Path, folder: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def test_zip_gives_the_same_study_as_its_folder(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study" / "deep")
    zipped = read_study(zip_of(tmp_path / "study.zip", folder.parent))
    plain = read_study(folder.parent)
    assert [one.reason for one in zipped.series] == [one.reason for one in plain.series]
    for ours, theirs in zip(zipped.series[0].slices, plain.series[0].slices, strict=True):
        assert (ours.file, ours.geometry) == (theirs.file, theirs.geometry)
        np.testing.assert_array_equal(ours.read(), theirs.read())


def test_system_clutter_in_a_zip_is_passed_over(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._1-0001.dcm", b"clutter")
        archive.writestr(".DS_Store", b"clutter")
    assert read_study(path).warnings == ()


def test_zip_without_images(tmp_path: Path) -> None:
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.txt", "nothing")
    with pytest.raises(NoImages):
        read_study(path)


def add_bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("bomb.dcm", bytes(32 << 20))


def add_climber(archive: zipfile.ZipFile) -> None:
    archive.writestr("../outside.dcm", b"x")


def add_backslash_climber(archive: zipfile.ZipFile) -> None:
    archive.writestr("a\\..\\..\\outside.dcm", b"x")


def add_absolute(archive: zipfile.ZipFile) -> None:
    archive.writestr("/etc/outside.dcm", b"x")


def add_drive(archive: zipfile.ZipFile) -> None:
    archive.writestr("C:/outside.dcm", b"x")


def add_nested(archive: zipfile.ZipFile) -> None:
    archive.writestr("inner.zip", b"whatever")


def add_disguised_nested(archive: zipfile.ZipFile) -> None:
    archive.writestr("inner.dcm", b"PK\x03\x04" + bytes(300))


@pytest.mark.parametrize(
    "add",
    [
        add_bomb,
        add_climber,
        add_backslash_climber,
        add_absolute,
        add_drive,
        add_nested,
        add_disguised_nested,
    ],
)
def test_unsafe_members(tmp_path: Path, add: Callable[[zipfile.ZipFile], None]) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        add(archive)
    with pytest.raises(UnsafeArchive, match=r"study\.zip|inner\.dcm") as caught:
        read_study(path)
    assert caught.value.exit_status == 2
    assert not (tmp_path / "outside.dcm").exists()


def test_encrypted_zip(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"))
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:  # flags of the central directory
        content[start + 8] |= 1
        start += 4
    path.write_bytes(content)
    with pytest.raises(UnsafeArchive, match="encrypted"):
        read_study(path)


@pytest.mark.parametrize(
    "limits",
    [ArchiveLimits(files=9), ArchiveLimits(member_bytes=999), ArchiveLimits(total_bytes=9999)],
)
def test_limits(tmp_path: Path, limits: ArchiveLimits) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"))
    assert len(files_of_zip(path).files) == 10
    with pytest.raises(UnsafeArchive):
        files_of_zip(path, limits)


def test_lying_sizes_do_not_unpack_further(tmp_path: Path) -> None:
    """A member whose directory entry understates its size is cut there and told as damaged."""
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("liar.dcm", bytes(1 << 20))
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"liar\.dcm"):
        read_study(path)


def test_damaged_zip(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnreadableFile, match=r"study\.zip: damaged zip"):
        read_study(path)


def test_damaged_member_is_skipped(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "study.zip", write_study(tmp_path / "study"), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    inside = content.find(b"1-0002.dcm") + 600
    content[inside : inside + 20] = bytes(20)
    path.write_bytes(content)
    study = read_study(path)
    assert len(study.series[0].slices) == 4
    assert "1-0002.dcm" in study.warnings[0].text


def test_zip_inside_a_folder_is_named(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study")
    zip_of(folder / "more.zip", folder)
    (warning,) = read_study(folder).warnings
    assert "more.zip (a zip inside the input" in warning.text


def test_dicomdir_reads_what_it_lists(tmp_path: Path) -> None:
    write_series(tmp_path / "IMAGES", Series(count=4))
    write_series(tmp_path / "IMAGES", AXIAL_T2)
    listed = [("IMAGES", f"1-000{index}.DCM") for index in range(1, 5)]  # another case than on disk
    write_directory(tmp_path / "DICOMDIR", [*listed, ("IMAGES", "GONE")])
    study = read_study(tmp_path / "DICOMDIR")
    assert [len(one.slices) for one in study.series] == [4]
    assert "IMAGES/GONE (not there)" in study.warnings[0].text


@pytest.mark.parametrize("reference", [("..", "secret.dcm"), ("/etc", "passwd"), ("C:", "x")])
def test_dicomdir_that_points_outside(tmp_path: Path, reference: tuple[str, str]) -> None:
    folder = write_study(tmp_path / "disc")
    write_directory(folder / "DICOMDIR", [reference])
    for source in (folder / "DICOMDIR", folder, zip_of(tmp_path / "disc.zip", folder)):
        if source.suffix == ".zip":
            with zipfile.ZipFile(source, "a") as archive:
                archive.write(folder / "DICOMDIR", "DICOMDIR")
        with pytest.raises(UnsafeArchive, match="outside"):
            read_study(source)


def test_dicomdir_in_a_folder_is_no_image(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    write_directory(folder / "DICOMDIR", [("1-0001.dcm",)])
    study = read_study(folder)
    assert len(study.series) == 2
    assert study.warnings == ()


def test_links_that_leave_the_input_are_not_followed(tmp_path: Path) -> None:
    (secret,) = write_series(tmp_path / "outside", Series(number=7, count=1))
    folder = write_study(tmp_path / "study")
    (folder / "link.dcm").symlink_to(secret)
    (folder / "links").symlink_to(secret.parent)
    (folder / "loop").symlink_to(folder / "loop")
    study = read_study(folder)
    assert len(study.series) == 2
    text = study.warnings[0].text
    assert "link.dcm (a link that leaves the input)" in text
    assert "links (a link that leaves the input)" in text


def test_links_inside_the_input_are_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "study", Series(count=4))
    moved = paths[0].rename(paths[0].parent / "kept.bin")
    paths[0].symlink_to(moved.name)
    moved_study = read_study(tmp_path / "study")
    assert len(moved_study.series[0].slices) == 4
