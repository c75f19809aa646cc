"""Contrast of an MR series: from its timing, then from what its description says.

Thresholds are those of clinical spine protocols at 1.5 T and 3 T: T2 has TE 60 ms and longer, PD
and T1 shorter; T1 repeats within 1.5 s; STIR inverts at about 150-250 ms, T1 FLAIR near 800 ms,
T2 FLAIR near 2 s.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from discern.spine import Weighting

_LONG_TE_MS, _SHORT_TE_MS = 60.0, 50.0
_LONG_TR_MS, _SHORTEST_T2_TR_MS = 1500.0, 1000.0
_GRADIENT_T1_TE_MS = 8.0
_STIR_TI_MS = (80.0, 350.0)
_T2_FLAIR_TI_MS = 1500.0

_FAT_SUPPRESSION_OPTIONS = {"FS", "FAT", "FATSAT", "SPIR", "SPAIR"}
_FAT_SUPPRESSION_WORDS = {"fs", "fatsat", "spir", "spair", "chemsat", "fatsup"}
_STIR_WORDS = {"stir", "tirm"}
_DIXON_WORDS = {"dixon", "mdixon", "ideal", "flex"}


class DixonPart(StrEnum):
    """Which image of a Dixon acquisition; the order is the order of preference."""

    IN_PHASE = "in-phase"
    WATER = "water"
    OPPOSED = "opposed-phase"
    FAT = "fat"


@dataclass(frozen=True, slots=True)
class Contrast:
    """What a header says of the contrast; times in ms, None where absent or not positive.

    Attributes:
        sequences: ScanningSequence (SE, IR, GR, EP, RM), or its enhanced counterpart.
        options: ScanOptions, or FS for a stated fat suppression.
        stated: AcquisitionContrast of an enhanced object ("T2", "PROTON_DENSITY", ...).
        image_type: Values of ImageType, upper case.
        words: Lower-case words of the description, protocol and sequence names.
        three_dimensional: MRAcquisitionType is 3D.
    """

    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    sequences: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    stated: str = ""
    image_type: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    three_dimensional: bool = False

    @property
    def fat_suppressed(self) -> bool:
        """Whether fat suppression other than by inversion is stated."""
        adjacent = set(zip(self.words, self.words[1:], strict=False))
        return bool(
            self.options & _FAT_SUPPRESSION_OPTIONS
            or _FAT_SUPPRESSION_WORDS & set(self.words)
            or ("fat", "sat") in adjacent
        )

    @property
    def dixon_part(self) -> DixonPart | None:
        """Which Dixon image this is, or None where nothing says Dixon."""
        kinds = set(self.image_type[2:])
        for part, marks in _DIXON_MARKS.items():
            if marks & kinds:
                return part
        if _DIXON_WORDS & set(self.words):
            return next(
                (part for part, marks in _DIXON_NAMES.items() if marks & set(self.words)),
                DixonPart.IN_PHASE,
            )
        return None


_DIXON_MARKS = {
    DixonPart.IN_PHASE: {"IN_PHASE", "IP", "IN"},
    DixonPart.WATER: {"W", "WATER"},
    DixonPart.OPPOSED: {"OUT_PHASE", "OPP_PHASE", "OP", "OUT", "OPPOSED_PHASE"},
    DixonPart.FAT: {"F", "FAT"},
}
_DIXON_NAMES = {
    DixonPart.FAT: {"f", "fat"},
    DixonPart.WATER: {"w", "water"},
    DixonPart.OPPOSED: {"opp", "out", "op"},
}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A weighting and the reason for it in plain words; ``sure`` when timing decided."""

    weighting: Weighting
    reason: str
    sure: bool


def words_of(*texts: str) -> tuple[str, ...]:
    """Return the lower-case words of descriptions; digits stay with their letters.

    >>> words_of("Sag_T2 frFSE", "T2-TSE")
    ('sag', 't2', 'frfse', 't2', 'tse')
    """
    return tuple(re.findall(r"[a-z0-9*]+", " ".join(texts).lower()))


def weigh(contrast: Contrast) -> Weighed:
    """Return the weighting of a series.

    >>> weigh(Contrast(echo_time_ms=102, repetition_time_ms=3500)).reason
    'T2 spin echo: TE 102 ms, TR 3500 ms'
    >>> weigh(Contrast(echo_time_ms=38, repetition_time_ms=2500)).weighting
    <Weighting.PD: 'PD'>
    """
    found = _by_inversion(contrast) or _by_gradient(contrast) or _by_echo(contrast)
    if found is None:
        return _by_words(contrast)
    weighting, name = _refined(*found, contrast)
    timing = _timing(contrast)
    return Weighed(weighting, f"{name}: {timing}" if timing else name, sure=True)


