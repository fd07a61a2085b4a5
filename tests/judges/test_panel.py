"""Several judges vote, over real servers."""

import asyncio

import pytest
from judged import LENGTH, TONE, TOPIC, YES, rubric_of
from loopback import Answer, LoopbackServer, completion, error
from models import by_model, client_of, says

from judgekit.errors import CallRefused, UsageError
from judgekit.exchange import Usage
from judgekit.judges import Judge, LexicalGrader, RecordedGrader
from judgekit.judges.panel import Panel
from judgekit.verdict import verdict_from_dict

ITEM = {"id": "1", "output": "An answer."}
ONE = rubric_of(YES)


def panel(server: LoopbackServer, names: str = "xyz", rubric=ONE, **options: object) -> Panel:
    """One judge for each letter, each a model of that name."""
    return Panel([Judge(rubric, client_of(server, f"openai/{name}")) for name in names], **options)


def grade(rubric=ONE, options=None, **scripts):
    with LoopbackServer(by_model(**scripts)) as server:
        return panel(server, "".join(scripts), rubric, **(options or {})).grade(ITEM), server


YEA, NAY = says("Yes.", correct="pass"), says("No.", correct="fail")


def test_most_win_and_parts_hold_what_each_said():
    verdict, server = grade(x=NAY, y=Answer(completion(YEA, model="why")), z=YEA)
    correct = verdict.criteria["correct"]
    assert (correct.label, correct.confidence, correct.score) == ("pass", 0.666667, 1.0)
    assert correct.explanation == verdict.explanation == "2 of 3: Yes."
    assert [part["criteria"]["correct"]["label"] for part in verdict.parts] == ["fail", "pass", "pass"]
    assert [part["model"]["asked"] for part in verdict.parts] == ["openai/x", "openai/y", "openai/z"]
    assert [part["model"]["served"] for part in verdict.parts] == ["served-1", "why", "served-1"]
    assert (verdict.served_model, verdict.attempts, server.count) == ("served-1, why", 3, 3)
    assert verdict.usage == Usage(300, 30, 120, None)
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()


def test_criteria_are_decided_one_by_one():
    verdict, _ = grade(
        rubric_of(YES, LENGTH, TOPIC),
        x=says(correct="pass", length=1, topic="bill"),
        y=says(correct="pass", length=9, topic="login"),
        z=says(correct="fail", length=2, topic="other"),
    )
    assert [f.label if f.value is None else f.value for f in verdict.criteria.values()] == ["pass", 2.0, None]
    assert verdict.criteria["topic"].status == "abstained"


def test_judges_are_asked_at_once_and_a_slow_one_is_waited_for():
    slow = Answer(completion(NAY), delay=0.15)
    verdict, server = grade(x=slow, y=Answer(completion(YEA), delay=0.15), z=slow)
    assert (server.most_at_once, verdict.criteria["correct"].label) == (3, "fail")


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (error(500), "provider_error"),
        (error(429), "rate_limited"),
        (Answer("not json"), "provider_error"),
        (Answer(reset=True), "provider_error"),
        (Answer(completion("no verdict")), "invalid_reply"),
    ],
    ids=["500", "429", "broken", "reset", "no verdict"],
)
def test_a_judge_that_fails_fails_the_item_only_where_it_could_turn_it(broken, status):
    verdict, _ = grade(x=YEA, y=YEA, z=broken)
    assert (verdict.status, verdict.criteria["correct"].label) == ("ok", "pass")
    assert verdict.criteria["correct"].confidence == 0.666667
    assert [part["status"] for part in verdict.parts] == ["ok", "ok", status]
    verdict, _ = grade(x=YEA, y=NAY, z=broken)
    assert (verdict.status, verdict.score, verdict.label) == (status, None, None)
    assert verdict.error.message.startswith("1 of 3 gave no answer, which could have turned it: ")
    weighty, _ = grade(options={"weights": [2, 1, 3]}, x=YEA, y=YEA, z=broken)
    assert weighty.status == status


def test_all_fail():
    verdict, _ = grade(x=error(500), y=error(429), z=error(500))
    assert (verdict.status, verdict.score, len(verdict.parts)) == ("provider_error", None, 3)
    assert verdict.attempts == 3 and "3 of 3 gave no answer" in verdict.error.message


@pytest.mark.parametrize("refused", ["x", "y", "z"])
def test_a_wrong_key_is_raised_and_leaves_nothing_running(refused):
    async def run(server: LoopbackServer) -> set:
        judge = panel(server)
        with pytest.raises(CallRefused):
            await judge.agrade(ITEM)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await judge.aclose()
        return left

    scripts = {name: Answer(completion(YEA), delay=60) for name in "xyz"} | {refused: error(401)}
    with LoopbackServer(by_model(**scripts)) as server:
        assert asyncio.run(run(server)) == set()


