"""``judgekit doctor`` through the command line: text, exit codes, what is sent where, and what comes next."""

import json
import re
import signal

import desk
import pytest
from loopback import Answer, LoopbackServer, completion, error

KEY = "sk-secret-0123456789-abcdef"
VERDICT = json.dumps(
    {
        "answers": {"explanation": "It says 30 days.", "label": "pass"},
        "grounded": {
            "explanation": "Rules 1 and 3.",
            "evidence": ["if their labels are still on them"],
            "label": "all",
        },
    }
)
GOLDEN = """\
trying m: a made-up item, the same for everybody, goes to 127.0.0.1:PORT, twice; nothing of yours is sent

  ok    address        127.0.0.1:PORT answers — this machine
  ok    key            MY_KEY, accepted
  note  model          answered as served-1 — not the name asked for, m; rows hold both
  ok    verdict        read at once, with 3 requests — parts that the server refuses are found out
                       once a run, failures are tried again
  ok    answer         right, on an item with an obvious answer
  ok    evidence       1 quote, word for word from the item
  ok    form           the reply's JSON Schema is accepted — the reply keeps to it
  note  temperature    not accepted, left out — the same question may be answered otherwise the next
                       time
  ok    token limit    accepted as max_completion_tokens
  ok    system turn    accepted
  note  probabilities  of tokens are not given — `confidence` stays empty, `expected_score` fails
                       and no cascade can ask it first; several samples give a confidence too
                       (`{samples: 5, of: NAME}` in judgekit.yaml)
  ok    usage          reported: 100 tokens in, 10 out
  ok    prompt cache   40 of 100 tokens kept for the second call — most providers ask less for them
  ok    price          $1 in, $2 out per million tokens — as stated
  ok    cost           $0.0002 for the two verdicts — $0.12 for 1,000 items of about 100 tokens in
                       each
  ok    latency        TIME and TIME — 1,000 items take about TIME with 16 at once

next: judgekit grade RUBRIC.yaml ITEMS.jsonl --model m --base-url http://127.0.0.1:PORT/v1 \
--api-key-env MY_KEY --price 1,2 --out GRADED.jsonl
"""


@pytest.fixture
def doctor(judgekit):
    """Try a scripted server."""

    def command(script, *options, model="m"):
        with LoopbackServer(script) as server:
            command.server = server
            return judgekit("doctor", model, "--base-url", server.url, *options)

    return command


def reasoning(seen):
    """A server as those of reasoning models: no temperature, and the newer name for the limit."""
    for word in ("temperature", "max_tokens"):
        if word in seen.body:
            return error(400, f"Unsupported parameter: {word!r} is not supported with this model", param=word)
    return VERDICT


