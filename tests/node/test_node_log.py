import io
import json
import logging
import warnings

import pytest

from discern.node.log import log_to


def test_of_a_warning_only_kind_and_place_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    logger = logging.getLogger("discern.node")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log_to(stream)
        warnings.warn("Invalid value for VR PN: 'DOE^JOHN'", UserWarning, stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert "DOE" not in line
    said = json.loads(line)
    assert (said["event"], said["kind"]) == ("warning", "UserWarning")
    assert said["place"].startswith("test_node_log:")
