import numpy as np
import pytest

from discern.phantom.study import DEMO_SEED
from discern.phantom.training_set import SliceCounts, lesion_slices
from discern.spine import LABELS, LESION_LABELS, Plane


def test_training_slices_are_repeatable_and_named_by_patient() -> None:
    two = list(lesion_slices(11, 2, SliceCounts(sagittal=2)))
    one = list(lesion_slices(11, 1, SliceCounts(sagittal=2)))
    assert [slice_.truth.patient for slice_ in two] == ["phantom-11-0"] * 2 + ["phantom-11-1"] * 2
    assert len({slice_.truth.image for slice_ in two}) == 4
    assert all(slice_.plane is Plane.SAGITTAL and slice_.truth.boxes for slice_ in two)
    for first, again in zip(one, two[:2], strict=True):
        assert np.array_equal(first.image, again.image)
        assert first.truth == again.truth


def test_axial_slices_are_annotated_for_lesions_only_and_some_show_none() -> None:
    slices = list(lesion_slices(11, 2, SliceCounts(sagittal=1, axial=8)))
    assert len(slices) == 2 * 9
    axial = [one.truth for one in slices if one.plane is Plane.AXIAL]
    assert all(truth.annotated == set(LESION_LABELS) for truth in axial)
    assert any(truth.boxes for truth in axial)
    assert not all(truth.boxes for truth in axial)
    sagittal = next(one.truth for one in slices if one.plane is Plane.SAGITTAL)
    assert sagittal.annotated == set(LABELS)


def test_the_embedded_sample_is_never_trained_on() -> None:
    with pytest.raises(ValueError, match="embedded sample"):
        next(lesion_slices(DEMO_SEED, 1, SliceCounts()))
