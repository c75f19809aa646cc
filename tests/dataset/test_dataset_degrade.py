import numpy as np
import pytest
from scipy import ndimage

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.degrade import (
    LADDERS,
    Degradation,
    Subject,
    blurred,
    coarse,
    coil_field,
    cropped,
    degraded,
    fat_share,
    fluid,
    mean_contrast,
    noisy,
    rotated,
    tissue_contrast,
    towards,
)
from discern.phantom.prescription import Prescription
from discern.phantom.render import render_sagittal
from discern.phantom.sampling import sample_anatomy
from discern.spine import GRADE_LABELS, Label, Plane, Tissue


@pytest.fixture(scope="module")
def subject() -> Subject:
    """A synthetic slice with its truth and tissues."""
    rng = np.random.default_rng(5)
    (one,) = render_sagittal(sample_anatomy(rng), rng, prescription=Prescription(sagittal_slices=1))
    other = tissue_contrast(one.image) ** 0.5
    return Subject(one.image, one.truth, one.tissues, other)


def _ellipses(shape: tuple[int, int], *boxes: tuple[float, float, float, float]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    image = np.zeros(shape, np.float32)
    for x1, y1, x2, y2 in boxes:
        x, y, a, b = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2
        image[((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1] = 1
    return image


def _truth(shape: tuple[int, int], *boxes: tuple[float, float, float, float]) -> GroundTruth:
    drawn = tuple(TruthBox(Label.PFIRRMANN_3, box, number) for number, box in enumerate(boxes, 1))
    return GroundTruth("one", "p", Plane.SAGITTAL, shape, drawn, ungraded_above_px=10.0)


@pytest.mark.parametrize("kind", Degradation)
def test_severity_zero_changes_nothing(subject: Subject, kind: Degradation) -> None:
    image, truth = degraded(subject, kind, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(image, subject.image)
    assert truth == subject.truth


@pytest.mark.parametrize("kind", Degradation)
def test_each_step_goes_further_and_is_replayable(subject: Subject, kind: Degradation) -> None:
    before = subject.image.copy()
    changed = []
    for severity in LADDERS[kind].severities:
        image, truth = degraded(subject, kind, severity, np.random.default_rng(7))
        again, same = degraded(subject, kind, severity, np.random.default_rng(7))
        np.testing.assert_array_equal(image, again)
        assert truth == same
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= -1e-4 * fluid(before)
        if image.shape == before.shape:
            changed.append(float(np.abs(image - before).mean()))
        else:
            changed.append(1 - image.size / before.size)
    assert changed == sorted(changed)
    assert changed[0] > 0
    np.testing.assert_array_equal(subject.image, before)  # never changed in place


def test_noise_has_the_stated_deviation_and_lifts_air_as_a_magnitude_does() -> None:
    bright, air = np.full((256, 256), 100, np.float32), np.zeros((256, 256), np.float32)
    rng = np.random.default_rng(0)
    assert noisy(bright, np.float32(6), rng).std() == pytest.approx(6, rel=0.05)
    assert noisy(air, np.float32(6), rng).mean() == pytest.approx(6 * np.sqrt(np.pi / 2), rel=0.05)


def test_noise_is_measured_in_the_brightness_of_fluid(subject: Subject) -> None:
    rng = np.random.default_rng(0)
    image, _ = degraded(subject, Degradation.NOISE, 12.0, rng)
    bright = subject.image > 0.6 * fluid(subject.image)
    noise = (image - subject.image)[bright].std()
    assert noise == pytest.approx(0.12 * fluid(subject.image), rel=0.05)


@pytest.mark.parametrize("doublings", [0.5, 3.0])
def test_the_gain_spans_the_stated_doublings_round_a_mean_of_one(doublings: float) -> None:
    field = coil_field((90, 70), doublings, np.random.default_rng(3))
    assert np.log2(field.max() / field.min()) == pytest.approx(doublings, rel=1e-4)
    assert np.log2(field).mean() == pytest.approx(0, abs=1e-5)
    assert np.abs(np.diff(np.log2(field), axis=0)).max() < 0.1 * doublings  # smooth


def test_ghosts_carry_the_stated_share_of_the_signal(subject: Subject) -> None:
    image, _ = degraded(subject, Degradation.MOTION, 40.0, np.random.default_rng(0))
    assert image.sum() == pytest.approx(1.4 * subject.image.sum(), rel=1e-4)


def test_blur_spreads_a_point_by_the_stated_deviation() -> None:
    point = np.zeros((200, 200), np.float32)
    point[100, 100] = 1
    spread = blurred(point, 4.0)  # 2 px of this slice, which is half as long as 400
    rows = np.arange(200) - 100
    assert spread.sum() == pytest.approx(1, rel=1e-4)
    assert np.sqrt((spread.sum(axis=1) * rows**2).sum()) == pytest.approx(2, rel=0.02)


def test_a_coarse_matrix_loses_stripes_that_it_cannot_hold_and_keeps_the_mean() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), (160, 80))
    assert coarse(stripes, 80).std() < 0.05
    assert coarse(stripes, 80).mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(coarse(stripes, 400), stripes)  # never finer than it is
    wide = np.tile(np.array([0, 1], np.float32).repeat(20), (160, 4))
    assert coarse(wide, 80).std() > 0.45


def test_the_whole_way_to_another_contrast_reaches_it(subject: Subject) -> None:
    there = towards(subject.image, subject.other_contrast, 1.0)
    reached = np.percentile(
        there[subject.image > 0.05 * fluid(subject.image)] / fluid(subject.image), np.arange(101)
    )
    np.testing.assert_allclose(reached, subject.other_contrast, atol=0.02)
    order = np.argsort(subject.image.ravel(), kind="stable")
    assert (np.diff(there.ravel()[order]) >= -1e-3).all()  # what is brighter stays brighter
    half = towards(subject.image, subject.other_contrast, 0.5)
    np.testing.assert_allclose(half, (subject.image + there) / 2, rtol=1e-4, atol=1e-2)


def test_the_mean_contrast_lies_between_those_of_two_slices(subject: Subject) -> None:
    brighter = 400 * (subject.image / subject.image.max()) ** 0.5
    both = mean_contrast([subject.image, brighter])
    expected = (tissue_contrast(subject.image) + tissue_contrast(brighter)) / 2
    np.testing.assert_allclose(both, expected)


def test_fat_suppression_darkens_marrow_and_keeps_discs_and_fluid(subject: Subject) -> None:
    image, _ = degraded(subject, Degradation.FAT, 100.0, np.random.default_rng(0))

    def kept(tissue: Tissue) -> float:
        inside = ndimage.binary_erosion(subject.tissues == tissue, iterations=4)
        return float(image[inside].sum() / subject.image[inside].sum())

    assert kept(Tissue.VERTEBRA) == pytest.approx(0.15, abs=0.01)
    assert kept(Tissue.CANAL) > 0.99
    assert kept(Tissue.DISC) > 0.99
    share = fat_share(subject.image, subject.tissues)
    assert share[subject.image <= 0.02 * fluid(subject.image)].mean() < 0.2  # air has no fat


def test_a_cut_slice_shows_the_same_discs_where_the_boxes_say() -> None:
    whole, at_the_edge = (40.0, 80.0, 100.0, 100.0), (40.0, 2.0, 100.0, 22.0)
    shape = (160, 140)
    truth = _truth(shape, whole, at_the_edge)
    image, cut = cropped(_ellipses(shape, whole), truth, 0.25, np.random.default_rng(1))
    assert image.shape == cut.shape_px == (120, 105)
    (box,) = [one.box_xyxy_px for one in cut.boxes if one.disc == 1]
    rows, columns = np.nonzero(image)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(box, found, atol=1)


def test_a_disc_cut_to_less_than_half_is_ignored() -> None:
    shape = (100, 100)
    kept, lost = (20.0, 60.0, 60.0, 80.0), (20.0, 0.0, 60.0, 12.0)
    truth = _truth(shape, kept, lost)
    seen = set()
    for seed in range(20):
        _, cut = cropped(np.zeros(shape, np.float32), truth, 0.2, np.random.default_rng(seed))
        discs = {box.disc for box in cut.boxes}
        left = kept[1] - next(b.box_xyxy_px[1] for b in cut.boxes if b.disc == 1)  # rows cut off
        assert (2 in discs) == (left <= 6)
        assert cut.ignored == () if left <= 6 or left >= 12 else len(cut.ignored) == 1
        assert cut.ungraded_above_px == min(box.box_xyxy_px[1] for box in cut.boxes)
        seen.add(2 in discs)
    assert seen == {True, False}


@pytest.mark.parametrize("degrees", [-30.0, 10.0])
def test_a_turned_box_stays_tight_round_its_disc(degrees: float) -> None:
    shape, box = (200, 200), (70.0, 90.0, 130.0, 110.0)
    image, truth = rotated(_ellipses(shape, box), _truth(shape, box), degrees)
    rows, columns = np.nonzero(image > 0.5)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(truth.boxes[0].box_xyxy_px, found, atol=1.5)
    assert truth.shape_px == shape


def test_turns_go_either_way_and_the_grades_stay(subject: Subject) -> None:
    tops = set()
    for seed in range(8):
        _, truth = degraded(subject, Degradation.ROTATION, 10.0, np.random.default_rng(seed))
        assert {box.label for box in truth.boxes} <= {box.label for box in subject.truth.boxes}
        graded = [box for box in truth.boxes if box.label in GRADE_LABELS]
        assert len(graded) >= 4
        tops.add(round(graded[0].box_xyxy_px[0]))
    assert len(tops) == 2
