"""What a study writes: tables and figures of each of the three questions."""

from collections.abc import Sequence
from dataclasses import dataclass

from discern.evaluation.drawing_files import drawing_files
from discern.evaluation.headlines import Tally
from discern.evaluation.table_formats import Table, table_files, table_text
from discern.experiment.drawings import draw_differences, draw_learning_curve
from discern.experiment.results import (
    Selected,
    arm_tally,
    arms_table,
    differences,
    differences_table,
    seeds_table,
)
from discern.experiment.studies import FINALISTS, REFERENCE, Arm, Study

_DRAWING_INCHES = (6.5, 3.6)


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A study as it is run: every arm with the first seed, the finalists with all of them.

    Attributes:
        study: The question.
        arms: Its arms.
        seeds: Seeds of the finalists; the first is that of every arm.
        baseline: For a transfer, the arms trained on all vendors that its arms are held against.
    """

    study: Study
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...] = (0,)
    baseline: tuple[Arm, ...] = ()

    @property
    def finalists(self) -> tuple[Arm, ...]:
        """The arms that are trained with every seed; none where there is one seed."""
        chosen = [arm for arm in self.arms if arm.name in FINALISTS]
        return tuple(chosen) if len(self.seeds) > 1 and self.study is Study.ABLATION else ()


def study_files(plan: StudyPlan, selected: Selected) -> tuple[str, dict[str, bytes]]:
    """Return the tables as one readable text, and every file of the study by name."""
    writer = {
        Study.ABLATION: _ablation,
        Study.LEARNING_CURVE: _learning_curve,
        Study.TRANSFER: _transfer,
    }[plan.study]
    tables, drawings = writer(plan, selected)
    text = f"# {_TITLES[plan.study]}\n\n" + "\n".join(map(table_text, tables))
    files = {f"{plan.study}.md": text.encode()}
    for table in tables:
        files |= table_files(table)
    return text, files | drawings


_TITLES = {
    Study.ABLATION: "What each change of the paper is worth",
    Study.LEARNING_CURVE: "What more patients would bring",
    Study.TRANSFER: "Trained on one vendor, tested on the other",
}
_Written = tuple[Sequence[Table], dict[str, bytes]]


def _tallies(arms: Sequence[Arm], seeds: Sequence[int], selected: Selected) -> dict[str, Tally]:
    return {arm.name: arm_tally(arm, seeds, selected) for arm in arms}


def _ablation(plan: StudyPlan, selected: Selected) -> _Written:
    tallies = _tallies(plan.arms, plan.seeds[:1], selected)
    tables = [
        arms_table("ablation", "One factor at a time, same folds and seed", plan.arms, tallies),
        differences_table("ablation-differences", REFERENCE, tallies),
    ]
    if plan.finalists:
        final = _tallies(plan.finalists, plan.seeds, selected)
        title = f"The finalists, {len(plan.seeds)} seeds together"
        tables += [
            arms_table("finalists", title, plan.finalists, final),
            differences_table("finalists-differences", REFERENCE, final),
            seeds_table("finalists-seeds", plan.finalists, plan.seeds, selected),
        ]
    compared = differences(REFERENCE, tallies)
    return tables, drawing_files(
        "ablation", lambda canvas: draw_differences(canvas, REFERENCE, compared), _DRAWING_INCHES
    )


def _learning_curve(plan: StudyPlan, selected: Selected) -> _Written:
    tallies = _tallies(plan.arms, plan.seeds[:1], selected)
    full = plan.arms[-1].name
    tables = [
        arms_table("learning-curve", "Shares of the training patients", plan.arms, tallies),
        differences_table("learning-curve-differences", full, tallies),
    ]
    return tables, drawing_files(
        "learning-curve",
        lambda canvas: draw_learning_curve(canvas, plan.arms, tallies),
        _DRAWING_INCHES,
    )


def _transfer(plan: StudyPlan, selected: Selected) -> _Written:
    tables = [
        arms_table("transfer", _TITLES[plan.study], plan.arms, _tallies(plan.arms, [0], selected))
    ]
    for arm in plan.arms:
        both = next(one for one in plan.baseline if one.config.name == arm.config.name)
        tested = selected.of(frozenset(arm.splits[0].test))
        pair = {
            "all vendors, out of fold": arm_tally(both, [0], tested),
            arm.name: arm_tally(arm, [0], tested),
        }
        tables.append(
            differences_table(f"{arm.name}-differences", "all vendors, out of fold", pair)
        )
    return tables, {}
