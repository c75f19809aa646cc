"""Studies of DICOM files with findings, for the tests of what is drawn on images."""

import io
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from report_cases import make_findings

from discern.findings import Detection, StudyFindings
from discern.imaging.reading import read_study
from discern.inference.analyze import analyze
from discern.phantom.study import DEMO_SEED, demo_parameters, write_study
from discern.reporting.kinds import Document, Reported
from discern.reporting.stamp import Stamp, findings_digest
from writers import Series, mr_dataset, put_pixels, to_bytes

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAGITTAL = Series(shape_px=(40, 32), spacing_mm=(2.0, 1.0))
"""Of the matrix that the boxes of ``report_cases`` lie in; its pixels are twice as high as wide."""


def stamp_of(reported: Reported) -> Stamp:
    return Stamp(findings_digest(reported.findings), TIME)


def analyzed(folder: Path) -> Reported:
    analysis = analyze(folder)
    return Reported(analysis.findings, analysis.study, analysis.tissues)


def analyzed_phantom(folder: Path) -> Reported:
    write_study(demo_parameters(), DEMO_SEED, folder)
    return analyzed(folder)


def written(folder: Path, datasets: Sequence[Dataset]) -> Reported:
    """Write the objects and give the study the findings of ``report_cases``."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, dataset in enumerate(datasets):
        (folder / f"{index:03d}.dcm").write_bytes(to_bytes(dataset))
    study = read_study(folder)
    findings = make_findings(study)
    slices = study.series[0].slices
    placed = tuple(
        replace(
            one,
            sop_instance_uid=slices[one.slice_index].sop_instance_uid,
            frame_number=slices[one.slice_index].frame_number,
        )
        for one in findings.detections
    )
    return Reported(replace(findings, detections=placed), study)


def sagittal_datasets(series: Series = SAGITTAL) -> list[Dataset]:
    return [mr_dataset(series, index) for index in range(series.count)]


def of_discs(findings: StudyFindings) -> list[Detection]:
    """Return the boxes that belong to a disc."""
    own = {one for disc in findings.discs for one in disc.detections}
    return [one for one in findings.detections if one.id in own]


def read(document: Document) -> Dataset:
    return dcmread(io.BytesIO(document.content))


def save(document: Document, folder: Path) -> Path:
    path = folder / document.name
    path.write_bytes(document.content)
    return path


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("DISCERN_FULL"), f"{name} is missing"
        pytest.skip(f"{name} is not installed (Debian: dcmtk, dicom3tools)")
    return found


def validated(path: Path) -> str:
    """Return what dciodvfy says of a file."""
    done = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def with_block(dataset: Dataset, rows: slice, columns: slice) -> Dataset:
    """Return the object with black pixels but for one bright block."""
    pixels: NDArray[np.uint16] = np.zeros((dataset.Rows, dataset.Columns), np.uint16)
    pixels[rows, columns] = 1000
    put_pixels(dataset, pixels)
    return dataset
