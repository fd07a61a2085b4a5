"""The protocol that batch and calibration see: anything that turns an item into a verdict."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from judgekit import _sync
from judgekit._digest import digest
from judgekit.errors import InputError, Problem, UsageError
from judgekit.item import Item, as_item, missing_fields
from judgekit.rubric import Rubric
from judgekit.verdict import Provenance, Verdict

_END = object()
AHEAD = 4  # times the concurrency, verdicts that may wait for an earlier one


@runtime_checkable
class Grader(Protocol):
    """Anything with ``agrade(item) -> Verdict``: a judge, recorded verdicts, a heuristic, a composition."""

    @property
    def rubric(self) -> Rubric:
        """What it grades by."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of all that decides its verdicts."""
        ...

    @property
    def signature(self) -> str:
        """The fingerprint in words, to paste beside a number."""
        ...

    @property
    def name(self) -> str:
        """The model or source, as asked for."""
        ...

    @property
    def destination(self) -> str:
        """The host that item text goes to; empty if nothing leaves the machine."""
        ...

    async def agrade(self, item: Any = None, /, **fields: Any) -> Verdict:
        """Grade one item; its trouble is in its verdict, not raised."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and files."""
        ...


class BaseGrader(ABC):
    """What every grader of this package shares: identity, input, the synchronous door.

    Parameters
    ----------
    rubric : Rubric
        What it grades by.
    name : str
        The model or source, as asked for.
    decides : dict
        Everything else that decides a verdict; enters the fingerprint.
    words : list of str
        The same for people; enters the signature.
    kind : str
        ``LLM`` or ``CODE``.

    Attributes
    ----------
    confident : bool
        Whether its findings carry a confidence, or a probability by a card.
    recipe : dict or None
        How to build it again: ``model`` and ``settings``, plain JSON, without server and key; None where
        that is not enough.
    standing : dict or None
        State and digest of the card that its verdicts carry.
    """

    destination = ""
    words: Sequence[str] = ()
    confident = False
    recipe: dict[str, Any] | None = None
    standing: dict[str, str] | None = None

    def __init__(
        self, rubric: Rubric, name: str, decides: dict[str, Any], words: list[str], kind: str
    ) -> None:
        self.rubric = rubric
        self.name = name
        self.words = words
        self.fingerprint = digest({"rubric": rubric.digest, "grader": name, **decides})
        self.signature = "|".join([rubric.reference, name, *words])
        source = {"name": rubric.name, "version": rubric.version, "digest": rubric.digest}
        self.provenance = Provenance(source, self.fingerprint, kind, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.signature}>"

    async def agrade(self, item: Any = None, /, **fields: Any) -> Verdict:
        """Grade one item, given as an Item, a mapping, a pydantic model, or keywords.

        Raises
        ------
        InputError
            If a required field is missing.
        CallRefused
            If every call would fail alike: wrong key, unknown model, quota used up.
        """
        one = as_item(item, fields)
        if lacking := missing_fields(one, self.rubric.required()):
            raise InputError(
                [
                    Problem(f"the rubric {self.rubric.name} needs it", f"item {one.id}", field=name)
                    for name in lacking
                ]
            )
        return await self.judge(one)

    def grade(self, item: Any = None, /, **fields: Any) -> Verdict:
        """Grade one item from synchronous code; works in notebooks and inside a running loop."""
        return _sync.run(self.agrade(item, **fields))

    async def agrade_many(
        self, items: Iterable[Any] | AsyncIterable[Any], *, concurrency: int = 16
    ) -> AsyncIterator[Verdict]:
        """Grade items one after the other handed in, so many at once; yield verdicts in their order.

        At most four times `concurrency` items are taken before the first of them is yielded, however many
        there are. Leaving the loop, or cancelling it, cancels what is under way.

        Parameters
        ----------
        items : iterable or asynchronous iterable
            Of whatever `agrade` takes.
        concurrency : int
            Items under way at once.

        Raises
        ------
        InputError
            At an item that lacks a required field.
        CallRefused
            If every call would fail alike.
        """
        if concurrency < 1:
            raise UsageError(f"concurrency must be at least 1, not {concurrency}")
        slots = asyncio.Semaphore(concurrency)
        waiting: deque[asyncio.Task[Verdict]] = deque()

        async def one(item: Any) -> Verdict:
            async with slots:
                return await self.agrade(item)

        source = _each(items)
        taking: asyncio.Task[Any] | None = None
        more = True
        try:
            while more or waiting:
                if more and taking is None and len(waiting) < AHEAD * concurrency:
                    taking = asyncio.ensure_future(anext(source, _END))
                # Whichever is first: a verdict must not wait for an item that waits for the verdict.
                due = {one for one in (taking, waiting[0] if waiting else None) if one is not None}
                await asyncio.wait(due, return_when=asyncio.FIRST_COMPLETED)
                if taking is not None and taking.done():
                    item, taking = taking.result(), None
                    more = item is not _END
                    if more:
                        waiting.append(asyncio.ensure_future(one(item)))
                while waiting and waiting[0].done():
                    yield waiting.popleft().result()
        finally:
            left = [*waiting, *([taking] if taking is not None else [])]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await source.aclose()

    def grade_many(self, items: Iterable[Any], *, concurrency: int = 16) -> list[Verdict]:
        """Grade items from synchronous code, so many at once; verdicts in their order."""

        async def all_of() -> list[Verdict]:
            return [verdict async for verdict in self.agrade_many(items, concurrency=concurrency)]

        return _sync.run(all_of())

    def reward(self, item: Any = None, /, **fields: Any) -> float | None:
        """Give the score of one item, 0..1, as a reward function does; a failed verdict is None, never 0."""
        return self.grade(item, **fields).score

    @abstractmethod
    async def judge(self, item: Item) -> Verdict:
        """Grade one item that has all required fields."""

    async def aclose(self) -> None:
        """Let go of connections and files; nothing to do unless a subclass says so."""
        return None


async def _each(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
