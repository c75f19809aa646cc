"""Out-of-fold predictions to weights that know how sure they are."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from discern.calibration.embedding import calibrated_weights
from discern.calibration.fit import CalibrationOptions, calibrate
from discern.calibration.points import DEFAULT
from discern.calibration.report import calibration_files, calibration_text
from discern.dataset.sources import read_dataset
from discern.dataset.splits import read_fold_splits
from discern.errors import DatasetError, UsageError
from discern.evaluation.agreement import GRADES
from discern.evaluation.published import LesionPlane
from discern.findings import LesionThreshold
from discern.inference.evaluate import (
    Selection,
    given_predictions,
    material_of,
    selected_truths,
)
from discern.outputs import check_folder, write_files
from discern.spine import LESION_LABELS, Label, Plane
from discern.weights import load_weights, shipped_weights

WEIGHTS = "weights.onnx"
FEWEST_FOLDS = 2


@dataclass(frozen=True, slots=True)
class CalibrationJob:
    """One run of ``discern calibrate``.

    Attributes:
        dataset: Folder with images and annotations.
        predictions: Of every patient by a network that has not seen them.
        fold_files: Folder with the split file of each fold.
        weights: To be calibrated; None takes the built-in ones.
        selection: Images and discs to calibrate on.
        options: How to fit and to measure; the default operating point is that of the weights.
        scores: Thresholds that were fixed beforehand for single lesions and planes.
        left: Lesions and planes that the detector says, not the lesion network.
    """

    dataset: Path
    predictions: Path
    fold_files: Path
    weights: Path | None = None
    selection: Selection = field(default_factory=Selection)
    options: CalibrationOptions = field(default_factory=CalibrationOptions)
    scores: tuple[LesionThreshold, ...] = ()
    left: tuple[LesionPlane, ...] = ()


def parse_lesion(text: str) -> LesionPlane:
    """Read a lesion in a plane like ``herniation:sagittal``.

    Raises:
        UsageError: Not of that form.

    >>> parse_lesion("hiz:axial")
    (<Label.HIZ: 'hiz'>, <Plane.AXIAL: 'axial'>)
    """
    try:
        label, plane = text.split(":")
        found = Label(label), Plane(plane)
    except ValueError as error:
        raise UsageError(f"{text}: write LESION:PLANE, for example hiz:sagittal") from error
    if found[0] not in LESION_LABELS:
        raise UsageError(f"{text}: LESION is {' or '.join(LESION_LABELS)}")
    return found


def parse_score(text: str) -> LesionThreshold:
    """Read a threshold like ``hiz:axial=0.5``.

    Raises:
        UsageError: Not of the form LESION:PLANE=SCORE.

    >>> parse_score("hiz:axial=0.5").score
    0.5
    """
    lesion, _, number = text.partition("=")
    try:
        score = float(number)
    except ValueError as error:
        raise UsageError(f"{text}: write LESION:PLANE=SCORE, for example hiz:axial=0.5") from error
    if not 0 < score < 1:
        raise UsageError(f"{text}: SCORE lies between 0 and 1")
    return LesionThreshold(*parse_lesion(lesion), score)


def run_calibration(job: CalibrationJob, out: Path) -> str:
    """Fit, measure, write weights, tables, figures and page to ``out``; return the tables.

    Raises:
        UsageError: No image is selected, or the widest set is none.
        DatasetError: Data, folds or predictions cannot be used.
        WeightsError: The weights cannot be read, or have no network to leave a lesion to.
        OutputError: The folder cannot be written.
    """
    if not 1 <= job.options.widest_set <= GRADES:
        raise UsageError(f"--widest-set {job.options.widest_set}: choose 1 to {GRADES} grades")
    check_folder(out)
    weights = load_weights(job.weights or shipped_weights())
    for lesion in job.left:
        weights = replace(weights, metadata=weights.metadata.left_to_detector(*lesion))
    dataset = read_dataset(job.dataset)
    tested = [split.test for split in read_fold_splits(job.fold_files, dataset)]
    if len(tested) < FEWEST_FOLDS:
        raise DatasetError(
            f"{job.fold_files.name}: one fold cannot be left out; make more with "
            "discern dataset split --folds"
        )
    truths = selected_truths(dataset, job.selection)
    material = material_of(dataset, truths, given_predictions(job.predictions, dataset, truths))
    point = replace(weights.metadata.operating_point(DEFAULT), lesions=job.scores)
    options = replace(job.options, default=point)
    calibration = calibrate(material, tested, options)
    content = calibrated_weights(weights, calibration)
    write_files(out, {WEIGHTS: content, **calibration_files(calibration)})
    return calibration_text(calibration)
