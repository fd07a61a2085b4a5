"""The direct path to OpenAI and every server that speaks its chat completions."""

import math
from typing import TYPE_CHECKING, Any

from judgekit import _json
from judgekit.errors import UsageError
from judgekit.exchange import Message, Reply, Request
from judgekit.providers.chat import read_completion
from judgekit.providers.dialect import LIMIT_NAMES, Dialect, parameters, without_system
from judgekit.providers.endpoint import open_endpoint
from judgekit.providers.faults import fault_of, read_complaint
from judgekit.providers.prices import Price, price_of
from judgekit.providers.retry import UNKNOWN_COST, Fault, RetryPolicy, Then, wait_asked

if TYPE_CHECKING:
    from judgekit.providers.http import Answer, Link, Links

PREFIX = "openai/"
# Judges write some hundred tokens; reasoning models think before. More room once, if an answer is cut.
DEFAULT_MAX_TOKENS = 4096
MORE_ROOM = 4
KEPT_PIECES = 64


class OpenAIClient:
    """A `Client` for OpenAI's chat completions: OpenAI itself, vLLM, Ollama, llama.cpp, LM Studio and others.

    Parameters
    ----------
    model : str
        As the user asks for it; one leading ``openai/`` is not sent.
    base_url : str or None
        Such as ``http://localhost:11434/v1``; None is OpenAI's own host.
    api_key_env : str or None
        The environment variable that holds the key. Without it, OpenAI's host gets ``OPENAI_API_KEY``, any
        other host none.
    timeout : float
        Seconds for one attempt in all.
    attempts : int
        Tries at most.
    backoff : float
        Seconds that a first pause takes at most.
    temperature : float
        Left out where the server refuses it.
    max_tokens : int or None
        Room for an answer, thinking included; None leaves it to the server.
    price : tuple of float or None
        US dollars for a million input tokens and a million output tokens; None takes litellm's table for
        OpenAI's own host, and is unknown elsewhere.
    max_connections : int
        Calls under way at once, for each event loop; further ones wait, outside their time limit.

    Raises
    ------
    UsageError
        If the address cannot be used, the key is missing or a number makes no sense.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        backoff: float = 1.0,
        temperature: float = 0.0,
        max_tokens: int | None = DEFAULT_MAX_TOKENS,
        price: tuple[float, float] | None = None,
        max_connections: int = 256,
    ) -> None:
        self._model = model.removeprefix(PREFIX)
        if not self._model:
            raise UsageError("no model named; write it like openai/gpt-4.1-mini")
        if max_connections < 1 or (max_tokens is not None and max_tokens < 1):
            raise UsageError("max_connections and max_tokens must be 1 or more")
        if price is not None and not all(0 <= p < math.inf for p in price):
            raise UsageError(f"a price is two numbers of 0 or more, not {price}")
        self._name = model
        self._endpoint = open_endpoint(base_url, api_key_env)
        self._policy = RetryPolicy(attempts, timeout, backoff)
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._price = price_of(model, base_url) if price is None else Price(*price)
        self._max_connections = max_connections
        self._links: Links | None = None
        self._dialect = Dialect()
        self._head = b'{"model":' + _json.dumps(self._model).encode() + b',"messages":['
        self._system: dict[Message, bytes] = {}
        self._tails: dict[tuple[Any, ...], _Tail] = {}

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
        """The host that data goes to."""
        return self._endpoint.host

    @property
    def base_url(self) -> str:
        """The address that data goes to, without the trailing slash."""
        return self._endpoint.base_url

    @property
    def accepts(self) -> dict[str, str]:
        """How the server lets itself be asked, as far as its answers have shown; see `Dialect.accepted`."""
        return self._dialect.accepted(self._limit_names)

    def __repr__(self) -> str:
        return f"OpenAIClient({self._name!r}, destination={self.destination!r})"

    async def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises
        ------
        CallFailed
            With the status that the row will carry and what the attempts cost.
        CallRefused
            If every other call would fail alike.
        """
        link = self._open().here()
        async with link.places:
            return await self._policy.run(_Call(self, link, request).attempt)

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._links is not None:
            await self._links.aclose()

    def _open(self) -> "Links":
        if self._links is None:
            from judgekit.providers.http import Links

            self._links = Links(self._endpoint, self._max_connections)
        return self._links

    def _body(self, messages: tuple[Message, ...], tail: bytes) -> bytes:
        return self._head + b",".join(map(self._message, messages)) + b"]" + tail

    def _message(self, message: Message) -> bytes:
        # The system text is long and the same for every item: encoded once.
        known = self._system.get(message)
        if known is not None:
            return known
        coded = _json.dumps({"role": message.role, "content": message.content}).encode()
        if message.role == "system":
            _make_room(self._system)
            self._system[message] = coded
        return coded

    def _tail(self, request: Request, dialect: Dialect, room: int) -> "_Tail":
        key = (id(request.schema), request.schema_name, request.probabilities, dialect, room)
        tail = self._tails.get(key)
        if tail is None:
            _make_room(self._tails)
            tail = self._tails[key] = _Tail(self._parameters(request, dialect, room), request.schema)
        return tail

    @property
    def _limit_names(self) -> tuple[str, str]:
        # OpenAI's newer models refuse the older name; most other servers know only that one.
        old, new = "max_tokens", "max_completion_tokens"
        return (new, old) if self._endpoint.is_openai else (old, new)

    def _parameters(self, request: Request, dialect: Dialect, room: int) -> dict[str, Any]:
        return parameters(
            dialect,
            schema=request.schema,
            schema_name=request.schema_name,
            temperature=self._temperature,
            max_tokens=None if self._max_tokens is None else self._max_tokens * room,
            limit_names=self._limit_names,
            probabilities=request.probabilities,
        )


