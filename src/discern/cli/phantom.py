"""``discern phantom``: synthetic studies with known truth."""

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    out: Annotated[Path, typer.Option(help="Folder for the studies, one sub-folder each.")],
    patients: Annotated[int, typer.Option(min=1, help="How many synthetic patients.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    varied: Annotated[
        bool,
        typer.Option(
            "--varied",
            help="Transitional vertebrae, scoliosis, slips, cut and oblique fields of view.",
        ),
    ] = False,
) -> None:
    """Write synthetic lumbar studies as DICOM files, each with its truth.json."""
    import numpy as np
    from rich.progress import track

    from discern.outputs import check_folder, write_files
    from discern.phantom.prescription import USUAL
    from discern.phantom.sampling import sample_anatomy, sample_prescription
    from discern.phantom.spine_model import sample_parameters
    from discern.phantom.study import write_study

    check_folder(out)
    for number in track(range(patients), description="phantoms"):
        folder = out / f"phantom-{seed}-{number}"
        rng = np.random.default_rng((seed, number))
        parameters = sample_anatomy(rng) if varied else sample_parameters(rng)
        prescription = sample_prescription(rng) if varied else USUAL
        truth = write_study(parameters, seed * 100_000 + number, folder / "study", prescription)
        write_files(folder, {"truth.json": truth.to_json().encode()})
