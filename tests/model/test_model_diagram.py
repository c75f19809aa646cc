from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

from matplotlib.figure import Figure

from discern.errors import UsageError
from discern.model.detector import NetworkConfig, NetworkSize, build_detector
from discern.model.diagram import draw_network, network_figure
from discern.model.diagram_layout import PLACES
from discern.model.summary import summarize

PLAIN = NetworkConfig(attention=False, residual_sppf=False)


def _words(figure: Figure) -> list[str]:
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text.get_text() for text in texts]


def test_every_block_of_the_network_is_drawn_with_its_parameters() -> None:
    config = NetworkConfig(size=NetworkSize.S)
    blocks = summarize(build_detector(config))

    words = _words(network_figure(config))

    assert set(PLACES) == set(blocks)
    for block in blocks.values():
        assert f"{block.inputs} → {block.outputs} · {block.parameters:,}" in words
    assert any("9,146,958 parameters" in text for text in words)


def test_the_modules_are_drawn_only_where_the_network_has_them() -> None:
    with_modules, without = _words(network_figure(NetworkConfig())), _words(network_figure(PLAIN))

    assert {"C3 with Module 1", "SPPF with Module 2", "Sigmoid", "residual"} <= set(with_modules)
    assert {"C3", "SPPF"} <= set(without)
    assert not {"Sigmoid", "residual", "SE-like attention"} & set(without)


@pytest.mark.parametrize(
    ("name", "start"), [("n.svg", b"<?xml"), ("n.png", b"\x89PNG"), ("n.pdf", b"%PDF")]
)
def test_writes_the_kind_of_file_that_is_named(tmp_path: Path, name: str, start: bytes) -> None:
    draw_network(PLAIN, tmp_path / "figures" / name)

    assert (tmp_path / "figures" / name).read_bytes().startswith(start)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw_network(PLAIN, tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.svg, \.png, \.pdf"):
        draw_network(PLAIN, tmp_path / "network.docx")
    assert not list(tmp_path.iterdir())
