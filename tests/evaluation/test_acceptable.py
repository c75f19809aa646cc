import numpy as np
import pytest
from evaluation_cases import predicted, truth_of

from discern.annotations import GroundTruth
from discern.evaluation.acceptable import (
    AcceptableMetrics,
    Fault,
    acceptable_metrics,
    slice_faults,
)
from discern.evaluation.matching import AnsweredImage, Criterion
from discern.evaluation.predictions import PredictedBox
from discern.spine import GRADE_LABELS, Label, Plane

HERE, THERE = (0.0, 40.0, 50.0, 60.0), (0.0, 80.0, 50.0, 100.0)
SPECK = (20.0, 48.0, 24.0, 52.0)
GRADE_2 = truth_of((Label.PFIRRMANN_2, HERE))
HERNIATED = truth_of((Label.PFIRRMANN_2, HERE), (Label.HERNIATION, HERE))
AXIAL = frozenset({Label.HERNIATION})


def measure(
    *images: tuple[GroundTruth, tuple[PredictedBox, ...]], plane: Plane = Plane.SAGITTAL
) -> AcceptableMetrics:
    answered = [AnsweredImage(i, truth, boxes) for i, (truth, boxes) in enumerate(images)]
    return acceptable_metrics(answered, plane, np.ones((1, len(images)), dtype=np.int64))


@pytest.mark.parametrize(
    ("truth", "boxes", "faults"),
    [
        (GRADE_2, (predicted(Label.PFIRRMANN_2, HERE),), set()),
        (GRADE_2, (predicted(Label.PFIRRMANN_3, HERE),), set()),
        (GRADE_2, (predicted(Label.PFIRRMANN_4, HERE),), {Fault.GRADE}),
        (GRADE_2, (), {Fault.DISC_MISSED}),
        (
            GRADE_2,
            (predicted(Label.PFIRRMANN_2, HERE), predicted(Label.PFIRRMANN_2, THERE)),
            {Fault.DISC_SPURIOUS},
        ),
        (GRADE_2, (predicted(Label.PFIRRMANN_4, THERE),), {Fault.DISC_MISSED, Fault.DISC_SPURIOUS}),
        (HERNIATED, (predicted(Label.PFIRRMANN_2, HERE),), {Fault.LESION_MISSED}),
        (
            GRADE_2,
            (predicted(Label.PFIRRMANN_2, HERE), predicted(Label.HIZ, THERE)),
            {Fault.LESION_SPURIOUS},
        ),
        (truth_of(), (), set()),
    ],
)
def test_what_is_wrong_on_a_slice(
    truth: GroundTruth, boxes: tuple[PredictedBox, ...], faults: set[Fault]
) -> None:
    assert slice_faults(truth, boxes) == faults


def test_the_share_counts_every_annotated_slice_of_the_plane() -> None:
    good = predicted(Label.PFIRRMANN_2, HERE)
    far = predicted(Label.PFIRRMANN_5, HERE)
    unannotated = truth_of(annotated=frozenset())

    metrics = measure(
        (GRADE_2, (good,)),
        (GRADE_2, (far,)),
        (GRADE_2, ()),
        (truth_of(), ()),
        (unannotated, (far,)),
        (truth_of(plane=Plane.AXIAL, annotated=AXIAL), ()),
    )

    assert metrics.share.value == pytest.approx(2 / 4)
    assert metrics.images == 4
    assert {fault: n for fault, n in metrics.faults.items() if n} == {
        Fault.GRADE: 1,
        Fault.DISC_MISSED: 1,
    }


def test_only_annotated_labels_are_judged() -> None:
    grades_only = truth_of((Label.PFIRRMANN_2, HERE), annotated=frozenset(GRADE_LABELS))
    boxes = (predicted(Label.PFIRRMANN_2, HERE), predicted(Label.HERNIATION, THERE))

    assert measure((grades_only, boxes)).share.value == 1


def test_axial_slices_are_judged_by_their_lesions_alone() -> None:
    truth = truth_of((Label.HERNIATION, HERE), plane=Plane.AXIAL, annotated=AXIAL)
    found = (predicted(Label.HERNIATION, HERE), predicted(Label.PFIRRMANN_5, THERE))

    metrics = measure((truth, found), (truth, ()), plane=Plane.AXIAL)

    assert metrics.share.value == pytest.approx(1 / 2)
    assert measure((truth, found)).share.reason == "no sagittal image is annotated"


def test_a_speck_in_the_lesion_is_acceptable_by_its_centre_only() -> None:
    truth = truth_of((Label.HIZ, HERE), annotated=frozenset({Label.HIZ}))

    metrics = measure((truth, (predicted(Label.HIZ, SPECK),)))

    assert metrics.share.value == 0
    assert metrics.share_center_inside.value == 1
    assert slice_faults(truth, (predicted(Label.HIZ, SPECK),), Criterion.CENTER_INSIDE) == set()


def test_places_where_nobody_annotated_do_no_harm() -> None:
    truth = truth_of((Label.PFIRRMANN_2, THERE), ungraded_above_px=80.0, ignored=(HERE,))
    boxes = (
        predicted(Label.PFIRRMANN_2, THERE),
        predicted(Label.PFIRRMANN_5, HERE),
        predicted(Label.HERNIATION, SPECK),
    )

    assert slice_faults(truth, boxes) == set()
