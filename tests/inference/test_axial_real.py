"""Real axial slices beside the repository; names seen to be right on the pictures, by eye."""

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from discern.imaging.plane_geometry import left_of
from discern.imaging.reading import ReadOptions, read_study
from discern.imaging.study import Series
from discern.inference.axial import place_slices
from discern.inference.axial_spine import PlacedDisc, placed_discs
from discern.inference.detect import SeriesDetector
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.inference.sagittal import read_sagittal
from discern.postprocess import PostprocessConfig
from discern.spine import Level, Plane, Vertebra, levels_upwards
from discern.weights import load_weights

STRAIGHT_BLOCK = {
    1: Level.L5_S1,
    4: Vertebra.L5,
    8: Level.L4_L5,
    12: Vertebra.L4,
    16: Level.L3_L4,
    20: Vertebra.L3,
    23: Level.L2_L3,
    25: Vertebra.L2,
}
OBLIQUE_BLOCKS = {
    2: Level.L5_S1,
    4: Vertebra.L5,
    7: Level.L4_L5,
    9: Vertebra.L4,
    12: Level.L3_L4,
    14: Vertebra.L3,
    17: Level.L2_L3,
    19: Vertebra.L2,
    21: Level.L1_L2,
}


@pytest.fixture(scope="module")
def series(shared_data: Path) -> dict[str, Series]:
    study = read_study(shared_data / "lumbar-study-dicom" / "study", ReadOptions())
    return {one.description: one for one in study.series}


@pytest.fixture(scope="module")
def discs(series: dict[str, Series]) -> tuple[PlacedDisc, ...]:
    with as_file(files("discern") / "resources" / "discern.onnx") as path:
        weights = load_weights(path)
    about = weights.metadata
    config = PostprocessConfig.at(about.operating_point("default"))
    detector = SeriesDetector(OpenVinoPredictor(weights), about.preprocessing, config)
    sagittal = series["Sag T2 frFSE S"]
    tracks = read_sagittal(sagittal, detector).tracks
    levels = levels_upwards(Level.L5_S1)[: len(tracks)][::-1]
    left = left_of([one.geometry for one in sagittal.slices if one.geometry is not None])
    return placed_discs(tuple(zip(tracks, levels, strict=True)), left)


@pytest.mark.parametrize(
    ("described", "seen"), [("Ax T2 frFSE S", STRAIGHT_BLOCK), ("Ax FRFSE PD", OBLIQUE_BLOCKS)]
)
def test_real_axial_slices_get_the_name_of_what_they_show(
    described: str,
    seen: dict[int, Level | Vertebra],
    series: dict[str, Series],
    discs: tuple[PlacedDisc, ...],
) -> None:
    axial = series[described]
    assert axial.plane is Plane.AXIAL

    placed = place_slices(discs, axial)

    names = {one.slice_index: one.level or one.vertebra for one in placed.named}
    assert not placed.warnings
    assert None not in names.values()
    assert {index: names[index] for index in seen} == seen
