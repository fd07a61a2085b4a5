"""The one door from synchronous code to the async core."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """A private event loop in a daemon thread.

    It works where a loop is already running (notebooks, web servers), because the caller's loop is never
    touched: the coroutine runs in the thread and the caller waits for its result.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="judgekit", daemon=True).start()
            return self._loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result; an interrupt cancels it first."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


# Started by the first synchronous call, never by an import. It outlives its callers so that a client's
# connections, which belong to one loop, stay usable between calls.
_door = Loop()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from synchronous code, also inside a running loop."""
    return _door.run(coroutine)
