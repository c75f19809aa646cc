"""Who reads an axial series for lesions: the lesion network where the spine is, or the detector."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from discern.errors import UnreadableFile
from discern.findings import StudyWarning
from discern.imaging.disc_crop import AXIAL_BEHIND_MM, axial_box
from discern.imaging.geometry import POSTERIOR, usual_view
from discern.imaging.pixels import window
from discern.imaging.study import Slice
from discern.inference.axial import PlacedSeries, PlacedSlice
from discern.inference.detect import SeriesDetector, in_stored_matrix
from discern.inference.lesion_look import LesionLook
from discern.networks import Preprocessing
from discern.postprocess import PostprocessConfig, SelectedBox


@dataclass(frozen=True, slots=True)
class AxialBoxes:
    """What was found on one axial slice: xyxy px in the stored matrix."""

    slice_: Slice
    boxes: tuple[SelectedBox, ...]


class AxialReader(Protocol):
    """Reads the slices of an axial series."""

    @property
    def thresholds(self) -> PostprocessConfig:
        """What is looked for, and what a lesion must reach, alone or supported."""
        ...

    def read(self, placed: PlacedSeries) -> tuple[list[AxialBoxes], list[StudyWarning]]:
        """Return the boxes of every readable slice and a warning for each damaged one.

        With those that the other plane may yet support.
        """
        ...


@dataclass(frozen=True, slots=True)
class DetectorOnAxial:
    """The detector on whole slices: for weights without a lesion network."""

    detector: SeriesDetector

    @property
    def thresholds(self) -> PostprocessConfig:
        """What is looked for, and what a lesion must reach."""
        return self.detector.thresholds

    def read(self, placed: PlacedSeries) -> tuple[list[AxialBoxes], list[StudyWarning]]:
        """Return the boxes of every readable slice and a warning for each damaged one."""
        results, skipped = self.detector.detect(placed.series)
        return [AxialBoxes(one.slice_, one.boxes) for one in results], skipped


@dataclass(frozen=True, slots=True)
class LookOnAxial:
    """The lesion network where the slice crosses the spine, else in its middle."""

    look: LesionLook
    preprocessing: Preprocessing

    @property
    def thresholds(self) -> PostprocessConfig:
        """What is looked for, and what a lesion must reach."""
        return self.look.thresholds

    def read(self, placed: PlacedSeries) -> tuple[list[AxialBoxes], list[StudyWarning]]:
        """Return the boxes of every readable slice and a warning for each damaged one."""
        doubtful = self.look.with_doubtful_lesions()
        results: list[AxialBoxes] = []
        warnings: list[StudyWarning] = []
        for place in placed.slices:
            try:
                results.append(AxialBoxes(place.slice_, self._boxes(place, doubtful)))
            except UnreadableFile as error:
                warnings.append(StudyWarning("slice_skipped", f"A slice was skipped: {error}"))
        return results, warnings

    def _boxes(self, place: PlacedSlice, look: LesionLook) -> tuple[SelectedBox, ...]:
        slice_, rules = place.slice_, self.preprocessing
        turn, spacing_mm = usual_view(slice_.geometry), slice_.view_spacing_mm
        image = window(turn.apply(slice_.read()), rules.low_percentile, rules.high_percentile)
        middle = _middle_px(place)
        if middle is not None:
            point = turn.apply_boxes(np.array([[*middle, *middle]]), slice_.shape_px)[0]
            middle = float(point[0]), float(point[1])
        rows, columns = image.shape
        where = axial_box((rows, columns), spacing_mm, middle)
        found = look.within(image, where, spacing_mm)
        view = np.array([one.box_xyxy_px for one in found]).reshape(-1, 4)
        return in_stored_matrix(found, view, slice_)


def _middle_px(place: PlacedSlice) -> tuple[float, float] | None:
    """Return the middle of the crop in the stored matrix, None where the spine is not known."""
    geometry, crossing = place.slice_.geometry, place.midline_lps_mm
    if geometry is None or crossing is None:
        return None
    behind = np.array(crossing) + AXIAL_BEHIND_MM * np.array(POSTERIOR)
    x, y = geometry.lps_to_pixel(behind[None])[0]
    return float(x), float(y)
