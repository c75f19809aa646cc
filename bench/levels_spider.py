"""Level names on SPIDER's T2 middle slices, out of fold; used by ``bench/levels.py``.

Boxes are those of ``docs/results/predictions.json`` and tissue those of
``docs/results/levels/tissues.json``: neither network has seen the patient. The shapes of the parts
(``discern.inference.numbering``) are fitted on the patients of the other folds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.annotations import GroundTruth
from discern.boxes import iou
from discern.dataset.sources import read_dataset
from discern.dataset.splits import read_split
from discern.decisions import OperatingPoint
from discern.evaluation.predictions import PredictedBox, confident, read_predictions
from discern.inference.level_warnings import CERTAIN
from discern.inference.levels import LevelAssignment, assign_levels
from discern.inference.numbering import FITTED, Part, Shape, Shapes, complete, steps_between
from discern.inference.spine_cues import Chain, chain_of, features
from discern.inference.tracks import PlacedBox, link_tracks
from discern.postprocess import SelectedBox
from discern.spine import GRADE_LABELS, USUAL_LEVELS, Level, Plane
from segmentation import TissueMap, read_tissue_maps

TRANSITIONAL = ("107", "152", "80", "142", "53", "167")
"""Patients whose numbering the data set's README calls doubtful."""
SAME_PLACE = 0.3
_NUMBERS = {level: 1 + i for i, level in enumerate(USUAL_LEVELS[::-1])} | {
    Level.S1_S2: 0,
    Level.L6_S1: 0,  # two names of one disc: of a lumbarised S1
    Level.L5_L6: 1,
}


