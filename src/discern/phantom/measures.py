"""True quantities of a disc in the midsagittal plane of the model, from the surfaces as drawn."""

from dataclasses import dataclass

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.block_frame import CANAL_DENT_MM, CONCAVITY_MM, frame_of
from discern.phantom.canvas import Patch, Window
from discern.phantom.discs import BACK_MM, FRONT_MM, disc_distance_mm, disc_signal
from discern.phantom.plates import Block, Line
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Textures
from discern.spine import Level, vertebra_above, vertebra_below

_STATIONS = (-0.8, 0.0, 0.8)
"""Where heights are taken, shares of the half depth: a tenth, half, nine tenths of the way."""
_BODY_GROWTH_MM = 0.5
"""How far the surface of a body lies outside its outline."""
_GRID_MM = 0.5


@dataclass(frozen=True, slots=True)
class DiscMeasures:
    """What a perfect measurement of one disc gives; a herniation is left out.

    Attributes:
        disc_height_mm: Mean distance of the endplates, dips included, at 10, 50 and 90 % of the
            way from front to back, across the middle plane of the disc.
        disc_depth_mm: Front to back at half height, bulge included.
        wedge_deg: Angle between the endplates, positive when open to the front.
        listhesis_mm: From the line of the lower body's posterior wall to the posterior inferior
            corner of the upper body, along the lower body's upper plate; forward is positive.
        upper_depth_mm: Lower endplate of the vertebra above, front to back.
        lower_depth_mm: Upper endplate of the vertebra or segment below, front to back.
        csf_signal_ratio: Mean signal of the disc over that of cerebrospinal fluid, without noise,
            blur, coil and partial volume.
    """

    disc_height_mm: float
    disc_depth_mm: float
    wedge_deg: float
    listhesis_mm: float
    upper_depth_mm: float
    lower_depth_mm: float
    csf_signal_ratio: float


def measure_disc(
    spine: Spine, level: Level, parameters: PhantomParameters, textures: Textures
) -> DiscMeasures:
    """Measure the presacral disc at ``level``."""
    disc, bulge_mm = spine.discs[level], parameters.bulge_of(level)
    half_mm = float(disc.lower.half_depth_mm + disc.upper.half_depth_mm) / 2
    upper, lower = spine.vertebra(vertebra_above(level)), spine.vertebra(vertebra_below(level))
    body_mm = 2 * _BODY_GROWTH_MM - CANAL_DENT_MM
    return DiscMeasures(
        disc_height_mm=float(np.mean([_height_mm(disc, half_mm * one) for one in _STATIONS])),
        disc_depth_mm=2 * half_mm + FRONT_MM + BACK_MM + 1.4 * bulge_mm - CANAL_DENT_MM,
        wedge_deg=float(np.rad2deg(disc.lower.tilt_rad - disc.upper.tilt_rad)),
        listhesis_mm=_slip_mm(upper, lower),
        upper_depth_mm=float(2 * upper.lower.half_depth_mm + body_mm),
        lower_depth_mm=float(2 * lower.upper.half_depth_mm + body_mm),
        csf_signal_ratio=_mean_signal(disc, level, parameters, textures) / parameters.contrast.csf,
    )


def _height_mm(disc: Block, p_mm: float) -> float:
    """Return the height across the disc's middle plane, ``p_mm`` behind its axis."""
    half_wedge = (disc.lower.tilt_rad - disc.upper.tilt_rad) / 2
    across = disc.height_mm * _cosine(disc) - 2 * p_mm * np.tan(half_wedge)
    half_mm = (disc.lower.half_depth_mm + disc.upper.half_depth_mm) / 2
    return float(across + 2 * CONCAVITY_MM * (1 - (p_mm / half_mm) ** 2) / np.cos(half_wedge))


def _cosine(disc: Block) -> float:
    """Return the cosine between the line of the plate centres and the disc's own axis."""
    way = np.array([disc.upper.y_mm - disc.lower.y_mm, disc.upper.z_mm - disc.lower.z_mm])
    axis = np.array([-np.sin(disc.tilt_rad), np.cos(disc.tilt_rad)])
    return float(way @ axis / np.linalg.norm(way))


def _slip_mm(upper: Block, lower: Block) -> float:
    corner, direction = upper.lower.back_end, lower.upper.back
    wall: Line = lower.upper.back_end - lower.lower.back_end
    # corner + slip * direction = point on the wall, solved for the slip.
    slip, _ = np.linalg.solve(np.stack((direction, -wall), axis=1), lower.upper.back_end - corner)
    return float(slip)


def _mean_signal(
    disc: Block, level: Level, parameters: PhantomParameters, textures: Textures
) -> float:
    """Average the drawn signal over a fine grid of the midsagittal plane."""
    reach_mm = 1.2 * max(disc.lower.half_depth_mm, disc.upper.half_depth_mm)
    steps = np.arange(-reach_mm, reach_mm, _GRID_MM, dtype=np.float32)
    x_mm = np.zeros((1, 1, 1), np.float32)
    y_mm = disc.y_mm + steps[None, None, :]
    z_mm = disc.z_mm + steps[None, ::-1, None]
    shape = (1, steps.size, steps.size)
    patch = Patch(
        window=Window(slice(0, steps.size), slice(0, steps.size)),
        x_mm=x_mm,
        y_mm=y_mm,
        z_mm=z_mm,
        textures=textures,
        lumps=np.broadcast_to(textures.lumps.at((x_mm, y_mm, z_mm)), shape),
        contrasts=(parameters.contrast,),
        signals=(np.zeros(shape, np.float32),),
        tissues=np.zeros(shape, np.uint8),
    )
    frame = frame_of(patch, disc, dip_mm=CONCAVITY_MM)
    inside = disc_distance_mm(frame, parameters.bulge_of(level)) < 0
    signal = disc_signal(patch, frame, level, parameters)(parameters.contrast)
    return float(signal[inside].mean())
