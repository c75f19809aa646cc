"""The images of a data set as they are: unreadable, blank, repeated, or shown for two patients."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from discern.dataset.check_split import Parts
from discern.dataset.duplicates import Signs, find_copies, fingerprint
from discern.dataset.problems import Kind, Problem
from discern.dataset.samples import read_image
from discern.dataset.sources import IMAGE_SUFFIXES, patient_of
from discern.errors import DatasetError


@dataclass(slots=True)
class Images:
    """Every image file, and of the readable ones the shape, hash and digest, by stem."""

    files: dict[str, Path] = field(default_factory=dict)
    shapes_px: dict[str, tuple[int, int]] = field(default_factory=dict)
    prints: dict[str, Signs] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def read_images(folder: Path) -> tuple[Images, list[Problem]]:
    """Read every image of ``folder/images``; problems of single files come with them."""
    images = Images()
    problems: list[Problem] = []
    for path in sorted((folder / "images").glob("*")):
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        place = f"images/{path.name}"
        if path.stem in images.files:
            problems.append(
                Problem(Kind.TWO_IMAGES, place, f"beside {images.files[path.stem].name}")
            )
        images.files[path.stem] = path
        try:
            image = read_image(path)
        except DatasetError:
            problems.append(Problem(Kind.UNREADABLE_IMAGE, place, "damaged, or of another format"))
            continue
        images.shapes_px[path.stem] = image.shape[0], image.shape[1]
        images.prints[path.stem] = fingerprint(image)
        content = f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()
        images.digests[path.stem] = hashlib.sha256(content).hexdigest()
        if np.ptp(image) == 0:
            problems.append(Problem(Kind.BLANK, place, f"every pixel is {image.flat[0]:g}"))
    return images, problems


def repeated(images: Images, splits: Mapping[str, Parts]) -> Iterator[Problem]:
    """Yield copies among different patients, and equal images within one patient."""
    of_patient = {stem: patient_of(stem) for stem in images.prints}
    for copy in find_copies(images.files, images.prints, of_patient):
        pair = (of_patient[copy.first], of_patient[copy.second])
        place = " and ".join(f"images/{images.files[x].name}" for x in (copy.first, copy.second))
        found = f"patients {pair[0]} and {pair[1]}, correlation {copy.correlation:.2f}"
        yield Problem(Kind.COPY, place, found + _where(pair, splits))
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stem, digest in images.digests.items():
        same[of_patient[stem], digest].append(images.files[stem].name)
    for (patient, _), names in sorted(same.items()):
        if len(names) > 1:
            yield Problem(Kind.REPEATED, ", ".join(names), f"patient {patient}")


def _where(pair: tuple[str, str], splits: Mapping[str, Parts]) -> str:
    """Return the parts that two patients are in, for every split that sets them apart."""
    said = ""
    for name, parts in splits.items():
        first, second = ([part for part in parts if one in parts[part]] for one in pair)
        if first and second and first != second:
            said += f"; {name}: {' and '.join(first)} against {' and '.join(second)}"
    return said
