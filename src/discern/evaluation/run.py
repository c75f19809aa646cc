"""``discern evaluate`` in one call: figures, tables and plots into a folder, all or nothing."""

from collections.abc import Sequence
from pathlib import Path

from discern.annotations import GroundTruth
from discern.evaluation.metrics import EvaluationOptions, Metrics, evaluate, metrics_to_json
from discern.evaluation.plots import confusion_png, roc_png
from discern.evaluation.predictions import Predictions, predictions_json
from discern.evaluation.tables import tables_markdown
from discern.outputs import write_files


def run_evaluation(
    truths: Sequence[GroundTruth],
    predictions: Predictions,
    out_dir: Path,
    options: EvaluationOptions,
    digest: str,
) -> Metrics:
    """Evaluate ``predictions``; write figures, tables, plots and the predictions, or none of them.

    Args:
        truths: One for each image.
        predictions: Boxes for each image, down to low scores.
        out_dir: Made if absent.
        options: Resamples, seed, operating point.
        digest: SHA-256 of the data set.

    Raises:
        DatasetError: The predictions are not for exactly these images.
        OutputError: The folder cannot be written.
    """
    metrics = evaluate(truths, predictions, options=options, data_digest=digest)
    write_files(
        out_dir,
        {
            "metrics.json": metrics_to_json(metrics).encode(),
            "tables.md": tables_markdown(metrics).encode(),
            "confusion.png": confusion_png(metrics.pfirrmann),
            "roc.png": roc_png(metrics.pfirrmann),
            "predictions.json": predictions_json(predictions).encode(),
        },
    )
    return metrics
