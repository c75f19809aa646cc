"""The structured report against dciodvfy, dsrdump, and the findings it came from."""

import io
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread

from discern.errors import InputError
from discern.findings import LesionThreshold, MeasuredShare, StudyFindings, StudyWarning
from discern.inference.analyze import analyze
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.reporting.dicom_objects.structured import write_structured_report
from discern.reporting.dicom_objects.structured_reading import read_structured_report
from discern.reporting.kinds import Reported
from discern.reporting.stamp import Stamp, findings_digest
from discern.spine import LESION_LABELS, Label, PfirrmannGrade, Plane

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def reported_on(folder: Path) -> Reported:
    analysis = analyze(folder)
    return Reported(analysis.findings, analysis.study, analysis.tissues)


def report_of(reported: Reported) -> bytes:
    stamp = Stamp(findings_digest(reported.findings), TIME)
    return write_structured_report(reported, stamp)[0].content


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("phantom")
    write_study(demo_parameters(), DEMO_SEED, folder)
    return reported_on(folder)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Reported:
    return reported_on(shared_data / "lumbar-study-dicom" / "study")


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("DISCERN_FULL"), f"{name} is missing"
        pytest.skip(f"{name} is not installed (Debian: dcmtk, dicom3tools)")
    return found


def check_equal(content: bytes, findings: StudyFindings) -> None:
    discs = read_structured_report(content)
    detections = {one.id: one for one in findings.detections}
    assert [one.level for one in discs] == [one.level for one in findings.discs]
    for said, disc in zip(discs, findings.discs, strict=True):
        lesions = {Label.HERNIATION: disc.herniation, Label.HIZ: disc.hiz}
        assert said.grade == (disc.pfirrmann.grade if disc.pfirrmann else None)
        kept = disc.pfirrmann.conformal_set if disc.pfirrmann else None
        assert said.not_ruled_out == (kept or ())
        assert said.abstain == (disc.pfirrmann is not None and disc.pfirrmann.abstain)
        assert said.lesions == {label: lesions[label].status for label in LESION_LABELS}
        assert said.numbers["level-confidence"] == pytest.approx(disc.level_confidence, abs=1e-4)
        assert said.quantities == pytest.approx(
            {name: one.value for name, one in disc.quantities.items()}, abs=1e-4
        )
        for index, share in enumerate(disc.pfirrmann.probabilities if disc.pfirrmann else ()):
            key = f"pfirrmann-{index + 1}-probability"
            assert said.numbers[key] == pytest.approx(share, abs=1e-4)
        assert len(said.boxes) == len(disc.detections)
        for box, name in zip(said.boxes, disc.detections, strict=True):
            found = detections[name]
            assert box.sop_instance_uid == found.sop_instance_uid
            assert box.frame_number == found.frame_number
            assert box.box_xyxy_px == pytest.approx(found.box_xyxy_px, abs=0.06)
            assert box.score == pytest.approx(found.score, abs=1e-4)


def test_read_back_it_says_what_the_findings_say(phantom: Reported) -> None:
    check_equal(report_of(phantom), phantom.findings)


def test_read_back_the_real_study_says_what_the_findings_say(real: Reported) -> None:
    check_equal(report_of(real), real.findings)


def with_sets(reported: Reported) -> Reported:
    """Return findings of calibrated weights: a set on every disc, the first one abstained on."""
    discs = tuple(
        replace(
            disc,
            pfirrmann=replace(
                disc.pfirrmann, conformal_set=tuple(PfirrmannGrade)[:4], abstain=index == 0
            ),
        )
        for index, disc in enumerate(reported.findings.discs)
        if disc.pfirrmann is not None
    )
    worth = MeasuredShare(0.821, 0.722, 0.918)
    threshold = LesionThreshold(Label.HERNIATION, Plane.SAGITTAL, 0.0122, worth, worth)
    findings = replace(reported.findings, discs=discs, lesion_thresholds=(threshold,))
    return replace(reported, findings=findings)


def test_grades_that_are_not_ruled_out_are_coded(phantom: Reported, tmp_path: Path) -> None:
    reported = with_sets(phantom)
    content = report_of(reported)

    check_equal(content, reported.findings)
    (tmp_path / "report.dcm").write_bytes(content)
    command = [program("dciodvfy"), str(tmp_path / "report.dcm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Error" not in done.stdout + done.stderr
    assert b"herniation, sagittal: sensitivity 82 % [72, 92]" in content


@pytest.mark.parametrize("study", ["phantom", "real"])
def test_the_validator_finds_no_error(
    study: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report_of(request.getfixturevalue(study)))

    done = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)

    assert "Comprehensive3DSR" in done.stdout + done.stderr
    assert "Error" not in done.stdout + done.stderr


def test_dsrdump_prints_every_disc_and_what_the_report_is_for(
    phantom: Reported, tmp_path: Path
) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report_of(phantom))

    done = subprocess.run(
        [program("dsrdump"), "+Pl", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    for disc in phantom.findings.discs:
        assert f"{disc.level} intervertebral disc" in done.stdout
    assert "Research use only, not a medical device" in done.stdout
    assert "experimental" in done.stdout
    assert phantom.findings.model.sha256 in done.stdout


@pytest.mark.parametrize(
    ("character_set", "name", "description"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "腰椎MRI"),
        ("GB18030", "Wang^XiaoDong=王^小东", "腰椎间盘"),
        ("ISO_IR 100", "Müller^Jürgen", "Lendenwirbelsäule"),
    ],
)
def test_text_of_the_source_survives_whatever_it_was_encoded_in(
    character_set: str | list[str], name: str, description: str, tmp_path: Path
) -> None:
    write_study(demo_parameters(), DEMO_SEED, tmp_path)
    for path in tmp_path.rglob("*.dcm"):
        dataset = dcmread(path)
        dataset.SpecificCharacterSet = character_set
        dataset.PatientName, dataset.StudyDescription = name, description
        dataset.save_as(path)

    report = dcmread(io.BytesIO(report_of(reported_on(tmp_path))))

    assert report.SpecificCharacterSet == "ISO_IR 192"
    assert (str(report.PatientName), report.StudyDescription) == (name, description)


def test_warnings_in_any_language_are_written(phantom: Reported) -> None:
    said = StudyWarning("series_unread", "矢状位 T2 wurde übergangen")
    findings = replace(phantom.findings, warnings=(said,))

    content = report_of(replace(phantom, findings=findings))

    assert said.text.encode() in content


def test_the_same_findings_give_the_same_bytes(phantom: Reported) -> None:
    assert report_of(phantom) == report_of(phantom)


def test_other_findings_give_another_object(phantom: Reported) -> None:
    changed = replace(phantom, findings=replace(phantom.findings, discs=phantom.findings.discs[1:]))
    uids = {findings_digest(one.findings) for one in (phantom, changed)}
    assert len(uids) == 2
    assert report_of(changed) != report_of(phantom)


def test_values_that_the_standard_does_not_admit_are_blanked(
    real: Reported, tmp_path: Path
) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report_of(real))

    header = dcmread(path)

    assert header.PatientSex == ""
    assert header.StudyInstanceUID == real.findings.study_instance_uid


def test_images_without_uids_are_refused_by_name(phantom: Reported) -> None:
    series = tuple(
        replace(one, slices=tuple(replace(slice_, header=None) for slice_ in one.slices))
        for one in phantom.study.series
    )
    stripped = replace(phantom, study=replace(phantom.study, series=series))

    with pytest.raises(InputError, match="not a DICOM file"):
        report_of(stripped)
