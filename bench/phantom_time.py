"""Processor time of one synthetic study, files and truth included.

    OMP_NUM_THREADS=1 python bench/phantom_time.py

Studies as ``discern phantom`` draws them: sagittal T2, sagittal T1, axial T2. Processor time of one
thread, which other work on the machine stretches less than the clock. The start of the command,
about a second, comes once for all studies and is not in it.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from discern.phantom.draw import DrawSettings, draw_patient
from discern.phantom.study import write_study
from discern.spine import Weighting

SEED = 5


def seconds_a_study(studies: int, settings: DrawSettings, beside: tuple[Weighting, ...]) -> float:
    """Return the median of ``studies`` after one that is not counted."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(studies + 1):
            draw = draw_patient(number, settings)
            started = time.process_time()
            place = Path(folder) / draw.name
            write_study(draw.parameters, draw.seed, place, draw.prescription, beside)
            taken.append(time.process_time() - started)
    return statistics.median(taken[1:])


def main() -> None:
    """Print one line for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=5)
    studies = parser.parse_args().studies
    usual = DrawSettings(seed=SEED)
    styled = DrawSettings(seed=SEED, lesions=True, styles=True)
    for name, settings, beside in (
        ("T2, T1 and axial T2", usual, (Weighting.T1,)),
        ("T2 and axial T2", usual, ()),
        ("T2, T1 and axial T2, lesions, styles", styled, (Weighting.T1,)),
    ):
        print(f"{name:46} {seconds_a_study(studies, settings, beside):5.2f} s a study")
    print(f"medians of {studies} studies of seed {SEED}, processor time of one thread")


if __name__ == "__main__":
    main()
