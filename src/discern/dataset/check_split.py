"""Everything wrong with split files: leaks, strangers, other data, empty parts, classes missing."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from discern.dataset.problems import Kind, Problem, counted
from discern.dataset.splits import PARTS, SCHEMA
from discern.imaging.files import natural_key

_NAMED_AT_MOST = 10

Parts = dict[str, frozenset[str]]


def check_splits(
    files: Sequence[Path], patients: frozenset[str], digest: str | None
) -> tuple[dict[str, Parts], list[Problem]]:
    """Return the parts of every readable split by file name, and the problems of all.

    ``digest`` is that of the data set, None where it cannot be read.
    """
    splits: dict[str, Parts] = {}
    problems: list[Problem] = []
    for path in files:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA:
                raise ValueError(f"schema is {document['schema']!r}")  # noqa: TRY301 - same remedy
            parts = {name: frozenset(map(str, document[name])) for name in PARTS}
            stated = document["data_digest"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            problems.append(Problem(Kind.SPLIT, path.name, f"not a {SCHEMA} file ({error})"))
            continue
        splits[path.name] = parts
        if digest is not None and stated != digest:
            found = f"made for other data: digest {str(stated)[:12]}, these have {digest[:12]}"
            problems.append(Problem(Kind.SPLIT, path.name, found))
        problems += _problems_of(path.name, parts, patients)
    return splits, problems + _tested_twice(splits)


def _problems_of(name: str, parts: Parts, patients: frozenset[str]) -> list[Problem]:
    problems = [
        Problem(Kind.LEAK, name, f"patient {patient} is in {a} and in {b}")
        for a, b in combinations(PARTS, 2)
        for patient in sorted(parts[a] & parts[b])
    ]
    named = frozenset().union(*parts.values())
    if strangers := named - patients:
        problems.append(Problem(Kind.SPLIT, name, f"not in the data set: {_some(strangers)}"))
    if unused := patients - named:
        problems.append(Problem(Kind.UNUSED, name, _some(unused)))
    problems += [Problem(Kind.EMPTY_PART, name, part) for part in PARTS if not parts[part]]
    return problems


def _some(patients: frozenset[str]) -> str:
    """Return how many patients, and the names of the first.

    >>> _some(frozenset({"p10", "p2"}))
    '2 patients: p2, p10'
    """
    names = sorted(patients, key=natural_key)
    more = f", and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{counted(len(names), 'patient')}: {', '.join(names[:_NAMED_AT_MOST])}{more}"


def _tested_twice(splits: Mapping[str, Parts]) -> list[Problem]:
    tested: dict[str, list[str]] = defaultdict(list)
    for name, parts in splits.items():
        for patient in parts["test"]:
            tested[patient].append(name)
    together: dict[str, set[str]] = defaultdict(set)
    for patient, names in tested.items():
        if len(names) > 1:
            together[", ".join(names)].add(patient)
    return [
        Problem(Kind.TESTED_TWICE, names, _some(frozenset(patients)))
        for names, patients in sorted(together.items())
    ]
