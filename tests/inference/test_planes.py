import math

import pytest

from discern.decisions import LesionCalibration
from discern.findings import LesionFinding, LesionStatus, Side, Zone
from discern.inference.planes import PlaneView, SeenLesion, lesion_finding
from discern.networks import Head, TrainedOn
from discern.postprocess import join_probabilities
from discern.spine import Label, Plane
from discern.weights import WeightsMetadata

SAGITTAL = LesionCalibration(Label.HERNIATION, Plane.SAGITTAL, 2.0, 2.0, -0.3, 0.055, 0.044)
AXIAL = LesionCalibration(Label.HERNIATION, Plane.AXIAL, 1.5, 1.5, 0.0, 0.055, 0.069)


def trained(**planes: TrainedOn) -> WeightsMetadata:
    heads = tuple(Head(Label.HERNIATION, Plane(name), kind) for name, kind in planes.items())
    return WeightsMetadata("test", "0", heads=heads)


SAGITTAL_ONLY = trained(sagittal=TrainedOn.REAL)
BOTH = trained(sagittal=TrainedOn.REAL, axial=TrainedOn.REAL)


def sagittal(*places: tuple[int, float]) -> PlaneView:
    return PlaneView(Plane.SAGITTAL, 9, tuple(SeenLesion("", i, score) for i, score in places))


def axial(*lesions: SeenLesion, slices: int = 3) -> PlaneView:
    return PlaneView(Plane.AXIAL, slices, lesions)


def verdict(
    *views: PlaneView,
    about: WeightsMetadata = BOTH,
    calibrations: tuple[LesionCalibration, ...] = (SAGITTAL, AXIAL),
) -> LesionFinding:
    return lesion_finding(Label.HERNIATION, views, about, calibrations)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_one_slice_that_shows_a_herniation_is_enough() -> None:
    finding = verdict(sagittal((5, 0.6)), about=SAGITTAL_ONLY)

    assert finding.status is LesionStatus.PRESENT
    assert (finding.score, finding.consecutive_slices, finding.experimental) == (0.6, 1, False)
    assert finding.planes == (Plane.SAGITTAL,)


def test_neighbouring_slices_are_counted() -> None:
    finding = verdict(sagittal((3, 0.6), (4, 0.6), (6, 0.6)))

    assert finding.consecutive_slices == 2
    assert finding.by_plane[0].positive_slices == 3


def test_slices_beside_a_missing_one_are_no_neighbours() -> None:
    whole = sagittal((3, 0.6), (4, 0.6))
    after_gap = frozenset({("", 4)})
    torn = PlaneView(Plane.SAGITTAL, 9, whole.lesions, after_gap)
    assert verdict(whole).consecutive_slices == 2
    assert verdict(torn).consecutive_slices == 1


def test_boxes_in_front_and_behind_are_no_run() -> None:
    places = ((3, (-0.4, 0.0)), (4, (0.4, 0.0)), (5, (0.45, 0.1)))
    lesions = tuple(SeenLesion("", index, 0.6, place=place) for index, place in places)
    assert verdict(PlaneView(Plane.SAGITTAL, 9, lesions)).consecutive_slices == 2
    assert verdict(PlaneView(Plane.SAGITTAL, 9, lesions[:2])).consecutive_slices == 1


def test_slices_of_two_series_are_no_neighbours() -> None:
    finding = verdict(axial(SeenLesion("s2", 3, 0.6), SeenLesion("s3", 4, 0.6)))

    assert finding.consecutive_slices == 1


def test_heads_never_trained_are_not_assessed_and_say_how_many_slices_they_had() -> None:
    finding = verdict(sagittal(), axial(), about=trained())

    assert finding.status is LesionStatus.NOT_ASSESSED
    assert (finding.score, finding.probability) == (None, None)
    assert [(one.status, one.slices) for one in finding.by_plane] == [
        (LesionStatus.NOT_ASSESSED, 9),
        (LesionStatus.NOT_ASSESSED, 3),
    ]


def test_a_trained_head_without_boxes_says_absent() -> None:
    assert verdict(sagittal(), about=SAGITTAL_ONLY).status is LesionStatus.ABSENT


@pytest.mark.parametrize("kind", [TrainedOn.DERIVED, TrainedOn.SYNTHETIC])
def test_a_contributing_plane_without_readers_labels_makes_it_experimental(
    kind: TrainedOn,
) -> None:
    about = trained(sagittal=TrainedOn.REAL, axial=kind)

    assert verdict(sagittal((5, 0.6)), axial(), about=about).experimental
    assert not verdict(sagittal((5, 0.6)), axial(slices=0), about=about).experimental


def test_either_plane_suffices_and_the_axial_one_gives_side_and_zone() -> None:
    seen = SeenLesion("s2", 4, 0.7, Side.LEFT, Zone.SUBARTICULAR)
    weaker = SeenLesion("s2", 5, 0.4, Side.CENTRAL, Zone.CENTRAL)

    finding = verdict(sagittal(), axial(weaker, seen))

    assert finding.status is LesionStatus.PRESENT
    assert finding.planes == (Plane.AXIAL,)
    assert (finding.side, finding.zone) == (Side.LEFT, Zone.SUBARTICULAR)
    assert [one.status for one in finding.by_plane] == [LesionStatus.ABSENT, LesionStatus.PRESENT]


def test_a_disc_without_axial_slices_stays_as_the_sagittal_ones_say() -> None:
    alone, beside = verdict(sagittal((5, 0.6))), verdict(sagittal((5, 0.6)), axial(slices=0))

    assert beside.probability == alone.probability == SAGITTAL.probability(0.6)
    assert (beside.by_plane[1].status, beside.by_plane[1].slices) == (LesionStatus.NOT_ASSESSED, 0)


def test_the_joint_adds_the_evidence_of_each_plane_to_one_prior() -> None:
    finding = verdict(sagittal((5, 0.6)), axial(SeenLesion("s2", 4, 0.7)))

    said = [SAGITTAL.probability(0.6), AXIAL.probability(0.7)]
    prior = logit(0.055)
    assert [one.probability for one in finding.by_plane] == said
    assert finding.probability is not None
    assert logit(finding.probability) == pytest.approx(prior + sum(logit(p) - prior for p in said))
    assert finding.probability > max(said)


def test_without_calibration_there_is_no_probability() -> None:
    assert verdict(sagittal((5, 0.6)), calibrations=()).probability is None
    only_one = verdict(sagittal((5, 0.6)), axial(), calibrations=(SAGITTAL,))
    assert only_one.probability == SAGITTAL.probability(0.6)


def test_a_plane_that_says_the_prevalence_changes_nothing() -> None:
    assert join_probabilities([0.3, 0.055], [0.055, 0.055]) == pytest.approx(0.3)


def test_joining_agrees_with_bayes_on_counted_discs() -> None:
    prior, hit, alarm = 0.2, (0.7, 0.6), (0.1, 0.25)  # two planes, independent given the disc
    alone = [prior * h / (prior * h + (1 - prior) * a) for h, a in zip(hit, alarm, strict=True)]
    both = prior * hit[0] * hit[1]

    joint = join_probabilities(alone, [prior, prior])

    assert joint == pytest.approx(both / (both + (1 - prior) * alarm[0] * alarm[1]))
