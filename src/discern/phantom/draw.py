"""Which synthetic patients a command writes: draws by seed and number, then what the user sets."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discern.errors import UsageError
from discern.phantom.lesion_sampling import with_sampled_lesions
from discern.phantom.prescription import USUAL, Prescription
from discern.phantom.sampling import sample_anatomy, sample_prescription
from discern.phantom.spine_model import PhantomParameters, sample_parameters
from discern.phantom.styles import with_sampled_style
from discern.toml_values import overlaid

_PRESCRIPTION = "prescription"


@dataclass(frozen=True, slots=True)
class Draw:
    """One synthetic patient and how it is imaged; ``seed`` draws noise and UIDs."""

    name: str
    seed: int
    parameters: PhantomParameters
    prescription: Prescription


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """What is drawn.

    Attributes:
        seed: Of all patients.
        varied: Transitional vertebrae, scoliosis, slips; cut and oblique fields of view.
        lesions: High-intensity zones, more herniations and bulges, and what may mislead.
        styles: The looks of several scanners.
        changes: Values that replace what was drawn, as :func:`parse_changes` returns them.
    """

    seed: int = 1
    varied: bool = False
    lesions: bool = False
    styles: bool = False
    changes: tuple[dict[str, Any], ...] = ()


def draw_patient(number: int, settings: DrawSettings) -> Draw:
    """Draw patient ``number`` of a seed; it does not depend on how many there are.

    Raises:
        UsageError: A change names no parameter, or an impossible value.
    """
    rng = np.random.default_rng((settings.seed, number))
    parameters = sample_anatomy(rng) if settings.varied else sample_parameters(rng)
    prescription = sample_prescription(rng) if settings.varied else USUAL
    if settings.lesions:
        parameters = with_sampled_lesions(parameters, rng)
    if settings.styles:
        parameters = with_sampled_style(parameters, rng)
    try:
        for change in settings.changes:
            ours = {name: value for name, value in change.items() if name != _PRESCRIPTION}
            parameters = overlaid(parameters, ours)
            prescription = overlaid(prescription, change.get(_PRESCRIPTION, {}), _PRESCRIPTION)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    name = f"phantom-{settings.seed}-{number}"
    return Draw(name, settings.seed * 100_000 + number, parameters, prescription)


def is_phantom(patient: str) -> bool:
    """Return whether this is the name of a patient that :func:`draw_patient` draws.

    >>> is_phantom("phantom-1-0"), is_phantom("107")
    (True, False)
    """
    return re.fullmatch(r"phantom-[0-9]+-[0-9]+", patient) is not None


def parse_changes(texts: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Read texts like ``scanner.noise=0.03``: names with dots, values of TOML or plain words.

    Raises:
        UsageError: Not of the form NAME=VALUE.

    >>> parse_changes(["scanner.noise=0.03", "conus_level=L2-L3"])
    ({'scanner': {'noise': 0.03}}, {'conus_level': 'L2-L3'})
    """
    return tuple(_change(text) for text in texts)


def _change(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    for written in (value, f'"{value}"'):
        try:
            change = tomllib.loads(f"{name} = {written}")
        except tomllib.TOMLDecodeError:
            continue
        if equals:
            return change
    raise UsageError(f"--set {text}: write NAME=VALUE, for example scanner.noise=0.03")
