"""Table 3 of the paper for any data set: how many boxes of each class, by plane and part."""

from collections.abc import Sequence

from discern.dataset.cohort import Group
from discern.evaluation.table_formats import Table
from discern.spine import GRADE_LABELS, LESION_LABELS, Label, PfirrmannGrade, Plane

_NAMES = {
    **{label: f"Pfirrmann grade {PfirrmannGrade(int(label[-1]))}" for label in GRADE_LABELS},
    Label.HERNIATION: "Disc herniation",
    Label.HIZ: "High-intensity zone",
}
_NOT_ANNOTATED = "-"


def annotation_table(groups: Sequence[Group], *, derived: Sequence[str] = ()) -> Table:
    """Return the boxes of each class and plane, and what they were drawn on, for each group.

    ``derived`` names the data sets whose lesion boxes no reader drew.
    """
    rows = [(_NAMES[label], *_boxes(groups, label, Plane.SAGITTAL)) for label in GRADE_LABELS]
    rows += [
        (f"{_NAMES[label]} ({plane})", *_boxes(groups, label, plane))
        for label in LESION_LABELS
        for plane in (Plane.AXIAL, Plane.SAGITTAL)
    ]
    rows += [
        (f"Images ({plane})", *(str(group.images(plane)) for group in groups))
        for plane in (Plane.AXIAL, Plane.SAGITTAL)
    ]
    discs = [group.discs for group in groups]
    rows.append(("Graded discs", *(_NOT_ANNOTATED if one is None else str(one) for one in discs)))
    rows.append(("Patients", *(str(len(group.patients)) for group in groups)))
    notes = [
        "A dash: the class is not annotated on any image of that plane.",
        "The number of slices on which one lesion is seen may differ between the planes.",
    ]
    notes += [f"{name}: lesion boxes were derived from gradings, not drawn." for name in derived]
    if None in discs:
        notes.append("Graded discs are counted where every graded box has its group_id.")
    return Table(
        "table-3-annotations",
        "Table 3. Number of annotations",
        ("Class", *(group.title for group in groups)),
        tuple(rows),
        tuple(notes),
    )


def _boxes(groups: Sequence[Group], label: Label, plane: Plane) -> list[str]:
    return [_count(group, label, plane) for group in groups]


def _count(group: Group, label: Label, plane: Plane) -> str:
    truths = [truth for truth in group.truths if truth.plane is plane]
    if not any(label in truth.annotated for truth in truths):
        return _NOT_ANNOTATED
    return str(sum(box.label is label for truth in truths for box in truth.boxes))
