import pytest

pytest.importorskip("torch", reason="needs the train extra: pip install 'discern-lumbar[train]'")

import torch

from discern.model.targets import Targets


def test_targets_move_as_a_whole() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    targets = Targets(torch.zeros(0, 4), none, none, torch.ones(2, 7) > 0, torch.zeros(0, 4), none)

    moved = targets.to("meta")

    assert moved.boxes_xyxy_px.is_meta
    assert moved.labels.is_meta
    assert moved.ignored_image_index.is_meta
    assert moved.annotated.dtype is torch.bool
    assert not targets.boxes_xyxy_px.is_meta
