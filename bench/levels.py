"""Level names, joined planes and quantities: every figure of the issue, by one command.

    python bench/levels.py ../shared/data/spider-lumbar --phantoms 500 \
        --study ../shared/data/lumbar-study-dicom/study \
        --nifti ../shared/data/lumbar-t2-nifti/t2_lumbar.nii.gz

Writes ``spider.txt``, ``studies.txt``, ``phantoms.txt`` and ``phantoms.csv`` into
``docs/results/levels``; each part runs when its input is given. ``mistakes.txt`` counts, from that
CSV file, which disc was taken for which. ``--fit`` first fits the shapes
of the parts on all SPIDER slices and writes ``src/discern/resources/numbering.json``.

A *silent* error is a wrong name that is not announced as uncertain. The phantoms are drawn with
``--seed`` and ranges (``TESTED``) that were not used while the rules were written.
"""

import argparse
import csv
import io
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import discern
from discern.findings import QuantityName, StudyFindings
from discern.imaging.reading import ReadOptions
from discern.imaging.study import Study
from discern.inference.analyze import (
    Analysis,
    AnalysisOptions,
    Look,
    analyze,
    conclude,
    look_at,
)
from discern.inference.predictor_openvino import OpenVinoPredictor
from discern.phantom.sampling import AnatomyRanges, PrescriptionRanges
from discern.spine import Plane
from discern.weights import load_weights, shipped_weights
from levels_phantoms import Ranges, StudyScore, run
from levels_spider import fit_shapes, read_spines, report, write_shapes
from quantities import TOLERANCE
from segmentation import read_tissue_maps

TESTED = Ranges(
    AnatomyRanges(
        lumbar_shares=(0.10, 0.80, 0.10),
        scoliosis_deg=30.0,
        slipped=0.3,
        slip_mm=(-6.0, 11.0),
        disc_scatter=0.10,
        body_scatter=0.025,
    ),
    PrescriptionRanges(cut_sacrum=0.2, cut_top=0.2, cut_mm=(35.0, 100.0), turn_deg=14.0),
)


def phantom_lines(scores: Sequence[StudyScore]) -> Iterator[str]:
    """Yield the summary of the phantom studies."""
    yield f"{len(scores)} phantom studies"
    groups = {
        "sacrum in view": [one for one in scores if one.sacrum_in_view],
        **{
            f"  {count} lumbar-type vertebrae": [
                one for one in scores if one.sacrum_in_view and one.lumbar_vertebrae == count
            ]
            for count in (5, 4, 6)
        },
        "  no planted miss": [one for one in scores if one.sacrum_in_view and not one.planted],
        "  a disc struck out": [one for one in scores if one.sacrum_in_view and one.planted],
        "  scoliosis over 20 degrees": [
            one
            for one in scores
            if one.sacrum_in_view and abs(one.scoliosis_deg) > 20  # noqa: PLR2004
        ],
        "sacrum not in view": [one for one in scores if not one.sacrum_in_view],
    }
    yield f"{'whole spine':32} studies  right  share  or synonym  announced  SILENT"
    for name, group in groups.items():
        if group:
            right = sum(one.right for one in group)
            yield (
                f"{name:32} {len(group):7} {right:6} {right / len(group):6.3f} "
                f"{sum(one.right_by_synonym for one in group):11} "
                f"{sum(one.announced for one in group):10} {sum(one.silent for one in group):7}"
            )
    yield "Synonym: L6-S1 and S1-S2, L5-L6 and L5-S1 are two names of the discs of a lumbarised S1."
    yield from _axial_lines(scores)
    yield from _quantity_lines(scores)


def mistake_lines(csv_text: str) -> Iterator[str]:
    """Yield which lowest disc was taken for which, of the studies that show the sacrum."""
    rows = [row for row in csv.DictReader(io.StringIO(csv_text)) if row["sacrum_in_view"] == "1"]
    kinds = Counter((row["lumbar_vertebrae"], row["lowest_true"]) for row in rows)
    wrong: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in rows:
        if row["right"] == "0":
            key = (row["lumbar_vertebrae"], row["lowest_true"], row["lowest_named"])
            wrong[key].append(row["announced"])
    yield "Whole spines with a wrong name, sacrum in view, by the lowest disc found"
    yield "lumbar-type vertebrae  lowest disc  studies  named    wrong  announced"
    for (count, true, named), announced in sorted(wrong.items()):
        yield (
            f"{count:>21}  {true:11}  {kinds[count, true]:7}  {named:7} {len(announced):6} "
            f"{announced.count('1'):10}"
        )


def _axial_lines(scores: Sequence[StudyScore]) -> Iterator[str]:
    slices = sum(one.axial.slices for one in scores)
    right = sum(one.axial.right for one in scores)
    discs = sum(one.axial.discs for one in scores)
    same = sum(one.axial.discs_right for one in scores)
    missed = sum(one.axial.missed for one in scores)
    yield (
        "axial slices given what they cut on the axis, or what makes up a quarter of their cut: "
        f"{right} of {slices} = "
        f"{right / slices:.4f}; given nothing though on the spine: {missed}"
    )
    yield (
        f"axial slices whose middle cuts a disc, given that disc: {same} of {discs} = "
        f"{same / discs:.4f} (the others: the vertebra that the same slice also holds, or wrong)"
    )
    moved = [one.axial for one in scores if one.axial.moved_mm]
    still = [one.axial for one in scores if not one.axial.moved_mm]
    off = [abs(one.shift_mm - one.moved_mm) for one in moved]
    yield (
        f"patient moved by up to 5 mm before the axial series: {len(moved)} studies, error of the "
        f"shift: median {np.median(off):.2f} mm, 95 % {np.percentile(off, 95):.2f} mm; lay still: "
        f"{len(still)}, {sum(one.shift_mm != 0 for one in still)} of them given a shift"
    )


