"""Decoded slices are kept while there is room, and no longer."""

import numpy as np
import pytest

from discern.findings import Source
from discern.imaging.kept import KeptImages, keeping_images
from discern.imaging.study import Image, Series, Slice, Study
from discern.spine import Plane, Weighting


class Reader:
    """Counts how often it had to read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Image:
        self.times += 1
        return np.full((8, 8), self.times, np.float32)


def test_an_image_is_decoded_once_and_cannot_be_written_to() -> None:
    kept, read = KeptImages(), Reader()
    first, again = (kept.image(("s1", 0), read) for _ in range(2))
    assert first is again
    assert read.times == 1
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_what_was_not_asked_for_longest_goes_when_there_is_no_room() -> None:
    kept, reads = KeptImages(most_bytes=2 * 8 * 8 * 4), [Reader() for _ in range(3)]
    for index in (0, 1, 0, 2, 0, 1):
        kept.image(("s1", index), reads[index])
    assert [one.times for one in reads] == [1, 2, 1]
    assert KeptImages(most_bytes=1).image(("s1", 0), reads[0])[0, 0] == 2


def test_a_study_keeps_the_slices_of_the_series_that_are_read() -> None:
    readers = [Reader(), Reader()]
    slices = [Slice(0, (8, 8), None, None, read, None, None, "a.png") for read in readers]
    series = tuple(
        Series(name, None, name, Plane.SAGITTAL, Weighting.T2, (one,), used=used)
        for name, one, used in zip(("s1", "s2"), slices, (True, False), strict=True)
    )

    study = keeping_images(Study(Source.DICOM, None, None, series))

    for one in study.series:
        one.slices[0].read()
        one.slices[0].read()
    assert [read.times for read in readers] == [1, 2]
