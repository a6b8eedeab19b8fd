"""Whether a series of samples is flat.

The slope is Theil and Sen's: the median of the slopes between all pairs of samples, which a burst
or a pause does not bend. A series is flat where that slope, over the whole of the measured time,
adds up to no more than an allowance: a share of its median, and something absolute beside it for
what is small. Falling is flat. A series that fills what it is given is held to that bound instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median


@dataclass(frozen=True, slots=True)
class Allowance:
    """By how much a series may grow: a share of its median, and an absolute amount.

    Where there is a `bound`, it may grow up to there, however much that is.
    """

    share: float
    amount: float
    bound: float | None = None

    def of(self, level: float) -> float:
        """The growth that is allowed at that level."""
        return self.share * level + self.amount


@dataclass(frozen=True, slots=True)
class Trend:
    """A series' median, its growth over the measured time, and what is allowed of it."""

    level: float
    growth: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it grows no more than it may."""
        return self.growth <= self.allowed


def trend(times: Sequence[float], values: Sequence[float], allowance: Allowance) -> Trend:
    """The trend of a series; ValueError where there are too few samples to say."""
    points = list(zip(times, values, strict=True))
    if len(points) < 3:
        raise ValueError(f"{len(points)} samples have no trend")
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
    level = median(values)
    growth = median(slopes) * (times[-1] - times[0])
    if allowance.bound is not None:
        return Trend(level, growth, growth + allowance.bound - max(values))
    return Trend(level, growth, allowance.of(level))
