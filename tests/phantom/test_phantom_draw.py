from dataclasses import replace

import pytest

from discern.errors import UsageError
from discern.phantom.draw import DrawSettings, draw_patient, parse_changes
from discern.phantom.settings import Herniation
from discern.spine import Level


def changed(*texts: str) -> DrawSettings:
    return DrawSettings(seed=3, changes=parse_changes(texts))


def test_what_is_set_replaces_what_was_drawn_and_nothing_else() -> None:
    plain = draw_patient(0, DrawSettings(seed=3))
    other = draw_patient(
        0, changed("scanner.noise=0.04", "conus_level=L2-L3", "prescription.sagittal_slices=7")
    )
    assert other.parameters.scanner.noise == 0.04
    assert other.parameters.conus_level is Level.L2_L3
    assert other.prescription.sagittal_slices == 7
    back = replace(
        other.parameters,
        scanner=plain.parameters.scanner,
        conus_level=plain.parameters.conus_level,
    )
    assert back == plain.parameters


def test_a_list_of_tables_is_a_list_of_lesions() -> None:
    text = 'herniations=[{level="L5-S1", offset_mm=2, depth_mm=5, width_mm=11.5}]'
    (herniation,) = draw_patient(0, changed(text)).parameters.herniations
    assert herniation == Herniation(Level.L5_S1, 2.0, 5.0, 11.5)


def test_later_changes_win() -> None:
    settings = changed("lordosis_deg=30", "lordosis_deg=60")
    assert draw_patient(0, settings).parameters.lordosis_deg == 60.0


def test_lesions_are_drawn_on_request_and_patients_do_not_depend_on_their_number() -> None:
    plain = [draw_patient(number, DrawSettings()) for number in range(6)]
    with_lesions = [draw_patient(number, DrawSettings(lesions=True)) for number in range(6)]
    assert not any(one.parameters.lesions.zones for one in plain)
    assert any(one.parameters.lesions.zones for one in with_lesions)
    assert draw_patient(5, DrawSettings()) == plain[5]


def test_styles_change_the_image_and_not_the_patient() -> None:
    plain = [draw_patient(number, DrawSettings()) for number in range(12)]
    styled = [draw_patient(number, DrawSettings(styles=True)) for number in range(12)]
    for one, other in zip(plain, styled, strict=True):
        same = replace(
            other.parameters,
            scanner=one.parameters.scanner,
            contrast=replace(
                other.parameters.contrast,
                fat=one.parameters.contrast.fat,
                marrow=one.parameters.contrast.marrow,
            ),
        )
        assert same == one.parameters
    scanners = [one.parameters.scanner for one in styled]
    assert any(one.kspace_share < 1 for one in scanners)
    assert any(one.ghost > 0.02 for one in scanners)
    assert any(one.coil_depth_mm > 200 for one in scanners)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scanner.noise=9", "scanner noise must lie in 0 .. 0.3, got 9"),
        ("scanner.nois=1", "unknown key scanner.nois; known: field_of_view_mm"),
        ("spine=2", "unknown key spine"),
        ("lumbar_vertebrae=7", "lumbar_vertebrae must be 4, 5 or 6"),
        ("conus_level=L9", "conus_level: 'L9' is not one of"),
        ("scanner.noise=loud", "scanner.noise: 'loud' is not of type float"),
        (
            'herniations=[{level="L4-L5"}]',
            "herniations.offset_mm, herniations.depth_mm, herniations.width_mm: missing",
        ),
        ("prescription.matrix_px=5", "matrix_px must lie in 128 .. 1024"),
        ("noise", "write NAME=VALUE"),
        ("=3", "write NAME=VALUE"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        draw_patient(0, changed(text))
    assert words in str(refused.value)
