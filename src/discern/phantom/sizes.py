"""Sizes of vertebrae, discs and sacrum by name; lengths in mm, wedges as shares of the lordosis.

Bodies follow Berry et al. (Spine 12:362, 1987) and Panjabi et al. (Spine 17:299, 1992), disc
heights Zhou et al. (Eur Spine J 9:242, 2000). Transitional anatomy follows Konin and Walz (AJNR
31:1778, 2010): a lumbarised segment is squared and stands on a lower disc, a sacralised one is
wedged and leaves a rudimentary disc.
"""

from dataclasses import dataclass
from types import MappingProxyType

from discern.spine import Level, levels_upwards

_LOWEST = MappingProxyType({4: Level.L4_L5, 5: Level.L5_S1, 6: Level.L6_S1})
LUMBAR_COUNTS = tuple(_LOWEST)


def presacral_levels(lumbar_vertebrae: int) -> tuple[Level, ...]:
    """Return the discs above the sacrum, head to foot, T9-T10 first.

    >>> [str(level) for level in presacral_levels(6)[-3:]]
    ['L4-L5', 'L5-L6', 'L6-S1']
    """
    return levels_upwards(_LOWEST[lumbar_vertebrae])[::-1]


@dataclass(frozen=True, slots=True)
class BodySize:
    """One vertebral body; ``lower_depth_mm`` is None where both plates are equally deep."""

    height_mm: float
    depth_mm: float
    width_mm: float
    lower_depth_mm: float | None = None


BODY_SIZES = MappingProxyType(
    {
        "L6": BodySize(27.0, 32.0, 51.0, lower_depth_mm=29.6),
        "L5": BodySize(27.5, 35.0, 51.0),
        "L4": BodySize(27.5, 35.0, 49.0),
        "L3": BodySize(27.5, 34.5, 46.5),
        "L2": BodySize(27.0, 34.0, 44.0),
        "L1": BodySize(26.5, 33.0, 42.0),
        "T12": BodySize(24.5, 31.5, 40.0),
        "T11": BodySize(22.5, 30.5, 37.0),
        "T10": BodySize(21.5, 29.5, 34.0),
        "T9": BodySize(20.5, 28.5, 32.0),
        "T8": BodySize(20.0, 27.5, 31.0),
        "T7": BodySize(19.5, 26.5, 30.0),
        "T6": BodySize(19.0, 25.5, 29.0),
        "T5": BodySize(18.5, 24.5, 28.0),
    }
)
_DISC_HEIGHT_MM = MappingProxyType(
    {
        "L5-S1": 10.6,
        "L4-L5": 11.0,
        "L3-L4": 10.2,
        "L2-L3": 9.3,
        "L1-L2": 8.2,
        "T12-L1": 6.8,
        "T11-T12": 5.6,
        "T10-T11": 4.8,
        "T9-T10": 4.2,
    }
)
_TRANSITIONAL_HEIGHT_MM = MappingProxyType({4: {"L4-L5": 10.6}, 6: {"L5-L6": 10.6, "L6-S1": 7.2}})
_CRANIAL_HEIGHT_MM = 4.2

_THORACIC_WEDGE = (0.02, -0.06, 0.0, -0.06, -0.02, -0.06, -0.02, -0.06)
_WEDGES = MappingProxyType(
    {  # disc, body, disc, body ... upwards; the lumbar ones add up to 1
        4: (0.32, 0.16, 0.24, 0.04, 0.17, -0.01, 0.12, -0.04),
        5: (0.29, 0.16, 0.22, 0.04, 0.16, 0.0, 0.11, -0.01, 0.07, -0.04),
        6: (0.27, 0.14, 0.22, 0.06, 0.15, 0.0, 0.10, 0.0, 0.07, -0.01, 0.04, -0.04),
    }
)


def wedge_shares(lumbar_vertebrae: int) -> tuple[float, ...]:
    """Return the share of the lordosis taken by the lowest disc, the body on it ... up to T9."""
    return _WEDGES[lumbar_vertebrae] + _THORACIC_WEDGE


def disc_height_mm(name: str, lumbar_vertebrae: int) -> float:
    """Return the height of the healthy disc called ``name``."""
    own = _TRANSITIONAL_HEIGHT_MM.get(lumbar_vertebrae, {}).get(name)
    return own or _DISC_HEIGHT_MM.get(name, _CRANIAL_HEIGHT_MM)


@dataclass(frozen=True, slots=True)
class SacralSize:
    """A sacral block: its height, its lower plate (depth, width), and its turn from the upper."""

    name: str
    height_mm: float
    depth_mm: float
    width_mm: float
    turn_deg: float


@dataclass(frozen=True, slots=True)
class SacrumSize:
    """The sacrum: depth and width of its upper plate, blocks downwards."""

    depth_mm: float
    width_mm: float
    blocks: tuple[SacralSize, ...]


_LOWER_SEGMENTS = (
    SacralSize("S2-S3", 1.4, 15.5, 33.0, 2.0),
    SacralSize("S3", 19.0, 11.0, 28.0, 16.0),
    SacralSize("S3-S4", 1.2, 11.0, 27.0, 2.0),
    SacralSize("S4", 17.0, 8.0, 22.0, 22.0),
)
SACRA = MappingProxyType(
    {
        4: SacrumSize(
            34.0,
            53.0,
            (
                SacralSize("L5", 27.0, 27.5, 48.0, 4.0),
                SacralSize("L5-S1", 4.6, 26.5, 47.0, 3.0),
                SacralSize("S1", 26.0, 20.5, 42.0, 4.0),
                SacralSize("S1-S2", 2.0, 20.0, 41.0, 2.0),
                SacralSize("S2", 22.0, 16.0, 34.0, 9.0),
                *_LOWER_SEGMENTS,
            ),
        ),
        5: SacrumSize(
            34.0,
            53.0,
            (
                SacralSize("S1", 29.0, 23.0, 44.0, 4.0),
                SacralSize("S1-S2", 2.6, 22.0, 42.0, 2.0),
                SacralSize("S2", 23.0, 16.0, 34.0, 10.0),
                *_LOWER_SEGMENTS,
            ),
        ),
        6: SacrumSize(
            26.5,
            47.0,
            (
                SacralSize("S1", 25.0, 17.5, 37.0, 8.0),
                SacralSize("S1-S2", 1.6, 17.0, 36.0, 2.0),
                SacralSize("S2", 20.0, 12.0, 29.0, 14.0),
                SacralSize("S2-S3", 1.3, 12.0, 28.0, 2.0),
                SacralSize("S3", 17.0, 8.0, 22.0, 22.0),
            ),
        ),
    }
)
"""By the number of lumbar-type vertebrae: sacralised L5, usual, lumbarised S1."""
CRANIAL_NAMES = ("T8-T9", "T8", "T7-T8", "T7", "T6-T7", "T6", "T5-T6", "T5")
"""Disc, body ... above T9, for fields of view that reach beyond it."""
