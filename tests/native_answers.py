"""Answers in the shapes of Anthropic, Gemini, Bedrock and OpenAI, for the scripted server of `loopback`."""

import os
from dataclasses import dataclass
from typing import Any

import pytest
from loopback import Answer, Seen, completion

from judgekit.exchange import Message, Request
from judgekit.providers.hosts import PROVIDERS

# Of litellm's own pydantic models; it mutes them when imported, which pytest undoes after each test.
QUIET_LITELLM = [
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*conflict with protected namespace"),
]
ALL_KEYS = sorted({name for provider in PROVIDERS.values() for name in provider.keys} | {"OPENAI_API_KEY"})
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["pass", "fail"]}},
    "required": ["label"],
    "additionalProperties": False,
}
VERDICT = '{"label":"pass"}'


def anthropic(text: Any, *, stop: str = "end_turn", **changes: Any) -> dict[str, Any]:
    """A message; `text` is a text, or the arguments of the tool ``verdict``."""
    tool = {"type": "tool_use", "id": "t1", "name": "verdict", "input": text}
    content = [{"type": "text", "text": text}] if isinstance(text, str) else [tool]
    usage = {"input_tokens": 53, "output_tokens": 10, "cache_read_input_tokens": 40}
    usage["cache_creation_input_tokens"] = 7
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "served-1", "content": content}
    return whole | {"stop_reason": stop, "usage": usage} | changes


def gemini(text: Any, *, finish: str = "STOP", **changes: Any) -> dict[str, Any]:
    part = {"text": text} if isinstance(text, str) else {"functionCall": {"name": "verdict", "args": text}}
    whole = {
        "candidates": [
            {"content": {"role": "model", "parts": [part]} if text != "" else {}, "finishReason": finish}
        ],
        "usageMetadata": {
            "promptTokenCount": 100,
            "candidatesTokenCount": 4,
            "thoughtsTokenCount": 6,
            "totalTokenCount": 110,
            "cachedContentTokenCount": 40,
        },
        "modelVersion": "served-1",
    }
    return whole | changes


def bedrock(text: Any, *, stop: str = "end_turn", **changes: Any) -> dict[str, Any]:
    part = {"text": text} if isinstance(text, str) else {"toolUse": {"toolUseId": "t", "name": "verdict"}}
    if not isinstance(text, str):
        part["toolUse"]["input"] = text
    usage = {"inputTokens": 53, "outputTokens": 10, "totalTokens": 110, "cacheReadInputTokens": 40}
    usage["cacheWriteInputTokens"] = 7
    message = {"role": "assistant", "content": [part]}
    return {"output": {"message": message}, "stopReason": stop, "usage": usage, "metrics": {}} | changes


def google_error(status: int, message: str, kind: str = "INVALID_ARGUMENT", **parts: Any) -> Answer:
    return Answer({"error": {"code": status, "message": message, "status": kind, **parts}}, status)


def anthropic_error(status: int, message: str, kind: str = "invalid_request_error", **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(frozen=True)
class Shape:
    """A provider as its own server: the model, how it answers, and where the texts stand in a request."""

    model: str
    answer: Any
    path: str

    def __str__(self) -> str:
        return self.model.partition("/")[0]

    def whole(self, text: Any, **parts: Any) -> Answer:
        return Answer(self.answer(text, **parts))

    def user_text(self, seen: Seen) -> str:
        body = seen.body
        if "contents" in body:
            return body["contents"][-1]["parts"][0]["text"]
        content = body["messages"][-1]["content"]
        return content if isinstance(content, str) else content[0]["text"]

    def system_text(self, seen: Seen) -> str:
        body = seen.body
        if "system_instruction" in body:
            return body["system_instruction"]["parts"][0]["text"]
        if "system" in body:
            return body["system"][0]["text"]
        return body["messages"][0]["content"]


ANTHROPIC = Shape("anthropic/claude-sonnet-4-5", anthropic, "/v1/messages")
GEMINI = Shape("gemini/gemini-2.5-flash", gemini, "/models/gemini-2.5-flash:generateContent")
BEDROCK = Shape(
    "bedrock/us-east-1/anthropic.claude-sonnet-4-5-20250929-v1:0",
    bedrock,
    "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
)
# Both of litellm's ways to OpenAI's shape: its own, and OpenAI's library.
MISTRAL = Shape("mistral/mistral-small-latest", completion, "/v1/chat/completions")
NOVITA = Shape("novita/judge-1", completion, "/v1/chat/completions")
AZURE = Shape("azure/judge-1", completion, "/openai/deployments/judge-1/chat/completions")
SHAPES = [ANTHROPIC, GEMINI, BEDROCK, MISTRAL, NOVITA, AZURE]


def bare_environment(monkeypatch):
    """Take all keys and addresses of providers out of the environment."""
    for name in list(os.environ):
        if name in ALL_KEYS or name.startswith(("AWS_", "AZURE_", "VERTEX", "ANTHROPIC_", "GEMINI_")):
            monkeypatch.delenv(name)


def question(text="Text.", system="You judge.", **options):
    return Request((Message("system", system), Message("user", text)), SCHEMA, **options)


def address(server, shape):
    return server.url if "/v1/" in shape.path and shape is not ANTHROPIC else server.url.removesuffix("/v1")
