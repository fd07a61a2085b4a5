"""Counts of a run under way: rows by status, tokens, money, speed."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from judgekit.batch.steadiness import Steadiness
from judgekit.exchange import FREE, Usage
from judgekit.verdict import ANSWERS

MESSAGES = 100  # different ones that are counted for one status


@dataclass
class Tally:
    """What has happened so far.

    Attributes
    ----------
    total : int
        Rows that the run will have.
    resumed : int
        Rows that an earlier run had answered.
    statuses : Counter of str
        Rows by status, resumed ones included.
    reasons : dict of str to Counter of str
        How often each message ended a row of this run, by status; the first hundred different ones.
    usage : Usage
        Of everything asked, repeats after a failure included.
    labels : Counter of str
        Answered rows by the result in a word, where it has one.
    steadiness : Steadiness
        How far the parts of composed verdicts agree.
    """

    total: int
    resumed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    usage: Usage = FREE
    labels: Counter[str] = field(default_factory=Counter)
    steadiness: Steadiness = field(default_factory=Steadiness)
    began: float = field(default_factory=time.monotonic)

    def add(self, verdict: dict[str, Any]) -> None:
        """Count one finished row."""
        self.keep(verdict)
        if verdict["status"] not in ANSWERS:
            self._explain(verdict["status"], (verdict.get("error") or {}).get("message", ""))
        self.spend(verdict)

    def keep(self, verdict: dict[str, Any]) -> None:
        """Count a row that stays, whether it was paid for now or before."""
        self.statuses[verdict["status"]] += 1
        if verdict.get("label"):
            self.labels[verdict["label"]] += 1
        if parts := verdict.get("parts"):
            self.steadiness.add(parts, str((verdict.get("model") or {}).get("asked")))

    def _explain(self, status: str, message: str) -> None:
        counted = self.reasons.setdefault(status, Counter())
        if message in counted or len(counted) < MESSAGES:
            counted[message] += 1

    def spend(self, verdict: dict[str, Any]) -> None:
        """Count what a verdict cost, whether or not it stays."""
        usage = verdict.get("usage") or {}
        self.usage = self.usage + Usage(**{key: usage.get(key) for key in FREE.to_dict()})

    @property
    def done(self) -> int:
        """Rows that have ended."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """Rows that ended without an answer."""
        return sum(count for status, count in self.statuses.items() if status not in ANSWERS)

    @property
    def seconds(self) -> float:
        """Time since this run began."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Rows a second of this run."""
        return (self.done - self.resumed) / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present rate; None before the first row."""
        return (self.total - self.done) / self.rate if self.done > self.resumed else None
