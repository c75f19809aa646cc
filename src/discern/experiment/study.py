"""``discern ablate`` in one call: train what is missing, then write tables and figures."""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from discern.dataset.sources import Dataset
from discern.errors import UsageError
from discern.experiment.estimate import estimated_minutes
from discern.experiment.report import StudyPlan, study_files
from discern.experiment.results import Selected
from discern.experiment.runs import Run, Workshop, execute, pending, runs_of
from discern.experiment.studies import (
    FINALISTS,
    Budget,
    Study,
    ablation_arms,
    arms_of,
    held_out_splits,
)
from discern.inference.evaluate import Selection, selected_truths
from discern.outputs import check_folder, write_files

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StudyJob:
    """One run of ``discern ablate``.

    Attributes:
        study: The question.
        budget: What every arm is given alike.
        folds: Folds by patient, where the study has folds.
        seeds: Seeds of the finalists of an ablation; all other arms have the first.
        selection: Images and discs that the tables are about; training takes all images.
        jobs: Trainings at a time; 0 means one for each core.
        threads: Of each training.
        tables_only: Train nothing.
    """

    study: Study = Study.ABLATION
    budget: Budget = field(default_factory=Budget)
    folds: int = 5
    seeds: tuple[int, ...] = (0, 1, 2)
    selection: Selection = field(default_factory=Selection)
    jobs: int = 0
    threads: int = 1
    tables_only: bool = False


def run_study(job: StudyJob, dataset: Dataset, out: Path) -> str:
    """Train the missing runs, write the tables of the study to ``out``; return them as text.

    Raises:
        UsageError: ``tables_only`` and a run is missing, or no seed.
        DatasetError: Too few patients, or no vendors to transfer between.
        TrainingError: A training failed; finished ones are kept.
    """
    if not job.seeds:
        raise UsageError("--seeds must be at least 1")
    check_folder(out)
    plan = _plan(job, dataset)
    selected = Selected(
        tuple(selected_truths(dataset, job.selection)), _workshop(job, dataset, out)
    )
    runs = _runs(plan)
    waiting = pending(runs, selected.workshop)
    if waiting and job.tables_only:
        raise UsageError(
            f"{len(waiting)} of {len(runs)} runs are not finished, {waiting[0].name} for one; "
            "run again without --tables-only"
        )
    if waiting:
        minutes = estimated_minutes(waiting, selected.workshop)
        _LOG.info("%d of %d runs to train, about %.0f minutes", len(waiting), len(runs), minutes)
        execute(runs, selected.workshop)
    text, files = study_files(plan, selected)
    write_files(out, files)
    return text


def _plan(job: StudyJob, dataset: Dataset) -> StudyPlan:
    arms = arms_of(job.study, dataset, job.budget, job.folds)
    if job.study is Study.ABLATION:
        return StudyPlan(job.study, arms, job.seeds)
    if job.study is Study.TRANSFER:
        trained = ablation_arms(job.budget, held_out_splits(dataset, job.folds))
        return StudyPlan(
            job.study, arms, job.seeds[:1], tuple(a for a in trained if a.name in FINALISTS)
        )
    return StudyPlan(job.study, arms, job.seeds[:1])


def _runs(plan: StudyPlan) -> list[Run]:
    return [
        *runs_of([*plan.arms, *plan.baseline], plan.seeds[:1]),
        *(runs_of(plan.finalists, plan.seeds[1:]) if plan.finalists else []),
    ]


def _workshop(job: StudyJob, dataset: Dataset, out: Path) -> Workshop:
    return Workshop(dataset, out, job.study, job.jobs or os.cpu_count() or 1, job.threads)
