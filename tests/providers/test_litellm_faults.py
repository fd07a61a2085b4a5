"""The judge endpoint's table of faults through litellm, in providers' own shapes and both of its ways."""

import asyncio
import gzip
import json
import time

import pytest
from loopback import Answer, LoopbackServer, completion, error
from native_answers import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    MISTRAL,
    NOVITA,
    QUIET_LITELLM,
    SHAPES,
    VERDICT,
    address,
    anthropic_error,
    bare_environment,
    google_error,
    question,
)

from judgekit.errors import CallFailed, CallRefused
from judgekit.exchange import FREE, Usage
from judgekit.providers import http
from judgekit.providers.through_litellm import LiteLLMClient

pytestmark = QUIET_LITELLM
KEY = "sk-secret/0123456789+abcdef"
PAID = Usage(100, 10, 40)


class Outcome:
    """What one call came to, beside the server that saw it."""

    def __init__(self, reply, failure, server):
        self.reply, self.failure, self.server = reply, failure, server
        self.status = failure.status if failure else "ok"
        self.usage = (failure or reply).usage


@pytest.fixture
def ask(monkeypatch):
    """Ask one question of a scripted server through a client with short pauses."""
    bare_environment(monkeypatch)
    monkeypatch.setenv("TEST_KEY", KEY)

    def asked(shape, script, **options) -> Outcome:
        options = {"backoff": 0.01, "timeout": 10.0, "api_key_env": "TEST_KEY"} | options
        with LoopbackServer(script) as server:
            client = LiteLLMClient(shape.model, base_url=address(server, shape), **options)

            async def call():
                try:
                    return await client.complete(question())
                finally:
                    await client.aclose()

            try:
                return Outcome(asyncio.run(call()), None, server)
            except CallFailed as failure:
                return Outcome(None, failure, server)

    return asked


def good(shape):
    return shape.whole(VERDICT)


MAIN = [ANTHROPIC, GEMINI, NOVITA]  # one for each way that litellm reads and sends

TRANSIENT = {
    "429": (lambda shape: error(429, "Rate limit reached"), "rate_limited"),
    "408": (lambda shape: error(408), "provider_error"),
    "500": (lambda shape: error(500), "provider_error"),
    "503 as html": (lambda shape: Answer("<html>busy</html>", 503), "provider_error"),
    "529": (lambda shape: anthropic_error(529, "Overloaded", "overloaded_error"), "provider_error"),
    "reset before": (lambda shape: Answer(reset=True), "provider_error"),
    "reset amid": (lambda shape: Answer(good(shape).body, keep=40), "provider_error"),
    "body shorter than said": (lambda shape: Answer(good(shape).body, length=5000), "provider_error"),
    "cut-off body": (lambda shape: Answer(good(shape).payload()[:60]), "provider_error"),
    "html with status 200": (lambda shape: Answer("<html>welcome to the wifi</html>"), "provider_error"),
    "error with status 200": (lambda shape: Answer({"error": {"message": "busy"}}), "provider_error"),
    "empty body": (lambda shape: Answer(""), "provider_error"),
    "an array": (lambda shape: Answer("[1]"), "provider_error"),
    "an empty object": (lambda shape: Answer("{}"), "provider_error"),
    "not UTF-8": (lambda shape: Answer(b'{"choices": "\xff\xfe"}'), "provider_error"),
    "bottomless nesting": (lambda shape: Answer("[" * 100_000), "provider_error"),
    "empty content": (lambda shape: shape.whole(""), "invalid_reply"),
    "silence": (lambda shape: Answer(good(shape).body, delay=9.0), "timeout"),
    "trickle": (lambda shape: Answer(good(shape).body, trickle=0.02), "timeout"),
}


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("case", TRANSIENT)
def test_transient_faults_are_tried_again_and_end_explicitly(ask, shape, case):
    fault, status = TRANSIENT[case]
    limit = 0.8 if status == "timeout" else 10.0
    outcome = ask(shape, [fault(shape), good(shape)], timeout=limit)
    assert (outcome.status, outcome.server.count) == ("ok", 2)
    assert (outcome.reply.text, outcome.reply.attempts) == (VERDICT, 2)
    outcome = ask(shape, [fault(shape)], timeout=limit / 2, attempts=2)
    assert (outcome.status, outcome.server.count, outcome.failure.attempts) == (status, 2, 2)
    assert type(outcome.failure) is CallFailed and "gave up after 2 requests" in str(outcome.failure)


