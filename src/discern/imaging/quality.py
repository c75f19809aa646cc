"""What the pixels of a few slices say of an image, before any network has seen it.

Every limit below stands where the images end on which the network was taught and tested: 313
slices of SPIDER and phantoms of several looks (``bench/quality.py`` prints their spread). Beyond it
nothing was measured to be good. How accuracy falls on the way there is for a robustness bench to
say; a limit that it finds belongs here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from discern.findings import StudyWarning
from discern.imaging.pixels import Image

MOST_NOISE = 0.05
"""Deviation of the noise, as a share of the range of the image. SPIDER: at most 0.02, the phantoms
that are trained on 0.04."""
LEAST_DETAIL = 0.595
"""``SliceQuality.detail``. SPIDER, even patients: at least 0.65; the most smoothed look of the
phantoms 0.60. Blurred by a Gaussian of 2 px of 448, four in five SPIDER slices have less."""
MOST_CLIPPED = 0.15
"""Share of pixels at the largest value. SPIDER, stored in 8 bits: at most 0.10."""
FEWEST_PIXELS = 200
"""Rows and columns of the smaller side. SPIDER: at least 305."""
LARGEST_PIXEL_MM = 1.2
"""Between pixels. SPIDER: at most 0.9; a localiser has 1.2 and more."""
WIDEST_FIELD_MM = 400.0
"""Height of the image. Lumbar series cover 200 to 350 mm; on whole-spine ones discs are small."""
THICKEST_STEP_MM = 7.0
"""Between neighbouring slices. Lumbar series have 3 to 5.5 mm; a disc is 45 mm wide."""

_RANGE = (0.5, 99.5)
_SIGNAL = 0.05
_DEVIATION_OF_MEDIAN = 0.6745
_LAPLACIAN_NORM = 6.0
_DETAIL_PX = 380


@dataclass(frozen=True, slots=True)
class SliceQuality:
    """Pixel statistics of one slice.

    Attributes:
        noise: Deviation of the noise over the range of the image, after Immerkaer (Comput Vis Image
            Underst 64:300, 1996), the median taken for the mean: edges are few. Interpolated
            images seem less noisy than they are.
        detail: In the middle of the image, at 190 to 380 px: root mean square of what halving the
            resolution removes, against the same one octave lower. White noise has 2, a plain slope
            0.5.
        clipped: Share of pixels at the largest value.
    """

    noise: float
    detail: float
    clipped: float


@dataclass(frozen=True, slots=True)
class SeriesSampling:
    """How a series samples the patient; None where its files do not say.

    Attributes:
        shape_px: Rows and columns.
        spacing_mm: Between rows and between columns.
        slice_distance_mm: Between neighbouring slices.
    """

    shape_px: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    slice_distance_mm: float | None = None


def measure_slice(image: Image) -> SliceQuality:
    """Measure one (H, W) slice; a constant one has neither noise nor detail."""
    low, high = np.percentile(image[::3, ::3], _RANGE)
    if high <= low or min(image.shape) < 2 * _LAPLACIAN_NORM:
        return SliceQuality(0.0, 1.0, 0.0)
    scaled: Image = (image - np.float32(low)) / np.float32(high - low)
    clipped = float(np.mean(image >= image.max()))
    return SliceQuality(_noise(scaled), _detail(np.clip(scaled, 0, 1)), clipped)


def _noise(scaled: Image) -> float:
    scaled = _central(scaled)
    rows = scaled[:-2] - 2 * scaled[1:-1] + scaled[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    inside = (scaled > _SIGNAL)[1:-1, 1:-1] & (scaled < 1)[1:-1, 1:-1]
    if not inside.any():
        return 0.0
    return float(np.median(np.abs(both[inside]))) / (_DEVIATION_OF_MEDIAN * _LAPLACIAN_NORM)


def _central(image: Image) -> Image:
    """Return the middle half of the rows and columns; the spine runs there."""
    rows, columns = image.shape[0] // 4, image.shape[1] // 4
    return image[rows : image.shape[0] - rows, columns : image.shape[1] - columns]


def _detail(scaled: Image) -> float:
    while max(scaled.shape) > _DETAIL_PX:
        scaled = _halved(scaled)
    scaled = _central(scaled)
    coarse = _halved(scaled)
    fine_edges, coarse_edges = _removed(scaled, coarse), _removed(coarse, _halved(coarse))
    return fine_edges / coarse_edges if coarse_edges > 0 else 1.0


def _halved(image: Image) -> Image:
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    even = image[:rows, :columns]
    total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return total * np.float32(0.25)


def _removed(image: Image, halved: Image) -> float:
    rows, columns = 2 * halved.shape[0], 2 * halved.shape[1]
    again = halved.repeat(2, axis=0).repeat(2, axis=1)
    return float(np.sqrt(np.mean((image[:rows, :columns] - again) ** 2)))


def quality_warnings(
    measured: SliceQuality | None, sampling: SeriesSampling
) -> Iterator[StudyWarning]:
    """Say what of a series lies beyond the images that the network knows; a slice stands for all.

    ``measured`` is None where no slice could be looked at.
    """
    yield from _of_sampling(sampling)
    if measured is None:
        return
    if measured.noise > MOST_NOISE:
        text = f"The images are noisy (noise {measured.noise:.0%} of their range); {_UNKNOWN}."
        yield StudyWarning("noisy_image", text)
    elif measured.detail < LEAST_DETAIL:
        text = f"The images are blurred, by motion or smoothing; {_UNKNOWN}."
        yield StudyWarning("blurred_image", text)
    if measured.clipped > MOST_CLIPPED:
        text = (
            f"{measured.clipped:.0%} of the pixels are saturated; the brightness of discs may be "
            "lost."
        )
        yield StudyWarning("clipped_image", text)


_UNKNOWN = "how well they are read has not been shown on such images"


def _of_sampling(sampling: SeriesSampling) -> Iterator[StudyWarning]:
    spacing_mm, shape_px = sampling.spacing_mm, sampling.shape_px
    if spacing_mm is not None and max(spacing_mm) > LARGEST_PIXEL_MM:
        text = f"The pixels are coarse ({max(spacing_mm):.2g} mm); {_UNKNOWN}."
        yield StudyWarning("coarse_pixels", text)
    elif min(shape_px) < FEWEST_PIXELS:
        text = f"The images are small ({shape_px[0]} x {shape_px[1]} pixels); {_UNKNOWN}."
        yield StudyWarning("coarse_pixels", text)
    if spacing_mm is not None and shape_px[0] * spacing_mm[0] > WIDEST_FIELD_MM:
        height_mm = shape_px[0] * spacing_mm[0]
        text = f"The field of view is wide ({height_mm:.0f} mm) and discs are small; {_UNKNOWN}."
        yield StudyWarning("wide_field_of_view", text)
    distance_mm = sampling.slice_distance_mm
    if distance_mm is not None and distance_mm > THICKEST_STEP_MM:
        text = f"The slices lie {distance_mm:.1f} mm apart; discs are seen on few of them."
        yield StudyWarning("sparse_slices", text)
