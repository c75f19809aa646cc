"""The slices that the report embeds: a bounded number of the used series, decoded and encoded."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.errors import UnreadableFile
from discern.imaging.study import Image, Series, Slice, Study
from discern.reporting.overlay import drawing_of
from discern.reporting.pictures import (
    Scale,
    common_scale,
    data_uri,
    evenly_chosen,
    quantized,
    shrunk,
)
from discern.spine import Plane

Place = tuple[str, int]
"""Id of a series and index of one slice in it."""
MAX_SLICES = {Plane.SAGITTAL: 40, Plane.AXIAL: 80}


@dataclass(frozen=True, slots=True)
class ShownSlice:
    """One embedded slice: its picture as a ``data:`` URI, and how grey values were scaled."""

    series: Series
    slice_: Slice
    picture: str
    scale: Scale

    @property
    def place(self) -> Place:
        """Id of the series and index of the slice, as findings name them."""
        return self.series.id, self.slice_.index


def read_stack(
    study: Study, plane: Plane, wanted: Sequence[Place | None]
) -> tuple[list[ShownSlice], tuple[str, ...]]:
    """Return the decoded slices of the used series of ``plane`` and notes on what is missing."""
    shown: list[ShownSlice] = []
    notes: list[str] = []
    used = study.used(plane)
    for series in used:
        always = [i for i, one in enumerate(series.slices) if (series.id, one.index) in wanted]
        chosen = evenly_chosen(len(series.slices), max(1, MAX_SLICES[plane] // len(used)), always)
        if len(chosen) < len(series.slices):
            notes.append(
                f"To keep this file small, {len(chosen)} of {len(series.slices)} slices"
                f" of series {series.id} are shown, evenly chosen."
            )
        images, unreadable = _decoded([series.slices[i] for i in chosen])
        if unreadable:
            notes.append(f"Series {series.id}: slices not decodable: {unreadable}.")
        if images:
            scale = common_scale([image for _, image in images])
            shown.extend(
                ShownSlice(series, slice_, data_uri(quantized(image, scale)), scale)
                for slice_, image in images
            )
    return shown, tuple(notes)


def _decoded(slices: Sequence[Slice]) -> tuple[list[tuple[Slice, Image]], int]:
    """Return the slices in their usual view, small enough to embed, and how many failed."""
    images: list[tuple[Slice, Image]] = []
    for slice_ in slices:
        try:
            image = slice_.read()
        except UnreadableFile:
            continue
        images.append((slice_, shrunk(drawing_of(slice_).turn.apply(image))))
    return images, len(slices) - len(images)
