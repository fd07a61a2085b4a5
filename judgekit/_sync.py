"""The one door from synchronous code to the async core."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

TIDY_SECONDS = 10.0


class Loop:
    """A private event loop in a daemon thread.

    It works where a loop is already running (notebooks, web servers), because the caller's loop is never
    touched: the coroutine runs in the thread and the caller waits for its result.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._process = 0

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            # A forked child inherits the loop but not the thread that runs it.
            if self._loop is None or self._loop.is_closed() or self._process != os.getpid():
                self._process = os.getpid()
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="judgekit", daemon=True).start()
            return self._loop

    def _inside(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result; an interrupt cancels it, and lets it tidy up.

        Raises
        ------
        RuntimeError
            If called from the private loop itself, which would wait for itself forever.
        """
        if self._inside():
            coroutine.close()
            raise RuntimeError("a synchronous call inside judgekit's own loop; await the async one there")
        ended = threading.Event()

        async def tracked() -> T:
            try:
                return await coroutine
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(tracked(), self._running())
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                ended.wait(TIDY_SECONDS)
            raise


# Started by the first synchronous call, never by an import. It outlives its callers so that a client's
# connections, which belong to one loop, stay usable between calls.
_door = Loop()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from synchronous code, also inside a running loop."""
    return _door.run(coroutine)


async def together(*work: Coroutine[Any, Any, T], most: int | None = None) -> list[T]:
    """Run coroutines, at most so many at once; if one raises, or the caller is cancelled, none runs on."""
    slots = asyncio.Semaphore(len(work) if most is None else most)

    async def held(one: Coroutine[Any, Any, T]) -> T:
        async with slots:
            return await one

    tasks = [asyncio.ensure_future(held(one)) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in work:
            one.close()  # what got no slot was never begun, and Python would complain of that
        raise
