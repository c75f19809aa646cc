"""Predictions of finished runs, one file for each, so that tables need no retraining."""

from dataclasses import replace
from pathlib import Path

from discern.evaluation.predictions import (
    PredictedBox,
    Predictions,
    predictions_json,
    read_predictions,
)
from discern.outputs import write_files

_SCORE_DECIMALS, _PIXEL_DECIMALS = 4, 1
_LEAST_SCORE = 0.05
"""Weaker boxes are left out: half of all boxes, far below every threshold."""


class Pool:
    """The folder ``out/predictions``: ``KEY.json`` is a ``discern.predictions/1`` file."""

    def __init__(self, out: Path) -> None:
        """Keep the files in ``out/predictions``."""
        self._folder = out / "predictions"

    def holds(self, key: str) -> bool:
        """Return whether the predictions of run ``key`` are there."""
        return (self._folder / f"{key}.json").is_file()

    def read(self, key: str) -> Predictions:
        """Return the predictions of run ``key``.

        Raises:
            DatasetError: The file is missing or damaged.
        """
        return read_predictions(self._folder / f"{key}.json")

    def add(self, key: str, predictions: Predictions) -> None:
        """Write the predictions of run ``key`` that score 0.05 or more.

        They are rounded to 0.0001 of the score and 0.1 pixel.

        Raises:
            OutputError: The folder cannot be written.
        """
        rounded = {
            name: tuple(_rounded(box) for box in boxes if box.score >= _LEAST_SCORE)
            for name, boxes in predictions.items()
        }
        write_files(self._folder, {f"{key}.json": predictions_json(rounded).encode()})


def _rounded(box: PredictedBox) -> PredictedBox:
    scores = box.class_scores
    x1, y1, x2, y2 = (round(value, _PIXEL_DECIMALS) for value in box.box_xyxy_px)
    return replace(
        box,
        score=round(box.score, _SCORE_DECIMALS),
        class_scores=None if scores is None else tuple(round(s, _SCORE_DECIMALS) for s in scores),
        box_xyxy_px=(x1, y1, x2, y2),
    )
