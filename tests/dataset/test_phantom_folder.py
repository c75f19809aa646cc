import numpy as np
import pytest

from discern.dataset.check import check_dataset
from discern.dataset.phantom_folder import disc_rows, discs_csv, patient_files
from discern.dataset.problems import Kind
from discern.dataset.samples import read_image
from discern.dataset.sources import Dataset, image_files, read_dataset
from discern.outputs import write_files
from discern.phantom.draw import Draw, DrawSettings, draw_patient, parse_changes
from discern.phantom.render import render_sagittal
from discern.spine import LABELS, LESION_LABELS, Label, Plane

FEW = DrawSettings(seed=9, lesions=True, changes=parse_changes(["prescription.sagittal_slices=3"]))


@pytest.fixture(scope="module")
def draws() -> list[Draw]:
    return [draw_patient(number, FEW) for number in range(2)]


@pytest.fixture(scope="module")
def dataset(draws: list[Draw], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("phantoms")
    for draw in draws:
        write_files(folder, patient_files(draw))
    rows = [row for draw in draws for row in disc_rows(draw)]
    write_files(folder, {"discs.csv": discs_csv(rows)})
    return read_dataset(folder)


def test_the_folder_reads_back_as_what_was_drawn(draws: list[Draw], dataset: Dataset) -> None:
    assert dataset.patients == tuple(draw.name for draw in draws)
    draw = draws[0]
    rendered = render_sagittal(
        draw.parameters,
        np.random.default_rng(draw.seed),
        prescription=draw.prescription,
        patient=draw.name,
    )
    read = {truth.image: truth for truth in dataset.truths}
    files = image_files(dataset.folder)
    for one in rendered:
        truth = read[one.truth.image]
        assert truth.boxes == one.truth.boxes
        assert truth.annotated == frozenset(LABELS)
        assert set(one.truth.ignored) <= set(truth.ignored)
        assert np.array_equal(read_image(files[truth.image]), one.image)
    axial = [truth for truth in dataset.truths if truth.plane is Plane.AXIAL]
    assert axial
    assert all(truth.annotated == frozenset(LESION_LABELS) for truth in axial)
    assert all(truth.discs_shown is not None for truth in axial)
    shown = frozenset[int]().union(*(truth.discs_shown or () for truth in axial))
    assert shown == {1, 2, 3, 4, 5}  # blocks along the five lowest discs


def test_discs_csv_says_what_each_disc_has(draws: list[Draw], dataset: Dataset) -> None:
    for draw in draws:
        parameters = draw.parameters
        for number, level in enumerate(reversed(parameters.levels), start=1):
            record = dataset.records[draw.name, number]
            assert record.herniation is (parameters.herniation_of(level) is not None)
            assert record.hiz is (parameters.lesions.zone_of(level) is not None)
    drawn = {box.label for truth in dataset.truths for box in truth.boxes}
    assert {Label.HERNIATION, Label.HIZ} <= drawn


def test_the_check_finds_nothing_wrong(dataset: Dataset) -> None:
    found = check_dataset(dataset.folder)
    assert {problem.kind for problem in found.problems} <= {Kind.ABSENT_CLASS}
