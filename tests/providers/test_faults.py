"""The judge endpoint's table of FAULTS.md, row by row, against a real server on loopback."""

import asyncio
import gzip
import socket
import time
from email.utils import formatdate

import pytest
from loopback import Answer, LoopbackServer, completion, error

from judgekit.errors import CallFailed, CallRefused
from judgekit.exchange import FREE, Usage
from judgekit.providers import http, openai
from judgekit.providers.openai import OpenAIClient

GOOD = completion("pass")
LIMITED = error(429, "Rate limit reached", code="rate_limit_exceeded")
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def choice(**parts):
    return completion("pass", choices=[{"index": 0} | parts])


TRANSIENT = {
    "429": (LIMITED, "rate_limited"),
    "429 that says quota for a minute": (
        Answer({"error": {"code": 429, "message": QUOTA, "status": "RESOURCE_EXHAUSTED"}}, 429),
        "rate_limited",
    ),
    "408": (error(408), "provider_error"),
    "500": (error(500), "provider_error"),
    "503 as html": (Answer("<html>busy</html>", 503), "provider_error"),
    "529": (error(529, "Overloaded"), "provider_error"),
    "reset before": (Answer(reset=True), "provider_error"),
    "reset amid": (Answer(GOOD, keep=40), "provider_error"),
    "body shorter than said": (Answer(GOOD, length=5000), "provider_error"),
    "body longer than said": (Answer(GOOD, length=50), "provider_error"),
    "cut-off body": (Answer('{"choices": [{"message": {"content": "pa'), "provider_error"),
    "html with status 200": (Answer("<html>welcome to the wifi</html>"), "provider_error"),
    "error object with status 200": (Answer({"error": {"message": "overloaded"}}), "provider_error"),
    "empty body": (Answer(""), "provider_error"),
    "no choices": (Answer(completion("", choices=[])), "provider_error"),
    "choices of a wrong type": (Answer(completion("", choices=["pass"])), "provider_error"),
    "an array": (Answer("[1]"), "provider_error"),
    "bottomless nesting": (Answer("[" * 100_000), "provider_error"),
    "endless number": (Answer('{"a": ' + "9" * 10_000 + "}"), "provider_error"),
    "an error nested deep": (Answer('{"error":' + "[" * 900 + "]" * 900 + "}"), "provider_error"),
    "not UTF-8": (Answer(b'{"choices": "\xff\xfe"}'), "provider_error"),
    "answer ended with an error": (Answer(completion("pa", finish="error")), "provider_error"),
    "null content": (Answer(completion(None)), "invalid_reply"),
    "empty content": (Answer(completion(" \n")), "invalid_reply"),
    "no message": (Answer(choice(finish_reason="stop")), "invalid_reply"),
    "silence": (Answer(GOOD, delay=9.0), "timeout"),
    "trickle": (Answer(GOOD, trickle=0.02), "timeout"),
}


# Only the tests of slowness have little time, so that a busy machine fails no others.
LIMIT = dict.fromkeys(("provider_error", "rate_limited", "invalid_reply"), 5.0) | {"timeout": 0.4}


@pytest.mark.parametrize("case", TRANSIENT)
def test_transient_faults_are_tried_again(ask, case):
    fault, status = TRANSIENT[case]
    outcome = ask([fault, fault, "pass"], timeout=LIMIT[status])
    assert (outcome.status, outcome.server.count) == ("ok", 3)
    assert outcome.reply.text == "pass" and outcome.reply.attempts == 3


@pytest.mark.parametrize("case", TRANSIENT)
def test_transient_faults_end_as_an_explicit_failure(ask, case):
    fault, status = TRANSIENT[case]
    outcome = ask([fault], timeout=LIMIT[status], attempts=2)
    assert (outcome.status, outcome.server.count, outcome.failure.attempts) == (status, 2, 2)
    assert type(outcome.failure) is CallFailed
    assert "gave up after 2 requests" in str(outcome.failure)


FATAL = {
    "401": error(401, "Incorrect API key provided"),
    "403": error(403, "Country not supported"),
    "402": error(402, "Payment required"),
    "unknown model": error(404, "The model `judge-1` does not exist", code="model_not_found"),
    "unknown path": Answer("404 page not found", 404),
    "unknown model, told with 400": error(400, "judge-1 is not a valid model ID", code=400),
    "wrong key, told with 400": error(400, "API key not valid. Please pass a valid API key."),
    "used-up quota": error(429, QUOTA, type="insufficient_quota", code="insufficient_quota"),
    "used-up quota, only the type": error(429, "no", type="insufficient_quota"),
    "used-up quota, only words": error(429, QUOTA),
    "billing limit": error(400, "Billing hard limit has been reached", code="billing_hard_limit_reached"),
}


