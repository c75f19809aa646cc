"""What is true of a synthetic study, and its JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from discern.phantom.anatomy import Spine, build_spine
from discern.phantom.crossing import Structure, structure_at
from discern.phantom.measures import DiscMeasures, measure_disc
from discern.phantom.render import PhantomSlice
from discern.phantom.sizes import presacral_levels
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.texture import draw_textures
from discern.phantom.truth import disc_number
from discern.spine import GRADE_LABELS, Level

SCHEMA = "discern.phantom-truth/1"
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class DiscTruth:
    """What is true of one disc of the synthetic patient; the centre is in mm, LPS.

    ``in_view``: some sagittal slice shows it whole, with a grade box.
    """

    level: Level
    pfirrmann: int
    herniation: bool
    hiz: bool
    center_lps_mm: tuple[float, float, float]
    in_view: bool
    measures: DiscMeasures


@dataclass(frozen=True, slots=True)
class AxialTruth:
    """What one axial slice shows on the axis of the spine; ``contained`` runs head to foot."""

    sop_instance_uid: str | None
    middle: Structure | None
    contained: tuple[Structure, ...]


@dataclass(frozen=True, slots=True)
class PhantomTruth:
    """Truth of a synthetic study.

    Attributes:
        seed: Seed of its noise and UIDs.
        discs: Every disc wholly in view on the sagittal series, head to foot.
        out_of_view: The other presacral discs, T9-T10 and below, head to foot.
        lumbar_vertebrae: 4, 5 or 6.
        sacrum_in_view: The lowest disc is in view, and so is the middle of the segment under it.
        axial: In the order of the axial series (InstanceNumber).
    """

    seed: int
    discs: tuple[DiscTruth, ...]
    out_of_view: tuple[DiscTruth, ...] = ()
    lumbar_vertebrae: int = 5
    sacrum_in_view: bool = True
    axial: tuple[AxialTruth, ...] = ()

    def to_json(self) -> str:
        """Return the truth as JSON text, schema ``discern.phantom-truth/1``.

        ``discs`` holds the discs in view, ``out_of_view`` the others, both head to foot: level,
        pfirrmann (1 to 5), herniation, hiz, center_lps_mm, in_view, and ``measures`` with the
        fields of :class:`DiscMeasures`. ``axial_slices`` holds sop_instance_uid, ``middle`` and
        ``contained`` of every axial slice by name ("L4-L5", "L5", "S1"). Beside them stand
        lumbar_vertebrae, lowest_level and sacrum_in_view.
        """
        document = {
            "schema": SCHEMA,
            "synthetic": True,
            "seed": self.seed,
            "lumbar_vertebrae": self.lumbar_vertebrae,
            "lowest_level": presacral_levels(self.lumbar_vertebrae)[-1],
            "sacrum_in_view": self.sacrum_in_view,
            "discs": [_disc_json(disc) for disc in self.discs],
            "out_of_view": [_disc_json(disc) for disc in self.out_of_view],
            "axial_slices": [asdict(one) for one in self.axial],
        }
        return json.dumps(document, indent=1) + "\n"


def _disc_json(disc: DiscTruth) -> dict[str, Any]:
    measures = {name: round(value, _DECIMALS) for name, value in asdict(disc.measures).items()}
    return {**asdict(disc), "measures": measures}


def truth_of_study(
    parameters: PhantomParameters,
    seed: int,
    sagittal: Sequence[PhantomSlice],
    axial: Sequence[tuple[str | None, PhantomSlice]] = (),
) -> PhantomTruth:
    """Return what is true of the patient and of these slices.

    ``axial`` pairs each slice with its SOP instance UID, None where the file has none.
    """
    spine = build_spine(parameters)
    textures = draw_textures(parameters.texture_seed)
    seen = {box.disc for one in sagittal for box in one.truth.boxes if box.label in GRADE_LABELS}
    discs = [
        DiscTruth(
            level=level,
            pfirrmann=int(parameters.grade_of(level)),
            herniation=parameters.herniation_of(level) is not None,
            hiz=parameters.lesions.zone_of(level) is not None,
            center_lps_mm=_rounded(spine.disc_center_lps_mm(level)),
            in_view=disc_number(level, parameters) in seen,
            measures=measure_disc(spine, level, parameters, textures),
        )
        for level in parameters.levels
    ]
    thickness_mm = parameters.scanner.slice_thickness_mm
    return PhantomTruth(
        seed=seed,
        discs=tuple(disc for disc in discs if disc.in_view),
        out_of_view=tuple(disc for disc in discs if not disc.in_view),
        lumbar_vertebrae=parameters.lumbar_vertebrae,
        sacrum_in_view=discs[-1].in_view and _shows_sacrum(spine, sagittal),
        axial=tuple(_axial_truth(spine, uid, one, thickness_mm) for uid, one in axial),
    )


def _axial_truth(
    spine: Spine, uid: str | None, slice_: PhantomSlice, thickness_mm: float
) -> AxialTruth:
    crossing = structure_at(spine, slice_.geometry, thickness_mm)
    order = [block.name for block in spine.blocks[::-1]]
    contained = sorted(crossing.contained, key=lambda one: order.index(str(one)))
    return AxialTruth(uid, crossing.middle, tuple(contained))


def _shows_sacrum(spine: Spine, sagittal: Sequence[PhantomSlice]) -> bool:
    """Whether the middle of the top segment lies within the images."""
    center = np.array([spine.center_lps_mm(spine.sacrum[0])])
    for slice_ in sagittal:
        x, y = slice_.geometry.lps_to_pixel(center)[0]
        rows, columns = slice_.image.shape
        if 0 < x < columns and 0 < y < rows:
            return True
    return False


def _rounded(place_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    x_mm, y_mm, z_mm = place_mm
    return round(x_mm, 2) + 0.0, round(y_mm, 2), round(z_mm, 2)  # no -0.0
