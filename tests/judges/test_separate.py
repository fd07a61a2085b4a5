"""One call for each criterion, over a real server: what each is shown, and how the answers come together."""

import asyncio
import json

import pytest
from judged import LENGTH, TONE, YES, rubric_of
from loopback import Answer, LoopbackServer, Seen, completion, error
from models import client_of, labelled, says

from judgekit.errors import CallRefused, UsageError
from judgekit.exchange import Usage
from judgekit.judges import Judge
from judgekit.judges.separate import SeparateCalls
from judgekit.verdict import verdict_from_dict

ITEM = {"id": "1", "output": "An answer."}
CODE = {"name": "starts", "question": "Does it start?", "scale": "binary", "levels": {"pass": "", "fail": ""}}
CODE = CODE | {"check": {"matches": "^An"}}
EXAMPLES = [
    {"item": {"output": "shown to both"}, "labels": {"correct": "pass", "tone": "3"}},
    {"item": {"output": "of tone alone"}, "labels": {"tone": "1"}},
]
THREE = rubric_of(YES, TONE, LENGTH, examples=EXAMPLES, threshold=0.5, allow_abstain=True)
GOOD = {"correct": "pass", "tone": "3", "length": 4}


def question(seen: Seen) -> str:
    """The one criterion that a request is about."""
    (name,) = seen.body["response_format"]["json_schema"]["schema"]["properties"]
    return name


def per_question(**answers: object):
    """A model that answers each question by itself: a label, a number, or a whole answer."""

    def answer(seen: Seen):
        given = answers[question(seen)]
        script = isinstance(given, Answer) or (isinstance(given, str) and len(given) > 20)
        return given if script else says(f"On {question(seen)}.", **{question(seen): given})

    return answer


def separate(server: LoopbackServer, rubric=THREE, checks=None, **options: object) -> SeparateCalls:
    kinds = {name: options.pop(name) for name in ("confidence", "expected_score") if name in options}
    return SeparateCalls(rubric, client_of(server, **options), checks=checks, **kinds)


def grade(rubric=THREE, options=None, **answers: object):
    with LoopbackServer(per_question(**answers)) as server:
        return separate(server, rubric, **(options or {})).grade(ITEM), server


def test_each_criterion_is_asked_once_and_by_itself():
    verdict, server = grade(**GOOD)
    assert sorted(map(question, server.seen)) == ["correct", "length", "tone"]
    asked = {"correct": "Is it correct?", "tone": "How is the tone?", "length": "How full is it?"}
    for seen in server.seen:
        for name, text in asked.items():
            assert (text in seen.body["messages"][0]["content"]) == (name == question(seen))
        shown = json.dumps(seen.body["messages"])
        assert "An answer." in shown
        assert ("of tone alone" in shown) == (question(seen) == "tone")
        assert ("shown to both" in shown) == (question(seen) in ("correct", "tone"))
        assert ("correct = pass" in shown) == (question(seen) == "correct")
    assert list(verdict.criteria) == ["correct", "tone", "length"]
    assert [f.label if f.value is None else f.value for f in verdict.criteria.values()] == ["pass", "3", 4.0]
    assert [f.explanation for f in verdict.criteria.values()] == ["On correct.", "On tone.", "On length."]


def test_the_whole_is_scored_by_the_whole_rubric():
    verdict, _ = grade(**GOOD)
    assert (verdict.status, verdict.score, verdict.passed) == ("ok", pytest.approx(0.8), True)
    strict = rubric_of(YES | {"gate": True}, TONE, aggregate="minimum", threshold=0.4)
    assert grade(strict, correct="pass", tone="2")[0].passed is True
    assert grade(strict, correct="fail", tone="3")[0].passed is False
    assert grade(strict, correct="pass", tone="1")[0].score == 0.0
    whole = grade(strict, correct="pass", tone="2")[0].provenance.rubric
    assert whole["digest"] == strict.digest


def test_the_same_answers_come_to_the_same_as_one_call():
    with LoopbackServer([says(**GOOD)]) as server:
        together = Judge(THREE, client_of(server)).grade(ITEM)
    apart, _ = grade(**GOOD)
    for name in ("status", "score", "passed", "label", "explanation"):
        assert getattr(apart, name) == getattr(together, name)


def test_they_are_asked_at_once():
    def slowly(seen: Seen) -> Answer:
        name = question(seen)
        return Answer(completion(says(**{name: GOOD[name]})), delay=0.1)

    with LoopbackServer(slowly) as server:
        separate(server).grade(ITEM)
    assert server.most_at_once == 3


