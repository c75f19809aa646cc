"""What the documentation of the SPIDER lumbar slices says and their annotation files do not.

The general rules of ``sources`` apply to every data set; a :class:`Conventions` holds the
exceptions of one. Boxes are xyxy in pixels of the PNG.
"""

from dataclasses import dataclass, field

from discern.networks import TrainedOn

PixelBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Conventions:
    """Exceptions of one data set.

    Attributes:
        grades_only: Images whose stem contains this text carry no lesion labels at all, although
            the data set has some.
        unboxed: Discs which are well seen but were left without a box, by image stem.
        lesion_boxes: Whether readers drew the lesion boxes.
        credit: Source and licence, as the weights must name them.
    """

    grades_only: str | None = None
    unboxed: dict[str, tuple[PixelBox, ...]] = field(default_factory=dict)
    lesion_boxes: TrainedOn = TrainedOn.REAL
    credit: str | None = None


_S1_S2_OF_142_T2SPACE: tuple[PixelBox, ...] = ((284, 510, 340, 564),)

CONVENTIONS: dict[str, Conventions] = {
    "spider-lumbar": Conventions(
        grades_only="_t2space_",
        unboxed={
            # Well formed S1/S2 discs; remnant discs elsewhere are background on purpose, since the
            # numbering of levels starts at the lowest box.
            "80_t2_mid": ((152, 328, 197, 362),),
            "142_t2_mid": ((274, 410, 320, 450),),
            "142_t2space_55": _S1_S2_OF_142_T2SPACE,
            "142_t2space_62": _S1_S2_OF_142_T2SPACE,
            "142_t2space_65": _S1_S2_OF_142_T2SPACE,
            "142_t2space_72": _S1_S2_OF_142_T2SPACE,
            # Discs of off-centre slices that the reference masks show and no box covers.
            "110_t2space_59": ((233, 154, 268, 174),),
            "50_t2space_84": ((226, 423, 260, 434),),
            "78_t2space_52": ((288, 480, 315, 502),),
            "209_t2space_53": ((326, 462, 349, 486),),
        },
        lesion_boxes=TrainedOn.DERIVED,  # a reader's word on the disc, placed by disc geometry
        credit="SPIDER, van der Graaf et al., Scientific Data 11:264 (2024), CC BY 4.0; "
        "slices and disc boxes derived from it",
    )
}
"""By name of the data set, that is of its folder."""
