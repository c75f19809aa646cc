"""The parts of the data that figures are asked for: levels, kinds of slice, groups of patients.

A level holds the truth of its disc and the answers that lie on it or nearest to it, so that no
false alarm counts twice.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from discern.annotations import GroundTruth
from discern.evaluation.disc_identity import Disc, Place, disc_at, identify
from discern.evaluation.matching import AnsweredImage
from discern.spine import GRADE_LABELS, USUAL_LEVELS, Level, Plane

Attributes = Mapping[str, Mapping[str, str]]
"""Patient -> attribute -> value; what is not known is left out."""

Parts = Mapping[str, list[AnsweredImage]]
"""Name of the part -> its images."""


def nominal_level(disc: int) -> str:
    """Return the level name of a disc by its number, counted upwards from the lumbosacral disc.

    >>> nominal_level(0), nominal_level(1), nominal_level(6)
    ('S1-S2', 'L5-S1', 'T12-L1')
    """
    if disc == 0:
        return str(Level.S1_S2)
    return str(USUAL_LEVELS[-disc]) if 0 < disc <= len(USUAL_LEVELS) else f"disc {disc}"


def slice_kind(truth: GroundTruth) -> str | None:
    """Return what stands in the image name between the patient and a number at the end.

    >>> slice_kind(GroundTruth("7_t2space_62", "7", Plane.SAGITTAL, (1, 1), ()))
    't2space'
    """
    rest = truth.image.removeprefix(truth.patient)
    return re.sub(r"[\W_]+\d+$", "", rest).strip("_-. ") or None


def by_attribute(images: Iterable[AnsweredImage], attributes: Attributes, name: str) -> Parts:
    """Return the images by the value that their patients have for one attribute."""
    return _grouped(images, lambda image: attributes.get(image.truth.patient, {}).get(name))


def by_kind(images: Iterable[AnsweredImage]) -> Parts:
    """Return the images by kind of slice; a name that one patient alone has is not a kind."""
    parts = _grouped(images, lambda image: slice_kind(image.truth))
    return {kind: part for kind, part in parts.items() if len({one.patient for one in part}) > 1}


def by_level(images: Iterable[AnsweredImage]) -> Parts:
    """Return the sagittal images by nominal level, head to foot, with that disc alone on each."""
    sagittal = [image for image in images if image.truth.plane is Plane.SAGITTAL]
    parts: defaultdict[int, list[AnsweredImage]] = defaultdict(list)
    for image, discs in zip(sagittal, identify([one.truth for one in sagittal]), strict=True):
        for disc, part in _discs(image, discs).items():
            parts[disc].append(part)
    return {nominal_level(disc): parts[disc] for disc in sorted(parts, reverse=True)}


def _discs(image: AnsweredImage, owners: Sequence[Disc | None]) -> Mapping[int, AnsweredImage]:
    """Return each numbered disc of one image: its truth boxes, and the answers that lie on it.

    Args:
        image: All discs.
        owners: The disc of each truth box.
    """
    truth = image.truth
    pairs = list(zip(owners, truth.boxes, strict=True))
    places = [
        Place(disc, box.box_xyxy_px)
        for disc, box in pairs
        if disc is not None and box.label in GRADE_LABELS
    ]
    met = [disc_at(truth, box.box_xyxy_px, places) for box in image.boxes]
    return {
        place.disc.number: replace(
            image,
            truth=replace(truth, boxes=tuple(box for disc, box in pairs if disc == place.disc)),
            boxes=tuple(b for disc, b in zip(met, image.boxes, strict=True) if disc == place.disc),
        )
        for place in places
        if place.disc.is_named
    }


def _grouped(
    images: Iterable[AnsweredImage], value_of: Callable[[AnsweredImage], str | None]
) -> Parts:
    parts: defaultdict[str, list[AnsweredImage]] = defaultdict(list)
    for image in images:
        value = value_of(image)
        if value is not None:
            parts[value].append(image)
    return dict(sorted(parts.items()))
