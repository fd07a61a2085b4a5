"""The criteria of a rubric that code answers instead of a model."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from textwrap import dedent
from typing import Any

from judgekit._digest import digest
from judgekit.errors import UsageError
from judgekit.item import Item
from judgekit.judges.deciding import Lacking, Undecided, decider, shown
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric, fold_label
from judgekit.rubric.nearest import did_you_mean
from judgekit.rubric.patterns import TooSlow
from judgekit.verdict import ABSTAINED, OK, Finding

CHECKS = 1  # version; enters the fingerprint
MAX_EXPLANATION = 2000

Function = Callable[[dict[str, Any]], Any]
Answer = Callable[[Item], Finding]


class Checks:
    """Answers the criteria of a rubric that have a `check`.

    Parameters
    ----------
    rubric : Rubric
    functions : mapping of str to callable
        For each ``check: {python: NAME}`` the function of that name. It is given a dict with a copy of every
        input of the rubric (None where the item lacks it), and returns a bool (binary), a label, a number
        (numeric), or None for "cannot tell"; or a pair of one of these and an explanation.

    Attributes
    ----------
    names : tuple of str
        The criteria that it answers.
    decides : dict
        What enters the fingerprint: the version `checks`, and under `functions` a digest of the source text
        of each (of its module and name, where the text cannot be had; not of what it calls). Empty where
        the rubric has no check, so that its judges stay who they are.

    Raises
    ------
    UsageError
        If a function is not given, cannot be called, or belongs to no criterion.
    """

    def __init__(self, rubric: Rubric, functions: Mapping[str, Function] | None = None) -> None:
        checked = [criterion for criterion in rubric.criteria if criterion.check is not None]
        self.criteria = {criterion.name: criterion for criterion in checked}
        self.names = tuple(self.criteria)
        wanted = {c.name: c.check.python for c in checked if c.check is not None and c.check.python}
        given = dict(functions or {})
        _all_there(wanted, given)
        self._answers: dict[str, Answer] = {
            c.name: _Function(rubric, c, wanted[c.name], given[wanted[c.name]])
            if c.name in wanted
            else _decided(c)
            for c in checked
        }
        digests = {name: _source_digest(given[name]) for name in sorted(given)}
        self.decides: dict[str, Any] = {"checks": CHECKS} if checked else {}
        if digests:
            self.decides["functions"] = digests

    def recipe(self, model: str, settings: dict[str, Any]) -> dict[str, Any] | None:
        """Say how to build a judge again; functions cannot be written down: whoever does must bring them."""
        return None if "functions" in self.decides else {"model": model, "settings": settings}

    def findings(self, item: Item) -> dict[str, Finding]:
        """Answer all of them for one item; what goes wrong is in the findings, not raised."""
        return {name: self._finding(name, item) for name in self.names}

    def _finding(self, name: str, item: Item) -> Finding:
        try:
            found = self._answers[name](item)
        except Lacking as error:
            if self.criteria[name].allow_not_applicable:
                return Finding(OK, NOT_APPLICABLE, explanation=f"the check {error}")
            return _failed(str(error))
        except Undecided as error:
            return _failed(str(error))
        except TooSlow as error:
            return _failed(f"timed out: {error}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # other people's code may raise anything, and none of it is ours
            return _failed(f"raised {_told(error)}")
        return found


def _failed(why: str) -> Finding:
    return Finding("invalid_reply", explanation=_cut(f"the check {why}"))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_EXPLANATION else text[:MAX_EXPLANATION] + "…"


def _told(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # an error may fail even at saying what it is
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _all_there(wanted: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Refuse to begin without a function that a criterion needs, or with one that none needs."""
    lacking = [f"{function} (for {name})" for name, function in wanted.items() if function not in given]
    if lacking:
        raise UsageError(
            f"the rubric is checked by functions that were not given: {', '.join(lacking)}; "
            "whoever runs the judge gives each under its name"
        )
    for name, function in given.items():
        if name not in wanted.values():
            hint = did_you_mean(name, wanted.values()) or "; remove it"
            raise UsageError(f"no criterion is checked by a function {name!r}{hint}")
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise UsageError(f"the function {name!r} must be a plain function, not {shown(function)}")


