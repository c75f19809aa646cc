import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

from discern.model.detector import NetworkConfig, NetworkSize, build_detector
from discern.model.summary import BlockKind, parameter_count, summarize


@pytest.mark.parametrize("size", list(NetworkSize))
def test_the_blocks_hold_every_parameter_of_the_network(size: NetworkSize) -> None:
    detector = build_detector(NetworkConfig(size=size))

    blocks = summarize(detector)

    assert sum(block.parameters for block in blocks.values()) == parameter_count(detector)
    assert len(blocks) == 21


def test_blocks_come_in_running_order_with_their_strides() -> None:
    blocks = summarize(build_detector(NetworkConfig(size=NetworkSize.S)))

    backbone = [block for name, block in blocks.items() if name.startswith("backbone")]
    assert [block.stride for block in backbone] == [2, 4, 4, 8, 8, 16, 16, 32, 32, 32]
    assert [block.outputs for block in backbone] == [32, 64, 64, 128, 128, 256, 256, 512, 512, 512]
    assert backbone[0].kernel == 6
    assert [block.repeats for block in backbone if block.kind is BlockKind.C3] == [1, 2, 3, 1]
    heads = [block for block in blocks.values() if block.kind is BlockKind.DETECT]
    assert [(block.stride, block.outputs) for block in heads] == [(8, 36), (16, 36), (32, 36)]


def test_summing_up_leaves_the_detector_as_it_was() -> None:
    detector = build_detector(NetworkConfig()).train()
    before = detector.backbone.stem.norm.state_dict()["running_mean"].clone()

    summarize(detector)

    assert detector.training
    assert (detector.backbone.stem.norm.state_dict()["running_mean"] == before).all()
    assert not any(module._forward_hooks for module in detector.modules())  # noqa: SLF001 - the only place to look
