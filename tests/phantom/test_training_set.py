import numpy as np
import pytest

from discern.dataset.phantoms import phantom_samples
from discern.networks import Preprocessing
from discern.phantom.study import DEMO_SEED
from discern.phantom.training_set import SliceCounts, slices_of_patient
from discern.spine import LABELS, LESION_LABELS, Plane


def test_training_slices_are_repeatable_and_named_by_patient() -> None:
    first, second = (slices_of_patient(number, 11, SliceCounts(sagittal=2)) for number in (0, 1))
    both = [*first, *second]
    assert [slice_.truth.patient for slice_ in both] == ["phantom-11-0"] * 2 + ["phantom-11-1"] * 2
    assert len({slice_.truth.image for slice_ in both}) == 4
    assert all(slice_.plane is Plane.SAGITTAL and slice_.truth.boxes for slice_ in both)
    for one, again in zip(first, slices_of_patient(0, 11, SliceCounts(sagittal=2)), strict=True):
        assert np.array_equal(one.image, again.image)
        assert one.truth == again.truth


def test_axial_slices_are_annotated_for_lesions_only_and_some_show_none() -> None:
    counts = SliceCounts(sagittal=1, axial=8)
    slices = [one for number in range(2) for one in slices_of_patient(number, 11, counts)]
    assert len(slices) == 2 * 9
    axial = [one.truth for one in slices if one.plane is Plane.AXIAL]
    assert all(truth.annotated == set(LESION_LABELS) for truth in axial)
    assert any(truth.boxes for truth in axial)
    assert not all(truth.boxes for truth in axial)
    sagittal = next(one.truth for one in slices if one.plane is Plane.SAGITTAL)
    assert sagittal.annotated == set(LABELS)


def test_the_embedded_sample_is_never_trained_on() -> None:
    with pytest.raises(ValueError, match="embedded sample"):
        slices_of_patient(0, DEMO_SEED, SliceCounts())


@pytest.mark.slow
def test_several_processes_render_what_one_does() -> None:
    counts, size = SliceCounts(sagittal=1), Preprocessing(size_px=64)
    many = phantom_samples(11, 10, counts, size)
    few = phantom_samples(11, 3, counts, size)
    assert len(many) == 10
    for one, other in zip(few, many[:3], strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.boxes, other.boxes)
