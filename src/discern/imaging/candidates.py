"""From a stack of DICOM frames to a series that can be selected, and what its headers leave out."""

from collections.abc import Iterable

from discern.findings import StudyWarning
from discern.imaging.body_part import is_elsewhere, is_not_lumbar
from discern.imaging.frames import Frame
from discern.imaging.grouping import Stack
from discern.imaging.selection import Candidate
from discern.imaging.study import Series, Slice
from discern.imaging.weighting import weigh
from discern.spine import Weighting

_COARSE_PIXEL_MM, _FEW_SLICES = 1.3, 9
_ELSEWHERE_WORDS = ("cerv", "thor", "brain", "head", "neck", "csp", "tsp")
_HERE_WORDS = ("lum", "lsp", "ls")


def candidate_of(stack: Stack, series_id: str) -> Candidate:
    """Return a stack as a series, weighed, with what the selection asks of it."""
    contrast, weighed = stack.contrast, weigh(stack.contrast)
    identity = stack.first.identity
    words = contrast.words
    series = Series(
        id=series_id,
        series_instance_uid=identity.series_uid,
        description=identity.description,
        plane=stack.plane,
        weighting=weighed.weighting,
        slices=tuple(_slice(frame, index) for index, frame in enumerate(stack.frames)),
    )
    return Candidate(
        series=series,
        contrast_reason=weighed.reason,
        unreadable_contrast=weighed.sure and weighed.weighting is Weighting.UNKNOWN,
        localizer=_localizer(stack, timed=weighed.sure),
        elsewhere=(_names(words, _ELSEWHERE_WORDS) and not _names(words, _HERE_WORDS))
        or is_elsewhere(identity.body_part),
        other_part=identity.body_part if is_not_lumbar(identity.body_part) else "",
        derived="DERIVED" in contrast.image_type[:1],
        three_dimensional=contrast.three_dimensional,
        dixon_part=contrast.dixon_part if weighed.weighting is Weighting.T2_DIXON else None,
    )


def _names(words: Iterable[str], beginnings: tuple[str, ...]) -> bool:
    return any(word.startswith(beginnings) for word in words)


def _localizer(stack: Stack, *, timed: bool) -> str:
    """Return why a stack is a localiser, empty when it is none."""
    if any(one.localizer for one in stack.frames):
        return "its description or image type says so"
    few = len(stack.frames) <= _FEW_SLICES
    if stack.sibling_planes > 1 and few:
        return "its series holds several planes of few slices"
    spacing_mm = stack.first.spacing_mm
    coarse = spacing_mm is not None and max(spacing_mm) >= _COARSE_PIXEL_MM
    if few and coarse and not timed:
        return "few slices of coarse pixels, no timing"
    return ""


def _slice(frame: Frame, index: int) -> Slice:
    return Slice(
        index=index,
        shape_px=frame.shape_px,
        geometry=frame.geometry,
        spacing_mm=frame.spacing_mm,
        read=frame.read,
        sop_instance_uid=frame.identity.sop_uid,
        frame_number=frame.number,
        file=frame.file,
        header=frame.header,
    )


def doubts_about(stack: Stack, series_id: str) -> Iterable[StudyWarning]:
    """Yield what is missing in the headers of a series that is read."""
    frames = stack.frames
    where = f"Series {series_id}"
    if stack.plane_assumed:
        text = f"{where} states no orientation; it was taken as sagittal (--plane says otherwise)."
        yield StudyWarning("plane_assumed", text)
    missing = sum(one.orientation is None or one.position_lps_mm is None for one in frames)
    if missing:
        text = f"{where}: {missing} of {len(frames)} slices state no place in the patient."
        yield StudyWarning("no_geometry", text)
    if any(one.spacing_mm is None for one in frames):
        text = f"{where} states no pixel spacing: no distances, square pixels assumed."
        yield StudyWarning("missing_spacing", text)
    if any(one.identity.modality is None for one in frames):
        text = f"{where} does not state its modality; it was taken as MR."
        yield StudyWarning("modality_missing", text)
    if len(frames) == 1:
        yield StudyWarning("one_slice", f"{where} is a single slice.")
    if stack.duplicates:
        text = f"{where}: {stack.duplicates} slices repeat the place of another and were left out."
        yield StudyWarning("repeated_slices", text)
