"""Signals: a run that is told to stop ends in order, with the exit code that shells expect."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from judgekit.cli.console import Interrupted

T = TypeVar("T")


def run_interruptible(work: Coroutine[Any, Any, T], kept: Callable[[], str]) -> T:
    """Run a coroutine; SIGINT and SIGTERM cancel it.

    Raises
    ------
    Interrupted
        With the text of `kept`, which says what becomes of the work so far.
    """
    caught: list[int] = []

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            caught.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        code = 128 + (caught[0] if caught else signal.SIGINT)
        raise Interrupted(f"interrupted: {kept()}", code) from None
