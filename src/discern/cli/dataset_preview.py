"""``discern dataset preview``: a contact sheet of the training samples of a configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from discern.training.config import TrainingConfig


def preview(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/ and annotations/.")],
    out: Annotated[Path, typer.Option(help="The picture to write, FILE.png.")],
    config: Annotated[str, typer.Option(help="yolov5, paper, best, or a TOML file.")] = "best",
    split: Annotated[
        Path | None, typer.Option(help="A split.json; without it patients are split 70/20/10.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of order and augmentation; as configured without.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="Number of samples.")] = 12,
) -> None:
    """Draw what the network sees in training: changes, boxes, and places that are not judged."""
    from discern.dataset.preview import PreviewSettings
    from discern.dataset.preview_sheet import preview_png
    from discern.dataset.sources import read_dataset
    from discern.dataset.splits import read_split, split_patients
    from discern.errors import UsageError
    from discern.outputs import check_folder, write_files

    if out.suffix.lower() != ".png":
        raise UsageError(f"--out {out.name}: a PNG is written; name it {out.stem}.png")
    check_folder(out.parent)
    chosen = _configuration(config)
    settings = PreviewSettings(
        name=chosen.name,
        seed=chosen.seed if seed is None else seed,
        epochs=chosen.epochs,
        slices_per_patient=chosen.slices_per_patient,
        phantom_patients=chosen.phantom_patients,
        phantom_slices=chosen.phantom_slices,
        phantom_share=chosen.phantom_share,
        planted_copies=chosen.planted_copies,
        planted_share=chosen.planted_share,
        preprocessing=chosen.preprocessing,
        augmentation=chosen.augmentation,
        count=count,
    )
    data = read_dataset(dataset)
    parts = split_patients(data, settings.seed) if split is None else read_split(split, data)
    write_files(out.parent, {out.name: preview_png(data, parts.train, settings)})
    typer.echo(f"picture: {out}")


def _configuration(name_or_path: str) -> "TrainingConfig":
    from discern.errors import UsageError

    try:
        from discern.training.config import read_config
    except ModuleNotFoundError as error:
        raise UsageError(
            f"a training configuration needs the extra 'train' ({error.name} is not installed): "
            "pip install 'discern-lumbar[train]'"
        ) from error
    return read_config(name_or_path)
