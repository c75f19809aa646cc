"""The structured report: Comprehensive 3D SR after TID 1500 of PS3.16.

Every disc is one volumetric group (TID 1411) whose regions are its boxes on the slices: finding
site, grade, lesions, probabilities, quantities with their uncertainty. Every supporting box is
one planar group (TID 1410) of the same disc with its score; the centre of a disc in the patient
is a point (SCOORD3D) of its group. What concerns the study stands under
"Qualitative Evaluations": a viewer that draws every group needs a place on an image for each.

Regions are relative to the pixel frame, top left corner (0, 0), centre of the first pixel
(0.5, 0.5): PS3.3 C.18.6.1.2, which is how the findings hold their boxes.
"""

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from highdicom import sr

from discern import __version__
from discern.findings import (
    DiscFinding,
    LesionFinding,
    LesionStatus,
    PfirrmannFinding,
    Quantity,
    StudyFindings,
)
from discern.reporting import codes
from discern.reporting.dicom_objects.concepts import coding_schemes, concept
from discern.reporting.dicom_objects.finishing import UTF_8, finished
from discern.reporting.dicom_objects.regions import Box, Boxes, boxes_of
from discern.reporting.dicom_objects.source import headers_of
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.stamp import Stamp
from discern.reporting.wording import threshold_words
from discern.spine import LESION_LABELS, Label, PfirrmannGrade

NAME = "structured-report.dcm"
_SERIES_NUMBER = 9101
_COMMENT = codes.Code("121106", codes.DCM, "Comment")
_TITLE = codes.Code("126000", codes.DCM, "Imaging Measurement Report")
_DISC = codes.Code("360499006", codes.SCT, "Intervertebral disc structure")
_CENTRE = codes.Code("111010", codes.DCM, "Center")
_PROCEDURE = codes.Code("241648009", codes.SCT, "MRI of lumbar spine")
_CODE_UNIT = concept(codes.UNITS["1"])
_STUDY = codes.Code("C0034375", "UMLS", "Qualitative Evaluations")
_Region = sr.PlanarROIMeasurementsAndQualitativeEvaluations
_Disc = sr.VolumetricROIMeasurementsAndQualitativeEvaluations
_Group = _Region | _Disc | sr.MeasurementsAndQualitativeEvaluations


def write_structured_report(reported: Reported, stamp: Stamp) -> list[Document]:
    """Return the one SR of a study; its evidence are the series that were read.

    Raises:
        InputError: A source image lacks a UID.
    """
    evidence = headers_of(one for one in reported.study.series if one.used)
    content = _Content(reported, stamp, boxes_of(reported, evidence))
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content.report(),
        series_instance_uid=stamp.uid(DocumentKind.SR, "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid(DocumentKind.SR, "instance"),
        instance_number=1,
        manufacturer="Discern",
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="Discern structured report (research use only)",
        software_versions=__version__,
        specific_character_set=UTF_8,
    )
    report.CodingSchemeIdentificationSequence = coding_schemes()
    return [finished(report, DocumentKind.SR, NAME, stamp)]


