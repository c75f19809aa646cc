"""The whole way on what is no lumbar T2 study, and on spines that the network hardly knows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from pydicom import dcmread

from discern.cli.main import run
from discern.errors import MetalVoids, NoLumbarSpine, NothingToAnalyze, NotT2Weighted
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Slice
from discern.inference.analyze import AnalysisOptions, analyze
from discern.phantom.anatomy import build_spine
from discern.phantom.dicom import SeriesPlace
from discern.phantom.other_anatomy import as_head, as_knee
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_sagittal, sagittal_scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study import demo_parameters, write_series
from discern.phantom.unfit import Metal, smaller, with_metal
from discern.spine import Plane, Vertebra, Weighting, vertebra_above

pytestmark = pytest.mark.slow

SEED = 12
LAYING = Prescription(sagittal_slices=7)
PATIENT = demo_parameters()
UNTIMED = ("EchoTime", "RepetitionTime", "ScanningSequence", "SeriesDescription", "SequenceName")
QUALITY = {
    *("noisy_image", "blurred_image", "clipped_image", "coarse_pixels", "wide_field_of_view"),
    *("sparse_slices", "uneven_brightness", "fracture_signs", "surgery_signs", "implant_signs"),
    *("no_lumbar_spine", "not_t2_contrast", "metal_voids", "other_body_part"),
}


def rendered(
    patient: PhantomParameters = PATIENT,
    prescription: Prescription = LAYING,
    weighting: Weighting = Weighting.T2,
) -> list[PhantomSlice]:
    rng = np.random.default_rng(SEED)
    return render_sagittal(patient, rng, prescription=prescription, weighting=weighting)


@pytest.fixture(scope="module")
def usual() -> list[PhantomSlice]:
    return rendered()


def written(folder: Path, slices: Sequence[PhantomSlice]) -> Path:
    """Write the slices as DICOM files that say they are a lumbar T2 series."""
    place = SeriesPlace(SEED, 1, sagittal_scanner(PATIENT.scanner, LAYING))
    write_series(list(slices), place, folder)
    return folder


def named(series: str = "s1") -> AnalysisOptions:
    return AnalysisOptions(reading=ReadOptions(series=(series,)))


def codes(source: Path, options: AnalysisOptions | None = None) -> list[str]:
    """Return the codes of image quality, of signs and of what would have been refused."""
    warnings = analyze(source, options).findings.warnings
    return [one.code for one in warnings if one.code in QUALITY]


def test_a_usual_study_is_analyzed_without_a_word(
    usual: list[PhantomSlice], tmp_path: Path
) -> None:
    assert codes(written(tmp_path, usual)) == []


@pytest.mark.parametrize("draw", [as_head, as_knee])
def test_other_anatomy_is_refused(
    draw: type[object], usual: list[PhantomSlice], tmp_path: Path
) -> None:
    folder = written(tmp_path, [draw(one, row) for row, one in enumerate(usual)])  # type: ignore[call-arg, misc]

    with pytest.raises(NoLumbarSpine, match=r"series s1: .* --series s1 to read it all the same"):
        analyze(folder)
    assert "no_lumbar_spine" in codes(folder, named())


def test_a_spine_of_half_the_size_is_refused(tmp_path: Path) -> None:
    column = replace(PATIENT, herniations=(), lordosis_deg=15.0, sacral_slope_deg=20.0)
    field = replace(LAYING, field_of_view_mm=320.0, shift_mm=60.0)
    folder = written(tmp_path, [smaller(one) for one in rendered(column, field)])

    with pytest.raises(NoLumbarSpine, match=r"1\d mm from front to back"):
        analyze(folder)
    assert "no_lumbar_spine" in codes(folder, named())


def test_t1_that_says_t2_or_nothing_is_refused(tmp_path: Path) -> None:
    t1 = rendered(weighting=Weighting.T1)
    lying, silent = written(tmp_path / "lying", t1), written(tmp_path / "silent", t1)
    for path in silent.iterdir():
        dataset = dcmread(path)
        for keyword in UNTIMED:
            delattr(dataset, keyword)
        dataset.save_as(path)

    for folder in (lying, silent):
        with pytest.raises(NotT2Weighted, match="fluid in the canal is not bright"):
            analyze(folder)
        assert "not_t2_contrast" in codes(folder, named())


def test_stir_is_read(tmp_path: Path) -> None:
    assert codes(written(tmp_path, rendered(weighting=Weighting.STIR))) == []


def with_screws(slices: Sequence[PhantomSlice], radius_mm: float) -> list[PhantomSlice]:
    vertebrae = (Vertebra.L2, Vertebra.L3, Vertebra.L4, Vertebra.L5)
    metal = Metal(vertebrae if radius_mm > 10 else vertebrae[2:], radius_mm=radius_mm)
    spine = build_spine(PATIENT)
    return [with_metal(one, spine, metal, row) for row, one in enumerate(slices)]


def test_voids_of_screws_are_told_and_those_of_steel_refused(
    usual: list[PhantomSlice], tmp_path: Path
) -> None:
    titanium = written(tmp_path / "titanium", with_screws(usual, 6.0))
    steel = written(tmp_path / "steel", with_screws(usual, 14.0))

    assert codes(titanium) == ["implant_signs"]
    with pytest.raises(MetalVoids, match=r"take \d\d% of the spine"):
        analyze(steel)
    assert set(codes(steel, named())) >= {"metal_voids", "implant_signs"}


def test_a_wedged_body_is_named(tmp_path: Path) -> None:
    wedges = tuple(
        20.0 if vertebra_above(level) is Vertebra.L2 else 0.0 for level in PATIENT.levels
    )
    folder = written(tmp_path, rendered(replace(PATIENT, body_wedge_deg=wedges)))

    told = {one.code: one.text for one in analyze(folder).findings.warnings}

    assert "fracture: L2." in told["fracture_signs"]
    assert "not in the training population" in told["fracture_signs"]


def test_a_noisy_study_is_told(tmp_path: Path) -> None:
    scanner = replace(PATIENT.scanner, noise=0.12)
    assert codes(written(tmp_path, rendered(replace(PATIENT, scanner=scanner)))) == ["noisy_image"]


def test_the_command_refuses_with_status_3_and_reads_what_is_named(
    usual: list[PhantomSlice], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path / "head", [as_head(one, 0) for one in usual])
    arguments = ["analyze", str(folder), "--out", str(tmp_path / "out")]

    for more, status in (([], 3), (["--series", "s1"], 0)):
        with pytest.raises(SystemExit) as stop:
            run([*arguments, *more])
        assert stop.value.code == status
        assert (tmp_path / "out").exists() is (status == 0)
    assert "--series s1" in capsys.readouterr().err


# Real images beside the repository.


def as_pictures(slices: Sequence[Slice], folder: Path) -> Path:
    """Write slices as PNG files, which say neither plane nor contrast."""
    folder.mkdir()
    for one in slices:
        image = one.read()
        scaled = np.clip(image / np.percentile(image, 99.8), 0, 1) * 255
        PillowImage.fromarray(scaled.astype(np.uint8)).save(folder / f"{one.index:03d}.png")
    return folder


def test_other_series_of_the_real_study_are_refused_as_pictures(
    shared_data: Path, tmp_path: Path
) -> None:
    study = read_study(shared_data / "lumbar-study-dicom" / "study")
    series = {one.description: one for one in study.series}
    t1 = as_pictures(series["Sag T1 Flair"].slices, tmp_path / "t1")
    axial = as_pictures(series["Ax T2 frFSE S"].slices, tmp_path / "axial")
    coarse = next(one for one in study.series if one.localizer and one.plane is Plane.SAGITTAL)
    localizer = as_pictures(coarse.slices, tmp_path / "localizer")

    for folder, error in ((t1, NotT2Weighted), (axial, NoLumbarSpine), (localizer, NoLumbarSpine)):
        with pytest.raises(error):
            analyze(folder)


def test_real_axial_slices_are_refused_one_by_one(shared_data: Path) -> None:
    pictures = sorted((shared_data / "axial-t2-slices").rglob("*.png"))[::6]
    for picture in pictures:
        with pytest.raises(NothingToAnalyze):
            analyze(picture)


def test_the_real_t1_series_is_read_when_named(shared_data: Path) -> None:
    told = codes(shared_data / "lumbar-study-dicom" / "study", named("s6"))
    assert "not_t2_contrast" in told


@pytest.mark.parametrize("source", ["lumbar-study-dicom/study", "lumbar-t2-nifti/t2_lumbar.nii.gz"])
def test_real_t2_images_are_analyzed_without_a_word(source: str, shared_data: Path) -> None:
    assert codes(shared_data / source) == []


@pytest.mark.parametrize(
    ("patient", "code"),
    [
        *((patient, "fracture_signs") for patient in (48, 55, 140)),
        *((patient, "surgery_signs") for patient in (50, 58)),
    ],
)
def test_spider_slices_said_to_be_fractured_or_operated_are_told(
    patient: int, code: str, shared_data: Path
) -> None:
    image = shared_data / "spider-lumbar" / "images" / f"{patient}_t2_mid.png"
    assert code in codes(image)
