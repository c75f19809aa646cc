"""Table 2 of the paper for any data set: age, sex, body mass index, and the scanners."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import mean, stdev

from discern.dataset.cohort import Group
from discern.dataset.patients import PatientRecord, Sex
from discern.evaluation.table_formats import Table

_NOT_KNOWN = "-"


def demographics_table(groups: Sequence[Group]) -> Table:
    """Return mean and standard deviation of age and BMI, sex, and scanners of each group."""
    rows = [
        ("Age (years)", *(_spread(group, lambda one: one.age_years) for group in groups)),
        ("Age range (years)", *(_ages(group) for group in groups)),
        ("Gender (M/F)", *(_sexes(group) for group in groups)),
        ("BMI (kg/m²)", *(_spread(group, lambda one: one.bmi) for group in groups)),
    ]
    rows += _counts(groups, "Vendor: {}", lambda one: one.vendor)
    rows += _counts(groups, "Field strength: {} T", lambda one: one.text_of("field_strength_t"))
    return Table(
        "table-2-demographics",
        "Table 2. Demographic information of the included patients",
        ("Characters", *(group.head for group in groups)),
        tuple(rows),
        (
            "Mean ± standard deviation; 'n =' where it is not known of every patient.",
            "BMI needs weight_kg and height_m in patients.csv. A dash: not known of any patient.",
        ),
    )


def _spread(group: Group, value_of: Callable[[PatientRecord], float | None]) -> str:
    values = [value for one in group.records if (value := value_of(one)) is not None]
    if not values:
        return _NOT_KNOWN
    text = f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")
    return text + _of_how_many(len(values), group)


def _ages(group: Group) -> str:
    ages = [one.age_years for one in group.records if one.age_years is not None]
    return f"{min(ages):g}-{max(ages):g}" if ages else _NOT_KNOWN


def _sexes(group: Group) -> str:
    counts = Counter(one.sex for one in group.records if one.sex is not None)
    if not counts:
        return _NOT_KNOWN
    return f"{counts[Sex.MALE]}/{counts[Sex.FEMALE]}" + _of_how_many(counts.total(), group)


def _of_how_many(known: int, group: Group) -> str:
    return "" if known == len(group.patients) else f" (n = {known})"


def _counts(
    groups: Sequence[Group], row_name: str, value_of: Callable[[PatientRecord], str | None]
) -> list[tuple[str, ...]]:
    """Return a row per value with the number of patients, and one for those not known."""
    tallies = [Counter(map(value_of, group.records)) for group in groups]
    values = sorted({value for tally in tallies for value in tally if value is not None})
    if not values:
        return []
    rows = [(row_name.format(value), *(str(tally[value]) for tally in tallies)) for value in values]
    unknown = [
        len(group.patients) - sum(tally[value] for value in values)
        for group, tally in zip(groups, tallies, strict=True)
    ]
    if any(unknown):
        name = row_name.format("not known").removesuffix(" T")
        rows.append((name, *map(str, unknown)))
    return rows
