"""Several coroutines at once: no more than asked for, and nothing left of those that never began."""

import asyncio
import gc

import pytest

from judgekit._sync import together


@pytest.mark.parametrize(("most", "peak"), [(None, 6), (2, 2), (9, 6)])
def test_no_more_at_once_than_asked_for(most, peak):
    running = reached = 0

    async def one(number):
        nonlocal running, reached
        running += 1
        reached = max(reached, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    async def main():
        return await together(*(one(n) for n in range(6)), most=most)

    assert asyncio.run(main()) == list(range(6))
    assert reached == peak


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("most", [None, 1, 2])
def test_one_that_raises_leaves_nothing_behind(most, recwarn):
    begun, ended = [], []

    async def fails():
        await asyncio.sleep(0.01)
        raise ValueError("no")

    async def waits():
        begun.append(1)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    async def main():
        with pytest.raises(ValueError, match="no"):
            await together(fails(), *(waits() for _ in range(5)), most=most)
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    assert ended == begun and (most or len(begun) == 5)
    gc.collect()
    assert not recwarn.list, "Python complains of a coroutine that was never begun"
