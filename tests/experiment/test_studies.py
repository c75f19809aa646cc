from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from discern.dataset.sources import Dataset, read_dataset
from discern.errors import DatasetError, UsageError
from discern.experiment.ledger import run_key
from discern.experiment.studies import (
    Arm,
    Budget,
    Study,
    ablation_arms,
    arms_of,
    held_out_splits,
    learning_curve_arms,
    parse_study,
)
from discern.training.data import read_run_data
from discern.training.manifest import parameters_of
from four_images import LEARNING, write_four_images

BUDGET = Budget(epochs=26, image_size_px=64)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_four_images(tmp_path_factory.mktemp("four") / "four")


def _changed(arm: Arm, reference: Arm) -> set[str]:
    """The parts of the configuration in which two arms differ."""
    one, other = asdict(arm.config), asdict(reference.config)
    return {f"{part}" for part in one if part != "name" and one[part] != other[part]}


def test_every_arm_changes_one_factor(dataset: Dataset) -> None:
    arms = {arm.name: arm for arm in ablation_arms(BUDGET, held_out_splits(dataset, 2))}
    reference = arms["yolov5"]
    factors = {name: _changed(arm, reference) for name, arm in arms.items()}
    assert factors == {
        "yolov5": set(),
        "module-1": {"network"},
        "module-1-control": {"network"},
        "module-2": {"network"},
        "literal-loss": {"network", "loss"},  # objectness belongs to the other loss
        "paper-augmentation": {"augmentation", "epochs"},
        "no-augmentation": {"augmentation"},
        "paper": {"network", "loss", "augmentation", "epochs"},
    }


def test_the_control_of_module_1_is_as_large(dataset: Dataset) -> None:
    arms = {arm.name: arm for arm in ablation_arms(BUDGET, held_out_splits(dataset, 2))}
    attention, control = (parameters_of(arms[n].config) for n in ("module-1", "module-1-control"))
    assert control == pytest.approx(attention, rel=0.02)
    assert attention > parameters_of(arms["yolov5"].config) == 1_772_236


def test_all_arms_make_as_many_steps(dataset: Dataset) -> None:
    shown = {}
    for arm in ablation_arms(BUDGET, held_out_splits(dataset, 2)):
        plan = read_run_data(arm.config, dataset, arm.splits[0]).plan(arm.config)
        shown[arm.name] = plan.length * arm.config.epochs
    assert shown["paper"] == pytest.approx(shown["yolov5"], rel=0.25)  # two patients, whole images
    assert shown["paper"] == shown["paper-augmentation"]
    assert len({shown[name] for name in shown if "paper" not in name}) == 1


def test_a_learning_curve_nests_its_patients_and_keeps_the_steps(dataset: Dataset) -> None:
    (split, *_) = held_out_splits(dataset, 4)
    wide = replace(split, train=tuple(str(i) for i in range(40)))
    arms = learning_curve_arms(BUDGET.applied_to(LEARNING), (wide,))
    parts = [set(arm.splits[0].train) for arm in arms]
    assert [len(part) for part in parts] == [10, 20, 30, 40]
    assert all(small < large for small, large in pairwise(parts))
    seen = [len(arm.splits[0].train) * arm.config.epochs for arm in arms]
    assert max(seen) - min(seen) <= 40
    assert {arm.splits[0].test for arm in arms} == {split.test}


def test_transfer_trains_on_one_vendor_and_tests_on_the_other(tmp_path: Path) -> None:
    write_four_images(tmp_path / "four")
    rows = ["patient,manufacturer", "p0,SIEMENS", "p1,Philips Healthcare"]
    rows += ["p2,Philips Medical Systems", "p3,"]
    (tmp_path / "four" / "patients.csv").write_text("\n".join(rows) + "\n")
    arms = arms_of(Study.TRANSFER, read_dataset(tmp_path / "four"), BUDGET, 2)
    trained = {arm.name: arm.splits[0] for arm in arms}
    assert trained["yolov5-trained-on-siemens"].train == ("p0",)
    assert trained["yolov5-trained-on-siemens"].test == ("p1", "p2")
    assert trained["paper-trained-on-philips"].train == ("p1", "p2")


def test_what_cannot_be_studied_is_refused(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="ablation, learning-curve, transfer"):
        parse_study("everything")
    with pytest.raises(DatasetError, match=r"needs patients\.csv"):
        arms_of(Study.TRANSFER, dataset, BUDGET, 2)
    with pytest.raises(DatasetError, match="5 folds: choose 2 to 4"):
        arms_of(Study.ABLATION, dataset, BUDGET, 5)


def test_a_run_is_known_by_what_decides_it_and_not_by_its_name(dataset: Dataset) -> None:
    first, second = held_out_splits(dataset, 2)
    config = BUDGET.applied_to(LEARNING)
    key = run_key(config, first)
    assert key == run_key(replace(config, name="other"), first)
    assert key != run_key(config, second)
    assert key != run_key(replace(config, seed=1), first)
    assert key != run_key(replace(config, epochs=27), first)
