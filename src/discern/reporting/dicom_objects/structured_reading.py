"""A structured report read back: what it says of every disc, as the findings said it."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from highdicom import sr
from pydicom import dcmread

from discern.errors import UnreadableFile
from discern.findings import LesionStatus, QuantityName
from discern.reporting import codes
from discern.spine import LESION_LABELS, Label, Level, PfirrmannGrade


@dataclass(frozen=True, slots=True)
class ReportedBox:
    """One region: image, frame (None in a single-frame object), xyxy in pixels, score."""

    sop_instance_uid: str
    frame_number: int | None
    box_xyxy_px: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class ReportedDisc:
    """What a structured report says of one disc; numbers by the value of their code."""

    level: Level
    grade: PfirrmannGrade | None
    not_ruled_out: tuple[PfirrmannGrade, ...]
    abstain: bool
    lesions: Mapping[Label, LesionStatus]
    numbers: Mapping[str, float]
    boxes: tuple[ReportedBox, ...]

    @property
    def quantities(self) -> dict[QuantityName, float]:
        """The quantities that were reported, in the units of docs/quantities.md."""
        values = {name: code.value for name, code in codes.QUANTITIES.items()}
        return {name: self.numbers[key] for name, key in values.items() if key in self.numbers}


def read_structured_report(content: bytes) -> list[ReportedDisc]:
    """Return the discs of a report that ``write_structured_report`` wrote, head to foot.

    Raises:
        UnreadableFile: It is no such report.
    """
    try:
        report = sr.Comprehensive3DSR.from_dataset(dcmread(io.BytesIO(content)))
        tree: Any = report.content
        groups = tree.get_volumetric_roi_measurement_groups()
        groups += tree.get_image_measurement_groups()
        boxes = [(_site(one), _box(one)) for one in tree.get_planar_roi_measurement_groups()]
        discs = [_disc(_site(one), one, boxes) for one in groups]
        return sorted(discs, key=lambda one: list(Level).index(one.level))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(f"no structured report of Discern ({error})") from error


def _site(group: Any) -> Level:  # noqa: ANN401 - highdicom is not typed
    value = group.finding_sites[0].value.value
    return next(level for level, code in codes.DISCS.items() if code.value == value)


def _numbers(group: Any) -> dict[str, float]:  # noqa: ANN401
    return {one.name.value: float(one.value) for one in group.get_measurements()}


def _evaluations(group: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    return [(one.name.value, one.value.value) for one in group.get_qualitative_evaluations()]


def _disc(
    level: Level,
    group: Any,  # noqa: ANN401
    boxes: Iterable[tuple[Level, ReportedBox]],
) -> ReportedDisc:
    every = _evaluations(group)
    said, left = dict(every), codes.PFIRRMANN_NOT_RULED_OUT.value
    grades = {code.value: grade for grade, code in codes.PFIRRMANN_GRADES.items()}
    statuses = {code.value: status for status, code in codes.STATUSES.items()}
    return ReportedDisc(
        level=level,
        grade=grades.get(said.get(codes.PFIRRMANN.value, "")),
        not_ruled_out=tuple(grades[value] for name, value in every if name == left),
        abstain=said.get(codes.PFIRRMANN_CERTAINTY.value) == codes.ABSTAINED.value,
        lesions={label: statuses[said[codes.LESIONS[label].value]] for label in LESION_LABELS},
        numbers=_numbers(group),
        boxes=tuple(box for where, box in boxes if where is level),
    )


def _box(group: Any) -> ReportedBox:  # noqa: ANN401
    region = group.roi
    points = region.value
    source = next(one for one in region.ContentSequence if one.ValueType == "IMAGE")
    reference = source.ReferencedSOPSequence[0]
    frame = reference.get("ReferencedFrameNumber")
    (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
    return ReportedBox(
        sop_instance_uid=str(reference.ReferencedSOPInstanceUID),
        frame_number=None if frame is None else int(frame),
        box_xyxy_px=(float(x1), float(y1), float(x2), float(y2)),
        score=_numbers(group)[codes.DETECTOR_SCORE.value],
    )
