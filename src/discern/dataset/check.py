"""Everything wrong with a data set and its splits, at once: ``discern dataset check``.

The files are read as they are. What ``sources`` would refuse or clip is listed instead, so that
one pass tells all that has to be repaired.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from discern.dataset.check_annotation import Checked, check_annotation
from discern.dataset.check_images import Images, read_images, repeated
from discern.dataset.check_split import Parts, check_splits
from discern.dataset.patients import PATIENTS_FILE, read_patients
from discern.dataset.problems import Kind, Problem, counted, errors_in
from discern.dataset.sources import patient_of, read_dataset
from discern.errors import DatasetError
from discern.spine import GRADE_LABELS, LABELS, LESION_LABELS, Label, Plane


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was looked at, and what is wrong with it."""

    name: str
    images: int
    patients: int
    boxes: int
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """Number of errors."""
        return errors_in(self.problems)

    @property
    def looked_at(self) -> str:
        """One line: how much was looked at."""
        boxes = "1 box" if self.boxes == 1 else f"{self.boxes} boxes"
        images, patients = counted(self.images, "image"), counted(self.patients, "patient")
        return f"{self.name}: {images}, {patients}, {boxes}"


def check_dataset(folder: Path, splits: Sequence[Path] = ()) -> CheckReport:
    """Check the images, annotations, tables and splits of a data set; never stop at the first.

    Raises:
        DatasetError: There is no such folder.
    """
    name = folder.resolve().name
    if not folder.is_dir():
        raise DatasetError(
            f"{name}: {'a file' if folder.exists() else 'no such folder'}; name the folder that "
            "holds images/ and annotations/"
        )
    annotations = sorted((folder / "annotations").glob("*.json"))
    if not annotations:
        nothing = Problem(Kind.NO_DATA, name, "no annotations/*.json")
        return CheckReport(name, 0, 0, 0, (nothing,))
    images, problems = read_images(folder)
    checked = {p.stem: check_annotation(p, images.shapes_px.get(p.stem)) for p in annotations}
    problems += [problem for one in checked.values() for problem in one.problems]
    problems += _pairing(checked, images)
    problems += _whole(checked)
    patients = frozenset(map(patient_of, checked))
    problems += _tables(folder, patients)
    digest = None
    if not errors_in(problems):
        try:
            digest = read_dataset(folder).digest
        except DatasetError as error:
            problems.append(Problem(Kind.TABLE, name, str(error)))
    parts, found = check_splits(splits, patients, digest)
    problems += [*found, *_absent_in_parts(checked, parts), *repeated(images, parts)]
    boxes = sum(len(one.boxes) for one in checked.values())
    return CheckReport(name, len(images.files), len(patients), boxes, tuple(problems))


def _pairing(checked: Mapping[str, Checked], images: Images) -> Iterator[Problem]:
    for stem in checked:
        if stem not in images.files:
            yield Problem(Kind.LONE_ANNOTATION, f"annotations/{stem}.json", f"no images/{stem}.*")
    for stem, path in images.files.items():
        if stem not in checked:
            yield Problem(Kind.UNANNOTATED, f"images/{path.name}", f"no annotations/{stem}.json")


def _whole(checked: Mapping[str, Checked]) -> Iterator[Problem]:
    """Yield what only shows over all images: patients, classes, grades that change."""
    patients = {patient_of(stem) for stem in checked}
    if len(patients) == 1:
        yield Problem(Kind.ONE_PATIENT, "annotations", f"all files are of {min(patients)}")
    for plane in sorted({one.plane for one in checked.values()}):
        for label in _absent(checked.values(), plane):
            yield Problem(Kind.ABSENT_CLASS, "annotations", f"no {label} on any {plane} image")
    grades: dict[tuple[str, int], set[Label]] = defaultdict(set)
    for stem, one in checked.items():
        graded = [box for box in one.boxes if box.label in GRADE_LABELS]
        times = Counter(box.disc for box in graded)
        for box in graded:
            if box.disc is not None and times[box.disc] == 1:  # two on one image are told there
                grades[patient_of(stem), box.disc].add(box.label)
    for (patient, disc), labels in sorted(grades.items()):
        if len(labels) > 1:
            found = f"group_id {disc}: {', '.join(sorted(labels))}"
            yield Problem(Kind.CHANGING_GRADE, f"patient {patient}", found)


def _absent(files: Iterable[Checked], plane: Plane) -> list[Label]:
    """Return the labels that could be drawn in ``plane`` and are not."""
    possible = LABELS if plane is Plane.SAGITTAL else LESION_LABELS
    there = {box.label for one in files if one.plane is plane for box in one.boxes}
    return [label for label in possible if label not in there]


def _absent_in_parts(
    checked: Mapping[str, Checked], splits: Mapping[str, Parts]
) -> Iterator[Problem]:
    """Yield classes that a part of a split lacks although the data set has them."""
    for plane in sorted({one.plane for one in checked.values()}):
        nowhere = _absent(checked.values(), plane)
        for name, parts in splits.items():
            for part, patients in parts.items():
                files = [one for stem, one in checked.items() if patient_of(stem) in patients]
                lacking = [one for one in _absent(files, plane) if one not in nowhere]
                for label in lacking if patients else []:
                    found = f"no {label} on any {plane} image of the part {part}"
                    yield Problem(Kind.ABSENT_CLASS, name, found)


def _tables(folder: Path, patients: frozenset[str]) -> Iterator[Problem]:
    """Yield what is wrong with ``patients.csv``, where there is one."""
    try:
        records = read_patients(folder)
    except DatasetError as error:
        yield Problem(Kind.TABLE, PATIENTS_FILE, str(error).removeprefix(PATIENTS_FILE).strip(": "))
        return
    for patient in sorted(patients - set(records)) if records else []:
        yield Problem(Kind.UNKNOWN_PATIENT, PATIENTS_FILE, f"no row for patient {patient}")
