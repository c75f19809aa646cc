"""Noise fixed in the patient, so that sagittal and axial slices show the same texture."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_SIZE = 96

Field = NDArray[np.floating]
"""Values on the sub-slice grid (S, H, W); axes along which nothing changes have length 1."""

Indices = NDArray[np.int32]
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Texture:
    """A periodic cube of unit noise; ``voxel_mm`` is its resolution along x, y and z.

    ``smooth`` interpolates between voxels; without it the nearest voxel is taken.
    """

    cube: NDArray[np.float32]
    voxel_mm: Triple
    smooth: bool = False

    def at(self, points_mm: tuple[Field, Field, Field]) -> Field:
        """Return the noise at x, y, z, which broadcast against each other."""
        places = [
            place_mm / np.float32(size_mm)
            for place_mm, size_mm in zip(points_mm, self.voxel_mm, strict=True)
        ]
        if self.smooth:
            return self._interpolated(places)
        x, y, z = (_wrapped(np.rint(place).astype(np.int32)) for place in places)
        return self._voxels((x * _SIZE + y) * _SIZE + z)

    def _voxels(self, flat: Indices) -> Field:
        """Look up voxels by one flat index, which is never out of range: the fastest way."""
        voxels: Field = self.cube.take(flat, mode="clip")
        return voxels

    def _interpolated(self, places: list[Field]) -> Field:
        """Interpolate linearly; every place of (x, y, z) may broadcast along its own axes."""
        floors = [np.floor(place).astype(np.int32) for place in places]
        fx, fy, fz = (
            (place - floor).astype(np.float32) for place, floor in zip(places, floors, strict=True)
        )
        (x0, x1), (y0, y1), (z0, z1) = ((_wrapped(floor), _wrapped(floor + 1)) for floor in floors)
        lines = ((x * _SIZE + y) * _SIZE for x in (x0, x1) for y in (y0, y1))
        rows = [self._voxels(line + z0) * (1 - fz) + self._voxels(line + z1) * fz for line in lines]
        noise: Field = (rows[0] * (1 - fy) + rows[1] * fy) * (1 - fx) + (
            rows[2] * (1 - fy) + rows[3] * fy
        ) * fx
        return noise


def _wrapped(index: Indices) -> Indices:
    """Return ``index`` modulo the size of the cube: a division and a product, both vectorised."""
    wrapped: Indices = index - _SIZE * (index // _SIZE)
    return wrapped


@dataclass(frozen=True, slots=True)
class Textures:
    """The textures of one patient: trabecular bone, muscle fibres, bowel and fat lobules."""

    marrow: Texture
    fibres: Texture
    lumps: Texture


@lru_cache(maxsize=1)  # every series of a patient, and its truth, ask for the same
def draw_textures(seed: int) -> Textures:
    """Draw all three; grain sizes in mm were set beside real slices."""
    rng = np.random.default_rng(seed)
    return Textures(
        marrow=Texture(_noise(rng, (1.0, 1.2, 1.2)), (0.9, 0.7, 0.7)),
        fibres=Texture(_noise(rng, (1.5, 1.3, 3.0)), (1.2, 0.9, 2.4)),
        lumps=Texture(_noise(rng, (2.2, 2.0, 2.0)), (3.6, 3.2, 3.2), smooth=True),
    )


def _noise(rng: np.random.Generator, sigma_voxels: Triple) -> NDArray[np.float32]:
    raw = rng.standard_normal((_SIZE,) * 3, dtype=np.float32)
    cube = gaussian_filter(raw, sigma_voxels, mode="wrap", truncate=3.0)
    scaled: NDArray[np.float32] = cube / cube.std()
    scaled.flags.writeable = False
    return scaled