def _by_inversion(contrast: Contrast) -> tuple[Weighting, str] | None:
    inversion, echo = contrast.inversion_time_ms, contrast.echo_time_ms
    stated = "IR" in contrast.sequences or bool(_STIR_WORDS & set(contrast.words))
    prepared = bool(contrast.sequences) and not stated and contrast.fat_suppressed
    if not (stated or inversion) or prepared or echo is None:
        return None
    if inversion is None:
        inverted_fat = bool(_STIR_WORDS & set(contrast.words)) or echo > _SHORT_TE_MS
        return (Weighting.STIR, "STIR") if inverted_fat else (Weighting.T1, "T1 FLAIR")
    if _STIR_TI_MS[0] <= inversion <= _STIR_TI_MS[1]:
        return Weighting.STIR, "STIR"
    if inversion >= _T2_FLAIR_TI_MS and echo >= _LONG_TE_MS:
        return Weighting.UNKNOWN, "T2 FLAIR"
    if inversion > _STIR_TI_MS[1] and echo < _LONG_TE_MS:
        return Weighting.T1, "T1 FLAIR"
    return None


def _by_gradient(contrast: Contrast) -> tuple[Weighting, str] | None:
    if not contrast.sequences & {"GR", "RM"} or "SE" in contrast.sequences:
        return None
    echo = contrast.echo_time_ms
    if echo is not None and echo < _GRADIENT_T1_TE_MS and "t2" not in contrast.words:
        return Weighting.T1, "gradient echo with a short echo time"
    return Weighting.UNKNOWN, "gradient echo"


def _by_echo(contrast: Contrast) -> tuple[Weighting, str] | None:
    echo, repetition = contrast.echo_time_ms, contrast.repetition_time_ms
    if echo is None:
        short = repetition is not None and repetition < _SHORTEST_T2_TR_MS
        return (Weighting.T1, "T1") if short else None
    if echo >= _LONG_TE_MS:
        return _long_echo(contrast, repetition)
    if repetition is not None and repetition < _LONG_TR_MS:
        return Weighting.T1, "T1"
    if repetition is None or echo > _SHORT_TE_MS:
        return None
    return Weighting.PD, "proton density"


def _long_echo(contrast: Contrast, repetition_ms: float | None) -> tuple[Weighting, str] | None:
    if repetition_ms is None:
        return Weighting.T2, "T2 spin echo" if "SE" in contrast.sequences else "T2"
    return (Weighting.T2, "T2 spin echo") if repetition_ms >= _SHORTEST_T2_TR_MS else None


def _by_words(contrast: Contrast) -> Weighed:
    """Return the weighting that AcquisitionContrast or the description states."""
    words = set(contrast.words)
    t2 = "T2" in contrast.stated or any(word.startswith("t2") and "*" not in word for word in words)
    stated = (
        (Weighting.STIR, contrast.stated == "STIR" or bool(_STIR_WORDS & words)),
        (Weighting.T1, contrast.stated == "T1" or any(word.startswith("t1") for word in words)),
        (Weighting.T2, t2 and contrast.stated != "T2_STAR"),
        (Weighting.PD, contrast.stated == "PROTON_DENSITY" or bool(words & {"pd", "pdw"})),
    )
    for weighting, said in stated:
        if said:
            refined, name = _refined(weighting, str(weighting), contrast)
            return Weighed(refined, f"{name} by its description", sure=False)
    return Weighed(Weighting.UNKNOWN, "no timing and no description of the contrast", sure=False)


def _refined(weighting: Weighting, name: str, contrast: Contrast) -> tuple[Weighting, str]:
    """Tell Dixon and fat-suppressed T2 from plain T2."""
    if weighting is not Weighting.T2:
        return weighting, name
    part = contrast.dixon_part
    if part is DixonPart.FAT:
        return Weighting.UNKNOWN, "fat image of a T2 Dixon"
    if part is not None:
        return Weighting.T2_DIXON, f"T2 Dixon, {part}"
    if contrast.fat_suppressed:
        return Weighting.T2_FAT_SUPPRESSED, "fat-suppressed T2"
    return weighting, name


def _timing(contrast: Contrast) -> str:
    shown = {
        "TE": contrast.echo_time_ms,
        "TR": contrast.repetition_time_ms,
        "TI": contrast.inversion_time_ms,
    }
    return ", ".join(f"{name} {value:.0f} ms" for name, value in shown.items() if value)
