"""What the client sends, what it learns about a server, and how it lives with event loops."""

import asyncio
import gc
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from math import exp

import pytest
from loopback import Answer, LoopbackServer, completion, error

from judgekit.errors import CallFailed, UsageError
from judgekit.exchange import Client, Message, Request
from judgekit.providers.openai import OpenAIClient


@pytest.fixture
def server():
    with LoopbackServer(["pass"]) as server:
        yield server


def call(client, *requests):
    async def calls():
        try:
            return await asyncio.gather(*map(client.complete, requests))
        finally:
            await client.aclose()

    return asyncio.run(calls())


def user(text, schema=None):
    return Request((Message("system", "You judge."), Message("user", text)), schema)


# What is sent


def test_it_is_a_client_and_says_where_data_goes(server):
    client = OpenAIClient("openai/a/b", base_url=server.url + "/", temperature=0.5)
    assert isinstance(client, Client)
    assert client.name == "openai/a/b"
    assert client.destination == f"127.0.0.1:{server.port}"
    assert client.base_url == server.url
    assert client.settings == {"temperature": 0.5, "max_tokens": 4096}


def test_one_request_holds_all_that_decides_the_answer(server, request_):
    (reply,) = call(OpenAIClient("openai/openai/x", base_url=server.url), request_)
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.body == {
        "model": "openai/x",
        "messages": [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Text."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "verdict", "strict": True, "schema": request_.schema},
        },
        "temperature": 0.0,
        "max_tokens": 4096,
    }
    assert (reply.text, reply.served_model, reply.attempts) == ("pass", "served-1", 1)
    assert reply.usage.cost_usd is None


def test_without_a_schema_there_is_no_response_format(server):
    call(OpenAIClient("m", base_url=server.url, max_tokens=None), user("Text."))
    assert set(server.seen[0].body) == {"model", "messages", "temperature"}


TEXTS = [
    "",
    "{{ x }} {0} $HOME %s",
    '"}]} \\',
    "a\x00b\u2028\u202e\u200b",
    "half \ud83d of one",
    "🙂 é",
    "x" * 2_000_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_arrives_verbatim(server, text):
    call(OpenAIClient("m", base_url=server.url), user(text))
    assert server.seen[0].said() == text


def test_repairs_and_other_rubrics_do_not_meet_old_pieces(server):
    client = OpenAIClient("m", base_url=server.url)
    first = user("a", {"title": "one"})
    again = first.followed_by(Message("assistant", "nonsense"), Message("user", "again"))
    call(client, first)
    call(client, again)
    for n in range(100):  # each schema is gone before the next one comes, perhaps to its place in memory
        call(client, user(str(n), {"title": str(n)}))
    assert len(client._tails) <= 64
    assert [m["content"] for m in server.seen[1].body["messages"]] == ["You judge.", "a", "nonsense", "again"]
    titles = {s.said(): s.body["response_format"]["json_schema"]["schema"]["title"] for s in server.seen[2:]}
    assert titles == {str(n): str(n) for n in range(100)}


def test_content_in_parts_is_joined(server):
    parts = [
        {"type": "thinking", "text": "hm"},
        {"type": "text", "text": "pa"},
        {"type": "text", "text": "ss"},
    ]
    server._script = [Answer(completion(parts))]
    assert call(OpenAIClient("m", base_url=server.url), user("a"))[0].text == "pass"


# Keys


def test_only_the_named_key_goes_to_another_host(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("OTHER_KEY", " sk-other\n")
    call(OpenAIClient("m", base_url=server.url), user("a"))
    call(OpenAIClient("m", base_url=server.url, api_key_env="OTHER_KEY"), user("a"))
    without, named = server.seen
    assert "authorization" not in without.headers and b"sk-openai" not in without.raw
    assert named.headers["authorization"] == "Bearer sk-other"


def test_netrc_and_proxies_of_the_environment_are_ignored(server, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    call(OpenAIClient("m", base_url=server.url), user("a"))
    assert "authorization" not in server.seen[0].headers


def test_the_key_is_in_no_representation(key, server):
    client = OpenAIClient("m", base_url=server.url, api_key_env="TEST_KEY")
    assert key not in repr(client) + str(client) + repr(client._endpoint)


def test_openai_itself_wants_its_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match=r"no key for api\.openai\.com: OPENAI_API_KEY is not set"):
        OpenAIClient("gpt-x")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    client = OpenAIClient("gpt-x")
    assert client.destination == "api.openai.com"
    assert "max_completion_tokens" in client._tail(user("a"), client._dialect, 1).sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"timeout": 0},
        {"max_tokens": 0},
        {"max_connections": 0},
        {"price": (-1, 1)},
        {"model": "openai/"},
    ],
)
def test_senseless_numbers_are_refused(wrong):
    with pytest.raises(UsageError):
        OpenAIClient(**({"model": "m", "base_url": "http://localhost"} | wrong))


