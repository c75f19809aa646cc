"""Lesion boxes on phantom axial slices: disc, side and zone; and the network that is not run."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.findings import Side, Zone
from discern.imaging.geometry import LEFT, SliceGeometry, usual_view
from discern.imaging.pixels import letterbox
from discern.imaging.study import Series, Slice
from discern.inference.axial import PlacedSeries, place_slices
from discern.inference.axial_look import DetectorOnAxial
from discern.inference.axial_reading import AxialReading, read_axial
from discern.inference.axial_spine import PlacedDisc
from discern.inference.axial_zone import lies_at_disc, offset_mm
from discern.inference.detect import SeriesDetector
from discern.inference.predictor import Candidates
from discern.networks import Preprocessing
from discern.phantom.anatomy import build_spine
from discern.phantom.lesion_sampling import with_sampled_lesions
from discern.phantom.render import PhantomSlice, render_axial
from discern.phantom.settings import Herniation
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.study import demo_parameters
from discern.postprocess import PostprocessConfig
from discern.spine import LABELS, USUAL_LEVELS, Label, Level, Plane, Weighting

SIZE_PX = 160
HERE = Level.L4_L5


class GivenBoxes:
    """Answers the slices in order with the boxes it was given, one or none a slice."""

    def __init__(self, boxes: list[NDArray[np.float64] | None]) -> None:
        self._boxes = boxes
        self._asked = 0

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        """Return a herniation, and a grade that axial slices cannot have, at each given box."""
        answers = []
        for _ in images:
            box = self._boxes[self._asked]
            self._asked += 1
            found = np.zeros((0, 4)) if box is None else np.stack([box, box])
            scores = np.zeros((len(found), len(LABELS)))
            if len(found):
                scores[0, LABELS.index(Label.HERNIATION)] = 0.7
                scores[1, LABELS.index(Label.PFIRRMANN_3)] = 0.9
            answers.append(Candidates(found, scores))
        return answers


class NeverAsked:
    """Fails when the network is run."""

    def predict(self, images: NDArray[np.float32]) -> list[Candidates]:
        """Refuse."""
        raise AssertionError(f"the network was run on {len(images)} slices")


def patient(offset_mm: float, scoliosis_deg: float = 0.0) -> PhantomParameters:
    herniation = Herniation(HERE, offset_mm=offset_mm, depth_mm=6.0, width_mm=10.0)
    return replace(demo_parameters(), herniations=(herniation,), scoliosis_deg=scoliosis_deg)


def discs_of(parameters: PhantomParameters) -> list[PlacedDisc]:
    spine = build_spine(parameters)
    return [
        PlacedDisc(level, spine.disc_center_lps_mm(level), spine.discs[level].height_mm, 35.0)
        for level in USUAL_LEVELS
    ]


def series_of(slices: list[PhantomSlice]) -> Series:
    def reader(one: PhantomSlice) -> Callable[[], NDArray[np.float32]]:
        return lambda: one.image

    found = tuple(
        Slice(
            index=i,
            shape_px=(one.image.shape[0], one.image.shape[1]),
            geometry=one.geometry,
            spacing_mm=one.geometry.spacing_mm,
            read=reader(one),
            sop_instance_uid=f"1.2.{i}",
            frame_number=None,
            file=f"{i}.dcm",
        )
        for i, one in enumerate(slices)
    )
    return Series("s2", "1.2.3", "Ax T2", Plane.AXIAL, Weighting.T2, found, used=True)


def network_box(slice_: Slice, parameters: PhantomParameters) -> NDArray[np.float64]:
    """Return, in network pixels, a box about the protruded material, from the model alone."""
    (herniation,) = parameters.herniations
    assert slice_.geometry is not None
    behind = np.array(build_spine(parameters).disc_center_lps_mm(HERE)) + np.array([0, 20.0, 0])
    reach = np.array([herniation.width_mm / 2, 3.0, 0.0])
    middle = behind + np.array([herniation.offset_mm, 0, 0])
    corners = slice_.geometry.lps_to_pixel(np.stack([middle - reach, middle + reach]))
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    turn = usual_view(slice_.geometry)
    view = turn.apply_boxes(box[None], slice_.shape_px)
    _, fit = letterbox(turn.apply(slice_.read()), SIZE_PX, slice_.spacing_mm)
    flat: NDArray[np.float64] = fit.to_input(view)[0]
    return flat


def read(parameters: PhantomParameters) -> tuple[PlacedSeries, AxialReading]:
    series = series_of(render_axial(parameters, np.random.default_rng(0)))
    placed = place_slices(discs_of(parameters), series)
    boxes = [
        network_box(one.slice_, parameters) if one.named.level is HERE else None
        for one in placed.slices
    ]
    config = PostprocessConfig(lesions=(Label.HERNIATION,))
    detector = SeriesDetector(GivenBoxes(boxes), Preprocessing(size_px=SIZE_PX), config)
    return placed, read_axial([placed], DetectorOnAxial(detector), first_id=17, left=LEFT)


@pytest.mark.parametrize(
    ("offset_mm", "scoliosis_deg", "side", "zone"),
    [
        (4.5, 0.0, Side.LEFT, Zone.CENTRAL),
        (-4.5, 0.0, Side.RIGHT, Zone.CENTRAL),
        (0.0, 0.0, Side.CENTRAL, Zone.CENTRAL),
        (10.0, 0.0, Side.LEFT, Zone.SUBARTICULAR),
        (-10.0, 12.0, Side.RIGHT, Zone.SUBARTICULAR),
        (10.0, -12.0, Side.LEFT, Zone.SUBARTICULAR),
    ],
)
def test_side_and_zone_follow_the_place_of_the_herniation(
    offset_mm: float, scoliosis_deg: float, side: Side, zone: Zone
) -> None:
    _, reading = read(patient(offset_mm, scoliosis_deg))

    assert reading.lesions
    for lesion in reading.lesions:
        assert lesion.offset_mm == pytest.approx(offset_mm, abs=1.0)
        assert (lesion.side, lesion.zone) == (side, zone)


def test_ids_go_on_and_only_lesions_are_kept() -> None:
    _, reading = read(patient(4.5))

    assert [d.id for d in reading.detections] == [f"d{17 + i}" for i in range(len(reading.lesions))]
    assert {(d.plane, d.label, d.level) for d in reading.detections} == {
        (Plane.AXIAL, Label.HERNIATION, HERE)
    }


def test_every_block_of_the_phantom_goes_to_its_disc() -> None:
    parameters = patient(0.0)
    slices = render_axial(parameters, np.random.default_rng(0))
    spine = build_spine(parameters)
    levels = (Level.L5_S1, Level.L4_L5, Level.L3_L4, Level.L2_L3, Level.L1_L2)

    named = place_slices(discs_of(parameters), series_of(slices)).named

    for one, place in zip(slices, named, strict=True):
        disc = levels[one.block]
        center = np.array([spine.disc_center_lps_mm(disc)])
        away = abs(float(one.geometry.distance_mm(center)[0]))
        if abs(away - spine.discs[disc].height_mm / 2) > 1.0:
            assert (place.level is disc) == (away < spine.discs[disc].height_mm / 2)


def test_the_network_is_not_run_on_a_plane_it_was_never_trained_for() -> None:
    placed = place_slices(discs_of(patient(0.0)), series_of([]))
    series = series_of(render_axial(patient(0.0), np.random.default_rng(0)))
    config = PostprocessConfig(lesions=())
    detector = SeriesDetector(NeverAsked(), Preprocessing(size_px=SIZE_PX), config)

    reader = DetectorOnAxial(detector)
    reading = read_axial([replace(placed, series=series)], reader, first_id=1, left=LEFT)

    assert reading == AxialReading()


def test_a_turned_patient_keeps_left_and_right() -> None:
    angle = np.radians(12.0)
    left = (float(np.cos(angle)), float(np.sin(angle)), 0.0)
    geometry = SliceGeometry((-80.0, -80.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0))
    behind = np.array([-np.sin(angle), np.cos(angle), 0.0]) * 25.0  # straight back, no side
    x, y = geometry.lps_to_pixel(behind[None])[0]

    found = offset_mm((x - 2, y - 2, x + 2, y + 2), geometry, (0.0, 0.0, 0.0), left)

    assert found == pytest.approx(0.0, abs=1e-6)


def lesioned(seed: int) -> PhantomParameters:
    rng = np.random.default_rng(seed)
    return with_sampled_lesions(sample_parameters(rng), rng)


def test_every_true_lesion_lies_at_its_disc() -> None:
    seen = set()
    for parameters in map(lesioned, range(3)):
        slices = render_axial(parameters, np.random.default_rng(0))
        placed = place_slices(discs_of(parameters), series_of(slices))
        for one, place in zip(slices, placed.slices, strict=True):
            if place.disc is None or place.midline_lps_mm is None:
                continue
            for box in one.truth.boxes:
                at = place.midline_lps_mm, LEFT
                assert lies_at_disc(box.box_xyxy_px, box.label, one.geometry, at, 35.0)
                seen.add(box.label)
    assert seen == {Label.HERNIATION, Label.HIZ}


@pytest.mark.parametrize(
    ("label", "left_mm", "back_mm", "is_at_disc"),
    [
        (Label.HIZ, 0.0, 16.0, True),
        (Label.HIZ, -24.0, 4.0, True),
        (Label.HIZ, 0.0, 30.0, False),  # the canal
        (Label.HIZ, 45.0, 40.0, False),  # the muscles of the back
        (Label.HERNIATION, 8.0, 20.0, True),
        (Label.HERNIATION, 30.0, 10.0, True),  # extraforaminal
        (Label.HERNIATION, 0.0, -10.0, False),  # in front
        (Label.HERNIATION, 10.0, 60.0, False),
    ],
)
def test_boxes_elsewhere_belong_to_no_disc(
    label: Label, left_mm: float, back_mm: float, *, is_at_disc: bool
) -> None:
    geometry = SliceGeometry((-80.0, -80.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0))
    x, y = 80.0 + left_mm, 80.0 + back_mm
    box = (x - 2, y - 2, x + 2, y + 2)
    at = (0.5, 0.5, 0.0), LEFT
    assert lies_at_disc(box, label, geometry, at, 35.0) is is_at_disc
