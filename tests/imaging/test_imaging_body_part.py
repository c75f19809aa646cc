"""BodyPartExamined: what no lumbar study has is refused, what is absent or odd never is."""

from pathlib import Path

import pytest

from discern.errors import NothingToAnalyze, OtherBodyPart
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Study
from discern.spine import Plane
from writers import AXIAL_T2, Series, write_study


def used(study: Study) -> list[str]:
    return [one.id for one in study.series if one.used]


@pytest.mark.parametrize("stated", ["BRAIN", "HEAD", "knee", "C-SPINE", "CSPINE", "SHOULDER"])
def test_another_part_is_refused_with_the_remedy(stated: str, tmp_path: Path) -> None:
    write_study(tmp_path, Series().with_tags(BodyPartExamined=stated))

    with pytest.raises(OtherBodyPart, match=rf"{stated}.*--series s1") as refusal:
        read_study(tmp_path)

    assert isinstance(refusal.value, NothingToAnalyze)
    assert refusal.value.exit_status == 3


@pytest.mark.parametrize(
    "stated",
    [
        *(None, "", "LSPINE", "L SPINE", "SPINE", "TSPINE", "LSSPINE", "ABDOMEN", "PELVIS"),
        *("WHOLEBODY", "X9", "LWS", "KNEE_L_SPINE", "<b>"),
    ],
)
def test_absent_odd_and_neighbouring_values_never_refuse(
    stated: str | None, tmp_path: Path
) -> None:
    series = Series().with_tags(BodyPartExamined=stated)
    write_study(tmp_path, series)

    assert used(read_study(tmp_path)) == ["s1"]


def test_a_series_named_by_hand_is_read_and_the_findings_are_told(tmp_path: Path) -> None:
    write_study(tmp_path, Series().with_tags(BodyPartExamined="BRAIN"))

    study = read_study(tmp_path, ReadOptions(series=("s1",)))

    assert study.used(Plane.SAGITTAL)[0].by_hand
    told = {warning.code: warning.text for warning in study.warnings}
    assert "BRAIN" in told["other_body_part"]


@pytest.mark.parametrize("other", ["CSPINE", "TSPINE"])
def test_in_a_study_of_the_whole_spine_the_lumbar_series_is_read(
    other: str, tmp_path: Path
) -> None:
    fine = (0.4, 0.4)  # the other one would be preferred for its pixels
    first = Series(number=1, spacing_mm=fine).with_tags(BodyPartExamined=other)
    write_study(tmp_path, first, Series(number=2).with_tags(BodyPartExamined="LSPINE"))

    assert used(read_study(tmp_path)) == ["s2"]


def test_axial_slices_of_another_part_are_left_out(tmp_path: Path) -> None:
    write_study(tmp_path, Series(), AXIAL_T2.with_tags(BodyPartExamined="CSPINE"))

    assert used(read_study(tmp_path)) == ["s1"]
