"""Decoded slices kept for a while: a study is looked at several times, and decoding is slow."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from discern.imaging.study import Image, Study

MOST_BYTES = 128 * 2**20
_Place = tuple[str, int]


class KeptImages:
    """The images that were asked for last, up to a number of bytes in all."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep none yet."""
        self._most_bytes = most_bytes
        self._images: OrderedDict[_Place, Image] = OrderedDict()

    def image(self, place: _Place, read: Callable[[], Image]) -> Image:
        """Return the image of ``place``, by ``read`` unless it is kept; it cannot be written to."""
        image = self._images.pop(place, None)
        if image is None:
            image = read()
            image.flags.writeable = False
        self._images[place] = image
        while len(self._images) > 1 and self._bytes() > self._most_bytes:
            self._images.popitem(last=False)
        return image

    def _bytes(self) -> int:
        return sum(one.nbytes for one in self._images.values())


def keeping_images(study: Study) -> Study:
    """Return ``study``, whose used series decode a slice once as long as there is room."""
    kept = KeptImages()
    return replace(
        study,
        series=tuple(
            replace(
                series,
                slices=tuple(
                    replace(one, read=partial(kept.image, (series.id, one.index), one.read))
                    for one in series.slices
                ),
            )
            if series.used
            else series
            for series in study.series
        ),
    )
