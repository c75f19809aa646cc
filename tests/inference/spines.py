"""Chains of discs with the shape of a real lumbar spine, for the tests of level names."""

import numpy as np

from discern.inference.spine_cues import Chain

# posterior, head, width, height in mm of T12-L1 ... L5-S1: a usual lordosis, sacral disc steep
DISCS_MM = np.array(
    [
        [52.0, 180.0, 34.0, 9.0],
        [49.0, 146.0, 36.0, 9.5],
        [44.0, 111.0, 37.0, 10.0],
        [40.0, 75.0, 38.0, 11.0],
        [41.0, 38.0, 37.0, 14.0],
        [50.0, 4.0, 33.0, 23.0],
    ]
)
REMNANT_MM = np.array([[75.0, -21.0, 19.0, 20.0]])  # S1-S2: short, steep


def chain(
    discs_mm: np.ndarray = DISCS_MM,
    room_below: float = 70.0,
    bone: list[float] | None = None,
    bone_further: float = float("nan"),
) -> Chain:
    """Return the chain of ``discs_mm`` (head to foot); ``bone`` from below the lowest, upwards."""
    upwards = discs_mm[::-1]
    shares = np.full(len(upwards) + 1, np.nan)
    shares[: len(bone or [])] = bone or []
    return Chain(upwards[:, :2], upwards[:, 2:], room_below, shares, bone_further)


SACRUM_BELOW = [0.02, 0.98, 0.99, 0.99, 0.99, 0.99]
"""Bone beside the discs of ``DISCS_MM`` as the tissue network shows it."""
