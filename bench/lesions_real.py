"""Herniation on real sagittal slices: the lesion network beside the detector, on new patients.

    python bench/lesions_real.py ../shared/data/spider-lumbar --weights RUN/weights.onnx \
        --split docs/results/splits/fold-1.json --predictions docs/results/predictions.json \
        --images '*_t2_mid' --discs 1 6 --out docs/results/lesions

The test patients of the split: the lesion network has not learned from them, and the predictions
are those of a detector that has not either. It looks about the discs that the predictions have.
Writes ``lesions-real.md``: both, disc by disc, against the reader's word.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from discern.dataset.sources import read_dataset
from discern.dataset.splits import read_split
from discern.errors import DatasetError
from discern.evaluation.detection_tables import lesion_table
from discern.evaluation.metrics import evaluate
from discern.evaluation.tables import tables_markdown
from discern.experiment.looks import looked_at_again
from discern.inference.evaluate import LOW, Selection, given_predictions, selected_truths
from discern.inference.lesion_look import LesionLook
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.outputs import write_files
from discern.spine import Plane
from discern.weights import load_weights, patient_hash

ABOUT = (
    "Test patients of {split}, {patients} of them; the lesion network (SHA-256 {sha256}) was "
    "trained without them, the detector's boxes are out of fold. Both look at the same discs."
)


def main() -> None:
    """Look, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--images", default="*")
    parser.add_argument("--discs", type=int, nargs=2, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    dataset, weights = read_dataset(chosen.dataset), load_weights(chosen.weights)
    about, finder = weights.metadata, weights.metadata.finder
    split = read_split(chosen.split, dataset)
    known = set(finder.training_patients) if finder else set()
    if known & {patient_hash(dataset.name, patient) for patient in split.test}:
        raise DatasetError("the lesion network has learned from test patients of the split")
    look = LesionLook.of(OpenVinoPredictor(weights), about, Plane.SAGITTAL, LOW)
    if look is None:
        raise DatasetError("these weights have no lesion network for sagittal slices")
    discs = (chosen.discs[0], chosen.discs[1])
    selection = Selection(chosen.split, "test", chosen.images, discs)
    truths = selected_truths(dataset, selection)
    given = given_predictions(chosen.predictions, dataset, dataset.truths)
    looked = looked_at_again(
        dataset, split.test, given, {Plane.SAGITTAL: look.on_image}, about.preprocessing
    )
    tables = []
    for who, said in (("detector", given), ("lesion network", looked)):
        own = {truth.image: said[truth.image] for truth in truths}
        table = lesion_table(evaluate(truths, own, records=dataset.records))
        tables.append(replace(table, title=f"{who.capitalize()}: {table.title}"))
    text = ABOUT.format(
        split=chosen.split.name,
        patients=len({truth.patient for truth in truths}),
        sha256=weights.sha256[:16],
    )
    page = tables_markdown("Herniation on real slices", text, tables)
    write_files(chosen.out, {"lesions-real.md": page.encode()})
    print(page)


if __name__ == "__main__":
    main()
