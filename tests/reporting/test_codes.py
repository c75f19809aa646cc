from collections.abc import Mapping
from pathlib import Path

from discern.reporting import codes
from discern.reporting.codes_page import published_codes, render_codes_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "codes.md"


def every_code() -> set[codes.Code]:
    tables = (list(v.values()) if isinstance(v, Mapping) else [v] for v in vars(codes).values())
    return {one for table in tables for one in table if isinstance(one, codes.Code)}


def test_the_page_of_codes_is_the_table_of_codes() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_codes_page()


def test_no_code_is_left_out_of_the_page() -> None:
    assert {*published_codes(), *codes.private_codes()} == every_code()


def test_every_private_code_is_unique_short_and_defined() -> None:
    private = codes.private_codes()
    assert len({one.value for one in private}) == len(private)
    assert all(one.definition.endswith(".") for one in private)
    assert all(len(one.meaning) <= 64 for one in every_code())  # LO, PS3.5 6.2
    assert all(len(one.value) <= 16 or one.scheme == codes.PRIVATE for one in every_code())


def test_every_scheme_has_a_system_in_fhir() -> None:
    assert {one.scheme for one in every_code()} <= set(codes.FHIR_SYSTEMS)