class _Content:
    """The content tree of one report; what all of its groups share is held here."""

    def __init__(self, reported: Reported, stamp: Stamp, boxes: Boxes) -> None:
        self._findings, self._stamp, self._boxes = reported.findings, stamp, boxes
        model = self._findings.model
        self._algorithm = sr.AlgorithmIdentification(
            name="Discern",
            version=__version__,
            parameters=[
                f"weights {model.name} {model.version} sha256 {model.sha256}",
                f"engine {model.engine}, precision {model.precision}",
                f"operating point {self._findings.operating_point}",
                *map(threshold_words, self._findings.lesion_thresholds),
            ],
        )

    def report(self) -> sr.MeasurementReport:
        device = sr.DeviceObserverIdentifyingAttributes(
            uid=self._stamp.uid(DocumentKind.SR, "device"),
            name="Discern",
            manufacturer_name="Discern",
            model_name=f"Discern {__version__}",
        )
        observer = sr.ObserverContext(
            observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
            observer_identifying_attributes=device,
        )
        groups: list[_Group] = []
        for disc in self._findings.discs:
            groups += [self._disc(disc), *self._boxes_of(disc)]
        report = sr.MeasurementReport(
            observation_context=sr.ObservationContext(observer_device_context=observer),
            procedure_reported=concept(_PROCEDURE),
            imaging_measurements=groups,
            title=concept(_TITLE),
        )
        report[0].ContentSequence.append(_whole_study(self._findings))
        return report

    def _tracking(self, name: str) -> sr.TrackingIdentifier:
        return sr.TrackingIdentifier(self._stamp.tracking_uid(name), name)

    def _disc(self, disc: DiscFinding) -> _Group:
        """Return the group of a disc, its clearest slice first: some viewers draw only that one."""
        boxes = [box for box in self._boxes.of(disc) if box.detection.label.grade]
        boxes.sort(key=lambda box: -box.detection.score)
        regions = [_region(box) for box in boxes]
        place: dict[str, Any] = {"referenced_regions": regions} if regions else {}
        group: _Group = (_Disc if regions else sr.MeasurementsAndQualitativeEvaluations)(
            tracking_identifier=self._tracking(f"disc {disc.level}"),
            finding_type=concept(_DISC),
            algorithm_id=self._algorithm,
            finding_sites=[sr.FindingSite(concept(codes.DISCS[disc.level]))],
            measurements=[
                _number(codes.LEVEL_CONFIDENCE, disc.level_confidence),
                *_grade_numbers(disc),
                *_lesion_numbers(disc),
            ]
            + [_quantity(codes.QUANTITIES[name], one) for name, one in disc.quantities.items()],
            qualitative_evaluations=_evaluations(disc),
            **place,
        )
        comments = [text for label in LESION_LABELS for text in _planes(disc, label)]
        group[0].ContentSequence.extend([*_comments(comments), *self._centre(disc)])
        return group

    def _centre(self, disc: DiscFinding) -> list[sr.Scoord3DContentItem]:
        frame = self._boxes.frame_of_reference_uid
        if disc.center_lps_mm is None or frame is None:
            return []
        point = np.array([disc.center_lps_mm], float).round(2)
        contains = sr.RelationshipTypeValues.CONTAINS
        return [
            sr.Scoord3DContentItem(
                concept(_CENTRE),
                sr.GraphicTypeValues3D.POINT,
                point,
                frame,
                relationship_type=contains,
            )
        ]

    def _boxes_of(self, disc: DiscFinding) -> list[_Region]:
        return [
            _Region(
                tracking_identifier=self._tracking(f"{disc.level} box {box.detection.id}"),
                referenced_region=_region(box),
                finding_type=concept(_finding_type(box.detection.label)),
                algorithm_id=self._algorithm,
                finding_sites=[sr.FindingSite(concept(codes.DISCS[disc.level]))],
                measurements=[_number(codes.DETECTOR_SCORE, box.detection.score)],
                qualitative_evaluations=_box_evaluations(box.detection.label),
            )
            for box in self._boxes.of(disc)
        ]


def _region(box: Box) -> sr.ImageRegion:
    image = box.image
    return sr.ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=box.outline_px,
        source_image=sr.SourceImageForRegion(
            image.sop_class_uid, image.sop_instance_uid, image.frames
        ),
    )


def _finding_type(label: Label) -> codes.Code:
    return codes.LESIONS[label] if label in LESION_LABELS else _DISC


def _box_evaluations(label: Label) -> list[sr.QualitativeEvaluation] | None:
    grade = label.grade
    return None if grade is None else [_evaluation(codes.PFIRRMANN, codes.PFIRRMANN_GRADES[grade])]


def _number(name: codes.Code, value: float) -> sr.Measurement:
    return sr.Measurement(name=concept(name), value=round(value, 4), unit=_CODE_UNIT)


def _evaluation(name: codes.Code, value: codes.Code) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(concept(name), concept(value))


def _grade_numbers(disc: DiscFinding) -> list[sr.Measurement]:
    if disc.pfirrmann is None:
        return []
    pairs = zip(PfirrmannGrade, disc.pfirrmann.probabilities, strict=True)
    return [_number(codes.PFIRRMANN_PROBABILITIES[grade], value) for grade, value in pairs]


def _lesion_numbers(disc: DiscFinding) -> list[sr.Measurement]:
    found = []
    for label, lesion in _lesions(disc).items():
        if lesion.score is not None:
            found.append(_number(codes.LESION_SCORES[label], lesion.score))
        if lesion.probability is not None:
            found.append(_number(codes.LESION_PROBABILITIES[label], lesion.probability))
    return found


