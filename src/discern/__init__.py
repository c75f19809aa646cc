"""Discern reads lumbar MR studies disc by disc. Research use only, not a medical device.

::

    from discern import analyze

    result = analyze("path/to/study")
    for disc in result.findings.discs:
        print(disc.level, disc.pfirrmann, disc.herniation.status)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discern.inference.analyze import Analysis, AnalysisOptions, analyze

__all__ = ["Analysis", "AnalysisOptions", "__version__", "analyze"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: the value is any public attribute
    """Import the public API on first use, so that ``discern --help`` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'discern' has no attribute {name!r}")
    from discern.inference import analyze as module  # noqa: PLC0415 - lazy on purpose

    return getattr(module, name)
