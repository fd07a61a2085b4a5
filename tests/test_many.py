"""Many items of one grader: order, bounds, what stops them, and what is left behind (nothing)."""

import asyncio
import gc
import itertools
import os
import resource
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import pytest
from judged import LENGTH, YES, rubric_of
from loopback import Answer, LoopbackServer, Seen, completion, error
from models import client_of, says

import judgekit as jk
from judgekit.errors import CallRefused, InputError, UsageError
from judgekit.grader import AHEAD
from judgekit.judges import Judge

RUBRIC = rubric_of(LENGTH, allow_abstain=True)
T = TypeVar("T")


def number_in(seen: Seen) -> int:
    """The number that is the text of the item."""
    return next(int(line) for line in seen.said().splitlines() if line.isdigit())


def echo(delay: Callable[[int], float] = lambda _: 0.0) -> Callable[[Seen], Answer]:
    """A model that answers with the item's number, ten at most."""
    return lambda seen: Answer(completion(says(length=number_in(seen) % 11)), delay=delay(number_in(seen)))


def items(count: int | None = None) -> Iterator[dict]:
    numbers = itertools.count() if count is None else range(count)
    return ({"id": str(number), "output": str(number)} for number in numbers)


def judge_of(server: LoopbackServer, **more: object) -> Judge:
    return Judge(RUBRIC, client_of(server, **more))


def closing(judge: Judge, work: Coroutine[Any, Any, T]) -> T:
    """Run work in a loop of its own, and let go of the connections that belong to that loop."""

    async def run() -> T:
        try:
            return await work
        finally:
            await judge.aclose()

    return asyncio.run(run())


async def values(verdicts: AsyncIterator[jk.Verdict]) -> list[float | None]:
    return [one.criteria["length"].value if one.criteria else None async for one in verdicts]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that hangs has failed."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - of whatever there is to wait for
            await asyncio.sleep(0.005)


# ---------------------------------------------------------------- order and bounds


def test_verdicts_come_in_the_order_of_the_items():
    with LoopbackServer(echo(lambda number: 0.03 * (number % 3 == 0))) as server:
        judge = judge_of(server)
        found = closing(judge, values(judge.agrade_many(items(40), concurrency=8)))
        assert found == [n % 11 for n in range(40)]
        assert [v.criteria["length"].value for v in judge.grade_many(items(12))] == [
            n % 11 for n in range(12)
        ]
    assert server.count == 52


def test_so_many_at_once_and_no_more():
    with LoopbackServer(echo(lambda _: 0.05)) as server:
        judge_of(server).grade_many(items(35), concurrency=7)
    assert (server.count, server.most_at_once) == (35, 7)


def test_no_items_and_no_concurrency():
    with LoopbackServer(["x"]) as server:
        judge = judge_of(server)
        assert judge.grade_many([]) == []
        with pytest.raises(UsageError, match="concurrency must be at least 1, not 0"):
            judge.grade_many(items(3), concurrency=0)
    assert server.count == 0


def test_items_that_come_asynchronously():
    async def slowly() -> AsyncIterator[dict]:
        for item in items(9):
            await asyncio.sleep(0.001)
            yield item

    with LoopbackServer(echo()) as server:
        judge = judge_of(server)
        assert closing(judge, values(judge.agrade_many(slowly()))) == list(range(9))


def test_an_endless_source_is_not_read_ahead_of_its_consumer():
    taken = yielded = most = tasks = 0

    def endless() -> Iterator[dict]:
        nonlocal taken, most
        for item in items():
            taken += 1
            most = max(most, taken - yielded)
            yield item

    async def some() -> None:
        nonlocal yielded, tasks
        judge = jk.judge(rubric_of(LENGTH), "offline/lexical")
        async with aclosing(judge.agrade_many(endless(), concurrency=4)) as verdicts:
            async for _ in verdicts:
                yielded += 1
                tasks = max(tasks, len(asyncio.all_tasks()))
                if yielded == 3000:
                    break

    asyncio.run(some())
    assert yielded == 3000 and most <= AHEAD * 4 + 1 and tasks <= AHEAD * 4 + 2


