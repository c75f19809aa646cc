"""The same picture under two names: found by a perceptual hash, confirmed by its detail.

The hash is the signs of the 255 lowest frequencies (16 x 16 without the mean) of the cosine
transform of a 32 x 32 thumbnail. A copy keeps most signs however it was resized, stretched,
recompressed or windowed; so do, at times, two spines that lie alike. A pair whose hashes agree is
therefore compared again: the detail finer than 1/64 of the width must correlate, at the best
shift of at most 1/16 of the width. Copies mirrored or turned upside down count as well.

Measured on the 313 sagittal slices of SPIDER (47,900 pairs of slices of two patients) against
altered copies of every sixth slice (half size, JPEG 50, gamma 0.7 and 1.4, clipped window,
noise, stretched by 1.3, shifted by 1 and 3 %, 1 % cropped away on each side):

=================================  ==================  ================
pairs                              share of bits       correlation
                                   that differ         of detail
=================================  ==================  ================
slices of two patients             0.25 and more,      0.50 at most,
                                   median 0.48         0.43 where like
altered copies                     0.29 at most        0.68 and more
=================================  ==================  ================

Synthetic patients look alike and are told apart by their names (``phantom-SEED-NUMBER``); they are
not compared with each other. Slices of one patient lie in between (neighbours differ in 0.04 to
0.26 of their bits): nothing is said of them, as they belong together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage
from scipy.fft import dctn

from discern.dataset.samples import read_image
from discern.dataset.sources import patient_of
from discern.imaging.pixels import Image
from discern.phantom.draw import is_phantom

MOST_BITS = 0.30
"""Share of the bits in which a copy may differ."""
LEAST_CORRELATION = 0.60
"""Correlation of the detail that makes a pair of like hashes a copy."""

_THUMBNAIL_PX, _FREQUENCIES = 32, 16
_DETAIL_PX, _DETAIL_SIGMA_PX, _SHIFT_PX = 128, 2.0, 8
_ROWS_AT_ONCE = 1024

Signs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Copy:
    """Two images, by stem, that show the same picture."""

    first: str
    second: str
    correlation: float


def fingerprint(image: Image) -> Signs:
    """Return the (255,) signs, -1 or 1, of the low frequencies of ``image``."""
    waves = dctn(_thumbnail(image, _THUMBNAIL_PX), norm="ortho")[:_FREQUENCIES, :_FREQUENCIES]
    return np.where(waves.ravel()[1:] > 0, 1, -1).astype(np.float32)


def find_copies(
    files: Mapping[str, Path], prints: Mapping[str, Signs], groups: Mapping[str, str]
) -> list[Copy]:
    """Return the copies among the images of different groups, in order of name.

    Args:
        files: Image files by stem.
        prints: Their fingerprints.
        groups: Patient, or part of a split, of each image to be compared.
    """
    stems = sorted(groups)
    synthetic = {stem for stem in stems if is_phantom(patient_of(stem))}
    detail = cache(lambda stem: _detail(read_image(files[stem])))
    found = []
    for first, second, turned in _alike(np.array([prints[one] for one in stems]), stems, groups):
        if {first, second} <= synthetic:
            continue
        correlation = _correlation(detail(first), _turned(detail(second), turned))
        if correlation >= LEAST_CORRELATION:
            found.append(Copy(first, second, correlation))
    return found


Turn = tuple[bool, bool]  # upside down, left to right
_TURNS: tuple[Turn, ...] = ((False, False), (False, True), (True, False), (True, True))


def _alike(
    prints: Signs, stems: list[str], groups: Mapping[str, str]
) -> Iterator[tuple[str, str, Turn]]:
    """Yield pairs of different groups with like hashes, and how the second has to be turned."""
    if not stems:
        return
    _, group = np.unique([groups[one] for one in stems], return_inverse=True)
    least_agreement = prints.shape[1] * (1 - 2 * MOST_BITS)
    for start in range(0, len(stems), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        agreement = np.stack([prints[rows] @ (prints * _signs_of(turn)).T for turn in _TURNS])
        apart = group[rows, None] != group[None, :]
        best = np.where(apart, agreement.max(axis=0), -np.inf)
        for first, second in np.argwhere(best >= least_agreement):
            if start + first < second:
                turn = _TURNS[int(agreement[:, first, second].argmax())]
                yield stems[start + first], stems[second], turn


def _signs_of(turn: Turn) -> Signs:
    """Return what turning an image does to its fingerprint: odd waves change sign."""
    odd = np.where(np.arange(_FREQUENCIES) % 2, -1, 1)
    rows, columns = (odd if turned else np.ones_like(odd) for turned in turn)
    return np.outer(rows, columns).ravel()[1:].astype(np.float32)


def _turned(detail: Image, turn: Turn) -> Image:
    upside_down, mirrored = turn
    return detail[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def _detail(image: Image) -> Image:
    """Return the fine structure, faded out towards the edges, of length 1; or 0 where blank."""
    small = _thumbnail(image, _DETAIL_PX)
    fade = np.outer(np.hanning(_DETAIL_PX), np.hanning(_DETAIL_PX)).astype(np.float32)
    fine = (small - ndimage.gaussian_filter(small, _DETAIL_SIGMA_PX)) * fade
    fine -= fine.mean()
    length = float(np.linalg.norm(fine))
    scaled: Image = fine / length if length else fine
    return scaled


def _correlation(first: Image, second: Image) -> float:
    """Return the correlation at the best shift of at most ``_SHIFT_PX`` either way."""
    spectrum = np.fft.rfft2(first) * np.fft.rfft2(second).conj()
    shifted = np.fft.irfft2(spectrum, s=first.shape)
    near = np.r_[0 : _SHIFT_PX + 1, -_SHIFT_PX:0]
    return float(shifted[np.ix_(near, near)].max())


def _thumbnail(image: Image, side_px: int) -> Image:
    whole = PillowImage.fromarray(image.astype(np.float32))
    small = whole.resize((side_px, side_px), PillowImage.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)
