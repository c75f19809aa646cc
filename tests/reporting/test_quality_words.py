"""Every warning of the page on image quality is documented, coded and worded in Chinese."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE, PAGE = ROOT / "src" / "discern", (ROOT / "docs" / "quality.md").read_text()
GIVEN_IN = ("imaging/quality.py", "inference/sign_warnings.py", "inference/fitness.py")
TEMPLATES = ("narrative.zh.txt.j2", "printed_words.html.j2")


def codes_given() -> set[str]:
    """Return the codes that the modules give: string literals that look like one."""
    found = {"other_body_part"}
    for name in GIVEN_IN:
        text = (SOURCE / name).read_text()
        found |= set(re.findall(r'StudyWarning\(\s*"([a-z0-9_]+)"', text))
        found |= set(re.findall(r'(?:code = |NotT2Weighted, |MetalVoids, )"([a-z0-9_]+)"', text))
    return found


def test_the_page_lists_every_code_and_no_other() -> None:
    signs = set(re.findall(r"^\| `([a-z0-9_]+)` \|", PAGE, re.MULTILINE))
    refusals = set(
        re.findall(r"`(other_body_part|no_lumbar_spine|not_t2_contrast|metal_voids)`", PAGE)
    )
    assert signs | refusals == codes_given()
    assert len(refusals) == 4


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_code_has_chinese_words(template: str) -> None:
    text = (SOURCE / "reporting" / "templates" / template).read_text()
    worded = set(re.findall(r'"([a-z0-9_]+)": "[^"]*[\u4e00-\u9fff]', text))
    assert codes_given() <= worded
