"""Everything round the spine: muscles, fat, vessels, bowel, skin, air."""

import numpy as np

from discern.phantom.anatomy import Spine
from discern.phantom.canal import depth_mm
from discern.phantom.canvas import Canvas, Patch, covered, radial, step
from discern.phantom.settings import Contrast
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Level, Vertebra

_FASCIA = 0.05


def paint_surroundings(canvas: Canvas, spine: Spine, parameters: PhantomParameters) -> None:
    """Paint from the abdomen backwards to the skin; the spine itself comes later."""
    patch = canvas.whole
    depth = depth_mm(patch, spine)
    ahead = spine.line_at(spine.front_y_mm, patch.z_mm) - patch.y_mm
    _paint_abdomen(patch, ahead, spine)
    fibres = patch.textures.fibres.at(patch.points_mm)
    _paint_psoas(patch, depth, fibres, spine)
    _paint_vessels(patch, ahead, spine, parameters)
    _paint_back(patch, (depth, fibres), spine, parameters)
    _paint_pelvis(patch, depth, spine)
    _paint_skin(patch, spine, parameters)
    if parameters.scanner.saturation_band:
        kept = 1 - 0.8 * step(26, 44, ahead)
        for signal in patch.signals:
            np.multiply(signal, kept, out=signal)


def _paint_abdomen(patch: Patch, ahead: Field, spine: Spine) -> None:
    """Retroperitoneal fat near the spine, bowel loops in front, loose fat before the sacrum."""
    lumps = patch.lumps
    loose = 0.48 + 0.04 * lumps
    bowel = 0.27 + 0.05 * lumps + 0.25 * step(0.9, 1.7, lumps) - 0.2 * step(-1.1, -1.5, lumps)
    patch.paint(np.ones_like(lumps), lambda contrast: contrast.fat * loose)
    loops = step(24, 34, ahead) * step(
        spine.sacrum[0].z_mm - 55, spine.sacrum[0].z_mm + 10, patch.z_mm
    )
    patch.paint(loops, np.clip(bowel, 0.02, 1))


def _paint_vessels(patch: Patch, ahead: Field, spine: Spine, parameters: PhantomParameters) -> None:
    """Aorta and vena cava as flow voids, parting into the iliac vessels at L4."""
    fork_mm = spine.vertebra(Vertebra.L4).z_mm
    below = np.maximum(fork_mm - patch.z_mm, 0)
    left_mm = parameters.aorta_offset_mm
    right_mm = max(15.0, 21.0 - left_mm)
    for side, across, forward, radius in ((1, left_mm, 13.0, 8.5), (-1, right_mm, 10.5, 9.5)):
        center = side * (across + 0.55 * below)
        calibre = radius * (1 - 0.35 * np.clip(below / 18, 0, 1))
        apart = radial((patch.x_mm - center) / (1.15 if side < 0 else 1), ahead - forward)
        patch.paint(covered(apart - calibre - 1.0, 1.5), 0.16)
        patch.paint(covered(apart - calibre, 1.5), parameters.vessel_signal)


def _paint_psoas(patch: Patch, depth: Field, fibres: Field, spine: Spine) -> None:
    """Psoas, growing from T12 to the pelvis; quadratus lumborum behind it, down to the crest."""
    top_mm, foot_mm = spine.discs[Level.T12_L1].z_mm, spine.lowest_disc.z_mm
    grown = np.clip((top_mm - patch.z_mm) / (top_mm - foot_mm), 0, 1.4).astype(np.float32)
    slim = 1 - np.square(1 - np.clip(grown / 0.3, 0, 1))
    half_x, half_y = (7 + 15 * grown) * slim + 0.1, (9 + 15 * grown) * slim + 0.1
    center_x = 20 + 7 * grown + 0.8 * half_x
    center_d = -12 - 8 * grown
    side = np.abs(patch.x_mm)
    beside_psoas, beside_quadratus = (side - center_x) / half_x, (side - 66) / 20
    streaky = 1 + 1.5 * step(1.5, 2.6, fibres)

    def muscle(contrast: Contrast) -> Field:
        return contrast.muscle * streaky

    if _may_show((np.abs(beside_psoas) - 1) * half_x, 1.2):
        radius = radial(beside_psoas, (depth - center_d) / half_y)
        patch.paint(covered((radius - 1) * half_x, 1.2) * (grown > 0), muscle)
    if _may_show((np.abs(beside_quadratus) - 1) * 9, 1.5):
        radius = radial(beside_quadratus, (depth - 4 + 0.3 * (side - 66)) / 9)
        away = np.maximum((radius - 1) * 9, foot_mm - patch.z_mm)
        patch.paint(covered(away, 1.5), muscle)


