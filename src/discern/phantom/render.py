"""Sampling the synthetic spine into sagittal and axial slices with their truth."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from discern.annotations import GroundTruth
from discern.imaging.geometry import SliceGeometry, plane_of
from discern.phantom.acquisition import acquire
from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.bones import paint_bones
from discern.phantom.canal import paint_canal
from discern.phantom.canvas import Canvas
from discern.phantom.discs import DiscFootprint, paint_discs
from discern.phantom.placement import AXIAL_MATRIX_PX, axial_geometries, sagittal_geometries
from discern.phantom.prescription import USUAL, Prescription
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.surroundings import paint_surroundings
from discern.phantom.texture import Textures
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
            their arches, no sacrum, as in SPIDER's masks.
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
    parameters = replace(
        parameters,
        scanner=sagittal_scanner(parameters.scanner, prescription),
        contrast=contrast_on(weighting, parameters.contrast),
    )
    spine, scanner = build_spine(parameters), parameters.scanner
    planes = ((0, plane) for plane in sagittal_geometries(spine, scanner, prescription))
    artist = _Artist(parameters, spine, scanner.matrix_px, patient)
    slices = artist.render(planes, rng)
    if weighting is Weighting.T2:
        return slices
    return [replace(one, truth=_unread(one.truth)) for one in slices]


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
    return artist.render(axial_geometries(spine, parameters.scanner, prescription), rng)


def sagittal_scanner(scanner: Scanner, prescription: Prescription) -> Scanner:
    """Return ``scanner`` with what the prescription overrides for the sagittal series."""
    return replace(
        scanner,
        field_of_view_mm=prescription.field_of_view_mm or scanner.field_of_view_mm,
        matrix_px=prescription.matrix_px or scanner.matrix_px,
        slice_thickness_mm=prescription.sagittal_thickness_mm or scanner.slice_thickness_mm,
    )


def _unread(truth: GroundTruth) -> GroundTruth:
    return replace(truth, boxes=(), annotated=frozenset(), ignored=())


class _Artist:
    """Paints slices of one patient; holds the anatomy and the textures between slices."""

    def __init__(
        self, parameters: PhantomParameters, spine: Spine, size_px: int, patient: str
    ) -> None:
        self._parameters = parameters
        self._spine = spine
        self._size_px = size_px
        self._patient = patient
        self._textures = Textures.draw(np.random.default_rng(parameters.texture_seed))
        thickness_mm = parameters.scanner.slice_thickness_mm
        steps = (np.arange(_SUB_SLICES) - (_SUB_SLICES - 1) / 2) / _SUB_SLICES
        self._offsets_mm = (steps * thickness_mm).astype(np.float32)

    def render(
        self, planes: Iterable[tuple[int, SliceGeometry]], rng: np.random.Generator
    ) -> list[PhantomSlice]:
        """Paint and acquire every plane, in order."""
        return [
            self._slice(index, block, geometry, rng)
            for index, (block, geometry) in enumerate(planes)
        ]

    def _painted(
        self, geometry: SliceGeometry, parameters: PhantomParameters
    ) -> tuple[Canvas, list[DiscFootprint]]:
        shape_px = (self._size_px, self._size_px)
        canvas = Canvas(geometry, shape_px, self._offsets_mm, self._spine, self._textures)
        parts = (canvas, self._spine, parameters)
        paint_surroundings(*parts)
        paint_canal(*parts)
        paint_bones(*parts)
        return canvas, paint_discs(*parts)

    def _slice(
        self, index: int, block: int, geometry: SliceGeometry, rng: np.random.Generator
    ) -> PhantomSlice:
        shape_px = (self._size_px, self._size_px)
        canvas, footprints = self._painted(geometry, self._parameters)
        plane = plane_of(geometry)
        name = f"{self._patient}_{plane}_{index:02d}"
        empty = GroundTruth(name, self._patient, plane, shape_px, boxes=())
        truth = truth_of(footprints, self._parameters, empty, geometry.spacing_mm)
        fat = None
        if self._parameters.scanner.chemical_shift_px:
            only_fat = replace(self._parameters, contrast=fat_of(self._parameters.contrast))
            fat, _ = self._painted(geometry, only_fat)
        image = acquire(canvas, self._spine, self._parameters.scanner, rng, fat)
        return PhantomSlice(image, geometry, truth, plane, canvas.tissue_map(), block)
