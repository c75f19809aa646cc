"""From tissue signal to stored values: partial volume, coil, blur, noise, twelve bits."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as displaced

from discern.imaging.geometry import SliceGeometry, plane_of
from discern.phantom.anatomy import Spine
from discern.phantom.canvas import Patch, radial
from discern.phantom.settings import Scanner
from discern.phantom.texture import Field
from discern.spine import Plane, Vertebra

Image = NDArray[np.float32]

BITS_STORED = 12
_GHOST_PERIODS = 5


def acquire(
    signal: Field,
    gain: Field,
    geometry: SliceGeometry,
    scanner: Scanner,
    rng: np.random.Generator,
    fat: Field | None = None,
) -> Image:
    """Return the (H, W) image a scanner would store, whole numbers 0 .. 4095 as float32.

    The sub-slices of ``signal`` (S, H, W) are averaged (partial volume), weighted by the ``gain``
    (H, W) of the coil, blurred by a Gaussian and corrupted by Rician noise: the magnitude of the
    signal plus complex white noise. ``fat`` (S, H, W) is the part of the signal that a chemical
    shift displaces.
    """
    signal = signal.mean(axis=0)
    frequency = 0 if plane_of(geometry) is Plane.SAGITTAL else 1
    if fat is not None:
        part = fat.mean(axis=0)
        moved_px = [0.0, 0.0]
        moved_px[frequency] = scanner.chemical_shift_px
        signal += displaced(part, moved_px, order=1, mode="nearest") - part
    signal = signal * gain
    row_mm, column_mm = geometry.spacing_mm
    sigma_px = (scanner.blur_mm / row_mm, scanner.blur_mm / column_mm)
    blurred: Field = gaussian_filter(signal, sigma_px, mode="nearest")
    if scanner.ghost:
        blurred = with_ghosts(blurred, scanner.ghost, phase=1 - frequency)
    if scanner.kspace_share < 1:
        blurred = _cut_off(blurred, scanner.kspace_share)
    sigma = np.float32(scanner.noise)
    real = blurred + sigma * rng.standard_normal(blurred.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(blurred.shape, dtype=np.float32)
    units = np.rint(np.float32(scanner.csf_units) * radial(real, imaginary))
    stored: Image = np.minimum(units, np.float32(2**BITS_STORED - 1))
    return stored


def with_ghosts(signal: Field, strength: float, phase: int) -> Field:
    """Add the signal, displaced along the phase direction, of a periodic motion."""
    step_px = signal.shape[phase] // _GHOST_PERIODS
    ghosts = np.roll(signal, step_px, phase) + np.roll(signal, -step_px, phase)
    return signal + np.float32(strength / 2) * ghosts


def _cut_off(signal: Field, share: float) -> Field:
    """Leave out the outer part of k-space, as an interpolated acquisition does."""
    space = np.fft.fft2(signal)
    for axis in (0, 1):
        frequency = np.abs(np.fft.fftfreq(signal.shape[axis]))
        space *= np.expand_dims(frequency <= share / 2, 1 - axis)
    return np.abs(np.fft.ifft2(space)).astype(np.float32)


def coil_gain(patch: Patch, spine: Spine, scanner: Scanner) -> Field:
    """Return the gain (H, W) of a surface coil under the back, 1 at the canal of L3."""
    skin = spine.line_at(spine.skin_y_mm, patch.z_mm)
    near = _fall(skin - patch.y_mm, scanner)
    middle = spine.vertebra(Vertebra.L3).z_mm
    canal_mm = float(np.interp(middle, spine.z_mm, spine.skin_y_mm - spine.wall_y_mm))
    ends = 1 - 0.25 * np.clip(np.abs(patch.z_mm - middle) / 160, 0, 1.5) ** 2
    at_canal = _fall(np.array([canal_mm], np.float32), scanner)
    gain: Field = (near / at_canal * ends)[0]
    return gain


def _fall(depth_mm: Field, scanner: Scanner) -> Field:
    """Gain at a depth under the skin: exponential towards a floor."""
    decay = np.exp(-np.maximum(depth_mm, 0) / np.float32(scanner.coil_depth_mm))
    gain: Field = scanner.coil_floor + (1 - scanner.coil_floor) * decay
    return gain
