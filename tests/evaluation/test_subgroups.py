import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import perfect, predicted, random_case

from discern.annotations import GroundTruth, TruthBox
from discern.errors import DatasetError
from discern.evaluation.bootstrap import draw_patients
from discern.evaluation.headlines import HEADLINES, tally
from discern.evaluation.metrics import EvaluationOptions, evaluate
from discern.evaluation.predictions import Predictions
from discern.evaluation.subgroup_parts import Attributes, slice_kind
from discern.evaluation.subgroup_tables import subgroup_tables, subgroups_json
from discern.evaluation.subgroups import Subgroup, Subgroups, subgroups
from discern.spine import GRADE_LABELS, Label, Plane

FEW = EvaluationOptions(resamples=50)
CASE = random_case(8, patients=14)
PATIENTS = sorted({truth.patient for truth in CASE.truths})
VENDORS: Attributes = {
    name: {"vendor": "Siemens" if i < 9 else "Philips"} for i, name in enumerate(PATIENTS[:12])
}


def numbered(truths: Sequence[GroundTruth]) -> list[GroundTruth]:
    """Name the discs 6 to 1 from the top, by their place in ``random_case``."""
    return [
        replace(
            truth,
            boxes=tuple(
                replace(box, disc=6 - round((box.box_xyxy_px[1] - 20) / 28)) for box in truth.boxes
            ),
        )
        for truth in truths
    ]


def by_name(parts: Sequence[Subgroups], attribute: str) -> dict[str, Subgroup]:
    (one,) = (one for one in parts if one.attribute == attribute)
    return {group.name: group for group in one.groups}


def of_attribute(
    truths: Sequence[GroundTruth], predictions: Predictions, name: str, known: Attributes
) -> Subgroups:
    parts = subgroups(truths, predictions, known, FEW)
    (one,) = (one for one in parts if one.attribute == name)
    return one


def test_a_part_has_the_figures_of_an_evaluation_of_its_patients_alone() -> None:
    groups = by_name(subgroups(CASE.truths, CASE.predictions, VENDORS, FEW), "vendor")

    for name, group in groups.items():
        patients = {p for p, known in VENDORS.items() if known["vendor"] == name}
        mine = [truth for truth in CASE.truths if truth.patient in patients]
        alone = evaluate(mine, {t.image: CASE.predictions[t.image] for t in mine}, options=FEW)
        assert (group.patients, group.images) == (len(patients), len(mine))
        assert group.discs == sum(one.support for one in alone.pfirrmann.per_grade.values())
        for key in ("exact_all", "kappa_linear", "kappa_quadratic", "macro_f1", "disc_recall"):
            assert group.figures[key].value == getattr(alone.pfirrmann, key).value


def test_a_difference_has_an_interval_from_the_same_resamples() -> None:
    groups = by_name(subgroups(CASE.truths, CASE.predictions, VENDORS, FEW), "vendor")
    whole = tally(CASE.truths, CASE.predictions, FEW.operating_point)
    draws = draw_patients(len(PATIENTS), FEW.resamples, np.random.default_rng(FEW.seed))

    differences = []
    for row in draws:
        sums = {"Siemens": np.zeros_like(whole.counts[:1]), "Philips": whole.counts[:1] * 0}
        for patient, times, counts in zip(PATIENTS, row, whole.counts, strict=True):
            if patient in VENDORS:
                sums[VENDORS[patient]["vendor"]] += times * counts
        values = {name: HEADLINES["exact_all"].statistic(one)[0] for name, one in sums.items()}
        differences.append(values["Philips"] - values["Siemens"])

    ours = groups["Philips"].differences["exact_all"]
    assert groups["Siemens"].differences == {}
    assert ours.value == pytest.approx(differences[0])
    assert ours.ci95 == pytest.approx(np.nanpercentile(differences[1:], [2.5, 97.5]))


def test_patients_without_a_value_are_counted_and_few_patients_flagged() -> None:
    vendors = of_attribute(CASE.truths, CASE.predictions, "vendor", VENDORS)

    assert (vendors.largest, vendors.unknown) == ("Siemens", 2)
    assert [group.has_few_patients for group in vendors.groups] == [True, True]
    (table,) = (t for t in subgroup_tables([vendors]) if t.name == "subgroups-vendor")
    assert [row[0] for row in table.rows] == ["Philips *", "Siemens *"]
    assert any("Fewer than 10 patients" in note for note in table.notes)
    assert any("2 patients" in note for note in table.notes)


