"""The whole way on synthetic DICOM studies that were laid and stored in every which way."""

from pathlib import Path

import pytest

from discern.findings import QuantityName, QuantitySource
from discern.inference.analyze import analyze
from discern.phantom.anatomy import build_spine
from discern.phantom.cut import LEAST_SHARE, cut_shares
from discern.phantom.prescription import AxialLayout, FrameUids, Prescription
from discern.phantom.study import demo_parameters, write_study
from discern.phantom.study_truth import PhantomTruth
from discern.spine import Plane

SEED = 71
LAYINGS = {
    "usual": Prescription(),
    "five slices": Prescription(sagittal_slices=5),
    "sixty thin slices": Prescription(sagittal_slices=60, sagittal_thickness_mm=1.0),
    "oblique": Prescription(head_turn_deg=10.0, side_tilt_deg=-8.0, rotation_deg=6.0),
    "reversed": Prescription(reversed_order=True),
    "one straight block": Prescription(axial_layout=AxialLayout.BLOCK),
    "one tilted block": Prescription(axial_layout=AxialLayout.TILTED, axial_tilt_deg=12.0),
    "turned axial": Prescription(axial_rotation_deg=14.0),
    "a frame of reference per series": Prescription(uids=FrameUids.PER_SERIES),
    "no UIDs": Prescription(uids=FrameUids.MISSING),
}
NEAR_MM = 6.0
THICKNESS_MM = demo_parameters().scanner.slice_thickness_mm


def written(folder: Path, prescription: Prescription) -> PhantomTruth:
    return write_study(demo_parameters(), SEED, folder, prescription)


@pytest.mark.slow
@pytest.mark.parametrize("laying", LAYINGS)
def test_discs_and_axial_slices_are_named_however_the_study_was_laid(
    laying: str, tmp_path: Path
) -> None:
    truth = written(tmp_path, LAYINGS[laying])

    analysis = analyze(tmp_path)
    findings = analysis.findings

    true_place = {disc.level: disc.center_lps_mm for disc in truth.discs}
    assert findings.discs[-1].level == "L5-S1"
    assert len(findings.discs) >= 6
    for disc in findings.discs:
        assert disc.center_lps_mm is not None
        away = [a - b for a, b in zip(disc.center_lps_mm, true_place[disc.level], strict=True)]
        assert max(map(abs, away[1:])) < NEAR_MM, disc.level
    axial = analysis.study.used(Plane.AXIAL)[0].slices
    spine = build_spine(demo_parameters())
    shares = [
        cut_shares(spine, slice_.geometry, THICKNESS_MM).get(name, 0.0)
        for slice_, one in zip(axial, findings.axial_slices, strict=True)
        if slice_.geometry is not None and (name := one.level or one.vertebra) is not None
    ]
    assert len(shares) >= 0.7 * len(truth.axial)
    assert sum(share >= LEAST_SHARE for share in shares) >= 0.95 * len(shares)


def test_a_cut_field_of_view_is_told_and_cut_discs_are_not_measured(tmp_path: Path) -> None:
    written(tmp_path, Prescription(shift_mm=70.0))

    findings = analyze(tmp_path).findings

    assert findings.numbering.confidence < 0.9
    assert "field_of_view_cut" in {warning.code for warning in findings.warnings}


def test_quantities_come_from_masks_and_lie_near_the_truth(tmp_path: Path) -> None:
    truth = written(tmp_path, Prescription())

    findings = analyze(tmp_path).findings

    heights = {disc.level: disc.measures.disc_height_mm for disc in truth.discs}
    measured = {
        disc.level: disc.quantities[QuantityName.DISC_HEIGHT]
        for disc in findings.discs
        if QuantityName.DISC_HEIGHT in disc.quantities  # a collapsed disc may have none
    }
    assert len(measured) >= len(findings.discs) - 1
    for level, height in measured.items():
        assert height.source is QuantitySource.MASKS
        assert height.unit == "mm"
        assert height.value == pytest.approx(heights[level], abs=1.6), level
        assert height.uncertainty is not None
