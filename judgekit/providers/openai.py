"""The direct path to OpenAI and every server that speaks its chat completions."""

from typing import TYPE_CHECKING, Any

from judgekit import _json
from judgekit.errors import UsageError
from judgekit.exchange import Message, Reply, Request
from judgekit.providers.chat import read_completion
from judgekit.providers.dialect import Dialect, parameters, without_system
from judgekit.providers.endpoint import open_endpoint
from judgekit.providers.faults import fault_of, read_complaint
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then, wait_asked
from judgekit.providers.served import ServedCall, ServedClient, make_room

if TYPE_CHECKING:
    from judgekit.providers.http import Answer, Link, Links

PREFIX = "openai/"


class OpenAIClient(ServedClient):
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
    **how
        As for `ServedClient`: `timeout`, `attempts`, `backoff`, `temperature`, `max_tokens`, `price`,
        `max_connections`.

    Raises
    ------
    UsageError
        If the address cannot be used, the key is missing or a number makes no sense.
    """

    def __init__(
        self, model: str, *, base_url: str | None = None, api_key_env: str | None = None, **how: Any
    ) -> None:
        self._model = model.removeprefix(PREFIX)
        if not self._model:
            raise UsageError("no model named; write it like openai/gpt-4.1-mini")
        super().__init__(model, open_endpoint(base_url, api_key_env), base_url, **how)
        self._head = b'{"model":' + _json.dumps(self._model).encode() + b',"messages":['
        self._system: dict[Message, bytes] = {}
        self._tails: dict[tuple[Any, ...], _Tail] = {}
        if self._endpoint.is_openai:
            # OpenAI's newer models refuse the older name; most other servers know only that one.
            self._limit_names = ("max_completion_tokens", "max_tokens")

    @property
    def base_url(self) -> str:
        """The address that data goes to, without the trailing slash."""
        return self._endpoint.base_url

    def _open(self) -> "Links":
        from judgekit.providers.http import Links

        return Links(self._endpoint, self._max_connections)

    def _call(self, request: Request, link: "Link") -> "_Call":
        return _Call(self, link, request)

    def _body(self, messages: tuple[Message, ...], tail: bytes) -> bytes:
        return self._head + b",".join(map(self._message, messages)) + b"]" + tail

    def _message(self, message: Message) -> bytes:
        # The system text is long and the same for every item: encoded once.
        known = self._system.get(message)
        if known is not None:
            return known
        coded = _json.dumps({"role": message.role, "content": message.content}).encode()
        if message.role == "system":
            make_room(self._system)
            self._system[message] = coded
        return coded

    def _tail(self, request: Request, dialect: Dialect, room: int) -> "_Tail":
        key = (id(request.schema), request.schema_name, request.probabilities, dialect, room)
        tail = self._tails.get(key)
        if tail is None:
            make_room(self._tails)
            tail = self._tails[key] = _Tail(self._parameters(request, dialect, room), request.schema)
        return tail

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


class _Call(ServedCall):
    __slots__ = ("client", "link")

    def __init__(self, client: OpenAIClient, link: "Link", request: Request) -> None:
        super().__init__(request, client._dialect)
        self.client = client
        self.link = link

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
            raise self.with_more_room(fault, sent) from None

    def _refusal(self, answer: "Answer", sent: frozenset[str]) -> Fault:
        endpoint = self.client._endpoint
        complaint = read_complaint(endpoint, answer.status, answer.body.decode("utf-8", "replace"))
        if (cut := self.no_more_room(complaint)) is not None:
            return cut
        conceded = self.dialect.conceding(complaint, sent)
        if conceded is not None:
            self.dialect = conceded
            return Fault("provider_error", str(complaint), Then.RESEND)
        return fault_of(complaint, wait_asked(answer.headers), model=self.client._model)
