"""``discern phantom``: synthetic studies, or a data set, with known truth."""

from pathlib import Path
from typing import Annotated

import typer


def phantom(
    out: Annotated[
        Path, typer.Option(help="Folder for the studies, one sub-folder each, or for the data set.")
    ],
    patients: Annotated[int, typer.Option(min=1, help="How many synthetic patients.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    varied: Annotated[
        bool,
        typer.Option(
            "--varied",
            help="Transitional vertebrae, scoliosis, slips, cut and oblique fields of view.",
        ),
    ] = False,
    lesions: Annotated[
        bool,
        typer.Option(
            "--lesions",
            help="High-intensity zones, herniations, Schmorl nodes, plate changes, haemangiomas.",
        ),
    ] = False,
    styles: Annotated[
        bool,
        typer.Option(
            "--styles", help="Looks of several scanners: ringing, chemical shift, ghosts, contrast."
        ),
    ] = False,
    t1: Annotated[bool, typer.Option(help="A sagittal T1 series in each study.")] = True,
    stir: Annotated[bool, typer.Option(help="A sagittal STIR series in each study.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Replace what was drawn, for example scanner.noise=0.03, lordosis_deg=60 or "
            "prescription.sagittal_slices=9; docs/phantom.md lists the names.",
        ),
    ] = None,
    dataset: Annotated[
        bool,
        typer.Option(
            "--dataset",
            help="T2 slices as images/, annotations/ (LabelMe) and discs.csv, to train on, "
            "instead of DICOM studies.",
        ),
    ] = False,
) -> None:
    """Write synthetic lumbar studies as DICOM files with their truth.json, or a data set."""
    from rich.progress import track

    from discern.dataset.phantom_folder import disc_rows, discs_csv, patient_files
    from discern.outputs import check_folder, write_files
    from discern.phantom.draw import DrawSettings, draw_patient, parse_changes
    from discern.phantom.study import write_study
    from discern.spine import Weighting

    check_folder(out)
    settings = DrawSettings(seed, varied, lesions, styles, parse_changes(changes or []))
    beside = (Weighting.T1,) * t1 + (Weighting.STIR,) * stir
    rows: list[dict[str, object]] = []
    draws = [draw_patient(number, settings) for number in range(patients)]
    for draw in track(draws, description="phantoms"):
        if dataset:
            write_files(out, patient_files(draw))
            rows += disc_rows(draw)
            continue
        folder = out / draw.name
        truth = write_study(draw.parameters, draw.seed, folder / "study", draw.prescription, beside)
        write_files(folder, {"truth.json": truth.to_json().encode()})
    if dataset:
        write_files(out, {"discs.csv": discs_csv(rows)})
