"""Decoded slices are kept while there is room, and no longer."""

import numpy as np
import pytest

from discern.imaging.kept import KeptImages
from discern.imaging.study import Image


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
