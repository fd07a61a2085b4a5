"""A model tried on one item: servers of every habit, and what is said of each."""

import asyncio
import json
import socket

import pytest
from loopback import Answer, LoopbackServer, completion, error

from judgekit.errors import UsageError
from judgekit.factory import Asked, named_models
from judgekit.factory.doctor import look_around, try_model
from judgekit.factory.doctor.example import ITEM, RULES, rubric
from judgekit.factory.doctor.lines import Line, table
from judgekit.prompt import Template

KEY = "sk-secret-0123456789-abcdef"
QUOTE = RULES.split("\n")[0].split("within")[0].removeprefix("1. ").strip()


def said(answers="pass", grounded="all", quotes=(QUOTE,)) -> str:
    """What a model says of the example."""
    found = {
        "answers": {"explanation": "It says 30 days.", "label": answers},
        "grounded": {"explanation": "Rules 1 and 3.", "evidence": list(quotes), "label": grounded},
    }
    return json.dumps(found)


def chances(text: str) -> dict:
    """The log-probabilities of a text, a token for each word."""
    words = text.replace('"', ' " ').split(" ")
    tokens, at = [], 0
    for word in filter(None, words):
        end = text.index(word, at) + len(word)
        here = {"token": text[at:end], "logprob": -0.1}
        tokens.append({**here, "top_logprobs": [here]})
        at = end
    return {"content": [*tokens, *([{"token": text[at:], "logprob": 0.0}] if text[at:] else [])]}


def trial(script, model="judge-1", path="/v1", **options):
    """Try a scripted server; give the trial, its lines by name, and the server."""
    with LoopbackServer(script) as server:
        url = server.url.removesuffix("/v1") + path
        asked = Asked(model, url, **{"timeout": 5.0, **options})
        found = asyncio.run(try_model(asked))
    return found, {line.what: line for line in found.lines}, server


def refusing(*words, text=None, **changes):
    """A server that refuses parts of a request, one after the other."""

    def script(seen):
        body = json.loads(seen.raw)
        parts = set(body) | {message["role"] for message in body["messages"]}
        for word in words:
            if word in parts:
                return error(400, f"{word} role is not supported" if word == "system" else f"no {word} here")
        return Answer(completion(text or said(), **changes))

    return script


def test_a_model_that_can_do_all_of_it():
    text = said()
    choice = {"message": {"content": text}, "finish_reason": "stop", "logprobs": chances(text)}
    whole = Answer(completion("", model="judge-1", choices=[choice]))
    found, lines, server = trial([whole], price=(1.0, 2.0))
    assert found.works and server.count == 2
    assert server.seen[0].raw == server.seen[1].raw, "the second call is the first one again"
    assert {line.state for line in found.lines} == {"ok"}, str(found)
    assert lines["model"].finding == "answered as judge-1, as asked for"
    assert lines["verdict"].finding == "read at once"
    assert lines["prompt cache"].finding == "40 of 100 tokens kept for the second call"
    assert found.usage.cost_usd == pytest.approx(2 * 120e-6)
    assert found.cost_of_1000 == pytest.approx(0.12)
    assert lines["cost"].meaning == "$0.12 for 1,000 items of about 100 tokens in each"
    assert found.accepts == {
        "structure": "json_schema",
        "temperature": "sent",
        "limit": "max_tokens",
        "system": "own_turn",
        "probabilities": "20",
    }


def test_only_the_example_is_sent():
    found, _, server = trial([said()])
    sent = server.seen[0].body
    assert [m["content"] for m in sent["messages"]] == [
        m.content for m in Template(rubric()).request(ITEM).messages
    ]
    assert sent["logprobs"] is True and sent["temperature"] == 0
    # Providers keep prompts of 1,024 tokens or more; four characters a token is the usual for English.
    assert sum(len(m["content"]) for m in sent["messages"]) > 4 * 1024
    assert found.to_dict()["requests"] == 2


