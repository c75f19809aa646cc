import numpy as np
import pytest

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.geometry import GeometryRange
from discern.dataset.lesion_samples import (
    CropBatch,
    CropChange,
    CropPlan,
    LesionTraining,
    LesionView,
    phantom_views,
    pooled,
    views_of,
)
from discern.dataset.lesion_targets import CropTruth, lesion_targets
from discern.imaging.disc_crop import CropRules
from discern.networks import Preprocessing
from discern.phantom.training_set import SliceCounts
from discern.spine import LABELS, Label, Plane

NOTHING = np.zeros((0, 4))
RULES = Preprocessing()


def slice_with(*boxes: TruthBox, annotated: frozenset[Label] = frozenset(LABELS)) -> GroundTruth:
    return GroundTruth("a", "1", Plane.SAGITTAL, (80, 100), boxes, annotated)


DISC = TruthBox(Label.PFIRRMANN_4, (20.0, 30.0, 52.0, 42.0), 1)
OTHER = TruthBox(Label.PFIRRMANN_2, (20.0, 60.0, 52.0, 70.0), 2)
ZONE = TruthBox(Label.HIZ, (46.0, 33.0, 52.0, 39.0), 1)
IMAGE = np.random.default_rng(0).random((80, 100)).astype(np.float32)


def test_targets_peak_at_the_middle_and_say_how_far_the_edges_are() -> None:
    truth = CropTruth(np.array([[10.0, 8.0, 22.0, 14.0]]), [1], [True, True], NOTHING)

    maps = lesion_targets(truth, (32, 48))

    assert maps.shape == (9, 16, 24)
    assert not maps[0].any()
    row, column = np.unravel_index(maps[1].argmax(), maps[1].shape)
    assert (row, column) == (5, 7)  # of (16, 11) px, on the border of two cells: the first
    assert maps[1].max() == 1
    x, y = 2 * column + 1, 2 * row + 1
    np.testing.assert_allclose(
        np.exp(maps[4:8, row, column]), (x - 10, y - 8, 22 - x, 14 - y), rtol=1e-5
    )
    assert maps[8, row, column] == 1
    assert maps[8, 0, 0] == 0
    assert maps[2:4].all()


def test_what_nobody_looked_for_or_cannot_be_judged_does_not_count() -> None:
    ignored = np.array([[0.0, 0.0, 20.0, 32.0]])
    box = np.array([[10.0, 8.0, 14.0, 12.0]])

    maps = lesion_targets(CropTruth(box, [0], [True, False], ignored), (32, 48))

    assert not maps[3].any()
    assert maps[2, :, 12:].all()
    assert not maps[2, 14:, :9].any()
    assert maps[2, 5, 6] == 1  # a lesion within an ignored place is one


def test_views_are_the_discs_of_a_slice_whose_lesions_are_known() -> None:
    first, second = views_of(IMAGE, slice_with(DISC, OTHER, ZONE), RULES)

    assert (first.box_xyxy_px, second.box_xyxy_px) == (DISC.box_xyxy_px, OTHER.box_xyxy_px)
    assert first.interest > second.interest
    assert views_of(IMAGE, slice_with(DISC, annotated=frozenset({Label.PFIRRMANN_4})), RULES) == []


def test_sources_have_their_shares_and_empty_ones_none() -> None:
    views = views_of(IMAGE, slice_with(DISC, OTHER, ZONE), RULES)

    pool = pooled([(views, 0.25), ([], 0.5), (views[:1], 0.25)])

    assert len(pool.views) == 3
    assert pool.chances.sum() == pytest.approx(1)
    assert pool.chances[:2].sum() == pytest.approx(0.5)
    assert pool.chances[0] == pytest.approx(4 * pool.chances[1])


def training(views: list[LesionView]) -> LesionTraining:
    change = CropChange(CropRules(32, 64, 1.6), GeometryRange(rotation_deg=10.0))
    return LesionTraining(
        {Plane.SAGITTAL: pooled([(views, 1.0)])}, {Plane.SAGITTAL: change}, seed=1
    )


def test_a_batch_depends_on_its_number_alone_and_its_truth_moves_with_it() -> None:
    views = views_of(IMAGE, slice_with(DISC, ZONE), RULES)
    first, again, later = (
        training(views)[CropBatch(epoch, 0, ((Plane.SAGITTAL, 0), (Plane.SAGITTAL, 0)))]
        for epoch in (0, 0, 1)
    )

    crops, maps = first
    assert crops.shape == (2, 1, 32, 64)
    assert maps.shape == (2, 9, 16, 32)
    np.testing.assert_array_equal(crops, again[0])
    np.testing.assert_array_equal(maps, again[1])
    assert not np.array_equal(crops, later[0])
    assert (maps[:, 1].reshape(2, -1).max(axis=1) == 1).all()
    assert not np.array_equal(maps[0], maps[1])


def test_a_plan_shows_as_many_batches_of_each_plane_and_draws_anew_each_epoch() -> None:
    views = views_of(IMAGE, slice_with(DISC, OTHER, ZONE), RULES)
    pools = dict.fromkeys((Plane.SAGITTAL, Plane.AXIAL), pooled([(views, 1.0)]))
    plan = CropPlan(3, 4, {Plane.SAGITTAL: 6, Plane.AXIAL: 3})

    first, again, later = (plan.of_epoch(epoch, pools) for epoch in (0, 0, 1))

    assert first == again != later
    for one in first:
        assert [plane for plane, _ in one.views].count(Plane.AXIAL) == 3
        assert len(one.views) == 9
    assert [one.number for one in first] == list(range(4))


def test_synthetic_patients_give_views_of_both_planes() -> None:
    views = phantom_views(5, 1, SliceCounts(1, 2), RULES)

    planes = [view.truth.plane for view in views]
    assert planes.count(Plane.AXIAL) == 2
    assert planes.count(Plane.SAGITTAL) >= 5
    for view in views:
        assert view.image.dtype == np.float16
        x1, _, x2, _ = view.box_xyxy_px
        assert (x2 - x1 == pytest.approx(0.43 * 320)) is (view.truth.plane is Plane.AXIAL)
