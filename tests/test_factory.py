"""Graders from names, and the mistakes in them."""

import pytest
from loopback import LoopbackServer

import judgekit as jk
from judgekit.errors import RubricError, UsageError
from judgekit.judges import Judge, LexicalGrader

GOOD = """{"addresses_question": {"explanation": "x", "label": "pass"},
"covers_all_parts": {"explanation": "x", "label": "not_applicable"},
"nothing_beside_the_point": {"explanation": "x", "label": "fail"}}"""


def test_a_model_behind_a_server():
    with LoopbackServer([GOOD]) as server:
        judge = jk.judge("relevance", "any/name", base_url=server.url)
        assert isinstance(judge, Judge) and judge.destination.startswith("127.0.0.1")
        verdict = judge.grade(input="q", output="a")
        assert (verdict.status, verdict.passed, verdict.score) == ("ok", True, pytest.approx(2 / 3))
        assert "authorization" not in server.seen[0].headers


def test_the_heuristic_needs_nothing():
    assert isinstance(jk.judge("relevance", "offline/lexical"), LexicalGrader)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("gpt-4", {}, "unknown model 'gpt-4': write openai/NAME, another provider/NAME, offline/lexical or"),
        ("", {}, "unknown model ''"),
        ("offline/other", {}, "unknown provider 'offline'"),
        ("offline/lexical", {"base_url": "http://localhost/v1"}, "talks to no server; leave --base-url away"),
        ("offline/lexical", {"api_key_env": "X"}, "talks to no server; leave --api-key-env away"),
        ("offline/lexical", {"price": (1, 2)}, "talks to no server; leave --price away"),
        ("recorded/x.jsonl", {"base_url": "http://localhost/v1"}, "recorded/x.jsonl talks to no server"),
        ("recorded/", {}, "recorded/ needs a file: recorded/FILE or recorded/FILE@JUDGE"),
    ],
)
def test_names_that_fit_nothing(model, options, message):
    with pytest.raises(UsageError) as caught:
        jk.judge("relevance", model, **options)
    assert message in str(caught.value)


def test_openai_without_its_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        jk.judge("relevance", "openai/gpt-4.1-mini")


def test_the_rubric_is_looked_at_first(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'relevance'"):
        jk.judge("relevanc", "offline/lexical")
    with pytest.raises(RubricError, match="cannot be read"):
        jk.judge(tmp_path / "none.yaml", "offline/lexical")
