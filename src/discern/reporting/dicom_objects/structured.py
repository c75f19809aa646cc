"""The structured report: Comprehensive 3D SR after TID 1500 of PS3.16.

The study as a whole and every disc is one measurement group (TID 1501): finding site, grade,
lesions, probabilities, quantities with their uncertainty, the slices that show it. Every
supporting box is one planar group (TID 1410) of the same disc with its region on the image;
the centre of a disc in the patient (SCOORD3D) supports the confidence in its level.

Regions are relative to the pixel frame, top left corner (0, 0), centre of the first pixel
(0.5, 0.5): PS3.3 C.18.6.1.2, which is how the findings hold their boxes.
"""

import io
from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset

from discern import __version__
from discern.findings import DiscFinding, LesionFinding, LesionStatus, Quantity, StudyFindings
from discern.reporting import codes
from discern.reporting.dicom_objects.concepts import coding_schemes, concept
from discern.reporting.dicom_objects.regions import Boxes, boxes_of
from discern.reporting.dicom_objects.source import headers_of
from discern.reporting.kinds import Document, DocumentKind, Reported
from discern.reporting.stamp import Stamp
from discern.spine import LESION_LABELS, Label, PfirrmannGrade

NAME = "structured-report.dcm"
_SERIES_NUMBER = 9101
_COMMENT = codes.Code("121106", codes.DCM, "Comment")
_TITLE = codes.Code("126000", codes.DCM, "Imaging Measurement Report")
_DISC = codes.Code("360499006", codes.SCT, "Intervertebral disc structure")
_PROCEDURE = codes.Code("241648009", codes.SCT, "MRI of lumbar spine")
_CODE_UNIT = concept(codes.UNITS["1"])
_Region = sr.PlanarROIMeasurementsAndQualitativeEvaluations


def write_structured_report(reported: Reported, stamp: Stamp) -> list[Document]:
    """Return the one SR of a study; its evidence are the series that were read.

    Raises:
        InputError: A source image lacks a UID.
    """
    evidence = headers_of(one for one in reported.study.series if one.used)
    content = _Content(reported, stamp, boxes_of(reported, evidence))
    uid = stamp.uid(DocumentKind.SR, "instance")
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content.report(),
        series_instance_uid=stamp.uid(DocumentKind.SR, "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer="Discern",
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="Discern structured report (research use only)",
        software_versions=__version__,
        specific_character_set="ISO_IR 192",
    )
    _stamp_times(report, stamp)
    report.CodingSchemeIdentificationSequence = coding_schemes()
    buffer = io.BytesIO()
    report.save_as(buffer, enforce_file_format=True)
    return [
        Document(
            DocumentKind.SR,
            NAME,
            buffer.getvalue(),
            "application/dicom",
            str(report.SOPClassUID),
            uid,
        )
    ]


