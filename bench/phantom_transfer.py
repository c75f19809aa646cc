"""How real the phantom is: a network trained on nothing else, tested on real slices.

    python bench/phantom_transfer.py ../shared/data/spider-lumbar --work runs/phantom-transfer \
        --out docs/results/phantom-transfer

Draws a data set of synthetic patients, trains the configuration ``best`` on its sagittal slices
without any real one, and judges it on the T2 middle slices. ``--work`` keeps data set and run: the
same command goes on where it stopped.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from discern.outputs import write_files

PATIENTS, SEED, SLICES, EPOCHS = 160, 40_117, 3, 20
DRAWN = (
    *("--lesions", "--styles", "--set", f"prescription.sagittal_slices={SLICES}"),
    *("--set", "prescription.axial_layout=block", "--set", "prescription.axial_slices=1"),
)


def discern(*arguments: str | Path) -> None:
    """Run one command of Discern; stop where it fails."""
    print("discern", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "discern", *map(str, arguments)], check=True)


def main() -> None:
    """Draw, train, evaluate, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    chosen = parser.parse_args()
    data, run, found = (chosen.work / name for name in ("phantoms", "run", "evaluation"))
    if not (data / "discs.csv").is_file():
        some = "--patients", str(chosen.patients), "--seed", str(SEED)
        discern("phantom", "--out", data, "--dataset", *some, *DRAWN)
        for axial in list(data.glob("*/*_axial_*")):
            axial.unlink()  # grades are a matter of sagittal slices
    if not (run / "weights.onnx").is_file():
        resume = ["--resume"] if (run / "last.ckpt").is_file() else []
        no_mix = "--phantom-patients", "0"
        epochs = "--epochs", str(chosen.epochs)
        discern("train", data, "--config", "best", "--out", run, *no_mix, *epochs, *resume)
    judged = "--images", "*_t2_mid", "--discs", "1", "6"
    weights = "--weights", run / "weights.onnx"
    discern("evaluate", chosen.dataset, *weights, *judged, "--out", found)
    document = json.loads((found / "metrics.json").read_text(encoding="utf-8"))
    about = {"trained_on": f"{chosen.patients} synthetic patients, seed {SEED}, no real image"}
    text = json.dumps(about | document, indent=1, ensure_ascii=False) + "\n"
    write_files(chosen.out, {"metrics.json": text.encode()})


if __name__ == "__main__":
    main()
