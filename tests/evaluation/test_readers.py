from dataclasses import replace

import pytest
from evaluation_cases import EVERYTHING, perfect, predicted, random_case, truth_of

from discern.errors import DatasetError
from discern.evaluation.comparison import ComparisonOptions
from discern.evaluation.predictions import PredictedBox
from discern.evaluation.reader_report import readers_json
from discern.evaluation.reader_results import result_sentences
from discern.evaluation.reader_tables import detail_tables, summary_tables
from discern.evaluation.readers import NO_SCORES, Images, ReaderStudy, study_readers
from discern.spine import GRADE_LABELS, Label, Plane

FEW = ComparisonOptions(resamples=30, permutations=99)
CASE = random_case(21, patients=8)
IMAGES = Images(CASE.truths)


def words(study: ReaderStudy) -> str:
    return " ".join(result_sentences(study))


def test_without_scores_there_is_no_area() -> None:
    study = study_readers(IMAGES, {"anna": perfect(CASE.truths)}, CASE.predictions, FEW)

    lesion = Label.HERNIATION, Plane.SAGITTAL
    assert study.metrics["anna"].disc_wise.lesions[lesion].roc_auc.reason == NO_SCORES
    assert study.metrics["model"].disc_wise.lesions[lesion].roc_auc.value is not None
    assert readers_json(study).count("NaN") == 0


def test_a_better_and_a_worse_side_are_named_as_such() -> None:
    best = perfect(CASE.truths)

    lower = study_readers(IMAGES, {"anna": best}, CASE.predictions, FEW, margin=0.05)
    higher = study_readers(IMAGES, {"anna": CASE.predictions}, best, FEW, margin=0.05)

    assert "coefficient of the model was 0." in words(lower)
    assert " lower than that of anna" in words(lower)
    assert "Non-inferiority of the model to anna was not shown" in words(lower)
    assert " higher than that of anna" in words(higher)
    assert "the model was not inferior to anna" in words(higher)


def test_missed_discs_are_held_against_the_kappa() -> None:
    few = perfect(CASE.truths) | {CASE.truths[0].image: ()}

    text = words(study_readers(IMAGES, {"anna": few, "ben": perfect(CASE.truths)}, None, FEW))

    assert "anna found fewer than 97% of the discs" in text
    assert "ben found fewer" not in text


def test_axial_images_alone_have_no_kappa_and_are_not_blamed() -> None:
    lesion = (Label.HIZ, (10.0, 10.0, 20.0, 20.0))
    truths = [
        truth_of(
            lesion,
            image=name,
            patient=name,
            plane=Plane.AXIAL,
            annotated=EVERYTHING - set(GRADE_LABELS),
        )
        for name in ("a", "b", "c")
    ]
    found: dict[str, tuple[PredictedBox, ...]] = {t.image: (predicted(*lesion),) for t in truths}
    none: dict[str, tuple[PredictedBox, ...]] = {t.image: () for t in truths}

    study = study_readers(Images(truths), {"anna": found, "ben": none}, None, FEW, margin=0.1)

    text = words(study)
    assert "were undefined and undefined, respectively" in text
    assert "ben and anna cannot be compared: no kappa" in text
    assert "fewer than 97%" not in text
    assert "ben drew no hiz" in text
    assert study.metrics["anna"].lesions[Label.HIZ, Plane.AXIAL].at_iou.f1.value == 1
    assert [len(table.rows) for table in summary_tables(study)] == [3, 3, 3, 1]
    assert len(detail_tables(study)) == 5


def test_holm_counts_the_readers() -> None:
    readers = {"anna": perfect(CASE.truths), "ben": random_case(22, patients=8).predictions}
    study = study_readers(IMAGES, readers, CASE.predictions, replace(FEW, permutations=999))

    p = sorted(one.p for one in study.differences.values() if one.p is not None)
    holm = sorted(one.p_holm for one in study.differences.values() if one.p_holm is not None)
    assert holm == pytest.approx([min(1, 2 * p[0]), max(2 * p[0], p[1])])


def test_a_reading_of_other_images_is_refused() -> None:
    with pytest.raises(DatasetError, match="no predictions"):
        study_readers(IMAGES, {"anna": {}}, None, FEW)
