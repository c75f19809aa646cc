from dataclasses import replace

import numpy as np
import pytest

from discern.findings import Source
from discern.imaging.geometry import POSTERIOR, SliceGeometry
from discern.imaging.study import Series, Slice, Study, slices_after_gap
from discern.inference.sagittal import SagittalReading
from discern.inference.study_warnings import study_warnings
from discern.networks import Head, TrainedOn
from discern.spine import Label, Plane, Weighting
from discern.weights import WeightsMetadata


def unread() -> np.ndarray:
    return np.zeros((4, 4), np.float32)


def series(plane: Plane, places_mm: tuple[float, ...] = ()) -> Series:
    slices = tuple(
        Slice(
            index=index,
            shape_px=(4, 4),
            geometry=SliceGeometry((x, 0.0, 0.0), POSTERIOR, (0.0, 0.0, -1.0), (1.0, 1.0)),
            spacing_mm=(1.0, 1.0),
            read=unread,
            sop_instance_uid=None,
            frame_number=None,
            file="",
        )
        for index, x in enumerate(places_mm)
    )
    return Series(str(plane), None, "", plane, Weighting.T2, slices, used=True)


def texts(*heads: Head) -> dict[str, str]:
    """Return the texts of the warnings by code."""
    study = Study(Source.DICOM, None, None, (series(Plane.SAGITTAL), series(Plane.AXIAL)))
    about = WeightsMetadata("test", "0", heads=heads)
    return {w.code: w.text for w in study_warnings(study, SagittalReading(), (), about)}


def codes(*heads: Head) -> list[str]:
    return list(texts(*heads))


def head(label: Label, plane: Plane, trained_on: TrainedOn = TrainedOn.SYNTHETIC) -> Head:
    return Head(label, plane, trained_on)


def test_planes_never_trained_are_said_to_be_unassessed() -> None:
    assert codes() == ["axial_not_assessed", "no_discs"]


def test_heads_that_saw_only_synthetic_lesions_are_said_to_be_experimental() -> None:
    found = codes(
        head(Label.HERNIATION, Plane.SAGITTAL, TrainedOn.DERIVED),
        head(Label.HIZ, Plane.SAGITTAL),
        head(Label.HERNIATION, Plane.AXIAL),
        head(Label.HIZ, Plane.AXIAL),
    )
    assert found == [
        "axial_experimental",
        "herniation_experimental",
        "hiz_experimental",
        "no_discs",
    ]


def test_the_text_tells_what_each_head_was_taught_with() -> None:
    real_and_drawn = texts(
        head(Label.HERNIATION, Plane.AXIAL, TrainedOn.REAL), head(Label.HIZ, Plane.AXIAL)
    )
    assert (
        "learned high-intensity zone only from lesions that a program has drawn"
        in (real_and_drawn["axial_experimental"])
    )
    assert "herniation" not in real_and_drawn["axial_experimental"]
    drawn = texts(head(Label.HERNIATION, Plane.SAGITTAL))
    assert "program has drawn" in drawn["herniation_experimental"]
    derived = texts(head(Label.HERNIATION, Plane.SAGITTAL, TrainedOn.DERIVED))
    assert "few and indirect labels" in derived["herniation_experimental"]


def test_slices_turned_against_each_other_are_no_neighbours() -> None:
    straight = series(Plane.SAGITTAL, (0.0, 4.0, 8.0))
    turned = SliceGeometry((8.0, 0.0, 0.0), (0.342, 0.94, 0.0), (0.0, 0.0, -1.0), (1.0, 1.0))
    last = replace(straight.slices[2], geometry=turned)
    bent = replace(straight, slices=(*straight.slices[:2], last))
    assert slices_after_gap(bent) == frozenset({2})


def test_heads_with_readers_labels_need_no_warning() -> None:
    heads = (head(label, plane, TrainedOn.REAL) for label in Label for plane in Plane)
    assert codes(*heads) == ["no_discs"]


@pytest.mark.parametrize(
    ("places_mm", "after_gap"),
    [
        ((0.0, 4.0, 8.0, 12.0), frozenset()),
        ((0.0, 4.0, 12.0, 16.0), frozenset({2})),
        ((0.0, 4.0, 4.0, 8.0), frozenset({2})),
        ((0.0,), frozenset()),
        ((), frozenset()),
    ],
)
def test_a_missing_slice_leaves_a_gap(
    places_mm: tuple[float, ...], after_gap: frozenset[int]
) -> None:
    assert slices_after_gap(series(Plane.SAGITTAL, places_mm)) == after_gap
