"""Changes of brightness, sharpness and noise; parameters are sampled first, then applied.

All act on images in 0..1 after the window of inference. Nothing here moves a pixel; ``geometry``
does. Plain numpy: five short formulas, against the seconds that importing MONAI costs every
process.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.imaging.pixels import Image


class IntensityMode(StrEnum):
    """Which changes of brightness and noise are made."""

    OFF = "off"
    PAPER = "paper"  # a fixed 30 % of the images get one extra copy: noise and gamma
    ONLINE = "online"  # every image, anew each epoch


PAPER_SHARE = 0.3
PAPER_GAMMA = (0.8, 1.2)
PAPER_NOISE_SIGMA = (0.01, 0.05)
"""Our choice, in units of the windowed range; the paper does not state it."""


@dataclass(frozen=True, slots=True)
class Intensity:
    """One sampled change.

    Attributes:
        window: Grey values (of 0..1) that become 0 and 1.
        gamma: Exponent.
        bias: Coefficients of x, y, x^2, xy, y^2 (x, y in -1..1) of the log of the coil's bias.
        blur_px: Standard deviation of a Gaussian blur, 0 for none.
        noise: Standard deviation of the noise.
        rician: Noise of a magnitude image, sqrt((v + n1)^2 + n2^2), instead of v + n1.
        grain_px: Standard deviation of the Gaussian that the noise was smoothed with: that of an
            enlarged image is no noise of single pixels.
        grey_steps: Number of grey values after rounding; 0 breaks 8-bit steps up instead.
        seed: Of the noise fields.
    """

    window: tuple[float, float] = (0.0, 1.0)
    gamma: float = 1.0
    bias: tuple[float, ...] = ()
    blur_px: float = 0.0
    noise: float = 0.0
    rician: bool = False
    grain_px: float = 0.0
    grey_steps: int | None = None
    seed: int = 0


def sample_paper_intensity(rng: np.random.Generator) -> Intensity:
    """Draw the paper's change: Gaussian noise and gamma in [0.8, 1.2] (section 2.4)."""
    return Intensity(
        gamma=float(rng.uniform(*PAPER_GAMMA)),
        noise=float(rng.uniform(*PAPER_NOISE_SIGMA)),
        seed=int(rng.integers(2**32)),
    )


@dataclass(frozen=True, slots=True)
class IntensityRange:
    """What is drawn from, online.

    Attributes:
        black: Least and greatest grey value that becomes 0; below 0 lifts the dark.
        blurred: Share of images that are blurred.
        noisy: Share of images with noise.
        noise: Its greatest standard deviation.
        grain_px: Its greatest grain.
    """

    black: tuple[float, float] = (-0.03, 0.04)
    blurred: float = 0.15
    noisy: float = 0.4
    noise: float = 0.04
    grain_px: float = 0.0


_USUAL = IntensityRange()


def sample_online_intensity(
    rng: np.random.Generator, drawn_from: IntensityRange = _USUAL
) -> Intensity:
    """Draw a change that covers other scanners, coils, windows and stored depths."""
    chance = rng.random(6)
    return Intensity(
        window=(float(rng.uniform(*drawn_from.black)), float(rng.uniform(0.85, 1.1))),
        gamma=float(np.exp(rng.uniform(-0.25, 0.25))) if chance[0] < 0.5 else 1.0,  # noqa: PLR2004
        bias=tuple(rng.normal(0, 0.12, 5).tolist()) if chance[1] < 0.3 else (),  # noqa: PLR2004
        blur_px=float(rng.uniform(0.3, 1.0)) if chance[2] < drawn_from.blurred else 0.0,
        noise=float(rng.uniform(0.0, drawn_from.noise)) if chance[3] < drawn_from.noisy else 0.0,
        rician=bool(chance[4] < 0.5),  # noqa: PLR2004
        grey_steps=int(rng.integers(96, 257)) if chance[5] < 0.3 else 0,  # noqa: PLR2004
        seed=int(rng.integers(2**32)),
        grain_px=float(rng.uniform(0.0, drawn_from.grain_px)) if drawn_from.grain_px else 0.0,
    )


def apply_intensity(image: NDArray[np.floating], change: Intensity) -> Image:
    """Return ``image`` (0..1) with ``change`` made, float32 in 0..1."""
    rng = np.random.default_rng(change.seed)
    low, high = change.window
    changed = (image.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    if change.bias:
        changed *= bias_field(changed.shape, change.bias)
    np.clip(changed, 0, 1, out=changed)
    if change.gamma != 1:
        changed **= np.float32(change.gamma)
    if change.blur_px:
        changed = ndimage.gaussian_filter(changed, change.blur_px, truncate=2.5)
    if change.noise:
        changed = _noisy(changed, change, rng)
    if change.grey_steps is not None:
        changed = _requantized(changed, change.grey_steps, rng)
    return np.clip(changed, 0, 1, out=changed)


def bias_field(shape: tuple[int, ...], coefficients: tuple[float, ...]) -> Image:
    """Return the gain (H, W) whose log has ``coefficients`` of x, y, x^2, xy, y^2 in -1..1."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    of_x, of_y, of_xx, of_xy, of_yy = (np.float32(value) for value in coefficients)
    log_field = (of_x * x + of_xx * x * x) + (of_y * y + of_yy * y * y) + (of_xy * y) * x
    field: Image = np.exp(log_field)
    return field


def _noisy(image: Image, change: Intensity, rng: np.random.Generator) -> Image:
    real = image + _noise(image.shape, change, rng)
    if not change.rician:
        return real
    magnitude: Image = np.hypot(real, _noise(image.shape, change, rng))
    return magnitude


def _noise(shape: tuple[int, ...], change: Intensity, rng: np.random.Generator) -> Image:
    field: Image = rng.standard_normal(shape, dtype=np.float32)
    if change.grain_px:
        field = ndimage.gaussian_filter(field, change.grain_px, truncate=2.5)
        field /= max(float(field.std()), 1e-6)
    return np.float32(change.noise) * field


def _requantized(image: Image, grey_steps: int, rng: np.random.Generator) -> Image:
    """Round to ``grey_steps`` values, or (0) fill 8-bit steps as a deeper image would."""
    if grey_steps:
        top = np.float32(grey_steps - 1)
        rounded: Image = np.rint(image * top) / top
        return rounded
    part_of_a_step = rng.random(image.shape, dtype=np.float32) - np.float32(0.5)
    return image + part_of_a_step / np.float32(255)
