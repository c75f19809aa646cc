"""``discern draw-network``: the figure of the network, drawn from its code."""

from pathlib import Path
from typing import Annotated

import typer


def draw_network(
    out: Annotated[Path, typer.Option(help="Picture to write: .svg, .png or .pdf.")],
    config: Annotated[
        str, typer.Option(help="Named configuration (yolov5, paper, best) or a TOML file.")
    ] = "paper",
) -> None:
    """Draw the network of a configuration as in Figures 3 and 4 of the paper."""
    from discern.model.diagram import draw_network as draw
    from discern.training.config import read_config

    draw(read_config(config).network, out)
    typer.echo(f"figure: {out}")
