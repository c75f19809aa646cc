"""Detection, free-response figures of lesions, and what a positive answer is worth, as tables."""

from discern.evaluation.froc import FALSE_PER_IMAGE
from discern.evaluation.metrics import Metrics
from discern.evaluation.performance_tables import BRACKETS
from discern.evaluation.published import row_name
from discern.evaluation.table_formats import Cell, Table

_NO_LESION = "No lesion in the truth."


def detection_table(metrics: Metrics) -> Table:
    """Return mean average precision and its parts."""
    detection = metrics.detection
    rows: list[tuple[Cell, ...]] = [
        (str(label), one.ap50, one.ap50_95, one.support)
        for label, one in detection.per_label.items()
        if one.support
    ]
    total = sum(one.support for one in detection.per_label.values())
    return Table(
        name="detection",
        title="Detection: average precision",
        columns=("", "IoU 0.5", "IoU 0.5 to 0.95", "n"),
        rows=(("Mean over labels", detection.map50, detection.map50_95, total), *rows),
        notes=(BRACKETS, "As COCO defines it; every box counts, whatever its score."),
    )


def froc_table(metrics: Metrics) -> Table:
    """Return the share of lesions found at fixed numbers of false boxes per image."""
    rows: list[tuple[Cell, ...]] = [
        (row_name(row), *(one.froc.at[rate] for rate in FALSE_PER_IMAGE), one.support)
        for row, one in metrics.lesions.items()
        if one.froc is not None
    ]
    return Table(
        name="froc",
        title="Lesions found, at so many false boxes per image",
        columns=("", *(f"{rate:g}" for rate in FALSE_PER_IMAGE), "n"),
        rows=tuple(rows),
        notes=(BRACKETS,) if rows else (_NO_LESION,),
    )


def lesion_table(metrics: Metrics) -> Table:
    """Return what the disc-wise table leaves out: specificity, ranking, bulging discs."""
    rows: list[tuple[Cell, ...]] = [
        (
            row_name(row),
            *(one.recall, one.specificity, one.roc_auc, one.average_precision),
            f"{one.support / one.discs:.3f}",
            one.false_alarm_on_bulging,
            *(one.support, one.discs, one.bulging),
        )
        for row, one in metrics.disc_wise.lesions.items()
        if one.support
    ]
    return Table(
        name="disc-wise-lesions",
        title="Lesions, disc by disc",
        columns=(
            *("", "Sensitivity", "Specificity", "Area under ROC", "Average precision"),
            *("Prevalence", "False alarms on bulging discs"),
            *("Positive", "Discs", "Bulging only"),
        ),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            "Average precision (the area under precision-recall) is read against the prevalence, "
            "which a reader without any skill reaches. False alarms on bulging discs: share of the "
            "discs that bulge and are not herniated which were called herniated (the paper's "
            "Figure 7A).",
        )
        if rows
        else (_NO_LESION,),
    )


def ppv_table(metrics: Metrics) -> Table:
    """Return the precision to expect at stated prevalences (the paper's cohort was enriched)."""
    stated = metrics.options.prevalences
    rows: list[tuple[Cell, ...]] = [
        (
            row_name(row),
            one.precision,
            f"{one.support / one.discs:.3f}",
            *(one.ppv_at[prevalence] for prevalence in stated),
        )
        for row, one in metrics.disc_wise.lesions.items()
        if one.support
    ]
    return Table(
        name="ppv-at-prevalence",
        title="Positive predictive value of a disc called positive, at stated prevalences",
        columns=("", "Precision here", "Prevalence here", *(f"At {p:g}" for p in stated)),
        rows=tuple(rows),
        notes=(
            BRACKETS,
            "By Bayes from disc-wise recall and specificity. Precision holds only for a set with "
            "as many positive discs as this one.",
        )
        if rows
        else (_NO_LESION,),
    )
