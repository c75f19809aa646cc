"""``discern analyze``: a study goes in, findings and a page come out."""

from pathlib import Path
from typing import Annotated

import typer

from discern.spine import Language, Plane


def analyze(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Folder, zip, DICOMDIR, one file, NIfTI volume or PNG/JPEG slices; or "
            "dicomweb://host/root/studies/UID.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for findings.json and report.html.")],
    series: Annotated[
        list[str] | None,
        typer.Option(help="Read this series (UID or id) whatever it shows; repeatable."),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Read this study (UID) of several in the input.")
    ] = None,
    plane: Annotated[
        Plane | None, typer.Option(help="Plane of slices that do not say it (PNG, JPEG).")
    ] = None,
    lowest_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL", help="Level of the lowest disc, where the numbering is wrong: L5-S1."
        ),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL@X,Y,Z",
            help="Level of the disc at a place in mm (patient left, posterior, head); "
            "the report gives it for every disc.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.onnx) instead of the built-in one.")
    ] = None,
    operating_point: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Thresholds of the weights: default, screening (sensitivity first) or "
            "confirmation (specificity first).",
        ),
    ] = "default",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND,...",
            help="Documents beside findings and page: sr, gsps, sc, seg, pdf, text, fhir, "
            "csv, parquet.",
        ),
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the draft report: en or zh.")] = (
        Language.ENGLISH
    ),
    symptoms: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='Orders the levels of the draft report: "left leg pain, L5 dermatome".',
        ),
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Folder with your own templates of the draft report.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")] = None,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Send the DICOM documents back to the dicomweb:// server by STOW-RS."
        ),
    ] = False,
) -> None:
    """Find, name and grade every lumbar disc of a study.

    Writes findings.json, report.html and what --also names into the output folder. Nothing
    leaves this machine, but what --store sends to the server that the study came from.
    """
    from discern.cli.study_output import analyze_to_folder, show
    from discern.cli.web_study import analyze_from_server, check_store
    from discern.dicomweb.source import is_web_source
    from discern.imaging.reading import ReadOptions
    from discern.inference.analyze import AnalysisOptions
    from discern.inference.anchor import parse_anchor, parse_level
    from discern.reporting.kinds import DocumentOptions, parse_kinds

    options = AnalysisOptions(
        reading=ReadOptions(study=study, series=tuple(series or ()), plane=plane),
        weights=weights,
        operating_point=operating_point,
        lowest_level=parse_level(lowest_level, "--lowest-level") if lowest_level else None,
        anchor=parse_anchor(anchor) if anchor else None,
        threads=threads,
    )
    documents = DocumentOptions(parse_kinds(also or ()), language, symptoms, templates)
    if store:
        check_store(source, documents)
    if is_web_source(source):
        findings = analyze_from_server(source, out, options, documents=documents, store=store)
    else:
        findings = analyze_to_folder(Path(source), out, options, documents=documents)
    show(findings, out)
