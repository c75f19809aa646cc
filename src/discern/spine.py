"""Names and closed sets of the lumbar spine, MR planes and weightings, and what is graded."""

from enum import IntEnum, StrEnum


class Level(StrEnum):
    """An intervertebral disc by its neighbours; members run head to foot.

    L5-L6 and L6-S1 exist only with six lumbar-type vertebrae, S1-S2 only as a remnant disc.
    """

    T9_T10 = "T9-T10"
    T10_T11 = "T10-T11"
    T11_T12 = "T11-T12"
    T12_L1 = "T12-L1"
    L1_L2 = "L1-L2"
    L2_L3 = "L2-L3"
    L3_L4 = "L3-L4"
    L4_L5 = "L4-L5"
    L5_S1 = "L5-S1"
    L5_L6 = "L5-L6"
    L6_S1 = "L6-S1"
    S1_S2 = "S1-S2"


USUAL_LEVELS = tuple(Level)[: tuple(Level).index(Level.L5_S1) + 1]
"""T9-T10 ... L5-S1: the levels of a spine with five lumbar-type vertebrae, head to foot."""


def levels_upwards(lowest: Level) -> tuple[Level, ...]:
    """Return the level names from ``lowest`` to T9-T10, foot to head.

    >>> [str(level) for level in levels_upwards(Level.L5_S1)[:3]]
    ['L5-S1', 'L4-L5', 'L3-L4']
    >>> [str(level) for level in levels_upwards(Level.L6_S1)[:3]]
    ['L6-S1', 'L5-L6', 'L4-L5']
    """
    above = USUAL_LEVELS[::-1]
    match lowest:
        case Level.L6_S1:
            return (Level.L6_S1, Level.L5_L6, *above[1:])
        case Level.L5_L6:
            return (Level.L5_L6, *above[1:])
        case Level.S1_S2:
            return (Level.S1_S2, *above)
        case _:
            return above[above.index(lowest) :]


def levels_downwards(highest: Level) -> tuple[Level, ...]:
    """Return the level names from ``highest`` to the lowest there is, head to foot.

    >>> [str(level) for level in levels_downwards(Level.L4_L5)]
    ['L4-L5', 'L5-S1', 'S1-S2']
    >>> [str(level) for level in levels_downwards(Level.L5_L6)]
    ['L5-L6', 'L6-S1']
    """
    lowest = Level.L6_S1 if highest in (Level.L5_L6, Level.L6_S1) else Level.S1_S2
    downwards = levels_upwards(lowest)[::-1]
    return downwards[downwards.index(highest) :]


class Vertebra(StrEnum):
    """A vertebra or sacral segment; members run head to foot."""

    T9 = "T9"
    T10 = "T10"
    T11 = "T11"
    T12 = "T12"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"
    S1 = "S1"
    S2 = "S2"


def vertebra_above(level: Level) -> Vertebra:
    """Return the vertebra on which the disc at ``level`` hangs.

    >>> str(vertebra_above(Level.L5_S1)), str(vertebra_below(Level.L5_S1))
    ('L5', 'S1')
    """
    return Vertebra(level.split("-")[0])


def vertebra_below(level: Level) -> Vertebra:
    """Return the vertebra or sacral segment that carries the disc at ``level``."""
    return Vertebra(level.split("-")[1])


class Tissue(IntEnum):
    """What a pixel of a sagittal slice shows; the values of SPIDER's masks. The sacrum is none."""

    BACKGROUND = 0
    DISC = 1
    VERTEBRA = 2
    CANAL = 3


class Plane(StrEnum):
    """Orientation of an image plane in the patient."""

    SAGITTAL = "sagittal"
    AXIAL = "axial"
    CORONAL = "coronal"
    UNKNOWN = "unknown"


class Weighting(StrEnum):
    """Contrast of an MR series."""

    T2 = "T2"
    T2_FAT_SUPPRESSED = "T2 fat-suppressed"
    STIR = "STIR"
    T2_DIXON = "T2 Dixon"
    T1 = "T1"
    PD = "PD"
    UNKNOWN = "unknown"


class PfirrmannGrade(IntEnum):
    """Disc degeneration on sagittal T2 (Pfirrmann 2001), 1 healthy to 5 collapsed."""

    I = 1  # noqa: E741 - the field writes the grades as Roman numerals
    II = 2
    III = 3
    IV = 4
    V = 5


class Label(StrEnum):
    """What the network names a box; the order is the order of its class scores."""

    PFIRRMANN_1 = "pfirrmann_1"
    PFIRRMANN_2 = "pfirrmann_2"
    PFIRRMANN_3 = "pfirrmann_3"
    PFIRRMANN_4 = "pfirrmann_4"
    PFIRRMANN_5 = "pfirrmann_5"
    HERNIATION = "herniation"
    HIZ = "hiz"

    @property
    def grade(self) -> PfirrmannGrade | None:
        """The Pfirrmann grade this label stands for, or None for a lesion."""
        return PfirrmannGrade(int(self[-1])) if self in GRADE_LABELS else None


LABELS = tuple(Label)
GRADE_LABELS = LABELS[:5]
LESION_LABELS = LABELS[5:]


class Language(StrEnum):
    """Language of the sentences written for people."""

    ENGLISH = "en"
    CHINESE = "zh"
