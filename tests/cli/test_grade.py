import json
import os
import resource
import signal

import desk
import pytest
from loopback import Answer, LoopbackServer, completion, error

KEY = "sk-secret-0123456789-abcdef"
GRADE = ("grade", "desk.yaml", "items.jsonl", "--out", "out.jsonl")
LEXICAL = (*GRADE, "--model", "offline/lexical")


@pytest.fixture
def grade(judgekit):
    """Grade the items by a scripted server."""

    def command(script, *options):
        with LoopbackServer(script) as server:
            command.server = server
            return judgekit(*GRADE, "--model", "m", "--base-url", server.url, "--attempts", "1", *options)

    return command


def test_result(grade, folder):
    done = grade(desk.honest, "--price", "1,2")
    assert done.code == 0
    assert done.err == ""
    first, second, *_, last = done.out.splitlines()
    host = f"127.0.0.1:{grade.server.port}"
    where = f"input and output of each item go to {host}, which is this machine"
    assert first == f"grading items.jsonl by m with desk@1.0.0   ({where})"
    assert second.startswith("  graded 20 of 20, 0 failed, ") and second.endswith(" s, $0.0024")
    assert last == "next: judgekit plan out.jsonl --n 20 --out TO_LABEL.csv"
    desk.assert_honest(folder / "out.jsonl", list(range(20)))


def test_again(grade):
    grade(desk.honest)
    again = grade(desk.honest)
    assert again.code == 0 and grade.server.count == 0
    assert "  graded 20 of 20, 20 from before, 0 failed, " in again.out


def test_quiet(grade):
    done = grade(desk.honest, "--quiet")
    assert done.out.startswith("  graded 20 of 20") and done.out.count("\n") == 1


def test_json(grade, folder):
    done = grade(desk.honest, "--json")
    assert done.json["format"] == 1 and done.json["counts"] == {"ok": 20}
    assert done.json["out"] == "out.jsonl"
    manifest = json.loads((folder / "out.run.json").read_text())
    del manifest["rubric"]
    assert done.json == manifest | {"out": "out.jsonl"}
    assert "graded 20 of 20" in done.err and "next:" in done.err


def test_failed_rows(grade):
    def script(seen):
        return error(400, "no") if desk.number_in(seen) < 3 else desk.honest(seen)

    done = grade(script)
    assert done.code == 3
    assert "graded 17 of 20, 3 failed (3 provider_error)" in done.out
    assert "\n    3 provider_error: 127.0.0.1:" in done.out and "answered 400: no" in done.out
    assert "asks again where there is no answer; or allow it with --max-failed" in done.out
    assert grade(script, "--max-failed", "0.1").code == 3
    assert grade(script, "--max-failed", "0.15").code == 0


def test_reasons_of_failed_rows(grade, folder):
    said = {0: error(400, "too long"), 1: error(400, "no"), 2: error(400, "no"), 3: "nonsense"}
    done = grade(lambda seen: said.get(desk.number_in(seen)) or desk.honest(seen), "--json")
    assert "    3 provider_error, 2 of them: 127.0.0.1" in done.err
    assert "    1 invalid_reply: " in done.err
    assert sorted(done.json["reasons"]["provider_error"].values()) == [1, 2]


def record(folder, numbers):
    rows = [{"id": desk.item(n)["id"], "criterion": "right", "label": "pass"} for n in numbers]
    desk.write_rows(folder / "said.jsonl", rows)


def test_recorded_verdicts_of_other_items(judgekit, folder):
    record(folder, range(10, 30))
    done = judgekit(*GRADE, "--model", "recorded/said.jsonl")
    assert done.code == 3
    assert "    10 not_recorded: no verdict on this item was recorded\n" in done.out
    assert "recorded/said also has verdicts on 10 items not in items.jsonl: 't-0020', 't-0021'," in done.out
    assert "complete the recorded file; or allow it with --max-failed" in done.out
    assert "The same command asks again" not in done.out


def test_recorded_verdicts_of_none_of_the_items(judgekit, folder):
    record(folder, range(50, 60))
    done = judgekit(*GRADE, "--model", "recorded/said.jsonl")
    assert done.code == 2 and not (folder / "out.jsonl").exists() and not (folder / "out.journal").exists()
    assert "holds none of the 10 items that recorded/said has verdicts on (there 't-0050'," in done.err
    assert "here 't-0000', …); choose the column of the id with --id" in done.err


