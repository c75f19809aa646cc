"""What is said of one study: detections on slices, findings per disc, and their JSON.

The JSON is the contract ``discern.findings/1``: floats rounded (scores 4, mm 2, px 1 decimals),
no time, no path. Boxes are xyxy in the stored matrix, outer pixel edges, top left (0, 0).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from discern.errors import InputError
from discern.spine import Label, Level, PfirrmannGrade, Plane, Vertebra, Weighting

SCHEMA = "discern.findings/1"
_SCORE_DECIMALS, _MM_DECIMALS, _PX_DECIMALS = 4, 2, 1


class Source(StrEnum):
    """Kind of files a study was read from."""

    DICOM = "dicom"
    NIFTI = "nifti"
    RASTER = "raster"


class LesionStatus(StrEnum):
    """Whether a lesion was seen; a head never trained for a plane says ``not_assessed``."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True)
class StudyWarning:
    """Something the reader of a report must know; ``code`` is stable, ``text`` is plain words."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The weights and the engine that produced the findings."""

    name: str
    version: str
    sha256: str
    engine: str
    precision: str


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """A share of one with its 95 % interval, measured on patients not trained on."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LesionThreshold:
    """From which score a lesion is told in one plane, and what that was measured to be worth.

    Attributes:
        label: The lesion.
        plane: The plane of the slices.
        score: A disc is called positive from this detector score on.
        sensitivity: Share of the discs with the lesion that are called so; None where it was
            never measured.
        specificity: Share of the discs without it that are not.
    """

    label: Label
    plane: Plane
    score: float
    sensitivity: MeasuredShare | None = None
    specificity: MeasuredShare | None = None


@dataclass(frozen=True, slots=True)
class LevelHypothesis:
    """Another reading of the numbering: the level of the lowest disc and its probability."""

    lowest_level: Level
    confidence: float


@dataclass(frozen=True, slots=True)
class Numbering:
    """How sure the level names are (0-1), what else they could be, and who overrode them."""

    confidence: float
    alternatives: tuple[LevelHypothesis, ...] = ()
    override: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """One series of the study, whether it was used, and why."""

    id: str
    series_instance_uid: str | None
    description: str
    plane: Plane
    weighting: Weighting
    used: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PfirrmannFinding:
    """Grade of one disc with the probabilities of grades 1 to 5 and its conformal set.

    ``conformal_set`` are neighbouring grades, lowest first; None where the weights carry no rule
    for it. ``abstain`` marks a set too wide to tell a grade.
    """

    grade: PfirrmannGrade
    probabilities: tuple[float, ...]
    conformal_set: tuple[PfirrmannGrade, ...] | None = None
    abstain: bool = False


@dataclass(frozen=True, slots=True)
class PlaneEvidence:
    """What one plane alone says of a lesion of one disc.

    Attributes:
        plane: Sagittal or axial.
        status: Verdict of this plane; ``not_assessed`` when its head was never trained.
        score: Best detector score on the slices of the disc in this plane.
        probability: The score calibrated; None where the weights carry no calibration for it.
        slices: How many slices show the disc in this plane.
        positive_slices: How many of them show the lesion.
    """

    plane: Plane
    status: LesionStatus
    score: float | None = None
    probability: float | None = None
    slices: int = 0
    positive_slices: int = 0


class Side(StrEnum):
    """Where a lesion lies across the patient, from geometry: the patient's own left and right."""

    LEFT = "left"
    CENTRAL = "central"
    RIGHT = "right"


class Zone(StrEnum):
    """Axial zone of a lesion (Fardon et al., Spine J 14:2525, 2014)."""

    CENTRAL = "central"
    SUBARTICULAR = "subarticular"
    FORAMINAL = "foraminal"
    EXTRAFORAMINAL = "extraforaminal"


class Border(StrEnum):
    """Which part of the annulus a focus lies in."""

    ANTERIOR = "anterior"
    POSTERIOR = "posterior"


class T1Appearance(StrEnum):
    """A focus on T1, against the nucleus of its disc there: a fifth brighter, alike, or darker."""

    BRIGHT = "bright"
    ISOINTENSE = "isointense"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class FocusFinding:
    """What the surest sagittal box of a high-intensity zone shows; None where it cannot be told.

    Attributes:
        border: In front of or behind the middle of the disc.
        nucleus_ratio: Signal of its brightest quarter, over that of the nucleus.
        csf_ratio: The same, over that of cerebrospinal fluid beside it.
        t1: How the same place looks on the nearest sagittal T1 slice.
        t1_ratio: Its T1 signal over that of the nucleus there.
    """

    border: Border
    nucleus_ratio: float | None = None
    csf_ratio: float | None = None
    t1: T1Appearance | None = None
    t1_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class LesionFinding:
    """Herniation or HIZ of one disc; ``score`` is the best detector score, None if not assessed.

    ``probability`` joins the planes; ``by_plane`` keeps what each of them said. ``side`` and
    ``zone`` come from axial slices. ``consecutive_slices`` is the longest run of neighbouring
    slices that show the lesion at one place. ``focus`` describes a high-intensity zone that was
    seen on sagittal slices.
    """

    status: LesionStatus
    experimental: bool = False
    score: float | None = None
    planes: tuple[Plane, ...] = ()
    side: Side | None = None
    zone: Zone | None = None
    consecutive_slices: int = 0
    probability: float | None = None
    by_plane: tuple[PlaneEvidence, ...] = ()
    focus: FocusFinding | None = None