def test_one_slow_item_does_not_let_the_others_run_away():
    taken = 0

    def endless() -> Iterator[dict]:
        nonlocal taken
        for item in items():
            taken += 1
            yield item

    async def first() -> None:
        async with aclosing(judge.agrade_many(endless(), concurrency=3)) as verdicts:
            await anext(verdicts)

    with LoopbackServer(echo(lambda number: 0.3 * (number == 0))) as server:
        judge = judge_of(server)
        closing(judge, first())
    assert taken == AHEAD * 3 and server.count == AHEAD * 3


# ---------------------------------------------------------------- what goes wrong


def test_failures_are_verdicts_in_their_places():
    def flaky(seen: Seen) -> Answer:
        return error(500) if number_in(seen) % 3 == 1 else echo()(seen)

    with LoopbackServer(flaky) as server:
        verdicts = judge_of(server).grade_many(items(9))
    assert [v.status for v in verdicts] == ["ok", "provider_error", "ok"] * 3


def test_an_item_that_cannot_be_graded_is_raised_in_its_turn():
    broken = [*items(5), {"id": "5"}, *items(50)]

    async def collect() -> tuple[list, set]:
        found = []
        with pytest.raises(InputError, match="item 5: output: the rubric test needs it"):
            async for verdict in judge.agrade_many(broken, concurrency=2):
                found.append(verdict.criteria["length"].value)
        return found, asyncio.all_tasks() - {asyncio.current_task()}

    with LoopbackServer(echo(lambda number: 0.02 * (number == 0))) as server:
        judge = judge_of(server)
        assert closing(judge, collect()) == ([0, 1, 2, 3, 4], set())
    assert server.count < 40


def test_a_source_that_breaks_ends_the_run_and_leaves_nothing_running():
    async def breaking() -> AsyncIterator[dict]:
        for item in items(5):
            yield item
        await until(lambda: server.count == 5)
        raise OSError("the disk is gone")

    async def collect() -> set:
        with pytest.raises(OSError, match="the disk is gone"):
            await values(judge.agrade_many(breaking()))
        return asyncio.all_tasks() - {asyncio.current_task()}

    with LoopbackServer(echo(lambda _: 5.0)) as server:
        judge = judge_of(server)
        assert closing(judge, collect()) == set()


def test_a_wrong_key_ends_the_run():
    async def collect() -> set:
        with pytest.raises(CallRefused):
            await values(judge.agrade_many(items(500), concurrency=4))
        return asyncio.all_tasks() - {asyncio.current_task()}

    with LoopbackServer([error(401)]) as server:
        judge = judge_of(server)
        assert closing(judge, collect()) == set()
    assert server.count <= AHEAD * 4


# ---------------------------------------------------------------- what is left behind

LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are read from /proc")
SOCKETS = 2600  # a thousand calls, with both ends in this process


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def sockets_to(port: int) -> int:
    """This process's connections whose other end is that port."""
    with open("/proc/self/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    inodes = {row[9] for row in rows if int(row[2].split(":")[1], 16) == port}
    held = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            held += os.readlink(f"/proc/self/fd/{number}").removeprefix("socket:[").rstrip("]") in inodes
    return held


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (-1, resource.RLIM_INFINITY) and hard < SOCKETS:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SOCKETS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def cancelled(judge: Judge, server: LoopbackServer, count: int, one_by_one: bool) -> None:
    """Have so many grades in flight, and cancel them."""
    before = server.count
    if one_by_one:
        tasks = [asyncio.create_task(judge.agrade(item)) for item in items(count)]
    else:
        tasks = [asyncio.create_task(values(judge.agrade_many(items(count), concurrency=count)))]
    await until(lambda: server.count == before + count)
    assert sockets_to(server.port) == count
    for task in tasks:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in done)


