"""What a department sets: one TOML file, read once, every mistake named with its remedy."""

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import Path

from discern.errors import UsageError
from discern.node.destinations import Destination, DimseDestination, TlsFiles
from discern.reporting.kinds import MAKES_DICOM, DocumentKind
from discern.toml_values import built

_AE_LENGTH, _LAST_PORT = 16, 65535


class OtherObjects(StrEnum):
    """What happens to objects that are no MR image: refused, or taken and dropped."""

    REFUSE = "refuse"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """The DICOM listener; ``allowed`` holds calling AE titles, empty admits every one."""

    ae_title: str = "DISCERN"
    host: str = "127.0.0.1"
    port: int = 11112
    allowed: tuple[str, ...] = ()
    max_associations: int = 10
    max_pdu_bytes: int = 131_072
    max_object_mb: int = 512
    timeout_s: float = 60.0
    other_objects: OtherObjects = OtherObjects.REFUSE
    tls: TlsFiles | None = None

    def __post_init__(self) -> None:
        """Refuse titles and ports that DICOM does not know."""
        for title in (self.ae_title, *self.allowed):
            _check_title("listen", title)
        _check_port("listen.port", self.port, lowest=0)
        _at_least("listen.max_associations", self.max_associations, 1)
        _at_least("listen.max_pdu_bytes", self.max_pdu_bytes, 4096)
        _at_least("listen.max_object_mb", self.max_object_mb, 1)
        _at_least("listen.timeout_s", self.timeout_s, 1)
        if self.tls is not None and not (self.tls.certificate and self.tls.key):
            raise UsageError(
                "listen.tls: a listener needs certificate and key; name both PEM files"
            )


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """When a study is complete, and what may be spent on it.

    ``cpu_threads`` None lets the engine choose; ``keep_hours`` is how long received images stay
    after their study is analyzed and everything made of it is delivered or given up.
    """

    quiet_seconds: float = 60.0
    documents: tuple[DocumentKind, ...] = (DocumentKind.SR,)
    timeout_s: float = 1800.0
    memory_mb: int = 16_384
    keep_hours: float = 24.0
    cpu_threads: int | None = None
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Refuse limits that admit nothing and documents that no PACS takes."""
        refused = sorted(set(self.documents) - MAKES_DICOM)
        if refused or not self.documents:
            known = ", ".join(kind for kind in DocumentKind if kind in MAKES_DICOM)
            raise UsageError(f"study.documents: {refused or 'none'}; a node sends some of {known}")
        _at_least("study.quiet_seconds", self.quiet_seconds, 0)
        _at_least("study.timeout_s", self.timeout_s, 1)
        _at_least("study.memory_mb", self.memory_mb, 512)
        _at_least("study.keep_hours", self.keep_hours, 0)


@dataclass(frozen=True, slots=True)
class DiskConfig:
    """Where state and images lie, and when further images are refused as out of resources."""

    folder: Path = Path("discern-node")
    most_gb: float = 50.0
    least_free_gb: float = 2.0


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """How a failed delivery is tried again: waits double from the first to the longest."""

    first_wait_s: float = 10.0
    longest_wait_s: float = 1800.0
    give_up_after_hours: float = 72.0

    def __post_init__(self) -> None:
        """Refuse waits that would spin."""
        _at_least("retry.first_wait_s", self.first_wait_s, 0.01)
        _at_least("retry.longest_wait_s", self.longest_wait_s, self.first_wait_s)
        _at_least("retry.give_up_after_hours", self.give_up_after_hours, 0)

    def wait_s(self, attempts: int) -> float:
        """Return the wait after so many failed attempts.

        >>> [RetryConfig(1, 5).wait_s(n) for n in (1, 2, 3, 4, 5000)]
        [1.0, 2.0, 4.0, 5, 5]
        """
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempts - 1, 60))


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """/health and /metrics on 127.0.0.1; ``port`` None serves neither, 0 takes a free one."""

    port: int | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks for storage commitment, and where the answer goes."""

    ae_title: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """All of it."""

    listen: ListenConfig = field(default_factory=ListenConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    disk: DiskConfig = field(default_factory=DiskConfig)
    retry: RetryConfig = field(default_factory=RetryConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    destinations: tuple[Destination, ...] = ()
    commitment_peers: tuple[Peer, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a node that sends nowhere, and names used twice."""
        if not self.destinations:
            raise UsageError(
                "[[destinations]]: none; name at least one place that the documents go to"
            )
        names = [one.name for one in self.destinations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"destinations: the name {twice[0]!r} is used twice; rename one")
        for one in self.destinations:
            if isinstance(one, DimseDestination):
                _check_title("destinations.ae_title", one.ae_title)
                _check_title("destinations.calling_ae_title", one.calling_ae_title)
                _check_port("destinations.port", one.port, lowest=1)
                _check_files("destinations.tls", one.tls)
            else:
                _check_files("destinations", TlsFiles(ca=one.ca))
        _check_files("listen.tls", self.listen.tls)


def _check_files(where: str, files: TlsFiles | None) -> None:
    for key in ("ca", "certificate", "key"):
        name = getattr(files, key, None)
        if name is not None and not Path(name).is_file():
            raise UsageError(f"{where}.{key}: there is no file {name}; name the PEM file")


def example_config() -> str:
    """Return a configuration with every key explained."""
    return (resources.files("discern.node") / "example.toml").read_text(encoding="utf-8")


def read_config(path: Path) -> NodeConfig:
    """Read the configuration; relative paths in it count from the working folder.

    Raises:
        UsageError: No such file, not TOML, an unknown key or a value that cannot be.
    """
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--config {path}: cannot be read; write one with: discern node --example-config"
        ) from error


def parse_config(text: str) -> NodeConfig:
    """Return the configuration that ``text`` describes.

    Raises:
        UsageError: Not TOML, an unknown key or a value that cannot be.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration is not TOML: {error}") from error
    config: NodeConfig = built(NodeConfig, document, "")
    return config


def _check_title(where: str, title: str) -> None:
    good = title.isascii() and title.isprintable() and "\\" not in title
    if not (good and title.strip() == title and 0 < len(title) <= _AE_LENGTH):
        raise UsageError(f"{where}: AE title {title!r} must be 1 to 16 plain ASCII characters")


def _check_port(where: str, port: int, *, lowest: int) -> None:
    if not lowest <= port <= _LAST_PORT:
        raise UsageError(f"{where}: {port} is no port; give {lowest} to {_LAST_PORT}")


def _at_least(where: str, value: float, least: float) -> None:
    if not value >= least:
        raise UsageError(f"{where}: {value} is too small; give at least {least:g}")
