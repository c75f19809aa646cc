"""Inputs for ``bench/quality.py``: good studies, and those to be refused or warned of, as files.

Every input is a folder or a file that ``discern analyze`` would be given. Synthetic ones are drawn
by the phantom and written as DICOM; real ones come from the shared data beside the repository.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter

from discern.imaging.pixels import Image
from discern.imaging.reading import read_study
from discern.imaging.study import Slice
from discern.phantom.anatomy import build_spine
from discern.phantom.dicom import SeriesPlace
from discern.phantom.draw import Draw, DrawSettings, draw_patient
from discern.phantom.other_anatomy import as_head, as_knee
from discern.phantom.render import PhantomSlice, render_sagittal, sagittal_scanner
from discern.phantom.settings import Contrast
from discern.phantom.spine_model import PhantomParameters
from discern.phantom.study import write_series
from discern.phantom.unfit import Metal, smaller, with_metal
from discern.spine import Level, Plane, Vertebra, Weighting, vertebra_above

SLICES, WHOLE_SERIES = 7, 13
"""Sagittal slices; the second where what lies beside the middle counts."""
GOOD_SEED, BAD_SEED = 950, 960
GOOD = (
    ("usual", 16, DrawSettings(GOOD_SEED)),
    ("styles", 16, DrawSettings(GOOD_SEED, styles=True)),
    ("varied", 12, DrawSettings(GOOD_SEED, varied=True)),
)
BAD_PATIENTS = 6
NOISE_STEPS, BLUR_STEPS_PX = (0.02, 0.05, 0.1), (1.0, 2.0, 3.0)
EVERY = 8
"""Every so many SPIDER slices of odd patients are degraded."""
OPERATED, FRACTURED = (50, 58, 152), (48, 55, 140)
"""SPIDER patients whose README says so (166, too, but its T2 slice is not there)."""
_L4, _L5 = Vertebra.L4, Vertebra.L5
_LUMBAR = (Vertebra.L2, Vertebra.L3, _L4, _L5)
METAL = {
    "titanium screws L4-L5": Metal((_L4, _L5), (), 6.0),
    "titanium screws and cage": Metal((_L4, _L5), (Level.L4_L5,), 6.0),
    "steel screws L2-L5": Metal(_LUMBAR, (), 14.0),
    "steel screws T12-L5": Metal((Vertebra.T12, Vertebra.L1, *_LUMBAR), (), 18.0),
}
WEDGES_DEG = {"L1 wedged by 12 degrees": 12.0, "L1 wedged by 20 degrees": 20.0}


@dataclass(frozen=True, slots=True)
class Input:
    """One study: what kind it is of, where it lies, and the series to name if any."""

    kind: str
    path: Path
    series: tuple[str, ...] = ()


def good_phantoms(folder: Path) -> Iterator[Input]:
    """Yield synthetic studies that must be analyzed."""
    for look, count, settings in GOOD:
        for number in range(count):
            draw = draw_patient(number, settings)
            yield _written(draw, f"phantom, {look}", folder, _rendered(draw))


def bad_phantoms(folder: Path) -> Iterator[Input]:
    """Yield synthetic studies of every kind that is to be refused or warned of."""
    for number in range(BAD_PATIENTS):
        draw = draw_patient(number, DrawSettings(BAD_SEED, styles=number % 2 == 1))
        yield from _other_signals(draw, folder)
        yield from _other_spines(draw, folder)
        usual = _rendered(draw, slices=WHOLE_SERIES)
        spine = build_spine(draw.parameters)
        for kind, metal in METAL.items():
            shown = [with_metal(one, spine, metal, row) for row, one in enumerate(usual)]
            yield _written(draw, kind, folder, shown)
        anatomies: dict[str, Callable[[PhantomSlice, int], PhantomSlice]]
        anatomies = {"head": as_head, "knee": as_knee}
        for kind, drawn in anatomies.items():
            yield _written(draw, kind, folder, [drawn(one, row) for row, one in enumerate(usual)])
        stated = _written(draw, "stated BRAIN", folder, usual)
        restate(stated.path, BodyPartExamined="BRAIN")
        yield stated


def restate(folder: Path, **elements: str | float | None) -> None:
    """Set header elements of every file under ``folder``; None removes one."""
    for path in folder.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        for keyword, value in elements.items():
            if value is not None:
                setattr(dataset, keyword, value)
            elif keyword in dataset:
                delattr(dataset, keyword)
        dataset.save_as(path)


PROTON_DENSITY = Contrast(
    marrow=0.52,
    fat=0.85,
    muscle=0.35,
    cord=0.56,
    annulus=0.25,
    csf=0.46,
    root=0.5,
    fluid=0.46,
    nucleus=(0.66, 0.62, 0.58, 0.53, 0.45),
)
"""Set by hand near (1 - exp(-TR / T1)) exp(-TE / T2) at TR 2500 ms and TE 38 ms: between the pulses
fluid recovers less than half."""

UNTIMED = dict.fromkeys(
    ("EchoTime", "RepetitionTime", "ScanningSequence", "SequenceName", "SeriesDescription")
)
"""What an anonymiser may strip of what tells T1 from T2."""


def _other_signals(draw: Draw, folder: Path) -> Iterator[Input]:
    """Yield T1 that says it is T2, T1 that says nothing, and proton density that says it is T2."""
    t1 = _rendered(draw, Weighting.T1)
    yield _written(draw, "T1 stated as T2", folder, t1)
    silent = _written(draw, "T1 without timing", folder, t1)
    restate(silent.path, **UNTIMED)
    yield silent
    density = replace(draw, parameters=replace(draw.parameters, contrast=PROTON_DENSITY))
    yield _written(draw, "proton density stated as T2", folder, _rendered(density))


def _other_spines(draw: Draw, folder: Path) -> Iterator[Input]:
    """Yield wedged bodies, and a straight column of half the size without a sacrum."""
    patient = draw.parameters
    for kind, wedge_deg in WEDGES_DEG.items():
        wedged = replace(draw, parameters=with_wedge(patient, Vertebra.L1, wedge_deg))
        yield _written(draw, kind, folder, _rendered(wedged))
    column = replace(
        patient,
        cranial_vertebrae=4,
        lordosis_deg=15.0,
        sacral_slope_deg=20.0,
        scoliosis_deg=0.0,
        herniations=(),
        conus_level=Level.L3_L4,
    )
    field = replace(draw.prescription, field_of_view_mm=360.0, matrix_px=384, shift_mm=120.0)
    small = replace(draw, parameters=column, prescription=field)
    yield _written(small, "spine of half the size", folder, [*map(smaller, _rendered(small))])


def with_wedge(patient: PhantomParameters, body: Vertebra, degrees: float) -> PhantomParameters:
    """Return the patient with one body collapsed in front."""
    wedges = (degrees if vertebra_above(level) is body else 0.0 for level in patient.levels)
    return replace(patient, body_wedge_deg=tuple(wedges))


def _rendered(
    draw: Draw, weighting: Weighting = Weighting.T2, slices: int = SLICES
) -> list[PhantomSlice]:
    prescription = replace(draw.prescription, sagittal_slices=slices)
    rng = np.random.default_rng(draw.seed)
    return render_sagittal(
        draw.parameters, rng, prescription=prescription, patient=draw.name, weighting=weighting
    )


def _written(draw: Draw, kind: str, folder: Path, slices: list[PhantomSlice]) -> Input:
    path = folder / kind.replace(" ", "-").replace(",", "") / draw.name
    place = SeriesPlace(draw.seed, 1, sagittal_scanner(draw.parameters.scanner, draw.prescription))
    write_series(slices, place, path)
    return Input(kind, path)


def spider(data: Path, pattern: str, *, even: bool) -> list[Path]:
    """Return the SPIDER slices of patients of even, or of odd, number."""
    found = sorted((data / "spider-lumbar" / "images").glob(pattern))
    return [path for path in found if (int(path.stem.split("_")[0]) % 2 == 0) == even]


def degraded(data: Path, folder: Path) -> Iterator[Input]:
    """Yield T2 middle slices of SPIDER made noisy and blurred by steps."""
    for path in spider(data, "*_t2_mid.png", even=False)[::EVERY]:
        image = np.asarray(PillowImage.open(path), np.float32)
        rng = np.random.default_rng(int(path.stem.split("_")[0]))
        noise = rng.standard_normal((2, *image.shape), dtype=np.float32) * 255
        for step in NOISE_STEPS:
            noisy = np.hypot(image + step * noise[0], step * noise[1])
            yield _picture(f"noise {step:.0%}", folder, path.stem, noisy)
        for sigma_px in BLUR_STEPS_PX:
            sigma = sigma_px * len(image) / 448
            blurred = gaussian_filter(image, sigma)
            yield _picture(f"blur {sigma_px:g} px of 448", folder, path.stem, blurred)


def _picture(kind: str, folder: Path, name: str, image: Image) -> Input:
    path = folder / kind.replace(" ", "-").replace("%", "") / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8)).save(path)
    return Input(kind, path)


def real_others(data: Path, folder: Path) -> Iterator[Input]:
    """Yield real slices that are no sagittal T2: pictures say nothing, so the image must."""
    study = read_study(data / "lumbar-study-dicom" / "study")
    kinds = {"Sag T1 Flair": "real T1 as pictures", "Ax T2 frFSE S": "real axial as pictures"}
    for series in study.series:
        if kind := kinds.get(series.description):
            path = folder / kind.replace(" ", "-")
            _pictures(series.slices, path)
            yield Input(kind, path)
        elif series.localizer and series.plane is Plane.SAGITTAL:
            path = folder / f"localizer-{series.id}"
            _pictures(series.slices, path)
            yield Input("real localiser as pictures", path)
    for path in sorted((data / "axial-t2-slices").rglob("*.png")):
        yield Input("real axial slice", path)


def _pictures(slices: Sequence[Slice], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for slice_ in slices:
        image = slice_.read()
        scaled = np.clip(image / max(float(np.percentile(image, 99.8)), 1.0), 0, 1) * 255
        name = folder / f"{slice_.index:03d}.png"
        PillowImage.fromarray(scaled.astype(np.uint8)).save(name)
