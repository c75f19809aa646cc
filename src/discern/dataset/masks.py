"""Tissue masks beside the images of a data set, as training samples of the segmenter.

``masks/NAME.png`` holds the value of ``Tissue`` of every pixel of ``images/NAME.png``; images
without one are not trained on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from discern.annotations import GroundTruth
from discern.dataset.augment import apply_intensity, sample_online_intensity
from discern.dataset.epochs import Draw
from discern.dataset.geometry import GeometryRange, sample_placement
from discern.dataset.phantoms import of_patients
from discern.dataset.samples import network_input, read_image
from discern.dataset.sources import Dataset, image_files
from discern.errors import DatasetError
from discern.imaging.pixels import Image
from discern.imaging.placement import Placement, resample
from discern.networks import Preprocessing
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_sagittal
from discern.phantom.sampling import sample_anatomy
from discern.spine import Plane, Tissue

Tissues = NDArray[np.uint8]
CUT_CHANCE = 0.3
"""Of a sample that ends, above or below, within the spine: short fields of view occur."""

_TURN_DEG = 8.0


@dataclass(frozen=True, slots=True)
class TissueSample:
    """One network input with its truth.

    Attributes:
        image: (S, S) values in 0..1; float16 while kept, float32 once drawn.
        tissues: (S, S) values of ``Tissue``.
    """

    image: NDArray[np.floating]
    tissues: Tissues


def mask_file(dataset: Dataset, image: str) -> Path:
    """Return where the mask of ``image`` is expected."""
    return dataset.folder / "masks" / f"{image}.png"


def read_mask(path: Path, shape_px: tuple[int, int]) -> Tissues:
    """Read the (H, W) tissues of an image of ``shape_px``.

    Raises:
        DatasetError: Not a readable image, of another size, or with other values.
    """
    try:
        with PillowImage.open(path) as opened:
            tissues = np.asarray(opened)
    except OSError as error:
        raise DatasetError(f"masks/{path.name}: not a readable image") from error
    if tissues.shape != shape_px:
        raise DatasetError(
            f"masks/{path.name}: is {tissues.shape} px (rows, columns), its image {shape_px}"
        )
    if tissues.max() > max(Tissue):
        raise DatasetError(
            f"masks/{path.name}: holds the value {tissues.max()}; 0 background, 1 disc, "
            "2 vertebra, 3 canal"
        )
    return tissues.astype(np.uint8)


def prepare_tissues(image: Image, tissues: Tissues, preprocessing: Preprocessing) -> TissueSample:
    """Return the network input of ``image`` with ``tissues`` (H, W) carried along."""
    square, fit = network_input(image, preprocessing)
    scale_x, scale_y = fit.scale_xy
    left, top = fit.offset_xy_px
    size = preprocessing.size_px
    carried = PillowImage.fromarray(tissues).transform(
        (size, size),
        PillowImage.Transform.AFFINE,
        (1 / scale_x, 0, -left / scale_x, 0, 1 / scale_y, -top / scale_y),
        PillowImage.Resampling.NEAREST,
    )
    return TissueSample(square.astype(np.float16), np.asarray(carried))


def with_masks(dataset: Dataset, patients: Iterable[str]) -> list[GroundTruth]:
    """Return the sagittal images of ``patients`` that have a mask, in order of image name."""
    return [
        truth
        for truth in dataset.of_patients(patients)
        if truth.plane is Plane.SAGITTAL and mask_file(dataset, truth.image).is_file()
    ]


def read_tissue_samples(
    dataset: Dataset, truths: Iterable[GroundTruth], preprocessing: Preprocessing
) -> list[TissueSample]:
    """Read and prepare image and mask of ``truths``.

    Raises:
        DatasetError: One of them cannot be used.
    """
    files = image_files(dataset.folder)
    return [
        prepare_tissues(
            read_image(files[truth.image]),
            read_mask(mask_file(dataset, truth.image), truth.shape_px),
            preprocessing,
        )
        for truth in truths
    ]


def phantom_tissue_samples(
    seed: int, patients: int, preprocessing: Preprocessing
) -> list[TissueSample]:
    """Render and prepare three slices of each of ``patients`` patients, on all processors.

    Difficult anatomy (4 or 6 lumbar-type vertebrae, slips, scoliosis) and tilted stacks are drawn,
    so that the outer slices often leave the midline. Patient n does not depend on ``patients``.
    """
    return of_patients(partial(_of_phantom, seed=seed, preprocessing=preprocessing), patients)


def _of_phantom(number: int, *, seed: int, preprocessing: Preprocessing) -> list[TissueSample]:
    rng = np.random.default_rng((seed, number, len(Tissue)))
    parameters, turns_deg = sample_anatomy(rng), rng.uniform(-_TURN_DEG, _TURN_DEG, 2)
    prescription = Prescription(
        sagittal_slices=3,
        sagittal_thickness_mm=float(rng.uniform(3, 5)),
        head_turn_deg=float(turns_deg[0]),
        side_tilt_deg=float(turns_deg[1]),
    )
    slices = render_sagittal(parameters, rng, prescription=prescription)
    return [prepare_tissues(one.image, one.tissues, preprocessing) for one in slices]


def changed(
    sample: TissueSample, rng: np.random.Generator, drawn_from: GeometryRange
) -> TissueSample:
    """Return ``sample`` scaled, rotated, shifted, sometimes cut short, and changed in brightness.

    Never flipped: that would exchange front and back.
    """
    size = sample.image.shape[0]
    middle = size / 2
    x, y = middle + rng.uniform(-drawn_from.shift, drawn_from.shift, 2) * size
    placement = sample_placement(rng, drawn_from, (middle, middle), (float(x), float(y)))
    placed = _placed(sample, placement)
    if rng.random() < CUT_CHANCE:
        placed = _cut(placed, rng)
    intensity = sample_online_intensity(rng)
    return replace(placed, image=apply_intensity(placed.image, intensity))


def _placed(sample: TissueSample, placement: Placement) -> TissueSample:
    rows, columns = sample.image.shape
    whole = (0, 0, columns, rows)
    tissues = resample(sample.tissues, placement, whole, nearest=True)
    return TissueSample(resample(sample.image, placement, whole), tissues.astype(np.uint8))


def _cut(sample: TissueSample, rng: np.random.Generator) -> TissueSample:
    """Blank a band at the top or at the bottom, as a shorter field of view is padded."""
    size = sample.image.shape[0]
    rows = round(float(rng.uniform(0.05, 0.45)) * size)
    kept = np.zeros((size, 1), bool)
    kept[slice(rows, None) if rng.random() < 0.4 else slice(0, size - rows)] = True  # noqa: PLR2004
    return TissueSample(sample.image * kept, np.where(kept, sample.tissues, np.uint8(0)))


class TissueTraining:
    """Samples in memory, changed when drawn; ``self[draw]`` depends on nothing but the draw."""

    def __init__(
        self, samples: list[TissueSample], drawn_from: GeometryRange | None, *, seed: int
    ) -> None:
        """Keep ``samples``; None shows them as they are."""
        self._samples = samples
        self._drawn_from = drawn_from
        self._seed = seed

    def __getitem__(self, draw: Draw) -> TissueSample:
        """Return the changed sample of ``draw``."""
        sample = self._samples[draw.index]
        if self._drawn_from is None:
            return sample
        rng = np.random.default_rng([self._seed, 3, draw.epoch, draw.place])
        return changed(sample, rng, self._drawn_from)


def dice(predicted: NDArray[np.integer], truth: NDArray[np.integer], tissue: Tissue) -> float:
    """Return 2 |A and B| / (|A| + |B|) of one tissue; NaN where neither shows it.

    >>> dice(np.array([1, 1, 0]), np.array([1, 0, 0]), Tissue.DISC)
    0.6666666666666666
    """
    ours, theirs = predicted == tissue, truth == tissue
    total = int(ours.sum()) + int(theirs.sum())
    return 2 * int((ours & theirs).sum()) / total if total else float("nan")
