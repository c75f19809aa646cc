"""Synthetic patients as a data set that can be trained on: 16-bit PNG, LabelMe, ``discs.csv``."""

import csv
import io

import numpy as np
from PIL import Image as PillowImage

from discern.annotations import labelme_text
from discern.phantom.draw import Draw
from discern.phantom.render import PhantomSlice, render_axial, render_sagittal
from discern.phantom.truth import disc_number
from discern.spine import LABELS, Level, Plane

COLUMNS = ("patient", "ivd_label", "level", "pfirrmann", "herniation", "bulging", "hiz")


def patient_files(draw: Draw) -> dict[str, bytes]:
    """Return the files of one patient by name: images and annotations of every T2 slice."""
    parameters, rng = draw.parameters, np.random.default_rng(draw.seed)
    slices = [
        *render_sagittal(parameters, rng, prescription=draw.prescription, patient=draw.name),
        *render_axial(parameters, rng, prescription=draw.prescription, patient=draw.name),
    ]
    files: dict[str, bytes] = {}
    for one in slices:
        name = one.truth.image
        files[f"images/{name}.png"] = _png(one)
        files[f"annotations/{name}.json"] = _labelme(one).encode()
    return files


def disc_rows(draw: Draw) -> list[dict[str, object]]:
    """Return the rows of ``discs.csv`` of one patient, lowest disc first."""
    return [
        {
            "patient": draw.name,
            "ivd_label": disc_number(level, draw.parameters),
            "level": level,
            "pfirrmann": int(draw.parameters.grade_of(level)),
            **_answers(draw, level),
        }
        for level in reversed(draw.parameters.levels)
    ]


def discs_csv(rows: list[dict[str, object]]) -> bytes:
    """Return ``discs.csv``."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _answers(draw: Draw, level: Level) -> dict[str, int]:
    parameters = draw.parameters
    return {
        "herniation": int(parameters.herniation_of(level) is not None),
        "bulging": int(parameters.bulge_of(level) > 0),
        "hiz": int(parameters.lesions.zone_of(level) is not None),
    }


def _png(one: PhantomSlice) -> bytes:
    file = io.BytesIO()
    PillowImage.fromarray(one.image.astype(np.uint16)).save(file, "PNG")
    return file.getvalue()


def _labelme(one: PhantomSlice) -> str:
    annotated = [label for label in LABELS if label in one.truth.annotated]
    flags: dict[str, object] = {"annotated_classes": annotated}
    if one.truth.discs_shown is not None:
        flags |= {"axial": one.plane is Plane.AXIAL, "discs": sorted(one.truth.discs_shown)}
    return labelme_text(one.truth, f"../images/{one.truth.image}.png", flags)
