"""The Content-Security-Policy of every page that Discern writes."""

import base64
import hashlib


def content_policy(style: str, script: str = "") -> str:
    """Return the policy that admits this style, this script and pictures inside the page.

    Everything else, the network included, is refused by the browser.

    >>> content_policy("p {}").startswith("default-src 'none'; img-src data:;")
    True
    """
    directives = [
        "default-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src '{_hash(style)}'",
        *([f"script-src '{_hash(script)}'"] if script else []),
    ]
    return "; ".join(directives)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
