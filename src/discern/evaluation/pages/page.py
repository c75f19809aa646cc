"""One self-contained HTML page from a template, a style and a script of this package.

A Content-Security-Policy admits exactly that style and that script, by their hashes, and pictures
inside the file; everything else is refused. The template engine escapes every word.
"""

import base64
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from discern.page_policy import content_policy

_COMMON_STYLE = "page.css"


def render(name: str, *, has_script: bool = False, **values: object) -> str:
    """Return ``NAME.html`` from ``NAME.html.j2``, ``NAME.css`` and, if it has one, ``NAME.js``."""
    style = _asset(_COMMON_STYLE) + _asset(f"{name}.css")
    script = _asset(f"{name}.js") if has_script else ""
    text = (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(
            policy=content_policy(style, script),
            style=Markup(style),  # noqa: S704 - our own file, not data
            script=Markup(script),  # noqa: S704 - our own file, not data
            **values,
        )
    )
    return text.rstrip("\n") + "\n"


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content`` inside a ``data:`` URI of a MIME type."""
    return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("discern.evaluation.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
