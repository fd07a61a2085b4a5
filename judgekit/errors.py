"""What can go wrong, as one tree.

::

    JudgekitError
    ├── InputError         a file or value from the user is wrong; lists every problem
    │   └── RubricError    … the rubric
    ├── ShapeError         arrays of the wrong shape or content (also a ValueError)
    ├── UsageError         the call contradicts itself, or asks for what may not be done
    │   └── StaleError     a card was made for another rubric or judge
    ├── Stopped            a run ended early; what was done is kept and can be resumed
    └── CallFailed         one model call ended without an answer
        └── CallRefused    … and every other call would end the same way
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SHOWN_PROBLEMS = 20


class JudgekitError(Exception):
    """Root of everything that judgekit raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes
    ----------
    message : str
        What is wrong and what to do about it.
    where : str
        File name, or a word for what was passed in.
    line : int or None
        Counted from 1.
    field : str
        Path inside the line or document, empty where the whole is meant.
    """

    message: str
    where: str = ""
    line: int | None = None
    field: str = ""

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.where, self.line) if p not in ("", None))
        parts = [place, self.field] if place else [self.field]
        return ": ".join([p for p in parts if p] + [self.message])


class InputError(JudgekitError):
    """A file or value from the user is wrong.

    Attributes
    ----------
    problems : list of Problem
        At least the first 20.
    total : int
        How many there are in all.
    """

    def __init__(self, problems: Iterable[Problem] | str, total: int | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        self.total = len(self.problems) if total is None else total
        lines = [str(p) for p in self.problems[:SHOWN_PROBLEMS]]
        more = self.total - len(lines)
        super().__init__("\n".join(lines + ([f"… and {more} more"] if more > 0 else [])))


class Problems:
    """Collects what is wrong with one file: the first 20 in full, the rest as a count."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.first: list[Problem] = []
        self.total = 0

    def add(self, message: str, line: int | None = None, field: str = "", where: str = "") -> None:
        """Note one problem; `where` only if it lies elsewhere than the others."""
        self.total += 1
        if len(self.first) < SHOWN_PROBLEMS:
            self.first.append(Problem(message, where or self.where, line, field))

    def __bool__(self) -> bool:
        return self.total > 0

    def raise_if_any(self) -> None:
        """Raise an InputError that names them all."""
        if self.total:
            raise InputError(self.first, self.total)


class RubricError(InputError):
    """A rubric breaks the format."""


class ShapeError(JudgekitError, ValueError):
    """An array has the wrong shape or holds what it may not."""


class UsageError(JudgekitError):
    """The call contradicts itself, or asks for what may not be done."""


class StaleError(UsageError):
    """A card was made for another rubric or another judge than the one at hand."""


class Stopped(JudgekitError):
    """A run ended before its last row; what was done is kept."""


class CallFailed(JudgekitError):
    """One model call ended without an answer.

    Attributes
    ----------
    status : str
        One of the failure statuses of a verdict, such as ``"timeout"``.
    attempts : int
        Requests sent for this call.
    usage : exchange.Usage or None
        What the attempts cost all the same; None is unknown.
    """

    def __init__(self, status: str, message: str, *, attempts: int = 1, usage: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.attempts = attempts
        self.usage = usage


class CallRefused(CallFailed):
    """The provider will refuse every call alike: wrong key, unknown model, no quota left."""
