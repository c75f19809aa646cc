"""``discern ablate``: several trainings that answer one question, and the table of the answer."""

from pathlib import Path
from typing import Annotated

import typer


def ablate(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="Folder for ledger, predictions and tables.")],
    study: Annotated[
        str, typer.Option(help="ablation, learning-curve, or transfer (between vendors).")
    ] = "ablation",
    folds: Annotated[int, typer.Option(help="Folds, by patient.")] = 5,
    seeds: Annotated[int, typer.Option(help="Seeds of the finalists, yolov5 and paper.")] = 3,
    epochs: Annotated[int, typer.Option(help="Passes over the training patients.")] = 30,
    image_size: Annotated[int, typer.Option(help="Input size in pixels.")] = 320,
    size: Annotated[str, typer.Option(help="Network size: n, s or m.")] = "n",
    images: Annotated[str, typer.Option(help="Tables: only images whose name matches.")] = "*",
    discs: Annotated[
        tuple[int, int] | None, typer.Option(help="Tables: first and last disc number (group_id).")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Trainings at a time; 0: one per core.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of each training.")] = 1,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="No training: tables of the finished runs.")
    ] = False,
) -> None:
    """Train every arm of a study on the same folds, budget and seeds, and compare them.

    Prints the estimated minutes first. Finished runs are kept in OUT/ledger.csv and
    OUT/predictions; the same command goes on where an earlier one stopped.
    """
    import logging

    from discern.dataset.sources import read_dataset
    from discern.experiment.studies import Budget, parse_study
    from discern.experiment.study import StudyJob, run_study
    from discern.inference.evaluate import Selection
    from discern.training.overrides import parse_size

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    job = StudyJob(
        study=parse_study(study),
        budget=Budget(epochs=epochs, image_size_px=image_size, size=parse_size(size)),
        folds=folds,
        seeds=tuple(range(seeds)),
        selection=Selection(images=images, discs=discs),
        jobs=jobs,
        threads=threads,
        tables_only=tables_only,
    )
    typer.echo(run_study(job, read_dataset(dataset), out))
