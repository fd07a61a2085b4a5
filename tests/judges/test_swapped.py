"""A pair judged in both orders, over real servers: what holds stands, what depends on the order is a tie."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import SIDE, YES, rubric_of
from loopback import Answer, LoopbackServer, Seen, completion, error
from models import client_of, labelled, says

from judgekit.errors import CallRefused, InputError, UsageError
from judgekit.exchange import Usage
from judgekit.item import Item
from judgekit.judges import Judge
from judgekit.judges.samples import SelfConsistency
from judgekit.judges.swapped import Swapped
from judgekit.verdict import verdict_from_dict

INPUTS = {"input": {"required": False}, "output_a": "One answer", "output_b": "Another"}
PAIR = rubric_of(SIDE, mode="pairwise", inputs=INPUTS, allow_abstain=True)
ITEM = {"id": "1", "input": "Which?", "output_a": "ALPHA", "output_b": "OMEGA"}
TURNED = {"a": "b", "b": "a"}


def is_swapped(seen: Seen) -> bool:
    """Whether the judge was shown the second answer first."""
    asked = seen.body["messages"][1]["content"]
    return asked.index("OMEGA") < asked.index("ALPHA")


def in_order(ab: object, ba: object):
    """A model that answers by the order it is shown; `ba` in the words of that order."""
    return lambda seen: ba if is_swapped(seen) else ab


def swapped(server: LoopbackServer, rubric=PAIR, **options: object) -> Swapped:
    return Swapped(Judge(rubric, client_of(server), **options))


def grade(ab: object, ba: object, rubric=PAIR, **options: object):
    ab, ba = (says(better=one) if isinstance(one, str) and len(one) < 20 else one for one in (ab, ba))
    with LoopbackServer(in_order(ab, ba)) as server:
        return swapped(server, rubric, **options).grade(ITEM), server


KNOWN = [
    ("a", "b", "a", 1.0),  # the first answer both times
    ("b", "a", "b", 0.0),
    ("tie", "tie", "tie", 0.5),
    ("a", "a", "tie", 0.5),  # whatever stands first
    ("b", "b", "tie", 0.5),
    ("a", "tie", "tie", 0.5),
    ("tie", "a", "tie", 0.5),
]


@pytest.mark.parametrize(("ab", "ba", "label", "score"), KNOWN)
def test_the_same_choice_in_both_orders_stands_and_another_is_a_tie(ab, ba, label, score):
    verdict, server = grade(ab, ba)
    better = verdict.criteria["better"]
    assert (verdict.status, verdict.label, verdict.score) == ("ok", label, score)
    assert (better.label, better.score, better.passed) == (label, score, None)
    first, second = verdict.parts
    assert (first["order"], second["order"], server.count) == ("ab", "ba", 2)
    assert (first["label"], second["label"]) == (ab, TURNED.get(ba, ba))
    assert (first["criteria"]["better"]["label"], second["criteria"]["better"]["label"]) == (
        ab,
        TURNED.get(ba, ba),
    )
    scores = {"a": 1.0, "tie": 0.5, "b": 0.0}
    assert [part["score"] for part in verdict.parts] == [scores[ab], scores[TURNED.get(ba, ba)]]
    assert second["criteria"]["better"]["score"] == scores[TURNED.get(ba, ba)]
    if ab != TURNED.get(ba, ba):
        assert better.explanation.startswith(f"in this order {ab}, swapped {TURNED.get(ba, ba)}: ")
    assert verdict_from_dict(verdict.to_dict()).to_dict() == verdict.to_dict()


def test_only_the_two_outputs_change_places():
    _, server = grade("a", "b")
    one, two = sorted(server.seen, key=is_swapped)
    assert not is_swapped(one) and is_swapped(two) and server.most_at_once <= 2
    for seen in (one, two):
        assert "Which?" in seen.said()
    assert one.body["messages"][0] == two.body["messages"][0]
    assert one.body["response_format"] == two.body["response_format"]


def quoting(label: str, quote: str) -> str:
    return says(better={"label": label, "evidence": [quote]})


def test_quotes_are_put_back_to_the_field_they_stand_in():
    rubric = rubric_of(SIDE | {"evidence": "output_a"}, mode="pairwise", inputs=INPUTS)
    verdict, _ = grade(quoting("a", "ALPHA"), quoting("b", "OMEGA"), rubric)
    (quote,) = verdict.criteria["better"].evidence
    assert (quote.field, quote.quote, quote.found, quote.start) == ("output_a", "ALPHA", True, 0)
    (other,) = verdict.parts[1]["criteria"]["better"]["evidence"]
    assert (other["field"], other["quote"], other["found"], other["start"]) == ("output_b", "OMEGA", True, 0)
    verdict, _ = grade(quoting("a", "ALPHA"), quoting("a", "OMEGA"), rubric)
    told = [(q.field, q.quote, q.found) for q in verdict.criteria["better"].evidence]
    assert told == [("output_a", "ALPHA", True), ("output_b", "OMEGA", True)]
    shared = rubric_of(SIDE | {"evidence": "input"}, mode="pairwise", inputs=INPUTS)
    verdict, _ = grade(quoting("a", "Which"), quoting("a", "Which"), shared)
    assert [quote.field for quote in verdict.criteria["better"].evidence] == ["input", "input"]


HEAD = '{"better": {"explanation": "x", "label": "'


def test_confidence_is_the_mean_of_both():
    first, second = labelled(HEAD, {"a": 0.7, "b": 0.3}), labelled(HEAD, {"b": 0.6, "a": 0.4})
    verdict, _ = grade(first, second, confidence=True)
    assert (verdict.label, verdict.criteria["better"].confidence) == ("a", 0.65)
    assert [part["criteria"]["better"]["confidence"] for part in verdict.parts] == [0.7, 0.6]
    verdict, _ = grade(first, says(better="b"), confidence=True)
    assert (verdict.label, verdict.criteria["better"].confidence) == ("a", None)
    verdict, _ = grade(first, first, confidence=True)
    assert (verdict.label, verdict.criteria["better"].confidence) == ("tie", None)


@pytest.mark.parametrize(("ab", "ba"), [("cannot_tell", "a"), ("a", "cannot_tell"), ("cannot_tell",) * 2])
def test_an_abstention_in_one_order_abstains(ab, ba):
    verdict, _ = grade(ab, ba)
    assert (verdict.status, verdict.label, verdict.score) == ("abstained", None, None)


def test_not_applicable():
    rubric = rubric_of(SIDE | {"allow_not_applicable": True}, mode="pairwise", inputs=INPUTS)
    verdict, _ = grade("not_applicable", "not_applicable", rubric)
    assert (verdict.status, verdict.criteria["better"].label, verdict.score) == ("ok", "not_applicable", None)
    for ab, ba in (("not_applicable", "a"), ("a", "not_applicable")):
        verdict, _ = grade(ab, ba, rubric)
        assert (verdict.status, verdict.score) == ("abstained", None)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (error(500), "provider_error"),
        (error(429), "rate_limited"),
        ("nothing at all, not once", "invalid_reply"),
    ],
    ids=["500", "429", "no verdict"],
)
def test_an_order_that_fails_fails_the_pair(broken, status, place):
    script = ["a", "b"]
    script[place] = broken
    verdict, _ = grade(*script)
    assert (verdict.status, verdict.label, verdict.score) == (status, None, None)
    assert verdict.error.kind == status and verdict.error.message
    assert verdict.parts[place]["status"] == status and verdict.parts[1 - place]["status"] == "ok"


def test_sums():
    with LoopbackServer([says(better="a"), "nonsense", says(better="b")]) as server:
        verdict = Swapped(Judge(PAIR, client_of(server, price=(10.0, 100.0)))).grade(ITEM)
    assert (verdict.attempts, verdict.usage) == (3, Usage(300, 30, 120, pytest.approx(0.006)))


def test_a_wrong_key_is_raised_and_leaves_nothing_running():
    async def run() -> set:
        judge = swapped(server)
        with pytest.raises(CallRefused):
            await judge.agrade(ITEM)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await judge.aclose()
        return left

    with LoopbackServer(in_order(Answer(completion("late"), delay=60), error(401))) as server:
        assert asyncio.run(run()) == set()


def test_several_criteria_are_put_back_one_by_one():
    rubric = rubric_of(SIDE, {"name": "safer", "question": "Which is safer?"}, mode="pairwise")
    verdict, _ = grade(says(better="a", safer="b"), says(better="b", safer="b"), rubric)
    assert [f.label for f in verdict.criteria.values()] == ["a", "tie"]
    assert (verdict.label, verdict.score) == ("a", 0.75)


def test_what_has_no_order_cannot_be_swapped():
    with LoopbackServer([""]) as server:
        with pytest.raises(UsageError, match=r"test@1\.0\.0 grades one output; only a pair can be swapped"):
            Swapped(Judge(rubric_of(YES), client_of(server)))
        with pytest.raises(InputError, match="output_b: the rubric test needs it"):
            swapped(server).grade(output_a="x")


def test_the_fingerprint_is_of_all_that_decides():
    with LoopbackServer([""]) as server, LoopbackServer([""]) as other:
        base = swapped(server)
        differing = [
            base.single,
            Swapped(Judge(PAIR, client_of(server, "openai/y"))),
            Swapped(Judge(PAIR, client_of(server, temperature=0.5))),
            swapped(server, rubric_of(SIDE, mode="pairwise")),
        ]
        same = [swapped(other), Swapped(Judge(PAIR, client_of(server, attempts=5, max_connections=1)))]
    assert len({one.fingerprint for one in [base, *differing]}) == 5
    assert {one.fingerprint for one in same} == {base.fingerprint}
    assert base.name == "swap(openai/x)" and base.destination == base.single.destination


def test_samples_of_each_order():
    with LoopbackServer(in_order(says(better="a"), says(better="b"))) as server:
        judge = Swapped(SelfConsistency(Judge(PAIR, client_of(server, temperature=0.7)), 3))
        verdict = judge.grade(ITEM)
    assert (verdict.label, verdict.criteria["better"].confidence, server.count) == ("a", 1.0, 6)
    assert [len(part["parts"]) for part in verdict.parts] == [3, 3]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@settings(max_examples=30)
@given(TEXT, TEXT)
def test_the_item_itself_stays_as_it_is(one, two):
    """A model that takes the longer answer, or says tie: order does not matter to it."""

    def choose(seen: Seen) -> str:
        blocks = seen.said().split(" begins]\n")[1:]
        first, second = (len(block.split("\n[")[0]) for block in blocks)
        return says(better="tie" if first == second else "a" if first > second else "b")

    item = Item("1", {"output_a": one, "output_b": two})
    before = json.dumps(dict(item.fields))
    with LoopbackServer(choose) as server:
        verdict = swapped(server).grade(item)
    assert json.dumps(dict(item.fields)) == before
    assert verdict.label == ("tie" if len(one) == len(two) else "a" if len(one) > len(two) else "b")
    assert verdict.parts[0]["label"] == verdict.parts[1]["label"]
