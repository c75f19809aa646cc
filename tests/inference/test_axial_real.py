"""Real axial slices beside the repository; names seen to be right on the pictures, by eye."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from discern.imaging.plane_geometry import left_of
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Series, Slice
from discern.inference.axial import place_slices
from discern.inference.axial_alignment import shift_towards_head_mm
from discern.inference.axial_cut import SegmentedSlice, segmented_slices
from discern.inference.axial_spine import PlacedDisc, placed_discs
from discern.inference.detect import SeriesDetector
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.sagittal import read_sagittal
from discern.inference.tissue import segment_slices
from discern.postprocess import PostprocessConfig
from discern.spine import Level, Plane, Vertebra, levels_upwards
from discern.weights import load_weights

STRAIGHT_BLOCK: dict[Level | Vertebra, tuple[int, ...]] = {
    Level.L5_S1: (0, 1, 2),
    Vertebra.L5: (3, 4, 5, 6),
    Level.L4_L5: (7, 8, 9),
    Vertebra.L4: (10, 11, 12, 13, 14),
    Level.L3_L4: (15, 16),
    Vertebra.L3: (18, 19, 20, 21),  # 17 shows the rim of L3-L4 before L3
    Level.L2_L3: (22, 23),
    Vertebra.L2: (25,),  # 24 shows the rim of L2-L3 before L2
}
OBLIQUE_BLOCKS: dict[Level | Vertebra, tuple[int, ...]] = {
    Vertebra.S1: (0,),
    Level.L5_S1: (1, 2),
    Vertebra.L5: (3, 4),  # 5 shows the endplate of L5 within the rim of L4-L5
    Level.L4_L5: (6, 7),
    Vertebra.L4: (8, 9, 10),
    Level.L3_L4: (11, 12),
    Vertebra.L3: (13, 14, 15),
    Level.L2_L3: (16, 17),
    Vertebra.L2: (18, 19),
    Level.L1_L2: (20, 21),
    Vertebra.L1: (22,),
}


@dataclass(frozen=True)
class Looked:
    """What the networks say of the sagittal series, its discs named."""

    discs: tuple[PlacedDisc, ...]
    centers: NDArray[np.float64]
    middle: tuple[Slice, ...]
    segmented: tuple[SegmentedSlice, ...]


@pytest.fixture(scope="module")
def series(shared_data: Path) -> dict[str, Series]:
    study = read_study(shared_data / "lumbar-study-dicom" / "study", ReadOptions())
    return {one.description: one for one in study.series}


@pytest.fixture(scope="module")
def looked(series: dict[str, Series]) -> Looked:
    with as_file(files("discern") / "resources" / "discern.onnx") as path:
        weights = load_weights(path)
    about, predictor = weights.metadata, OpenVinoPredictor(weights)
    assert about.segmenter is not None
    config = PostprocessConfig.at(about.operating_point("default"), Plane.SAGITTAL)
    sagittal = series["Sag T2 frFSE S"]
    reading = read_sagittal(sagittal, SeriesDetector(predictor, about.preprocessing, config))
    tracks = reading.tracks
    levels = levels_upwards(Level.L5_S1)[: len(tracks)][::-1]
    left = left_of([one.geometry for one in sagittal.slices if one.geometry is not None])
    tissues = segment_slices(reading.middle_slices, predictor, about.segmenter)
    return Looked(
        placed_discs(tuple(zip(tracks, levels, strict=True)), left),
        np.array([track.center for track in tracks]),
        reading.middle_slices,
        segmented_slices(sagittal.slices, tissues),
    )


@pytest.mark.parametrize(
    ("described", "seen"), [("Ax T2 frFSE S", STRAIGHT_BLOCK), ("Ax FRFSE PD", OBLIQUE_BLOCKS)]
)
def test_real_axial_slices_get_the_name_of_what_they_show(
    described: str,
    seen: dict[Level | Vertebra, tuple[int, ...]],
    series: dict[str, Series],
    looked: Looked,
) -> None:
    axial = series[described]
    assert axial.plane is Plane.AXIAL

    shift = shift_towards_head_mm(axial, looked.centers, looked.middle)
    placed = place_slices(looked.discs, axial, looked.segmented, shift_mm=shift)

    names = {one.slice_index: one.level or one.vertebra for one in placed.named}
    assert None not in names.values()
    asked = {i: name for name, rows in seen.items() for i in rows}
    assert {i: names[i] for i in asked} == asked


def test_the_oblique_blocks_were_scanned_after_the_patient_had_moved(
    series: dict[str, Series], looked: Looked
) -> None:
    straight, oblique = (
        shift_towards_head_mm(series[name], looked.centers, looked.middle)
        for name in ("Ax T2 frFSE S", "Ax FRFSE PD")
    )

    # By eye about 1.5 and 3 mm: the endplates stand so much higher than the files say.
    assert straight == pytest.approx(1.5, abs=0.7)
    assert oblique == pytest.approx(3.2, abs=0.7)
