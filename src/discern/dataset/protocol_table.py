"""Table 1 of the paper for any data set: scanning parameters, from DICOM headers or a table."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from discern.dataset.cohort import Group
from discern.dataset.patients import PATIENTS_FILE
from discern.dataset.protocol import Acquisition, Protocol
from discern.evaluation.table_formats import Table
from discern.spine import Plane

_NOT_KNOWN = "-"
_PLANES = (Plane.AXIAL, Plane.SAGITTAL)
_PIXEL_SPACING, _THICKNESS = "{} pixel spacing (mm)", "{} slice thickness (mm)"
_BETWEEN, _SLICES = "{} spacing between slices (mm)", "{} slices of a series"
Rows = dict[str, str]


def protocol_table(groups: Sequence[Group], dicom: Protocol | None) -> Table:
    """Return ranges of the parameters; the first group's come from ``dicom`` where it is given."""
    described = [_from_patients(group) for group in groups]
    notes = ["A range where the value differs between patients. A dash: not known."]
    if dicom is not None:
        described[0] = _from_dicom(dicom)
        notes.append(
            f"{groups[0].title}: from the DICOM headers of {_studies(dicom.studies)}"
            + (f"; {dicom.left_out} without sagittal T2 left out." if dicom.left_out else ".")
        )
    if dicom is None or len(groups) > 1:
        notes.append(
            f"From {PATIENTS_FILE} and the images, which do not say TR, TE or the distance of "
            "slices: give the studies with --dicom."
        )
    names = _row_names()
    return Table(
        "table-1-protocol",
        "Table 1. MRI scanning parameters of the T2-weighted images",
        ("Parameter", *(group.title for group in groups)),
        tuple((name, *(one.get(name, _NOT_KNOWN) for one in described)) for name in names),
        tuple(notes),
    )


def _studies(count: int) -> str:
    return "1 study" if count == 1 else f"{count} studies"


def _row_names() -> list[str]:
    rows = ("{} TR/TE (ms)", "{} matrix", _PIXEL_SPACING, _THICKNESS, _BETWEEN, _SLICES)
    named = [row.format(plane.capitalize()) for plane in _PLANES for row in rows]
    return ["Scanner", "Field strength (T)", *named]


def _from_dicom(protocol: Protocol) -> Rows:
    sagittal = [one for one in protocol.acquisitions if one.plane is Plane.SAGITTAL]
    rows = {
        "Scanner": _listed(one.scanner for one in sagittal),
        "Field strength (T)": _range(one.field_strength_t for one in sagittal),
    }
    for plane in _PLANES:
        series = [one for one in protocol.acquisitions if one.plane is plane]
        rows |= {f"{plane.capitalize()} {k}": v for k, v in _series_rows(series).items()}
    return rows


def _series_rows(series: Sequence[Acquisition]) -> Rows:
    def of(value: Callable[[Acquisition], float | None], digits: int = 1) -> str:
        return _range((value(one) for one in series), digits)

    return {
        "TR/TE (ms)": f"{of(lambda one: one.repetition_time_ms, 0)}/"
        f"{of(lambda one: one.echo_time_ms, 0)}",
        "matrix": _matrix(one.shape_px for one in series),
        "pixel spacing (mm)": _range(_spacings(one.pixel_spacing_mm for one in series), 2),
        "slice thickness (mm)": of(lambda one: one.slice_thickness_mm),
        "spacing between slices (mm)": of(lambda one: one.slice_spacing_mm),
        "slices of a series": of(lambda one: one.slices, 0),
    }


def _from_patients(group: Group) -> Rows:
    """Return what ``patients.csv`` and the images say; its spacings are those of sagittal T2."""
    records = group.records
    rows = {
        "Scanner": _listed(
            " ".join(filter(None, (one.vendor, one.model))) or None for one in records
        ),
        "Field strength (T)": _listed(one.text_of("field_strength_t") for one in records),
        _PIXEL_SPACING.format("Sagittal"): _range(
            _spacings(one.pixel_spacing_mm for one in records), 2
        ),
        _THICKNESS.format("Sagittal"): _range((one.slice_thickness_mm for one in records), 1),
    }
    for plane in _PLANES:
        shapes = [truth.shape_px for truth in group.truths if truth.plane is plane]
        rows[f"{plane.capitalize()} matrix"] = _matrix(shapes)
    return rows


def _spacings(pairs: Iterable[tuple[float, float] | None]) -> list[float]:
    return [spacing for pair in pairs if pair is not None for spacing in pair]


def _range(values: Iterable[float | None], digits: int = 1) -> str:
    """Return the smallest to the largest known value.

    >>> _range([4.0, None, 3.5]), _range([3.0, 3.0]), _range([])
    ('3.5-4', '3', '-')
    """
    known = [value for value in values if value is not None]
    if not known:
        return _NOT_KNOWN
    low, high = (f"{round(value, digits):.6g}" for value in (min(known), max(known)))
    return low if low == high else f"{low}-{high}"


def _matrix(shapes_px: Iterable[tuple[int, int]]) -> str:
    """Return rows x columns: the only one, or the smallest and the largest by area."""
    sizes = sorted(set(shapes_px), key=lambda shape: (shape[0] * shape[1], shape))
    ends = [
        f"{rows} \N{MULTIPLICATION SIGN} {columns}"
        for rows, columns in (*sizes[:1], *sizes[1:][-1:])
    ]
    return " to ".join(ends) or _NOT_KNOWN


def _listed(values: Iterable[str | None]) -> str:
    """Return the values with the number of patients, the most frequent first."""
    counts = Counter(value for value in values if value)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{value} ({count})" for value, count in ordered) or _NOT_KNOWN