FATAL = {
    "401": error(401, "invalid x-api-key"),
    "403": error(403, "Country not supported"),
    "402": error(402, "Payment required"),
    "404": error(404, "model: judge-1 not found"),
    "wrong key, told with 400": google_error(400, "API key not valid. Please pass a valid API key."),
    "used-up quota": error(429, "You exceeded your current quota", code="insufficient_quota"),
    "credit": anthropic_error(400, "Your credit balance is too low to access the API."),
    "quota of the day": google_error(
        429, "Quota exceeded", "RESOURCE_EXHAUSTED", details=[{"quotaId": "RequestsPerDayPerModel-FreeTier"}]
    ),
}


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("case", FATAL)
def test_fatal_answers_stop_at_once(ask, shape, case):
    outcome = ask(shape, [FATAL[case]])
    assert isinstance(outcome.failure, CallRefused)
    assert (outcome.status, outcome.server.count, outcome.usage) == ("provider_error", 1, FREE)


FINAL = {
    "context, OpenAI": (error(400, "maximum context length is 9", code="context_length_exceeded"), ""),
    "context, Anthropic": (anthropic_error(400, "prompt is too long: 300000 tokens > 200000 maximum"), ""),
    "context, Gemini": (google_error(400, "The input token count exceeds: input is too long"), ""),
    "other 400": (error(400, "messages: roles must alternate"), ""),
    "413": (Answer("too large", 413), ""),
    "filtered prompt": (error(400, "content management policy", code="content_filter"), "filtered"),
}


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("case", FINAL)
def test_failures_of_one_row_are_not_tried_again(ask, shape, case):
    answer, status = FINAL[case]
    outcome = ask(shape, [answer])
    assert type(outcome.failure) is CallFailed
    assert (outcome.status, outcome.server.count) == (status or "provider_error", 1)


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(ask, shape, status):
    with LoopbackServer([good(shape)]) as elsewhere:
        to = f"http://localhost:{elsewhere.port}/v1/messages?key={KEY}"
        outcome = ask(shape, [Answer("", status, {"Location": to})])
        assert elsewhere.count == 0
    assert isinstance(outcome.failure, CallRefused)
    assert "redirect to localhost" in str(outcome.failure) and KEY not in str(outcome.failure)


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("headers", [{"Retry-After": "0.4"}, {"retry-after-ms": "400"}])
def test_retry_after_is_waited_for(ask, shape, headers):
    outcome = ask(shape, [error(429, headers=headers), good(shape)])
    first, second = outcome.server.seen
    assert outcome.status == "ok" and 0.4 <= second.at - first.at < 2.0


def test_googles_way_to_ask_for_a_wait_is_understood(ask):
    limited = google_error(429, "slow down", "RESOURCE_EXHAUSTED", details=[{"retryDelay": "1.2s"}])
    outcome = ask(GEMINI, [limited, good(GEMINI)])
    first, second = outcome.server.seen
    assert outcome.status == "ok" and 1.2 <= second.at - first.at < 3.2


def test_a_very_long_wait_ends_the_call_and_is_told(ask):
    outcome = ask(ANTHROPIC, [error(429, headers={"Retry-After": "86400"})])
    assert (outcome.status, outcome.server.count) == ("rate_limited", 1)
    assert "asks for a wait of" in str(outcome.failure)


# Keys


