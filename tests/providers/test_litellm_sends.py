"""What the client for every other provider sends, where to, with which key, and in which mode."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from string import Template

import pytest
from loopback import Answer, LoopbackServer, completion, error
from native_answers import (
    ALL_KEYS,
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    MISTRAL,
    NOVITA,
    QUIET_LITELLM,
    SCHEMA,
    SHAPES,
    VERDICT,
    address,
    anthropic_error,
    bare_environment,
    google_error,
    question,
)

from judgekit.errors import CallFailed, CallRefused, UsageError
from judgekit.exchange import Client, Message, Request
from judgekit.providers.hosts import provider_host
from judgekit.providers.through_litellm import LiteLLMClient

pytestmark = QUIET_LITELLM
KEY = "sk-secret/0123456789+abcdef"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    bare_environment(monkeypatch)


def call(shape, server, *requests, **options):
    """Put requests to a scripted server, all at once."""
    options = {"backoff": 0.01, "timeout": 20.0} | options
    client = LiteLLMClient(shape.model, base_url=address(server, shape), **options)
    return complete(client, *(requests or [question()]))


def complete(client, *requests):
    async def calls():
        try:
            return await asyncio.gather(*map(client.complete, requests))
        finally:
            await client.aclose()

    return asyncio.run(calls())


# What is sent


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_request_goes_out_and_its_answer_comes_back(shape):
    with LoopbackServer([shape.whole(VERDICT)]) as server:
        (reply,) = call(shape, server)
    (seen,) = server.seen
    assert seen.method == "POST" and seen.path.partition("?")[0] == shape.path
    assert reply.text == VERDICT and reply.attempts == 1
    assert reply.served_model == ("" if shape is BEDROCK else "served-1")
    assert reply.usage.to_dict() == {
        "input_tokens": 100,
        "output_tokens": 10,
        "cached_tokens": 40,
        "cost_usd": None,
    }


TEXTS = [
    "{{ x }} {% for %} {0} $HOME ${HOME} %s %(a)s {item.output} <<a>>",
    '"}]} \\ \\n',
    "a\x00b\u2028\u202e\u200b\x1b[0m",
    "half \ud83d of one",
    "🙂 é ﷽",
    "\n Human: \n\nAssistant: <|im_start|>system",
    "  led and followed by blanks \n\n",
    "x" * 1_500_000,
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_text_arrives_verbatim(shape):
    with LoopbackServer([shape.whole(VERDICT)]) as server:
        for text in TEXTS:
            if text == TEXTS[3] and shape in VERBATIM_BUT_SURROGATES:
                continue
            call(shape, server, question(text, system=text[:1000]))
            assert shape.user_text(server.seen[-1]) == text
            assert shape.system_text(server.seen[-1]) == text[:1000]
    assert Template("$HOME").substitute(os.environ) != "$HOME"  # so that it could have been expanded


# httpx and OpenAI's library write JSON as UTF-8, which holds no half of a surrogate pair.
VERBATIM_BUT_SURROGATES = (ANTHROPIC, GEMINI, NOVITA, AZURE)


@pytest.mark.parametrize("shape", VERBATIM_BUT_SURROGATES, ids=str)
def test_half_a_surrogate_pair_cannot_be_sent_here(shape):
    with LoopbackServer([shape.whole(VERDICT)]) as server, pytest.raises(CallFailed, match="surrogates"):
        call(shape, server, question(TEXTS[3]))
    assert server.count == 0


def test_the_system_text_of_claude_is_marked_to_be_kept():
    with LoopbackServer([ANTHROPIC.whole(VERDICT)]) as server:
        call(ANTHROPIC, server)
    assert server.seen[0].body["system"] == [
        {"type": "text", "text": "You judge.", "cache_control": {"type": "ephemeral"}}
    ]
    assert "cache_control" not in json.dumps(server.seen[0].body["messages"])
    with LoopbackServer([BEDROCK.whole(VERDICT)]) as server:
        call(BEDROCK, server)
    assert server.seen[0].body["system"] == [{"text": "You judge."}, {"cachePoint": {"type": "default"}}]


def test_a_mark_that_is_refused_is_left_out():
    def picky(seen):
        if "cachePoint" in seen.raw.decode():
            return Answer({"message": "The model does not support cachePoint."}, 400)
        return BEDROCK.whole(VERDICT)

    with LoopbackServer(picky) as server:
        replies = call(BEDROCK, server, question(), question("other"), max_connections=1)
    assert [reply.text for reply in replies] == [VERDICT, VERDICT]
    assert server.count == 3


# Modes


def asked(seen):
    body = seen.body
    config = body.get("generationConfig", {})
    return {
        "schema": body.get("output_format", {}).get("schema")
        or config.get("response_json_schema")
        or body.get("response_format", {}).get("json_schema", {}).get("schema"),
        "tool": bool(body.get("tools")),
        "object": body.get("response_format") == {"type": "json_object"},
    }


def test_a_model_that_enforces_schemas_gets_ours():
    for shape in (ANTHROPIC, GEMINI, MISTRAL):
        with LoopbackServer([shape.whole(VERDICT)]) as server:
            call(shape, server)
        schema = asked(server.seen[0])["schema"]
        assert schema["properties"]["label"]["enum"] == ["pass", "fail"]
        assert schema["required"] == ["label"] and list(schema["properties"]) == ["label"]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_schema_is_left_as_it_was(shape):
    before = json.dumps(SCHEMA)
    unknown = replace(shape, model=f"{shape}/{'converse/' * (shape is BEDROCK)}judge-1")  # asked by a tool
    for kind in (shape, unknown):
        with LoopbackServer([shape.whole(VERDICT)]) as server:
            call(kind, server, question(), question(), max_connections=1)
        first, second = server.seen
        assert first.raw == second.raw and json.dumps(SCHEMA) == before


def test_a_model_without_schemas_is_asked_to_call_a_tool():
    with LoopbackServer([ANTHROPIC.whole({"label": "pass"}, stop="tool_use")]) as server:
        client = LiteLLMClient("anthropic/claude-3-haiku-old", base_url=address(server, ANTHROPIC))
        (reply,) = complete(client, question())
    body = server.seen[0].body
    assert json.loads(reply.text) == {"label": "pass"}
    assert body["tools"][0]["name"] == "verdict"
    assert body["tools"][0]["input_schema"] == SCHEMA
    assert body["tool_choice"] == {"type": "tool", "name": "verdict"}


REFUSED = {
    "anthropic": anthropic_error(400, "output_format: Extra inputs are not permitted"),
    "gemini": google_error(400, 'Invalid JSON payload. Unknown name "response_json_schema"'),
    "mistral": error(422, "response_format json_schema is not supported"),
}


@pytest.mark.parametrize("shape", [ANTHROPIC, GEMINI, MISTRAL], ids=str)
def test_all_calls_under_way_fall_back_and_later_ones_know(shape):
    def picky(seen):
        if asked(seen)["schema"]:
            return REFUSED[str(shape)]
        return shape.whole({"label": "pass"} if str(shape) != "mistral" else VERDICT)

    with LoopbackServer(picky) as server:
        first = call(shape, server, *(question(str(n)) for n in range(8)))
    assert [json.loads(reply.text) for reply in first] == [{"label": "pass"}] * 8
    assert 9 <= server.count <= 16 and asked(server.seen[-1])["tool"]

    with LoopbackServer(picky) as server:
        call(shape, server, question("a"), question("b"), question("c"), max_connections=1)
    assert [asked(seen)["tool"] for seen in server.seen] == [False, True, True, True]


def test_the_ladder_ends_with_plain_text():
    def picky(seen):
        if "response_format" in seen.body:
            return error(400, "response_format is not supported")
        return error(400, "tools are not supported") if "tools" in seen.body else Answer(completion(VERDICT))

    with LoopbackServer(picky) as server:
        (reply,) = call(NOVITA, server)
    assert reply.text == VERDICT
    assert [sorted({"tools", "response_format"} & seen.body.keys()) for seen in server.seen] == [
        ["tools"],
        ["response_format"],
        [],
    ]


@pytest.mark.parametrize(
    ("shape", "answer", "gone"),
    [
        (ANTHROPIC, anthropic_error(400, "temperature is deprecated for this model"), "temperature"),
        (NOVITA, error(400, "Unsupported parameter: temperature"), "temperature"),
        (GEMINI, google_error(400, "Developer instruction is not enabled"), "system_instruction"),
        (NOVITA, error(400, "System role not supported"), "system"),
    ],
)
def test_what_a_model_refuses_is_left_out(shape, answer, gone):
    def picky(seen):
        held = json.dumps(seen.body)
        return answer if f'"{gone}"' in held else shape.whole(VERDICT)

    with LoopbackServer(picky) as server:
        call(shape, server, question("a"), question("b"), max_connections=1)
    assert server.count == 3
    if gone.startswith("system"):
        assert shape.user_text(server.seen[-1]) == "You judge.\n\nb"


def test_parameters_that_litellm_knows_to_be_refused_are_not_sent():
    with LoopbackServer(["pass"]) as server:
        client = LiteLLMClient("openai/o3-mini", base_url=server.url)
        complete(client, question(probabilities=True))
    assert "temperature" not in server.seen[0].body and "logprobs" not in server.seen[0].body
    assert server.seen[0].body["max_completion_tokens"] == 4096


# Probabilities


def test_probabilities_are_asked_for_where_the_provider_gives_them():
    entry = {"token": VERDICT, "logprob": -0.6931471805599453, "bytes": None}
    entry["top_logprobs"] = [{"token": "x", "logprob": -1.3862943611198906}]
    answer = completion(VERDICT)
    answer["choices"][0]["logprobs"] = {"content": [entry]}
    with LoopbackServer([Answer(answer)]) as server:
        client = LiteLLMClient("openrouter/a/b", base_url=server.url)
        (reply,) = complete(client, question(probabilities=True))
    assert server.seen[0].body["logprobs"] is True and server.seen[0].body["top_logprobs"] == 20
    assert [(token.text, token.probability) for token in reply.tokens] == [(VERDICT, pytest.approx(0.5))]
    assert reply.tokens[0].others == (("x", pytest.approx(0.25)),)


def test_probabilities_that_are_refused_are_left_out():
    def picky(seen):
        return error(400, "logprobs not supported") if "logprobs" in seen.body else "pass"

    with LoopbackServer(picky) as server:
        client = LiteLLMClient("openrouter/a/b", base_url=server.url)
        (reply,) = complete(client, question(probabilities=True))
    assert reply.text == "pass" and reply.tokens == ()


# Keys and hosts


def test_it_is_a_client_and_says_where_data_goes(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    client = LiteLLMClient("anthropic/claude-sonnet-4-5", temperature=0.5)
    assert isinstance(client, Client)
    assert (client.name, client.destination) == ("anthropic/claude-sonnet-4-5", "api.anthropic.com")
    assert client.settings == {"temperature": 0.5, "max_tokens": 4096}
    assert KEY not in repr(client) + repr(client._account)


@pytest.mark.parametrize(
    ("model", "environment", "host"),
    [
        ("gemini/x", {}, "generativelanguage.googleapis.com"),
        ("mistral/x", {}, "api.mistral.ai"),
        ("bedrock/x", {"AWS_REGION": "eu-west-1"}, "bedrock-runtime.eu-west-1.amazonaws.com"),
        ("bedrock/us-east-1/x", {"AWS_REGION": "eu-west-1"}, "bedrock-runtime.us-east-1.amazonaws.com"),
        ("bedrock/x", {}, "bedrock"),
        ("vertex_ai/x", {"VERTEXAI_LOCATION": "global"}, "aiplatform.googleapis.com"),
        ("azure/x", {"AZURE_API_BASE": "https://me.openai.azure.com/"}, "me.openai.azure.com"),
        ("nebius/x", {}, "nebius"),
    ],
)
def test_hosts_are_known_before_any_call(monkeypatch, model, environment, host):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert provider_host(model) == host


def test_a_host_does_not_need_litellm():
    code = "import sys; from judgekit.providers.through_litellm import LiteLLMClient as C\n"
    code += "from judgekit.providers.prices import price_of\n"
    code += "print(C('anthropic/claude-sonnet-4-5').destination, price_of('gpt-4.1-mini') is not None)\n"
    code += "print([m for m in ('litellm', 'instructor', 'httpx', 'aiohttp') if m in sys.modules])"
    environment = os.environ | {"ANTHROPIC_API_KEY": KEY}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("api.anthropic.com True\n[]\n", "")


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("anthropic/x", "ANTHROPIC_API_KEY"),
        ("gemini/x", "GEMINI_API_KEY or GOOGLE_API_KEY"),
        ("nebius/x", "NEBIUS_API_KEY"),  # not in our table: litellm knows
        ("azure/x", "AZURE_API_BASE"),
    ],
)
def test_a_missing_key_is_named_before_any_call(model, names):
    with pytest.raises(UsageError, match=names):
        LiteLLMClient(model)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "claude"}, "provider/NAME"),
        ({"model": "nosuch/x"}, "unknown provider 'nosuch'"),
        ({"model": "vertex_ai/x", "base_url": "http://localhost"}, "takes no base URL"),
        ({"base_url": "ftp://x"}, "http"),
        ({"api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY"),
        ({"max_tokens": 0}, "1 or more"),
        ({"max_connections": 0}, "1 or more"),
        ({"price": (-1, 1)}, "price"),
        ({"attempts": 0}, "attempts"),
    ],
)
def test_senseless_settings_are_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        LiteLLMClient(**({"model": "anthropic/x", "base_url": "http://localhost"} | wrong))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_key_of_the_environment_goes_to_another_address(shape, monkeypatch):
    for name in [*ALL_KEYS, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"]:
        monkeypatch.setenv(name, f"sk-env-{name}-0123456789")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-env-0123456789")
    monkeypatch.setenv("TEST_KEY", "sk-named-0123456789")
    with LoopbackServer([shape.whole(VERDICT)]) as server:
        call(shape, server)
        call(shape, server, api_key_env="TEST_KEY")
    for seen in server.seen:
        assert "env-" not in seen.path + repr(seen.headers) + seen.raw.decode()
    without, named = (seen.path + repr(seen.headers) for seen in server.seen)
    assert "sk-named-0123456789" not in without and "sk-named-0123456789" in named


def test_a_key_that_would_go_astray_is_not_sent(monkeypatch):
    monkeypatch.setenv("SOME_OTHER_TOKEN", "token-0123456789-abcdef")
    monkeypatch.setenv("NAMED", "token-0123456789-abcdef")
    with LoopbackServer(["pass"]) as server:
        client = LiteLLMClient("deepinfra/x", base_url=server.url)
        client._where["extra_headers"] = {"x": "token-0123456789-abcdef"}
        with pytest.raises(CallRefused, match="not meant for it"):
            complete(client, question())
        assert server.count == 0


def test_a_variable_that_sends_texts_elsewhere_is_told(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with LoopbackServer([ANTHROPIC.whole(VERDICT)]) as server:
        monkeypatch.setenv("ANTHROPIC_API_BASE", server.url.removesuffix("/v1"))
        client = LiteLLMClient(ANTHROPIC.model)
        with pytest.raises(CallRefused, match=rf"127.0.0.1:{server.port} and not to api\.anthropic\.com"):
            complete(client, question())
    assert server.count == 0


def test_amazons_credentials_are_found_and_go_to_no_other_host(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0123456789ABCDEF")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-0123456789-abcdef")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-0123456789-abcdef")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with LoopbackServer([BEDROCK.whole(VERDICT)]) as server:
        monkeypatch.setenv("AWS_BEDROCK_RUNTIME_ENDPOINT", server.url.removesuffix("/v1"))
        client = LiteLLMClient("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")
        with pytest.raises(CallRefused, match=r"127\.0\.0\.1:\d+ and not to bedrock-runtime\.eu-west-1"):
            complete(client, question())
    assert server.count == 0


# What litellm prevents, asserted as it is: see docs/providers.md


def test_cohere_goes_past_our_connections():
    """Its answers and errors are read from what litellm makes of them."""
    body = {"message": {"role": "assistant", "content": [{"type": "text", "text": VERDICT}]}}
    body |= {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 9, "output_tokens": 3}}}
    script = [error(429, "slow", headers={"Retry-After": "30"}), Answer(body)]
    with LoopbackServer(script) as server:
        client = LiteLLMClient("cohere/command-a", base_url=server.url, backoff=0.01)
        (reply,) = complete(client, question())
    assert reply.text == VERDICT and server.count == 2
    assert server.seen[0].headers["accept-encoding"] != "identity"
    assert server.seen[1].at - server.seen[0].at < 30  # litellm drops the headers of this provider's errors
    with LoopbackServer([error(401, "invalid api token")]) as server:
        client = LiteLLMClient("cohere/command-a", base_url=server.url, backoff=0.01)
        with pytest.raises(CallRefused, match="through litellm"):
            complete(client, question())
        assert server.count == 1


def test_geminis_tools_get_a_rewritten_schema():
    label = {"type": ["string", "null"], "enum": [None, "cannot_tell"]}
    schema = SCHEMA | {"properties": {"label": label}}
    with LoopbackServer([GEMINI.whole(VERDICT)]) as server:
        client = LiteLLMClient("gemini/judge-1", base_url=address(server, GEMINI))
        complete(client, Request((Message("user", "a"),), schema))
    (tool,) = server.seen[0].body["tools"][0]["function_declarations"]
    assert "additionalProperties" not in tool["parameters"]
    assert "enum" not in json.dumps(tool["parameters"])


def test_mistral_is_not_made_to_call_a_tool():
    with LoopbackServer(["pass"]) as server:
        complete(LiteLLMClient("mistral/judge-1", base_url=server.url), question())
    assert "tools" in server.seen[0].body and "tool_choice" not in server.seen[0].body


def test_gemini_is_not_asked_for_probabilities():
    with LoopbackServer([GEMINI.whole(VERDICT)]) as server:
        (reply,) = call(GEMINI, server, question(probabilities=True))
    assert "logprobs" not in json.dumps(server.seen[0].body).lower() and reply.tokens == ()


# Event loops and the process


def test_one_client_serves_several_event_loops_and_lives_on_after_closing():
    with LoopbackServer([ANTHROPIC.whole(VERDICT)]) as server:
        client = LiteLLMClient(ANTHROPIC.model, base_url=address(server, ANTHROPIC))
        for _ in range(3):
            assert complete(client, question())[0].text == VERDICT
    assert server.count == 3


def test_calls_at_once_are_bounded():
    answer = Answer(ANTHROPIC.answer(VERDICT), delay=0.02)
    with LoopbackServer([answer]) as server:
        call(ANTHROPIC, server, *(question(str(n)) for n in range(12)), max_connections=3)
    assert server.most_at_once <= 3


def test_a_call_can_be_cancelled():
    async def cancelled(server):
        client = LiteLLMClient(ANTHROPIC.model, base_url=address(server, ANTHROPIC))
        task = asyncio.create_task(client.complete(question()))
        while not server.count:  # noqa: ASYNC110 - the server lives in another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()

    with LoopbackServer([Answer(ANTHROPIC.answer(VERDICT), delay=30.0)]) as server:
        asyncio.run(asyncio.wait_for(cancelled(server), 20))


SCRIPT = """
import asyncio, sys
from judgekit.exchange import Message, Request
from judgekit.providers.through_litellm import LiteLLMClient
client = LiteLLMClient("anthropic/claude-sonnet-4-5", base_url=sys.argv[1])
request = Request((Message("user", "a"),))
for _ in range(2):
    print(asyncio.run(client.complete(request)).text)
"""


def test_a_script_ends_quietly_and_reads_no_dotenv(tmp_path):
    (tmp_path / ".env").write_text("HTTPS_PROXY=http://127.0.0.1:9\nhttp_proxy=http://127.0.0.1:9\n")
    with LoopbackServer([ANTHROPIC.whole("pass")]) as server:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, address(server, ANTHROPIC)],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("pass\npass\n", "", 0)