def test_parts_and_sums():
    verdict, _ = grade(options={"price": (10.0, 100.0)}, **GOOD)
    assert (verdict.attempts, verdict.usage) == (3, Usage(300, 30, 120, pytest.approx(0.006)))
    assert [list(part["criteria"]) for part in verdict.parts] == [["correct"], ["tone"], ["length"]]
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (error(500), "provider_error"),
        (error(429), "rate_limited"),
        ("no verdict in here at all", "invalid_reply"),
    ],
    ids=["500", "429", "no verdict"],
)
def test_one_that_fails_fails_the_item_and_the_others_stay_readable(broken, status):
    verdict, _ = grade(**GOOD | {"tone": broken})
    assert (verdict.status, verdict.score, verdict.passed) == (status, None, None)
    assert [f.status for f in verdict.criteria.values()] == ["ok", status, "ok"]
    assert verdict.criteria["correct"].label == "pass" and verdict.error.message


def test_an_abstention_is_of_its_criterion():
    verdict, _ = grade(**GOOD | {"length": {"label": "cannot_tell", "value": None}})
    assert (verdict.status, verdict.score) == ("ok", 1.0)
    assert verdict.criteria["length"].status == "abstained"


def test_a_wrong_key_is_raised_and_leaves_nothing_running():
    async def run() -> set:
        judge = separate(server)
        with pytest.raises(CallRefused):
            await judge.agrade(ITEM)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await judge.aclose()
        return left

    late = Answer(completion("late"), delay=60)
    with LoopbackServer(per_question(correct=late, tone=error(401), length=late)) as server:
        assert asyncio.run(run()) == set()


def test_code_answers_without_a_call():
    count = {"name": "count", "question": "How many?", "scale": "numeric", "range": [0, 10]}
    rubric = rubric_of(CODE, YES, count | {"check": {"python": "words"}}, TONE)
    checks = {"words": lambda item: len(item["output"].split())}
    with LoopbackServer(per_question(correct="pass", tone="2")) as server:
        verdict = separate(server, rubric, checks).grade(ITEM)
    assert sorted(map(question, server.seen)) == ["correct", "tone"]
    assert all(b"Does it start" not in seen.raw and b"How many" not in seen.raw for seen in server.seen)
    assert list(verdict.criteria) == ["starts", "correct", "count", "tone"]
    assert [f.label if f.value is None else f.value for f in verdict.criteria.values()] == [
        "pass",
        "pass",
        2.0,
        "2",
    ]


def test_code_alone_asks_nobody():
    with LoopbackServer([""]) as server, pytest.raises(UsageError, match="answered by code alone"):
        separate(server, rubric_of(CODE))
    with (
        LoopbackServer([""]) as server,
        pytest.raises(UsageError, match="functions that were not given: words"),
    ):
        separate(server, rubric_of(YES | {"check": {"python": "words"}}, TONE))


def test_how_sure_each_was():
    def answer(seen: Seen) -> Answer:
        tables = {"correct": {"pass": 0.9, "fail": 0.1}, "tone": {"3": 0.6, "2": 0.4}}
        head = f'{{"{question(seen)}": {{"explanation": "x", "label": "'
        return labelled(head, tables[question(seen)])

    rubric = rubric_of(YES, TONE)
    with LoopbackServer(answer) as server:
        sure = separate(server, rubric, confidence=True).grade(ITEM)
        expecting = separate(server, rubric, expected_score=True).grade(ITEM)
    assert [f.confidence for f in sure.criteria.values()] == [0.9, 0.6]
    assert (sure.score, expecting.score) == (1.0, 0.9)
    assert expecting.criteria["tone"].score == 0.8


def test_one_criterion_is_asked_as_ever():
    rubric = rubric_of(YES)
    with LoopbackServer([says(correct="pass")]) as server:
        separate(server, rubric).grade(ITEM)
        Judge(rubric, client_of(server)).grade(ITEM)
    assert server.seen[0].raw == server.seen[1].raw


def test_the_fingerprint_is_of_all_that_decides():
    with LoopbackServer([""]) as server, LoopbackServer([""]) as other:
        base = separate(server)
        differing = [
            Judge(THREE, client_of(server)),
            separate(server, model="openai/y"),
            separate(server, temperature=0.5),
            separate(server, expected_score=True),
            separate(server, rubric_of(YES, TONE, LENGTH)),
            separate(server, rubric_of(YES, TONE, LENGTH, threshold=0.4)),
            separate(server, rubric_of(YES, TONE, LENGTH, aggregate="minimum", threshold=0.4)),
        ]
        same = [
            separate(other),
            separate(server, attempts=9, max_connections=1),
            separate(server, confidence=True),
        ]
    assert len({one.fingerprint for one in [base, *differing]}) == 8
    assert {one.fingerprint for one in same} == {base.fingerprint}
    assert base.name == "openai/x" and base.recipe["settings"]["separate"] is True
    assert (base.confident, same[2].confident) == (False, True)


def test_a_function_enters_the_fingerprint():
    def always(item: dict) -> bool:
        return True

    def never(item: dict) -> bool:
        return False

    rubric = rubric_of(YES | {"check": {"python": "f"}}, TONE)
    with LoopbackServer([""]) as server:
        one, again, other = (separate(server, rubric, {"f": f}) for f in (always, always, never))
    assert one.fingerprint == again.fingerprint != other.fingerprint
