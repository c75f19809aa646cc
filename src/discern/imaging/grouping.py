"""Frames into series: one plane, one matrix, one echo each, slices in anatomical order."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from discern.imaging.files import natural_key
from discern.imaging.frames import Frame
from discern.imaging.geometry import Points, plane_across
from discern.imaging.weighting import Contrast
from discern.spine import Plane

_SAME_STACK_DEGREES = 40.0
"""Neighbouring discs tilt by less against each other, the planes of a localiser by 90."""
_SAME_PLACE_MM = 0.05
_MANY_SERIES = 4
_PLANE_WORDS = {
    Plane.SAGITTAL: ("sag",),
    Plane.AXIAL: ("ax", "tra"),
    Plane.CORONAL: ("cor",),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames that make one series, in anatomical order, before weighting and selection."""

    plane: Plane
    frames: tuple[Frame, ...]
    sibling_planes: int = 1
    duplicates: int = 0
    plane_assumed: bool = False

    @property
    def first(self) -> Frame:
        """A frame that stands for the series."""
        return self.frames[0]

    @property
    def contrast(self) -> Contrast:
        """The contrast most of the frames state."""
        return Counter(one.contrast for one in self.frames).most_common(1)[0][0]


def stacks_of(frames: Sequence[Frame]) -> list[Stack]:
    """Return the stacks of a study: per series, then per plane, matrix and, if needed, echo."""
    key = _likeness if _has_a_series_per_file(frames) else _series_key
    stacks: list[Stack] = []
    for members in _grouped(frames, key):
        planes = _by_orientation(members)
        for plane, turned in planes:
            for alike in _grouped(turned, lambda one: one.shape_px):
                stacks += [_ordered(plane, part, len(planes)) for part in _echoes(alike)]
    return sorted(stacks, key=_study_order)


def _grouped(frames: Iterable[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return list(groups.values())


def _has_a_series_per_file(frames: Sequence[Frame]) -> bool:
    """Whether anonymisation gave every file a series UID of its own."""
    uids = Counter(one.identity.series_uid for one in frames if one.number is None)
    return len(uids) >= _MANY_SERIES and set(uids.values()) == {1} and None not in uids


def _series_key(frame: Frame) -> Hashable:
    """Return the UID, with the description: anonymisers give several series one UID."""
    identity = frame.identity
    if identity.series_uid is None:
        return _likeness(frame)
    return (identity.series_uid, identity.description)


def _likeness(frame: Frame) -> Hashable:
    """Return what binds frames to a series without a UID: folder, description and timing."""
    contrast = frame.contrast
    timing = (contrast.echo_time_ms, contrast.repetition_time_ms, contrast.inversion_time_ms)
    return (str(PurePosixPath(frame.file).parent), frame.identity.description, timing)


def _by_orientation(frames: Sequence[Frame]) -> list[tuple[Plane, list[Frame]]]:
    """Split frames whose orientations are far apart; per-disc oblique blocks stay together."""
    groups: list[tuple[Plane, list[Frame]]] = []
    turned = [(one, one.normal) for one in frames if one.normal is not None]
    if turned:
        normals = np.array([normal for _, normal in turned])  # (N, 3)
        labels = _clusters(normals)
        for label in np.unique(labels):
            members = [one for (one, _), own in zip(turned, labels, strict=True) if own == label]
            groups.append((_common_plane(normals[labels == label]), members))
    unstated = [one for one in frames if one.normal is None]
    if unstated:
        groups.append((plane_of_words(unstated[0].contrast.words), unstated))
    return groups


def _clusters(normals: Points) -> NDArray[np.intp]:
    """Return a label per (N, 3) normal, shared by those that a chain of near normals links."""
    distinct, inverse = np.unique(np.round(normals, 2), axis=0, return_inverse=True)
    near = np.abs(distinct @ distinct.T) >= np.cos(np.radians(_SAME_STACK_DEGREES))
    labels = np.arange(len(distinct))
    for _ in distinct:  # the smallest label spreads one link a round
        labels = np.where(near, labels, len(distinct)).min(axis=1)
    return labels[inverse.reshape(-1)]


def _common_plane(normals: Points) -> Plane:
    signs = np.where(normals @ normals[0] < 0, -1.0, 1.0)
    mean: Points = (normals * signs[:, None]).mean(axis=0)
    return plane_across(mean)


def plane_of_words(words: Sequence[str]) -> Plane:
    """Return the plane a description names.

    >>> plane_of_words(("t2", "tse", "sag"))
    <Plane.SAGITTAL: 'sagittal'>
    """
    for plane, beginnings in _PLANE_WORDS.items():
        if any(word.startswith(beginnings) for word in words):
            return plane
    return Plane.UNKNOWN


def _echoes(frames: list[Frame]) -> list[list[Frame]]:
    """Split frames that lie in one place by echo and image type, if that tells them apart."""
    if not _repeats(frames):
        return [frames]
    parts = _grouped(frames, lambda one: (one.contrast.echo_time_ms, one.contrast.image_type))
    return parts if sum(map(_repeats, parts)) < _repeats(frames) else [frames]


def _repeats(frames: Sequence[Frame]) -> int:
    places = [place for one in frames if (place := _place(one)) is not None]
    return len(places) - len(set(places))


def _place(frame: Frame) -> Hashable | None:
    if frame.position_lps_mm is None or frame.normal is None:
        return None
    steps = tuple(round(value / _SAME_PLACE_MM) for value in frame.position_lps_mm)
    return (steps, tuple(round(value, 2) + 0.0 for value in frame.normal))


def _ordered(plane: Plane, frames: Sequence[Frame], sibling_planes: int) -> Stack:
    """Return the frames in anatomical order, one per place; by instance number without places."""
    as_stored = sorted(frames, key=_stored_order)
    kept: dict[Hashable, Frame] = {}
    for index, frame in enumerate(as_stored):
        kept.setdefault(_place(frame) or index, frame)
    unique = list(kept.values())
    if plane is not Plane.UNKNOWN and all(_place(one) is not None for one in unique):
        unique.sort(key=lambda one: one.travel_mm(plane))
    return Stack(plane, tuple(unique), sibling_planes, len(frames) - len(unique))


def _stored_order(frame: Frame) -> tuple[object, ...]:
    instance = frame.identity.instance_number
    missing = instance is None
    return (missing, instance or 0, natural_key(frame.file), frame.number or 0)


def _study_order(stack: Stack) -> tuple[object, ...]:
    identity, contrast = stack.first.identity, stack.contrast
    number = identity.series_number
    echo = contrast.echo_time_ms or 0.0
    uid = identity.series_uid or natural_key(stack.first.file)
    order = (number is None, number or 0, str(uid), tuple(Plane).index(stack.plane), echo)
    return (*order, contrast.image_type, stack.first.shape_px)
