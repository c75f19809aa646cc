"""Sampling the synthetic spine into sagittal and axial slices with their truth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.imaging.geometry import SliceGeometry, plane_of
from discern.phantom.acquisition import acquire, coil_gain
from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.bones import lay_bones, paint_bones
from discern.phantom.canal import paint_canal, paint_epidural_fat
from discern.phantom.canvas import Canvas
from discern.phantom.discs import DiscFootprint, paint_discs
from discern.phantom.placement import AXIAL_MATRIX_PX, axial_geometries, sagittal_geometries
from discern.phantom.prescription import USUAL, Prescription
from discern.phantom.settings import Contrast, Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.surroundings import paint_surroundings
from discern.phantom.texture import draw_textures
from discern.phantom.truth import truth_of
from discern.phantom.weightings import contrast_on, fat_of
from discern.spine import Plane, Weighting

_SUB_SLICES = 3


@dataclass(frozen=True, slots=True)
class PhantomSlice:
    """One synthetic slice.

    Attributes:
        image: (H, W) float32, stored values 0 .. 4095.
        geometry: Its place in the patient frame.
        truth: Boxes on it; its image is named like "<patient>_sagittal_07".
        plane: Sagittal or axial.
        tissues: (H, W) ``Tissue`` that fills at least half of the slice thickness; vertebrae with
            their arches, no sacrum but an L5 fused with it, as in SPIDER's masks.
        block: Axial slices along one disc are parallel and share this number; sagittal: 0.
    """

    image: NDArray[np.float32]
    geometry: SliceGeometry
    truth: GroundTruth
    plane: Plane
    tissues: NDArray[np.uint8]
    block: int = 0


def render_sagittal(
    parameters: PhantomParameters,
    rng: np.random.Generator,
    *,
    prescription: Prescription = USUAL,
    patient: str = "phantom",
    weighting: Weighting = Weighting.T2,
) -> list[PhantomSlice]:
    """Render the sagittal slices of ``prescription``, usually patient right to left.

    ``rng`` draws the noise of the image; all else, texture included, is in ``parameters``. Only T2
    slices have truth boxes: discs are graded there.

    Raises:
        ValueError: A weighting that the phantom does not draw.
    """
    series = render_sagittal_series(
        parameters, {weighting: rng}, prescription=prescription, patient=patient
    )
    return series[weighting]


def render_sagittal_series(
    parameters: PhantomParameters,
    rngs: Mapping[Weighting, np.random.Generator],
    *,
    prescription: Prescription = USUAL,
    patient: str = "phantom",
) -> dict[Weighting, list[PhantomSlice]]:
    """Render series at the same places, painted together: as ``render_sagittal`` one by one.

    Raises:
        ValueError: A weighting that the phantom does not draw.
    """
    scanner = sagittal_scanner(parameters.scanner, prescription)
    parameters = replace(parameters, scanner=scanner)
    contrasts = [contrast_on(weighting, parameters.contrast) for weighting in rngs]
    spine = build_spine(parameters)
    planes = ((0, plane) for plane in sagittal_geometries(spine, scanner, prescription))
    artist = _Artist(parameters, spine, scanner.matrix_px, patient)
    series = artist.render(planes, contrasts, list(rngs.values()))
    return {
        weighting: [_as_read_on(weighting, one) for one in slices]
        for weighting, slices in zip(rngs, series, strict=True)
    }


def render_axial(
    parameters: PhantomParameters,
    rng: np.random.Generator,
    *,
    prescription: Prescription = USUAL,
    patient: str = "phantom",
) -> list[PhantomSlice]:
    """Render the axial T2 slices of ``prescription``, usually foot to head."""
    spine = build_spine(parameters)
    artist = _Artist(parameters, spine, AXIAL_MATRIX_PX, patient)
    planes = axial_geometries(spine, parameters.scanner, prescription)
    (slices,) = artist.render(planes, [parameters.contrast], [rng])
    return slices


def sagittal_scanner(scanner: Scanner, prescription: Prescription) -> Scanner:
    """Return ``scanner`` with what the prescription overrides for the sagittal series."""
    return replace(
        scanner,
        field_of_view_mm=prescription.field_of_view_mm or scanner.field_of_view_mm,
        matrix_px=prescription.matrix_px or scanner.matrix_px,
        slice_thickness_mm=prescription.sagittal_thickness_mm or scanner.slice_thickness_mm,
    )


def _as_read_on(weighting: Weighting, one: PhantomSlice) -> PhantomSlice:
    """Return the slice as it is on T2, without the truth that only T2 shows elsewhere."""
    if weighting is Weighting.T2:
        return one
    unread = replace(one.truth, boxes=(), annotated=frozenset(), ignored=())
    return replace(one, truth=unread)


class _Artist:
    """Paints slices of one patient; holds the anatomy and the textures between slices."""

    def __init__(
        self, parameters: PhantomParameters, spine: Spine, size_px: int, patient: str
    ) -> None:
        self._parameters = parameters
        self._spine = spine
        self._size_px = size_px
        self._patient = patient
        self._skeleton = lay_bones(spine, parameters)
        self._textures = draw_textures(parameters.texture_seed)
        thickness_mm = parameters.scanner.slice_thickness_mm
        steps = (np.arange(_SUB_SLICES) - (_SUB_SLICES - 1) / 2) / _SUB_SLICES
        self._offsets_mm = (steps * thickness_mm).astype(np.float32)

    def render(
        self,
        planes: Iterable[tuple[int, SliceGeometry]],
        contrasts: Sequence[Contrast],
        rngs: Sequence[np.random.Generator],
    ) -> list[list[PhantomSlice]]:
        """Paint and acquire every plane, in order; return the slices of each contrast."""
        series: list[list[PhantomSlice]] = [[] for _ in contrasts]
        for index, (block, geometry) in enumerate(planes):
            slices = self._slices(index, block, geometry, contrasts, rngs)
            for one, slice_ in zip(series, slices, strict=True):
                one.append(slice_)
        return series

    def _painted(
        self, geometry: SliceGeometry, contrasts: tuple[Contrast, ...]
    ) -> tuple[Canvas, list[DiscFootprint]]:
        shape_px = (self._size_px, self._size_px)
        looks = (self._spine, self._textures, contrasts)
        canvas = Canvas(geometry, shape_px, self._offsets_mm, *looks)
        parts = (canvas, self._spine, self._parameters)
        paint_surroundings(*parts)
        paint_epidural_fat(*parts)
        canvas.lay_ground()
        paint_canal(*parts)
        paint_bones(canvas, self._skeleton, self._parameters)
        return canvas, paint_discs(*parts)

    def _slices(
        self,
        index: int,
        block: int,
        geometry: SliceGeometry,
        contrasts: Sequence[Contrast],
        rngs: Sequence[np.random.Generator],
    ) -> list[PhantomSlice]:
        scanner, count = self._parameters.scanner, len(contrasts)
        fats = [fat_of(one) for one in contrasts] if scanner.chemical_shift_px else []
        canvas, footprints = self._painted(geometry, (*contrasts, *fats))
        plane = plane_of(geometry)
        name = f"{self._patient}_{plane}_{index:02d}"
        empty = GroundTruth(name, self._patient, plane, canvas.tissues.shape[1:], boxes=())
        truth = truth_of(footprints, self._parameters, empty, geometry.spacing_mm)
        gain = coil_gain(canvas.whole, self._spine, scanner)
        tissues = canvas.tissue_map()
        signals = zip_longest(canvas.signals[:count], canvas.signals[count:])
        return [
            PhantomSlice(
                acquire(signal, gain, geometry, scanner, rng, fat),
                geometry,
                truth,
                plane,
                tissues,
                block,
            )
            for (signal, fat), rng in zip(signals, rngs, strict=True)
        ]