@dataclass(frozen=True, slots=True)
class SpiderSpine:
    """One middle slice: the discs found, foot to head, and SPIDER's number of each.

    ``numbers`` holds None for a box that lies on no labelled disc.
    """

    patient: str
    chain: Chain
    numbers: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one spine was named."""

    spine: SpiderSpine
    assignment: LevelAssignment

    @property
    def right(self) -> bool:
        """Whether every disc found that has a label has its name."""
        names = self.assignment.levels[::-1]
        pairs = zip(self.spine.numbers, names, strict=True)
        return all(
            number is None or (name is not None and _NUMBERS[name] == number)
            for number, name in pairs
        )

    @property
    def announced(self) -> bool:
        """Whether the numbering is said to be in doubt."""
        return self.assignment.numbering.confidence < CERTAIN

    @property
    def line(self) -> str:
        """The spine in one line."""
        numbering = self.assignment.numbering
        lowest = next(level for level in self.assignment.levels[::-1] if level is not None)
        others = ", ".join(f"{o.lowest_level} {o.confidence:.2f}" for o in numbering.alternatives)
        codes = ", ".join(one.code for one in self.assignment.warnings)
        return (
            f"  patient {self.spine.patient:>4}  {'right' if self.right else 'WRONG'}"
            f"  {'announced' if self.announced else 'certain':9}  {numbering.confidence:.2f}"
            f"  lowest {lowest}" + (f" (or {others})" if others else "") + f"  {codes}"
        )


def read_spines(
    dataset: Path, predictions: Path, tissues: Mapping[str, TissueMap]
) -> list[SpiderSpine]:
    """Return every T2 middle slice; without an entry in ``tissues`` there are no bone cues."""
    data = read_dataset(dataset)
    boxes = read_predictions(predictions, [truth.image for truth in data.truths])
    return [
        _spine(truth, boxes[truth.image], tissues.get(truth.image))
        for truth in data.truths
        if truth.image.endswith("_t2_mid")
    ]


def _spine(
    truth: GroundTruth, boxes: Sequence[PredictedBox], tissue: TissueMap | None
) -> SpiderSpine:
    chosen = [
        one
        for one in confident(boxes, OperatingPoint(), Plane.SAGITTAL)
        if one.label in GRADE_LABELS
    ]
    tracks = link_tracks([_placed(i, one) for i, one in enumerate(chosen)], slice_count=1)
    found = np.array([track.boxes[0].view_xyxy_px for track in tracks[::-1]])
    segmented = [] if tissue is None else [tissue.tissue_slice()]
    chain = chain_of(tracks, float(truth.shape_px[0] - found[0, 3]), segmented)
    labelled = [box for box in truth.boxes if box.label in GRADE_LABELS]
    overlap = iou(found, np.array([box.box_xyxy_px for box in labelled]))
    numbers = tuple(
        labelled[int(row.argmax())].disc if row.max() >= SAME_PLACE else None for row in overlap
    )
    return SpiderSpine(truth.patient, chain, numbers)


def _placed(index: int, box: PredictedBox) -> PlacedBox:
    x1, y1, x2, y2 = box.box_xyxy_px
    selected = SelectedBox(box.label, box.score, box.class_scores or (), box.box_xyxy_px)
    return PlacedBox(
        detection=f"d{index}",
        slice_index=0,
        selected=selected,
        center=np.array([0.0, (x1 + x2) / 2, -(y1 + y2) / 2]),
        size=np.array([x2 - x1, y2 - y1]),
        view_xyxy_px=box.box_xyxy_px,
    )


_PARTS = {1: Part.LUMBOSACRAL, 2: Part.FIRST_ABOVE, 3: Part.SECOND_ABOVE}


def fit_shapes(spines: Sequence[SpiderSpine]) -> Shapes:
    """Return the Gaussians of the usual parts, over discs found that have a label."""
    rows: dict[Part, list[np.ndarray]] = {part: [] for part in FITTED}
    for spine in spines:
        values = features(spine.chain, steps_between(spine.chain.centers))[:, :4]  # no breadth
        for number, above, value in zip(spine.numbers, spine.numbers[1:], values, strict=False):
            if number and above and np.isfinite(value).all():
                rows[_PARTS.get(number, Part.HIGHER)].append(value)
    return {
        part: Shape(np.mean(found, axis=0), np.cov(np.array(found).T))
        for part, found in rows.items()
    }


def write_shapes(shapes: Shapes, path: Path) -> None:
    """Write the constants of ``discern.inference.numbering``."""
    parts = {
        part.value: {
            "mean": shape.mean.round(4).tolist(),
            "covariance": shape.covariance.round(5).tolist(),
        }
        for part, shape in shapes.items()
    }
    path.write_text(json.dumps({"parts": parts}, indent=1) + "\n", encoding="utf-8")


def out_of_fold(spines: Sequence[SpiderSpine], dataset: Path, splits: Path) -> Iterator[Outcome]:
    """Yield every spine, named with shapes fitted on the patients of the other folds."""
    data = read_dataset(dataset)
    for path in sorted(splits.glob("*.json")):
        held_out = set(read_split(path, data).test)
        shapes = complete(fit_shapes([one for one in spines if one.patient not in held_out]))
        for spine in spines:
            if spine.patient in held_out:
                yield Outcome(spine, assign_levels(spine.chain, shapes=shapes))


def cut_spines(spines: Sequence[SpiderSpine]) -> Iterator[SpiderSpine]:
    """Yield the same spines with one or two lowest discs, and what lies below, out of view."""
    for spine in spines:
        if spine.numbers[0] != 1:
            continue
        for lost in (1, 2):
            for share in (0.2, 0.5, 0.8):
                if len(spine.chain) - lost >= 3:  # noqa: PLR2004 - fewer are never certain
                    yield _cut(spine, lost, share)


def _cut(spine: SpiderSpine, lost: int, share: float) -> SpiderSpine:
    """Return ``spine`` with ``share`` of a disc distance of image below the lowest disc kept."""
    chain = spine.chain.above(lost)
    distance = float(np.linalg.norm(chain.centers[0] - spine.chain.centers[lost - 1]))
    bone = chain.bone.copy()
    bone[0] = bone[0] if share > 0.7 else np.nan  # noqa: PLR2004 - the patch reaches so far
    kept = Chain(chain.centers, chain.sizes, share * distance, bone)
    return SpiderSpine(spine.patient, kept, spine.numbers[lost:])


def report(dataset: Path, results: Path) -> Iterator[str]:
    """Yield the lines about SPIDER."""
    tissues = read_tissue_maps(results / "levels" / "tissues.json")
    predictions, splits = results / "predictions.json", results / "splits"
    for title, maps in (("boxes and tissue", tissues), ("boxes alone", {})):
        spines = read_spines(dataset, predictions, maps)
        outcomes = list(out_of_fold(spines, dataset, splits))
        yield from _summary(f"SPIDER T2 middle slices, {title}, out of fold", outcomes)
        shapes = complete(fit_shapes(spines))
        cut = [Outcome(one, assign_levels(one.chain, shapes=shapes)) for one in cut_spines(spines)]
        silent = sum(not one.right and not one.announced for one in cut)
        yield (
            f"  the same, cut above the sacrum ({len(cut)} cuts): "
            f"right {sum(one.right for one in cut)}, announced "
            f"{sum(one.announced for one in cut)}, silent errors {silent}"
        )
        yield ""


def _summary(title: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    right = sum(one.right for one in outcomes)
    silent = [one for one in outcomes if not one.right and not one.announced]
    usual = [one for one in outcomes if one.spine.patient not in TRANSITIONAL]
    yield f"{title}: {len(outcomes)} spines"
    yield f"  whole spine right  {right} of {len(outcomes)} = {right / len(outcomes):.3f}"
    yield (
        f"  without the known transitional cases  {sum(one.right for one in usual)} of "
        f"{len(usual)} = {sum(one.right for one in usual) / len(usual):.3f}"
    )
    yield f"  announced as uncertain  {sum(one.announced for one in outcomes)}"
    yield f"  SILENT ERRORS  {len(silent)}"
    yield "  known transitional cases:"
    yield from (one.line for one in outcomes if one.spine.patient in TRANSITIONAL)
    yield "  others that are wrong or announced:"
    for one in outcomes:
        if one.spine.patient not in TRANSITIONAL and (one.announced or not one.right):
            yield one.line