@pytest.mark.parametrize("shape", MAIN, ids=str)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
def test_a_key_that_the_server_echoes_is_redacted(ask, caplog, capfd, shape, status):
    caplog.set_level("DEBUG")
    said = f"you sent {KEY} and \x1b[31m\u202e" + "x" * 1000
    outcome = ask(shape, [Answer({"error": {"message": said}}, status)], attempts=2)
    failure = outcome.failure
    shown = "\n".join([str(failure), repr(failure), caplog.text, *capfd.readouterr()])
    assert KEY not in shown and "\x1b" not in shown and len(str(failure)) < 700
    assert failure.__context__ is None and failure.__cause__ is None


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_neither_key_nor_texts_are_logged(ask, caplog, capfd, shape):
    caplog.set_level("DEBUG")
    outcome = ask(shape, [shape.whole(f"the key is {KEY}")])
    shown = "\n".join([caplog.text, *capfd.readouterr()])
    assert outcome.reply.text == "the key is [key]"
    assert KEY not in shown and "You judge." not in shown
    assert KEY in outcome.server.seen[0].path + repr(outcome.server.seen[0].headers)


# Endings in each provider's own words

TRUNCATED = {
    ANTHROPIC: ANTHROPIC.whole('{"la', stop="max_tokens"),
    GEMINI: GEMINI.whole('{"la', finish="MAX_TOKENS"),
    BEDROCK: BEDROCK.whole('{"la', stop="max_tokens"),
    MISTRAL: MISTRAL.whole('{"la', finish="length"),
    NOVITA: NOVITA.whole('{"la', finish="length"),
    AZURE: AZURE.whole('{"la', finish="length"),
}


def room(seen):
    body = seen.body
    inner = body.get("generationConfig") or body.get("inferenceConfig") or body
    return inner.get("max_tokens") or inner.get("max_output_tokens") or inner.get("maxTokens")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_truncated_answer_gets_more_room_once(ask, shape):
    outcome = ask(shape, [TRUNCATED[shape], good(shape)])
    assert [room(seen) for seen in outcome.server.seen] == [4096, 16384]
    assert outcome.status == "ok" and outcome.usage == Usage(200, 20, 80, None)
    for second in (TRUNCATED[shape], error(400, "max_tokens: 16384 > 8192, the maximum")):
        outcome = ask(shape, [TRUNCATED[shape], second])
        assert (outcome.status, outcome.server.count) == ("truncated", 2)


def test_a_tool_call_cut_off_by_the_limit_is_truncated(ask):
    cut = ANTHROPIC.whole({"label": "pass"}, stop="max_tokens")
    outcome = ask(ANTHROPIC, [cut])
    assert (outcome.status, outcome.server.count) == ("truncated", 2)


def test_thinking_that_took_all_the_room_is_truncated(ask):
    outcome = ask(GEMINI, [GEMINI.whole("", finish="MAX_TOKENS"), good(GEMINI)])
    assert (outcome.status, outcome.server.count) == ("ok", 2)


ENDINGS = {
    "Anthropic refuses": (ANTHROPIC, ANTHROPIC.whole("I can", stop="refusal"), "refused"),
    "Anthropic refuses, silent": (ANTHROPIC, ANTHROPIC.whole("", stop="refusal", content=[]), "refused"),
    "Anthropic, window full": (
        ANTHROPIC,
        ANTHROPIC.whole("{", stop="model_context_window_exceeded"),
        "truncated",
    ),
    "Gemini, safety": (GEMINI, GEMINI.whole("", finish="SAFETY"), "filtered"),
    "Gemini, recitation": (GEMINI, GEMINI.whole("", finish="RECITATION"), "filtered"),
    "Gemini, prohibited": (GEMINI, GEMINI.whole("", finish="PROHIBITED_CONTENT"), "filtered"),
    "Gemini blocks the prompt": (
        GEMINI,
        GEMINI.whole("", candidates=[], promptFeedback={"blockReason": "SAFETY"}),
        "filtered",
    ),
    "Gemini blocks the prompt, bare": (
        GEMINI,
        Answer({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "x"}),
        "filtered",
    ),
    "Bedrock's guardrail": (BEDROCK, BEDROCK.whole("No.", stop="guardrail_intervened"), "filtered"),
    "Bedrock filters": (BEDROCK, BEDROCK.whole("No.", stop="content_filtered"), "filtered"),
    "Azure filters": (AZURE, Answer(completion("pa", finish="content_filter")), "filtered"),
    "refusal of OpenAI's": (
        AZURE,
        Answer(completion("", choices=[{"finish_reason": "stop", "message": {"refusal": "I can't"}}])),
        "refused",
    ),
}