def test_an_attribute_that_nobody_has_is_null_with_a_reason() -> None:
    parts = subgroups(CASE.truths, CASE.predictions, VENDORS, FEW)
    document = json.loads(json.dumps(subgroups_json(parts), allow_nan=False))

    assert document["post_operative"]["groups"] is None
    assert "patients.csv" in document["post_operative"]["reason"]
    assert document["level"]["groups"] is None
    assert "group_id" in document["level"]["reason"]
    assert document["vendor"]["groups"]["Siemens"]["minus_largest"] is None
    assert document["vendor"]["groups"]["Philips"]["few_patients"] is True
    assert document["vendor"]["groups"]["Philips"]["figures"]["exact_all"]["ci95"]
    assert "hiz_axial_f1" not in document["vendor"]["groups"]["Philips"]["figures"]
    assert "subgroups-post-operative" not in {table.name for table in subgroup_tables(parts)}


def test_further_attributes_are_taken_as_they_come() -> None:
    known = {name: {"hospital": "A"} for name in PATIENTS}

    group = by_name(subgroups(CASE.truths, CASE.predictions, known, FEW), "hospital")["A"]

    metrics = evaluate(CASE.truths, CASE.predictions, options=FEW)
    assert group.figures["kappa_linear"] == metrics.pfirrmann.kappa_linear
    assert group.figures["herniation_sagittal_f1"] == (
        metrics.lesions[Label.HERNIATION, Plane.SAGITTAL].at_iou.f1
    )


def test_levels_share_out_the_discs_of_the_whole() -> None:
    truths = numbered(CASE.truths)
    levels = of_attribute(truths, CASE.predictions, "level", {})
    whole = evaluate(truths, CASE.predictions, options=FEW).pfirrmann

    assert [group.name for group in levels.groups] == [
        *("T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"),
    ]
    discs = [group.discs for group in levels.groups]
    right = [(group.figures["exact_all"].value or 0) * group.discs for group in levels.groups]
    assert sum(discs) == sum(one.support for one in whole.per_grade.values())
    assert sum(right) == pytest.approx((whole.exact_all.value or 0) * sum(discs))


def test_an_error_counts_at_its_own_level_only() -> None:
    truth = numbered(random_case(9, patients=1, images_each=1).truths)[0]
    graded = tuple(box for box in truth.boxes if box.label in GRADE_LABELS)
    truth = replace(truth, boxes=(*graded, TruthBox(Label.HERNIATION, (95, 18, 118, 38), disc=6)))
    answers = list(perfect([truth])[truth.image])
    wrong = next(i for i, box in enumerate(graded) if box.disc == 2)
    other = GRADE_LABELS[(GRADE_LABELS.index(graded[wrong].label) + 1) % 5]
    answers[wrong] = predicted(other, graded[wrong].box_xyxy_px)
    behind_l5_s1 = graded[-1].box_xyxy_px[2] + 2
    answers.append(predicted(Label.HERNIATION, (behind_l5_s1, 160.0, behind_l5_s1 + 9, 176.0)))

    groups = by_name(subgroups([truth], {truth.image: tuple(answers)}, {}, FEW), "level")

    exact = {name: group.figures["exact_all"].value for name, group in groups.items()}
    acceptable = {name: g.figures["acceptable_sagittal"].value for name, g in groups.items()}
    assert exact == dict.fromkeys(groups, 1.0) | {"L4-L5": 0.0}
    assert acceptable["L5-S1"] == 0
    assert acceptable["T12-L1"] == acceptable["L1-L2"] == acceptable["L3-L4"] == 1
    assert groups["T12-L1"].figures["herniation_sagittal_precision"].value == 1


def test_kinds_of_slice_come_from_the_image_name() -> None:
    names = [f"{t.patient}_{'t2' if i % 2 else 't2space_6'}" for i, t in enumerate(CASE.truths)]
    truths = [replace(t, image=name) for t, name in zip(CASE.truths, names, strict=True)]
    answers = dict(zip(names, CASE.predictions.values(), strict=True))

    kinds = of_attribute(truths, answers, "slice_kind", {})

    assert [(group.name, group.patients) for group in kinds.groups] == [("t2", 14), ("t2space", 14)]
    assert slice_kind(replace(truths[0], image="p0_7")) is None
    lone = of_attribute(CASE.truths, CASE.predictions, "slice_kind", {})
    assert lone.groups == ()
    assert lone.reason == "the names of the images say no kind of slice"


def test_other_images_are_refused() -> None:
    with pytest.raises(DatasetError, match="no predictions"):
        subgroups(CASE.truths, {}, {}, FEW)