def test_replies_that_are_never_usable(grade, folder):
    """A model that cannot answer in the form asked for is not tried with every row."""
    desk.write_rows(folder / "items.jsonl", [desk.item(n) for n in range(100)])
    done = grade(lambda seen: "I would say it is fine.", "--concurrency", "4")
    assert done.code == 3 and grade.server.count < 80
    assert "none of the first 30 rows got an answer: " in done.err


def test_share_of_failed_rows_in_decimals(grade, folder):
    desk.write_rows(folder / "items.jsonl", [desk.item(n) for n in range(100)])

    def script(seen):
        return error(400, "no") if desk.number_in(seen) < 29 else desk.honest(seen)

    assert grade(script, "--max-failed", "0.29").code == 0


def test_no_answer_at_all(grade):
    done = grade([error(400, "no")], "--max-failed", "1")
    assert done.code == 0 and "next:" not in done.out


@pytest.mark.parametrize("json_", [False, True])
def test_fatal(grade, folder, monkeypatch, json_):
    monkeypatch.setenv("MY_KEY", KEY)
    options = ["--api-key-env", "MY_KEY", "--concurrency", "4", *["--json"] * json_]
    done = grade([error(401, f"Incorrect API key provided: {KEY}.")], *options)
    assert done.code == 3 and 1 <= grade.server.count <= 4
    assert grade.server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "answered 401: Incorrect API key provided: [key]. (check the key" in done.err
    assert "the same command goes on" in done.err
    assert KEY not in done.out + done.err + (folder / "out.journal").read_text()
    assert not json_ or (done.json["exit"], done.json["problems"]) == (3, [])
    assert grade(desk.honest, *options).code == 0


