import json
import os
import pty
import signal
import sys
import time
from contextlib import suppress

import desk
import pytest
from loopback import LoopbackServer, error

GRADE = ("grade", "desk.yaml", "items.jsonl", "--out", "out.jsonl", "--model", "m", "--base-url")
SECONDS = 10.0  # "within seconds", on a machine that does other things too
# Progress as often as a test can bear.
QUICK = [
    sys.executable,
    "-c",
    "import judgekit.cli.progress as p; p.PLAIN_EVERY = 0.1; from judgekit.cli import main; main()",
]


def ended(process, number) -> tuple[str, str]:
    """Send a signal; the command has to end soon, with the code that shells expect, without a traceback."""
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < SECONDS
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err and "Exception" not in err
    return out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_during_the_run(folder, number):
    with LoopbackServer(desk.slowly(0.2)) as server:
        command = [*GRADE, server.url, "--concurrency", "4", "--json"]
        process = desk.start(*command, cwd=folder)
        desk.wait_until(lambda: server.count >= 9)
        out, err = ended(process, number)
        assert json.loads(out)["exit"] == 128 + number
        kept = desk.kept_in(folder / "out.journal")
        said = f"interrupted: {len(kept)} of 20 rows are kept beside out.jsonl; the same command goes on"
        assert said in err
        assert len(kept) >= 4
        before = server.count
        assert desk.run(*command, cwd=folder).returncode == 0
        assert server.count - before == 20 - len(kept)
    desk.assert_honest(folder / "out.jsonl", list(range(20)))


def test_during_a_pause(folder):
    """While every call waits for a server that asked for minutes."""
    with LoopbackServer([error(429, "slow down", headers={"Retry-After": "120"})]) as server:
        process = desk.start(*GRADE, server.url, cwd=folder, main=QUICK)
        line = process.stderr.readline()
        while "waiting" not in line:
            line = process.stderr.readline()
        assert line.startswith("  graded 0 of 20, 0 failed, 0/s; waiting: 127.0.0.1:")
        assert "answered 429: slow down; attempt 2 of 4 in 12" in line
        ended(process, signal.SIGINT)


def test_while_the_items_are_checked(folder):
    with (folder / "items.jsonl").open("w") as stream:
        stream.writelines(json.dumps(desk.item(n, pad="x" * 200)) + "\n" for n in range(100_000))
    process = desk.start(*GRADE, "http://127.0.0.1:9/v1", cwd=folder)
    assert "grading items.jsonl by m" in process.stdout.readline()
    time.sleep(0.3)
    ended(process, signal.SIGINT)
    assert sorted(os.listdir(folder)) == ["desk.yaml", "items.jsonl"]


def test_twice(folder):
    """An impatient second interrupt changes nothing."""
    with LoopbackServer(desk.slowly(0.5)) as server:
        process = desk.start(*GRADE, server.url, cwd=folder)
        desk.wait_until(lambda: server.count >= 4)
        process.send_signal(signal.SIGINT)
        time.sleep(0.005)
        ended(process, signal.SIGINT)


def test_fresh_says_how_to_go_on(folder):
    with LoopbackServer(desk.slowly(5)) as server:
        process = desk.start(*GRADE, server.url, "--fresh", cwd=folder)
        desk.wait_until(lambda: server.count)
        _, err = ended(process, signal.SIGINT)
        assert "the same command without --fresh goes on" in err


def test_another_command(folder):
    """A command with nothing to tidy up, waiting for what it reads."""
    os.mkfifo(folder / "policy.md")
    given = ("--rubric", "support-reply", "--set", "context=@policy.md")
    process = desk.start("plan", "logs.jsonl", *given, "--out", "sheet.csv", "--json", cwd=folder)
    held = []

    def is_reading():
        with suppress(OSError):  # as long as nobody reads
            held.append(os.open(folder / "policy.md", os.O_WRONLY | os.O_NONBLOCK))
        return held

    desk.wait_until(is_reading)
    # Python sees a signal between two steps or inside a waiting call. One that comes in the moment between
    # opening and waiting is seen only when the call returns: let it get there.
    time.sleep(0.5)
    out, err = ended(process, signal.SIGINT)
    os.close(held[0])
    assert json.loads(out) == {"format": 1, "error": "interrupted", "problems": [], "exit": 130}
    assert err == "judgekit: interrupted\n"
    assert not (folder / "sheet.csv").exists()


def test_plain_progress(folder):
    with LoopbackServer(desk.slowly(0.1)) as server:
        process = desk.start(*GRADE, server.url, "--concurrency", "2", cwd=folder, main=QUICK)
        _, err = process.communicate(timeout=60)
    lines = err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("  graded ") and " of 20, 0 failed, " in line for line in lines)
    assert "\x1b" not in err and "\r" not in err
    assert lines[-1].endswith(" left")


@pytest.mark.parametrize("way", ["--json", "--quiet"])
def test_progress_and_the_flags(folder, way):
    with LoopbackServer(desk.slowly(0.05)) as server:
        process = desk.start(*GRADE, server.url, "--concurrency", "2", way, cwd=folder, main=QUICK)
        out, err = process.communicate(timeout=60)
    assert ("of 20, 0 failed, " in err) == (way == "--json")
    assert out.count("\n") == 1


def test_progress_on_a_terminal(folder):
    """One line, rewritten, and gone at the end."""
    server_side, terminal = pty.openpty()
    with LoopbackServer(desk.slowly(0.2)) as server:
        process = desk.start(*GRADE, server.url, "--concurrency", "2", cwd=folder, stderr=terminal)
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(server_side, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        out, _ = process.communicate(timeout=60)
    os.close(server_side)
    pieces = shown.split(b"\r\x1b[2K")
    assert len(pieces) >= 4 and pieces[0] == pieces[-1] == b""
    assert all(piece.startswith(b"  graded ") and b"\n" not in piece for piece in pieces[1:-1])
    assert "graded 20 of 20" in out


def test_nobody_reads_the_progress(folder):
    """A closed stderr is no reason to stop a run that is paid for."""
    with LoopbackServer(desk.slowly(0.05)) as server:
        process = desk.start(*GRADE, server.url, "--concurrency", "2", cwd=folder, main=QUICK)
        process.stderr.close()
        process.stderr = None
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "graded 20 of 20" in out
    desk.assert_honest(folder / "out.jsonl", list(range(20)))


def test_nobody_reads_the_result(folder):
    """``judgekit rubric list | head -1``: neither a traceback nor a complaint at the exit."""
    process = desk.start("rubric", "list", cwd=folder)
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert err == ""