NOT_ASSESSED = LesionFinding(LesionStatus.NOT_ASSESSED)


class QuantityName(StrEnum):
    """What is measured of a disc; docs/quantities.md defines each."""

    DISC_HEIGHT = "disc_height"
    DISC_HEIGHT_INDEX = "disc_height_index"
    SIGNAL_RATIO = "disc_csf_signal_ratio"
    HOMOGENEITY = "homogeneity"
    WEDGE_ANGLE = "wedge_angle"
    LISTHESIS = "listhesis"


class QuantitySource(StrEnum):
    """What a quantity was measured on: tissue masks, or detection boxes only."""

    MASKS = "masks"
    BOXES = "boxes"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measurement of one disc.

    Attributes:
        value: In ``unit``.
        unit: UCUM code: "mm", "deg", "1" for a ratio.
        uncertainty: Half width of the 95 % interval, in ``unit``; None where it is not known.
        method: Short name of the published or documented definition.
        source: Masks or boxes.
        slices: How many slices it is the mean of.
    """

    value: float
    unit: str
    uncertainty: float | None
    method: str
    source: QuantitySource
    slices: int


@dataclass(frozen=True, slots=True)
class DiscFinding:
    """Everything said of one disc; ``detections`` are ids of the supporting boxes."""

    level: Level
    level_confidence: float
    pfirrmann: PfirrmannFinding | None
    herniation: LesionFinding
    hiz: LesionFinding
    center_lps_mm: tuple[float, float, float] | None
    detections: tuple[str, ...]
    quantities: Mapping[QuantityName, Quantity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Detection:
    """One box on one slice, as the machine says it.

    ``slice_index`` counts from 0, patient right to left (sagittal) or foot to head (axial);
    ``frame_number`` from 1 in a multi-frame object; ``file`` is the input-relative name of a
    raster slice.
    """

    id: str
    series: str
    sop_instance_uid: str | None
    file: str | None
    frame_number: int | None
    slice_index: int
    plane: Plane
    label: Label
    score: float
    class_scores: tuple[float, ...]
    box_xyxy_px: tuple[float, float, float, float]
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class AxialSlice:
    """What one axial slice shows where it crosses the axis of the spine.

    Attributes:
        series: Id of its series.
        slice_index: From 0, foot to head.
        sop_instance_uid: None for files that are not DICOM.
        frame_number: From 1 in a multi-frame object.
        level: The disc it cuts; None when it cuts a vertebra, or nothing that is named.
        vertebra: The vertebra it cuts; None when it cuts a disc, or nothing that is named.
    """

    series: str
    slice_index: int
    sop_instance_uid: str | None
    frame_number: int | None
    level: Level | None = None
    vertebra: Vertebra | None = None


@dataclass(frozen=True, slots=True)
class StudyFindings:
    """The one value between machine and people: every writer and statistic starts from it.

    ``discs`` run head to foot; ``axial_slices`` lists every slice of the axial series that were
    read, in series order. ``lesion_thresholds`` are those of the operating point, one for each
    lesion and plane that was looked for.
    """

    source: Source
    study_instance_uid: str | None
    model: ModelIdentity
    operating_point: str
    warnings: tuple[StudyWarning, ...]
    numbering: Numbering
    series: tuple[SeriesSummary, ...]
    discs: tuple[DiscFinding, ...]
    detections: tuple[Detection, ...]
    axial_slices: tuple[AxialSlice, ...] = ()
    lesion_thresholds: tuple[LesionThreshold, ...] = ()

    def to_json(self) -> str:
        """Return the ``discern.findings/1`` text: stable key order, rounded, newline at the end."""
        document = {"schema": SCHEMA, **_rounded(asdict(self))}
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "StudyFindings":
        """Read ``discern.findings/1``.

        Raises:
            InputError: The text is not JSON of this schema.
        """
        try:
            return _study_from(json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a {SCHEMA} document: {error!r}") from error


def _rounded(value: Any, key: str = "") -> Any:  # noqa: ANN401 - walks any JSON value
    if isinstance(value, Mapping):
        return {name: _rounded(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, key) for item in value]
    if isinstance(value, float):
        digits = _MM_DECIMALS if "_mm" in key else _PX_DECIMALS if key.endswith("_px") else None
        return round(value, _SCORE_DECIMALS if digits is None else digits) + 0.0  # no -0.0
    return value


def _study_from(document: dict[str, Any]) -> StudyFindings:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema is {document['schema']!r}")
    return StudyFindings(
        source=Source(document["source"]),
        study_instance_uid=document["study_instance_uid"],
        model=ModelIdentity(**document["model"]),
        operating_point=document["operating_point"],
        warnings=tuple(StudyWarning(**item) for item in document["warnings"]),
        numbering=_numbering_from(document["numbering"]),
        series=tuple(_series_from(item) for item in document["series"]),
        discs=tuple(_disc_from(item) for item in document["discs"]),
        detections=tuple(_detection_from(item) for item in document["detections"]),
        axial_slices=tuple(_axial_slice_from(item) for item in document.get("axial_slices", ())),
        lesion_thresholds=tuple(
            threshold_from(item) for item in document.get("lesion_thresholds", ())
        ),
    )


def threshold_from(item: dict[str, Any]) -> LesionThreshold:
    """Read a threshold as findings and weights write it.

    Raises:
        KeyError, TypeError, ValueError: The item is of another form.
    """
    shares = {
        name: None if item[name] is None else MeasuredShare(**item[name])
        for name in ("sensitivity", "specificity")
    }
    enums = {"label": Label(item["label"]), "plane": Plane(item["plane"])}
    return LesionThreshold(**{**item, **enums, **shares})


def _numbering_from(item: dict[str, Any]) -> Numbering:
    alternatives = tuple(
        LevelHypothesis(Level(other["lowest_level"]), other["confidence"])
        for other in item["alternatives"]
    )
    return Numbering(item["confidence"], alternatives, item["override"])


def _series_from(item: dict[str, Any]) -> SeriesSummary:
    enums = {"plane": Plane(item["plane"]), "weighting": Weighting(item["weighting"])}
    return SeriesSummary(**{**item, **enums})


def _disc_from(item: dict[str, Any]) -> DiscFinding:
    center = item["center_lps_mm"]
    changed = {
        "level": Level(item["level"]),
        "pfirrmann": None if item["pfirrmann"] is None else _grade_from(item["pfirrmann"]),
        "herniation": _lesion_from(item["herniation"]),
        "hiz": _lesion_from(item["hiz"]),
        "center_lps_mm": None if center is None else tuple(center),
        "detections": tuple(item["detections"]),
        "quantities": {
            QuantityName(name): _quantity_from(one) for name, one in item["quantities"].items()
        },
    }
    return DiscFinding(**{**item, **changed})


def _grade_from(item: dict[str, Any]) -> PfirrmannFinding:
    conformal = item["conformal_set"]
    return PfirrmannFinding(
        grade=PfirrmannGrade(item["grade"]),
        probabilities=tuple(item["probabilities"]),
        conformal_set=None if conformal is None else tuple(map(PfirrmannGrade, conformal)),
        abstain=item["abstain"],
    )


def _quantity_from(item: dict[str, Any]) -> Quantity:
    return Quantity(**{**item, "source": QuantitySource(item["source"])})


def _lesion_from(item: dict[str, Any]) -> LesionFinding:
    side, zone = item["side"], item["zone"]
    changed = {
        "status": LesionStatus(item["status"]),
        "planes": tuple(Plane(plane) for plane in item["planes"]),
        "side": None if side is None else Side(side),
        "zone": None if zone is None else Zone(zone),
        "by_plane": tuple(_evidence_from(one) for one in item.get("by_plane", ())),
        "focus": _focus_from(item.get("focus")),
    }
    return LesionFinding(**{**item, **changed})


def _focus_from(item: dict[str, Any] | None) -> FocusFinding | None:
    if item is None:
        return None
    t1 = item["t1"]
    enums = {"border": Border(item["border"]), "t1": None if t1 is None else T1Appearance(t1)}
    return FocusFinding(**{**item, **enums})


def _evidence_from(item: dict[str, Any]) -> PlaneEvidence:
    enums = {"plane": Plane(item["plane"]), "status": LesionStatus(item["status"])}
    return PlaneEvidence(**{**item, **enums})


def _axial_slice_from(item: dict[str, Any]) -> AxialSlice:
    level, vertebra = item["level"], item["vertebra"]
    names = {
        "level": None if level is None else Level(level),
        "vertebra": None if vertebra is None else Vertebra(vertebra),
    }
    return AxialSlice(**{**item, **names})


def _detection_from(item: dict[str, Any]) -> Detection:
    level = item["level"]
    changed = {
        "plane": Plane(item["plane"]),
        "label": Label(item["label"]),
        "class_scores": tuple(item["class_scores"]),
        "box_xyxy_px": tuple(item["box_xyxy_px"]),
        "level": None if level is None else Level(level),
    }
    return Detection(**{**item, **changed})
