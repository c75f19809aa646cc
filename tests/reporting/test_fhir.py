import importlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from report_cases import axial_series, make_study, sagittal_series, whole_findings

from discern.findings import LesionFinding, LesionStatus, Source, StudyFindings
from discern.imaging.study import Study
from discern.reporting.codes import FHIR_SYSTEMS, PRIVATE
from discern.reporting.codes_page import published_codes
from discern.reporting.fhir import write_fhir
from discern.reporting.kinds import Document, Reported
from discern.reporting.stamp import Stamp, findings_digest
from discern.spine import PfirrmannGrade

Json = dict[str, Any]
STUDY = make_study(sagittal_series(), axial_series(6))
FINDINGS = whole_findings(STUDY)
DRAFT = "L4-L5: Left subarticular herniation.\nL5-S1: Pfirrmann grade III.\n"
PACKAGES = {"fhir-r5.json": "fhir.resources", "fhir-r4b.json": "fhir.resources.R4B"}


def documents(
    findings: StudyFindings = FINDINGS, study: Study = STUDY, draft: str = DRAFT
) -> list[Document]:
    stamp = Stamp(findings_digest(findings), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    return write_fhir(Reported(findings, study), stamp, draft)


def bundles(findings: StudyFindings = FINDINGS, study: Study = STUDY) -> list[Json]:
    return [json.loads(one.content) for one in documents(findings, study)]


def resources(bundle: Json, kind: str) -> list[Json]:
    every = [one["resource"] for one in bundle["entry"]]
    return [one for one in every if one["resourceType"] == kind]


def statement(bundle: Json, level: str, text: str) -> Json:
    (found,) = [
        one
        for one in resources(bundle, "Observation")
        if one["bodySite"]["text"].startswith(level) and one["code"]["text"] == text
    ]
    return found


def components(observation: Json) -> Json:
    return {one["code"]["text"]: one for one in observation.get("component", [])}


def every_value(value: object, key: str) -> list[Any]:
    if isinstance(value, dict):
        here = [value[key]] if key in value else []
        return here + [one for item in value.values() for one in every_value(item, key)]
    if isinstance(value, list):
        return [one for item in value for one in every_value(item, key)]
    return []


@pytest.fixture(scope="module", params=[0, 1], ids=["R5", "R4B"])
def bundle(request: pytest.FixtureRequest) -> Json:
    return bundles()[int(request.param)]


def test_both_releases_are_written_and_valid() -> None:
    written = documents()
    assert [one.name for one in written] == list(PACKAGES)
    assert {one.media_type for one in written} == {"application/fhir+json"}
    for one in written:
        release = importlib.import_module(f"{PACKAGES[one.name]}.bundle")
        model = release.Bundle.model_validate_json(one.content)
        assert json.loads(model.model_dump_json()) == json.loads(one.content)


def test_the_bundle_is_checked_against_its_own_release() -> None:
    newer, older = documents()
    for content, name in ((newer.content, "fhir-r4b.json"), (older.content, "fhir-r5.json")):
        release = importlib.import_module(f"{PACKAGES[name]}.bundle")
        with pytest.raises(ValueError, match="validation error"):
            release.Bundle.model_validate_json(content)


def test_the_report_is_a_preliminary_draft_of_the_lumbar_spine(bundle: Json) -> None:
    (report,) = resources(bundle, "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert report["conclusion"] == DRAFT.strip()
    assert report["code"]["coding"] == [{"system": FHIR_SYSTEMS["SCT"], "code": "122496007"}]
    assert len(report["result"]) == len(resources(bundle, "Observation")) == 3 * (3 + 2)
    assert bundle["type"] == "collection"


def test_warnings_and_doubts_about_the_levels_go_with_the_report(bundle: Json) -> None:
    (report,) = resources(bundle, "DiagnosticReport")
    carried = [one["valueAnnotation"] for one in report.get("extension", [])]
    texts = [one["text"] for one in report.get("note", carried)]
    assert texts == [
        "Confidence in the level names: 0.97.",
        "The images were compressed with loss.",
        "Research use only, not a medical device.",
    ]


def test_every_reference_leads_to_a_resource_of_the_bundle(bundle: Json) -> None:
    urls = [one["fullUrl"] for one in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(every_value(bundle, "reference")) <= set(urls)
    assert all(one["fullUrl"] == f"urn:uuid:{one['resource']['id']}" for one in bundle["entry"])


def test_grade_and_probabilities_are_coded(bundle: Json) -> None:
    grade = statement(bundle, "L4-L5", "Pfirrmann grade")
    assert grade["valueCodeableConcept"]["coding"][0] == {
        "system": "https://radelement.org",
        "code": "RDE1929.2",
        "display": "Grade III",
    }
    shares = components(grade)
    said = [
        shares[f"Probability of Pfirrmann grade {one.name}"]["valueQuantity"]["value"]
        for one in PfirrmannGrade
    ]
    assert said == [0.01, 0.09, 0.62, 0.26, 0.02]
    assert shares["Confidence in level"]["valueQuantity"]["value"] == 0.96
    assert grade["bodySite"]["coding"] == [{"system": FHIR_SYSTEMS["SCT"], "code": "84020006"}]


def test_a_lesion_says_where_how_sure_and_that_it_is_experimental(bundle: Json) -> None:
    lesion = statement(bundle, "L4-L5", "Disc herniation")
    assert lesion["valueCodeableConcept"]["text"] == "Present"
    parts = components(lesion)
    assert parts["Laterality"]["valueCodeableConcept"]["text"] == "Left"
    assert parts["Axial zone"]["valueCodeableConcept"]["text"] == "Subarticular zone"
    assert parts["Probability of disc herniation"]["valueQuantity"]["value"] == 0.83
    assert parts["Detector score"]["valueQuantity"]["value"] == 0.71
    assert {one["code"] for one in lesion["meta"]["tag"]} == {"research-use-only", "experimental"}
    assert {"text": "Experimental statement."} in lesion["note"]


def test_what_was_not_assessed_says_so_and_never_absent(bundle: Json) -> None:
    for level in ("L3-L4", "L4-L5", "L5-S1"):
        zone = statement(bundle, level, "High-intensity zone")
        reasons = [one["code"] for one in zone["dataAbsentReason"]["coding"]]
        assert reasons == ["not-performed", "not-assessed"]
        assert not [key for key in zone if key.startswith("value")]
    assert "2667000" not in json.dumps(bundle)  # SNOMED CT: absent


def test_a_lesion_looked_for_and_not_seen_is_absent() -> None:
    clear = LesionFinding(LesionStatus.ABSENT, score=0.04)
    for bundle in bundles(
        replace(FINDINGS, discs=tuple(replace(one, hiz=clear) for one in FINDINGS.discs))
    ):
        zone = statement(bundle, "L5-S1", "High-intensity zone")
        assert zone["valueCodeableConcept"]["coding"][0]["code"] == "2667000"
        assert "dataAbsentReason" not in zone


def test_quantities_are_in_ucum_with_uncertainty_and_method(bundle: Json) -> None:
    height = statement(bundle, "L4-L5", "Disc height")
    assert height["valueQuantity"] == {
        "value": 8.44,
        "unit": "mm",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    half = components(height)["Half width of the 95 % interval"]
    assert half["valueQuantity"]["value"] == 0.58
    assert height["method"]["text"] == "mid-slice masks; from masks, 3 slices"
    ratio = statement(bundle, "L4-L5", "Disc to cerebrospinal fluid signal ratio")
    assert (ratio["valueQuantity"]["code"], "component" in ratio) == ("1", False)


def test_a_disc_without_grade_is_not_assessed() -> None:
    for bundle in bundles(
        replace(FINDINGS, discs=tuple(replace(one, pfirrmann=None) for one in FINDINGS.discs))
    ):
        grade = statement(bundle, "L3-L4", "Pfirrmann grade")
        assert grade["dataAbsentReason"]["text"] == "Not assessed"


def test_an_abstention_and_the_grades_left_are_noted() -> None:
    disc = FINDINGS.discs[0]
    assert disc.pfirrmann is not None
    left = (PfirrmannGrade.III, PfirrmannGrade.IV)
    unsure = replace(disc.pfirrmann, conformal_set=left, abstain=True)
    for bundle in bundles(replace(FINDINGS, discs=(replace(disc, pfirrmann=unsure),))):
        texts = [one["text"] for one in statement(bundle, "L3-L4", "Pfirrmann grade")["note"]]
        assert any("III, IV" in text for text in texts)
        assert any("abstains" in text for text in texts)


def test_device_names_version_and_weights(bundle: Json) -> None:
    (device,) = resources(bundle, "Device")
    versions = {one["type"]["text"]: one["value"] for one in device["version"]}
    assert versions["weights SHA-256"] == "ab" * 32
    assert versions["weights discern-n"] == "0.1.0"
    assert "Discern" in json.dumps(device.get("name", device.get("deviceName")))


def test_the_study_is_named_by_its_uids_and_the_patient_by_nothing(bundle: Json) -> None:
    (study,) = resources(bundle, "ImagingStudy")
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.99.1"}]
    assert [one["uid"] for one in study["series"]] == ["1.2.3"]
    (patient,) = resources(bundle, "Patient")
    assert set(patient) == {"resourceType", "id", "meta", "identifier"}
    assert patient["identifier"][0]["extension"][0]["valueCode"] == "masked"
    assert not {"20240229", "2024-02-29", "Sag T2"} & set(re.findall(r'"([^"]*)"', str(bundle)))


@pytest.mark.parametrize("uid", [None, "1.2.<script>", "1.2.840.", "9" * 65])
def test_without_a_usable_study_uid_there_is_no_imaging_study(uid: str | None) -> None:
    study = replace(STUDY, source=Source.RASTER, study_instance_uid=uid)
    for bundle in bundles(replace(FINDINGS, study_instance_uid=uid), study):
        assert resources(bundle, "ImagingStudy") == []
        assert "derivedFrom" not in json.dumps(bundle)
        assert uid is None or uid not in json.dumps(bundle)


def test_a_study_without_discs_or_series_uids_is_valid() -> None:
    nameless = replace(sagittal_series(), series_instance_uid=None)
    study = make_study(nameless)
    for bundle in bundles(replace(whole_findings(STUDY), discs=()), study):
        assert resources(bundle, "Observation") == []
        assert len(resources(bundle, "ImagingStudy")) == 1


def test_every_resource_is_marked_and_every_code_is_known(bundle: Json) -> None:
    tags = [one["resource"]["meta"]["tag"][0]["code"] for one in bundle["entry"]]
    assert set(tags) == {"research-use-only"}
    known = {(FHIR_SYSTEMS[one.scheme], one.value) for one in published_codes()}
    own = {*FHIR_SYSTEMS.values()} - {FHIR_SYSTEMS[PRIVATE]}
    used = [one for listed in every_value(bundle, "coding") for one in listed]
    assert {(one["system"], one["code"]) for one in used if one["system"] in own} <= known


def test_same_arguments_same_bytes_and_other_findings_other_ids() -> None:
    assert documents() == documents()
    read_back = StudyFindings.from_json(FINDINGS.to_json())
    assert documents(read_back) == documents()
    other = replace(FINDINGS, operating_point="sensitive")
    for one, two in zip(bundles(), bundles(other), strict=True):
        assert not set(every_value(one, "fullUrl")) & set(every_value(two, "fullUrl"))
    for first, second in zip(documents(), documents(draft="又一个草稿。"), strict=True):
        assert json.loads(first.content)["id"] != json.loads(second.content)["id"]
        assert "又一个草稿。" in second.content.decode()


def test_without_fhir_resources_the_remedy_is_named() -> None:
    script = (
        "import sys; sys.modules['fhir.resources'] = None\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_fhir import documents\n"
        "documents()\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "UsageError" in done.stderr
    assert "pip install 'discern-lumbar[fhir]'" in done.stderr
