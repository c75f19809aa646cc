"""The whole way on real images beside the repository: names, boxes, depth, doubt."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.boxes import iou
from discern.findings import Detection, StudyFindings
from discern.imaging.study import Series
from discern.inference.analyze import Analysis, analyze
from discern.spine import GRADE_LABELS, Level, Plane

LUMBAR = (Level.T12_L1, Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)
# Disc centres (posterior, head): where an earlier network put them, then drawn on the mid-sagittal
# slice and seen to lie on the discs. They hold names and places fast; they are no reader's truth.
SEEN_ON_DISCS_MM = {
    Level.T12_L1: (5.0, 160.5),
    Level.L1_L2: (-5.5, 131.0),
    Level.L2_L3: (-20.0, 99.0),
    Level.L3_L4: (-31.0, 63.0),
    Level.L4_L5: (-35.5, 24.0),
    Level.L5_S1: (-28.0, -14.0),
}


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Analysis:
    return analyze(shared_data / "lumbar-study-dicom" / "study")


def used(analysis: Analysis, plane: Plane) -> Series:
    return analysis.study.used(plane)[0]


def test_every_lumbar_level_is_named_at_its_place(real: Analysis) -> None:
    centers = {disc.level: disc.center_lps_mm for disc in real.findings.discs}

    assert real.findings.discs[-1].level is Level.L5_S1
    for level, (posterior, head) in SEEN_ON_DISCS_MM.items():
        center = centers[level]
        assert center is not None
        assert np.hypot(center[1] - posterior, center[2] - head) < 6.0, level


def test_only_t2_is_read(real: Analysis) -> None:
    described = {series.description for series in real.findings.series if series.used}

    assert described == {"Sag T2 frFSE S", "Ax T2 frFSE S"}


def test_what_was_learned_from_made_lesions_is_experimental_and_rare(real: Analysis) -> None:
    """Nobody has labelled this study; a person sees no zone, and a small protrusion at L5-S1."""
    codes = {warning.code for warning in real.findings.warnings}
    assert {"hiz_experimental", "axial_experimental", "herniation_experimental"} <= codes
    for disc in real.findings.discs:
        assert disc.hiz.experimental
        assert disc.herniation.experimental
    for plane, label, most in (
        (Plane.SAGITTAL, "hiz", 2),
        (Plane.AXIAL, "hiz", 2),
        (Plane.AXIAL, "herniation", 2),
    ):
        said = [d for d in real.findings.detections if (d.plane, d.label) == (plane, label)]
        assert len(said) <= most


def test_a_lesion_on_an_axial_slice_lies_at_the_spine(real: Analysis) -> None:
    """The protrusion of L5-S1 is seen there too; it indents the dural sac from in front."""
    boxes = [d for d in real.findings.detections if d.plane is Plane.AXIAL]
    assert {(d.label.value, d.level) for d in boxes} == {("herniation", Level.L5_S1)}
    (protrusion,) = (disc for disc in real.findings.discs if disc.level is Level.L5_S1)
    assert protrusion.herniation.planes == (Plane.SAGITTAL, Plane.AXIAL)
    for box in boxes:
        x1, y1, x2, y2 = box.box_xyxy_px
        assert abs((x1 + x2) / 2 - 250) < 15  # of 512 px: seen on the picture
        assert abs((y1 + y2) / 2 - 270) < 15


def test_the_numbering_is_sure(real: Analysis) -> None:
    assert real.findings.numbering.confidence >= 0.9


def as_png(series: Series, folder: Path) -> Path:
    """Write the slices as 8-bit PNG, each windowed from its own minimum to its own maximum."""
    folder.mkdir()
    for slice_ in series.slices:
        image = slice_.read()
        scaled = (image - image.min()) * (255 / (image.max() - image.min()))
        name = folder / f"slice{slice_.index:03d}.png"
        Image.fromarray(np.rint(scaled).astype(np.uint8)).save(name)
    return folder


def boxes_of(findings: StudyFindings) -> dict[tuple[Level, int], Detection]:
    return {
        (d.level, d.slice_index): d
        for d in findings.detections
        if d.level is not None and d.label in GRADE_LABELS
    }


def test_eight_bit_slices_give_the_same_discs(
    real: Analysis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shallow = analyze(as_png(used(real, Plane.SAGITTAL), tmp_path / "png")).findings

    deep = real.findings
    assert [disc.level for disc in shallow.discs] == [disc.level for disc in deep.discs]
    boxes, others = boxes_of(deep), boxes_of(shallow)
    middle = {(d.level, i) for d in deep.discs for i in (5, 6, 7)} & set(boxes)
    assert middle <= set(others)
    for place in set(boxes) & set(others):
        pair = [np.array([one[place].box_xyxy_px]) for one in (boxes, others)]
        assert iou(*pair)[0, 0] >= 0.9, place
    changed = [
        f"{a.level}: {a.pfirrmann.grade} as 16-bit, {b.pfirrmann.grade} as 8-bit"
        for a, b in zip(deep.discs, shallow.discs, strict=True)
        if a.pfirrmann and b.pfirrmann and a.pfirrmann.grade != b.pfirrmann.grade
    ]
    with capsys.disabled():
        print("\ngrades that differ between 16-bit DICOM and 8-bit PNG:", changed or "none")  # noqa: T201 - the list is asked for
    assert len(changed) <= 1


def test_a_volume_without_the_sacrum_is_declared_uncertain(shared_data: Path) -> None:
    findings = analyze(shared_data / "lumbar-t2-nifti" / "t2_lumbar.nii.gz").findings

    assert findings.numbering.confidence < 0.9
    assert "numbering_uncertain" in [warning.code for warning in findings.warnings]
    assert findings.numbering.alternatives
    assert len(findings.discs) >= 6