@pytest.mark.parametrize(
    ("words", "what", "finding", "accepts"),
    [
        (["response_format"], "form", "as a call of a tool", {"structure": "tool"}),
        (["response_format", "tools"], "form", "none: schema, tools and JSON", {"structure": "text"}),
        (["temperature"], "temperature", "not accepted, left out", {"temperature": "left_out"}),
        (
            ["max_tokens"],
            "token limit",
            "accepted as max_completion_tokens",
            {"limit": "max_completion_tokens"},
        ),
        (["max_tokens", "max_completion_tokens"], "token limit", "not accepted", {"limit": "left_out"}),
        (["system"], "system turn", "not accepted, put before the item", {"system": "in_user_turn"}),
        (["logprobs"], "probabilities", "of tokens are refused", {"probabilities": "left_out"}),
    ],
)
def test_what_a_server_refuses(words, what, finding, accepts):
    found, lines, server = trial(refusing(*words))
    assert found.works and lines[what].finding.startswith(finding)
    assert accepts.items() <= found.accepts.items()
    assert lines["verdict"].finding == f"read at once, with {server.count - 1} requests"


def test_json_mode_alone():
    def script(seen):
        kind = seen.body.get("response_format", {}).get("type")
        if kind == "json_schema" or "tools" in seen.body:
            return error(400, "no response_format json_schema" if kind else "no tools here")
        return said()

    found, lines, _ = trial(script)
    assert found.accepts["structure"] == "json_object" and lines["form"].state == "note"
    assert lines["form"].finding.startswith("JSON mode alone")


def test_a_schema_that_is_taken_and_ignored():
    found, lines, _ = trial(["Sure, here it is:\n```json\n" + said() + "\n```"])
    assert found.works and lines["form"].state == "note"
    assert "accepted, but the reply does not keep to it" in lines["form"].finding


@pytest.mark.parametrize("hidden", [False, True])
def test_probabilities_that_are_not_given(hidden):
    """None at all, or of tokens that are not the text: both leave confidence empty."""
    text = said()
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    if hidden:
        choice["logprobs"] = chances(text.replace("all", "none"))
    found, lines, _ = trial([Answer(completion("", choices=[choice]))])
    assert found.works and lines["probabilities"].state == "note"
    assert "`{samples: 5, of: NAME}`" in lines["probabilities"].meaning


def test_usage_that_is_not_told():
    found, lines, _ = trial([Answer(completion(said(), usage=None))], price=(1.0, 2.0))
    assert found.works and lines["usage"].finding == "not reported"
    assert found.cost_of_1000 is None and "cost" not in lines
    assert lines["prompt cache"].finding == "not told at the second, same call"


def test_nothing_is_kept_for_the_second_call():
    usage = {"prompt_tokens": 1100, "completion_tokens": 60, "prompt_tokens_details": {"cached_tokens": 0}}
    _, lines, _ = trial([Answer(completion(said(), usage=usage))])
    assert lines["prompt cache"].state == "note" and "nothing kept" in lines["prompt cache"].finding
    assert "thinking" not in lines


def test_thinking_is_seen_by_what_it_costs():
    usage = {"prompt_tokens": 1100, "completion_tokens": 900}
    _, lines, _ = trial([Answer(completion(said(), usage=usage))])
    unseen = 900 - len(said()) // 4
    assert lines["thinking"].finding == f"about {unseen} of 900 tokens out are not in the reply"


@pytest.mark.parametrize(
    ("served", "finding", "meaning"),
    [
        ("", "the server does not say", ""),
        ("judge-1-2026-01-02", "answered as judge-1-2026-01-02", "ask for this one to keep it"),
        ("other", "answered as other", "not the name asked for, judge-1"),
    ],
)
def test_the_model_that_answered(served, finding, meaning):
    _, lines, _ = trial([Answer(completion(said(), model=served))])
    assert lines["model"].state == "note" and lines["model"].finding.startswith(finding)
    assert meaning in lines["model"].meaning


def test_one_name_for_two_models():
    answers = [Answer(completion(said(), model=name)) for name in ("a", "b")]
    assert trial(answers)[1]["model"].finding == "answered as a and b"


def test_a_repair():
    found, lines, server = trial(["I would say it is fine.", said()])
    assert found.works and server.count == 3
    assert lines["verdict"].finding == "read after a repair" and lines["verdict"].state == "note"
    assert "the first reply: " in lines["verdict"].meaning


def test_verdicts_that_cannot_be_read():
    found, lines, server = trial(["I would say it is fine."])
    assert not found.works and server.count == 2, "asked and repaired, and no second time"
    assert lines["verdict"].state == "bad" and "invalid_reply" in lines["verdict"].finding
    assert "answer" not in lines and lines["temperature"].finding == "accepted"