def test_key_of_a_named_host_only(grade, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    grade(desk.honest)
    assert not any("authorization" in seen.headers for seen in grade.server.seen)


def test_missing_key(judgekit, folder):
    done = judgekit(*GRADE, "--model", "openai/x")
    assert done.code == 2
    assert "no key for api.openai.com: OPENAI_API_KEY is not set" in done.err
    assert not (folder / "out.journal").exists()


ANNOUNCED = "grading items.jsonl by offline/lexical with desk@1.0.0   (nothing leaves this machine)\n"
WRONG = [
    (["--model", "gpt-9"], "unknown model 'gpt-9'"),
    (["--model", "offline/lexical", "--base-url", "http://localhost:1/v1"], "talks to no server"),
    (["--model", "offline/lexical", "--limit", "3", "--sample", "3"], "either a limit"),
    (["--model", "offline/lexical", "--limit", "0"], "'--limit'"),
    (["--model", "offline/lexical", "--concurrency", "0"], "'--concurrency'"),
    (["--model", "offline/lexical", "--concurrency", "x"], "'--concurrency'"),
    (["--model", "offline/lexical", "--timeout", "nan"], "'--timeout'"),
    (["--model", "offline/lexical", "--temperature", "nan"], "'--temperature'"),
    (["--model", "offline/lexical", "--max-failed", "nan"], "'--max-failed'"),
    (["--model", "offline/lexical", "--max-failed", "2"], "'--max-failed'"),
    (["--model", "offline/lexical", "--price", "1"], "--price '1': write two numbers"),
    (["--model", "offline/lexical", "--price", "nan,1"], "write two numbers"),
    (["--model", "offline/lexical", "--price", "-1,1"], "write two numbers"),
    (["--model", "offline/lexical", "--map", "outptu=x"], "did you mean 'output'?"),
    (["--model", "offline/lexical", "--map", "output"], "write FIELD=VALUE"),
    (
        ["--model", "offline/lexical", "--set", "input=@nowhere"],
        "--set: nowhere cannot be read: No such file or directory",
    ),
    (["--model", "offline/lexical", "--map", "output=nowhere"], "no row has a column 'nowhere'"),
    (["--model", "offline/lexical", "--id", "nowhere"], "nowhere"),
    (["--model", "offline/lexical", "--out", "items.jsonl"], "is the input itself"),
    (["--model", "offline/lexical", "--out", "out.csv"], "graded rows are written as .jsonl"),
    (["--model", "offline/lexical", "--out", "no/out.jsonl"], "no: there is no such folder"),
    (["--model", "m", "--base-url", "localhost"], "must begin with http"),
    (["--model", "recorded/nowhere.jsonl"], "nowhere.jsonl"),
    (["--no-such-option"], "No such option"),
    ([], "which model? give --model"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_wrong_usage(judgekit, folder, options, said):
    """Exit 2, one message that says what is wrong, nothing done; with --json the same as an object."""
    before = sorted(os.listdir(folder))
    done = judgekit(*GRADE, *options)
    assert done.code == 2
    assert done.out in ("", ANNOUNCED)
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err
    as_json = judgekit(*GRADE, *options, "--json")
    assert as_json.code == as_json.json["exit"] == 2
    assert said in " ".join(as_json.json["error"].split())
    assert sorted(os.listdir(folder)) == before


def test_wrong_items(judgekit, folder):
    (folder / "items.jsonl").write_text(
        '{"id": "a", "input": "x"}\nnonsense\n{"id": "a", "output": "\x1b[31m"}\n'
    )
    done = judgekit(*LEXICAL, "--json")
    assert done.code == 2
    problems = done.json["problems"]
    assert {p["where"] for p in problems} == {"items.jsonl"}
    assert {p["line"] for p in problems} >= {2, 3}
    assert any("items.jsonl:2: not valid JSON" in line for line in done.err.splitlines())


def test_without_out(judgekit):
    done = judgekit("grade", "desk.yaml", "items.jsonl", "--model", "offline/lexical")
    assert done.code == 2 and "give --out GRADED.jsonl" in done.err


@pytest.mark.parametrize("price", [None, "1,2"])
def test_dry_run(grade, folder, price):
    options = ["--dry-run", *(["--price", price] if price else [])]
    done = grade(desk.honest, *options)
    assert done.code == 0 and grade.server.count == 0
    assert sorted(os.listdir(folder)) == ["desk.yaml", "items.jsonl"]
    prompt, run = done.out.split("--- the run ---\n")
    assert "--- system ---" in prompt and "answer number 0" in prompt and "answer number 1" not in prompt
    assert "20 of 20 items with desk@1.0.0|m|" in run
    assert f"input and output of each item go to 127.0.0.1:{grade.server.port}, which is this machine" in run
    assert ("cost unknown (state --price IN,OUT)" in run) == (price is None)
    assert "out (a guess: 80 a criterion; " in run and " with 16 at once, if a call takes 2 s\n" in run
    assert f"no key is sent to 127.0.0.1:{grade.server.port} (name a variable" in run
    assert "Nothing was sent." in run
    data = grade(desk.honest, *options, "--json").json
    assert (data["rows"], data["fields"]) == (20, ["input", "output"])
    assert data["output_tokens"] == 20 * 80 and 1000 < data["input_tokens"] < 100_000
    expected = None if price is None else (data["input_tokens"] + 2 * data["output_tokens"]) / 1e6
    assert data["cost_usd"] == expected


def test_dry_run_names_what_the_run_will_be(grade, folder):
    """The judge that is only looked at has the signature of the one that asks."""
    signature = grade(desk.honest, "--dry-run").out.split("items with ")[1].split(";")[0]
    grade(desk.honest)
    assert json.loads((folder / "out.run.json").read_text())["signature"] == signature


def test_dry_run_needs_no_key(judgekit, monkeypatch):
    done = judgekit(*GRADE, "--model", "openai/gpt-x", "--dry-run", "--limit", "3")
    assert done.code == 0
    assert "3 of 20 items with desk@1.0.0|openai/gpt-x|" in done.out
    assert "input and output of each item go to api.openai.com\n" in done.out
    assert "the run would stop: no key for api.openai.com: OPENAI_API_KEY is not set" in done.out
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = judgekit(*GRADE, "--model", "openai/gpt-x", "--dry-run")
    assert "the key in OPENAI_API_KEY is sent to api.openai.com; it is set" in done.out
    assert KEY not in done.out


def test_dry_run_offline(judgekit):
    done = judgekit(*LEXICAL, "--dry-run")
    assert done.out == (
        "offline/lexical asks no model: 20 items, no tokens, $0.00, nothing leaves this machine.\n"
    )


def test_dry_run_of_wrong_items(judgekit, folder):
    (folder / "items.jsonl").write_text("nonsense\n")
    assert judgekit(*GRADE, "--model", "openai/x", "--dry-run").code == 2


@pytest.mark.parametrize("model", [["openai/x"], ["m", "--base-url", "http://models.example.com/v1"]])
@pytest.mark.parametrize("way", ["--dry-run", "--quiet"])
def test_local_only(judgekit, folder, model, way):
    """Refused before anything is read: not even the files have to be there."""
    done = judgekit(
        "grade", "nowhere.yaml", "nowhere.jsonl", "--out", "o.jsonl", "--local-only", way, "--model", *model
    )
    assert done.code == 2
    host = "api.openai.com" if model == ["openai/x"] else "models.example.com"
    assert f"--local-only: items would go to {host}" in done.err


def test_local_only_on_this_machine(grade, judgekit):
    assert grade(desk.honest, "--local-only").code == 0
    assert judgekit(*LEXICAL[:-1], "offline/lexical", "--local-only", "--fresh").code == 0


def test_where_it_goes_is_said_before_it_goes(folder):
    """The line is on stdout before the first request arrives."""
    with LoopbackServer([Answer(completion("x"), delay=30)]) as server:
        process = desk.start(*GRADE, "--model", "m", "--base-url", server.url, cwd=folder)
        line = process.stdout.readline()
        assert f"input and output of each item go to 127.0.0.1:{server.port}" in line
        process.kill()
        process.communicate()


def test_many_files_at_once(judgekit, monkeypatch):
    """Concurrency beyond what the system lets a process open is raised as far as it may be, or refused."""
    said = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1000))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: said.append(limits))
    assert judgekit(*LEXICAL, "--concurrency", "500").code == 0
    assert said == [(564, 1000)]
    done = judgekit(*LEXICAL, "--concurrency", "5000")
    assert done.code == 2 and "allows 1000 open files" in done.err and "at most 936" in done.err


