"""Which named disc each piece of disc tissue on a slice belongs to."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from discern.findings import Detection, DiscFinding, StudyFindings
from discern.spine import Level

Mask = NDArray[np.bool_]


def assign_discs(
    tissue: Mask, findings: StudyFindings, series: str, index: int
) -> dict[Level, Mask]:
    """Return the part of (H, W) disc ``tissue`` that belongs to each named disc.

    Each connected piece goes whole to the disc whose box covers most of it: the box on this
    slice, or on the nearest slice of the series that has one. Pieces in no box are left out.
    ``tissue`` lies on the stored pixels of slice ``index``.
    """
    pieces, count = ndimage.label(tissue)
    boxes = {
        disc.level: box
        for disc in findings.discs
        if (box := _nearest(disc, findings, series, index)) is not None
    }
    shares = np.array(
        [np.bincount(_inside(pieces, box), minlength=count + 1)[1:] for box in boxes.values()]
    ).reshape(len(boxes), count)
    found = {}
    for number, level in enumerate(boxes):
        mine = (shares.argmax(axis=0) == number) & (shares.max(axis=0) > 0)
        found[level] = np.isin(pieces, 1 + np.flatnonzero(mine))
    return found


def _nearest(
    disc: DiscFinding, findings: StudyFindings, series: str, index: int
) -> Detection | None:
    """Return the disc's box of the nearest slice; the surer one where two are as near."""
    ids = set(disc.detections)
    boxes = [
        one
        for one in findings.detections
        if one.id in ids and one.series == series and one.label.grade is not None
    ]
    return min(boxes, key=lambda one: (abs(one.slice_index - index), -one.score), default=None)


def _inside(pieces: NDArray[np.signedinteger], box: Detection) -> NDArray[np.signedinteger]:
    x1, y1, x2, y2 = (max(0, round(one)) for one in box.box_xyxy_px)
    return pieces[y1:y2, x1:x2].ravel()