# What a server does not accept


def picky(**refused):
    """A server that answers 400 to each given parameter, a kind of response_format, or a role."""

    def script(seen):
        kind = seen.body.get("response_format", {}).get("type")
        for name, message in refused.items():
            roles = [message["role"] for message in seen.body["messages"]]
            if name in seen.body or name == kind or name in roles:
                return error(400, message)
        return "pass"

    return script


NO_SCHEMA = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
NO_OBJECT = "response_format.type must be text"
NO_TOOLS = "This server was started without support for tools"
NO_SYSTEM = "System role not supported"
NO_TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model."
NO_LIMIT = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
TOO_LARGE = "'max_tokens' is too large: 4096. This model's maximum context length is 4096 tokens."

LADDER = {
    "no schema": (
        {"json_schema": NO_SCHEMA},
        {"response_format": None, "tool_choice": {"type": "function", "function": {"name": "verdict"}}},
        2,
    ),
    "no tools": (
        {"json_schema": NO_SCHEMA, "tool_choice": NO_TOOLS},
        {"response_format": {"type": "json_object"}, "tools": None, "tool_choice": None},
        3,
    ),
    "no structure": (
        {"json_schema": NO_SCHEMA, "tool_choice": NO_TOOLS, "json_object": NO_OBJECT},
        {"response_format": None, "tools": None},
        4,
    ),
    "no system role": ({"system": NO_SYSTEM}, {"model": "m"}, 2),
    "no temperature": ({"temperature": NO_TEMPERATURE}, {"temperature": None}, 2),
    "newer limit": ({"max_tokens": NO_LIMIT}, {"max_tokens": None, "max_completion_tokens": 4096}, 2),
    "limit too large": ({"max_tokens": TOO_LARGE}, {"max_tokens": None, "max_completion_tokens": None}, 2),
    "no limit": (
        {"max_tokens": NO_LIMIT, "max_completion_tokens": "max_completion_tokens: extra input"},
        {"max_tokens": None, "max_completion_tokens": None},
        3,
    ),
    "hardly anything": (
        {
            "temperature": NO_TEMPERATURE,
            "max_tokens": NO_LIMIT,
            "json_schema": NO_SCHEMA,
            "tool_choice": NO_TOOLS,
            "json_object": NO_OBJECT,
        },
        {"temperature": None, "max_tokens": None, "max_completion_tokens": 4096, "response_format": None},
        6,
    ),
}


@pytest.mark.parametrize("case", LADDER)
def test_refused_parameters_are_dropped_and_remembered(request_, case):
    refused, last, requests = LADDER[case]
    with LoopbackServer(picky(**refused)) as server:
        client = OpenAIClient("m", base_url=server.url, attempts=1)
        (reply,) = call(client, request_)
        assert (reply.text, reply.attempts, server.count) == ("pass", requests, requests)
        assert {name: server.seen[-1].body.get(name) for name in last} == last
        (reply,) = call(client, request_)
        assert (reply.attempts, server.count) == (1, requests + 1)