def test_texts_of_files_are_inert(judgekit, folder):
    """Neither ids nor file names move the cursor."""
    odd = "\x1b]0;mine\x07"
    name = f"{odd}.jsonl"
    desk.write_rows(folder / name, [desk.item(1), desk.item(1)])
    done = judgekit("grade", "desk.yaml", name, "--out", "o.jsonl", "--model", "offline/lexical")
    assert done.code == 2
    assert "\x1b" not in done.out + done.err and "\\x1b]0;mine\\x07" in done.err
    desk.write_rows(folder / "items.jsonl", [desk.item(1) | {"id": "a\u202eb"}] * 2)
    done = judgekit(*LEXICAL)
    assert done.code == 2 and "\u202e" not in done.err


def test_errors_of_a_server_are_inert(grade):
    done = grade([error(401, "\x1b[2J\u202e boo")])
    assert "\x1b" not in done.err and "\u202e" not in done.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding(folder, encoding):
    """What it cannot show is escaped; with --json the object is UTF-8 all the same."""
    (folder / "desk.yaml").write_text(desk.RUBRIC.replace("For tests.", "Für Tests → alle."))
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = desk.run("rubric", "show", "desk.yaml", cwd=folder, env=env, encoding=encoding)
    assert done.returncode == 0 and "\\u2192 alle." in done.stdout and done.stderr == ""
    done = desk.run("rubric", "show", "desk.yaml", "--json", cwd=folder, env=env, errors="replace")
    assert json.loads(done.stdout)["rubric"]["purpose"] == "Für Tests → alle."


def test_file_size_limit(folder):
    """As a full disk: exit 3 with a reason, no half row, and the same command goes on."""
    desk.write_rows(folder / "items.jsonl", [desk.item(n) for n in range(120)])

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with LoopbackServer(desk.honest) as server:
        command = [*GRADE, "--model", "m", "--base-url", server.url, "--concurrency", "4"]
        done = desk.run(*command, cwd=folder, preexec_fn=limit)
        assert done.returncode == 3
        assert "out.journal: cannot be written: File too large" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (folder / "out.jsonl").exists()
        kept = desk.kept_in(folder / "out.journal")
        assert 10 < len(kept) < 30 and server.count <= len(kept) + 4
        before = server.count
        assert desk.run(*command, cwd=folder).returncode == 0
        assert server.count - before == 120 - len(kept)
    desk.assert_honest(folder / "out.jsonl", list(range(120)))


def test_read_only_folder(judgekit, folder, monkeypatch):
    """Found before anything is paid for (as root every folder can be written, so the answer is scripted)."""
    (folder / "locked").mkdir()
    monkeypatch.setattr("judgekit.batch.output.os.access", lambda path, mode: mode & os.W_OK == 0)
    done = judgekit(*LEXICAL, "--out", "locked/out.jsonl")
    assert done.code == 2 and "locked: this folder cannot be written to" in done.err


def test_second_writer(folder):
    with LoopbackServer(desk.slowly(2.0)) as server:
        command = [*GRADE, "--model", "m", "--base-url", server.url]
        first = desk.start(*command, cwd=folder)
        desk.wait_until(lambda: server.count)
        before = server.count
        second = desk.run(*command, cwd=folder)
        assert second.returncode == 2
        assert "out.journal: another process is writing this run" in second.stderr
        assert server.count <= before + 20
        first.send_signal(signal.SIGINT)
        first.communicate()
