from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from discern.annotations import GroundTruth, TruthBox
from discern.dataset.samples import prepare, read_image
from discern.errors import DatasetError
from discern.imaging.pixels import letterbox, window
from discern.networks import Preprocessing
from discern.spine import GRADE_LABELS, LABELS, Label, Plane

SMALL = Preprocessing(size_px=64)
IMAGE = np.random.default_rng(0).uniform(0, 4000, (50, 25)).astype(np.float32)


def _truth(**changes: object) -> GroundTruth:
    fields: dict[str, object] = {
        "image": "1_a",
        "patient": "1",
        "plane": Plane.SAGITTAL,
        "shape_px": (50, 25),
        "boxes": (
            TruthBox(Label.PFIRRMANN_3, (5, 10, 15, 14)),
            TruthBox(Label.HERNIATION, (12, 10, 17, 15)),
        ),
    }
    return GroundTruth(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_image_is_what_inference_sees() -> None:
    sample = prepare(IMAGE, _truth(), SMALL)
    expected, _ = letterbox(window(IMAGE, 0.5, 99.5), 64)
    np.testing.assert_allclose(sample.image, expected, atol=5e-4)


def test_boxes_are_carried_along_and_unannotated_ones_left_out() -> None:
    sample = prepare(IMAGE, _truth(), SMALL)  # scale 64 / 50, 16 px of padding on the left
    np.testing.assert_allclose(sample.boxes, [[22.4, 12.8, 35.2, 17.92]])
    assert [LABELS[label] for label in sample.labels] == [Label.PFIRRMANN_3]
    assert sample.annotated.tolist() == [label in GRADE_LABELS for label in LABELS]


def test_ignored_places_and_the_ungraded_top_are_masked() -> None:
    truth = _truth(ignored=((0, 40, 10, 50),), ungraded_above_px=10.0)
    low, above = prepare(IMAGE, truth, SMALL).ignored
    np.testing.assert_allclose(low, [16, 51.2, 28.8, 64])
    np.testing.assert_allclose(above[[1, 3]], [0, 12.8])
    assert above[0] < 22.4 - 12
    assert above[2] > 35.2 + 12


def test_the_full_depth_of_a_16_bit_image_is_read(tmp_path: Path) -> None:
    deep = np.array([[0, 300], [40000, 65535]], np.uint16)
    PillowImage.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), deep)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"a\.png"):
        read_image(tmp_path / "a.png")
