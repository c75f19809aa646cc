"""Typesetting with WeasyPrint: one HTML text in, one PDF out, nothing loaded and nothing said.

The page may use ``data:`` resources only. WeasyPrint needs the Pango library and takes its fonts
from the system, so the bytes are the same on one machine, not on every machine.
"""

import contextlib
import importlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from warnings import catch_warnings, filterwarnings

from PIL import ImageFile

from discern.errors import UsageError

_VARIANT = "pdf/a-2a"  # for the archive, with tags for screen readers (ISO 19005-2)
_LOGGERS = ("weasyprint", "fontTools")
_NO_GLYPH = ".notdef"
_NEEDS_EXTRA = "--also pdf: needs WeasyPrint; install it with pip install 'discern-lumbar[pdf]'"
_NEEDS_PANGO = (
    "--also pdf: WeasyPrint does not find the Pango library; install it with "
    "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (Debian, Ubuntu) or "
    "brew install pango (macOS)"
)


@dataclass(frozen=True, slots=True)
class Typeset:
    """A PDF, and the characters in it that no installed font can draw."""

    content: bytes
    missing: frozenset[str]


def typeset(html: str, identifier: str) -> Typeset:
    """Return the PDF/A of a page; the same page and identifier give the same bytes.

    Raises:
        UsageError: WeasyPrint or Pango is missing, or the page asks for a resource that is not in
            it.
    """
    engine = _engine()
    fetcher = engine.urls.URLFetcher(
        allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True
    )
    with _quiet() as said:
        try:
            page = engine.HTML(string=html, url_fetcher=fetcher)
            content = page.write_pdf(pdf_variant=_VARIANT, pdf_identifier=identifier.encode())
        except engine.urls.FatalURLFetchingError as error:
            raise UsageError(_refusal(str(error))) from error
    faults = [one.getMessage() for one in said if one.levelno >= logging.ERROR]
    if faults:
        raise UsageError(_refusal(faults[0]))
    return Typeset(content, frozenset(_missing(said)))


def _engine() -> ModuleType:
    """Import WeasyPrint, without the leave it gives Pillow to read damaged pictures as whole."""
    damaged_allowed = ImageFile.LOAD_TRUNCATED_IMAGES
    with contextlib.redirect_stdout(io.StringIO()), catch_warnings():
        filterwarnings("ignore", module="weasyprint")  # of libraries it will need one day
        try:
            return importlib.import_module("weasyprint")
        except ModuleNotFoundError as error:
            raise UsageError(_NEEDS_EXTRA) from error
        except OSError as error:
            raise UsageError(_NEEDS_PANGO) from error
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = damaged_allowed


def _refusal(fault: str) -> str:
    return (
        f"--also pdf: {fault[:200]}: the page loads nothing from files or the network; "
        "put what printed.css needs into it as data: URIs"
    )


def _missing(said: list[logging.LogRecord]) -> Iterator[str]:
    """Yield the characters that WeasyPrint drew as an empty box."""
    for one in said:
        if str(one.msg).startswith(_NO_GLYPH) and isinstance(one.args, tuple):
            yield str(one.args[0])


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


@contextlib.contextmanager
def _quiet() -> Iterator[list[logging.LogRecord]]:
    """Collect what the libraries log instead of showing it."""
    listener = _Listener()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [one.propagate for one in loggers]
    for one in loggers:
        one.addHandler(listener)
        one.propagate = False
    try:
        with catch_warnings():
            filterwarnings("ignore", module="weasyprint")  # of a colour profile it leaves open
            yield listener.said
    finally:
        for one, propagate in zip(loggers, before, strict=True):
            one.removeHandler(listener)
            one.propagate = propagate