def _stamp_times(report: Dataset, stamp: Stamp) -> None:
    """Replace the times at which the object happened to be built by the one that is stored."""
    day, time = stamp.content_time.strftime("%Y%m%d"), stamp.content_time.strftime("%H%M%S")
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        if keyword in report:
            setattr(report, keyword, day)
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        if keyword in report:
            setattr(report, keyword, time)
    report.TimezoneOffsetFromUTC = "+0000"
    for one in report.get("ContributingEquipmentSequence", ()):
        one.ContributionDateTime = day + time


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
        groups: list[sr.MeasurementsAndQualitativeEvaluations | _Region] = [self._whole_study()]
        for disc in self._findings.discs:
            groups += [self._disc(disc), *self._regions(disc)]
        return sr.MeasurementReport(
            observation_context=sr.ObservationContext(observer_device_context=observer),
            procedure_reported=concept(_PROCEDURE),
            imaging_measurements=groups,
            title=concept(_TITLE),
        )

    def _tracking(self, name: str) -> sr.TrackingIdentifier:
        return sr.TrackingIdentifier(self._stamp.uid(DocumentKind.SR, f"tracking {name}"), name)

    def _whole_study(self) -> sr.MeasurementsAndQualitativeEvaluations:
        group = sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=self._tracking("study"),
            algorithm_id=self._algorithm,
            finding_sites=[sr.FindingSite(concept(codes.LUMBAR_SPINE))],
            measurements=[_number(codes.NUMBERING_CONFIDENCE, self._findings.numbering.confidence)],
            qualitative_evaluations=[_evaluation(codes.REGULATORY_STATUS, codes.RESEARCH_USE_ONLY)],
        )
        _add_comments(group, _study_comments(self._findings))
        return group

    def _disc(self, disc: DiscFinding) -> sr.MeasurementsAndQualitativeEvaluations:
        sources = [
            sr.SourceImageForMeasurementGroup(one.sop_class_uid, one.sop_instance_uid, one.frames)
            for one in self._boxes.images(disc)
        ]
        group = sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=self._tracking(f"disc {disc.level}"),
            finding_type=concept(_DISC),
            algorithm_id=self._algorithm,
            finding_sites=[sr.FindingSite(concept(codes.DISCS[disc.level]))],
            measurements=[self._level(disc), *_grade_numbers(disc), *_lesion_numbers(disc)]
            + [_quantity(codes.QUANTITIES[name], one) for name, one in disc.quantities.items()],
            qualitative_evaluations=_evaluations(disc),
            source_images=sources or None,
        )
        _add_comments(group, [text for label in LESION_LABELS for text in _planes(disc, label)])
        return group

    def _level(self, disc: DiscFinding) -> sr.Measurement:
        frame = self._boxes.frame_of_reference_uid
        centre = None
        if disc.center_lps_mm is not None and frame is not None:
            point = np.array([disc.center_lps_mm], float).round(2)
            centre = [sr.CoordinatesForMeasurement3D("POINT", point, frame)]
        return sr.Measurement(
            name=concept(codes.LEVEL_CONFIDENCE),
            value=round(disc.level_confidence, 4),
            unit=_CODE_UNIT,
            referenced_coordinates=centre,
        )

    def _regions(self, disc: DiscFinding) -> list[_Region]:
        return [
            _Region(
                tracking_identifier=self._tracking(f"{disc.level} box {box.detection.id}"),
                referenced_region=sr.ImageRegion(
                    graphic_type="POLYLINE",
                    graphic_data=box.outline_px,
                    source_image=sr.SourceImageForRegion(
                        box.image.sop_class_uid, box.image.sop_instance_uid, box.image.frames
                    ),
                ),
                finding_type=concept(_finding_type(box.detection.label)),
                algorithm_id=self._algorithm,
                finding_sites=[sr.FindingSite(concept(codes.DISCS[disc.level]))],
                measurements=[_number(codes.DETECTOR_SCORE, box.detection.score)],
                qualitative_evaluations=_box_evaluations(box.detection.label),
            )
            for box in self._boxes.of(disc)
        ]


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


def _evaluations(disc: DiscFinding) -> list[sr.QualitativeEvaluation]:
    found = []
    if disc.pfirrmann is not None:
        found.append(_evaluation(codes.PFIRRMANN, codes.PFIRRMANN_GRADES[disc.pfirrmann.grade]))
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


def _study_comments(findings: StudyFindings) -> list[str]:
    numbering = findings.numbering
    others = [
        f"Numbering could also be: lowest disc {one.lowest_level} ({one.confidence:.2f})"
        for one in numbering.alternatives
    ]
    override = [f"Numbering overridden: {numbering.override}"] if numbering.override else []
    return [*override, *others, *(f"{one.code}: {one.text}" for one in findings.warnings)]


def _add_comments(group: sr.MeasurementsAndQualitativeEvaluations, comments: Sequence[str]) -> None:
    """Append comments to a group (TID 1501 is extensible)."""
    for text in comments:
        group[0].ContentSequence.append(
            sr.TextContentItem(
                concept(_COMMENT), text, relationship_type=sr.RelationshipTypeValues.CONTAINS
            )
        )
