"""Noise fixed in the patient, so that sagittal and axial slices show the same texture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from discern.phantom.canvas import Field, Patch

_SIZE = 96


@dataclass(frozen=True, slots=True)
class Texture:
    """A periodic cube of unit noise; ``voxel_mm`` is its resolution along x, y and z."""

    cube: NDArray[np.float32]
    voxel_mm: tuple[float, float, float]

    def at(self, patch: Patch) -> Field:
        """Return the noise at the sample points (nearest voxel)."""
        indices = [
            np.rint(place_mm / size_mm).astype(np.int32) % _SIZE
            for place_mm, size_mm in zip(
                (patch.x_mm, patch.y_mm, patch.z_mm), self.voxel_mm, strict=True
            )
        ]
        noise: Field = self.cube[indices[0], indices[1], indices[2]]
        return noise


@dataclass(frozen=True, slots=True)
class Textures:
    """The textures of one patient: trabecular bone, muscle fibres, bowel and fat lobules."""

    marrow: Texture
    fibres: Texture
    lumps: Texture

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Textures":
        """Draw all three; grain sizes in mm were set beside real slices."""
        return cls(
            marrow=_draw(rng, (1.3, 1.3, 1.3), (0.9, 0.7, 0.7)),
            fibres=_draw(rng, (1.6, 1.4, 3.5), (1.2, 0.9, 2.4)),
            lumps=_draw(rng, (2.2, 2.2, 2.2), (4.0, 3.2, 3.2)),
        )


def _draw(
    rng: np.random.Generator,
    sigma_voxels: tuple[float, float, float],
    voxel_mm: tuple[float, float, float],
) -> Texture:
    raw = rng.standard_normal((_SIZE,) * 3, dtype=np.float32)
    cube = gaussian_filter(raw, sigma_voxels, mode="wrap")
    return Texture(cube / cube.std(), voxel_mm)
