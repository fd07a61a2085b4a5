"""What lies under litellm: its quiet loading, and a transport that makes its requests our own.

Imported with the first call, because litellm takes seconds to load. All that litellm would send goes through
`Wire`, and so over the same connections as the direct path: no redirects, no proxies, bounded answers, one
clock, no retries of its own, and the provider's own words at hand when something goes wrong.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import ModuleType
from typing import Any

import httpx

from judgekit.errors import UsageError
from judgekit.providers.hosts import NO_KEY, Account
from judgekit.providers.http import Answer, Links
from judgekit.providers.native import with_usage
from judgekit.providers.retry import Fault, Then

# Read by litellm as it is imported: no fetching of tables, no reading of .env files.
SETTINGS = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
# They log texts, addresses and headers.
LOGGERS = (
    "LiteLLM",
    "LiteLLM Router",
    "LiteLLM Proxy",
    "httpx",
    "openai",
    "openai._base_client",
    "openai._legacy_response",
    "openai._response",
    "instructor",
    "botocore.auth",
    "botocore.credentials",
    "botocore.hooks",
)
# What the connection itself decides; identity encoding is ours.
OWN_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}
READ_HEADERS = {"content-length", "content-encoding", "transfer-encoding"}


class Exchange:
    """What one attempt sent and got."""

    __slots__ = ("answer", "fault")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.fault: Fault | None = None


CURRENT: ContextVar[Exchange | None] = ContextVar("judgekit_exchange", default=None)


class TurnedDown(Exception):
    """An error answer: it ends litellm's work, and is read from the `Exchange`."""


class Wire(httpx.AsyncBaseTransport):
    """Sends what litellm has prepared."""

    def __init__(self, account: Account, links: Links) -> None:
        self._account = account
        self._links = links

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its whole answer.

        Raises
        ------
        Fault
            If it may not be sent, or no whole answer arrives.
        TurnedDown
            If the answer is an error.
        """
        seen = CURRENT.get() or Exchange()
        headers = {
            name: value for name, value in request.headers.items() if value and name not in OWN_HEADERS
        }
        body = await request.aread()
        try:
            self._check(request, headers)
            seen.answer = await self._links.here().post(body, url=str(request.url), headers=headers)
        except Fault as fault:
            fault.message = self._account.shown(fault.message)
            seen.fault = fault
            raise
        answer = seen.answer
        if answer.status >= 300:
            raise TurnedDown
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in READ_HEADERS]
        return httpx.Response(answer.status, headers=kept, content=with_usage(answer.body), request=request)

    def _check(self, request: httpx.Request, headers: dict[str, str]) -> None:
        account = self._account
        host = request.url.netloc.decode("ascii")
        if request.method != "POST":
            raise Fault("provider_error", f"litellm wants to {request.method} {host}", Then.STOP)
        if account.fixed and host != account.host:
            said = (
                f"litellm would send to {host} and not to {account.host}: unset the variable that says so, "
                "or give the address as the base URL"
            )
            raise Fault("provider_error", said, Then.STOP)
        sent = f"{request.url}\n" + "\n".join(headers.values())
        if any(secret in sent for secret in account.foreign):
            said = f"litellm would send {host} a key of the environment that is not meant for it"
            raise Fault("provider_error", said, Then.STOP)


@contextmanager
def watched(seen: Exchange) -> Iterator[None]:
    """Note here what is sent, and keep libraries from logging it or handing it to callbacks."""
    internal: ContextVar[bool] = load()._internal_context.is_internal_call
    noting, silent = CURRENT.set(seen), internal.set(True)
    try:
        yield
    finally:
        internal.reset(silent)
        CURRENT.reset(noting)


class _Quiet(logging.Filter):
    """Drops what libraries log of our own calls, which hold texts and keys; other uses keep theirs."""

    def filter(self, record: logging.LogRecord) -> bool:
        return CURRENT.get() is None


@cache
def load() -> ModuleType:
    """Import litellm: no fetching, no telemetry, nothing printed."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import litellm  # it mutes a few warnings of its own models for the whole process
        import litellm._internal_context
    except ImportError:
        raise UsageError("this model needs litellm and instructor: pip install litellm instructor") from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    quiet = _Quiet()
    for logger in LOGGERS:
        logging.getLogger(logger).addFilter(quiet)
    return litellm


def key_names(provider: str) -> tuple[str, ...]:
    """Name the variables that litellm looks for.

    Raises
    ------
    UsageError
        If litellm does not know the provider.
    """
    litellm = load()
    if provider not in litellm.provider_list:
        raise UsageError(
            f"unknown provider {provider!r}: write openai/NAME, anthropic/NAME, gemini/NAME, …; for a server "
            "that speaks OpenAI's chat completions write openai/NAME and give --base-url"
        )
    missing = litellm.validate_environment(f"{provider}/any")["missing_keys"]
    present = [name for name in os.environ if name.startswith(provider.upper()) and name.endswith("_API_KEY")]
    return tuple(missing or present)


def open_client(model: str, account: Account, links: Links) -> Any:
    """Give litellm one client for both of its ways to send: httpx, and OpenAI's library."""
    litellm = load()
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    wire = Wire(account, links)
    plain = httpx.AsyncClient(transport=wire, follow_redirects=False, trust_env=False, timeout=None)
    key = account.key or NO_KEY
    # An empty organization keeps OpenAI's library from taking the environment's.
    if model.startswith("azure/"):
        return AsyncAzureOpenAI(
            api_key=key,
            organization="",
            azure_endpoint=account.base_url or os.environ["AZURE_API_BASE"],
            api_version=os.environ.get("AZURE_API_VERSION") or litellm.AZURE_DEFAULT_API_VERSION,
            max_retries=0,
            http_client=plain,
        )
    base = litellm.get_llm_provider(model, api_base=account.base_url or None, api_key=key)[3]
    library = AsyncOpenAI(
        api_key=key,
        base_url=base or "https://api.openai.com/v1",
        organization="",
        project="",
        max_retries=0,
        http_client=plain,
    )
    handler: Any = AsyncHTTPHandler(transport=wire, follow_redirects=False)
    for name in ("api_key", "base_url", "_base_url", "chat", "max_retries", "organization"):
        setattr(handler, name, getattr(library, name))
    return handler
