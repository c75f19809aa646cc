"""What a synthetic patient has beside worn discs: zones, nodes, plate changes, haemangiomas.

High-intensity zones are what the network is to find; the others are there to mislead it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from discern.phantom.settings import within
from discern.spine import Level, Vertebra

MODIC_TYPES = (1, 2, 3)


class ZoneShape(StrEnum):
    """Form of a high-intensity zone (Aprill and Bogduk, Br J Radiol 65:361, 1992)."""

    RIM = "rim"  # a thin shell along the margin of the disc
    ROUND = "round"
    FISSURE = "fissure"  # a flat streak that runs inwards


@dataclass(frozen=True, slots=True)
class HighIntensityZone:
    """Fluid in a fissure of the annulus; at most one a disc.

    Attributes:
        level: The disc.
        shape: Its form.
        is_anterior: In front of the nucleus instead of behind it.
        offset_mm: Middle beside the midline, positive to the patient's left.
        span_mm: Size across the patient; decides on how many sagittal slices it is seen.
        thickness_mm: Smaller size in the sagittal plane.
        length_mm: Larger size there: along the margin (rim), inwards (fissure).
        depth_mm: Middle of it beneath the margin of the disc.
        height: Where it lies between the plates, 0 at the lower and 1 at the upper.
        brightness: Share of the signal of fluid.
    """

    level: Level
    shape: ZoneShape = ZoneShape.ROUND
    is_anterior: bool = False
    offset_mm: float = 0.0
    span_mm: float = 8.0
    thickness_mm: float = 2.4
    length_mm: float = 3.0
    depth_mm: float = 2.2
    height: float = 0.5
    brightness: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a zone that lies outside the annulus or that no scanner shows."""
        within("zone offset_mm", self.offset_mm, -16.0, 16.0)
        within("zone span_mm", self.span_mm, 2.0, 30.0)
        within("zone thickness_mm", self.thickness_mm, 0.8, 5.0)
        within("zone length_mm", self.length_mm, self.thickness_mm, 9.0)
        within("zone depth_mm", self.depth_mm, 0.8, 5.0)
        within("zone height", self.height, 0.15, 0.85)
        within("zone brightness", self.brightness, 0.3, 1.3)


@dataclass(frozen=True, slots=True)
class SchmorlNode:
    """Disc material that has sunk through a plate into a body.

    Attributes:
        level: The disc it comes from.
        is_above: Through its upper plate, into the body above.
        depth_mm: How far it reaches into the body.
        width_mm: Its size along the plate.
        offset_mm: Beside the midline, positive to the left.
        place: Along the plate, -1 at its front and 1 at its back.
    """

    level: Level
    is_above: bool = True
    depth_mm: float = 5.0
    width_mm: float = 9.0
    offset_mm: float = 0.0
    place: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a node larger than its vertebra."""
        within("node depth_mm", self.depth_mm, 1.0, 12.0)
        within("node width_mm", self.width_mm, 3.0, 20.0)
        within("node offset_mm", self.offset_mm, -16.0, 16.0)
        within("node place", self.place, -0.8, 0.8)


@dataclass(frozen=True, slots=True)
class PlateChange:
    """Marrow changed along both plates of a disc (Modic et al., Radiology 166:193, 1988).

    Attributes:
        level: The disc between the plates.
        type: 1 (oedema), 2 (fat) or 3 (sclerosis).
        depth_mm: How far it reaches from each plate into the body.
    """

    level: Level
    type: int = 2
    depth_mm: float = 7.0

    def __post_init__(self) -> None:
        """Refuse another type."""
        if self.type not in MODIC_TYPES:
            raise ValueError(f"plate change type must be 1, 2 or 3, got {self.type}")
        within("plate change depth_mm", self.depth_mm, 2.0, 15.0)


@dataclass(frozen=True, slots=True)
class Haemangioma:
    """A bright round tumour of vessels and fat inside a body; harmless.

    Attributes:
        vertebra: The body.
        radius_mm: Its radius.
        center_mm: Its middle from the middle of the body: to the left, backwards, upwards.
    """

    vertebra: Vertebra
    radius_mm: float = 5.0
    center_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse one that does not fit into a body."""
        within("haemangioma radius_mm", self.radius_mm, 1.5, 10.0)
        for place_mm in self.center_mm:
            within("haemangioma center_mm", place_mm, -15.0, 15.0)


@dataclass(frozen=True, slots=True)
class Lesions:
    """All of these of one patient.

    Attributes:
        zones: At most one a disc.
        nodes: Schmorl nodes.
        plates: Plate changes, at most one a disc.
        haemangiomas: Anywhere in the bodies.
    """

    zones: tuple[HighIntensityZone, ...] = ()
    nodes: tuple[SchmorlNode, ...] = ()
    plates: tuple[PlateChange, ...] = ()
    haemangiomas: tuple[Haemangioma, ...] = ()

    def check(self, levels: Sequence[Level]) -> None:
        """Refuse lesions of discs that the patient does not have.

        Raises:
            ValueError: Naming the lesion.
        """
        zones, plates = ([one.level for one in kind] for kind in (self.zones, self.plates))
        nodes = [one.level for one in self.nodes]
        for name, discs in (("zones", zones), ("nodes", nodes), ("plates", plates)):
            strange = set(discs) - set(levels)
            if strange:
                raise ValueError(f"{name} lie at {min(strange)}, which is no disc of this patient")
        for name, discs in (("zones", zones), ("plates", plates)):
            if len(set(discs)) < len(discs):
                raise ValueError(f"{name} name one disc twice; merge them into one")

    def zone_of(self, level: Level) -> HighIntensityZone | None:
        """Return the zone of the disc at ``level``, if it has one."""
        return next((one for one in self.zones if one.level is level), None)
