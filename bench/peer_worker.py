"""One training of a network of Ultralytics and its answers, run by the Python that has it.

    PEER_PYTHON bench/peer_worker.py JOB.json

Started by ``bench/public_peers.py``, one process for each fold. Ultralytics is AGPL: this file
imports it and nothing of Discern, and Discern never imports this file. ``JOB.json`` says what to
train on and what to read; ``predictions.json`` and ``facts.json`` are written beside it.

- From scratch, settings of the maker but for: no left-right flip (it mirrors front and back), no
  mixed precision (its check downloads weights), images kept in memory.
- The answers are those of the last epoch's averaged weights. Nothing is validated, so nothing of
  the fold can be chosen on.
- Beside the CPU build of PyTorch torchvision lacks its compiled operators; two are declared then,
  and non-maximum suppression has the Python body below.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

CONFIDENCE = 0.01
"""Weakest box kept; the evaluation has thresholds of its own."""


def declare_operators() -> None:
    """Give torchvision the operators without which it cannot be imported, where it has none."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return
    declared: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    declared.impl("nms", suppress, "CPU")
    globals()["_DECLARED"] = declared  # an operator lives as long as its library
    from torchvision import extension

    extension._has_ops = lambda: True  # noqa: SLF001 - it looks for the compiled library


def suppress(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Return the indices of the boxes to keep, best first (greedy suppression).

    Args:
        boxes: (N, 4) tensor, xyxy.
        scores: (N,) tensor.
        iou_threshold: The weaker of two boxes goes when they overlap by more.
    """
    import torch

    order = scores.argsort(descending=True)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        top_left = torch.maximum(boxes[rest, :2], boxes[best, :2])
        bottom_right = torch.minimum(boxes[rest, 2:], boxes[best, 2:])
        shared = (bottom_right - top_left).clamp(min=0).prod(1)
        order = rest[shared / (area[rest] + area[best] - shared) <= iou_threshold]
    return torch.stack(kept) if kept else order


def train(job: dict[str, Any], folder: Path) -> Any:
    """Return the trainer after its last epoch."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    class Trainer(DetectionTrainer):  # type: ignore[misc]
        """Looks at no validation image and writes no checkpoint."""

        def validate(self) -> tuple[dict[str, float], float]:
            return {}, 0.0

        def save_model(self) -> bool:
            return False

        def final_eval(self) -> None:
            return None

    settings = {
        "model": f"{job['model']}.yaml",
        "data": job["data"],
        "epochs": job["epochs"],
        "imgsz": job["size_px"],
        "batch": job["batch"],
        "device": job["device"],
        "seed": job["seed"],
        "pretrained": False,
        "fliplr": 0.0,
        "amp": False,
        "cache": "ram",
        "workers": 2,
        "patience": job["epochs"],
        "val": False,
        "save": False,
        "plots": False,
        "verbose": False,
        "project": str(folder),
        "name": "training",
        "exist_ok": True,
    }
    if job["minutes"]:
        settings["time"] = job["minutes"] / 60
    trainer = Trainer(overrides=settings)
    trainer.train()
    return trainer


def predict(job: dict[str, Any], model: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the boxes of every image by its stem, with the scores of all classes trained on."""
    import torch
    from ultralytics.models.yolo.detect import DetectionPredictor
    from ultralytics.utils import nms, ops

    class Predictor(DetectionPredictor):  # type: ignore[misc]
        """Keeps the scores of all classes of a box, not only of the best."""

        def postprocess(self, preds: Any, img: Any, orig_imgs: Any, **_: Any) -> list[Any]:
            raw = preds[0] if isinstance(preds, (list, tuple)) else preds  # (B, 4 + C, N)
            every = [one[4:].T.clone() for one in raw]
            found, kept = nms.non_max_suppression(
                raw, self.args.conf, self.args.iou, max_det=self.args.max_det, return_idxs=True
            )
            answers = []
            for boxes, rows, scores, image in zip(found, kept, every, orig_imgs, strict=True):
                placed = ops.scale_boxes(img.shape[2:], boxes[:, :4], image.shape)
                answers.append(
                    torch.cat([placed, boxes[:, 4:6], scores[rows.long().view(-1)]], 1).cpu()
                )
            self.answers += answers
            results: list[Any] = self.construct_results(found, img, orig_imgs)
            return results

    settings = {
        "mode": "predict",
        "model": f"{job['model']}.yaml",
        "imgsz": job["size_px"],
        "device": job["device"],
        "conf": CONFIDENCE,
        "save": False,
        "verbose": False,
    }
    predictor = Predictor(overrides=settings)
    predictor.answers = []
    predictor(source=job["images"], model=model)
    pairs = zip(job["images"], predictor.answers, strict=True)
    return {Path(path).stem: boxes_json(rows.tolist(), job["classes"]) for path, rows in pairs}


def boxes_json(rows: list[list[float]], classes: list[str]) -> list[dict[str, Any]]:
    """Return rows of x1, y1, x2, y2, score, class and all scores as boxes; those without area go.

    >>> boxes_json([[1, 2, 3, 4, 0.5, 1, 0.25, 0.5]], ["a", "b"])[0]["label"]
    'b'
    """
    return [
        {
            "label": classes[int(row[5])],
            "score": round(row[4], 4),
            "class_scores": [round(score, 4) for score in row[6:]],
            "box_xyxy_px": [round(value, 1) for value in row[:4]],
        }
        for row in rows
        if round(row[0], 1) < round(row[2], 1) and round(row[1], 1) < round(row[3], 1)
    ]


def main() -> None:
    """Train, predict, write both files."""
    file = Path(sys.argv[1])
    job, folder = json.loads(file.read_text(encoding="utf-8")), file.parent
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    declare_operators()

    import torch
    import ultralytics

    torch.set_num_threads(job["threads"])
    ultralytics.settings.update({"sync": False})
    started = time.monotonic()
    trainer = train(job, folder)
    seconds = time.monotonic() - started
    model = trainer.ema.ema.float().eval()
    predictions = predict(job, model)
    weights = folder / "weights.pt"
    torch.save(model.half().state_dict(), weights)
    gpu = trainer.device.type == "cuda"
    facts = {
        "train_seconds": round(seconds, 1),
        "epochs": trainer.epoch + 1,
        "parameters": sum(one.numel() for one in model.parameters()),
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "torch": torch.__version__,
        "ultralytics": ultralytics.__version__,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    (folder / "predictions.json").write_text(json.dumps(predictions), encoding="utf-8")
    (folder / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
