import json
from dataclasses import replace

import pytest

from discern.errors import InputError
from discern.findings import (
    NOT_ASSESSED,
    Detection,
    DiscFinding,
    LesionFinding,
    LesionStatus,
    LevelHypothesis,
    ModelIdentity,
    Numbering,
    PfirrmannFinding,
    SeriesSummary,
    Source,
    StudyFindings,
    StudyWarning,
)
from discern.spine import Label, Level, PfirrmannGrade, Plane, Weighting

FINDINGS = StudyFindings(
    source=Source.DICOM,
    study_instance_uid="1.2.3",
    model=ModelIdentity("best", "1", "ab" * 32, "openvino", "fp32"),
    operating_point="default",
    warnings=(StudyWarning("code", "Worte über Bandscheiben"),),
    numbering=Numbering(0.8, (LevelHypothesis(Level.L4_L5, 0.2),), None),
    series=(
        SeriesSummary(
            "s1", "1.2.4", "T2 <b>", Plane.SAGITTAL, Weighting.T2, used=True, reason="T2"
        ),
    ),
    discs=(
        DiscFinding(
            level=Level.L5_S1,
            level_confidence=0.8,
            pfirrmann=PfirrmannFinding(
                PfirrmannGrade.IV, (0.0, 0.1, 0.2, 0.6, 0.1), (PfirrmannGrade.IV,), abstain=False
            ),
            herniation=LesionFinding(
                LesionStatus.PRESENT,
                experimental=True,
                score=0.5,
                planes=(Plane.SAGITTAL,),
                consecutive_slices=2,
            ),
            hiz=NOT_ASSESSED,
            center_lps_mm=(1.25, -2.5, 3.0),
            detections=("d1",),
        ),
    ),
    detections=(
        Detection(
            id="d1",
            series="s1",
            sop_instance_uid="1.2.5",
            file=None,
            frame_number=None,
            slice_index=6,
            plane=Plane.SAGITTAL,
            label=Label.PFIRRMANN_4,
            score=0.91,
            class_scores=(0.0, 0.0, 0.1, 0.91, 0.0, 0.2, 0.0),
            box_xyxy_px=(10.5, 20.0, 60.0, 40.5),
            level=Level.L5_S1,
        ),
    ),
)


def test_what_is_written_is_read_back_the_same() -> None:
    assert StudyFindings.from_json(FINDINGS.to_json()) == FINDINGS


def test_floats_are_rounded_by_kind() -> None:
    disc = replace(
        FINDINGS.discs[0], center_lps_mm=(1.23456, -0.0001, 3.0), level_confidence=0.123456
    )
    box = replace(FINDINGS.detections[0], box_xyxy_px=(1.2345, 2.0, 3.0, 4.0))

    document = json.loads(replace(FINDINGS, discs=(disc,), detections=(box,)).to_json())

    assert document["discs"][0]["center_lps_mm"] == [1.23, 0.0, 3.0]
    assert document["discs"][0]["level_confidence"] == 0.1235
    assert document["detections"][0]["box_xyxy_px"] == [1.2, 2.0, 3.0, 4.0]


def test_the_keys_are_those_of_the_contract() -> None:
    document = json.loads(FINDINGS.to_json())

    assert list(document) == [
        "schema",
        "source",
        "study_instance_uid",
        "model",
        "operating_point",
        "warnings",
        "numbering",
        "series",
        "discs",
        "detections",
        "axial_slices",
        "lesion_thresholds",
    ]
    assert set(document["discs"][0]) == {
        "level",
        "level_confidence",
        "pfirrmann",
        "herniation",
        "hiz",
        "quantities",
        "center_lps_mm",
        "detections",
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "discern.findings/9"}', "null"])
def test_another_document_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"discern\.findings/1"):
        StudyFindings.from_json(text)