def _lesions(disc: DiscFinding) -> dict[Label, LesionFinding]:
    return {Label.HERNIATION: disc.herniation, Label.HIZ: disc.hiz}


def _quantity(name: codes.Code, quantity: Quantity) -> sr.Measurement:
    half = quantity.uncertainty
    return sr.Measurement(
        name=concept(name),
        value=round(quantity.value, 4),
        unit=concept(codes.UNITS[quantity.unit]),
        method=concept(codes.method_code(quantity.method)),
        derivation=concept(codes.QUANTITY_SOURCES[quantity.source]),
        properties=None
        if half is None
        else sr.MeasurementProperties(
            upper_measurement_uncertainty=round(half, 4),
            lower_measurement_uncertainty=round(half, 4),
        ),
    )


def _grade_evaluations(said: PfirrmannFinding) -> list[sr.QualitativeEvaluation]:
    found = [_evaluation(codes.PFIRRMANN, codes.PFIRRMANN_GRADES[said.grade])]
    found += [
        _evaluation(codes.PFIRRMANN_NOT_RULED_OUT, codes.PFIRRMANN_GRADES[grade])
        for grade in said.conformal_set or ()
    ]
    if said.abstain:
        found.append(_evaluation(codes.PFIRRMANN_CERTAINTY, codes.ABSTAINED))
    return found


def _evaluations(disc: DiscFinding) -> list[sr.QualitativeEvaluation]:
    found = []
    if disc.pfirrmann is not None:
        found += _grade_evaluations(disc.pfirrmann)
    for label, lesion in _lesions(disc).items():
        found.append(_evaluation(codes.LESIONS[label], codes.STATUSES[lesion.status]))
        if lesion.experimental and lesion.status is not LesionStatus.NOT_ASSESSED:
            found.append(_evaluation(codes.LESION_EVIDENCE[label], codes.EXPERIMENTAL))
        if lesion.side is not None:
            found.append(_evaluation(codes.LESION_SIDES[label], codes.SIDES[lesion.side]))
        if lesion.zone is not None:
            found.append(_evaluation(codes.LESION_ZONES[label], codes.ZONES[lesion.zone]))
    return found


def _planes(disc: DiscFinding, label: Label) -> list[str]:
    """Say what each plane said, since the joined statement is of both."""
    return [
        f"{codes.LESIONS[label].meaning}, {one.plane}: {one.status.replace('_', ' ')} on "
        f"{one.positive_slices} of {one.slices} slices"
        for one in _lesions(disc)[label].by_plane
        if one.status is not LesionStatus.NOT_ASSESSED
    ]


def _whole_study(findings: StudyFindings) -> sr.ContainerContentItem:
    """Return what is said of the study as a whole (TID 1500 row 12, which is extensible)."""
    contains = sr.RelationshipTypeValues.CONTAINS
    container = sr.ContainerContentItem(name=concept(_STUDY), relationship_type=contains)
    container.ContentSequence = sr.ContentSequence(
        [
            sr.CodeContentItem(
                concept(codes.REGULATORY_STATUS), concept(codes.RESEARCH_USE_ONLY), contains
            ),
            sr.NumContentItem(
                concept(codes.NUMBERING_CONFIDENCE),
                round(findings.numbering.confidence, 4),
                _CODE_UNIT,
                relationship_type=contains,
            ),
            *_comments(_study_comments(findings)),
        ]
    )
    return container


def _study_comments(findings: StudyFindings) -> list[str]:
    numbering = findings.numbering
    others = [
        f"Numbering could also be: lowest disc {one.lowest_level} ({one.confidence:.2f})"
        for one in numbering.alternatives
    ]
    override = [f"Numbering overridden: {numbering.override}"] if numbering.override else []
    return [*override, *others, *(f"{one.code}: {one.text}" for one in findings.warnings)]


def _comments(texts: Sequence[str]) -> list[sr.TextContentItem]:
    """Return comments; the templates of groups are extensible."""
    contains = sr.RelationshipTypeValues.CONTAINS
    return [sr.TextContentItem(concept(_COMMENT), one, contains) for one in texts]
