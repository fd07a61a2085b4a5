"""The policy alone, with attempts that are plain functions."""

import asyncio
import random
import time

import pytest

from judgekit.errors import CallFailed, CallRefused, UsageError
from judgekit.exchange import FREE, Reply, Usage
from judgekit.providers import retry
from judgekit.providers.retry import Fault, RetryPolicy, Then, wait_asked


def run(policy, *outcomes):
    """Run the policy over outcomes: faults, replies, or seconds to hang."""
    left, started = list(outcomes), []

    async def attempt():
        started.append(time.monotonic())
        outcome = left.pop(0)
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
            return Reply("late")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    try:
        return asyncio.run(policy.run(attempt)), started
    except CallFailed as failed:
        return failed, started


QUICK = RetryPolicy(attempts=3, timeout=0.1, backoff=0.01)
LIMITED = Fault("rate_limited", "slow")
BROKEN = Fault("provider_error", "broke", usage=Usage(5, 0, 0, None))


def test_a_reply_passes_untouched():
    reply = Reply("yes", usage=Usage(1, 1, 0, 0.5))
    assert run(QUICK, reply)[0] is reply


def test_usage_and_attempts_are_summed():
    paid = Fault("invalid_reply", "empty", usage=Usage(10, 2, 0, 0.25))
    reply, _ = run(QUICK, LIMITED, paid, Reply("yes", usage=Usage(10, 3, 5, 0.5)))
    assert (reply.attempts, reply.usage) == (3, Usage(20, 5, 5, 0.75))


def test_the_last_fault_names_the_status():
    failed, started = run(QUICK, LIMITED, LIMITED, BROKEN)
    assert (failed.status, failed.attempts, len(started)) == ("provider_error", 3, 3)
    assert failed.usage == Usage(5, 0, 0, None)
    assert str(failed) == "broke; gave up after 3 requests"


def test_time_runs_out_for_each_attempt():
    failed, started = run(QUICK, 9.0, 9.0, 9.0)
    assert (failed.status, failed.usage) == ("timeout", Usage())
    assert len(started) == 3 and time.monotonic() - started[0] < 1


def test_all_attempts_and_pauses_share_one_deadline(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    failed, started = run(RetryPolicy(attempts=3, timeout=0.2, backoff=0.4), BROKEN, BROKEN, BROKEN)
    # The second pause, 0.8 s, would end after 3 × 0.2 s.
    assert (failed.status, len(started)) == ("provider_error", 2)


def test_pauses_for_a_rate_limit_are_outside_it(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    reply, _ = run(RetryPolicy(attempts=3, timeout=0.1, backoff=0.2), LIMITED, LIMITED, Reply("yes"))
    assert reply.text == "yes"


@pytest.mark.parametrize(("then", "kind"), [(Then.GIVE_UP, CallFailed), (Then.STOP, CallRefused)])
def test_hopeless_faults_end_at_once(then, kind):
    failed, started = run(QUICK, Fault("refused", "no", then))
    assert type(failed) is kind and len(started) == 1
    assert (str(failed), failed.usage) == ("no", FREE)


def test_a_changed_request_takes_no_attempt():
    changed = Fault("provider_error", "changed", Then.RESEND)
    reply, started = run(RetryPolicy(attempts=1, timeout=1.0), changed, changed, Reply("yes"))
    assert (reply.attempts, len(started)) == (3, 3)


def test_other_exceptions_are_no_faults():
    with pytest.raises(KeyError):
        run(QUICK, KeyError("bug"))


def test_pauses_are_drawn_from_a_range_that_doubles(monkeypatch):
    drawn = []
    monkeypatch.setattr(random, "uniform", lambda low, high: drawn.append((low, high)) or 0.0)
    run(RetryPolicy(attempts=9, timeout=1.0, backoff=1.0), *[LIMITED] * 9)
    assert drawn[:-1] == [(0.0, min(retry.MAX_BACKOFF, 2.0**n)) for n in range(8)]


def test_the_longest_wait_can_be_set():
    asks = Fault("rate_limited", "slow", wait=0.2)
    policy = RetryPolicy(attempts=3, timeout=1.0, backoff=0.01, longest_wait=0.1)
    failed, started = run(policy, asks)
    assert (failed.status, len(started)) == ("rate_limited", 1)
    reply, started = run(RetryPolicy(attempts=3, timeout=1.0, backoff=0.01), asks, Reply("yes"))
    assert reply.text == "yes" and 0.2 <= started[1] - started[0] < 0.6


def test_cancelling_is_not_a_timeout():
    async def cancelled():
        task = asyncio.create_task(QUICK.run(lambda: asyncio.sleep(9)))
        await asyncio.sleep(0.02)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"timeout": 0.0}, {"timeout": float("nan")}])
def test_a_policy_makes_sense(wrong):
    with pytest.raises(UsageError):
        RetryPolicy(**wrong)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "3", "retry-after-ms": "2500"}, 2.5),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:05 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 5.0),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:00 GMT", "date": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 23 Nov 99999999999 10:00:00 GMT"}, None),
    ],
)
def test_wait_asked(headers, seconds):
    assert wait_asked(headers) == seconds
