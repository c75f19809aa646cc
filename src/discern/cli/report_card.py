"""``discern report-card``: model card and reporting checklists from a run's own files."""

from pathlib import Path
from typing import Annotated

import typer


def report_card(
    evaluation: Annotated[Path, typer.Option(help="Folder that 'discern evaluate' has written.")],
    out: Annotated[Path, typer.Option(help="Folder for MODEL_CARD.md, checklists and page.")],
    run: Annotated[
        Path | None,
        typer.Argument(help="Run folder of 'discern train' or weights; default: the built-in."),
    ] = None,
    external: Annotated[
        Path | None, typer.Option(help="Evaluation on patients from elsewhere.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.json of the run, where RUN is a weights file.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Folder that 'discern dataset summary' has written.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="What a person wrote; default: answers.toml in --out.")
    ] = None,
) -> None:
    """Fill MODEL_CARD.md, STARD-AI and CLAIM from the files; mark what a person must write.

    What is left is marked [WRITE: ...]. Write it into answers.toml and run the command again.
    """
    from discern.reporting.report_card.build import CARD, PAGE, build_report_card
    from discern.reporting.report_card.reading import Places
    from discern.weights import shipped_weights

    places = Places(run or shipped_weights(), evaluation, external, manifest, summary)
    card = build_report_card(places, out, answers)
    typer.echo(card.text)
    typer.echo(f"{len(card.to_write)} texts remain to be written: {', '.join(card.to_write)}")
    typer.echo(f"Written to {out}: {CARD}, checklists, {PAGE}; write into answers.toml, run again")
