"""Pages made for tests, and a reader of their tags."""

from html.parser import HTMLParser

import numpy as np
from evaluation_cases import random_case

from discern.evaluation.material import Material
from discern.evaluation.metrics import EvaluationOptions
from discern.imaging.pixels import Image

FEW = EvaluationOptions(resamples=30)


class Tags(HTMLParser):
    """Every tag with its attributes and the text directly inside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_data(self, data: str) -> None:
        if self.all:
            self.all[-1][2].append(data)

    def of(self, tag: str, css_class: str = "") -> list[dict[str, str]]:
        """Return the attributes of the tags that have a class."""
        return [
            attributes
            for name, attributes, _ in self.all
            if name == tag and css_class in f"{attributes.get('class', '')} ".split(" ")
        ]

    def text_of(self, tag: str) -> list[str]:
        return ["".join(text).strip() for name, _, text in self.all if name == tag]


def noise(stem: str) -> Image:
    """Return an image that depends on nothing but the name."""
    generator = np.random.default_rng(list(stem.encode()))
    return generator.uniform(0, 4000, (200, 200)).astype(np.float32)


def readable(seed: int = 1, patients: int = 4) -> Material:
    """Return a random case with an image for each truth."""
    case = random_case(seed, patients=patients)
    return Material(case.truths, case.predictions, digest="a" * 64, read=noise)
