"""Verdicts as JSON: the round trip, and what is refused."""

import copy
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from judgekit.exchange import FREE, Usage
from judgekit.verdict import (
    FAILURES,
    STATUSES,
    Evidence,
    Failure,
    Finding,
    Provenance,
    Verdict,
    verdict_from_dict,
)

SOURCE = Provenance({"name": "r", "version": "1", "digest": "sha256:0"}, "sha256:1", "LLM", "openai/x")
FULL = Verdict(
    "ok",
    SOURCE,
    label="pass",
    score=0.75,
    passed=True,
    explanation="why \ud800 \u202e",
    criteria={
        "a": Finding(
            "ok",
            "pass",
            score=1.0,
            passed=True,
            explanation="e",
            evidence=(Evidence("output", "q", True, 3, None), Evidence("messages", "z", False)),
            confidence=0.9,
        ),
        "n": Finding("ok", value=7.0, score=0.7),
        "c": Finding("abstained"),
    },
    parts=({"status": "ok"},),
    served_model="x-2026",
    usage=Usage(10, 2, None, None),
    attempts=2,
    latency_s=1.5,
    cached=True,
)
PLAIN = json.loads(json.dumps(FULL.to_dict()))


def test_the_round_trip():
    assert verdict_from_dict(PLAIN) == FULL
    failed = Verdict("timeout", SOURCE, error=Failure("timeout", "60 s"), usage=FREE)
    assert verdict_from_dict(json.loads(json.dumps(failed.to_dict()))) == failed


def test_a_verdict_in_one_line():
    assert repr(FULL) == "Verdict(ok, label='pass', score=0.75, a=pass, n=7.0, c=abstained)"
    failed = Verdict("timeout", SOURCE, error=Failure("timeout", "after 60 s"))
    assert repr(failed) == "Verdict(timeout, 'after 60 s')"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("status", "fine", "status: 'fine' is not a status (ok, abstained, refused, "),
        ("status", None, "status: None is not a status"),
        ("status", ["ok"], "status: ['ok'] is not a status"),
        ("score", 1.5, "score: 1.5 is not a score between 0 and 1"),
        ("score", float("nan"), "score: nan is not a score between 0 and 1"),
        ("score", True, "score: True is not a score between 0 and 1"),
        ("score", "1", "score: '1' is not a score between 0 and 1"),
        ("passed", 1, "passed: 1 is not true, false or null"),
        ("label", ["pass"], "label: ['pass'] is not text or null"),
        ("criteria", None, "criteria: must be an object keyed by criterion"),
        ("criteria", [], "criteria: must be an object keyed by criterion"),
        ("rubric", "r", "rubric: must be an object"),
        ("model", "gpt", "model: must be an object"),
        ("usage", 5, "usage: must be an object"),
        ("usage.cost_usd", "1", "usage.cost_usd: '1' is not a number"),
        ("attempts", "two", "attempts: 'two' is not a number"),
        ("latency_s", 10**400, "latency_s: 1000"),
        ("parts", {"a": 1}, "parts: must be a list of objects"),
        ("parts", [1], "parts: must be a list of objects"),
        ("criteria.a", "pass", "criteria.a: must be an object"),
        ("criteria.a.status", "good", "criteria.a.status: 'good' is not a status"),
        ("criteria.a.label", 2, "criteria.a.label: 2 is not text or null"),
        ("criteria.a.score", -0.1, "criteria.a.score: -0.1 is not a score between 0 and 1"),
        ("criteria.c.score", 0, "criteria.c.score: status abstained carries no score"),
        ("criteria.c.passed", False, "criteria.c.passed: status abstained neither passes nor fails"),
        ("criteria.n.value", float("inf"), "criteria.n.value: inf is not a number"),
        ("criteria.n.value", False, "criteria.n.value: False is not a number"),
        ("criteria.a.confidence", 2, "criteria.a.confidence: 2 is not a number between 0 and 1"),
        ("criteria.a.evidence", "q", "criteria.a.evidence: must be a list of objects"),
        ("criteria.a.evidence", ["q"], "criteria.a.evidence: must be a list of objects"),
        ("criteria.a.evidence", [{"start": 1.5}], "criteria.a.evidence.start: 1.5 is not a whole number"),
    ],
)
def test_what_no_verdict_may_hold(path, value, message):
    data = copy.deepcopy(PLAIN)
    *outer, last = path.split(".")
    inner = data
    for key in outer:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(ValueError) as caught:
        verdict_from_dict(data)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
def test_only_ok_carries_a_score(status):
    with pytest.raises(ValueError, match=f"score: status {status} carries no score"):
        verdict_from_dict(PLAIN | {"status": status})
    bare = PLAIN | {"status": status, "score": None}
    with pytest.raises(ValueError, match=f"passed: status {status} neither passes nor fails"):
        verdict_from_dict(bare)
    assert verdict_from_dict(bare | {"passed": None}).status == status
    assert (status in FAILURES) == (status != "abstained")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-2, 2) | st.sampled_from(["ok", "timeout", "pass"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["status", "score", "evidence", "a", "asked", "cost_usd"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(list(PLAIN)), VALUES)
@example("error", "text")
def test_any_value_is_read_or_refused(key, value):
    try:
        verdict = verdict_from_dict(PLAIN | {key: value})
    except ValueError:
        return
    assert verdict.score is None or 0 <= verdict.score <= 1
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_unknown_usage_adds_up_to_unknown():
    assert Usage(1, 2, 3, 0.5) + Usage(1, None, 0, None) == Usage(2, None, 3, None)
    assert FREE + Usage(1, 2, 3, 0.5) == Usage(1, 2, 3, 0.5)
