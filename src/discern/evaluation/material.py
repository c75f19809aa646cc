"""What an evaluation is made of: truth, predictions and what is known of discs and patients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discern.annotations import GroundTruth
from discern.decisions import OperatingPoint
from discern.evaluation.disc_records import DiscRecords
from discern.evaluation.matching import AnsweredImage
from discern.evaluation.predictions import Predictions, confident
from discern.evaluation.subgroup_parts import Attributes
from discern.imaging.pixels import Image

ReadImage = Callable[[str], Image]
"""Reads the image of a stem."""


@dataclass(frozen=True, slots=True)
class Material:
    """Truth and answers of the same images.

    Attributes:
        truths: One for each image.
        predictions: Boxes of each image, down to low scores.
        digest: SHA-256 of the data set.
        weights_sha256: Of the weights that predicted; None where predictions were given.
        warning: What stands above every table, None where nothing is to be warned of.
        records: What the data set's table of discs says, empty without one.
        attributes: Of the patients, empty where nothing is known.
        read: Reads an image; None where there are no pixels, and then no page that shows them.
    """

    truths: Sequence[GroundTruth]
    predictions: Predictions
    digest: str = ""
    weights_sha256: str | None = None
    warning: str | None = None
    records: DiscRecords = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)
    read: ReadImage | None = None

    @property
    def images(self) -> list[AnsweredImage]:
        """Every image with all of its boxes."""
        names = sorted({truth.patient for truth in self.truths})
        patient = {name: index for index, name in enumerate(names)}
        return [
            AnsweredImage(patient[t.patient], t, self.predictions[t.image]) for t in self.truths
        ]

    def counted(self, point: OperatingPoint) -> Mapping[str, AnsweredImage]:
        """Return every image by its stem, with the boxes that reach their threshold."""
        return {
            image.truth.image: replace(
                image, boxes=confident(image.boxes, point, image.truth.plane)
            )
            for image in self.images
        }
