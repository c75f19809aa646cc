"""``discern node``: a DICOM node that reads what a PACS sends and answers with documents."""

from pathlib import Path
from typing import Annotated

import typer


def node(
    config: Annotated[
        Path | None, typer.Option(help="TOML file; --example-config shows one.")
    ] = None,
    example_config: Annotated[
        bool, typer.Option("--example-config", help="Print a configuration with every key.")
    ] = False,
) -> None:
    """Receive MR studies over DICOM, analyze each once it is complete, send the documents on.

    Runs until SIGTERM. Whatever was received stays on disk until it is analyzed and delivered,
    over power cuts, too.
    """
    from discern.errors import UsageError
    from discern.node.config import example_config as example
    from discern.node.config import read_config
    from discern.node.service import serve

    if example_config:
        typer.echo(example(), nl=False)
        return
    if config is None:
        raise UsageError("--config: missing; write one with: discern node --example-config")
    serve(read_config(config))
