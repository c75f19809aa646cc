"""``discern dataset summary``: Tables 1 to 3 and Figure 1 of the paper for any data set."""

from dataclasses import dataclass
from pathlib import Path

from discern.dataset.annotation_counts import annotation_table
from discern.dataset.cohort import everybody, groups_of, not_used
from discern.dataset.demographics import demographics_table
from discern.dataset.exclusions import read_exclusions
from discern.dataset.protocol import read_protocol
from discern.dataset.protocol_table import protocol_table
from discern.dataset.sources import read_dataset
from discern.dataset.splits import read_split
from discern.dataset.stard import Flow, stard_files
from discern.evaluation.table_formats import Table, table_files
from discern.networks import TrainedOn


@dataclass(frozen=True, slots=True)
class SummaryInput:
    """What a summary is made from.

    Attributes:
        dataset: Folder of the data set.
        split: Its split file; without it all patients are one group.
        external: Folder of a second data set, shown beside the first.
        dicom: Folder of the studies that the images were taken from.
    """

    dataset: Path
    split: Path | None = None
    external: Path | None = None
    dicom: Path | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The tables, and every file by name."""

    tables: tuple[Table, ...]
    files: dict[str, bytes]


def summarize(given: SummaryInput) -> Summary:
    """Read everything and return tables (text, CSV, LaTeX, HTML) and the flow diagram.

    Raises:
        DatasetError: A data set, split, patients.csv or exclusions.csv cannot be used.
        InputError: The DICOM folder cannot be read.
        NothingToAnalyze: It holds no sagittal T2 series.
    """
    dataset = read_dataset(given.dataset)
    split = None if given.split is None else read_split(given.split, dataset)
    groups = groups_of(dataset, split)
    other = None if given.external is None else read_dataset(given.external)
    external = None if other is None else everybody(other, "External test set")
    beside = [] if external is None else [external]
    whole = everybody(dataset, "Internal dataset" if beside else "All patients")
    derived = [
        one.name
        for one in (dataset, other)
        if one is not None and one.lesion_boxes is TrainedOn.DERIVED
    ]
    dicom = None if given.dicom is None else read_protocol(given.dicom)
    counted = [*groups, whole] if split is not None else [whole]
    tables = (
        protocol_table([whole, *beside], dicom),
        demographics_table([*(groups if split is not None else [whole]), *beside]),
        annotation_table([*counted, *beside], derived=derived),
    )
    flow = Flow(
        included=whole,
        parts=() if split is None else (*groups, *not_used(dataset, split)),
        external=external,
        exclusions=read_exclusions(dataset.folder, dataset.patients),
    )
    files = {name: content for table in tables for name, content in table_files(table).items()}
    return Summary(tables, files | stard_files(flow))
