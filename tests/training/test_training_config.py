import hashlib
import json
from dataclasses import asdict, replace

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from discern.dataset.epochs import AugmentationConfig  # noqa: E402
from discern.dataset.geometry import GeometryRange  # noqa: E402
from discern.errors import UsageError  # noqa: E402
from discern.model.detector import NetworkSize  # noqa: E402
from discern.model.loss_config import LossKind  # noqa: E402
from discern.phantom.training_set import SliceCounts  # noqa: E402
from discern.training.config import TrainingConfig, parse_config, read_config  # noqa: E402
from discern.training.overrides import Overrides, with_overrides  # noqa: E402


@pytest.mark.parametrize("name", ["yolov5", "paper", "best", "both-planes"])
def test_a_named_configuration_survives_toml(name: str) -> None:
    config = read_config(name)
    assert config.name == name
    assert parse_config(config.to_toml()) == config


def test_every_changed_value_survives_toml_and_changes_the_digest() -> None:
    plain = TrainingConfig()
    changed = replace(
        plain,
        epochs=7,
        augmentation=AugmentationConfig(range=GeometryRange(scale=(0.9, 1.1))),
        network=replace(plain.network, size=NetworkSize.S, anchors_px=(((1.0, 2.0),),) * 3),
    )
    assert parse_config(changed.to_toml()) == changed
    assert changed.digest != plain.digest
    assert parse_config(plain.to_toml()).digest == plain.digest


def test_the_named_configurations_are_what_the_tables_say() -> None:
    yolov5, paper, best = (read_config(name) for name in ("yolov5", "paper", "best"))
    assert not yolov5.network.attention
    assert not yolov5.network.residual_sppf
    assert paper.loss.kind is LossKind.LITERAL
    assert not paper.augmentation.geometry
    assert best.network.attention
    assert best.loss.kind is LossKind.YOLOV5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "unknown key epoch"),
        ("[network]\nwidth = 2", "unknown key network"),
        ("epochs = 3.5", "epochs"),
        ('epochs = "many"', "epochs"),
        ("epochs = true", "epochs"),
        ("epochs = 0", "at least 1"),
        ("[network]\nsize = 'x'", "network.size"),
        ("[augmentation.range]\nscale = [0.5]", "2 values"),
        ("network = 3", "table"),
        ("[loss]\nkind = 'literal'", "objectness"),
        ("[preprocessing]\nsize_px = 100", "multiple of 32"),
        ("phantom_share = 1.0", "phantom_share"),
        ("planted_share = 1.5", "planted_share"),
        ("epochs =", "not TOML"),
    ],
)
def test_a_bad_configuration_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_config(text)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="best, both-planes, paper, yolov5"):
        read_config("bets")


def test_the_command_line_changes_single_values() -> None:
    config = read_config("best")
    changed = with_overrides(config, Overrides(epochs=3, size="s", image_size_px=320))
    assert (changed.epochs, changed.network.size, changed.preprocessing.size_px) == (
        3,
        NetworkSize.S,
        320,
    )
    assert with_overrides(config, Overrides()) == config
    with pytest.raises(UsageError, match="choose one of n, s, m"):
        with_overrides(config, Overrides(size="xl"))


def test_values_added_later_count_only_where_they_are_used() -> None:
    plain = TrainingConfig()
    values = json.loads(json.dumps(asdict(plain)))
    del values["phantom_slices"], values["planted_copies"], values["planted_share"]
    del values["loss"]["lesion_objectness"]
    before = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    assert plain.digest == before
    assert replace(plain, planted_copies=1).digest != plain.digest
    lesions = replace(plain.loss, lesion_objectness=0.5)
    assert replace(plain, loss=lesions).digest != plain.digest
    assert replace(plain, planted_share=0.1).digest != plain.digest
    assert replace(plain, phantom_slices=SliceCounts(axial=2)).digest != plain.digest
