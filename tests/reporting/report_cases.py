"""Small hand-made studies and findings for the tests of the report page."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import numpy as np

from discern.findings import (
    NOT_ASSESSED,
    AxialSlice,
    Detection,
    DiscFinding,
    LesionFinding,
    LesionStatus,
    ModelIdentity,
    Numbering,
    PfirrmannFinding,
    PlaneEvidence,
    Quantity,
    QuantityName,
    QuantitySource,
    SeriesSummary,
    Side,
    Source,
    StudyFindings,
    StudyWarning,
    Zone,
)
from discern.imaging.geometry import SliceGeometry, Vector
from discern.imaging.study import Image, Series, Slice, Study
from discern.spine import GRADE_LABELS, Level, PfirrmannGrade, Plane, Vertebra, Weighting

SAGITTAL_AXES = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
AXIAL_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
SHAPE_PX = (40, 32)
SPACING_MM = (2.0, 1.0)
LEVELS = (Level.L3_L4, Level.L4_L5, Level.L5_S1)
BOXES = ((6.0, 6.0, 16.0, 10.0), (5.0, 16.0, 15.0, 20.0), (7.0, 28.0, 17.0, 33.0))


def noise(seed: int, shape_px: tuple[int, int] = SHAPE_PX) -> Image:
    return np.random.default_rng(seed).uniform(10, 900, shape_px).astype(np.float32)


def make_slice(
    index: int,
    geometry: SliceGeometry | None,
    read: Callable[[], Image] | None = None,
    shape_px: tuple[int, int] = SHAPE_PX,
) -> Slice:
    return Slice(
        index=index,
        shape_px=shape_px,
        geometry=geometry,
        spacing_mm=None if geometry is None else geometry.spacing_mm,
        read=read or (lambda: noise(index, shape_px)),
        sop_instance_uid=f"1.2.3.{index}",
        frame_number=None,
        file=f"slice-{index}",
    )


def geometry_at(position: Vector, axes: tuple[Vector, Vector]) -> SliceGeometry:
    return SliceGeometry(position, axes[0], axes[1], SPACING_MM)


def sagittal_series(count: int = 5, *, description: str = "Sag T2", placed: bool = True) -> Series:
    slices = tuple(
        make_slice(i, geometry_at((4.0 * i - 8, -20.0, 40.0), SAGITTAL_AXES) if placed else None)
        for i in range(count)
    )
    series = Series("s1", "1.2.3", description, Plane.SAGITTAL, Weighting.T2, slices)
    return series.selected(used=True, reason="the only one")


def axial_series(count: int = 4, series_id: str = "s2") -> Series:
    slices = tuple(
        make_slice(i, geometry_at((-16.0, -30.0, 12.0 * i - 30), AXIAL_AXES)) for i in range(count)
    )
    series = Series(series_id, None, "Ax T2", Plane.AXIAL, Weighting.T2, slices)
    return series.selected(used=True, reason="shown for reading")


def make_study(*series: Series, source: Source = Source.DICOM) -> Study:
    return Study(source, "1.2.840.99.1", "20240229", series or (sagittal_series(), axial_series()))


def make_findings(study: Study, *, levels: tuple[Level, ...] = LEVELS) -> StudyFindings:
    """One grade box per disc on sagittal slices 1 to 3, best score on slice 2."""
    detections = [
        _detection(f"d{row}-{index}", index, level, box)
        for row, (level, box) in enumerate(zip(levels, BOXES, strict=False))
        for index in (1, 2, 3)
    ]
    discs = tuple(
        _disc(level, tuple(one.id for one in detections if one.level is level)) for level in levels
    )
    return StudyFindings(
        source=study.source,
        study_instance_uid=study.study_instance_uid,
        model=ModelIdentity("discern-n", "0.1.0", "ab" * 32, "openvino", "fp32"),
        operating_point="balanced",
        warnings=(StudyWarning("lossy", "The images were compressed with loss."),),
        numbering=Numbering(0.97),
        series=tuple(
            SeriesSummary(
                one.id,
                one.series_instance_uid,
                one.description,
                one.plane,
                one.weighting,
                one.used,
                one.reason,
            )
            for one in study.series
        ),
        discs=discs,
        detections=tuple(detections),
    )


HERNIATED = LesionFinding(
    LesionStatus.PRESENT, experimental=True, score=0.71, planes=(Plane.SAGITTAL, Plane.AXIAL),
    side=Side.LEFT, zone=Zone.SUBARTICULAR, consecutive_slices=2, probability=0.83,
    by_plane=(
        PlaneEvidence(Plane.SAGITTAL, LesionStatus.PRESENT, 0.71, 0.64, 5, 2),
        PlaneEvidence(Plane.AXIAL, LesionStatus.NOT_ASSESSED, slices=3),
    ),
)  # fmt: skip


def whole_findings(study: Study) -> StudyFindings:
    """``make_findings`` of a study with six axial slices, with all that a full analysis adds.

    L4-L5 is herniated and cut by axial slices 2 to 4, L5-S1 by slice 0, L5 by 1, L3-L4 by none.
    """
    findings = make_findings(study)
    levels = [Level.L5_S1, None, Level.L4_L5, Level.L4_L5, Level.L4_L5, None]
    heights_mm = (9.0, 8.44, 4.0)
    discs = [
        replace(disc, quantities=_quantities(height_mm))
        for disc, height_mm in zip(findings.discs, heights_mm, strict=True)
    ]
    return replace(
        findings,
        discs=(discs[0], replace(discs[1], herniation=HERNIATED), discs[2]),
        axial_slices=tuple(
            AxialSlice("s2", i, None, None, level, Vertebra.L5 if i == 1 else None)
            for i, level in enumerate(levels)
        ),
    )


def _quantities(height_mm: float) -> dict[QuantityName, Quantity]:
    masks, boxes = QuantitySource.MASKS, QuantitySource.BOXES
    return {
        QuantityName.DISC_HEIGHT: Quantity(height_mm, "mm", 0.58, "mid-slice masks", masks, 3),
        QuantityName.SIGNAL_RATIO: Quantity(height_mm / 20, "1", None, "medians", boxes, 1),
    }


def _detection(
    name: str, index: int, level: Level, box: tuple[float, float, float, float]
) -> Detection:
    score = 0.9 if index == 2 else 0.6
    return Detection(
        id=name, series="s1", sop_instance_uid=f"1.2.3.{index}", file=None, frame_number=None,
        slice_index=index, plane=Plane.SAGITTAL, label=GRADE_LABELS[2], score=score,
        class_scores=(0.0,) * 7, box_xyxy_px=box, level=level,
    )  # fmt: skip


def _disc(level: Level, detections: tuple[str, ...]) -> DiscFinding:
    center_z = {Level.L3_L4: 30.0, Level.L4_L5: 6.0, Level.L5_S1: -18.0}.get(level, 0.0)
    return DiscFinding(
        level=level,
        level_confidence=0.96,
        pfirrmann=PfirrmannFinding(PfirrmannGrade.III, (0.01, 0.09, 0.62, 0.26, 0.02)),
        herniation=NOT_ASSESSED,
        hiz=NOT_ASSESSED,
        center_lps_mm=(0.0, -9.0, center_z),
        detections=detections,
    )


@dataclass(frozen=True)
class Element:
    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


_VOID = {"meta", "link", "input", "image", "br", "img"}


class Page(HTMLParser):
    """Every element in document order, each with all text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text.append(data)

    def all(self, tag: str, class_: str | None = None) -> list[Element]:
        return [e for e in self.elements if e.tag == tag and (not class_ or class_ in e.classes)]

    @property
    def words(self) -> str:
        return self.all("body")[0].words
