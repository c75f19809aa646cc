"""The published figures are rebuilt from the committed predictions, bit for bit."""

import json
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


QUOTED = ("disc_recall", "false_per_image", "exact", "within_one", "exact_all", "within_one_all")
KAPPAS = ("kappa_linear", "kappa_quadratic", "balanced_accuracy")


def test_the_model_card_quotes_the_published_figures() -> None:
    card = (RESULTS.parents[1] / "MODEL_CARD.md").read_text()
    slice_wise = json.loads((RESULTS / "t2-mid" / "metrics.json").read_text())["slice_wise"]
    herniation = slice_wise["herniation"]["sagittal"]
    figures = [slice_wise["pfirrmann"][name] for name in (*QUOTED, *KAPPAS)]

    for figure in [*figures, herniation["precision"], herniation["recall"]]:
        low, high = figure["ci95"]
        assert f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]" in card
