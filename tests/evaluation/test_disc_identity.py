from evaluation_cases import Box

from discern.annotations import GroundTruth, TruthBox
from discern.evaluation.disc_identity import Disc, Place, disc_at, identify
from discern.spine import GRADE_LABELS, Label, Plane

UPPER, LOWER = (60.0, 40.0, 110.0, 56.0), (60.0, 80.0, 110.0, 96.0)
BEHIND_UPPER = (100.0, 38.0, 118.0, 58.0)
UP, LOW = Disc("p", 2), Disc("p", 1)
PLACES = [Place(UP, UPPER), Place(LOW, LOWER)]


def drawn(
    *boxes: TruthBox,
    patient: str = "p",
    plane: Plane = Plane.SAGITTAL,
    size: int = 200,
    ignored: tuple[Box, ...] = (),
    above: float | None = None,
) -> GroundTruth:
    annotated = frozenset({*GRADE_LABELS, Label.HERNIATION})
    return GroundTruth("i", patient, plane, (size, size), boxes, annotated, ignored, above)


def graded(box: Box, disc: int | None = None) -> TruthBox:
    return TruthBox(Label.PFIRRMANN_3, box, disc)


def moved(box: Box, by: float) -> Box:
    return (box[0] + by, box[1] + by, box[2] + by, box[3] + by)


def test_named_boxes_are_the_discs_that_they_name() -> None:
    herniation = TruthBox(Label.HERNIATION, BEHIND_UPPER, 2)

    assert identify(
        [drawn(graded(UPPER, 2), herniation), drawn(graded(LOWER, 2), patient="q")]
    ) == [
        (UP, UP),
        (Disc("q", 2),),
    ]


def test_unnamed_boxes_on_the_same_place_of_two_slices_are_one_disc() -> None:
    (first, second), (shifted, new) = identify(
        [
            drawn(graded(UPPER), graded(LOWER)),
            drawn(graded(moved(LOWER, 2)), graded(moved(LOWER, 40))),
        ]
    )

    assert shifted == second
    assert len({first, second, new}) == 3
    assert not any(disc is None or disc.is_named for disc in (first, second, new))


def test_an_unnamed_box_takes_the_name_given_on_a_later_slice() -> None:
    unnamed, named = identify([drawn(graded(moved(UPPER, 2))), drawn(graded(UPPER, 2))])

    assert unnamed == named == (UP,)


def test_other_patients_and_other_sizes_are_not_linked() -> None:
    discs = identify(
        [drawn(graded(UPPER)), drawn(graded(UPPER), patient="q"), drawn(graded(UPPER), size=300)]
    )

    assert len(set(discs)) == 3


def test_two_boxes_of_one_slice_are_two_discs() -> None:
    ((first, second),) = identify([drawn(graded(UPPER), graded(moved(UPPER, 1)))])

    assert first != second


def test_an_unnamed_lesion_goes_to_the_disc_where_it_lies() -> None:
    herniation = TruthBox(Label.HERNIATION, BEHIND_UPPER)

    assert identify([drawn(graded(LOWER, 1), graded(UPPER, 2), herniation)]) == [(LOW, UP, UP)]


def test_an_axial_slice_says_which_disc_it_shows_or_nobody_does() -> None:
    unnamed, named = (TruthBox(Label.HERNIATION, UPPER, disc) for disc in (None, 2))

    assert identify([drawn(unnamed, plane=Plane.AXIAL), drawn(named, plane=Plane.AXIAL)]) == [
        (None,),
        (UP,),
    ]


def test_a_lesion_goes_to_the_disc_that_it_overlaps_most() -> None:
    between = (100.0, 45.0, 118.0, 83.0)  # 11 rows on the upper disc, 3 on the lower

    assert disc_at(drawn(), between, PLACES) == UP


def test_a_lesion_that_overlaps_nothing_goes_to_the_nearest_disc() -> None:
    below, between = (115.0, 100.0, 125.0, 110.0), (112.0, 58.0, 122.0, 64.0)

    assert disc_at(drawn(), below, PLACES) == LOW
    assert disc_at(drawn(), between, PLACES) == UP


def test_a_lesion_of_an_ungraded_disc_is_nobodys() -> None:
    ungraded = (60.0, 4.0, 110.0, 20.0)
    touching = (100.0, 2.0, 118.0, 41.0)  # 16 rows on the ungraded disc, 1 on the upper
    above = (115.0, 10.0, 125.0, 20.0)

    assert disc_at(drawn(ignored=(ungraded,)), touching, PLACES) is None
    assert disc_at(drawn(above=40.0), above, PLACES) is None
    assert disc_at(drawn(), UPPER, []) is None


def test_a_graded_disc_in_an_ignore_region_keeps_its_lesions() -> None:
    """The reader called it herniated, nobody drew it: a box there is a hit, not a stranger."""
    assert disc_at(drawn(ignored=(UPPER,)), BEHIND_UPPER, PLACES) == UP
