"""Real items graded against model servers that nobody here wrote: PyPI's llmock and npm's aimock.

llmock also watches the client: `GET /_llmock/verdict` tells whether it waited as long as it was asked to,
retried what cannot succeed, or retried without end.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from native_answers import QUIET_LITELLM, bare_environment

from judgekit.item import Item
from judgekit.judges import Judge
from judgekit.library import find
from judgekit.providers.openai import OpenAIClient
from judgekit.providers.through_litellm import LiteLLMClient

pytestmark = QUIET_LITELLM
AIMOCK = "@copilotkit/aimock@1.43.0"
RUBRIC = find("support-reply")
SAID = [
    "You can return it within 30 days under Orders > Return.",
    "No idea, sorry.",
    "Read the manual: {{ x }}",
]
ITEMS = [
    Item(
        str(n),
        {
            "input": f"Can I get a refund for reader {n}?",
            "output": SAID[n % 3],
            "context": "Unused readers can be returned within 30 days under Orders > Return.",
        },
    )
    for n in range(12)
]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    bare_environment(monkeypatch)


@contextmanager
def served(command, path):
    """Run a server of others for a while; `command` is made from a free port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log, subprocess.Popen(command(port), stdout=log, stderr=log) as process:
        try:
            _wait_for(url + path, process, log)
            yield url
        finally:
            process.terminate()


def _wait_for(url, process, log):
    for _ in range(300):
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    log.seek(0)
    pytest.fail(f"the mock does not answer: {log.read().decode()[-2000:]}")


def graded(client):
    async def grade():
        judge = Judge(RUBRIC, client)
        try:
            return await asyncio.gather(*map(judge.judge, ITEMS))
        finally:
            await judge.aclose()

    return asyncio.run(grade())


OPTIONS = {"attempts": 9, "backoff": 0.2, "timeout": 60.0, "max_connections": 6}
PATHS = {
    "direct": (OpenAIClient, "judge-1", "/v1"),
    "openai": (LiteLLMClient, "openai/gpt-4.1-mini", "/v1"),
    "anthropic": (LiteLLMClient, "anthropic/claude-sonnet-4-5", "/anthropic"),
    "gemini": (LiteLLMClient, "gemini/gemini-2.5-flash", "/gemini/v1beta"),
    "mistral": (LiteLLMClient, "mistral/mistral-small-latest", "/mistral/v1"),
}


@pytest.fixture(scope="module")
def llmock():
    program = shutil.which("llmock", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("PyPI's llmock is not installed")
    faults = [f"--error-rate={status}={rate}" for status, rate in (("429", 0.2), ("503", 0.15), ("500", 0.1))]
    with served(lambda port: [program, "serve", "-p", str(port), *faults], "/_llmock/verdict") as url:
        yield url


@pytest.mark.parametrize("path", PATHS)
def test_llmock_finds_no_fault_with_the_client(llmock, path):
    urllib.request.urlopen(urllib.request.Request(f"{llmock}/_llmock/reset", method="POST")).close()
    kind, model, place = PATHS[path]
    verdicts = graded(kind(model, base_url=llmock + place, **OPTIONS))
    # llmock's Gemini reads no schema, and says hello: that is no verdict, after one repair turn.
    status = "invalid_reply" if path == "gemini" else "ok"
    assert {verdict.status for verdict in verdicts} == {status}, [verdict.error for verdict in verdicts]
    assert all(verdict.usage.input_tokens for verdict in verdicts)
    with urllib.request.urlopen(f"{llmock}/_llmock/verdict") as answer:
        report = json.load(answer)
    # Drawn at random, a second pause may be shorter than the first: that is how many clients stay apart.
    findings = [one for one in report["findings"] if one["code"] != "no_backoff"]
    assert report["passed"] and findings == [], findings
    assert report["calls"] >= len(ITEMS) and report["faults_injected"] > 0


@pytest.fixture(scope="module")
def aimock(tmp_path_factory):
    program = aimock_program()
    folder = tmp_path_factory.mktemp("aimock")
    answers = {
        criterion.name: {"explanation": "It says so.", "label": criterion.labels[0]}
        | ({"evidence": []} if criterion.evidence else {})
        for criterion in RUBRIC.criteria
    }
    response = {"content": json.dumps(answers), "usage": {"prompt_tokens": 90, "completion_tokens": 9}}
    fixture = {"fixtures": [{"match": {"userMessage": "Grade this item"}, "response": response}]}
    (folder / "answers.json").write_text(json.dumps(fixture))
    with served(
        lambda port: [program, "-p", str(port), "-f", str(folder / "answers.json")], "/health"
    ) as url:
        yield url


def aimock_program():
    """Install aimock into the user's cache, once; skip where there is no npm or no registry."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm to install aimock with")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "judgekit-tests" / "aimock"
    program = cache / "node_modules" / ".bin" / "llmock"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            str(cache),
            AIMOCK,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"npm cannot install {AIMOCK}: {done.stderr.strip()[-200:]}")
    return str(program)


AIMOCK_PATHS = {
    "direct": (OpenAIClient, "judge-1", "/v1"),
    "openai": (LiteLLMClient, "openai/gpt-4.1-mini", "/v1"),
    "anthropic": (LiteLLMClient, "anthropic/claude-sonnet-4-5", ""),
    "anthropic, by a tool": (LiteLLMClient, "anthropic/claude-3-haiku", ""),
    "gemini": (LiteLLMClient, "gemini/gemini-2.5-flash", "/v1beta"),
}


@pytest.mark.parametrize("path", AIMOCK_PATHS)
def test_aimock_is_graded_with(aimock, path):
    kind, model, place = AIMOCK_PATHS[path]
    verdicts = graded(kind(model, base_url=aimock + place))
    assert {verdict.status for verdict in verdicts} == {"ok"}
    assert {verdict.attempts for verdict in verdicts} == {1}
    expected = {criterion.name: criterion.labels[0] for criterion in RUBRIC.criteria}
    for verdict in verdicts:
        assert {name: finding.label for name, finding in verdict.criteria.items()} == expected
