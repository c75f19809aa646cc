"""Fit and check the cues that tell the lumbosacral disc from the one above it.

    python bench/numbering.py ../shared/data/spider-lumbar

From the truth boxes of every T2-mid slice two chains are made: the whole one, whose lowest disc is
L5-S1, and the same without its lowest disc, whose lowest is L4-L5. A logistic regression on the
cues of ``discern.inference.levels`` separates them, cross-validated by patient. The printed
coefficients are the constants in that module.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from discern.dataset.sources import read_dataset
from discern.inference.levels import (
    CERTAIN,
    Chain,
    lowest_level_probabilities,
    lumbosacral_cues,
    room_in_discs,
)
from discern.spine import GRADE_LABELS, Level


def chains(folder: Path) -> tuple[list[Chain], list[str]]:
    """Return one chain per T2-mid slice, head to foot, with its patient."""
    found, patients = [], []
    for truth in read_dataset(folder).truths:
        named = [box for box in truth.boxes if box.label in GRADE_LABELS]
        if not truth.image.endswith("t2_mid") or min(box.disc or 0 for box in named) < 1:
            continue
        boxes = np.array([b.box_xyxy_px for b in sorted(named, key=lambda b: -(b.disc or 0))])
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2 * (1, -1)
        sizes = boxes[:, 2:] - boxes[:, :2]
        found.append(Chain(centers, sizes, room_below=float(truth.shape_px[0] - boxes[-1, 3])))
        patients.append(truth.patient)
    return found, patients


def main() -> None:
    """Print the coefficients, the cross-validated AUC and the share of confident errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    whole, patients = chains(parser.parse_args().dataset)
    cut = [Chain(c.centers[:-1], c.sizes[:-1], c.room_below) for c in whole]
    cues = np.array([lumbosacral_cues(chain) for chain in (*whole, *cut)])
    truth = np.repeat([1, 0], len(whole))
    model = LogisticRegression(C=1.0, max_iter=1000)
    by_patient = cross_val_predict(
        model, cues, truth, groups=patients * 2, cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    model.fit(cues, truth)
    print(f"{len(whole)} slices; cues {cues.shape[1]}; AUC {roc_auc_score(truth, by_patient):.3f}")
    print("coefficients", model.coef_[0].round(3).tolist(), "intercept", model.intercept_.round(3))
    for name, label in (("L5-S1 lowest", 1), ("L4-L5 lowest", 0)):
        chosen = by_patient[truth == label]
        print(
            name,
            "probability percentiles 1 5 25 50:",
            np.percentile(chosen, (1, 5, 25, 50)).round(3),
        )
    rooms = [room_in_discs(chain) for chain in whole]
    print(
        "room below L5-S1 in disc distances, percentiles 1 5 50:",
        np.percentile(rooms, (1, 5, 50)).round(2),
    )
    likely = [lowest_level_probabilities(chain) for chain in whole]
    named = [max(one, key=lambda level: one[level]) for one in likely]
    silent = [
        p
        for p, one, name in zip(patients, likely, named, strict=True)
        if name is not Level.L5_S1 and one[name] >= CERTAIN
    ]
    doubtful = [p for p, one in zip(patients, likely, strict=True) if max(one.values()) < CERTAIN]
    print("named L5-S1:", sum(name is Level.L5_S1 for name in named), "of", len(named))
    print("declared uncertain:", len(doubtful), doubtful)
    print("silent errors:", len(silent), silent)


if __name__ == "__main__":
    main()
