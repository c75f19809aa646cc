"""``discern deidentify``: a study made fit to leave as research data."""

from pathlib import Path
from typing import Annotated

import typer


def deidentify(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Folder, zip, DICOMDIR or one DICOM file.")
    ],
    out: Annotated[Path, typer.Option(help="New folder for the de-identified files.")],
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File of at least 16 random bytes, kept secret: the same key gives the same "
            "patient the same new ids. Without it a key is made and forgotten.",
        ),
    ] = None,
    leave_out: Annotated[
        bool,
        typer.Option(
            "--leave-out", help="Go on without objects that are refused, such as screenshots."
        ),
    ] = False,
) -> None:
    """Remove the patient's identity from MR images (DICOM PS3.15, Basic Profile).

    Names, ids, dates, free text and private elements go; UIDs are replaced consistently; pixels
    stay as they are. Check the result before it leaves: no program can promise everything.
    """
    import secrets

    from discern.errors import UsageError
    from discern.imaging.deidentify import SHORTEST_KEY
    from discern.imaging.deidentify import deidentify as deidentify_study
    from discern.imaging.files import name_some

    try:
        secret = secrets.token_bytes(2 * SHORTEST_KEY) if key is None else key.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--key {key}: cannot be read ({error.strerror}); "
            "make one with: head -c 32 /dev/urandom > key"
        ) from error
    done = deidentify_study(source, out, key=secret, leave_out=leave_out)
    print(f"objects: {done.objects}, studies: {done.studies}, written to {out}")
    if done.left_out:
        print(f"left out: {name_some(done.left_out)}")