def test_weights():
    verdict, _ = grade(options={"weights": [3, 1, 1]}, x=NAY, y=YEA, z=YEA)
    assert (verdict.criteria["correct"].label, verdict.criteria["correct"].confidence) == ("fail", 0.6)
    rubric = rubric_of(YES, TONE)
    said = {"x": says(correct="pass", tone="1"), "y": says(correct="fail", tone="3")}
    weights = [{"correct": 2, "tone": 1}, {"correct": 1, "tone": 2}]
    verdict, _ = grade(rubric, {"weights": weights}, **said)
    assert [f.label for f in verdict.criteria.values()] == ["pass", "3"]
    verdict, _ = grade(rubric, {"weights": [0, 1]}, **said)
    assert [(f.label, f.confidence) for f in verdict.criteria.values()] == [("fail", 1.0), ("3", 1.0)]
    verdict, _ = grade(rubric_of(TONE), {"weights": [3, 1], "by": "mean"}, x=says(tone="1"), y=says(tone="3"))
    assert (verdict.score, verdict.criteria["tone"].label) == (0.25, "1")


def test_weights_that_make_no_sense():
    bad = [
        [1, 1],
        [1, -1, 1],
        [0, 0, 0],
        [1, float("nan"), 1],
        [1, float("inf"), 1],
        [1, {"other": 1}, 1],
        [],
    ]
    with LoopbackServer([""]) as server:
        for weights in bad:
            with pytest.raises(UsageError, match="weight"):
                panel(server, weights=weights)
        with pytest.raises(UsageError, match="two judges or more"):
            panel(server, "x")
        with pytest.raises(UsageError, match="openai/y stands twice in the panel"):
            panel(server, "yxy")
        with pytest.raises(UsageError, match="no way to combine"):
            panel(server, by="most")
        other = Judge(rubric_of(YES | {"question": "Or?"}, version="2"), client_of(server))
        with pytest.raises(UsageError, match=r"grade by one rubric, not by test@1\.0\.0 and test@2"):
            Panel([panel(server), other])


def test_the_fingerprint_is_of_all_that_decides():
    with LoopbackServer([""]) as server, LoopbackServer([""]) as other:
        base = panel(server)
        differing = [
            panel(server, "xy"),
            panel(server, "xyw"),
            panel(server, weights=[1, 2, 1]),
            panel(server, by="mean"),
            panel(server, rubric=rubric_of(YES | {"gate": True})),
            Panel([Judge(ONE, client_of(server, f"openai/{n}", temperature=0.5)) for n in "xyz"]),
        ]
        busy = [Judge(ONE, client_of(other, f"openai/{n}", attempts=7, max_connections=1)) for n in "xyz"]
        same = [panel(other), panel(server, weights=[1.0, 1, 1]), Panel(busy)]
    assert len({one.fingerprint for one in [base, *differing]}) == 7
    assert {one.fingerprint for one in same} == {base.fingerprint}
    assert base.signature.startswith("test@1.0.0|panel(openai/x, openai/y, openai/z)|majority")
    assert "weights=1:2:1" in differing[2].signature and "weights" not in base.signature


def test_all_hosts_are_named_once():
    with LoopbackServer([""]) as one, LoopbackServer([""]) as two:
        here, there = (
            client_of(one, "openai/x"),
            client_of(two, "openai/y", base_url=f"http://localhost:{two.port}/v1"),
        )
        first, second, third = (Judge(ONE, client) for client in (here, there, client_of(one, "openai/z")))
        offline, coded = LexicalGrader(ONE), RecordedGrader(ONE, "recorded/r", {})
        assert first.destination == third.destination != second.destination
        distinct = f"{first.destination}, {second.destination}"
        assert Panel([first, second, third, offline]).destination == distinct
        assert Panel([Panel([first, second]), second, third]).destination == distinct
        assert Panel([offline, coded]).destination == ""


def test_a_panel_of_panels():
    with LoopbackServer(by_model(x=YEA, y=YEA, z=NAY)) as server:
        judge = Panel([panel(server, "xz", weights=[2, 1]), Judge(ONE, client_of(server, "openai/y"))])
        verdict = judge.grade(ITEM)
    assert (verdict.criteria["correct"].label, verdict.attempts, server.count) == ("pass", 3, 3)
    assert [len(part["parts"]) for part in verdict.parts] == [2, 0]
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()
