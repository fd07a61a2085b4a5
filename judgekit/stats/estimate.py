"""One number with its uncertainty: the result object of every statistic."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, and how both came about.

    Attributes
    ----------
    value, low, high : float
        Point estimate and interval limits; ``nan`` where undefined, and then `note` says why.
    confidence : float
        Two-sided confidence of the interval, 0..1.
    n : int
        Labelled items (or pairs, or tables) that the value rests on.
    method : str
        Name of the estimator and interval.
    note : str
        What the reader must know; empty when there is nothing to say.

    Examples
    --------
    >>> Estimate(0.71, 0.63, 0.78, n=120, method="bootstrap")
    Estimate(0.71, 95% [0.63, 0.78], n=120, method='bootstrap')
    """

    value: float
    low: float = nan
    high: float = nan
    confidence: float = 0.95
    n: int = 0
    method: str = ""
    note: str = ""

    @classmethod
    def undefined(cls, why: str, *, n: int = 0, method: str = "", confidence: float = 0.95) -> "Estimate":
        """Say that there is no value, and why."""
        return cls(nan, nan, nan, confidence, n, method, why)

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return not isnan(self.value)

    @property
    def half_width(self) -> float:
        """Half the length of the interval; nan without one."""
        return (self.high - self.low) / 2

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Estimate":
        """Read what `to_dict` gave."""
        values: dict[str, Any] = {key: nan if value is None else value for key, value in data.items()}
        return cls(**values)

    def __repr__(self) -> str:
        level = f"{100 * self.confidence:.4g}%"
        text = f"Estimate({self.value:.3g}, {level} [{self.low:.3g}, {self.high:.3g}], n={self.n}"
        text += f", method={self.method!r}" if self.method else ""
        return text + (f", note={self.note!r})" if self.note else ")")