def _source_digest(function: Any, depth: int = 3) -> str:
    """Digest the text of a function and what it is bound to: changing either changes the verdicts.

    Deeper than `depth` functions within each other, the names alone count.
    """
    if depth == 0:
        return digest(f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}")
    if isinstance(function, partial):
        held = [_held(function.args, depth - 1), _held(function.keywords, depth - 1)]
        return digest([_source_digest(function.func, depth - 1), *held])
    if inspect.ismethod(function):
        return digest([_source_digest(function.__func__, depth - 1), _state(function.__self__, depth - 1)])
    # Not through a wrapper to what it wraps: the wrapper answers.
    code = getattr(function, "__code__", None)
    source = code or (function if inspect.isroutine(function) else type(function))
    try:
        text = dedent(inspect.getsource(source))
    except (OSError, TypeError):
        text = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function))}"
    if code is None:
        return digest([text, _state(function, depth - 1)])
    bound = (
        function.__defaults__,
        function.__kwdefaults__,
        [_cell(one) for one in function.__closure__ or ()],
    )
    return digest([text, *(_held(one, depth - 1) for one in bound)])


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _state(instance: Any, depth: int) -> str:
    return _held(dict(getattr(instance, "__dict__", {})), depth)


def _held(value: Any, depth: int) -> str:
    """Digest what a function holds: plain JSON as it is, functions by their text, the rest by its kind."""
    try:
        return digest(value)
    except (ValueError, TypeError, RecursionError):
        pass
    if depth <= 0:
        return digest(type(value).__qualname__)
    if isinstance(value, dict):
        return digest({str(key): _held(one, depth - 1) for key, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        held = [_held(one, depth - 1) for one in value]
        return digest(held if isinstance(value, list | tuple) else sorted(held))
    if inspect.isroutine(value) or isinstance(value, partial):
        return _source_digest(value, depth)
    return digest([type(value).__qualname__, _state(value, depth - 1)])


def _decided(criterion: Criterion) -> Answer:
    """Answer a binary criterion by a check that passes or fails."""
    assert criterion.check is not None
    decide = decider(criterion.check)

    def answer(item: Item) -> Finding:
        passes, why = decide(item)
        return Finding(OK, _binary(criterion, passes), explanation=_cut(why))

    return answer


def _binary(criterion: Criterion, passes: bool) -> str:
    return next(level.label for level in criterion.levels if level.score == float(passes))


class _Function:
    """Answers one criterion by a function that was brought along."""

    def __init__(self, rubric: Rubric, criterion: Criterion, name: str, function: Function) -> None:
        self.inputs, self.abstain = tuple(rubric.inputs), rubric.allow_abstain
        self.criterion, self.name, self.function = criterion, name, function

    def __call__(self, item: Item) -> Finding:
        answer, why = self._asked(item)
        status, label, value = self._read(answer)
        said = why or f"the function {self.name} answered {shown(answer)}"
        return Finding(status, label, value, explanation=_cut(said))

    def _asked(self, item: Item) -> tuple[Any, str]:
        given = self.function({name: deepcopy(item.fields.get(name)) for name in self.inputs})
        answer, why = given if isinstance(given, tuple) and len(given) == 2 else (given, "")
        if not isinstance(why, str):
            raise self._nonsense(given)
        if inspect.iscoroutine(answer):
            answer.close()
        # A number of numpy's is what such functions compute.
        return (answer.item() if getattr(answer, "shape", None) == () else answer), why

    def _read(self, answer: Any) -> tuple[str, str | None, float | None]:
        """Give status, label and value of an answer that the criterion allows."""
        said = fold_label(answer) if isinstance(answer, str) else None
        if answer is None or said == ABSTAIN:
            if not self.abstain:
                raise Undecided(f"{self.name} cannot tell, and the rubric does not allow that")
            return ABSTAINED, None, None
        if said == NOT_APPLICABLE and self.criterion.allow_not_applicable:
            return OK, NOT_APPLICABLE, None
        if self.criterion.range is not None:
            return OK, None, self._number(self.criterion.range, answer)
        if isinstance(answer, bool) and self.criterion.scale == "binary":
            return OK, _binary(self.criterion, answer), None
        if isinstance(answer, int) and not isinstance(answer, bool):
            said = str(answer)
        for label in self.criterion.labels:
            if said == fold_label(label):
                return OK, label, None
        raise self._nonsense(answer)

    def _number(self, limits: tuple[float, float], answer: Any) -> float:
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            raise self._nonsense(answer)
        if not limits[0] <= answer <= limits[1]:  # nor is nan
            raise self._nonsense(answer)
        return float(answer)

    def _nonsense(self, answer: Any) -> Undecided:
        low_high = self.criterion.range
        allowed = (
            f"a number from {low_high[0]:g} to {low_high[1]:g}"
            if low_high is not None
            else f"one of {', '.join(self.criterion.labels)}"
        )
        return Undecided(f"{self.name} answered {shown(answer)}, which is not {allowed}")
