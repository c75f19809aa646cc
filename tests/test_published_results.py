"""The published figures are rebuilt from the committed predictions, bit for bit."""

from pathlib import Path

import pytest

from discern.evaluation.metrics import EvaluationOptions
from discern.inference.evaluate import EvaluationJob, Selection, run_job

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "images"), [("t2-mid", "*_t2_mid"), ("t2-space", "*_t2space_*")]
)
def test_tables_follow_from_the_predictions(
    shared_data: Path, tmp_path: Path, folder: str, images: str
) -> None:
    job = EvaluationJob(
        dataset=shared_data / "spider-lumbar",
        selection=Selection(images=images, discs=(1, 6)),
        predictions=RESULTS / "predictions.json",
        options=EvaluationOptions(),
    )

    run_job(job, tmp_path)

    for name in ("metrics.json", "tables.md"):
        assert (tmp_path / name).read_bytes() == (RESULTS / folder / name).read_bytes()