@LINUX
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("one_by_one", [True, False], ids=["agrade", "agrade_many"])
def test_cancelling_a_thousand_grades_in_flight_leaves_nothing(one_by_one):
    async def run() -> None:
        judge = judge_of(server, max_connections=1000)
        threads = set(threading.enumerate())
        assert sockets_to(server.port) == 0
        await cancelled(judge, server, 1000, one_by_one)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await judge.aclose()
        await until(lambda: sockets_to(server.port) == 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert set(threading.enumerate()) == threads

    warm_up()
    before = open_files()
    with LoopbackServer(echo(lambda _: 60.0)) as server:
        asyncio.run(run())
    assert open_files() <= before


def warm_up() -> None:
    """Have loaded whatever stays open for good."""
    with LoopbackServer(echo()) as server:
        judge = judge_of(server)
        closing(judge, judge.agrade(next(items())))


@LINUX
def test_without_closing_nothing_grows_either():
    async def run() -> None:
        judge = judge_of(server)
        for _ in range(5):
            await cancelled(judge, server, 50, True)
            await until(lambda: sockets_to(server.port) == 0)  # a call that was cut off keeps no connection
            assert asyncio.all_tasks() == {asyncio.current_task()}
        slow[0] = 0.0
        await values(judge.agrade_many(items(100), concurrency=3))
        assert 1 <= sockets_to(server.port) <= 3  # kept for the next call
        await judge.aclose()

    warm_up()
    before, slow = open_files(), [60.0]
    with LoopbackServer(echo(lambda _: slow[0])) as server:
        asyncio.run(run())
    assert open_files() <= before


def test_leaving_the_loop_early_stops_what_is_under_way():
    async def run() -> None:
        judge = judge_of(server)
        async for verdict in judge.agrade_many(items(), concurrency=5):
            assert verdict.criteria["length"].value == 0
            break
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
        asked = server.count
        await asyncio.sleep(0.05)
        assert server.count == asked <= AHEAD * 5
        await judge.aclose()

    with LoopbackServer(echo(lambda number: 0.02 if number == 0 else 60.0)) as server:
        asyncio.run(run())


def test_an_interrupted_run_in_another_loop_leaves_the_door_open():
    async def run() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await values(judge.agrade_many(items(50)))
        await judge.aclose()

    with LoopbackServer(echo(lambda number: 60.0 * (number < 50))) as server:
        judge = judge_of(server)
        asyncio.run(run())
        assert judge.grade(output="59").criteria["length"].value == 59 % 11


# ---------------------------------------------------------------- threads, and a reward


def test_twenty_threads_at_once():
    ready = threading.Barrier(20)

    def work(place: int) -> list[float]:
        ready.wait(30)
        return [judge.grade(output=str(20 * turn + place)).criteria["length"].value for turn in range(5)]

    with LoopbackServer(echo(lambda _: 0.01)) as server:
        judge = judge_of(server)
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(work, range(20)))
    assert found == [[(20 * turn + place) % 11 for turn in range(5)] for place in range(20)]
    assert server.count == 100 and server.most_at_once > 1
    assert sum(thread.name == "judgekit" for thread in threading.enumerate()) == 1


def test_many_in_twenty_threads():
    with LoopbackServer(echo()) as server:
        judge = judge_of(server)
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda _: [v.score for v in judge.grade_many(items(11))], range(20)))
    assert found == [[n / 10 for n in range(11)]] * 20


def test_from_within_a_running_loop():
    async def notebook() -> list:
        return judge.grade_many(items(4))

    with LoopbackServer(echo()) as server:
        judge = judge_of(server)
        assert [v.status for v in asyncio.run(notebook())] == ["ok"] * 4


def test_a_reward_is_the_score_and_never_0_for_want_of_one():
    script = {
        "5": says(length=5),
        "0": says(length=0),
        "1": says(length={"label": "cannot_tell", "value": None}),
        "2": "no verdict at all",
        "3": error(500),
        "4": error(429),
    }
    with LoopbackServer(lambda seen: script[str(number_in(seen))]) as server:
        judge = judge_of(server)
        assert [judge.reward(output=one) for one in script] == [0.5, 0.0, None, None, None, None]
        with pytest.raises(InputError):
            judge.reward(id="x")
    gate = rubric_of(YES | {"gate": True}, LENGTH)
    with LoopbackServer([says(correct="fail", length=10)]) as server:
        assert Judge(gate, client_of(server)).reward({"output": "x"}) == 0.5