def test_a_repair_that_ends_in_an_error():
    found, lines, _ = trial(["no verdict", error(400, "too long")])
    assert not found.works and "answered 400: too long" in lines["verdict"].finding


def test_the_second_call_fails():
    found, lines, _ = trial([said(), error(400, "once is enough")])
    assert found.works and lines["second call"].state == "note"
    assert "once is enough" in lines["second call"].finding


def test_a_model_that_misses_the_obvious():
    found, lines, _ = trial([said("fail", "none", ())])
    assert found.works
    assert lines["answer"].finding == "answers=fail instead of pass; grounded=none instead of all"
    assert lines["evidence"].finding == "no quote, where one was to be had"


def test_quotes_that_are_not_there():
    _, lines, _ = trial([said(quotes=(QUOTE, "You may keep it for ever and a day."))])
    assert lines["evidence"].finding == "1 of 2 quotes stand in the item"


# ----------------------------------------------------------------------------------------- no answer at all


def only_bad(found) -> Line:
    """The one line that says what failed; it is the last."""
    assert not found.works and [line for line in found.lines if line.state == "bad"] == [found.lines[-1]]
    return found.lines[-1]


def test_a_wrong_key(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    found, lines, server = trial([error(401, f"Incorrect API key provided: {KEY}")], api_key_env="MY_KEY")
    line = only_bad(found)
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert line.what == "key" and line.finding.startswith("MY_KEY: ") and "see that MY_KEY" in line.meaning
    assert lines["address"].state == "ok"
    assert KEY not in str(found) + repr(found) + json.dumps(found.to_dict())


def test_a_key_that_is_missing_there():
    line = only_bad(trial([error(401, "who are you?")])[0])
    assert line.what == "key" and "name that variable with --api-key-env" in line.meaning


def listing(names, other, where="/v1/models"):
    """A server that lists models, and answers everything else one way."""
    data = {"object": "list", "data": [{"id": name} for name in names]}
    return lambda seen: Answer(data) if (seen.method, seen.path) == ("GET", where) else other


def test_an_unknown_model_where_models_are_listed(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    names = [f"other-{n}" for n in range(20)] + ["judge-10", f"\x1b[2J{KEY}"]
    script = listing(names, error(404, "model 'judge-1' not found"))
    found, lines, server = trial(script, api_key_env="MY_KEY")
    line = only_bad(found)
    assert server.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    assert line.meaning.startswith("did you mean judge-10? The server has judge-10, other-0, ")
    assert line.meaning.endswith("other-10 and 10 more") and found.instead.model == "judge-10"
    assert lines["key"].meaning == "not complained of"


def test_listed_names_are_harmless(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    script = listing([f"\x1b[2J{KEY}", 7, None], error(404, "no such model"))
    line = only_bad(trial(script, api_key_env="MY_KEY")[0])
    assert line.meaning == "the server has \\x1b[2J[key]"


def test_a_model_that_is_listed_and_does_not_chat():
    line = only_bad(trial(listing(["judge-1"], error(404, "not a chat model")))[0])
    assert line.what == "model" and "not as one that chats" in line.meaning


def test_a_base_url_without_v1():
    found, _, _ = trial(listing(["judge-1"], error(404, "nothing here")), path="")
    line = only_bad(found)
    assert found.instead.base_url == f"{found.asked.base_url}/v1"
    assert f"it lists models at {found.instead.base_url}" in line.meaning


@pytest.mark.parametrize(
    "answer",
    [
        Answer("<html>Welcome</html>", headers={"Content-Type": "text/html"}),
        Answer({"hello": "world"}),
        Answer([1]),
        error(404, "nothing here"),
        Answer(b"\xff\xfe"),
    ],
)
def test_a_server_of_another_kind(answer):
    line = only_bad(trial([answer])[0])
    assert line.what == "address" and "usually ends in /v1" in line.meaning


@pytest.mark.parametrize(
    ("answer", "what", "todo"),
    [
        (error(402, "no credit"), "quota", "pay in"),
        (error(429, "no", code="insufficient_quota"), "quota", "pay in"),
        (error(429, "slow down", {"Retry-After": "0"}), "rate limit", "wait, then try again"),
        (error(503, "overloaded", {"Retry-After": "0"}), "server", "the fault is the server's"),
        (error(400, "context length exceeded"), "verdict", "the server's own words"),
        (Answer(completion("x", finish="content_filter")), "verdict", "filter"),
        (Answer(completion("x", finish="length")), "verdict", "context window"),
        (Answer(completion("")), "verdict", "writes nothing"),
        (Answer(completion(None, choices=[{"message": {"refusal": "No."}}])), "verdict", "refuses to grade"),
        (Answer("", 302, {"Location": "https://elsewhere.example/v1"}), "address", "points to"),
        (Answer(reset=True), "address", "ended the connection"),
        (Answer(said(), delay=5), "address", "--timeout"),
    ],
)
def test_what_failed_is_named(answer, what, todo):
    found, _, _ = trial([answer], timeout=0.5)
    line = only_bad(found)
    assert line.what == what and todo in line.meaning, str(found)


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    line = only_bad(asyncio.run(try_model(Asked("m", url))))
    assert line.what == "address" and "cannot connect to" in line.finding
    assert "is the server running, and is this its port?" in line.meaning


def test_a_name_that_nobody_has():
    line = only_bad(asyncio.run(try_model(Asked("m", "http://nowhere.invalid/v1"))))
    assert "cannot connect to nowhere.invalid" in line.finding and "uses no proxy" in line.meaning


def test_tls_where_there_is_none():
    """As a server of plain HTTP does: it takes the handshake for a broken request, and says so at once."""

    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def tried():
        async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await try_model(Asked("m", f"https://127.0.0.1:{port}/v1", timeout=5.0))

    line = only_bad(asyncio.run(tried()))
    assert line.what == "address" and "write http://" in line.meaning, line


def test_through_litellm():
    """Another provider's language; how the server lets itself be asked is told where the client tells it."""
    with LoopbackServer([said()]) as server:
        asked = Asked("litellm/mistral/judge-1", server.url, timeout=30.0)
        found = asyncio.run(try_model(asked))
    assert found.works, str(found)
    assert {"address", "key", "model", "verdict", "form", "usage"} <= {line.what for line in found.lines}
    with LoopbackServer([error(401, "no")]) as server:
        line = only_bad(asyncio.run(try_model(Asked("litellm/mistral/judge-1", server.url, timeout=30.0))))
    assert line.what == "key"


def test_what_asks_no_server():
    for model in ("offline/lexical", "recorded/x.jsonl"):
        with pytest.raises(UsageError, match="asks no server"):
            asyncio.run(try_model(Asked(model)))


# --------------------------------------------------------------------------------------------- environment


@pytest.fixture
def bare(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_environment(bare, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@proxy:1")
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    (bare / "judgekit.yaml").write_text("judges: {cheap: {model: openai/x}}\n")
    found = look_around()
    lines = {line.what: line for line in found.lines}
    assert "ANTHROPIC_API_KEY" in found.keys and "OPENAI_API_KEY" not in found.keys
    assert found.judges == ("cheap",) and found.example == "--judge cheap"
    assert lines["certificates"].state == "bad" and "HTTPS_PROXY" in lines["proxy"].finding
    assert lines["prices"].state == "ok" and found.versions["litellm"]
    assert KEY not in str(found) + json.dumps(found.to_dict()) and "pass@" not in str(found)


def test_a_broken_project_file(bare):
    (bare / "judgekit.yaml").write_text("judges: 7\n")
    line = next(line for line in look_around().lines if line.what == "judgekit.yaml")
    assert line.state == "bad" and "names no judge" in line.meaning


def test_the_models_of_a_judge(bare):
    (bare / "judgekit.yaml").write_text(
        "judges:\n  a: {model: x, base_url: http://localhost:1/v1, price: [1, 2], timeout: 9}\n"
        "  b: {model: offline/lexical}\n  all: {panel: [a, b, a, openai/y]}\n"
    )
    assert named_models("all", timeout=3.0) == [
        Asked("x", "http://localhost:1/v1", timeout=9.0, price=(1.0, 2.0)),
        Asked("offline/lexical", timeout=3.0),
        Asked("openai/y", timeout=3.0),
    ]


def test_the_table():
    text = table([Line("a", "b"), Line("long", "word " * 30, "why", "bad")])
    first, second, *rest = text.split("\n")
    assert first == "  ok    a     b" and second.startswith("  BAD   long  word word")
    assert rest and all(line.startswith(" " * 14) and len(line) <= 100 for line in rest)
    assert rest[-1].endswith("— why")
