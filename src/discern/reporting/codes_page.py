"""The page ``docs/codes.md``, written from the one table of codes.

``python -m discern.reporting.codes_page > docs/codes.md`` makes it again.
"""

import sys
from collections.abc import Iterator, Mapping

from discern.reporting import codes
from discern.reporting.codes import FHIR_SYSTEMS, PRIVATE, Code

_HEAD = """# Codes

Every document of Discern - SR, presentation state, segmentation, FHIR - takes its concepts from
one table, `src/discern/reporting/codes.py`. Where a published code exists it is used; everything
else is in one private scheme with a written definition. This page is written from that table by
`python -m discern.reporting.codes_page > docs/codes.md`; a test compares the two.

## Coding schemes

| scheme (DICOM designator) | FHIR system |
|---|---|
"""
_PUBLISHED = """
## Published codes in use

SNOMED CT is used by code only; its words and licence are those of SNOMED International.

| code | scheme | meaning here |
|---|---|---|
"""
_PRIVATE = f"""
## Private codes ({PRIVATE})

| code | meaning | definition |
|---|---|---|
"""


def render_codes_page() -> str:
    """Return the text of ``docs/codes.md``."""
    schemes = [f"| {scheme} | `{system}` |" for scheme, system in FHIR_SYSTEMS.items()]
    published = [f"| {one.value} | {one.scheme} | {one.meaning} |" for one in published_codes()]
    private = [
        f"| `{one.value}` | {one.meaning} | {one.definition} |" for one in codes.private_codes()
    ]
    parts = ((_HEAD, schemes), (_PUBLISHED, published), (_PRIVATE, private))
    return "".join(title + "\n".join(rows) + "\n" for title, rows in parts)


def published_codes() -> tuple[Code, ...]:
    """Return every concept that is not private, once, in the order of the table."""
    return tuple(dict.fromkeys(one for one in _every_code() if one.scheme != PRIVATE))


def _every_code() -> Iterator[Code]:
    for value in vars(codes).values():
        members = value.values() if isinstance(value, Mapping) else (value,)
        yield from (one for one in members if isinstance(one, Code))


if __name__ == "__main__":
    sys.stdout.write(render_codes_page())
