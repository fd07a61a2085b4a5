import asyncio
from dataclasses import dataclass

import pytest
from loopback import LoopbackServer

from judgekit.errors import CallFailed
from judgekit.exchange import Message, Reply, Request
from judgekit.providers.openai import OpenAIClient

KEY = "sk-secret/0123456789+abcdef"
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["pass", "fail"]}}}


@dataclass
class Outcome:
    """What one call came to: a reply or a failure, beside the server that saw it."""

    reply: Reply | None
    failure: CallFailed | None
    server: LoopbackServer

    @property
    def status(self) -> str:
        return self.failure.status if self.failure else "ok"

    @property
    def usage(self):
        return (self.failure or self.reply).usage


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    return KEY


@pytest.fixture
def request_():
    return Request((Message("system", "You judge."), Message("user", "Text.")), SCHEMA)


@pytest.fixture
def ask(request_, key):
    """Ask one question of a scripted server through a client with short pauses."""

    def asked(script, **options) -> Outcome:
        with LoopbackServer(script) as server:
            options = {"backoff": 0.01, "timeout": 5.0, "api_key_env": "TEST_KEY"} | options
            client = OpenAIClient("openai/judge-1", base_url=server.url, **options)
            try:
                return Outcome(asyncio.run(complete(client, request_)), None, server)
            except CallFailed as failure:
                return Outcome(None, failure, server)

    return asked


async def complete(client, request):
    try:
        return await client.complete(request)
    finally:
        await client.aclose()
