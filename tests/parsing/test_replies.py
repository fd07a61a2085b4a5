"""560 malformed and odd replies, sent by a real server: see `replies.md` for who wrote them, and when."""

import json
from pathlib import Path
from typing import Any

import pytest
from judged import LENGTH, YES, rubric_of
from loopback import Answer, LoopbackServer, completion

from judgekit.factory import judge
from judgekit.verdict import ABSTAINED, ANSWERS, OK, Verdict

CASES = [
    json.loads(line) for line in Path(__file__).with_name("replies.jsonl").read_text("utf-8").splitlines()
]
ITEM = {
    "input": "When does the shop open?",
    "output": "It opens at nine. The back door opens at ten.",
    "id": "1",
}
TONE = {
    "name": "tone",
    "question": "How is it?",
    "scale": "ordinal",
    "levels": [{"label": str(n), "score": n / 2 - 0.5} for n in (1, 2, 3)],
}
GROUNDED = {"name": "grounded", "question": "Is it?", "scale": "binary", "levels": {"yes": "", "no": ""}}
WORDS = ("not relevant", "relevant", "very relevant", "N/A-ish")
KIND = {"name": "kind", "question": "Which?", "scale": "categorical", "levels": dict.fromkeys(WORDS, "")}
INPUTS = {"inputs": {"input": "", "output": ""}}
RUBRICS = {
    "binary": rubric_of(YES, **INPUTS),
    "two": rubric_of(YES | {"allow_not_applicable": True}, TONE, allow_abstain=True, **INPUTS),
    "numeric": rubric_of(LENGTH, **INPUTS),
    "quoted": rubric_of(GROUNDED | {"evidence": "output"}, **INPUTS),
    "words": rubric_of(KIND, **INPUTS),
}


def answer_of(given: Any) -> Answer:
    if isinstance(given, str):
        return Answer(completion(given))
    if "raw" in given:
        return Answer(given["raw"].encode("utf-8"), given.get("status", 200))
    return Answer(given["completion"], given.get("status", 200))


@pytest.fixture(scope="module")
def server():
    """A server that says what the case at hand says; `script` is set by each."""
    with LoopbackServer(
        lambda _: server.script.pop(0) if len(server.script) > 1 else server.script[0]
    ) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_reply_ends_as_it_must(server, case):
    server.script = [answer_of(reply) for reply in case["replies"]]
    before = server.count
    grader = judge(RUBRICS[case["rubric"]], "m", base_url=server.url)
    grader.client._policy = type(grader.client._policy)(4, 60.0, 0.001)
    verdict = grader.grade({"id": "1"} | case.get("item", ITEM))
    assert verdict.status == case["status"], (case["why"], verdict)
    if case["calls"] is not None:
        assert server.count - before == case["calls"], case["why"]
    assert {name: said(verdict, name) for name in case["labels"]} == case["labels"], case["why"]
    if verdict.status not in ANSWERS:
        assert (verdict.label, verdict.score, verdict.passed) == (None, None, None)


def said(verdict: Verdict, name: str) -> Any:
    finding = verdict.criteria[name]
    if finding.status == ABSTAINED:
        return "cannot_tell"
    assert finding.status == OK
    return finding.label if finding.value is None else finding.value
