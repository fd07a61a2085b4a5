"""What a judge takes: money, tokens and time for an item, as its graded rows say."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median
from typing import Any

from judgekit.files.graded import GradedRow
from judgekit.verdict import ABSTAINED, OK

# A row with one of these was never sent to the judge.
UNASKED = ("over_budget", "cancelled", "not_recorded")
REPLAYED = "recorded/"
THOUSAND = 1000


@dataclass(frozen=True)
class Expense:
    """What a judge takes, by the rows of a batch that it was asked about.

    Attributes
    ----------
    cost : float
        US dollars for 1,000 items, failures and second tries among them; nan where unknown.
    input_tokens, output_tokens : float
        Mean of an item; nan where unknown.
    latency_s : float
        Median seconds of an answered item; nan where unknown.
    rows : int
        Rows that the judge was asked about anew: not from a cache, not cut off by a budget.
    priced : int
        … whose cost is known.
    asked : str
        The model as asked for.
    served : tuple of str
        Models that answered, the most frequent first.
    note : str
        What the reader must know.
    """

    cost: float = nan
    input_tokens: float = nan
    output_tokens: float = nan
    latency_s: float = nan
    rows: int = 0
    priced: int = 0
    asked: str = ""
    served: tuple[str, ...] = ()
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether the cost is known."""
        return not isnan(self.cost)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {k: None if isinstance(v, float) and isnan(v) else v for k, v in vars(self).items()}
        return plain | {"served": list(self.served)}


@dataclass
class Till:
    """Gathers the expense of a batch while its rows are read for something else."""

    costs: "array[float]" = field(default_factory=lambda: array("d"))
    read: "array[float]" = field(default_factory=lambda: array("d"))
    written: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    served: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    cached: int = 0
    asked: str = ""

    def watch(self, rows: Iterable[GradedRow]) -> Iterator[GradedRow]:
        """Hand rows on, and count what each took."""
        for row in rows:
            self._add(row)
            yield row

    def _add(self, row: GradedRow) -> None:
        verdict = row.verdict
        self.asked = self.asked or verdict.provenance.model
        if verdict.served_model:
            self.served[verdict.served_model] += 1
        self.cached += verdict.cached
        # A cached answer was paid for by another run, and took no time.
        if verdict.cached or verdict.status in UNASKED:
            return
        self.rows += 1
        usage = verdict.usage
        given = (usage.cost_usd, usage.input_tokens, usage.output_tokens)
        for value, kept in zip(given, (self.costs, self.read, self.written), strict=True):
            if value is not None:
                kept.append(value)
        if verdict.status in (OK, ABSTAINED) and verdict.latency_s > 0:
            self.seconds.append(verdict.latency_s)

    def expense(self, grader: str, stated: float | None = None) -> Expense:
        """Give the expense; `stated` is what the user says that 1,000 items cost."""
        served = tuple(name for name, _ in self.served.most_common())
        who: dict[str, Any] = {"asked": self.asked, "served": served}
        if REPLAYED in grader:
            # Replaying is free; what the verdicts cost when they were made stands nowhere.
            found = Expense(note="replayed: what its verdicts once cost is not recorded", **who)
            return found if stated is None else _priced(found, stated)
        found = Expense(
            THOUSAND * _mean(self.costs),
            _mean(self.read),
            _mean(self.written),
            median(self.seconds) if self.seconds else nan,
            self.rows,
            len(self.costs),
            note=self._note(),
            **who,
        )
        return found if stated is None else _priced(found, stated)

    def _note(self) -> str:
        if not self.rows:
            return "all from the cache: what it cost stands in the run that paid" if self.cached else ""
        if not self.costs:
            return "the price of the model is not known"
        if len(self.costs) < self.rows:
            return f"the cost is known of {len(self.costs):,} of {self.rows:,} rows"
        return ""


def _priced(found: Expense, stated: float) -> Expense:
    return Expense(**(vars(found) | {"cost": stated, "priced": found.rows, "note": "cost as stated"}))


def _mean(values: "array[float]") -> float:
    return sum(values) / len(values) if values else nan
