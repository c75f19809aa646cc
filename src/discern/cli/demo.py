"""``discern demo``: the main job on the embedded synthetic sample."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the sample's results.")] = Path(
        "demo-output"
    ),
) -> None:
    """Make a synthetic lumbar study, analyze it, and write its truth beside the findings."""
    from discern.cli.study_output import analyze_to_folder, show
    from discern.inference.analyze import AnalysisOptions
    from discern.outputs import check_folder
    from discern.phantom.study import DEMO_SEED, demo_parameters, write_study

    check_folder(out)
    with tempfile.TemporaryDirectory(prefix="discern-demo-") as folder:
        truth = write_study(demo_parameters(), DEMO_SEED, Path(folder))
        beside = {"truth.json": truth.to_json().encode()}
        findings = analyze_to_folder(Path(folder), out, AnalysisOptions(), beside=beside)
    typer.echo("This sample is synthetic: it shows that Discern runs, not how well it reads.")
    show(findings, out)
