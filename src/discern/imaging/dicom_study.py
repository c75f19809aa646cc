"""A DICOM study from its frames: one patient, one study, its series weighed and selected."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from discern.errors import NoImages, SeveralStudies, UnreadableFile, UsageError
from discern.findings import Source, StudyWarning
from discern.imaging.contents import Contents, reason_of
from discern.imaging.dicom import frames_of
from discern.imaging.files import Skipped, name_some, unreadable
from discern.imaging.frames import Frame
from discern.imaging.grouping import Stack, stacks_of
from discern.imaging.options import ReadOptions
from discern.imaging.selection import Candidate, select
from discern.imaging.study import Series, Slice, Study
from discern.imaging.weighting import weigh
from discern.spine import Plane, Weighting

_COARSE_PIXEL_MM, _FEW_SLICES = 1.3, 9
_ELSEWHERE_WORDS = ("cerv", "thor", "brain", "head", "neck", "csp", "tsp")
_HERE_WORDS = ("lum", "lsp", "ls")


@dataclass(frozen=True, slots=True)
class _Found:
    """The frames of a folder that may be MR, and what was left out."""

    frames: list[Frame]
    skipped: list[Skipped]
    warnings: list[StudyWarning]


def read_dicom_study(contents: Contents, options: ReadOptions) -> Study:
    """Return the one MR study among the DICOM files of ``contents``.

    Raises:
        UnreadableFile: Not one file could be read.
        NoImages: The files state another modality, or hold no images.
        SeveralStudies: More than one study or patient, and ``options.study`` picks none.
        NoUsableSeries: No sagittal T2-weighted series.
        UsageError: ``options`` name a study or series that is not there.
    """
    found = _read_frames(contents)
    frames = _one_study(found.frames, options.study)
    frames, repeated = _without_repeats(frames)
    stacks = _with_planes(stacks_of(frames), options.plane)
    candidates = [_candidate(stack, f"s{index}") for index, stack in enumerate(stacks, 1)]
    by_hand = options.plane is Plane.AXIAL
    selection = select(candidates, options.series, axial_alone=by_hand)
    used = [stack for stack, one in zip(stacks, selection.series, strict=True) if one.used]
    identity = frames[0].identity
    return Study(
        source=Source.DICOM,
        study_instance_uid=next((uid for one in frames if (uid := one.identity.study_uid)), None),
        study_date=identity.study_date,
        series=selection.series,
        warnings=(*found.warnings, *repeated, *selection.warnings, *_doubts(used, options.plane)),
    )
