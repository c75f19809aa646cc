"""NIfTI volumes: turned, never resampled, into slices of the usual view.

A volume is cut across its thickest axis; an isotropic one into sagittal slices. Boxes refer to
these slices.
"""

import math
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import partial
from typing import cast

import nibabel
import numpy as np
from nibabel.arrayproxy import ArrayProxy

from discern.errors import UnreadableFile
from discern.findings import Source, StudyWarning
from discern.imaging.contents import Contents, reason_of
from discern.imaging.files import InputFile, Skipped, skipped_warning, unreadable
from discern.imaging.geometry import Points, Turn, VolumeTurn, plane_across, volume_turn
from discern.imaging.options import ReadOptions
from discern.imaging.selection import Candidate, select
from discern.imaging.study import Image, Series, Slice, Study
from discern.imaging.weighting import Contrast, weigh, words_of
from discern.spine import Plane, Weighting

MAX_BYTES = 1 << 30
_THICK_RATIO = 2.0
_SMALLEST_VOXEL_MM3 = 1e-6
_NIFTI_2 = (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")  # header of 540 bytes


@dataclass(frozen=True, slots=True)
class _Volume:
    """A whole NIfTI image, held as stored; slices are turned when they are read."""

    name: str
    data: ArrayProxy
    turn: VolumeTurn
    plane: Plane
    described: str
    oriented: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of slices, rows and columns."""
        slices, rows, columns = (self.data.shape[axis] for axis in self.turn.axes)
        return slices, rows, columns

    def read(self, index: int) -> Image:
        """Return slice ``index`` (rows, columns) in the usual view."""
        across, down, right = self.turn.axes
        backwards, upwards, leftwards = self.turn.flips
        picked: list[slice | int] = [slice(None)] * 3 + [0] * (len(self.data.shape) - 3)
        picked[across] = self.shape[0] - 1 - index if backwards else index
        try:
            stored = np.asarray(self.data[tuple(picked)], np.float32)
        except (OSError, ValueError, EOFError) as error:
            raise UnreadableFile(f"{self.name}: damaged NIfTI ({error})") from error
        image: Image = Turn(right < down, upwards, leftwards).apply(stored)
        return image


def read_nifti_study(contents: Contents, options: ReadOptions) -> Study:
    """Return NIfTI volumes as series, the best sagittal one selected.

    Raises:
        UnreadableFile: Not one volume could be read.
        NoUsableSeries: The file names say that no volume is T2-weighted.
    """
    candidates: list[Candidate] = []
    volumes: list[_Volume] = []
    skipped = list(contents.skipped)
    for file in contents.nifti:
        try:
            volume = _volume(file, options.plane)
        except UnreadableFile as error:
            skipped.append(Skipped(file.name, reason_of(error, file.name)))
            continue
        volumes.append(volume)
        candidates.append(_candidate(volume, f"s{len(volumes)}"))
    if not candidates:
        raise unreadable(skipped)
    selection = select(candidates, options.series, axial_alone=options.plane is Plane.AXIAL)
    used = [one for one, series in zip(volumes, selection.series, strict=True) if series.used]
    doubts = [doubt for one in used for doubt in _doubts(one)]
    notes = (*skipped_warning(skipped), *doubts, *selection.warnings)
    return Study(Source.NIFTI, None, None, selection.series, notes)


def _volume(file: InputFile, stated: Plane | None) -> _Volume:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _loaded(file.name, _unpacked(file), stated)
    except UnreadableFile:
        raise
    except Exception as error:  # nibabel documents no common root for a damaged header
        raise UnreadableFile(f"{file.name}: damaged NIfTI ({error})") from error


def _loaded(name: str, content: bytes, stated: Plane | None) -> _Volume:
    """Return the volume of an uncompressed NIfTI-1 or -2 file, checked to be whole and 3-D."""
    reader = nibabel.Nifti2Image if content[:4] in _NIFTI_2 else nibabel.Nifti1Image
    image = reader.from_bytes(content)
    data = cast(ArrayProxy, image.dataobj)
    _check_voxels(name, data, len(content))
    affine = np.asarray(image.affine, np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < _SMALLEST_VOXEL_MM3:
        raise UnreadableFile(f"{name}: its affine is no orientation")
    plane = stated or _native_plane(affine)
    header = image.header
    return _Volume(
        name=name,
        data=data,
        turn=volume_turn(affine, data.shape[:3], plane),
        plane=plane,
        described=bytes(header["descrip"]).rstrip(b"\0").decode("latin-1"),
        oriented=bool(int(header["qform_code"]) or int(header["sform_code"])),
    )


def _check_voxels(name: str, data: ArrayProxy, size_bytes: int) -> None:
    shape, dtype = data.shape, data.dtype
    if math.prod(shape[3:]) != 1 or len(shape[:3]) != len("xyz") or min(shape) < 1:
        raise UnreadableFile(f"{name}: its shape is {shape}; give one 3-D volume")
    if dtype.kind not in "iuf":
        raise UnreadableFile(f"{name}: voxels of type {dtype}; give numbers")
    if size_bytes < data.offset + math.prod(shape) * dtype.itemsize:
        raise UnreadableFile(f"{name}: truncated, {shape} voxels do not fit in the file")
    if dtype.kind == "f" and not np.isfinite(np.asarray(data, np.float32)).all():
        raise UnreadableFile(f"{name}: voxels that are not finite; replace them by zero")


def _unpacked(file: InputFile) -> bytes:
    with file.open() as stream:
        content = stream.read(MAX_BYTES + 1)
    if content.startswith(b"\x1f\x8b"):
        inflater = zlib.decompressobj(wbits=31)
        try:
            content = inflater.decompress(content, MAX_BYTES + 1)
        except zlib.error as error:
            raise UnreadableFile(f"{file.name}: damaged gzip ({error})") from error
        if not inflater.eof and len(content) <= MAX_BYTES:
            raise UnreadableFile(f"{file.name}: truncated gzip")
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"{file.name}: over {MAX_BYTES >> 20} MiB; crop the volume")
    return content


def _native_plane(affine: Points) -> Plane:
    """Return the plane across the thickest axis; sagittal where the voxels are near cubes."""
    sizes_mm = np.linalg.norm(affine[:3, :3], axis=0)
    thick = int(sizes_mm.argmax())
    if sizes_mm[thick] < _THICK_RATIO * np.delete(sizes_mm, thick).max():
        return Plane.SAGITTAL
    return plane_across(affine[:3, thick])


def _candidate(volume: _Volume, series_id: str) -> Candidate:
    echo = re.search(r"\bTE=([0-9.]+(?:e[+-]?[0-9]+)?)", volume.described)
    contrast = Contrast(echo_time_ms=float(echo[1]) if echo else None, words=words_of(volume.name))
    weighed = weigh(contrast)
    slices = tuple(_slice(volume, index) for index in range(volume.shape[0]))
    series = Series(series_id, None, volume.name, volume.plane, weighed.weighting, slices)
    return Candidate(
        series, weighed.reason, weighed.sure and weighed.weighting is Weighting.UNKNOWN
    )


def _slice(volume: _Volume, index: int) -> Slice:
    geometry = volume.turn.slice_geometry(index)
    return Slice(
        index=index,
        shape_px=volume.shape[1:],
        geometry=geometry,
        spacing_mm=geometry.spacing_mm,
        read=partial(volume.read, index),
        sop_instance_uid=None,
        frame_number=None,
        file=volume.name,
    )


def _doubts(volume: _Volume) -> list[StudyWarning]:
    if volume.oriented:
        return []
    text = f"{volume.name} states no orientation; its axes were taken as right, anterior, head."
    return [StudyWarning("no_geometry", text)]