@pytest.mark.parametrize("case", ENDINGS)
def test_refusals_and_filters_have_their_status_and_are_not_tried_again(ask, case):
    shape, answer, status = ENDINGS[case]
    outcome = ask(shape, [answer])
    assert (outcome.status, outcome.server.count) == (status, 1)
    assert type(outcome.failure) is CallFailed


def doubled(shape, plain):
    return plain.payload().replace(b'"label": "pass"', b'"label": "fail", "label": "pass"')


@pytest.mark.parametrize("shape", [ANTHROPIC, BEDROCK], ids=str)
def test_a_key_twice_in_a_tool_call_is_no_verdict(ask, shape):
    body = doubled(shape, shape.whole({"label": "pass"}, stop="tool_use"))
    assert b'"fail"' in body
    outcome = ask(shape, [Answer(body)], attempts=2)
    assert (outcome.status, outcome.server.count) == ("invalid_reply", 2)
    assert "twice" in str(outcome.failure)


# Usage and price


@pytest.mark.parametrize("shape", [ANTHROPIC, GEMINI, BEDROCK, MISTRAL, NOVITA], ids=str)
def test_usage_that_is_missing_is_unknown(ask, shape):
    body = {k: v for k, v in good(shape).body.items() if k not in ("usage", "usageMetadata")}
    for unknown in (body, body | {"usage": None}):
        outcome = ask(shape, [Answer(unknown)], price=(1.0, 1.0))
        assert (outcome.status, outcome.usage) == ("ok", Usage())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_price_given_counts_all_attempts(ask, shape):
    outcome = ask(shape, [shape.whole(""), error(500), good(shape)], price=(1000.0, 0.0))
    assert outcome.usage.input_tokens == 200
    assert outcome.usage.cost_usd == pytest.approx(0.2)


def test_an_attempt_that_may_have_been_billed_makes_the_cost_unknown(ask):
    assert ask(ANTHROPIC, [Answer(good(ANTHROPIC).body, keep=30), good(ANTHROPIC)]).usage == Usage()


# Size


@pytest.mark.parametrize("shape", [ANTHROPIC, GEMINI, NOVITA], ids=str)
def test_a_huge_or_compressed_body_is_bounded(ask, monkeypatch, shape):
    monkeypatch.setattr(http, "MAX_BODY", 100_000)
    bomb = Answer(gzip.compress(b" " * 20_000_000), headers={"Content-Encoding": "gzip"})
    outcome = ask(shape, [bomb, shape.whole("x" * 3_000_000), good(shape)])
    assert (outcome.status, outcome.server.count) == ("ok", 3)


def test_a_compressed_answer_is_read(ask):
    body = gzip.compress(json.dumps(good(ANTHROPIC).body).encode())
    assert ask(ANTHROPIC, [Answer(body, headers={"Content-Encoding": "gzip"})]).status == "ok"


def test_the_time_limit_is_one_for_the_whole_call(ask):
    began = time.monotonic()
    outcome = ask(NOVITA, [Answer(good(NOVITA).body, delay=30.0)], timeout=0.5, attempts=2)
    assert outcome.status == "timeout" and time.monotonic() - began < 20
