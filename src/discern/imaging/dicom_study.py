"""A DICOM study from its frames: one patient, one study, its series weighed and selected."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from discern.errors import NoImages, SeveralStudies, UnreadableFile, UsageError
from discern.findings import Source, StudyWarning
from discern.imaging.candidates import candidate_of, doubts_about
from discern.imaging.contents import Contents, reason_of
from discern.imaging.dicom import frames_of
from discern.imaging.files import Skipped, skipped_warning, unreadable
from discern.imaging.frames import Frame
from discern.imaging.grouping import Stack, stacks_of
from discern.imaging.options import ReadOptions
from discern.imaging.selection import select
from discern.imaging.study import Study
from discern.spine import Plane


def read_dicom_study(contents: Contents, options: ReadOptions) -> Study:
    """Return the one MR study among the DICOM files of ``contents``.

    Raises:
        UnreadableFile: Not one file could be read.
        NoImages: The files state another modality, or hold no images.
        SeveralStudies: More than one study or patient, and ``options.study`` picks none.
        NoUsableSeries: No sagittal T2-weighted series.
        UsageError: ``options`` name a study or series that is not there.
    """
    found, skipped = _read_frames(contents)
    magnetic, others = _of_this_modality(found, skipped)
    one_study = _one_study(magnetic, options.study)
    frames = _without_repeats(one_study)
    stacks = _with_planes(stacks_of(frames), options.plane)
    candidates = [candidate_of(stack, f"s{index}") for index, stack in enumerate(stacks, 1)]
    by_hand = options.plane is Plane.AXIAL
    selection = select(candidates, options.series, axial_alone=by_hand)
    used = [
        (stack, one.id) for stack, one in zip(stacks, selection.series, strict=True) if one.used
    ]
    identity = frames[0].identity
    return Study(
        source=Source.DICOM,
        study_instance_uid=next((uid for one in frames if (uid := one.identity.study_uid)), None),
        study_date=identity.study_date,
        series=selection.series,
        warnings=(
            *_if_synthetic(frames),
            *_left_out(skipped, others, len(one_study) - len(frames)),
            *selection.warnings,
            *(doubt for stack, series_id in used for doubt in doubts_about(stack, series_id)),
        ),
    )


def _read_frames(contents: Contents) -> tuple[list[Frame], list[Skipped]]:
    frames: list[Frame] = []
    skipped = list(contents.skipped)
    for file in contents.dicom:
        try:
            frames += frames_of(file)
        except UnreadableFile as error:
            if contents.single:
                raise
            skipped.append(Skipped(file.name, reason_of(error, file.name)))
    return frames, skipped


def _of_this_modality(
    frames: Sequence[Frame], skipped: Sequence[Skipped]
) -> tuple[list[Frame], Counter[str]]:
    """Return the frames that state MR or no modality, and how many state which other one."""
    others = Counter(one.identity.modality or "" for one in frames if not _may_be_mr(one))
    magnetic = [one for one in frames if _may_be_mr(one)]
    if magnetic:
        return magnetic, others
    if others:
        raise NoImages(f"no MR image: there are {_counted(others)} only; give an MR study")
    if skipped:
        raise unreadable(skipped)
    raise NoImages("no image in the DICOM files; give the folder that holds the MR images")


def _may_be_mr(frame: Frame) -> bool:
    return frame.identity.modality in (None, "MR")


def _counted(others: Counter[str]) -> str:
    return ", ".join(f"{count} {name} images" for name, count in sorted(others.items()))


def _one_study(frames: list[Frame], wanted: str | None) -> list[Frame]:
    """Return the frames of one study of one patient; files without study UID join the only one."""
    uids = {one.identity.study_uid for one in frames}
    if wanted is not None:
        if wanted not in uids:
            raise UsageError(f"--study {wanted}: no such study; there are {_studies(frames)}")
        frames = [one for one in frames if one.identity.study_uid == wanted]
    elif len(uids - {None}) > 1:
        raise SeveralStudies(
            f"{len(uids - {None})} studies in one input: {_studies(frames)}; "
            "pass --study UID to read one of them"
        )
    patients = _patients(frames)
    if patients > 1:
        raise SeveralStudies(
            f"{patients} patients in one study ({_studies(frames)}); give them separately"
        )
    return frames


def _patients(frames: Sequence[Frame]) -> int:
    """Return how many patients the ids tell apart, or the names where no file has an id."""
    ids = {one.identity.patient_id for one in frames} - {""}
    return len(ids or {one.identity.patient_name for one in frames} - {""})


def _studies(frames: Sequence[Frame]) -> str:
    counts = Counter(one.identity.study_uid for one in frames)
    dates = {one.identity.study_uid: one.identity.study_date for one in frames}
    return "; ".join(
        f"{uid or 'no study UID'} ({dates[uid] or 'no date'}, {count} images)"
        for uid, count in sorted(counts.items(), key=lambda item: str(item[0]))
    )


def _without_repeats(frames: Sequence[Frame]) -> list[Frame]:
    """Drop further copies of one object: same UID, number, place and contrast."""
    kept: dict[object, Frame] = {}
    for frame in frames:
        identity = frame.identity
        place = (frame.position_lps_mm, frame.orientation, frame.shape_px, frame.contrast)
        whose = (identity.series_uid, identity.sop_uid or frame.file, identity.instance_number)
        kept.setdefault((*whose, frame.number, *place), frame)
    return list(kept.values())


def _with_planes(stacks: list[Stack], stated: Plane | None) -> list[Stack]:
    """Give stacks without orientation the plane stated by hand, or the only one sagittal."""
    unoriented = [one for one in stacks if one.first.orientation is None]
    if stated is not None:
        return [replace(one, plane=stated) if one in unoriented else one for one in stacks]
    unknown = [one for one in unoriented if one.plane is Plane.UNKNOWN]
    if len(unknown) != 1 or any(one.plane is Plane.SAGITTAL for one in stacks):
        return stacks
    assumed = replace(unknown[0], plane=Plane.SAGITTAL, plane_assumed=True)
    return [assumed if one is unknown[0] else one for one in stacks]


def _if_synthetic(frames: Sequence[Frame]) -> Iterable[StudyWarning]:
    if any(frame.identity.synthetic for frame in frames):
        text = "These images are synthetic, drawn by the Discern phantom; no patient was imaged."
        yield StudyWarning("synthetic", text)


def _left_out(
    skipped: Sequence[Skipped], others: Counter[str], repeats: int
) -> Iterable[StudyWarning]:
    yield from skipped_warning(skipped)
    if others:
        yield StudyWarning("other_modality", f"Not MR, skipped: {_counted(others)}.")
    if repeats:
        yield StudyWarning("repeated_files", f"{repeats} further copies of images were skipped.")
