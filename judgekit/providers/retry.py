"""The one retry policy: how often one call is tried, how long it may take, and how long it waits between.

An attempt either returns a `Reply` or raises `Fault`, which says what went wrong and what may be done about
it. The policy knows neither HTTP nor any provider, so every client uses the same one.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum

from judgekit.errors import CallFailed, CallRefused, UsageError
from judgekit.exchange import FREE, Reply, Usage

logger = logging.getLogger(__name__)

MAX_BACKOFF = 30.0
UNKNOWN_COST = Usage()


class Then(Enum):
    """What may follow a fault."""

    RETRY = "try again after a pause"
    RESEND = "the request was changed: send it at once; the client bounds how often it says so"
    GIVE_UP = "this call ends"
    STOP = "every call would end alike"


class Fault(Exception):
    """One attempt that ended without an answer.

    Attributes
    ----------
    status : str
        The failure status of the row, should this attempt be the last.
    message : str
        What happened, fit to be shown: short, harmless, without the key.
    then : Then
        What may follow.
    usage : Usage
        What the attempt cost. `FREE` where the provider turned it down, unknown where an answer may have
        been made (and billed) that never arrived whole.
    wait : float or None
        Seconds that the provider asks to wait.
    """

    def __init__(
        self,
        status: str,
        message: str,
        then: Then = Then.RETRY,
        *,
        usage: Usage = FREE,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.then = then
        self.usage = usage
        self.wait = wait


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How one call is tried.

    Attributes
    ----------
    attempts : int
        Tries at most. Resends of a changed request come on top.
    timeout : float
        Seconds for one attempt, from sending to the last byte. All attempts and the pauses between them
        take at most `attempts` × `timeout`; waits for a rate limit, or that were asked for, come on top.
    backoff : float
        Seconds; a pause is drawn from 0 to this, doubled with each attempt (full jitter).
    longest_wait : float
        Seconds; a provider that asks for more ends the call.
    """

    attempts: int = 4
    timeout: float = 60.0
    backoff: float = 1.0
    longest_wait: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise UsageError(f"attempts must be 1 or more, not {self.attempts}")
        if not self.timeout > 0:
            raise UsageError(f"the timeout must be more than 0 seconds, not {self.timeout}")

    async def run(self, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """Try until there is a reply.

        Raises
        ------
        CallFailed
            With the status of the last fault and the usage of all attempts.
        CallRefused
            If every other call would end the same way.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + self.attempts * self.timeout
        usage, sent, tried = FREE, 0, 0
        while True:
            sent += 1
            outcome = await self._once(attempt, min(clock() + self.timeout, ends))
            if isinstance(outcome, Reply):
                return outcome if sent == 1 else replace(outcome, usage=usage + outcome.usage, attempts=sent)
            usage += outcome.usage
            if outcome.then is Then.RESEND:
                continue
            tried += 1
            pause = self._pause(outcome, tried)
            if outcome.wait is not None or outcome.status == "rate_limited":
                ends += pause
            if not self._goes_on(outcome, tried) or clock() + pause >= ends:
                raise self._end(outcome, sent, usage)
            logger.info("%s; attempt %d of %d in %.1f s", outcome, tried + 1, self.attempts, pause)
            await asyncio.sleep(pause)

    async def _once(self, attempt: Callable[[], Awaitable[Reply]], until: float) -> Reply | Fault:
        # Faults are handed back rather than raised on, so that the final error drags no chain of library
        # exceptions along: theirs hold the request with its headers, and so the key.
        try:
            async with asyncio.timeout_at(until):
                return await attempt()
        except Fault as fault:
            return fault.with_traceback(None)
        except TimeoutError:
            return Fault("timeout", f"no whole answer within {self.timeout:g} s", usage=UNKNOWN_COST)

    def _pause(self, fault: Fault, tried: int) -> float:
        if fault.wait:
            # Everyone was told the same moment: spread the calls a little, never before it.
            return fault.wait + random.uniform(0.0, self.backoff)
        return random.uniform(0.0, min(MAX_BACKOFF, self.backoff * 2.0 ** (tried - 1)))

    def _goes_on(self, fault: Fault, tried: int) -> bool:
        return fault.then is Then.RETRY and tried < self.attempts and not self._asks_too_much(fault)

    def _asks_too_much(self, fault: Fault) -> bool:
        return fault.wait is not None and fault.wait > self.longest_wait

    def _end(self, fault: Fault, sent: int, usage: Usage) -> CallFailed:
        message = fault.message
        if fault.then is Then.RETRY and self._asks_too_much(fault):
            message += (
                f"; it asks for a wait of {fault.wait:.0f} s, more than the {self.longest_wait:.0f} s that a "
                "call waits at most: run the same command again later"
            )
        elif sent > 1:
            message += f"; gave up after {sent} requests"
        kind = CallRefused if fault.then is Then.STOP else CallFailed
        return kind(fault.status, message, attempts=sent, usage=usage)


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Read how long a provider asks to wait.

    Parameters
    ----------
    headers : mapping
        Of the answer; lower-case names must find their values.

    Returns
    -------
    float or None
        Seconds, from ``retry-after-ms`` or ``retry-after`` (seconds or HTTP date); None if it does not say.

    Examples
    --------
    >>> wait_asked({"retry-after": "2"}), wait_asked({"retry-after": "soon"})
    (2.0, None)
    """
    if (exact := _number(headers.get("retry-after-ms", ""))) is not None:
        return exact / 1000
    asked = headers.get("retry-after", "").strip()
    if (seconds := _number(asked)) is not None:
        return seconds
    until = _moment(asked)
    if until is None:
        return None
    # The provider's own clock, where it shows it, makes a wrong clock here harmless.
    now = _moment(headers.get("date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text.strip()) else None


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
