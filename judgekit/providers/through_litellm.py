"""Every other provider: litellm knows how they are asked and how they answer, all the rest is our own."""

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from judgekit.exchange import FREE, Message, Reply, Request, Usage
from judgekit.providers.dialect import PROSE, Dialect, parameters, without_system
from judgekit.providers.faults import Complaint, read_complaint
from judgekit.providers.hosts import NO_KEY, Account, open_account, provider_of
from judgekit.providers.native import read_answer
from judgekit.providers.native_complaints import about_mark, native_fault, told, translated, wait_told
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then
from judgekit.providers.served import ServedCall, ServedClient, make_room

if TYPE_CHECKING:
    from judgekit.providers.http import Link, Links
    from judgekit.providers.wire import Exchange

GRACE = 60.0  # seconds that litellm's own clock runs longer than ours, which decides
# Their Claude models keep what a marker ends: the system text is the same for all items of a rubric.
MARKED = ("anthropic", "bedrock", "vertex_ai")


class LiteLLMClient(ServedClient):
    """A `Client` for any provider that litellm knows: Anthropic, Gemini, Bedrock, Azure, Mistral and others.

    Parameters
    ----------
    model : str
        ``provider/NAME``, such as ``anthropic/claude-sonnet-4-5``.
    base_url : str or None
        Another server that speaks this provider's language; None is the provider's own host.
    api_key_env : str or None
        The environment variable that holds the key. Without it, the provider's own host gets that provider's
        usual key, any other host none.
    **how
        As for `ServedClient`: `timeout`, `attempts`, `backoff`, `temperature`, `max_tokens`, `price`,
        `max_connections`.

    Raises
    ------
    UsageError
        If the provider is unknown, the address cannot be used, the key is missing or a number makes no sense.
    """

    def __init__(
        self, model: str, *, base_url: str | None = None, api_key_env: str | None = None, **how: Any
    ) -> None:
        provider = provider_of(model)
        self._account = open_account(model, base_url, api_key_env)
        super().__init__(model, self._account, base_url, **how)
        self._where = _where(provider, self._account)
        self._library: Any = None
        self._steps: tuple[int, ...] = ()
        self._marked = provider in MARKED and bool(re.search("claude|anthropic", model))
        self._asked: dict[tuple[Any, ...], tuple[dict[str, Any], Any]] = {}

    def _call(self, request: Request, link: "Link") -> "_Call":
        return _Call(self, request)

    def _open(self) -> "Links":
        from judgekit.providers.http import Links
        from judgekit.providers.modes import accepted, ladder
        from judgekit.providers.wire import load, open_client

        litellm = load()
        # The key goes into the header that litellm chooses, not into one of every request.
        links = Links(replace(self._account, key=""), self._max_connections)
        self._library = open_client(self._name, self._account, links)
        model, provider, *_ = litellm.get_llm_provider(
            self._name, api_base=self._account.base_url or None, api_key=self._account.key or NO_KEY
        )
        takes = accepted(provider, model)
        self._steps = ladder(provider, model)
        self._dialect = Dialect(
            structure=self._steps[0],
            temperature=int("temperature" not in takes),
            probabilities=0 if {"logprobs", "top_logprobs"} <= takes else 2,
        )
        return links

    def _stepping(self, dialect: Dialect) -> Dialect:
        """Go on to the next way of asking for the schema that this provider has."""
        step = next((step for step in self._steps if step >= dialect.structure), PROSE)
        return dialect._replace(structure=step)

    def _ask(self, request: Request, dialect: Dialect, room: int) -> dict[str, Any]:
        """Give all but the messages; built once for all items of a rubric."""
        key = (id(request.schema), request.schema_name, request.probabilities, dialect, room)
        if key not in self._asked:
            from judgekit.providers.modes import structure

            asked = parameters(
                dialect,
                schema=None,
                schema_name="",
                temperature=self._temperature,
                max_tokens=None if self._max_tokens is None else self._max_tokens * room,
                limit_names=self._limit_names,
                probabilities=request.probabilities,
            )
            if request.schema is not None:
                asked |= structure(dialect.structure, request.schema, request.schema_name)
            make_room(self._asked)
            # Holding the schema keeps its id from being given to another one.
            self._asked[key] = (asked, request.schema)
        return self._asked[key][0]

    def _priced(self, usage: Usage, stored: int = 0) -> Usage:
        if self._price is None or usage in (FREE, UNKNOWN_COST):
            return usage
        return replace(usage, cost_usd=self._price.cost(usage, stored))