@pytest.mark.parametrize("case", FATAL)
def test_fatal_answers_stop_at_once(ask, case):
    outcome = ask([FATAL[case]])
    assert isinstance(outcome.failure, CallRefused)
    assert (outcome.status, outcome.server.count) == ("provider_error", 1)
    assert outcome.usage == FREE


FINAL = {
    "context": (
        error(400, "maximum context length is 8192 tokens", code="context_length_exceeded"),
        "provider_error",
    ),
    "context, in words that name a parameter": (
        error(400, "This model's maximum context length is 9 tokens. Reduce the prompt or max_tokens."),
        "provider_error",
    ),
    "400 nested deep": (Answer('{"error":' + '{"k":' * 900 + "1" + "}" * 901, 400), "provider_error"),
    "other 400": (error(400, "Unknown role"), "provider_error"),
    "413": (Answer("too large", 413), "provider_error"),
    "filtered prompt": (error(400, "content management policy", code="content_filter"), "filtered"),
    "filtered answer": (Answer(completion("pa", finish="content_filter")), "filtered"),
    "refusal": (
        Answer(choice(finish_reason="stop", message={"content": None, "refusal": "I can't"})),
        "refused",
    ),
}


@pytest.mark.parametrize("case", FINAL)
def test_failures_of_one_row_are_not_tried_again(ask, case):
    answer, status = FINAL[case]
    outcome = ask([answer])
    assert type(outcome.failure) is CallFailed
    assert (outcome.status, outcome.server.count) == (status, 1)


# Retry-After


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "least"),
    [({"Retry-After": "0.4"}, 0.4), ({"Retry-After": "1"}, 1.0), ({"retry-after-ms": "300"}, 0.3)],
)
def test_retry_after_in_seconds_is_waited_for(ask, status, headers, least):
    outcome = ask([error(status, headers=headers), "pass"])
    assert least <= waited(outcome) < least + 0.6


def test_retry_after_as_a_date_is_waited_for(ask):
    until = time.time() // 1 + 2
    outcome = ask([error(429, headers={"Retry-After": formatdate(until, usegmt=True)}), "pass"])
    arrived = time.time() - time.monotonic() + outcome.server.seen[1].at
    assert outcome.status == "ok" and until <= arrived < until + 0.8


def test_retry_after_follows_the_clock_of_the_server(ask):
    an_hour_slow = time.time() - 3600
    headers = {"Date": formatdate(an_hour_slow, usegmt=True)}
    headers["Retry-After"] = formatdate(an_hour_slow + 1, usegmt=True)
    assert 1.0 <= waited(ask([error(429, headers=headers), "pass"])) < 1.8


