"""``discern compare-readers``: people and a model who read the same images (paper 2.6, 3.2)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from discern.annotations import GroundTruth
from discern.dataset.sources import Dataset, read_dataset
from discern.errors import UsageError
from discern.evaluation.comparison import ComparisonOptions
from discern.evaluation.comparison_tables import file_stem
from discern.evaluation.predictions import Predictions, read_predictions
from discern.evaluation.reader_files import read_reader
from discern.evaluation.reader_report import reader_files, results_text
from discern.evaluation.readers import MODEL, TRUTH, Images, study_readers
from discern.inference.evaluate import Selection, selected_truths
from discern.outputs import check_folder, write_files


@dataclass(frozen=True, slots=True)
class ReaderStudyJob:
    """One run of ``discern compare-readers``.

    Attributes:
        truth: Data set: ``images/`` and ``annotations/``.
        readers: A folder of LabelMe files for each; its name is the reader's.
        model: Predictions file or folder of findings.
        selection: The images that were read.
        margin: Of non-inferiority in the linearly weighted kappa.
        options: Resamples, permutations, seed, thresholds of the model.
    """

    truth: Path
    readers: Sequence[Path]
    model: Path | None = None
    selection: Selection = field(default_factory=Selection)
    margin: float | None = None
    options: ComparisonOptions = field(default_factory=ComparisonOptions)


def run_reader_study(job: ReaderStudyJob, out: Path) -> str:
    """Compare, write everything to ``out`` or nothing, and return the text of the results.

    Raises:
        UsageError: Readers without distinct names, a margin that is none, no image selected.
        DatasetError: Truth, annotations or predictions cannot be used, or are of other images.
        OutputError: The folder cannot be written.
    """
    names = _reader_names(job.readers)
    if job.margin is not None and not 0 < job.margin < 1:
        raise UsageError(f"--margin {job.margin:g}: a difference in kappa between 0 and 1")
    check_folder(out)
    dataset = read_dataset(job.truth)
    truths = selected_truths(dataset, job.selection)
    known = {truth.image for truth in dataset.truths}
    readers = {
        name: read_reader(folder, truths, known)
        for name, folder in zip(names, job.readers, strict=True)
    }
    model = None if job.model is None else _model(job.model, dataset, truths)
    images = Images(truths, dataset.digest, dataset.records)
    study = study_readers(images, readers, model, job.options, job.margin)
    write_files(out, reader_files(study))
    return results_text(study)


def _reader_names(folders: Sequence[Path]) -> list[str]:
    """Return the names of the folders; they also name the files that are written."""
    names = [folder.resolve().name for folder in folders]
    stems = Counter(file_stem(name) for name in names)
    for name in names:
        stem = file_stem(name)
        if stem in ("", TRUTH, MODEL):
            raise UsageError(f"a reader cannot be called {name!r}; rename the folder")
        if stems[stem] > 1:
            raise UsageError(f"two readers are called {name!r}; give their folders distinct names")
    return names


def _model(path: Path, dataset: Dataset, truths: Sequence[GroundTruth]) -> Predictions:
    """Return the predictions for the chosen images; those of the others are left aside."""
    chosen = [truth.image for truth in truths]
    left_aside = {truth.image for truth in dataset.truths} - set(chosen)
    known = read_predictions(path, chosen)
    return {image: boxes for image, boxes in known.items() if image not in left_aside}