def test_without_a_system_turn_the_task_stands_before_the_item(request_):
    with LoopbackServer(picky(system=NO_SYSTEM)) as server:
        call(OpenAIClient("m", base_url=server.url), request_)
        assert server.seen[-1].body["messages"] == [{"role": "user", "content": "You judge.\n\nText."}]


def test_a_tool_call_is_the_reply(request_):
    call_of = {
        "type": "function",
        "id": "1",
        "function": {"name": "verdict", "arguments": '{"label": "pass"}'},
    }
    message = {"role": "assistant", "content": "Let me think.", "tool_calls": [call_of]}
    body = completion("") | {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    script = [error(400, NO_SCHEMA), Answer(body)]
    with LoopbackServer(script) as server:
        (reply,) = call(OpenAIClient("m", base_url=server.url), request_)
        assert reply.text == '{"label": "pass"}'


def test_token_probabilities_are_asked_for_in_steps(request_):
    def script(seen):
        if seen.body.get("top_logprobs", 0) > 5:
            return error(400, "top_logprobs must be at most 5")
        entries = [
            {"token": "pa", "logprob": -0.1, "top_logprobs": [{"token": "fa", "logprob": -3.0}]},
            {"token": "\\xc3", "logprob": 0.0, "bytes": [0xC3]},
            {"token": "\\x9f", "logprob": -0.2, "bytes": [0x9F]},
        ]
        choice = completion("paß")["choices"][0] | {"logprobs": {"content": entries}}
        return Answer(completion("") | {"choices": [choice]})

    with LoopbackServer(script) as server:
        client = OpenAIClient("m", base_url=server.url)
        (reply,) = call(client, replace(request_, probabilities=True))
        first, second = reply.tokens
        assert (first.text, first.others[0][0]) == ("pa", "fa")
        assert (second.text, round(second.probability, 4), second.others) == ("ß", round(exp(-0.2), 4), ())
        assert [seen.body["top_logprobs"] for seen in server.seen] == [20, 5]
        (reply,) = call(client, request_)
        assert "logprobs" not in server.seen[-1].body


def test_tokens_that_are_not_the_text_are_left_out(request_):
    for entries in ([{"token": "fail", "logprob": 0.0}], [{"token": "pass", "logprob": 2.0}], [1], "x", None):
        choice = completion("pass")["choices"][0] | {"logprobs": {"content": entries}}
        with LoopbackServer([Answer(completion("") | {"choices": [choice]})]) as server:
            (reply,) = call(OpenAIClient("m", base_url=server.url), replace(request_, probabilities=True))
            assert (reply.text, reply.tokens) == ("pass", ())


def test_fastapi_and_mistral_shapes_are_understood(request_):
    detail = [
        {"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs", "input": {}}
    ]
    for body in ({"detail": detail}, {"object": "error", "message": {"detail": detail}}):

        def script(seen, body=body):
            return Answer(body, 422) if "response_format" in seen.body else "pass"

        with LoopbackServer(script) as server:
            call(OpenAIClient("m", base_url=server.url), request_)
            assert server.count == 2
            assert "tools" in server.seen[-1].body


def test_all_concurrent_calls_fall_back(request_):
    def script(seen):
        answer = picky(json_schema=NO_SCHEMA, temperature=NO_TEMPERATURE)(seen)
        return Answer(completion("pass"), delay=0.05) if answer == "pass" else answer

    with LoopbackServer(script) as server:
        client = OpenAIClient("m", base_url=server.url, attempts=1)
        replies = call(client, *[request_] * 50)
        assert [r.text for r in replies] == ["pass"] * 50
        assert server.count == 150
        call(client, *[request_] * 50)
        assert server.count == 200


def test_a_complaint_about_one_row_teaches_nothing(request_):
    def script(seen):
        return error(400, "bad text: response_format temperature") if "evil" in seen.said() else "pass"

    with LoopbackServer(script) as server:
        client = OpenAIClient("m", base_url=server.url)
        with pytest.raises(CallFailed) as failed:
            call(client, user("evil", request_.schema))
        assert (failed.value.status, server.count) == ("provider_error", 3)
        call(client, request_)
        assert server.seen[-1].body["response_format"]["type"] == "json_schema"
        assert "temperature" in server.seen[-1].body


# Event loops


def test_a_client_serves_one_loop_after_another(server):
    client = OpenAIClient("m", base_url=server.url)
    assert [call(client, user("a"))[0].text for _ in range(3)] == ["pass"] * 3


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_ended_without_closing_is_no_hindrance(server):
    client = OpenAIClient("m", base_url=server.url)
    for _ in range(3):
        assert asyncio.run(client.complete(user("a"))).text == "pass"
    assert len(client._links._links) == 1
    call(client, user("a"))
    gc.collect()  # asyncio's complaints about the sockets of a dead loop belong to this test


def test_two_loops_at_once_and_one_close_for_both(server):
    client = OpenAIClient("m", base_url=server.url)
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()

    async def both():
        there = asyncio.run_coroutine_threadsafe(client.complete(user("there")), other)
        replies = await asyncio.gather(client.complete(user("here")), asyncio.wrap_future(there))
        await client.aclose()
        return [r.text for r in replies]

    assert asyncio.run(both()) == ["pass"] * 2
    assert client._links._links == {}
    other.call_soon_threadsafe(other.stop)
    thread.join()
    other.close()


def test_a_cancelled_call_leaves_no_tasks_and_frees_its_place():
    async def cancelled(client):
        call = asyncio.create_task(client.complete(user("slow")))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        left = asyncio.all_tasks() - {asyncio.current_task()}
        after = await client.complete(user("quick"))
        await client.aclose()
        return left, after.text

    def script(seen):
        return Answer(completion("pass"), delay=30 if seen.said() == "slow" else 0)

    with LoopbackServer(script) as server:
        client = OpenAIClient("m", base_url=server.url, max_connections=1)
        assert asyncio.run(cancelled(client)) == (set(), "pass")


def test_waiting_for_a_place_is_outside_the_time_limit():
    with LoopbackServer([Answer(completion("pass"), delay=0.2)]) as server:
        client = OpenAIClient("m", base_url=server.url, max_connections=2, timeout=1.0, attempts=1)
        assert len(call(client, *[user("a")] * 12)) == 12
        assert server.most_at_once == 2


def test_connections_are_used_again(server):
    client = OpenAIClient("m", base_url=server.url)

    async def calls():
        for _ in range(5):
            await client.complete(user("a"))
        (connections,) = client._links.here()._session.connector._conns.values()
        await client.aclose()
        return len(connections)

    assert asyncio.run(calls()) == 1


def test_waits_are_logged_for_whoever_shows_progress(server, caplog):
    server._script = [error(429, "slow down"), "pass"]
    caplog.set_level(logging.INFO, "judgekit.providers")
    call(OpenAIClient("m", base_url=server.url, backoff=0.01), user("a"))
    assert "answered 429: slow down; attempt 2 of 4 in 0.0 s" in caplog.text


EXIT = """
import asyncio, sys
from judgekit import _sync
from judgekit.exchange import Message, Request
from judgekit.providers.openai import OpenAIClient
assert "aiohttp" not in sys.modules
client = OpenAIClient("m", base_url=sys.argv[1])
request = Request((Message("user", "a"),))
print(_sync.run(client.complete(request)).text, asyncio.run(client.complete(request)).text)
"""


def test_a_script_that_never_closes_ends_quietly_and_loads_aiohttp_late(server):
    ended = subprocess.run(
        [sys.executable, "-c", EXIT, server.url], capture_output=True, text=True, timeout=20
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("pass pass\n", "", 0)