class _Call(ServedCall):
    __slots__ = ("client", "marked")

    def __init__(self, client: LiteLLMClient, request: Request) -> None:
        super().__init__(request, client._dialect)
        self.client = client
        self.marked = client._marked

    async def attempt(self) -> Reply:
        client = self.client
        self.dialect = self.dialect.joined(client._dialect)
        self.marked = self.marked and client._marked
        sent, names = await self._put()
        while sent.unsent is not None and (less := self._conceding(sent.unsent, names)) is not None:
            # litellm itself knows that the model does not take a part of it: nothing was sent.
            self.dialect = less
            sent, names = await self._put()
        try:
            return self._read(sent, names)
        except Fault as fault:
            fault.usage = client._priced(fault.usage)
            raise
        except Exception as bug:
            # Whatever a server manages to send: it ends this call and not the run.
            said = f"{client._account.host} sent an answer that cannot be read ({type(bug).__name__})"
            raise Fault("provider_error", said, usage=UNKNOWN_COST) from None

    async def _put(self) -> "tuple[_Sent, frozenset[str]]":
        """Send the request as far as it is known to be accepted; give what came of it, and its parts."""
        asked = self.client._ask(self.request, self.dialect, self.room)
        messages, names = self.request.messages, frozenset(asked)
        if messages[0].role == "system" and self.dialect.system:
            messages = without_system(messages)
        elif messages[0].role == "system":
            names |= {"system"}
        return await self._send(_said(messages, self.marked), asked), names

    async def _send(self, messages: list[dict[str, Any]], asked: dict[str, Any]) -> "_Sent":
        from judgekit.providers.wire import Exchange, load, watched

        client, seen = self.client, Exchange()
        with watched(seen):
            try:
                response = await load().acompletion(
                    model=client._name,
                    messages=messages,
                    client=client._library,
                    timeout=client._policy.timeout + GRACE,
                    num_retries=0,
                    max_retries=0,
                    drop_params=False,
                    caching=False,
                    **copy.deepcopy(asked),  # litellm changes schemas in place
                    **client._where,
                )
            except Exception as error:
                # It holds the request with its headers, and goes no further.
                return _Sent(seen, None, *told(error, client._account))
        return _Sent(seen, response)

    def _read(self, sent: "_Sent", names: frozenset[str]) -> Reply:
        client, seen = self.client, sent.seen
        if seen.fault is not None:
            raise seen.fault
        if seen.answer is not None and seen.answer.status >= 300:
            body = seen.answer.body.decode("utf-8", "replace")
            complaint = read_complaint(client._account, seen.answer.status, body)
            raise self._refusal(complaint, wait_told(seen.answer.headers, body), body, names)
        if sent.unsent is not None:
            raise self._refusal(sent.unsent, sent.wait, "", names)
        # Learned by all calls only now that it is proven: a complaint may be about one row alone.
        client._dialect = self.dialect.joined(client._dialect)
        client._marked = client._marked and self.marked
        tool = self.request.schema_name if "tools" in names else ""
        whole = b"" if seen.answer is None else seen.answer.body
        try:
            reply, stored = read_answer(whole, sent.response, client._account, tool)
        except Fault as fault:
            raise self.with_more_room(fault, names) from None
        return replace(reply, usage=client._priced(reply.usage, stored))

    def _refusal(self, complaint: Complaint, wait: float | None, body: str, names: frozenset[str]) -> Fault:
        if (cut := self.no_more_room(complaint)) is not None:
            return cut
        if self.marked and about_mark(complaint):
            self.marked = False
            return Fault("provider_error", str(complaint), Then.RESEND)
        conceded = self._conceding(complaint, names)
        if conceded is not None:
            self.dialect = conceded
            return Fault("provider_error", str(complaint), Then.RESEND)
        return native_fault(complaint, wait, body, model=self.client._name.partition("/")[2])

    def _conceding(self, complaint: Complaint, names: frozenset[str]) -> Dialect | None:
        conceded = self.dialect.conceding(translated(complaint, names), names)
        return None if conceded is None else self.client._stepping(conceded)


def _where(provider: str, account: Account) -> dict[str, Any]:
    """Give litellm the address, the region and the key, so that it looks for none of them."""
    found = {"api_base": account.base_url} if account.base_url else {}
    if account.region:
        found["vertex_location" if provider == "vertex_ai" else "aws_region_name"] = account.region
    if account.key or account.base_url:
        found["api_key"] = account.key or NO_KEY
    return found


def _said(messages: tuple[Message, ...], marked: bool) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"role": m.role, "content": m.content} for m in messages]
    if marked and said[0]["role"] == "system":
        mark = {"cache_control": {"type": "ephemeral"}}
        said[0]["content"] = [{"type": "text", "text": messages[0].content} | mark]
    return said


class _Sent(NamedTuple):
    """What came of one request; `complaint` and `wait` are litellm's where the provider's are not known."""

    seen: "Exchange"
    response: Any
    complaint: Complaint | None = None
    wait: float | None = None

    @property
    def unsent(self) -> Complaint | None:
        """Litellm's own refusal of a request, before any was sent by our connections."""
        return self.complaint if self.seen.answer is None and self.seen.fault is None else None
