"""The tissues of the middle sagittal slices as a DICOM Segmentation (PS3.3 A.51).

One segment per named disc, one for all vertebrae, one for the vertebral canal: what the tissue
network says, pixel by pixel of the source images, the likeliest tissue each. Nothing else is
known of single vertebrae, so they are not told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from discern import __version__
from discern.imaging.geometry import usual_view
from discern.imaging.study import Series, Slice
from discern.quantities.slices import TissueSlice
from discern.reporting import codes
from discern.reporting.dicom_objects.concepts import coding_schemes, concept
from discern.reporting.dicom_objects.disc_masks import assign_discs
from discern.reporting.dicom_objects.finishing import finished
from discern.reporting.dicom_objects.segmented_sources import parallel_slices, sources_of
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.stamp import Stamp
from discern.spine import Level, Tissue

NAME = "segmentation.dcm"
_SERIES_NUMBER = 9103
_DISC_COLOURS = (CIELabColor(79, -22, -23), CIELabColor(62, 10, -45))  # neighbours differ
_COLOURS = {Tissue.VERTEBRA: CIELabColor(80, 2, 25), Tissue.CANAL: CIELabColor(70, 35, 10)}
_TYPES = {Tissue.VERTEBRA: codes.VERTEBRA, Tissue.CANAL: codes.VERTEBRAL_CANAL}
_NAMES = {Tissue.VERTEBRA: "Vertebrae", Tissue.CANAL: "Vertebral canal"}
Labels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One segment, its tissue and, for a disc, its level."""

    tissue: Tissue
    level: Level | None = None


def write_segmentation(reported: Reported, stamp: Stamp) -> list[Document]:
    """Return the one Segmentation; none where no slice was segmented or has a place in space.

    Raises:
        InputError: A source image lacks a UID.
    """
    series, tissues = _segmented(reported)
    if series is None or not tissues:
        return []
    slices = {one.index: one for one in series.slices}
    chosen = [slices[one.slice_index] for one in tissues]
    labels = [_labels(one, slices[one.slice_index], series, reported) for one in tissues]
    segments = _present(reported, labels)
    placed = sources_of(chosen, [_numbered(one, segments) for one in labels])
    if not segments or placed is None:
        return []
    sources, frames = placed
    model = reported.findings.model
    algorithm = hd.AlgorithmIdentificationSequence(
        name="Discern tissue network",
        family=concept(codes.ARTIFICIAL_INTELLIGENCE),
        version=__version__,
        parameters={"weights": f"{model.name} {model.version}", "sha256": model.sha256},
    )
    described = [
        _describe(number, one, algorithm, stamp) for number, one in enumerate(segments, start=1)
    ]
    segmentation = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=frames,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=stamp.uid(DocumentKind.SEG, "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid(DocumentKind.SEG, "instance"),
        instance_number=1,
        manufacturer="Discern",
        manufacturer_model_name="Discern",
        software_versions=__version__,
        device_serial_number=__version__,
        content_label="SEGMENTATION",
        content_description="Discs, vertebrae and canal of the middle slices",
        series_description="Discern segmentation (research use only)",
    )
    _seal(segmentation, stamp)
    return [finished(segmentation, DocumentKind.SEG, NAME, stamp)]


def _segmented(reported: Reported) -> tuple[Series | None, list[TissueSlice]]:
    """Return the series that was segmented, and those of its slices that lie alike in space."""
    wanted = {one.series for one in reported.findings.detections if one.plane == "sagittal"}
    series = next((one for one in reported.study.series if one.used and one.id in wanted), None)
    if series is None:
        return None, []
    segmented = {one.slice_index for one in reported.tissues}
    slices = parallel_slices([one for one in series.slices if one.index in segmented])
    usable = {one.index for one in slices}
    return series, [one for one in reported.tissues if one.slice_index in usable]


def _labels(
    tissues: TissueSlice, slice_: Slice, series: Series, reported: Reported
) -> dict[_Segment, NDArray[np.bool_]]:
    """Return the masks of one slice, on the pixels of its source image."""
    likeliest = tissues.probabilities.argmax(axis=0)
    stored = usual_view(slice_.geometry).restore(likeliest)
    masks = {_Segment(one): stored == one for one in (Tissue.VERTEBRA, Tissue.CANAL)}
    discs = assign_discs(stored == Tissue.DISC, reported.findings, series.id, slice_.index)
    return masks | {_Segment(Tissue.DISC, level): mask for level, mask in discs.items()}


def _present(
    reported: Reported, labels: Sequence[dict[_Segment, NDArray[np.bool_]]]
) -> list[_Segment]:
    """Return the segments that have a pixel: discs head to foot, vertebrae, canal."""
    discs = [_Segment(Tissue.DISC, one.level) for one in reported.findings.discs]
    others = [_Segment(Tissue.VERTEBRA), _Segment(Tissue.CANAL)]
    return [one for one in discs + others if any(s[one].any() for s in labels if one in s)]


def _numbered(masks: dict[_Segment, NDArray[np.bool_]], segments: Sequence[_Segment]) -> Labels:
    """Return one slice with the number of the segment in each pixel; 0 for none."""
    shape = next(iter(masks.values())).shape
    numbered = np.zeros(shape, np.uint8)
    for number, segment in enumerate(segments, start=1):
        if segment in masks:
            numbered[masks[segment]] = number
    return numbered


def _describe(
    number: int, segment: _Segment, algorithm: hd.AlgorithmIdentificationSequence, stamp: Stamp
) -> hd.seg.SegmentDescription:
    level = segment.level
    name = _NAMES[segment.tissue] if level is None else f"disc {level}"
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=concept(codes.ANATOMICAL_STRUCTURE),
        segmented_property_type=concept(
            _TYPES[segment.tissue] if level is None else codes.DISCS[level]
        ),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=stamp.tracking_uid(name),
        tracking_id=name,
        display_color=_COLOURS.get(segment.tissue, _DISC_COLOURS[number % 2]),
    )


def _seal(segmentation: Dataset, stamp: Stamp) -> None:
    """Set what would otherwise differ from one writing to the next."""
    segmentation.CodingSchemeIdentificationSequence = coding_schemes()
    dimensions = stamp.uid(DocumentKind.SEG, "dimensions")
    for organization in segmentation.DimensionOrganizationSequence:
        organization.DimensionOrganizationUID = dimensions
    for index in segmentation.DimensionIndexSequence:
        index.DimensionOrganizationUID = dimensions
