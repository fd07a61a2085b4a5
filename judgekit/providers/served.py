"""What every client of a model on a server shares: settings, connections, and what its calls have learned."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from judgekit.errors import UsageError
from judgekit.exchange import Reply, Request
from judgekit.providers.dialect import LIMIT_NAMES, REFUSALS, Dialect
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.faults import Complaint
from judgekit.providers.prices import Price, price_of
from judgekit.providers.retry import Fault, RetryPolicy, Then

if TYPE_CHECKING:
    from judgekit.providers.http import Link, Links

# Judges write some hundred tokens; reasoning models think before. More room once, if an answer is cut.
DEFAULT_MAX_TOKENS = 4096
MORE_ROOM = 4
KEPT_PIECES = 64


class ServedClient(ABC):
    """A `Client` of a model on a server.

    Parameters
    ----------
    model : str
        As the user asks for it.
    endpoint : Endpoint
        Where requests go.
    base_url : str or None
        As stated; another address than the provider's own has no known price.
    timeout : float
        Seconds for one attempt in all.
    attempts : int
        Tries at most.
    backoff : float
        Seconds that a first pause takes at most.
    temperature : float
        Left out where the model does not take it.
    max_tokens : int or None
        Room for an answer, thinking included; None leaves it to the server.
    price : tuple of float or None
        US dollars for a million input tokens and a million output tokens; None takes litellm's table for a
        provider's own host, and is unknown elsewhere.
    max_connections : int
        Calls under way at once, for each event loop; further ones wait, outside their time limit.

    Raises
    ------
    UsageError
        If a number makes no sense.
    """

    # The usual parameter for the limit of the answer's length, and the other one.
    _limit_names = ("max_tokens", "max_completion_tokens")

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        base_url: str | None,
        *,
        timeout: float = 60.0,
        attempts: int = 4,
        backoff: float = 1.0,
        temperature: float = 0.0,
        max_tokens: int | None = DEFAULT_MAX_TOKENS,
        price: tuple[float, float] | None = None,
        max_connections: int = 256,
    ) -> None:
        if max_connections < 1 or (max_tokens is not None and max_tokens < 1):
            raise UsageError("max_connections and max_tokens must be 1 or more")
        if price is not None and not all(0 <= p < math.inf for p in price):
            raise UsageError(f"a price is two numbers of 0 or more, not {price}")
        self._name = model
        self._endpoint = endpoint
        self._policy = RetryPolicy(attempts, timeout, backoff)
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._price = price_of(model, base_url) if price is None else Price(*price)
        self._max_connections = max_connections
        self._links: Links | None = None
        self._dialect = Dialect()

    @property
    def name(self) -> str:
        """The model as asked for."""
        return self._name

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters that decide an answer."""
        return {"temperature": self._temperature, "max_tokens": self._max_tokens}

    @property
    def destination(self) -> str:
        """The host that data goes to; the provider's name where litellm chooses it with the first call."""
        return self._endpoint.host

    @property
    def accepts(self) -> dict[str, str]:
        """How the server lets itself be asked, as far as its answers have shown; see `Dialect.accepted`."""
        return self._dialect.accepted(self._limit_names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, destination={self.destination!r})"

    async def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises
        ------
        CallFailed
            With the status that the row will carry and what the attempts cost.
        CallRefused
            If every other call would fail alike.
        """
        if self._links is None:
            self._links = self._open()
        link = self._links.here()
        async with link.places:
            return await self._policy.run(self._call(request, link).attempt)

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._links is not None:
            await self._links.aclose()

    @abstractmethod
    def _open(self) -> "Links":
        """Make ready for the first call."""

    @abstractmethod
    def _call(self, request: Request, link: "Link") -> "ServedCall":
        """Give what tries one request."""


class ServedCall(ABC):
    """One request on its way: what it has conceded and how much room its answer gets."""

    __slots__ = ("dialect", "request", "room")

    def __init__(self, request: Request, dialect: Dialect) -> None:
        self.request = request
        self.dialect = dialect
        self.room = 1

    @abstractmethod
    async def attempt(self) -> Reply:
        """Try once.

        Raises
        ------
        Fault
            If there is no whole answer.
        """

    def no_more_room(self, complaint: Complaint) -> Fault | None:
        """Tell whether a request was refused for the room that it asked for after an answer was cut."""
        if self.room == 1 or complaint.http not in REFUSALS:
            return None
        said = f"{complaint.host}: the answer hit the limit of tokens, and more are not allowed"
        return Fault("truncated", said, Then.GIVE_UP)

    def with_more_room(self, fault: Fault, sent: frozenset[str]) -> Fault:
        """Give an answer that was cut more room, once."""
        if fault.status == "truncated":
            if self.room > 1 or sent.isdisjoint(LIMIT_NAMES):
                fault.then = Then.GIVE_UP
            self.room = MORE_ROOM
        return fault


def make_room(pieces: dict[Any, Any]) -> None:
    """Forget what is kept for later requests, before it becomes too much."""
    if len(pieces) >= KEPT_PIECES:
        pieces.clear()
