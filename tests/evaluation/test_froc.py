import numpy as np
import pytest
from evaluation_cases import Case, predicted, random_case, truth_of

from discern.annotations import GroundTruth
from discern.evaluation.bootstrap import Draws, draw_patients
from discern.evaluation.froc import FALSE_PER_IMAGE, FrocCurve, froc_curve
from discern.evaluation.matching import AnsweredImage, Criterion
from discern.evaluation.predictions import PredictedBox
from discern.spine import Label

HERE, THERE, BELOW = ((0.0, top, 50.0, top + 20.0) for top in (40.0, 80.0, 120.0))
Box = tuple[float, float, float, float]


def herniation(box: Box, score: float) -> PredictedBox:
    return predicted(Label.HERNIATION, box, score)


def curve_of(
    *images: tuple[GroundTruth, tuple[PredictedBox, ...]],
    draws: Draws | None = None,
    criterion: Criterion = Criterion.IOU,
) -> FrocCurve:
    answered = [AnsweredImage(i, truth, boxes) for i, (truth, boxes) in enumerate(images)]
    everyone = np.ones((1, len(images)), dtype=np.int64)
    return froc_curve(answered, Label.HERNIATION, criterion, everyone if draws is None else draws)


def heights(curve: FrocCurve) -> list[float | None]:
    return [curve.at[x].value for x in FALSE_PER_IMAGE]


def overlap(a: Box, b: Box) -> float:
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return wide * high / (sum(areas) - wide * high)


def counted(truth: GroundTruth, boxes: list[PredictedBox]) -> tuple[int, int]:
    """Return hits and false boxes of one image, written without the package's matching."""
    free = [box.box_xyxy_px for box in truth.boxes if box.label is Label.HERNIATION]
    hits = false = 0
    for box in sorted(boxes, key=lambda box: -box.score):
        best = max(free, key=lambda place: overlap(place, box.box_xyxy_px), default=None)
        if best is not None and overlap(best, box.box_xyxy_px) >= 0.5:
            free.remove(best)
            hits += 1
        else:
            false += 1
    return hits, false


def brute_force(case: Case, allowed: float) -> float:
    """Return the best sensitivity at ``allowed`` false boxes per image over every threshold."""
    boxes = {
        name: [box for box in found if box.label is Label.HERNIATION]
        for name, found in case.predictions.items()
    }
    lesions = sum(box.label is Label.HERNIATION for t in case.truths for box in t.boxes)
    best = 0.0
    for least in sorted({box.score for found in boxes.values() for box in found}):
        counts = [
            counted(t, [box for box in boxes[t.image] if box.score >= least]) for t in case.truths
        ]
        hits, false = (sum(column) for column in zip(*counts, strict=True))
        if false <= allowed * len(case.truths):
            best = max(best, hits / lesions)
    return best


def test_four_images_by_hand() -> None:
    """Hit, false, hit, false, false, and one lesion never found."""
    curve = curve_of(
        (truth_of((Label.HERNIATION, HERE)), (herniation(HERE, 0.9), herniation(BELOW, 0.8))),
        (truth_of((Label.HERNIATION, HERE)), (herniation(HERE, 0.7),)),
        (truth_of((Label.HERNIATION, HERE)), (herniation(BELOW, 0.6), herniation(THERE, 0.5))),
        (truth_of(), ()),
    )

    assert curve.false_per_image == (0, 0, 0.25, 0.25, 0.75)
    assert curve.sensitivity == pytest.approx((0, 1 / 3, 1 / 3, 2 / 3, 2 / 3))
    assert heights(curve) == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_the_best_of_every_threshold(seed: int) -> None:
    case = random_case(seed, patients=8)
    images = [(truth, case.predictions[truth.image]) for truth in case.truths]

    curve = curve_of(*images)

    for x in FALSE_PER_IMAGE:
        assert curve.at[x].value == pytest.approx(brute_force(case, x))


def test_boxes_of_one_score_enter_together() -> None:
    curve = curve_of(
        (truth_of((Label.HERNIATION, HERE)), (herniation(HERE, 0.5), herniation(BELOW, 0.5))),
    )

    assert curve.at[0.5].value == 0
    assert curve.at[1.0].value == 1
    assert (curve.false_per_image, curve.sensitivity) == ((0, 1), (0, 1))


def test_a_second_box_on_a_lesion_is_false_and_one_where_nobody_looked_is_not() -> None:
    truth = truth_of((Label.HERNIATION, THERE), ignored=(BELOW,), ungraded_above_px=70.0)
    boxes = (herniation(HERE, 0.9), herniation(BELOW, 0.8), herniation(THERE, 0.7))

    curve = curve_of((truth, (*boxes, herniation(THERE, 0.6))))

    assert curve.at[0.125].value == 1
    assert max(curve.false_per_image) == 1


def test_a_speck_in_the_lesion_is_a_hit_by_its_centre() -> None:
    image = truth_of((Label.HERNIATION, HERE)), (herniation((20.0, 48.0, 24.0, 52.0), 0.5),)

    assert curve_of(image).at[4].value == 0
    assert curve_of(image, criterion=Criterion.CENTER_INSIDE).at[0.125].value == 1


def test_nothing_predicted_finds_nothing() -> None:
    curve = curve_of((truth_of((Label.HERNIATION, HERE)), ()))

    assert heights(curve) == [0] * 6
    assert (curve.false_per_image, curve.sensitivity) == ((0,), (0,))


def test_resamples_are_those_of_the_patients_written_out() -> None:
    case = random_case(9, patients=6, images_each=1)
    images = [(truth, case.predictions[truth.image]) for truth in case.truths]
    draws = draw_patients(6, 300, np.random.default_rng(2))

    curve = curve_of(*images, draws=draws)

    values = []
    for row in draws[1:]:
        drawn = [images[i] for i in np.repeat(np.arange(6), row)]
        if any(box.label is Label.HERNIATION for truth, _ in drawn for box in truth.boxes):
            values.append(curve_of(*drawn).at[0.5].value)
    ends = np.percentile(np.array(values, dtype=np.float64), (2.5, 97.5))
    assert curve.at[0.5].ci95 == pytest.approx(tuple(ends.tolist()))
