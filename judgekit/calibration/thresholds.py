"""Where the rules of the decision draw their lines."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from judgekit.errors import UsageError


@dataclass(frozen=True)
class Thresholds:
    """Where the rules of the decision draw their lines; the defaults are those of docs/calibration.md.

    Attributes
    ----------
    labels, in_class : int
        Fewest items that both sides answered; fewest that people pass, and that they fail (binary).
    alpha, raw_agreement : float
        Below which upper limits of agreement between people make them label again.
    rated_items : int
        Fewest items with two raters for that.
    reject : float
        Below which the upper limit of the coefficient rejects.
    chance_labels : int
        From which a lower limit of 0 or less rejects.
    margin : float or None
        Bias that does not matter; None is 5 points, and half the share of the rarer outcome if that is less.
    below_humans : float
        By how much the judge may agree less with people than they do with each other.
    ceiling_items : int
        Fewest items with two raters for that.
    agreement : float or None
        Agreement that suffices, whatever people's is.
    """

    labels: int = 30
    in_class: int = 5
    alpha: float = 0.60
    raw_agreement: float = 0.90
    rated_items: int = 30
    reject: float = 0.40
    chance_labels: int = 100
    margin: float | None = None
    below_humans: float = 0.10
    ceiling_items: int = 50
    agreement: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            whole = name in ("labels", "in_class", "rated_items", "chance_labels", "ceiling_items")
            wrong = value is not None and not (value >= 0 if whole else 0 <= value <= 1)
            if wrong or (whole and value != int(value)):
                of = "a whole number from 0" if whole else "a share from 0 to 1"
                raise UsageError(f"threshold {name} is {value:g}; it is {of}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, of what differs from the defaults."""
        plain = vars(DEFAULTS)
        return {name: value for name, value in vars(self).items() if value != plain[name]}


DEFAULTS = Thresholds()


def read_thresholds(given: Iterable[str]) -> Thresholds:
    """Read thresholds written as ``NAME=VALUE``.

    Raises
    ------
    UsageError
        For a name that there is not, or a value that is no number of its kind.
    """
    known = {field.name: field for field in fields(Thresholds)}
    found: dict[str, Any] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in known:
            raise UsageError(f"--threshold {text!r}: the names are {', '.join(known)}")
        try:
            found[name] = int(value) if known[name].type is int else float(value)
        except ValueError:
            raise UsageError(f"--threshold {text!r}: write NAME=VALUE, with a number") from None
    return Thresholds(**found)