def _quantity_lines(scores: Sequence[StudyScore]) -> Iterator[str]:
    yield "shapes against truth, from the masks of the network (all discs found, all studies)"
    for name in QuantityName:
        pairs = [pair for one in scores for pair in one.errors.get(name, ())]
        if not pairs:
            continue
        error, truth = np.array(pairs).T
        limit = TOLERANCE.get(name)
        within = np.abs(error) <= 0.1 * np.abs(truth)
        said = f"within 10 % {within.mean():.3f}"
        if limit is not None:
            said += f", within 10 % or {limit:g} {(within | (np.abs(error) <= limit)).mean():.3f}"
        yield (
            f"  {name:24} {len(error):5}  error: median {np.median(error):+.3f}, absolute median "
            f"{np.median(np.abs(error)):.3f}, 95 % {np.percentile(np.abs(error), 95):.3f}; {said}"
        )


_COLUMNS = (
    "study",
    "lumbar_vertebrae",
    "scoliosis_deg",
    "sagittal_slices",
    "sacrum_in_view",
    "disc_struck_out",
    "discs_found",
    "right",
    "right_by_synonym",
    "announced",
    "confidence",
    "lowest_named",
    "lowest_true",
    "axial_slices",
    "axial_right",
)


def phantom_csv(scores: Sequence[StudyScore]) -> str:
    """Return a line a study."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in scores:
        writer.writerow(
            [
                one.number,
                one.lumbar_vertebrae,
                f"{one.scoliosis_deg:.1f}",
                one.slices,
                int(one.sacrum_in_view),
                int(one.planted),
                one.found,
                int(one.right),
                int(one.right_by_synonym),
                int(one.announced),
                f"{one.confidence:.3f}",
                one.lowest,
                one.truth_lowest,
                one.axial.slices,
                one.axial.right,
            ]
        )
    return text.getvalue()


def study_lines(study: Path, nifti: Path | None) -> Iterator[str]:
    """Yield what is said of the real studies, and how long it takes."""
    whole = analyze(study)
    yield from _findings_lines("DICOM study", whole)
    proton = [one.id for one in whole.study.series if "PD" in one.description.upper()]
    if proton:
        named = AnalysisOptions(reading=ReadOptions(series=tuple(proton)))
        yield from _findings_lines(
            "the same, its axial PD series by --series", analyze(study, named)
        )
    if nifti is not None:
        yield from _findings_lines("NIfTI volume without sacrum", analyze(nifti))
    yield from _timing_lines(whole.study)


def _findings_lines(title: str, analysis: Analysis) -> Iterator[str]:
    findings = analysis.findings
    numbering = findings.numbering
    others = ", ".join(f"{o.lowest_level} {o.confidence:.2f}" for o in numbering.alternatives)
    yield f"{title}: numbering {numbering.confidence:.2f}" + (f", or {others}" if others else "")
    for warning in findings.warnings:
        yield f"  note {warning.code}: {warning.text}"
    for disc in findings.discs:
        values = "  ".join(
            f"{name} {one.value:.2f} +-{one.uncertainty or 0:.2f} {one.unit}"
            for name, one in disc.quantities.items()
        )
        yield f"  {disc.level:8} name {disc.level_confidence:.2f}  {values}"
    yield from _axial_table(findings)
    yield ""


def _axial_table(findings: StudyFindings) -> Iterator[str]:
    series = dict.fromkeys(one.series for one in findings.axial_slices)
    for name in series:
        shown = [
            f"{one.slice_index}:{one.level or one.vertebra or '-'}"
            for one in findings.axial_slices
            if one.series == name
        ]
        yield f"  axial slices of {name}: {' '.join(shown)}"


def _timing_lines(study: Study) -> Iterator[str]:
    """Yield the time of everything but networks: no lesion is looked for on axial slices."""
    whole = load_weights(shipped_weights())
    heads = tuple(head for head in whole.metadata.heads if head.plane is Plane.SAGITTAL)
    weights = replace(whole, metadata=replace(whole.metadata, finder=None, heads=heads))
    predictor, options = OpenVinoPredictor(weights), AnalysisOptions()
    look = look_at(study, predictor, weights, options)
    bare = Look(look.reading, shifts_mm=look.shifts_mm)
    for title, one in (("names, planes, quantities", look), ("names and planes", bare)):
        times = []
        for _ in range(11):
            started = time.perf_counter()
            conclude(study, one, predictor, weights, options)
            times.append(1000 * (time.perf_counter() - started))
        yield f"{title:28} median {statistics.median(times):5.1f} ms a study"


def _write(path: Path, lines: Iterator[str]) -> None:
    text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    """Run the parts whose input is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--nifti", type=Path)
    parser.add_argument("--phantoms", type=int, default=0)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    out = given.results / "levels"
    if given.fit:
        tissues = read_tissue_maps(out / "tissues.json")
        spines = read_spines(given.dataset, given.results / "predictions.json", tissues)
        target = Path(discern.__file__).parent / "resources" / "numbering.json"
        write_shapes(fit_shapes(spines), target)
    _write(out / "spider.txt", report(given.dataset, given.results))
    if given.study:
        _write(out / "studies.txt", study_lines(given.study, given.nifti))
    if given.phantoms:
        scores = list(run(given.seed, given.phantoms, TESTED))
        (out / "phantoms.csv").write_text(phantom_csv(scores), encoding="utf-8")
        _write(out / "phantoms.txt", phantom_lines(scores))
    if (out / "phantoms.csv").is_file():
        studies = (out / "phantoms.csv").read_text(encoding="utf-8")
        _write(out / "mistakes.txt", mistake_lines(studies))


if __name__ == "__main__":
    main()