@pytest.mark.parametrize(
    "value", ["soon", "-5", "nan", "", "Thu, 99 Foo 2026", "0", "Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_retry_after_without_meaning_is_an_ordinary_pause(ask, value):
    assert waited(ask([error(429, headers={"Retry-After": value}), "pass"])) < 0.3


@pytest.mark.parametrize("value", ["86400", "9" * 400, "Thu, 01 Jan 2099 00:00:00 GMT"])
def test_a_very_long_wait_ends_the_call_and_is_told(ask, value):
    outcome = ask([error(429, headers={"Retry-After": value})])
    assert (outcome.status, outcome.server.count) == ("rate_limited", 1)
    assert "asks for a wait of" in str(outcome.failure)


def test_waits_for_the_rate_limit_do_not_count_against_the_timeout(ask):
    limited = error(429, headers={"Retry-After": "0.7"})
    assert ask([limited, limited, "pass"], timeout=0.4, attempts=3).status == "ok"


def waited(outcome) -> float:
    assert outcome.status == "ok"
    first, second = outcome.server.seen
    return second.at - first.at


# Redirects and the key


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(ask, key, status):
    with LoopbackServer(["pass"]) as elsewhere:
        to = f"http://localhost:{elsewhere.port}/v1/chat/completions?key={key}"
        outcome = ask([Answer("", status, {"Location": to})])
        assert elsewhere.count == 0
    assert isinstance(outcome.failure, CallRefused)
    assert "redirect to localhost" in str(outcome.failure) and key not in str(outcome.failure)


@pytest.mark.parametrize("location", ["", "/v2", "http://[bad", "http://\x7f"])
def test_odd_redirects_are_told_too(ask, location):
    assert "redirect" in str(ask([Answer("", 302, {"Location": location})]).failure)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
@pytest.mark.parametrize("shape", ["object", "text", "encoded"])
def test_a_key_that_the_server_echoes_is_redacted(ask, key, caplog, status, shape):
    caplog.set_level("DEBUG")
    echoed = key.replace("/", "%2F").replace("+", "%2B") if shape == "encoded" else key
    said = f"you sent {echoed} and \x1b[31m\u202e" + "x" * 1000
    body = said if shape == "text" else {"error": {"message": said}}
    outcome = ask([Answer(body, status)], attempts=2)
    assert outcome.failure is not None
    shown = "\n".join([str(outcome.failure), repr(outcome.failure), caplog.text])
    assert key not in shown and echoed not in shown
    assert "\x1b" not in shown and "\u202e" not in shown
    assert len(str(outcome.failure)) < 600
    assert outcome.failure.__context__ is None and outcome.failure.__cause__ is None


def test_a_key_in_a_good_answer_is_redacted(ask, key):
    outcome = ask([Answer(completion(f"the key is {key}", model=key))])
    assert (outcome.reply.text, outcome.reply.served_model) == ("the key is [key]", "[key]")


# Truncation


def test_a_truncated_answer_gets_more_room_once(ask):
    outcome = ask([Answer(completion("pa", finish="length")), "pass"])
    assert outcome.reply.text == "pass"
    assert [s.body["max_tokens"] for s in outcome.server.seen] == [4096, 16384]
    assert outcome.usage == Usage(200, 20, 80, None)


@pytest.mark.parametrize(
    "second", [Answer(completion("pa", finish="length")), error(400, "max_tokens is too large")]
)
def test_a_twice_truncated_answer_is_truncated(ask, second):
    outcome = ask([Answer(completion(None, finish="length")), second])
    assert (outcome.status, outcome.server.count) == ("truncated", 2)


def test_without_a_limit_of_ours_a_truncated_answer_is_final(ask):
    outcome = ask([Answer(completion("pa", finish="length"))], max_tokens=None)
    assert (outcome.status, outcome.server.count) == ("truncated", 1)


# Size and usage


def test_a_huge_body_is_cut_off_and_tried_again(ask, monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY", 100_000)
    outcome = ask([Answer(completion("x" * 3_000_000)), "pass"])
    assert (outcome.status, outcome.server.count) == ("ok", 2)
    assert ask([Answer(completion("x" * 90_000))]).status == "ok"


def test_a_compressed_bomb_is_bounded(ask, monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY", 100_000)
    bomb = Answer(gzip.compress(b" " * 20_000_000), headers={"Content-Encoding": "gzip"})
    outcome = ask([bomb, "pass"])
    assert (outcome.status, outcome.server.count) == ("ok", 2)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (None, Usage()),
        ("many", Usage()),
        ({}, Usage()),
        ({"prompt_tokens": "5", "completion_tokens": True}, Usage()),
        ({"prompt_tokens": -5, "completion_tokens": 10**40}, Usage()),
        ({"prompt_tokens": 5, "completion_tokens": None}, Usage(5)),
        ({"prompt_tokens": 1000, "completion_tokens": 500}, Usage(1000, 500, None, 0.002)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": None}, Usage(0, 0, None, 0.0)),
    ],
)
def test_usage_that_is_missing_or_odd_is_unknown(ask, said, known):
    outcome = ask([Answer(completion("pass", usage=said))], price=(1.0, 2.0))
    assert (outcome.status, outcome.usage) == ("ok", known)


@pytest.mark.parametrize(
    ("fault", "usage"),
    [
        (error(429), Usage(100, 10, 40, 0.0)),
        (error(500), Usage(100, 10, 40, 0.0)),
        (Answer({"error": {"message": "busy"}}), Usage(100, 10, 40, 0.0)),
        (Answer(completion(None)), Usage(200, 20, 80, 0.0)),
        (error(504), Usage()),
        (Answer(GOOD, keep=30), Usage()),
        (Answer(GOOD, delay=9.0), Usage()),
        (Answer(reset=True), Usage()),
        (Answer("<html>"), Usage()),
    ],
)
def test_an_attempt_that_may_have_been_billed_makes_the_cost_unknown(ask, fault, usage):
    assert ask([fault, "pass"], timeout=0.6, price=(0.0, 0.0)).usage == usage


def test_a_failure_tells_what_it_cost(ask):
    outcome = ask([Answer(completion(None))], attempts=3, price=(1000.0, 0.0))
    assert outcome.usage == Usage(300, 30, 120, pytest.approx(0.3))


def test_nobody_listens(ask, key, request_):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = OpenAIClient("m", base_url=f"http://127.0.0.1:{port}/v1", backoff=0.01, attempts=3)
        with pytest.raises(CallFailed, match=f"cannot connect to 127.0.0.1:{port}") as failed:
            asyncio.run(client.complete(request_))
    assert (failed.value.status, failed.value.attempts, failed.value.usage) == ("provider_error", 3, FREE)


@pytest.mark.parametrize("status", [200, 400])
def test_a_failure_to_read_an_answer_ends_its_call_alone(ask, monkeypatch, status):
    def fail(*_):
        raise LookupError("the answer's own words")

    for name in ("read_completion", "read_complaint"):
        monkeypatch.setattr(openai, name, fail)
    outcome = ask([Answer(GOOD, status)], attempts=1)
    assert type(outcome.failure) is CallFailed and outcome.status == "provider_error"
    assert str(outcome.failure).endswith("sent an answer that cannot be read (LookupError)")