def test_golden(doctor, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    done = doctor(reasoning, "--api-key-env", "MY_KEY", "--price", "1,2")
    assert done.code == 0 and done.err == ""
    said = done.out.replace(str(doctor.server.port), "PORT")
    said = re.sub(r"\b\d+\.\d s\b", "TIME", said)
    assert said == GOLDEN, said
    assert KEY not in done.out


def test_json(doctor):
    done = doctor([VERDICT], "--json")
    assert done.code == 0 and done.json["format"] == 1
    (found,) = done.json["models"]
    assert found["works"] is True and found["model"] == {"asked": "m", "served": "served-1"}
    assert found["accepts"]["structure"] == "json_schema" and found["error"] is None
    assert {"what", "state", "finding", "meaning"} == set(found["lines"][0])
    assert found["usage"]["input_tokens"] == 200 and found["cost_of_1000_usd"] is None
    assert "trying m" in done.err and "next: judgekit grade" in done.err


def test_quiet(doctor):
    done = doctor([VERDICT], "--quiet")
    assert done.code == 0 and done.out.startswith("  ok    address") and "next:" not in done.out


def test_verdicts_that_cannot_be_read(doctor):
    done = doctor(["It is fine."])
    assert done.code == 1 and "  BAD   verdict        not read: invalid_reply" in done.out
    assert re.search(r"\nnext: judgekit doctor m --base-url \S+, after the repair\n$", done.out)


def test_a_wrong_key(doctor, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    done = doctor([error(401, f"no such key: {KEY}")], "--api-key-env", "MY_KEY", "--json")
    assert done.code == 1 and done.json["models"][0]["works"] is False
    assert "see that MY_KEY holds a valid key" in " ".join(done.err.split())
    assert KEY not in done.out + done.err


def test_a_model_that_is_meant(doctor):
    def script(seen):
        if seen.method == "GET":
            return Answer({"data": [{"id": "qwen3:8b"}, {"id": "llama3"}]})
        return error(404, "model 'qwen3' not found")

    done = doctor(script, "--local-only", model="openai/qwen3")
    assert done.code == 1 and "did you mean qwen3:8b? The server has qwen3:8b, llama3" in " ".join(
        done.out.split()
    )
    url = doctor.server.url
    assert done.out.endswith(f"\nnext: judgekit doctor openai/qwen3:8b --base-url {url} --local-only\n")


def test_texts_of_servers_are_inert(doctor):
    done = doctor([error(400, "\x1b[2J\u202e boo")])
    assert done.code == 1 and "boo" in done.out
    assert "\x1b" not in done.out and "\u202e" not in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gpt-9"], "unknown model 'gpt-9'"),
        (["openai/x"], "OPENAI_API_KEY is not set"),
        (["openai/x", "--local-only"], "--local-only: items would go to api.openai.com"),
        (["m", "--base-url", "localhost"], "must begin with http"),
        (["m", "--base-url", "http://localhost:1/v1", "--api-key-env", "NO_KEY"], "NO_KEY is not set"),
        (["m", "--base-url", "http://localhost:1/v1", "--price", "1"], "write two numbers"),
        (["offline/lexical"], "asks no server"),
        (["m", "--judge", "x"], "give either MODEL or --judge"),
        (["--judge", "x"], "judgekit.yaml"),
        (["--base-url", "http://localhost:1/v1"], "which model?"),
        (["m", "--timeout", "nan"], "'--timeout'"),
    ],
)
def test_wrong_usage(judgekit, arguments, message):
    done = judgekit("doctor", *arguments, "--json")
    assert done.code == done.json["exit"] == 2
    assert message in " ".join(done.json["error"].split()) and "Traceback" not in done.err


def test_without_a_model(judgekit, monkeypatch):
    done = judgekit("doctor")
    assert done.code == 0 and "no provider's key is set" in done.out
    assert done.out.endswith("\nnext: judgekit doctor MODEL --base-url http://localhost:11434/v1\n")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = judgekit("doctor", "--json")
    assert done.json["environment"]["keys"] == ["OPENAI_API_KEY"] and KEY not in done.out + done.err
    assert "next: judgekit doctor openai/gpt-4.1-mini" in done.err


def test_every_model_of_a_judge(judgekit, folder):
    with LoopbackServer([VERDICT]) as one, LoopbackServer([error(401, "no")]) as other:
        (folder / "judgekit.yaml").write_text(
            f"judges:\n  a: {{model: x, base_url: '{one.url}'}}\n  b: {{model: y, base_url: '{other.url}'}}\n"
            "  both: {panel: [a, b, offline/lexical]}\n"
        )
        done = judgekit("doctor", "--judge", "both")
        assert done.code == 1 and (one.count, other.count) == (2, 1)
        assert f"goes to 127.0.0.1:{one.port} and 127.0.0.1:{other.port}, twice" in done.out
        assert "\nx\n  ok    address" in done.out and "\ny\n  ok    address" in done.out
        assert done.out.endswith("\nnext: judgekit doctor --judge both, after the repair\n")
        done = judgekit("doctor", "--judge", "a")
        assert done.code == 0 and done.out.endswith("ITEMS.jsonl --judge a --out GRADED.jsonl\n")


def test_where_it_goes_is_said_before_it_goes(folder):
    """… and an interrupt ends it in order."""
    with LoopbackServer([Answer(completion("x"), delay=30)]) as server:
        process = desk.start("doctor", "m", "--base-url", server.url, cwd=folder)
        assert f"goes to 127.0.0.1:{server.port}, twice" in process.stdout.readline()
        desk.wait_until(lambda: server.count)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130 and "interrupted: " in err and "Traceback" not in err