def _may_show(least_mm: Field, edge_mm: float) -> bool:
    """Return whether what is at least so far from every point may cover one: a quick look first."""
    return bool(least_mm.min() < edge_mm / 2)


def _paint_back(
    patch: Patch, fields: tuple[Field, Field], spine: Spine, parameters: PhantomParameters
) -> None:
    """Multifidus and erector spinae with fatty streaks; ligament and fat in the midline.

    ``fields``: depth behind the posterior wall of the bodies, and muscle fibres.
    """
    (depth, fibres), lumps, side = fields, patch.lumps, np.abs(patch.x_mm)
    caudal = step(spine.discs[Level.L3_L4].z_mm, spine.sacrum[0].z_mm, patch.z_mm)
    fatty = np.clip(parameters.muscle_fat * (0.7 + 0.9 * caudal), 0, 0.9)
    threshold = 1.5 - 2.2 * fatty
    cleft = np.exp(-(((side - 30 - 0.25 * (depth - 30)) / 2.2) ** 2)) * step(0, 12, depth - 22)
    share = 0.8 * step(-0.8, 1.4, fibres + 0.5 * lumps - threshold) + 0.7 * cleft
    midline = np.exp(-((side / 6.0) ** 2))
    strands = 0.42 + 0.26 * fibres
    share = np.clip(share * (1 - midline) + midline * strands, 0, 1)
    front = 23 - 0.38 * np.minimum(side, 36)
    wall = np.maximum(front - depth, side - 68 + 0.012 * (depth - 35) ** 2)
    patch.paint(
        covered(wall, 2.0),
        lambda contrast: contrast.muscle + (0.85 * contrast.fat - contrast.muscle) * share,
    )


def _paint_pelvis(patch: Patch, depth: Field, spine: Spine) -> None:
    """Iliac wings with gluteal muscle behind them, and the bony roof of the sacral canal."""
    side = np.abs(patch.x_mm)
    crest_mm = spine.vertebra(Vertebra.L5).z_mm + 4
    along = (side - 74) * 0.69 - (depth - 2) * 0.72
    across = (side - 74) * 0.72 + (depth - 2) * 0.69 + 0.004 * np.square(along) - 3
    over = patch.z_mm - crest_mm
    if _may_show(over + 12, 2.0):
        gluteus = np.maximum(radial(across - 20, along / 3) - 20, over + 12)
        patch.paint(covered(gluteus, 2.0), lambda contrast: 1.2 * contrast.muscle)
    if _may_show(over - 1.2, 1.0):
        rounded = radial(np.maximum(np.abs(across) - 4, 0), np.maximum(np.abs(along) - 34, 0))
        wing = np.maximum(rounded - 3.5, over)
        patch.paint(covered(wing - 1.2, 1.0), _FASCIA)
        patch.paint(covered(wing, 1.0), lambda contrast: 1.05 * contrast.marrow)
    s1, s2 = spine.sacrum[0], spine.sacrum[2]
    canal = 5 + 10 * step(s2.z_mm - 18, s1.z_mm, patch.z_mm)
    roof = np.maximum(np.abs(depth - canal - 3.5) - 3.2, side - 18)
    roof = roof + 4 * step(s1.z_mm - 12, s1.z_mm + 4, patch.z_mm)
    patch.paint(covered(roof - 0.8), _FASCIA)
    patch.paint(covered(roof + 0.5), lambda contrast: contrast.marrow)


def _paint_skin(patch: Patch, spine: Spine, parameters: PhantomParameters) -> None:
    """Fascia, subcutaneous fat with a few septa, skin and the air behind it."""
    fat_mm = parameters.back_fat_mm
    skin = spine.line_at(spine.skin_y_mm, patch.z_mm)
    x = patch.x_mm
    skin = skin - x**2 / 340 - 3.5 * np.exp(-((x / 14) ** 2))
    lower_mm = spine.lowest_disc.z_mm
    deep = skin - fat_mm * (0.75 + 0.5 * np.exp(-(((patch.z_mm - lower_mm) / 55) ** 2)))
    deep = deep - 2 - 5 * np.exp(-((x / 8) ** 2))
    patch.paint(covered(deep - 1.2 - patch.y_mm, 1.0), _FASCIA)
    septa = np.exp(-(((patch.lumps - 0.7) / 0.09) ** 2))
    parted = 1.0 - 0.3 * septa
    patch.paint(covered(deep - patch.y_mm, 1.2), lambda contrast: contrast.fat * parted)
    patch.paint(covered(skin - 1.8 - patch.y_mm), 0.3)
    patch.paint(covered(skin - patch.y_mm), 0.0)
