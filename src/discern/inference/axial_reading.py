"""Everything the network says of axial series: lesion boxes, each with its disc, side and zone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from discern.findings import Detection, Side, StudyWarning, Zone
from discern.imaging.geometry import Vector
from discern.imaging.study import Slice
from discern.inference.axial import PlacedSeries, PlacedSlice
from discern.inference.axial_look import AxialReader
from discern.inference.axial_zone import lies_at_disc, offset_mm, side_of, zone_of
from discern.inference.plane_support import NO_SUPPORT, LesionInPatient, SagittalSupport
from discern.postprocess import SelectedBox, with_score
from discern.spine import LESION_LABELS, Plane


@dataclass(frozen=True, slots=True)
class AxialLesion:
    """A lesion box on an axial slice.

    No side or zone where the slice shows no named disc, or the box lies elsewhere than at it.
    """

    detection: Detection
    offset_mm: float | None = None
    side: Side | None = None
    zone: Zone | None = None


@dataclass(frozen=True, slots=True)
class AxialReading:
    """What the network said of the axial series.

    Attributes:
        lesions: Lesion boxes, in series and slice order.
        read: (series id, slice index) of every slice that was read.
        warnings: What could not be read.
    """

    lesions: tuple[AxialLesion, ...] = ()
    read: frozenset[tuple[str, int]] = frozenset()
    warnings: tuple[StudyWarning, ...] = ()

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Every box, in the form of the findings."""
        return tuple(lesion.detection for lesion in self.lesions)


NO_AXIAL_READ = AxialReading()


def read_axial(
    placed: Sequence[PlacedSeries],
    reader: AxialReader,
    support: SagittalSupport = NO_SUPPORT,
    *,
    first_id: int,
    left: Vector,
) -> AxialReading:
    """Return the lesions on every readable slice of the axial series.

    The network is not run when no lesion is looked for: its heads were never trained on axial
    slices. Grades are a matter of sagittal slices; their boxes are left out.

    Args:
        placed: The axial series with their slices named.
        reader: Network and thresholds for axial slices.
        support: What the sagittal slices add to doubtful boxes.
        first_id: Number of the first detection id: they go on after the sagittal ones.
        left: Direction to the patient's left.
    """
    if not reader.thresholds.lesions:
        return NO_AXIAL_READ
    lesions: list[AxialLesion] = []
    warnings: list[StudyWarning] = []
    read: set[tuple[str, int]] = set()
    for one in placed:
        results, skipped = reader.read(one)
        warnings += skipped
        by_index = {place.slice_.index: place for place in one.slices}
        for result in results:
            read.add((one.series.id, result.slice_.index))
            place = by_index[result.slice_.index]
            boxes = [box for box in result.boxes if box.label in LESION_LABELS]
            for box in _supported(boxes, place.slice_, one, support):
                if box.score >= reader.thresholds.min_score(box.label):
                    lesions.append(_lesion(place, box, f"d{first_id + len(lesions)}", left))
    return AxialReading(tuple(lesions), frozenset(read), tuple(warnings))


def _supported(
    boxes: Sequence[SelectedBox], slice_: Slice, placed: PlacedSeries, support: SagittalSupport
) -> list[SelectedBox]:
    geometry = slice_.geometry
    if geometry is None or not boxes:
        return list(boxes)
    thickness_mm, shift_mm = placed.thickness_mm, placed.shift_mm
    lesions = [LesionInPatient.of(box, geometry, thickness_mm, shift_mm) for box in boxes]
    return [with_score(one.box, support.score_of(one)) for one in lesions]


def _lesion(place: PlacedSlice, box: SelectedBox, name: str, left: Vector) -> AxialLesion:
    detection = _detection(place, box, name)
    disc, midline, geometry = place.disc, place.midline_lps_mm, place.slice_.geometry
    if disc is None or midline is None or geometry is None:
        return AxialLesion(detection)
    at = midline, left
    if not lies_at_disc(box.box_xyxy_px, box.label, geometry, at, disc.depth_mm):
        return AxialLesion(replace(detection, level=None))
    offset = offset_mm(box.box_xyxy_px, geometry, midline, left)
    side = side_of(offset, disc.level, disc.depth_mm)
    return AxialLesion(detection, offset, side, zone_of(offset, disc.level, disc.depth_mm))


def _detection(place: PlacedSlice, box: SelectedBox, name: str) -> Detection:
    slice_ = place.slice_
    return Detection(
        id=name,
        series=place.named.series,
        sop_instance_uid=slice_.sop_instance_uid,
        file=slice_.file if slice_.sop_instance_uid is None else None,
        frame_number=slice_.frame_number,
        slice_index=slice_.index,
        plane=Plane.AXIAL,
        label=box.label,
        score=box.score,
        class_scores=box.class_scores,
        box_xyxy_px=box.box_xyxy_px,
        level=place.named.level,
    )
