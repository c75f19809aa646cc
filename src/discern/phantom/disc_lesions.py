"""High-intensity zones and Schmorl nodes, painted on a disc."""

from functools import partial

import numpy as np

from discern.phantom.block_frame import BlockFrame, outline_mm
from discern.phantom.canvas import Patch, covered
from discern.phantom.lesions import HighIntensityZone, SchmorlNode, ZoneShape
from discern.phantom.settings import Contrast
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import Field
from discern.spine import Level, PfirrmannGrade

_ZONE_EDGE_MM = 0.5
_SCLEROSIS_MM = 1.2


def paint_zone(
    patch: Patch, frame: BlockFrame, level: Level, parameters: PhantomParameters
) -> Field:
    """Paint the zone of a disc, if it has one; return how far it stands out.

    That is (h, w), in parts of the signal of CSF over that of the annulus, averaged over the slice
    thickness; in the first contrast, which is the one that is read.
    """
    zone = parameters.lesions.zone_of(level)
    if zone is None:
        return np.zeros(patch.tissues.shape[1:], np.float32)
    coverage = covered(zone_distance_mm(frame, zone), _ZONE_EDGE_MM)
    patch.paint(coverage, lambda contrast: contrast.fluid * zone.brightness)
    share = np.broadcast_to(coverage, patch.tissues.shape).mean(axis=0)
    read = patch.contrasts[0]
    standing_out: Field = share * (read.fluid * zone.brightness - read.annulus)
    return standing_out


def zone_distance_mm(frame: BlockFrame, zone: HighIntensityZone) -> Field:
    """Return the signed distance (negative inside) to a zone.

    It is an ellipsoid in the coordinates of the disc: across the patient, beneath the margin (so
    that a rim bends with it) and between the plates.
    """
    beneath = outline_mm(frame, front_mm=0.0, back_mm=0.0) + zone.depth_mm
    height_mm = frame.lower - zone.height * (frame.lower + frame.upper)
    thin, long = zone.thickness_mm / 2, zone.length_mm / 2
    half_beneath, half_height = {
        ZoneShape.RIM: (thin, long),
        ZoneShape.ROUND: (thin, thin),
        ZoneShape.FISSURE: (long, thin),
    }[zone.shape]
    radius = np.sqrt(
        ((frame.x - zone.offset_mm) / (zone.span_mm / 2)) ** 2
        + (beneath / half_beneath) ** 2
        + (height_mm / half_height) ** 2
    )
    is_elsewhere = frame.p > 0 if zone.is_anterior else frame.p < 0
    distance: Field = (radius - 1) * np.float32(thin) + np.where(is_elsewhere, np.float32(9), 0)
    return distance


def paint_nodes(
    patch: Patch, frame: BlockFrame, level: Level, parameters: PhantomParameters
) -> None:
    """Paint the Schmorl nodes of a disc: disc signal in the body, under a dark shell."""
    for node in parameters.lesions.nodes:
        if node.level is not level:
            continue
        distance = _node_distance_mm(frame, node)
        outside = np.maximum(distance, np.maximum(frame.lower, frame.upper) * -1)
        patch.paint(covered(outside - _SCLEROSIS_MM), lambda contrast: contrast.annulus)
        patch.paint(covered(outside), partial(_core_of_node, parameters.grade_of(level)))


def _core_of_node(grade: PfirrmannGrade, contrast: Contrast) -> float:
    return 0.5 * (contrast.nucleus[grade - 1] + contrast.annulus)


def _node_distance_mm(frame: BlockFrame, node: SchmorlNode) -> Field:
    into = -frame.upper if node.is_above else -frame.lower
    half = node.width_mm / 2
    radius = np.sqrt(
        ((frame.x - node.offset_mm) / half) ** 2
        + ((frame.p - node.place * frame.half_depth) / half) ** 2
        + (into / node.depth_mm) ** 2
    )
    distance: Field = np.maximum((radius - 1) * min(half, node.depth_mm), -into)
    return distance
