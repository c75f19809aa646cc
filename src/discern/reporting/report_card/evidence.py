"""What a report card is made from: weights, manifest, evaluations and the summary of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discern.evaluation.bootstrap import Figure
from discern.evaluation.performance import METRICS_FILE
from discern.weights import WeightsMetadata

MANIFEST_FILE = "manifest.json"
FLOW = "figures/figure-1-stard.svg"
PROTOCOL, DEMOGRAPHICS, ANNOTATIONS = (
    *("tables/table-1-protocol.csv", "tables/table-2-demographics.csv"),
    "tables/table-3-annotations.csv",
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One ``metrics.json``.

    Attributes:
        name: Of its folder.
        document: As read.
        has_gallery: Whether the error gallery lies beside it.
    """

    name: str
    document: Mapping[str, Any]
    has_gallery: bool = False

    @property
    def source(self) -> str:
        """Folder and file, as a report card names them."""
        return f"{self.name}/{METRICS_FILE}"

    def at(self, *path: str) -> Any:  # noqa: ANN401 - a place in a JSON document
        """Return what stands at ``path``; None where the document has no such place."""
        return place_in(self.document, path)

    def figure(self, *path: str) -> Figure:
        """Return the figure at ``path``; one without a value where there is none."""
        item = self.at(*path)
        if not isinstance(item, Mapping) or item.get("value") is None:
            return Figure(None, None, "not in this evaluation")
        ends = item.get("ci95")
        return Figure(float(item["value"]), None if ends is None else (ends[0], ends[1]))


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """Description and digest of a weights file."""

    source: str
    metadata: WeightsMetadata
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSummary:
    """The tables that ``discern dataset summary`` wrote: file -> rows of cells, head first."""

    name: str
    tables: Mapping[str, tuple[tuple[str, ...], ...]]
    has_flow: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything read; what was not given is None.

    ``manifest`` has its configuration parsed beside it, under ``settings``.
    """

    evaluation: Evaluation
    weights: WeightsFile | None = None
    manifest: Mapping[str, Any] | None = None
    external: Evaluation | None = None
    summary: DataSummary | None = None


def place_in(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401 - a place in a JSON document
    """Return what stands at ``path`` of ``document``; None where there is no such place."""
    place: Any = document
    for key in path:
        place = place.get(key) if isinstance(place, Mapping) else None
    return place
