"""A run and its evaluations, made by hand for the tests of the report card."""

import hashlib
import json
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

WEIGHTS = Path(str(files("discern") / "resources" / "discern.onnx"))
CONFIG = """
epochs = 7
batch_size = 5
precision = "bf16-mixed"
fit_anchors = true
phantom_patients = 3
[network]
size = "n"
attention = true
residual_sppf = false
[loss]
kind = "literal"
[optimizer]
kind = "adamw"
learning_rate = 0.0015
weight_decay = 0.02
[augmentation]
intensity = "paper"
geometry = false
"""
MANIFEST: dict[str, Any] = {
    "schema": "discern.run/1",
    "configuration": {"name": "mine", "digest": "c0ffee", "parameters": 1234567, "toml": CONFIG},
    "data": {"name": "spines", "digest": "d1", "images": 31, "patients": 17},
    "split": {"train": ["1", "2", "3"], "validation": ["4"], "test": ["5", "6"]},
    "seed": 42,
    "hardware": {"processor": "Abacus 9", "threads": 3, "accelerator": "none"},
    "software": {"discern": "0.1.0", "torch": "2.13.0"},
    "seconds": 4321.0,
    "weights_sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
}


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "ci95": [round(value - 0.05, 4), round(value + 0.05, 4)]}


NOTHING = {"value": None, "ci95": None, "reason": "no hiz in the truth"}
METRICS: dict[str, Any] = {
    "schema": "discern.metrics/1",
    "data_digest": "d1",
    "prediction_digest": "p1",
    "patients": 11,
    "images": 13,
    "operating_point": {
        "name": "strict",
        "grade_score": 0.31,
        "herniation_score": 0.42,
        "hiz_score": 0.53,
    },
    "bootstrap": {"unit": "patient", "resamples": 1500, "seed": 99},
    "slice_wise": {
        "pfirrmann": {
            "per_grade": {str(g): {"support": 10 + g} for g in range(1, 6)},
            "confusion": [
                [5, 2, 1, 0, 0, 3],
                [0, 6, 0, 0, 0, 0],
                [0, 0, 7, 0, 0, 0],
                [0, 1, 0, 8, 0, 0],
                [0, 0, 0, 0, 9, 1],
                [2, 0, 0, 0, 0, 0],
            ],
            "disc_recall": figure(0.981),
            "false_per_image": figure(0.112),
            "exact": figure(0.613),
            "within_one": figure(0.914),
            "kappa_linear": figure(0.715),
            "kappa_quadratic": figure(0.816),
            "exact_all": figure(0.617),
            "within_one_all": figure(0.918),
            "balanced_accuracy": figure(0.619),
            "macro_f1": figure(0.521),
        },
        "herniation": {
            "sagittal": {
                "precision": figure(0.322),
                "recall": figure(0.423),
                "f1": figure(0.374),
                "support": 21,
            }
        },
        "hiz": {"sagittal": {"precision": NOTHING, "recall": NOTHING, "f1": NOTHING, "support": 0}},
        "clinically_acceptable_auto": {"sagittal": figure(0.524)},
    },
    "disc_wise": {
        "herniation": {
            "sagittal": {
                "specificity": figure(0.925),
                "false_alarm_on_bulging": figure(0.126),
                "bulging": 33,
            }
        }
    },
    "detection": {"map50": figure(0.427)},
    "subgroups": {
        "sex": {
            "groups": {
                "female": {
                    "patients": 9,
                    "few_patients": True,
                    "figures": {"exact_all": figure(0.628)},
                },
                "male": {
                    "patients": 2,
                    "few_patients": False,
                    "figures": {"exact_all": figure(0.529)},
                },
            }
        },
        "vendor": {"groups": None, "reason": "no patient has a value"},
    },
}


def shown(value: float) -> str:
    """Return a figure of this file as the documents write it."""
    low, high = figure(value)["ci95"]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def write_run(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - parts of a JSON document
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.onnx").write_bytes(WEIGHTS.read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**MANIFEST, **changes}))
    return folder


def write_evaluation(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - as above
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps({**deepcopy(METRICS), **changes}))
    return folder


def write_summary(folder: Path) -> Path:
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "figures" / "figure-1-stard.svg").write_text("<svg/>")
    tables = {
        "table-1-protocol": "Parameter,All patients\nScanner,Nautilus X (17)\nSagittal matrix,-\n",
        "table-2-demographics": "Characters,Training set (n = 3),Test set (n = 2)\n"
        "Age (years),51.5 ± 2.0,44.0 ± 3.0\n",
        "table-3-annotations": "Class,All patients\nDisc herniation (sagittal),54\n",
    }
    for name, text in tables.items():
        (folder / "tables" / f"{name}.csv").write_text(text)
    return folder
