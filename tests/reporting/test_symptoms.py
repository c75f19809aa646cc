"""Words of symptoms, and the order they give to levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import make_study, whole_findings

from discern.errors import UsageError
from discern.findings import Side
from discern.reporting.symptom_levels import order_levels
from discern.reporting.symptom_words import VOCABULARY, Complaint
from discern.reporting.symptoms import parse_symptoms
from discern.spine import Level

FINDINGS = whole_findings(make_study())


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("L5 dermatome", {"L5": 1}),
        ("腰5神经根", {"L5": 1}),
        ("weak ankle dorsiflexion", {"L4": 0.5, "L5": 0.5}),
        ("weak big-toe extension", {"L5": 1}),
        ("踝反射减弱", {"S1": 1}),
        ("knee jerk reduced, normal ankle reflex", {"L4": 1}),
        (
            "hip flexion weak; knee extension weak; plantar flexion weak",
            {"L2": 1, "L3": 1, "S1": 1},
        ),
    ],
)
def test_signs_speak_for_roots(text: str, roots: dict[str, float]) -> None:
    assert parse_symptoms(text).roots == roots


def test_chinese_sentence_is_understood() -> None:
    found = parse_symptoms("下腰痛伴左下肢放射痛, 无麻木")
    assert found.sides == (Side.LEFT,)
    assert found.complaints == (Complaint.LEG_PAIN, Complaint.BACK_PAIN)
    assert found.denied == ("麻木",)
    assert not found.unknown


def test_nothing_understood_is_refused_with_examples() -> None:
    with pytest.raises(UsageError, match="left leg pain, L5 dermatome"):
        parse_symptoms("headache")


def test_side_and_root_decide() -> None:
    left, right = (
        order_levels(FINDINGS, parse_symptoms(f"{side} leg pain, L5")) for side in ("left", "right")
    )
    assert left[0].level is right[0].level is Level.L4_L5
    assert left[0].score == pytest.approx(8 * 0.83)
    assert right[0].score == pytest.approx(4 * 0.83)


@given(st.lists(st.sampled_from(sorted(VOCABULARY)), max_size=6))
def test_no_finding_is_lost(words: list[str]) -> None:
    ordered = order_levels(FINDINGS, parse_symptoms(", ".join(["left", *words])))
    assert sorted(one.level for one in ordered) == sorted(one.level for one in FINDINGS.discs)