class _Tail:
    """The end of a request's body, the same for all items of a rubric."""

    __slots__ = ("coded", "schema", "sent")

    def __init__(self, sent: dict[str, Any], schema: dict[str, Any] | None) -> None:
        self.sent = frozenset(sent)
        # Holding the schema keeps its id, by which tails are found, from being given to another one.
        self.schema = schema
        self.coded = (b"," + _json.dumps(sent).encode()[1:]) if sent else b"}"


class _Call:
    """One request on its way: what it has conceded and how much room its answer gets."""

    __slots__ = ("client", "dialect", "link", "request", "room")

    def __init__(self, client: OpenAIClient, link: "Link", request: Request) -> None:
        self.client = client
        self.link = link
        self.request = request
        self.dialect = client._dialect
        self.room = 1

    async def attempt(self) -> Reply:
        client = self.client
        if self.dialect is not client._dialect:
            self.dialect = self.dialect.joined(client._dialect)
        tail = client._tail(self.request, self.dialect, self.room)
        messages, sent = self.request.messages, tail.sent
        if messages[0].role == "system":
            messages, sent = (
                (without_system(messages), sent) if self.dialect.system else (messages, sent | {"system"})
            )
        answer = await self.link.post(client._body(messages, tail.coded))
        try:
            return self._read(answer, sent)
        except Fault:
            raise
        except Exception as error:
            # Whatever a server manages to send: it ends this call and not the run.
            said = f"{client._endpoint.host} sent an answer that cannot be read ({type(error).__name__})"
            raise Fault("provider_error", said, usage=UNKNOWN_COST) from None

    def _read(self, answer: "Answer", sent: frozenset[str]) -> Reply:
        client = self.client
        if answer.status >= 300:
            raise self._refusal(answer, sent)
        if self.dialect is not client._dialect:
            # Learned by all calls only now that it is proven: a complaint may be about one row alone.
            client._dialect = self.dialect.joined(client._dialect)
        try:
            tool = self.request.schema_name if "tools" in sent else ""
            return read_completion(answer.body, client._endpoint, client._price, tool)
        except Fault as fault:
            raise self._with_more_room(fault, sent) if fault.status == "truncated" else fault from None

    def _refusal(self, answer: "Answer", sent: frozenset[str]) -> Fault:
        endpoint = self.client._endpoint
        complaint = read_complaint(endpoint, answer.status, answer.body.decode("utf-8", "replace"))
        if self.room > 1 and answer.status in (400, 422):
            said = f"{endpoint.host}: the answer hit the limit of tokens, and more are not allowed"
            return Fault("truncated", said, Then.GIVE_UP)
        conceded = self.dialect.conceding(complaint, sent)
        if conceded is not None:
            self.dialect = conceded
            return Fault("provider_error", str(complaint), Then.RESEND)
        return fault_of(complaint, wait_asked(answer.headers), model=self.client._model)

    def _with_more_room(self, fault: Fault, sent: frozenset[str]) -> Fault:
        if self.room > 1 or sent.isdisjoint(LIMIT_NAMES):
            fault.then = Then.GIVE_UP
        self.room = MORE_ROOM
        return fault


def _make_room(pieces: dict[Any, Any]) -> None:
    if len(pieces) >= KEPT_PIECES:
        pieces.clear()
