from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from discern.findings import Border, FocusFinding, T1Appearance
from discern.imaging.geometry import usual_view
from discern.imaging.reading import read_study
from discern.imaging.study import Slice, Study
from discern.inference.detect import SliceBoxes
from discern.inference.fusion import DiscEvidence, gather_evidence
from discern.inference.tracks import PlacedBox, link_tracks, place_boxes
from discern.inference.zone_focus import focus_of, sight_of
from discern.phantom.lesions import HighIntensityZone, Lesions, ZoneShape
from discern.phantom.prescription import Prescription
from discern.phantom.render import PhantomSlice, render_sagittal
from discern.phantom.settings import Scanner
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study import write_study
from discern.postprocess import SelectedBox
from discern.quantities.slices import TissueSlice
from discern.spine import GRADE_LABELS, LABELS, Label, Level, PfirrmannGrade, Plane, Weighting

BEHIND, IN_FRONT = Level.L4_L5, Level.L3_L4
PARAMETERS = PhantomParameters(
    grades=(PfirrmannGrade.IV,) * 9,
    texture=0.3,
    scanner=Scanner(noise=0.01),
    lesions=Lesions(
        zones=(
            HighIntensityZone(BEHIND, thickness_mm=3.5, length_mm=3.5, depth_mm=3.0),
            HighIntensityZone(
                IN_FRONT, ZoneShape.RIM, is_anterior=True, thickness_mm=3, length_mm=5, depth_mm=3.0
            ),
        )
    ),
)
FEW = Prescription(sagittal_slices=3, axial_slices=1)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("zones")
    write_study(PARAMETERS, 3, folder, FEW, (Weighting.T1,))
    return read_study(folder)


@pytest.fixture(scope="module")
def drawn() -> list[PhantomSlice]:
    return render_sagittal(PARAMETERS, np.random.default_rng(3), prescription=FEW)


def seen(slice_: Slice, one: PhantomSlice) -> SliceBoxes:
    """Return the truth boxes as the network would give them, surest in the middle."""
    score = 0.9 if slice_.index == 1 else 0.6
    boxes = []
    for box in one.truth.boxes:
        scores = tuple(score if label is box.label else 0.0 for label in LABELS)
        boxes.append(SelectedBox(box.label, score, scores, box.box_xyxy_px))
    stored = np.array([box.box_xyxy_px for box in boxes])
    view = usual_view(slice_.geometry).apply_boxes(stored, slice_.shape_px)
    bottom, thumbnail = float(slice_.shape_px[0]), np.zeros((1, 1), np.float32)
    return SliceBoxes(slice_, tuple(boxes), view, thumbnail.astype(np.float16), bottom, thumbnail)


def discs_of(study: Study, drawn: Sequence[PhantomSlice]) -> dict[Level, DiscEvidence]:
    slices = study.used(Plane.SAGITTAL)[0].slices
    placed: list[PlacedBox] = []
    for slice_, one in zip(slices, drawn, strict=True):
        placed += place_boxes(seen(slice_, one), first_id=len(placed) + 1)
    evidence = gather_evidence(link_tracks(placed, len(slices), 4.0), placed)
    lowest_first = sorted(evidence, key=lambda disc: disc.track.center[2])
    return dict(zip(reversed(PARAMETERS.levels), lowest_first, strict=False))


def tissues_of(study: Study, drawn: Sequence[PhantomSlice]) -> list[TissueSlice]:
    found = []
    for slice_, one in zip(study.used(Plane.SAGITTAL)[0].slices, drawn, strict=True):
        turn = usual_view(slice_.geometry)
        masks = np.stack([turn.apply((one.tissues == t).astype(np.float32)) for t in range(4)])
        found.append(TissueSlice(slice_.index, turn.apply(slice_.read()), masks, slice_.spacing_mm))
    return found


def look(study: Study, drawn: Sequence[PhantomSlice], level: Level) -> FocusFinding | None:
    series = study.used(Plane.SAGITTAL)[0]
    sight = sight_of(study, series, tissues_of(study, drawn))
    return focus_of(discs_of(study, drawn)[level], sight)


