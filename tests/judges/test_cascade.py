"""A cheap judge first, a better one where the first is not sure: who is asked, and who is not."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import LENGTH, TONE, YES, rubric_of
from loopback import Answer, LoopbackServer, completion, error
from models import by_model, client_of, labelled, says

from judgekit.errors import CallRefused, UsageError
from judgekit.exchange import Usage
from judgekit.judges import CorrectedJudge, Judge
from judgekit.judges.cascade import Cascade
from judgekit.judges.panel import Panel
from judgekit.judges.samples import SelfConsistency
from judgekit.verdict import verdict_from_dict

ITEM = {"id": "1", "output": "An answer."}
ONE = rubric_of(YES, allow_abstain=True)
TWO = rubric_of(YES, TONE, allow_abstain=True)
HEAD = '{"correct": {"explanation": "x", "label": "'
LATER = says("On reflection.", correct="fail")


def confident(label: str, sure: float) -> Answer:
    """An answer that is so sure of its label; more than half."""
    other = {"pass": "fail", "fail": "pass"}[label]
    return labelled(HEAD, {label: sure, other: 1 - sure} if sure < 1 else {label: 1.0})


def cascade(server: LoopbackServer, rubric=ONE, below=0.9, names: str = "xy", **options: object) -> Cascade:
    judges = [Judge(rubric, client_of(server, f"openai/{n}", **options), confidence=True) for n in names]
    return Cascade(judges, below)


def asked(server: LoopbackServer) -> str:
    """The models that were asked, in their order."""
    return "".join(seen.body["model"] for seen in server.seen)


def grade(rubric=ONE, below=0.9, **scripts):
    """The verdict, and who was asked."""
    with LoopbackServer(by_model(**scripts)) as server:
        return cascade(server, rubric, below, "".join(scripts)).grade(ITEM), asked(server)


# ---------------------------------------------------------------- when the next is asked


@pytest.mark.parametrize(("sure", "who"), [(1.0, "x"), (0.95, "x"), (0.9, "x"), (0.89, "xy"), (0.6, "xy")])
def test_by_the_confidence_of_tokens(sure, who):
    verdict, order = grade(x=confident("pass", sure), y=LATER)
    assert order == who
    assert verdict.criteria["correct"].label == ("pass" if who == "x" else "fail")
    assert [part["model"]["asked"] for part in verdict.parts] == [f"openai/{name}" for name in who]
    assert (verdict.attempts, verdict.usage.input_tokens) == (len(who), 100 * len(who))


def test_a_verdict_that_stands_keeps_its_confidence():
    verdict, _ = grade(x=confident("pass", 0.95), y=LATER)
    assert verdict.criteria["correct"].confidence == 0.95 and verdict.explanation == "x"
    verdict, _ = grade(x=confident("pass", 0.7), y=confident("fail", 0.6))
    correct = verdict.criteria["correct"]
    assert (correct.label, correct.confidence) == ("fail", 0.6), "the last one's stands as it is"
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()


@pytest.mark.parametrize(
    "first",
    [
        says(correct="pass"),
        labelled(HEAD, {"cannot_tell": 0.99, "pass": 0.01}),
        error(500),
        error(429),
        Answer(reset=True),
        "no verdict",
    ],
    ids=["no probabilities", "abstained", "500", "429", "reset", "no verdict"],
)
def test_whoever_is_not_known_to_be_sure_hands_on(first):
    verdict, order = grade(x=first, y=LATER)
    assert (verdict.status, verdict.criteria["correct"].label) == ("ok", "fail")
    assert order.replace("xx", "x") == "xy" and len(verdict.parts) == 2


def test_the_last_may_be_as_unsure_as_it_likes():
    for last, status in ((says(correct="cannot_tell"), "abstained"), (error(500), "provider_error")):
        verdict, order = grade(x=confident("pass", 0.6), y=last)
        assert (verdict.status, verdict.score, order) == (status, None, "xy")
        assert verdict.criteria["correct"].status == status


def test_three_in_a_row():
    verdict, order = grade(x=confident("pass", 0.6), y=confident("fail", 0.99), z=LATER)
    assert (order, verdict.criteria["correct"].label, verdict.criteria["correct"].confidence) == (
        "xy",
        "fail",
        0.99,
    )
    assert grade(x=confident("pass", 0.6), y=confident("fail", 0.7), z=LATER)[1] == "xyz"


PAIR = says(correct="pass", tone="2")


def sampled_first(server: LoopbackServer, rubric=TWO, below=0.8) -> Cascade:
    first = SelfConsistency(Judge(rubric, client_of(server, "openai/x", temperature=0.7)), 3)
    return Cascade([first, Judge(rubric, client_of(server, "openai/y"))], below)


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ([("pass", "2"), ("pass", "2"), ("pass", "2")], "xxx"),
        ([("pass", "2"), ("pass", "2"), ("pass", "1")], "xxxy"),
        ([("pass", "2"), ("fail", "2"), ("pass", "2")], "xxxy"),
        ([("pass", "cannot_tell")] * 3, "xxxy"),  # agreed, but on nothing
    ],
)
def test_each_criterion_must_be_sure(said, who):
    script = [says(correct=correct, tone=tone) for correct, tone in said]
    with LoopbackServer(by_model(x=script, y=PAIR)) as server:
        verdict = sampled_first(server).grade(ITEM)
    assert asked(server) == who and verdict.status == "ok"
    assert len(verdict.parts[0]["parts"]) == 3


def test_a_bar_for_each_criterion():
    script = [says(correct="pass", tone="2"), says(correct="pass", tone="2"), says(correct="pass", tone="3")]
    for below, who in (({"correct": 0.9, "tone": 0.6}, "xxx"), ({"correct": 0.6, "tone": 0.9}, "xxxy")):
        with LoopbackServer(by_model(x=script, y=PAIR)) as server:
            sampled_first(server, below=below).grade(ITEM)
        assert asked(server) == who


def test_what_code_answers_does_not_count():
    code = {"name": "starts", "question": "?", "scale": "binary", "levels": {"pass": "", "fail": ""}}
    rubric = rubric_of(YES, code | {"check": {"matches": "^An"}})
    verdict, order = grade(rubric, x=confident("pass", 0.95), y=LATER)
    assert (order, [f.label for f in verdict.criteria.values()]) == ("x", ["pass", "pass"])
    assert verdict.criteria["starts"].confidence is None


@dataclass
class Known:
    """What a card might say of each verdict."""

    p: dict[str, float] = field(default_factory=dict)
    state: str = "calibrated"

    def chances(self, verdict):
        return None, self.p if verdict.criteria else {}


def carded(server, p: dict[str, float], rubric=ONE, below=0.9) -> Cascade:
    first = Judge(rubric, client_of(server, "openai/x"), confidence=True)
    return Cascade(
        [CorrectedJudge(first, Known(p), "sha256:c"), Judge(rubric, client_of(server, "openai/y"))], below
    )


@pytest.mark.parametrize(
    ("label", "p", "who"),
    [
        ("pass", 0.95, "x"),
        ("pass", 0.9, "x"),
        ("pass", 0.8, "xy"),
        ("pass", 0.05, "xy"),  # sure that people disagree is not sure
        ("fail", 0.05, "x"),
        ("fail", 0.2, "xy"),
        ("fail", 0.95, "xy"),
        ("cannot_tell", 0.95, "xy"),
    ],
)
def test_a_card_is_believed_before_tokens(label, p, who):
    unsure = labelled(HEAD, {label: 0.6, "pass" if label == "fail" else "fail": 0.4})
    with LoopbackServer(by_model(x=unsure, y=LATER)) as server:
        verdict = carded(server, {"correct": p}).grade(ITEM)
    assert asked(server) == who
    assert verdict.parts[0]["criteria"]["correct"]["p_pass"] == p


def test_where_a_card_says_nothing_the_confidence_counts():
    for sure, who in ((0.95, "x"), (0.6, "xy")):
        with LoopbackServer(by_model(x=confident("pass", sure), y=LATER)) as server:
            carded(server, {}).grade(ITEM)
        assert asked(server) == who


def test_an_abstention_that_a_card_explains_still_hands_on():
    said = says(correct="pass", tone="cannot_tell")
    with LoopbackServer(by_model(x=said, y=PAIR)) as server:
        verdict = carded(server, {"correct": 0.99, "tone": 0.99}, TWO).grade(ITEM)
    assert asked(server) == "xy" and verdict.criteria["tone"].label == "2"


@settings(max_examples=40)
@given(st.floats(0.51, 1.0), st.floats(0.05, 1.0))
def test_the_second_is_asked_exactly_when_the_first_is_less_sure(sure, below):
    verdict, order = grade(below=below, x=confident("pass", sure), y=LATER)
    first = verdict.parts[0]["criteria"]["correct"]["confidence"]
    assert first == pytest.approx(sure, abs=1e-6)
    assert order == ("x" if first >= below else "xy")


# ---------------------------------------------------------------- many, sums, errors


def test_only_what_is_unsure_goes_on():
    def answer(seen):
        number = int(next(line for line in seen.said().splitlines() if line.isdigit()))
        return LATER if seen.body["model"] == "y" else confident("pass", 0.99 if number % 4 else 0.6)

    with LoopbackServer(answer) as server:
        verdicts = cascade(server).grade_many([{"output": str(n)} for n in range(40)])
    assert [v.criteria["correct"].label for v in verdicts] == (["fail"] + ["pass"] * 3) * 10
    assert (asked(server).count("x"), asked(server).count("y")) == (40, 10)


def test_both_are_paid():
    with LoopbackServer(by_model(x=["nonsense", says(correct="pass")], y=LATER)) as server:
        verdict = cascade(server, price=(10.0, 100.0)).grade(ITEM)
    assert (verdict.attempts, verdict.usage) == (3, Usage(300, 30, 120, pytest.approx(0.006)))
    assert [part["attempts"] for part in verdict.parts] == [2, 1]


@pytest.mark.parametrize("refused", ["x", "y"])
def test_a_wrong_key_of_either_is_raised(refused):
    scripts = {"x": confident("pass", 0.6), "y": LATER} | {refused: error(401)}
    with LoopbackServer(by_model(**scripts)) as server:
        with pytest.raises(CallRefused):
            cascade(server).grade(ITEM)
        assert asked(server) == ("x" if refused == "x" else "xy")


def test_cancelling_leaves_nothing_running():
    async def run() -> set:
        judge = cascade(server)
        task = asyncio.create_task(judge.agrade(ITEM))
        async with asyncio.timeout(30):
            while server.count < 2:  # noqa: ASYNC110 - another thread counts
                await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await judge.aclose()
        return left

    slow = Answer(completion(LATER), delay=60)
    with LoopbackServer(by_model(x=confident("pass", 0.6), y=slow)) as server:
        assert asyncio.run(run()) == set()


def test_what_cannot_cascade():
    with LoopbackServer([""]) as server:
        plain = Judge(ONE, client_of(server, "openai/plain"))
        sure = Judge(ONE, client_of(server), confidence=True)
        with pytest.raises(UsageError, match="two judges or more"):
            Cascade([sure], 0.9)
        with pytest.raises(UsageError, match="openai/plain gives no confidence"):
            Cascade([plain, sure], 0.9)
        for below in (0, -0.1, 1.1, float("nan"), {"correct": 2}):
            with pytest.raises(UsageError, match="below is a probability"):
                Cascade([sure, plain], below)
        with pytest.raises(UsageError, match="below says nothing of correct"):
            Cascade([sure, plain], {"tone": 0.5})
        numeric = [Judge(rubric_of(LENGTH), client_of(server, n), confidence=True) for n in ("openai/x", "y")]
        with pytest.raises(UsageError, match="length: numbers have no confidence"):
            Cascade(numeric, 0.9)
        assert Cascade([sure, plain], 1.0).confident is False
        others = [Judge(ONE, client_of(server, name)) for name in ("openai/p", "openai/q")]
        assert Cascade([Panel(others), sure], 0.9).confident is True


def test_the_fingerprint_is_of_all_that_decides():
    with LoopbackServer([""]) as server, LoopbackServer([""]) as other:
        base = cascade(server)
        plain, sure = (Judge(ONE, client_of(server, f"openai/{n}"), confidence=True) for n in "xy")
        carded_ones = [Cascade([CorrectedJudge(plain, Known(), f"sha256:{c}"), sure], 0.9) for c in "cd"]
        differing = [
            cascade(server, below=0.8),
            cascade(server, names="yx"),
            cascade(server, names="xyz"),
            cascade(server, rubric=rubric_of(YES)),
            cascade(server, temperature=0.5),
            *carded_ones,  # which verdicts go on depends on the card
        ]
        same = [cascade(other), cascade(server, attempts=3, max_connections=1, timeout=5.0)]
    assert len({one.fingerprint for one in [base, *differing]}) == 8
    assert {one.fingerprint for one in same} == {base.fingerprint}
    assert base.signature == "test@1.0.0|cascade(openai/x, openai/y)|below=0.9"
    assert base.destination == plain.destination
