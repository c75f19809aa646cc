"""Can six lumbar-type vertebrae be told from five by the discs of a lumbar study?

    python bench/six_lumbar.py ../shared/data/spider-lumbar --results docs/results

Names count upwards from the lumbosacral disc, so all of them hang on whether the lowest disc looks
like L5-S1. Synthetic studies with six and with five lumbar-type vertebrae, whole sacrum in view,
are read by the shipped networks; the lowest disc above the sacrum (L6-S1, L5-S1) and the two above
it are compared with those of SPIDER's spines by the features that numbering uses
(``discern.inference.spine_cues``). Writes ``levels/six.txt``: how many of the discs lie within the
region that holds 95 % of a Gaussian fitted on SPIDER's L5-S1. Where most of the sixth ones do, no
rule by these features that also reads real spines rightly can tell them.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from discern.inference.analyze import AnalysisOptions, look_at
from discern.inference.numbering import Part, Shape, steps_between, usual_shapes
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.spine_cues import Chain, features
from discern.outputs import write_files
from discern.phantom.anatomy import build_spine
from discern.phantom.prescription import Prescription
from discern.phantom.sampling import AnatomyRanges, sample_anatomy
from discern.weights import Weights, load_weights, shipped_weights
from levels_phantoms import SAME_DISC_MM, phantom_study
from levels_spider import read_spines
from segmentation import read_tissue_maps

STUDIES, SEED = 40, 6_061_226
PARTS = (Part.LUMBOSACRAL, Part.FIRST_ABOVE, Part.SECOND_ABOVE)
SHAPES = 4
"""Features compared; breadth, the fifth, does not show on one slice."""
LUMBOSACRAL_NUMBER = 1
HELD = 0.95
Floats = NDArray[np.float64]


def phantom_discs(
    lumbar: int, studies: int, predictor: OpenVinoPredictor, weights: Weights
) -> Iterator[Floats]:
    """Yield the (3, 4) features of the lowest disc above the sacrum and the two above it."""
    shares = tuple(float(lumbar == count) for count in (4, 5, 6))
    ranges = AnatomyRanges(lumbar_shares=(shares[0], shares[1], shares[2]))
    for number in range(studies):
        rng = np.random.default_rng((SEED, lumbar, number))
        parameters = sample_anatomy(rng, ranges)
        study, _ = phantom_study(parameters, Prescription(sagittal_slices=11), rng)
        chain = look_at(study, predictor, weights, AnalysisOptions()).chain
        spine = build_spine(parameters)
        level = parameters.levels[-1]
        block = next(one for one in spine.blocks if one.name == str(level))
        place = spine.center_lps_mm(block)
        away = np.linalg.norm(chain.centers - np.array(place)[1:], axis=1)
        if len(chain) > len(PARTS) and away.min() <= SAME_DISC_MM:
            yield lowest(chain.above(int(away.argmin())))


def spider_discs(dataset: Path, results: Path) -> Iterator[Floats]:
    """Yield the same of SPIDER's middle slices whose L5-S1 was found."""
    tissues = read_tissue_maps(results / "levels" / "tissues.json")
    for spine in read_spines(dataset, results / "predictions.json", tissues):
        if LUMBOSACRAL_NUMBER in spine.numbers:
            place = spine.numbers.index(LUMBOSACRAL_NUMBER)
            if len(spine.chain) - place > len(PARTS):
                yield lowest(spine.chain.above(place))


def lowest(chain: Chain) -> Floats:
    """Return the (3, 4) features of the three lowest discs of ``chain``."""
    return features(chain, steps_between(chain.centers))[: len(PARTS), :SHAPES]


def distance(values: Floats, shape: Shape) -> float:
    """Return the squared Mahalanobis distance of (4,) features, as if none was missing."""
    known = np.isfinite(values)
    offset = (values - shape.mean[:SHAPES])[known]
    covariance = shape.covariance[:SHAPES, :SHAPES][np.ix_(known, known)]
    return float(offset @ np.linalg.solve(covariance, offset)) * SHAPES / int(known.sum())


def line(title: str, discs: Sequence[Floats]) -> str:
    """Return how many spines lie within the regions of SPIDER's discs."""
    shapes = usual_shapes()
    far = np.array(
        [
            [distance(row, shapes[part]) for row, part in zip(one, PARTS, strict=True)]
            for one in discs
        ]
    )
    one_held = far[:, 0] <= chi2.ppf(HELD, SHAPES)
    all_held = far.sum(axis=1) <= chi2.ppf(HELD, SHAPES * len(PARTS))
    return (
        f"{title:44} {len(discs):4d}  {one_held.sum():4d} = {one_held.mean():.3f}"
        f"  {all_held.sum():4d} = {all_held.mean():.3f}"
    )


def main() -> None:
    """Read, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--studies", type=int, default=STUDIES)
    given = parser.parse_args()
    weights = load_weights(shipped_weights())
    predictor = OpenVinoPredictor(weights)
    lines = [
        f"The lowest disc above the sacrum within the region of {HELD:.0%} of SPIDER's L5-S1, and",
        "the three lowest discs within that of L5-S1, L4-L5 and L3-L4; seed " + str(SEED),
        f"{'':44} read  lowest disc   three discs",
        line("SPIDER, L5-S1 (fitted on them)", list(spider_discs(given.dataset, given.results))),
    ]
    for lumbar, name in ((5, "L5-S1"), (6, "L6-S1")):
        discs = list(phantom_discs(lumbar, given.studies, predictor, weights))
        lines.append(line(f"phantom, {lumbar} lumbar-type vertebrae, {name}", discs))
    text = "\n".join(lines) + "\n"
    print(text)
    write_files(given.results / "levels", {"six.txt": text.encode()})


if __name__ == "__main__":
    main()
