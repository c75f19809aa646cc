"""Everything the network says of a sagittal series: boxes, and the discs they make up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from discern.errors import UnreadableFile
from discern.findings import Detection, StudyWarning
from discern.imaging.study import Image, Series, Slice, slice_distance_mm, slices_after_gap
from discern.inference.detect import SeriesDetector, SliceBoxes
from discern.inference.fusion import DiscEvidence, gather_evidence
from discern.inference.lesion_support import supported
from discern.inference.second_look import SecondLook
from discern.inference.tracks import (
    PlacedBox,
    Track,
    link_tracks,
    middle_slices,
    place_boxes,
)
from discern.spine import Level, Plane


@dataclass(frozen=True, slots=True)
class SagittalReading:
    """Everything the network said of one sagittal series.

    Attributes:
        series: What was read; None where there is no sagittal series.
        detections: Every box, in the form of the findings.
        discs: The discs these boxes make up, head to foot.
        room_below: Length of image with signal below the lowest disc, in the unit of the tracks.
        has_geometry: Whether that frame is the patient frame.
        warnings: What could not be read.
        thumbnails: Every slice that was read, by its index, as ``SliceBoxes.thumbnail``.
    """

    series: Series | None = None
    detections: tuple[Detection, ...] = ()
    discs: tuple[DiscEvidence, ...] = ()
    room_below: float = 0.0
    has_geometry: bool = False
    warnings: tuple[StudyWarning, ...] = ()
    thumbnails: Mapping[int, Image] = field(default_factory=dict)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Track of every disc, head to foot."""
        return tuple(disc.track for disc in self.discs)

    @property
    def middle_slices(self) -> tuple[Slice, ...]:
        """The few slices on which the discs are looked at again, for tissue."""
        indices = set(middle_slices(self.tracks)) if self.series else set()
        slices = self.series.slices if self.series else ()
        return tuple(one for one in slices if one.index in indices)


NOTHING_READ = SagittalReading()


def read_sagittal(
    series: Series, detector: SeriesDetector, second_look: SecondLook | None = None
) -> SagittalReading:
    """Return what the networks say of every readable slice of ``series``.

    The second look is for the boxes that decide a grade: those on the middle slices of each disc.
    Lesions go through the slices as :mod:`discern.inference.lesion_support` says.

    Raises:
        UnreadableFile: Not one slice could be read.
    """
    read, warnings = detector.with_doubtful_lesions().detect(series)
    if not read:
        raise UnreadableFile(f"no slice of series {series.id} could be read. {warnings[0].text}")
    results = supported(read, detector.thresholds, slices_after_gap(series))
    placed: list[PlacedBox] = []
    for result in results:
        placed += place_boxes(result, first_id=len(placed) + 1)
    tracks = link_tracks(placed, len(results), slice_distance_mm(series))
    if second_look is not None:
        judged = _looked_at_again(results, tracks, second_look)
        placed = [judged.get(box.detection, box) for box in placed]
        tracks = [Track(tuple(judged.get(b.detection, b) for b in t.boxes)) for t in tracks]
    slices = {result.slice_.index: result.slice_ for result in results}
    return SagittalReading(
        series=series,
        detections=tuple(_detection(series, slices[box.slice_index], box) for box in placed),
        discs=gather_evidence(tracks, placed),
        room_below=_room_below(results, placed, tracks),
        has_geometry=all(result.slice_.geometry is not None for result in results),
        warnings=tuple(warnings),
        thumbnails={result.slice_.index: result.thumbnail for result in results},
    )


def _looked_at_again(
    results: Sequence[SliceBoxes], tracks: Sequence[Track], second_look: SecondLook
) -> dict[str, PlacedBox]:
    """Return the boxes on the middle slices of the discs, by their ids, with both opinions."""
    judged: dict[str, PlacedBox] = {}
    middle = [box for track in tracks for box in track.middle()]
    for result in results:
        here = [box for box in middle if box.slice_index == result.slice_.index]
        in_view = [replace(box.selected, box_xyxy_px=box.view_xyxy_px) for box in here]
        opinions = second_look.at(result.windowed, in_view, result.slice_.view_spacing_mm)
        for box, one in zip(here, opinions, strict=True):
            selected = replace(one, box_xyxy_px=box.selected.box_xyxy_px)
            judged[box.detection] = replace(box, selected=selected)
    return judged


def _detection(series: Series, slice_: Slice, box: PlacedBox) -> Detection:
    return Detection(
        id=box.detection,
        series=series.id,
        sop_instance_uid=slice_.sop_instance_uid,
        file=slice_.file if slice_.sop_instance_uid is None else None,
        frame_number=slice_.frame_number,
        slice_index=slice_.index,
        plane=Plane.SAGITTAL,
        label=box.selected.label,
        score=box.selected.score,
        class_scores=box.selected.class_scores,
        box_xyxy_px=box.selected.box_xyxy_px,
    )


def _room_below(
    results: Sequence[SliceBoxes], placed: Sequence[PlacedBox], tracks: Sequence[Track]
) -> float:
    """Length of image with signal below the lowest disc, in the unit of the tracks."""
    if not tracks:
        return 0.0
    lowest = tracks[-1].middle(1)[0]
    result = next(r for r in results if r.slice_.index == lowest.slice_index)
    position = [b.detection for b in placed if b.slice_index == lowest.slice_index]
    box = result.view_boxes_xyxy_px[position.index(lowest.detection)]
    height_px = float(box[3] - box[1])
    unit_per_px = float(lowest.size[1]) / height_px
    return max(0.0, result.content_bottom_px - float(box[3])) * unit_per_px


@dataclass(frozen=True, slots=True)
class NamedDisc:
    """A disc of a reading with its level, and how sure the name is.

    ``has_geometry``: its place is in the patient frame.
    """

    evidence: DiscEvidence
    level: Level
    confidence: float
    has_geometry: bool


def detections_with_levels(
    reading: SagittalReading, named: Sequence[NamedDisc]
) -> tuple[Detection, ...]:
    """Return the detections of ``reading``, those on a named disc with its level."""
    levels = {box.detection: disc.level for disc in named for box in disc.evidence.boxes}
    return tuple(replace(one, level=levels.get(one.id)) for one in reading.detections)
