"""``discern evaluate`` in one call: figures, tables, drawings and pages, all or nothing."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from discern.evaluation.comparison_tables import comparison_text
from discern.evaluation.disc_curves import disc_curves
from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions
from discern.evaluation.metrics_json import metrics_to_json
from discern.evaluation.mistakes import find_mistakes
from discern.evaluation.pages.gallery import CROPS_PER_KIND, gallery_page
from discern.evaluation.pages.index import index_page
from discern.evaluation.pages.review import MOST_SLICES, review_page
from discern.evaluation.performance import read_performance
from discern.evaluation.performance_tables import side_by_side_tables
from discern.evaluation.plots import evaluation_drawings
from discern.evaluation.predictions import predictions_json
from discern.evaluation.results import EVALUATED, REFERENCE, Extras, Results, compute
from discern.evaluation.review import review_json
from discern.evaluation.subgroup_tables import subgroups_json
from discern.evaluation.table_formats import Table, table_files
from discern.evaluation.tables import introduction, tables_markdown
from discern.outputs import check_folder, write_files

_LOG = logging.getLogger(__name__)
_SUMMARY = ("table-4", "disc-wise", "agreement", "clinically-acceptable", "comparison")

Files = dict[str, bytes]
"""Name, with at most one folder in front -> content."""


def run_evaluation(
    material: Material,
    out_dir: Path,
    options: EvaluationOptions,
    extras: Extras | None = None,
    crops_per_kind: int = CROPS_PER_KIND,
) -> Results:
    """Evaluate ``material``; write everything for people and programs, or nothing.

    Written are ``metrics.json``, ``tables.md``, ``evaluation.html``, ``predictions.json``,
    ``tables/``, ``figures/`` and, where the images can be read, ``gallery.html`` and
    ``review.html``; with extras ``comparison.json`` and ``review.json``.

    Args:
        material: Truth and predictions.
        out_dir: Made if absent.
        options: Resamples, seed, operating point.
        extras: A person's review, other predictions to compare with.
        crops_per_kind: Crops of each kind of error in the gallery.

    Raises:
        DatasetError: Predictions or review are not for exactly these images.
        OutputError: The folder cannot be written.
    """
    check_folder(out_dir)
    results = compute(material, options, extras or Extras())
    drawings = _drawings(material, results)
    pages = _pages_with_images(material, results, crops_per_kind)
    files = _numbers(material, results) | drawings | pages
    files |= _readable("Evaluation", introduction(results.metrics, results.warning), results.tables)
    files["evaluation.html"] = index_page(
        "Evaluation",
        introduction(results.metrics, results.warning),
        results.tables,
        drawings,
        tuple(pages),
    ).encode()
    write_files(out_dir, files)
    return results


def summary(results: Results) -> str:
    """Return the first tables of ``tables.md`` and, if there is one, the paired comparison."""
    shown = [one for one in results.tables if one.name.startswith(_SUMMARY)]
    return tables_markdown("Evaluation", introduction(results.metrics, results.warning), shown)


def run_side_by_side(internal: Path, external: Path, out_dir: Path) -> str:
    """Read two evaluation folders, write Tables 4 and 5 beside each other, return ``tables.md``.

    Their confusion matrices and ROC curves come along as Figures 5 and 6.

    Raises:
        DatasetError: A folder holds no metrics.json of this version.
        OutputError: ``out_dir`` cannot be written.
    """
    inside, outside = read_performance(internal), read_performance(external)
    tables = side_by_side_tables(inside, outside)
    title = "Internal and external test set"
    about = (
        f"Internal: {inside.images} images of {inside.patients} patients. External: "
        f"{outside.images} images of {outside.patients} patients. "
        "Research use only, not a medical device."
    )
    drawings = _copied(internal, "figure-5-internal") | _copied(external, "figure-6-external")
    files = _readable(title, about, tables) | drawings
    files["evaluation.html"] = index_page(title, about, tables, drawings, ()).encode()
    write_files(out_dir, files)
    return files["tables.md"].decode()


def _copied(folder: Path, name: str) -> Files:
    """Return the drawings of the paper's figure that an evaluation has left in ``folder``."""
    places = {
        f"figures/{name}-{drawing}": folder / "figures" / drawing
        for drawing in ("confusion.png", "confusion.svg", "roc.png", "roc.svg")
    }
    return {name: place.read_bytes() for name, place in places.items() if place.is_file()}


def _readable(title: str, about: str, tables: Sequence[Table]) -> Files:
    files = {"tables.md": tables_markdown(title, about, tables).encode()}
    for table in tables:
        files |= table_files(table)
    return files


def _numbers(material: Material, results: Results) -> Files:
    document = json.loads(metrics_to_json(results.metrics))
    document["weights_sha256"] = material.weights_sha256
    document["warning"] = material.warning
    document["subgroups"] = subgroups_json(results.subgroups)
    files = {
        "metrics.json": (json.dumps(document, indent=1, allow_nan=False) + "\n").encode(),
        "predictions.json": predictions_json(material.predictions).encode(),
    }
    if results.comparison is not None:
        text = comparison_text(results.comparison, REFERENCE, EVALUATED)
        files["comparison.json"] = text.encode()
    if results.reviewed is not None:
        files["review.json"] = review_json(results.reviewed, results.digests).encode()
    return files


def _drawings(material: Material, results: Results) -> Files:
    options = results.metrics.options
    points = (options.operating_point, *options.marked)
    return evaluation_drawings(
        results.metrics, disc_curves(material.images, material.records, points)
    )


def _pages_with_images(material: Material, results: Results, crops_per_kind: int) -> Files:
    if material.read is None:
        return {}
    point = results.metrics.options.operating_point
    images = material.counted(point)
    mistakes = find_mistakes(material.truths, material.predictions, point, material.records)
    pages = {"gallery.html": gallery_page(mistakes, images, material.read, crops_per_kind)}
    if len(images) <= MOST_SLICES:
        pages["review.html"] = review_page(images.values(), material.read, results.digests)
    else:
        _LOG.warning(
            "review.html left out: %d slices, and it holds at most %d; choose some with --images "
            "or --split",
            *(len(images), MOST_SLICES),
        )
    return {name: page.encode() for name, page in pages.items()}
