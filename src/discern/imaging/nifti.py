"""NIfTI volumes: turned, never resampled, into slices of the usual view.

A volume is cut across its thickest axis; an isotropic one into sagittal slices. Boxes refer to
these slices.
"""

import math
import re
import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import nibabel
import numpy as np
from nibabel import orientations

from discern.errors import UnreadableFile
from discern.findings import Source, StudyWarning
from discern.imaging.contents import Contents, reason_of
from discern.imaging.files import InputFile, Skipped, name_some, unreadable
from discern.imaging.geometry import geometry_in_volume, plane_of_normal, volume_axes
from discern.imaging.options import ReadOptions
from discern.imaging.selection import Candidate, select
from discern.imaging.study import Image, Series, Slice, Study
from discern.imaging.weighting import Contrast, weigh, words_of
from discern.spine import Plane, Weighting

MAX_BYTES = 1 << 30
_THICK_RATIO = 2.0
_NIFTI_2 = (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")  # header of 540 bytes


@dataclass(frozen=True, slots=True)
class _Volume:
    """A NIfTI image held as stored, and how its axes become (slices, rows, columns).

    Attributes:
        axes: For each stored axis, which of slices, rows, columns it becomes.
        flips: For each stored axis, whether it runs backwards.
        affine: The (4, 4) RAS affine of the turned volume.
    """

    name: str
    image: Any
    plane: Plane
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    affine: np.ndarray

    def read(self, index: int) -> Image:
        """Return slice ``index`` of the turned volume, rows and columns in the usual view."""
        across = self.axes.index(0)
        picked: list[slice | int] = [slice(None)] * len(self.image.shape)
        picked[across] = self.shape[0] - 1 - index if self.flips[across] else index
        kept = [axis for axis in range(3) if axis != across]
        try:
            plane = np.asarray(self.image.dataobj[tuple(picked)], np.float32)
        except (OSError, ValueError, EOFError) as error:
            raise UnreadableFile(f"{self.name}: damaged NIfTI ({error})") from error
        plane = plane.reshape(plane.shape[:2])
        plane = np.flip(plane, [position for position, axis in enumerate(kept) if self.flips[axis]])
        return np.ascontiguousarray(plane.T if self.axes[kept[0]] == 2 else plane)


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
    if skipped:
        text = f"{len(skipped)} files were skipped: {name_some(skipped)}."
        doubts.insert(0, StudyWarning("skipped_files", text))
    return Study(Source.NIFTI, None, None, selection.series, (*doubts, *selection.warnings))


def _volume(file: InputFile, stated: Plane | None) -> _Volume:
    try:
        image = _loaded(file)
    except (nibabel.filebasedimages.ImageFileError, OSError, ValueError, EOFError) as error:
        raise UnreadableFile(f"{file.name}: damaged NIfTI ({error})") from error
    plane = stated or _native_plane(image.affine)
    current = orientations.io_orientation(image.affine)
    wanted = orientations.axcodes2ornt(volume_axes(plane))
    turn = orientations.ornt_transform(current, wanted)  # (3, 2): new axis, direction
    affine = image.affine @ orientations.inv_ornt_aff(turn, image.shape[:3])
    axes = tuple(int(axis) for axis in turn[:, 0])
    shape = tuple(int(image.shape[axes.index(new)]) for new in range(3))
    return _Volume(file.name, image, plane, axes, tuple(turn[:, 1] < 0), shape, affine)


def _loaded(file: InputFile) -> Any:
    """Return the nibabel image of a .nii or .nii.gz file, checked to be a whole 3-D volume."""
    content = _unpacked(file)
    reader = nibabel.Nifti2Image if content[:4] in _NIFTI_2 else nibabel.Nifti1Image
    image = reader.from_bytes(content)
    shape, dtype = image.shape, image.get_data_dtype()
    if len(shape) < 3 or math.prod(shape[3:]) != 1 or min(shape) < 1:
        raise UnreadableFile(f"{file.name}: {len(shape)}-D of shape {shape}; give one 3-D volume")
    if dtype.kind not in "iuf":
        raise UnreadableFile(f"{file.name}: voxels of type {dtype}; give numbers")
    offset = image.dataobj.offset
    if len(content) < offset + math.prod(shape) * dtype.itemsize:
        raise UnreadableFile(f"{file.name}: truncated, {shape} voxels do not fit in the file")
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(image.affine[:3, :3])) < 1e-6:
        raise UnreadableFile(f"{file.name}: its affine is no orientation")
    if dtype.kind == "f" and not np.isfinite(image.dataobj.get_unscaled()).all():
        raise UnreadableFile(f"{file.name}: voxels that are not finite; replace them by zero")
    return image


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


def _native_plane(affine: np.ndarray) -> Plane:
    """Return the plane across the thickest axis; sagittal where the voxels are near cubes."""
    sizes_mm = np.linalg.norm(affine[:3, :3], axis=0)
    thick = int(sizes_mm.argmax())
    if sizes_mm[thick] < _THICK_RATIO * np.delete(sizes_mm, thick).max():
        return Plane.SAGITTAL
    return plane_of_normal(affine[:3, thick])


def _candidate(volume: _Volume, series_id: str) -> Candidate:
    described = volume.image.header["descrip"].tobytes().rstrip(b"\0").decode("latin-1")
    echo = re.search(r"\bTE=([0-9.]+(?:e[+-]?[0-9]+)?)", described)
    contrast = Contrast(echo_time_ms=float(echo[1]) if echo else None, words=words_of(volume.name))
    weighed = weigh(contrast)
    slices = tuple(_slice(volume, index) for index in range(volume.shape[0]))
    series = Series(series_id, None, volume.name, volume.plane, weighed.weighting, slices)
    return Candidate(
        series, weighed.reason, weighed.sure and weighed.weighting is Weighting.UNKNOWN
    )


def _slice(volume: _Volume, index: int) -> Slice:
    geometry = geometry_in_volume(volume.affine, index)
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
    header = volume.image.header
    if int(header["qform_code"]) or int(header["sform_code"]):
        return []
    text = f"{volume.name} states no orientation; its axes were taken as right, anterior, head."
    return [StudyWarning("no_geometry", text)]
