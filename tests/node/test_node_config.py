from pathlib import Path

import pytest

from discern.errors import UsageError
from discern.node.config import example_config, parse_config, read_config
from discern.node.destinations import WebDestination

DESTINATION = '[[destinations]]\nname = "a"\nhost = "h"\nport = 104\nae_title = "A"\n'


def test_the_example_can_be_used() -> None:
    config = parse_config(example_config())
    assert config.listen.port == 11112
    assert config.destinations[0].name == "pacs"


def test_the_example_with_every_line_in_use_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("hospital-ca.pem", "node.pem", "node.key"):
        Path(name).touch()
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [[") else line
        for line in example_config().splitlines()
    ]
    config = parse_config("\n".join(lines))
    assert isinstance(config.destinations[1], WebDestination)
    assert config.commitment_peers[0].ae_title == "PACS"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "destinations"),
        ("nonsense", "not TOML"),
        ("[listen]\nprot = 1\n" + DESTINATION, "listen.prot"),
        ("[listen]\nport = 99999\n" + DESTINATION, "listen.port"),
        ('[listen]\nport = "104"\n' + DESTINATION, "listen.port"),
        ('[listen]\nae_title = "MUCH TOO LONG TITLE"\n' + DESTINATION, "AE title"),
        ('[listen]\nother_objects = "burn"\n' + DESTINATION, "listen.other_objects"),
        ("[study]\nquiet_seconds = -1\n" + DESTINATION, "study.quiet_seconds"),
        ('[study]\ndocuments = ["csv"]\n' + DESTINATION, "study.documents"),
        ('[[destinations]]\nname = "a"\nhost = "h"\nport = 1\n', "destinations.ae_title"),
        (DESTINATION + DESTINATION, "used twice"),
        (DESTINATION + 'tls = { ca = "none.pem" }\n', r"destinations\.tls\.ca: .*none\.pem"),
        (
            '[[destinations]]\nname = "a"\nurl = "https://h/dicom-web"\nca = "none.pem"\n',
            r"destinations\.ca: .*none\.pem",
        ),
        (
            DESTINATION + '[listen]\ntls = { certificate = "none.pem", key = "none.key" }\n',
            r"listen\.tls\.certificate: .*none\.pem",
        ),
        ("study = 3\n" + DESTINATION, "study"),
    ],
)
def test_a_mistake_is_named(text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_config(text)


def test_a_missing_file_names_the_way_to_an_example(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--example-config"):
        read_config(tmp_path / "none.toml")
