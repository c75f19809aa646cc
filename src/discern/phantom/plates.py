"""Endplates and the blocks between them, from which the chain of the spine is made."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plate:
    """One endplate: centre in the midsagittal plane, tilt, half depth and half width.

    ``up`` is the unit normal towards the head and ``back`` lies in the plate; a positive tilt
    leans the normal forward, as at S1.
    """

    y_mm: float
    z_mm: float
    tilt_rad: float
    half_depth_mm: float
    half_width_mm: float

    @property
    def up(self) -> Line:
        """(y, z) of the normal towards the head."""
        return np.array([-np.sin(self.tilt_rad), np.cos(self.tilt_rad)])

    @property
    def back_end(self) -> Line:
        """(y, z) of the posterior end."""
        end: Line = np.array([self.y_mm, self.z_mm]) + self.half_depth_mm * self.back
        return end

    @property
    def back(self) -> Line:
        """(y, z) of the direction in the plate towards the back."""
        return np.array([np.cos(self.tilt_rad), np.sin(self.tilt_rad)])


@dataclass(frozen=True, slots=True)
class Block:
    """What lies between two plates: a disc or a vertebral body, named "L4-L5", "L4", "S1"."""

    name: str
    lower: Plate
    upper: Plate

    @property
    def y_mm(self) -> float:
        """Middle of the block, anterior to posterior."""
        return (self.lower.y_mm + self.upper.y_mm) / 2

    @property
    def z_mm(self) -> float:
        """Middle of the block, foot to head."""
        return (self.lower.z_mm + self.upper.z_mm) / 2

    @property
    def tilt_rad(self) -> float:
        """Mean tilt of the two plates."""
        return (self.lower.tilt_rad + self.upper.tilt_rad) / 2

    @property
    def height_mm(self) -> float:
        """Distance between the centres of the plates."""
        return float(np.hypot(self.upper.y_mm - self.lower.y_mm, self.upper.z_mm - self.lower.z_mm))


@dataclass(frozen=True, slots=True)
class Step:
    """The way from one plate to the next: height, turn, and slip forward of the next one."""

    height_mm: float
    wedge_rad: float
    slip_mm: float = 0.0


def next_plate(plate: Plate, step: Step, half_mm: Line) -> Plate:
    """Walk ``step`` along the spine, turning by minus its wedge; without slip, backs are flush.

    ``half_mm`` is half the depth and width of the plate reached.
    """
    tilt_rad = plate.tilt_rad - step.wedge_rad
    mean = Plate(0.0, 0.0, (plate.tilt_rad + tilt_rad) / 2, 0.0, 0.0)
    flush_mm = plate.half_depth_mm - half_mm[0]
    y_mm, z_mm = (plate.y_mm, plate.z_mm) + step.height_mm * mean.up + flush_mm * mean.back
    y_mm, z_mm = (y_mm, z_mm) - step.slip_mm * plate.back
    return Plate(float(y_mm), float(z_mm), float(tilt_rad), float(half_mm[0]), float(half_mm[1]))
