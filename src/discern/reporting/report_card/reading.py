"""Reading what a report card is made from, each file checked before it is believed."""

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from discern.errors import DatasetError, UsageError
from discern.evaluation.metrics import SCHEMA
from discern.evaluation.performance import METRICS_FILE
from discern.reporting.report_card.evidence import (
    ANNOTATIONS,
    DEMOGRAPHICS,
    FLOW,
    MANIFEST_FILE,
    PROTOCOL,
    DataSummary,
    Evaluation,
    Evidence,
    WeightsFile,
    place_in,
)
from discern.weights import load_weights

WEIGHTS_FILE = "weights.onnx"
GALLERY = "gallery.html"
RUN_SCHEMA = "discern.run/1"
_RUN_PARTS = ("configuration", "data", "split", "seed", "hardware", "software", "seconds")
_METRICS_PARTS = ("patients", "images", "bootstrap", "operating_point")
_RUN_READ = (
    *(("configuration", key) for key in ("name", "parameters")),
    *(("settings", "network", key) for key in ("size", "attention", "residual_sppf")),
    *(("data", key) for key in ("name", "digest", "images", "patients")),
    *(("hardware", key) for key in ("processor", "threads", "accelerator")),
)
_READ = (
    *(("bootstrap", key) for key in ("unit", "resamples", "seed")),
    *(("operating_point", key) for key in ("name", "grade_score", "herniation_score", "hiz_score")),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look.

    Attributes:
        run: Run folder (``weights.onnx``, ``manifest.json``), or a weights file.
        evaluation: Folder of ``discern evaluate``.
        external: Another one, on patients from elsewhere.
        manifest: Manifest of the run, where it does not lie in ``run``.
        summary: Folder of ``discern dataset summary``.
    """

    run: Path
    evaluation: Path
    external: Path | None = None
    manifest: Path | None = None
    summary: Path | None = None


def read_evidence(places: Places) -> Evidence:
    """Read every file that was named.

    Raises:
        UsageError: There is neither weights nor manifest, or the files belong to different runs.
        WeightsError: The weights cannot be read.
        DatasetError: A folder or file is not what it was given as.
    """
    weights = _weights(places.run)
    manifest = _manifest(places)
    if weights is None and manifest is None:
        raise UsageError(
            f"{places.run.name}: neither {WEIGHTS_FILE} nor {MANIFEST_FILE} there; "
            "name a run folder of 'discern train', or a weights file"
        )
    if weights and manifest and manifest.get("weights_sha256") != weights.sha256:
        raise UsageError(
            f"{weights.source} is not the file that {MANIFEST_FILE} names; "
            "give weights and manifest of the same run"
        )
    evaluation = read_evaluation(places.evaluation)
    predicted_by = evaluation.document.get("weights_sha256")
    if weights and predicted_by and predicted_by != weights.sha256:
        raise UsageError(
            f"{evaluation.source} was predicted by other weights than {weights.source}; "
            "give weights and evaluation of the same run"
        )
    external = None if places.external is None else _external(places.external, evaluation)
    summary = None if places.summary is None else _summary(places.summary)
    return Evidence(evaluation, weights, manifest, external, summary)


def read_evaluation(folder: Path) -> Evaluation:
    """Read the ``metrics.json`` in ``folder``.

    Raises:
        DatasetError: There is none, or it is of another schema.
    """
    name = folder.resolve().name
    document = _document(folder / METRICS_FILE, f"{name}/{METRICS_FILE}", "discern evaluate")
    _require(document, SCHEMA, _METRICS_PARTS, f"{name}/{METRICS_FILE}", "evaluate again")
    evaluation = Evaluation(name, document, (folder / GALLERY).is_file())
    places = [("slice_wise", "pfirrmann"), *_READ]
    missing = [".".join(path) for path in places if evaluation.at(*path) is None]
    if missing:
        raise DatasetError(f"{name}/{METRICS_FILE}: no {', '.join(missing)}; evaluate again")
    return evaluation


def _external(folder: Path, internal: Evaluation) -> Evaluation:
    external = read_evaluation(folder)
    if external.document == internal.document:
        raise UsageError("--external names the same evaluation as --evaluation")
    return replace(external, name=f"external: {external.name}")


def _weights(run: Path) -> WeightsFile | None:
    path = run / WEIGHTS_FILE if run.is_dir() else run
    if run.is_dir() and not path.is_file():
        return None
    weights = load_weights(path)
    return WeightsFile(path.name, weights.metadata, weights.sha256)


def _manifest(places: Places) -> Mapping[str, Any] | None:
    path = places.manifest or places.run / MANIFEST_FILE
    if places.manifest is None and not path.is_file():
        return None
    document = _document(path, path.name, "discern train")
    _require(document, RUN_SCHEMA, _RUN_PARTS, path.name, "give the manifest.json of a run folder")
    try:
        document = {**document, "settings": tomllib.loads(document["configuration"]["toml"])}
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path.name}: its configuration cannot be read ({error}); "
            "give the manifest.json of a run folder"
        ) from error
    missing = [".".join(path) for path in _RUN_READ if place_in(document, path) is None]
    if missing:
        raise DatasetError(f"{path.name}: no {', '.join(missing)}; give that of a run folder")
    return document


def _summary(folder: Path) -> DataSummary:
    tables = {}
    for name in (PROTOCOL, DEMOGRAPHICS, ANNOTATIONS):
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise DatasetError(
                f"{folder.name}/{name}: cannot be read ({error.strerror}); name a folder that "
                "'discern dataset summary DATASET --out FOLDER' has written"
            ) from error
        tables[name] = tuple(tuple(row) for row in csv.reader(text.splitlines()))
        if len({len(row) for row in tables[name]}) != 1:
            raise DatasetError(f"{folder.name}/{name}: not a table; write the summary again")
    return DataSummary(folder.resolve().name, tables, (folder / FLOW).is_file())


def _document(path: Path, shown: str, writer: str) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(
            f"{shown}: cannot be read ({error.strerror}); name what '{writer}' has written"
        ) from error
    except ValueError as error:
        raise DatasetError(f"{shown}: not JSON ({error}); write it again") from error
    if not isinstance(document, Mapping):
        raise DatasetError(f"{shown}: not a JSON object; name what '{writer}' has written")
    return document


def _require(
    document: Mapping[str, Any], schema: str, parts: tuple[str, ...], shown: str, remedy: str
) -> None:
    if document.get("schema") != schema:
        raise DatasetError(
            f"{shown}: schema is {document.get('schema')!r}, not {schema!r}; {remedy}"
        )
    missing = [part for part in parts if part not in document]
    if missing:
        raise DatasetError(f"{shown}: {', '.join(missing)} missing; {remedy}")