def test_a_zone_is_brighter_than_the_nucleus_and_nearly_as_bright_as_fluid(
    study: Study, drawn: list[PhantomSlice]
) -> None:
    focus = look(study, drawn, BEHIND)
    assert focus is not None
    assert focus.border is Border.POSTERIOR
    assert focus.nucleus_ratio is not None
    assert focus.nucleus_ratio > 3
    assert focus.csf_ratio is not None
    assert 0.5 < focus.csf_ratio < 1


def test_front_is_told_from_back(study: Study, drawn: list[PhantomSlice]) -> None:
    focus = look(study, drawn, IN_FRONT)
    assert focus is not None
    assert focus.border is Border.ANTERIOR


def test_fluid_is_dark_on_t1(study: Study, drawn: list[PhantomSlice]) -> None:
    focus = look(study, drawn, BEHIND)
    assert focus is not None
    assert focus.t1 is T1Appearance.DARK
    assert focus.t1_ratio is not None
    assert 0.4 < focus.t1_ratio < 0.8


def test_without_a_t1_series_nothing_is_said_of_t1(study: Study, drawn: list[PhantomSlice]) -> None:
    only_t2 = tuple(one for one in study.series if one.weighting is Weighting.T2)
    focus = look(replace(study, series=only_t2), drawn, BEHIND)
    assert focus is not None
    assert (focus.t1, focus.t1_ratio) == (None, None)
    assert focus.csf_ratio is not None


def test_a_localiser_says_nothing_of_t1(study: Study, drawn: list[PhantomSlice]) -> None:
    scouts = tuple(replace(one, localizer=one.weighting is Weighting.T1) for one in study.series)
    focus = look(replace(study, series=scouts), drawn, BEHIND)
    assert focus is not None
    assert focus.t1 is None


def test_without_tissue_maps_the_fluid_is_not_known(
    study: Study, drawn: list[PhantomSlice]
) -> None:
    series = study.used(Plane.SAGITTAL)[0]
    focus = focus_of(discs_of(study, drawn)[BEHIND], sight_of(study, series, ()))
    assert focus is not None
    assert focus.csf_ratio is None
    assert focus.nucleus_ratio is not None
    assert focus.nucleus_ratio > 2


@pytest.mark.parametrize("away_px", [(30.0, 0.0), (0.0, -30.0), (-2000.0, 0.0)])
def test_a_zone_whose_box_lies_beside_that_of_its_disc_has_a_border_only(
    study: Study, drawn: list[PhantomSlice], away_px: tuple[float, float]
) -> None:
    disc, series = discs_of(study, drawn)[BEHIND], study.used(Plane.SAGITTAL)[0]
    beside = [
        replace(box, view_xyxy_px=tuple(np.add(box.view_xyxy_px, away_px * 2)))
        if box.selected.label is Label.HIZ
        else box
        for box in disc.lesions
    ]
    sight = sight_of(study, series, tissues_of(study, drawn))

    focus = focus_of(replace(disc, lesions=tuple(beside)), sight)

    assert focus == FocusFinding(Border.POSTERIOR)


def test_a_disc_without_a_zone_has_no_focus(study: Study, drawn: list[PhantomSlice]) -> None:
    assert look(study, drawn, Level.L5_S1) is None


def test_an_unreadable_slice_still_has_its_border(
    drawn: list[PhantomSlice], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    write_study(PARAMETERS, 3, folder, FEW, (Weighting.T1,))
    again = read_study(folder)
    discs = discs_of(again, drawn)
    for path in (folder / "sagittal-t2").iterdir():
        path.write_bytes(path.read_bytes()[:900])
    focus = focus_of(discs[BEHIND], sight_of(again, again.used(Plane.SAGITTAL)[0], ()))
    assert focus == FocusFinding(Border.POSTERIOR)


def test_truth_boxes_are_what_the_test_means(drawn: list[PhantomSlice]) -> None:
    labels = [box.label for one in drawn for box in one.truth.boxes]
    assert labels.count(Label.HIZ) >= 2
    assert any(label in GRADE_LABELS for label in labels)
