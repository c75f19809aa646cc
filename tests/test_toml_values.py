from dataclasses import dataclass
from pathlib import Path

import pytest

from discern.errors import UsageError
from discern.toml_values import built


@dataclass(frozen=True)
class Circle:
    radius_mm: float
    name: str = ""


@dataclass(frozen=True)
class Square:
    side_mm: float
    name: str = ""


@dataclass(frozen=True)
class Drawing:
    folder: Path
    shapes: tuple[Circle | Square, ...] = ()
    limit: int | None = None


def test_values_become_what_the_hints_say() -> None:
    table = {"folder": "out", "limit": 3, "shapes": [{"side_mm": 2}, {"radius_mm": 1, "name": "a"}]}
    assert built(Drawing, table, "") == Drawing(Path("out"), (Square(2.0), Circle(1.0, "a")), 3)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"folder": ""}, "folder: '' is not of type Path"),
        ({"folder": "out", "limit": "3"}, "limit: '3' is not of type int"),
        ({"folder": "out", "shapes": [{"name": "a"}]}, "radius_mm: missing; add it"),
        ({"limit": 3}, "folder: missing; add it"),
        ({"folder": "out", "scale": 2}, "unknown key scale; known: folder, shapes, limit"),
    ],
)
def test_a_value_that_is_wrong_is_named(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        built(Drawing, table, "")
