"""``evaluation.html``: every table and drawing of an evaluation on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from discern.evaluation.pages.page import data_uri, render
from discern.evaluation.table_formats import Table, table_html

_LINKS = {
    "gallery.html": "Error gallery: what went wrong, as crops, worst first",
    "review.html": "Review page: accept or reject each slice",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing; ``name`` is its file without the ending."""

    name: str
    picture: str


def index_page(
    title: str,
    about: str,
    tables: Sequence[Table],
    drawings: Mapping[str, bytes],
    pages: Sequence[str],
) -> str:
    """Return the page.

    Args:
        title: Heading.
        about: What the figures were computed from.
        tables: In order.
        drawings: By file name; the SVG files are embedded.
        pages: Names of the pages beside this one.
    """
    return render(
        "index",
        title=title,
        about=about,
        tables=[(one.name, one.title, Markup(table_html(one))) for one in tables],  # noqa: S704 - escaped there
        drawings=[
            Drawing(name.removesuffix(".svg"), data_uri(content, "image/svg+xml"))
            for name, content in drawings.items()
            if name.endswith(".svg")
        ],
        links=[(page, _LINKS[page]) for page in pages],
    )
