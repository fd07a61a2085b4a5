"""One judge asked several times, over a real server."""

import asyncio
import re

import pytest
from judged import LENGTH, TONE, TOPIC, YES, rubric_of
from loopback import Answer, LoopbackServer, Seen, completion, error
from models import client_of, says

from judgekit.errors import CallRefused, UsageError
from judgekit.exchange import Usage
from judgekit.judges import Judge
from judgekit.judges.samples import SelfConsistency
from judgekit.verdict import verdict_from_dict

ITEM = {"id": "1", "output": "An answer."}
BOTH = rubric_of(YES, LENGTH, allow_abstain=True)
PRICE = (10.0, 100.0)  # with 100 tokens read and 10 written: 0.002 a call


def sampled(
    server: LoopbackServer, count: int, rubric=BOTH, by="majority", **more: object
) -> SelfConsistency:
    client = client_of(server, **{"temperature": 0.7, "price": PRICE, **more})
    return SelfConsistency(Judge(rubric, client), count, by)


def grade(script, count: int, rubric=BOTH, by="majority"):
    with LoopbackServer(script) as server:
        return sampled(server, count, rubric, by).grade(ITEM), server


def test_the_answer_with_most_samples_wins():
    said = [says(f"Said {n}.", correct=label, length=n) for n, label in enumerate(["fail", "pass", "pass"])]
    verdict, server = grade(said, 3)
    correct, length = verdict.criteria.values()
    assert (correct.label, correct.confidence, correct.score) == ("pass", 0.666667, 1.0)
    assert re.fullmatch(r"2 of 3: Said [12]\.", correct.explanation)
    assert (length.value, length.confidence, length.score) == (1.0, None, 0.1)
    assert (verdict.status, verdict.score) == ("ok", 0.55)
    assert server.count == 3 and len({seen.raw for seen in server.seen}) == 1


def test_parts_and_sums():
    verdict, _ = grade([says(correct="pass", length=2), "nonsense", says(correct="pass", length=2)], 2)
    assert (verdict.attempts, verdict.served_model) == (3, "served-1")
    assert verdict.usage == Usage(300, 30, 120, pytest.approx(0.006))
    assert sorted(part["attempts"] for part in verdict.parts) == [1, 2]
    for part in verdict.parts:
        assert part["criteria"]["correct"]["label"] == "pass" and part["model"]["served"] == "served-1"
        assert part["usage"]["input_tokens"] == 100 * part["attempts"]
        assert not {"rubric", "calibration", "annotator_kind"} & part.keys()
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()


def test_all_are_asked_at_once():
    answer = Answer(completion(says(correct="pass", length=2)), delay=0.1)
    assert grade([answer], 6)[1].most_at_once == 6


def test_a_sample_that_fails_and_cannot_turn_it():
    good = says(correct="pass", length=2)
    verdict, _ = grade([good, good, error(500), good, good], 5, rubric_of(YES | {"gate": True}))
    correct = verdict.criteria["correct"]
    assert (verdict.status, correct.label, correct.confidence, verdict.passed) == ("ok", "pass", 0.8, True)
    assert sorted(part["status"] for part in verdict.parts) == ["ok"] * 4 + ["provider_error"]
    assert verdict.usage.cost_usd == pytest.approx(0.008), "what was turned down cost nothing"


def test_a_sample_that_fails_and_could_have_turned_it():
    script = [says(correct="pass", length=2), says(correct="fail", length=2), error(429)]
    verdict, _ = grade(script, 3)
    assert (verdict.status, verdict.score, verdict.passed, verdict.label) == (
        "rate_limited",
        None,
        None,
        None,
    )
    assert "1 of 3 gave no answer, which could have turned it" in verdict.error.message
    assert verdict.criteria["correct"].status == verdict.criteria["length"].status == "rate_limited"


def test_samples_that_are_split_abstain():
    rubric = rubric_of(TOPIC)
    verdict, _ = grade([says(topic="bill"), says(topic="login")], 2, rubric)
    assert (verdict.status, verdict.score, verdict.criteria["topic"].label) == ("abstained", None, None)


def test_by_mean():
    verdict, _ = grade([says(tone="1"), says(tone="3"), says(tone="3")], 3, rubric_of(TONE), "mean")
    tone = verdict.criteria["tone"]
    assert (tone.label, tone.score, verdict.score, tone.confidence) == ("2", 0.666667, 0.666667, 0.0)


def test_code_answers_beside_samples():
    checked = {"name": "starts", "question": "?", "scale": "binary", "levels": {"pass": "", "fail": ""}}
    rubric = rubric_of(YES, checked | {"check": {"matches": "^An"}})
    verdict, server = grade([says(correct="pass")], 3, rubric)
    assert [(f.label, f.confidence) for f in verdict.criteria.values()] == [("pass", 1.0), ("pass", 1.0)]
    assert all(b"starts" not in seen.raw for seen in server.seen)


def test_a_wrong_key_is_raised_and_leaves_nothing_running():
    def answer(seen: Seen) -> Answer:
        return error(401) if len(server.seen) == 1 else Answer(completion("late"), delay=60)

    async def run() -> set:
        judge = sampled(server, 4)
        with pytest.raises(CallRefused):
            await judge.agrade(ITEM)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await judge.aclose()
        return left

    with LoopbackServer(answer) as server:
        assert asyncio.run(run()) == set()


def test_what_cannot_be_sampled():
    with LoopbackServer([""]) as server:
        with pytest.raises(UsageError, match="samples must be 2 or more, not 1"):
            sampled(server, 1)
        with pytest.raises(UsageError, match="3 samples at temperature 0 are one answer 3 times"):
            sampled(server, 3, temperature=0.0)
        with pytest.raises(UsageError, match="no way to combine"):
            sampled(server, 3, by="vote")
        with pytest.raises(UsageError, match="topic: the levels have no scores"):
            sampled(server, 3, rubric_of(TOPIC), "mean")


def test_the_fingerprint_is_of_all_that_decides():
    with LoopbackServer([""]) as server, LoopbackServer([""]) as other:
        base = sampled(server, 3)
        differing = [
            base.single,
            sampled(server, 4),
            sampled(server, 3, by="mean"),
            sampled(server, 3, temperature=0.8),
            sampled(server, 3, model="openai/y"),
            sampled(server, 3, rubric=rubric_of(YES)),
        ]
        same = [sampled(other, 3), sampled(server, 3, max_connections=2, attempts=9, timeout=1.0, price=None)]
    assert len({one.fingerprint for one in [base, *differing]}) == 7
    assert {one.fingerprint for one in same} == {base.fingerprint}
    assert base.name == "samples(openai/x)" and "samples=3" in base.signature and "majority" in base.signature
    assert base.destination == base.single.destination != "" and base.confident
    assert base.grade.__self__ is base and base.provenance.annotator_kind == "LLM"
