"""Contrast from timing first, description last, on the protocols that spines are scanned with."""

import pytest

from discern.imaging.weighting import Contrast, DixonPart, weigh, words_of
from discern.spine import Weighting

SE, IR, GR = frozenset({"SE"}), frozenset({"SE", "IR"}), frozenset({"GR"})


@pytest.mark.parametrize(
    ("contrast", "expected"),
    [
        # The real study's series, GE 1.5 T.
        (Contrast(117.6, 4000, None, SE), Weighting.T2),
        (Contrast(124, 3200, None, SE, frozenset({"SAT_GEMS", "SP"})), Weighting.T2),
        (Contrast(38.7, 2516.7, None, SE), Weighting.PD),
        (Contrast(30.7, 2159, 785, frozenset({"IR"})), Weighting.T1),
        (Contrast(1.4, 4.9, None, frozenset({"RM"})), Weighting.T1),
        # Others.
        (Contrast(11, 650, None, SE), Weighting.T1),
        (Contrast(100, 3500, None, SE, frozenset({"FS"})), Weighting.T2_FAT_SUPPRESSED),
        (
            Contrast(80, 3000, None, SE, words=words_of("T2 FSE fat sat SAG")),
            Weighting.T2_FAT_SUPPRESSED,
        ),
        (Contrast(60, 4500, 150, IR), Weighting.STIR),
        (Contrast(44, 3500, 220, SE), Weighting.STIR),
        (Contrast(70, 5000, None, SE, words=("stir", "sag")), Weighting.STIR),
        (Contrast(90, 4000, 110, SE, frozenset({"SPAIR"})), Weighting.T2_FAT_SUPPRESSED),
        (Contrast(120, 9000, 2500, IR), Weighting.UNKNOWN),  # T2 FLAIR
        (Contrast(15, 500, None, GR), Weighting.UNKNOWN),  # T2*
        (Contrast(105, 1500, None, SE, three_dimensional=True), Weighting.T2),  # SPACE
        (Contrast(100, 400, None, SE), Weighting.UNKNOWN),
        (Contrast(55, 3000, None, SE, words=("t2", "sag")), Weighting.T2),
        (Contrast(None, 500), Weighting.T1),
        (Contrast(98, None), Weighting.T2),
        (Contrast(words=words_of("Sag T2")), Weighting.T2),
        (Contrast(words=words_of("t2_tirm_sag")), Weighting.STIR),
        (Contrast(words=words_of("T1 sag")), Weighting.T1),
        (Contrast(words=words_of("AX PD")), Weighting.PD),
        (Contrast(words=words_of("ax t2* medic")), Weighting.UNKNOWN),
        (Contrast(stated="PROTON_DENSITY"), Weighting.PD),
        (Contrast(), Weighting.UNKNOWN),
    ],
)
def test_weighting(contrast: Contrast, expected: Weighting) -> None:
    assert weigh(contrast).weighting is expected


def test_timing_outweighs_the_description() -> None:
    assert weigh(Contrast(12, 600, None, SE, words=("t2", "sag"))).weighting is Weighting.T1


@pytest.mark.parametrize(
    ("contrast", "part", "expected"),
    [
        (
            Contrast(90, 4000, None, SE, image_type=("ORIGINAL", "PRIMARY", "W")),
            DixonPart.WATER,
            Weighting.T2_DIXON,
        ),
        (
            Contrast(90, 4000, None, SE, image_type=("DERIVED", "PRIMARY", "M", "IP")),
            DixonPart.IN_PHASE,
            Weighting.T2_DIXON,
        ),
        (
            Contrast(90, 4000, None, SE, image_type=("DERIVED", "PRIMARY", "FAT")),
            DixonPart.FAT,
            Weighting.UNKNOWN,
        ),
        (
            Contrast(90, 4000, None, SE, words=("t2", "dixon", "w")),
            DixonPart.WATER,
            Weighting.T2_DIXON,
        ),
        (Contrast(90, 4000, None, SE, image_type=("ORIGINAL", "PRIMARY", "M")), None, Weighting.T2),
        (Contrast(90, 4000, None, SE, words=("t2", "sag", "f")), None, Weighting.T2),
    ],
)
def test_dixon(contrast: Contrast, part: DixonPart | None, expected: Weighting) -> None:
    assert contrast.dixon_part is part
    assert weigh(contrast).weighting is expected


def test_reasons_are_plain_words_with_the_timing() -> None:
    assert weigh(Contrast(102.4, 3500, None, SE)).reason == "T2 spin echo: TE 102 ms, TR 3500 ms"
    assert weigh(Contrast(60, 4500, 150, IR)).reason == "STIR: TE 60 ms, TR 4500 ms, TI 150 ms"
    assert weigh(Contrast(words=("t2",))).reason == "T2 by its description"
    assert weigh(Contrast(sequences=GR)).reason == "gradient echo"
    assert weigh(Contrast(98)).reason == "T2: TE 98 ms"
