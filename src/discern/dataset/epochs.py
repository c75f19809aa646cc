"""What one epoch shows, in which order and how changed: a pure function of seed and epoch."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from discern.dataset.augment import (
    PAPER_SHARE,
    Intensity,
    IntensityMode,
    apply_intensity,
    sample_online_intensity,
    sample_paper_intensity,
)
from discern.dataset.geometry import GeometryRange, mosaic, place_one
from discern.dataset.samples import Sample


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """How training samples are changed; the two switches are independent.

    Attributes:
        intensity: Brightness, sharpness and noise.
        geometry: Scale, rotation, shift and mosaic.
        mosaic: Chance that a sample is a mosaic of four.
        mosaic_off_last: Share of the epochs at the end that show whole images only.
        range: Extent of scale, rotation and shift.
    """

    intensity: IntensityMode = IntensityMode.ONLINE
    geometry: bool = True
    mosaic: float = 0.5
    mosaic_off_last: float = 0.2
    range: GeometryRange = field(default_factory=GeometryRange)


@dataclass(frozen=True, slots=True)
class Draw:
    """One place in an epoch: which sample, and the seeds of its change."""

    epoch: int
    place: int
    index: int
    paper_copy: bool = False


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """Order of an epoch: real samples once (and the paper's copies), phantoms in between.

    Attributes:
        seed: Of order and changes.
        patients: Patient of each real sample; they come first in the list of samples.
        slices_per_patient: Most real samples of one patient in an epoch, drawn anew each time;
            0 shows all. It keeps patients with many like slices from being learned by heart.
            Fewer of the paper's copies are then shown too.
        phantom: Number of phantom samples behind them.
        phantom_share: Share of phantom samples among those shown.
        paper_copies: Whether 30 % of the real samples are shown a second time, changed.
        planted: For each real sample, its copies with planted lesions behind all phantoms; empty
            if there are none at all.
        planted_share: Chance that a real sample with such copies is shown as one of them.
    """

    seed: int
    patients: tuple[str, ...]
    slices_per_patient: int = 0
    phantom: int = 0
    phantom_share: float = 0.0
    paper_copies: bool = False
    planted: tuple[tuple[int, ...], ...] = ()
    planted_share: float = 0.0

    @property
    def real(self) -> int:
        """Number of real samples."""
        return len(self.patients)

    @property
    def copied(self) -> frozenset[int]:
        """The fixed 30 % of the real samples with an extra copy (paper 2.4)."""
        if not self.paper_copies:
            return frozenset()
        rng = np.random.default_rng([self.seed, 0])
        chosen = rng.choice(self.real, round(PAPER_SHARE * self.real), replace=False)
        return frozenset(int(index) for index in chosen)

    @property
    def length(self) -> int:
        """Samples in an epoch."""
        return self._real_shown + self._phantoms_shown

    def draws(self, epoch: int) -> list[Draw]:
        """Return the samples of ``epoch`` in their order."""
        rng = np.random.default_rng([self.seed, 1, epoch])
        shown = [(index, False) for index in self._as_planted(self._real_of(epoch), epoch)]
        shown += [(index, True) for index in self._copies_of(epoch)]
        shown += [(self.real + index, False) for index in self._phantoms_of(epoch)]
        order = rng.permutation(len(shown))
        return [Draw(epoch, place, *shown[at]) for place, at in enumerate(order)]

    @property
    def _real_shown(self) -> int:
        return self._originals_shown + self._copies_shown

    @property
    def _originals_shown(self) -> int:
        most = self.slices_per_patient or self.real
        return sum(min(count, most) for count in Counter(self.patients).values())

    @property
    def _copies_shown(self) -> int:
        """All copies, or as many as are 30 % of the slices that ``slices_per_patient`` leaves."""
        return min(len(self.copied), round(PAPER_SHARE * self._originals_shown))

    @property
    def _phantoms_shown(self) -> int:
        if not self.phantom:
            return 0
        return round(self._real_shown * self.phantom_share / (1 - self.phantom_share))

    def _real_of(self, epoch: int) -> list[int]:
        if not self.slices_per_patient:
            return list(range(self.real))
        rng = np.random.default_rng([self.seed, 5, epoch])
        taken: Counter[str] = Counter()
        chosen = []
        for index in rng.permutation(self.real).tolist():
            patient = self.patients[index]
            if taken[patient] < self.slices_per_patient:
                taken[patient] += 1
                chosen.append(index)
        return sorted(chosen)

    def _as_planted(self, real: list[int], epoch: int) -> list[int]:
        """Put planted copies in the place of some of the samples ``real``."""
        if not self.planted:
            return real
        rng = np.random.default_rng([self.seed, 7, epoch])
        shown = []
        for index in real:
            copies, chance = self.planted[index], rng.random()
            is_planted = bool(copies) and chance < self.planted_share
            shown.append(int(rng.choice(copies)) if is_planted else index)
        return shown

    def _copies_of(self, epoch: int) -> list[int]:
        rng = np.random.default_rng([self.seed, 6, epoch])
        copied = sorted(self.copied)
        return sorted(rng.choice(copied, self._copies_shown, replace=False)) if copied else []

    def _phantoms_of(self, epoch: int) -> list[int]:
        """Phantoms take turns, so that all are shown before one comes again."""
        start = epoch * self._phantoms_shown
        turns = range(start, start + self._phantoms_shown)
        rounds: dict[int, list[int]] = {}
        for turn in turns:
            number = turn // self.phantom
            if number not in rounds:
                rng = np.random.default_rng([self.seed, 2, number])
                rounds[number] = rng.permutation(self.phantom).tolist()
        return [rounds[turn // self.phantom][turn % self.phantom] for turn in turns]


class TrainingSamples:
    """Samples in memory, changed when drawn; ``self[draw]`` depends on nothing but the draw."""

    def __init__(
        self, samples: Sequence[Sample], config: AugmentationConfig, *, seed: int, epochs: int
    ) -> None:
        """Keep ``samples``; ``epochs`` is the length of the run, after which mosaics end early."""
        self._samples = samples
        self._config = config
        self._seed = seed
        self._last_mosaic_epoch = epochs - round(config.mosaic_off_last * epochs)
        self._alike: dict[bytes, list[int]] = defaultdict(list)
        for index, sample in enumerate(samples):
            self._alike[sample.annotated.tobytes()].append(index)

    def __getitem__(self, draw: Draw) -> Sample:
        """Return the changed sample of ``draw``."""
        rng = np.random.default_rng([self._seed, 3, draw.epoch, draw.place])
        placed = self._placed(draw, rng)
        return replace(placed, image=apply_intensity(placed.image, self._intensity(draw, rng)))

    def _placed(self, draw: Draw, rng: np.random.Generator) -> Sample:
        sample, config = self._samples[draw.index], self._config
        if not config.geometry:
            return sample
        if draw.epoch >= self._last_mosaic_epoch or rng.random() >= config.mosaic:
            return place_one(sample, rng, config.range)
        partners = rng.choice(self._alike[sample.annotated.tobytes()], 3)
        tiles = [sample, *(self._samples[index] for index in partners)]
        return mosaic(tiles, rng, config.range)

    def _intensity(self, draw: Draw, rng: np.random.Generator) -> Intensity:
        if self._config.intensity is IntensityMode.ONLINE:
            return sample_online_intensity(rng)
        if draw.paper_copy:  # the same copy in every epoch
            return sample_paper_intensity(np.random.default_rng([self._seed, 4, draw.index]))
        return Intensity()
