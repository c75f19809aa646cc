"""The ``discern`` command: errors become one message and a documented exit status."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from discern import __version__
from discern.cli.ablate import ablate
from discern.cli.analyze import analyze
from discern.cli.calibrate import calibrate
from discern.cli.compare_readers import compare_readers
from discern.cli.dataset import dataset_app
from discern.cli.deidentify import deidentify
from discern.cli.demo import demo
from discern.cli.draw_network import draw_network
from discern.cli.evaluate import evaluate
from discern.cli.node import node
from discern.cli.phantom import phantom
from discern.cli.report_card import report_card
from discern.cli.train import train
from discern.cli.train_grader import train_grader
from discern.cli.train_lesions import train_lesions
from discern.cli.train_segmenter import train_segmenter
from discern.errors import DiscernError

INTERNAL_ERROR, INTERRUPTED = 1, 130

app = typer.Typer(
    name="discern",
    help="Read lumbar MR studies disc by disc. Research use only, not a medical device.",
    epilog="Exit status: 0 done, 1 internal error, 2 usage or bad input, 3 nothing to analyze.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (analyze, demo, evaluate, compare_readers, train, ablate, phantom, draw_network):
    app.command()(command)
app.command()(report_card)
app.command()(node)
app.command()(deidentify)
app.command()(train_grader)
app.command()(train_lesions)
app.command()(train_segmenter)
app.command()(calibrate)
app.add_typer(dataset_app, name="dataset")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"discern {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Read lumbar MR studies disc by disc. Research use only, not a medical device."""


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the console script.

    Args:
        arguments: Words after ``discern``; None takes those of the process.

    Raises:
        SystemExit: Always, with the exit status.
    """
    try:
        app(args=arguments)
    except DiscernError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the edge: a bug ends with status 1, no traceback
        typer.echo(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a bug in Discern; please report it with the command you ran.",
            err=True,
        )
        sys.exit(INTERNAL_ERROR)
