"""Criteria that code answers beside those of a model, and how sure the model was, over a real server."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import LENGTH, TONE, YES, rubric_of
from loopback import Answer, LoopbackServer, Seen, completion, error
from models import client_of, says, sure

from judgekit.errors import UsageError
from judgekit.judges import Judge

ITEM = {"id": "1", "output": "An answer."}
ONE = rubric_of(YES)


def levels(*labels: str) -> dict:
    """A categorical criterion with these labels."""
    return {"name": "c", "question": "Which?", "scale": "categorical", "levels": dict.fromkeys(labels, "")}


def grade(rubric, *script, **options):
    """The verdict, and the requests that arrived."""
    options = {"confidence": True, **options}
    with LoopbackServer(list(script)) as server:
        return Judge(rubric, client_of(server), **options).grade(ITEM), server.seen


# ---------------------------------------------------------------- code beside a model

CHECKED = [
    YES,
    {"name": "short-secretly", "question": "Short?", "scale": "binary", "levels": {"pass": "", "fail": ""}}
    | {"check": {"matches": "An"}},
    {"name": "counted-secretly", "question": "How many?", "scale": "numeric", "range": [0, 10]}
    | {"check": {"python": "count"}},
]


def test_the_model_never_sees_what_code_answers():
    examples = [
        {"item": {"output": "old"}, "labels": {"correct": "fail", "short-secretly": "pass"}},
        {"item": {"output": "never shown"}, "labels": {"short-secretly": "pass"}},
    ]
    rubric = rubric_of(*CHECKED, examples=examples, aggregate="minimum", threshold=0.1)
    with LoopbackServer([says(correct="pass")]) as server:
        judge = Judge(rubric, client_of(server), checks={"count": lambda item: len(item["output"].split())})
        verdict = judge.grade(ITEM)
    (seen,) = server.seen
    assert b"secretly" not in seen.raw and b"never shown" not in seen.raw and b"old" in seen.raw
    schema = seen.body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == schema["required"] == ["correct"]
    assert list(verdict.criteria) == ["correct", "short-secretly", "counted-secretly"]
    assert [f.label if f.value is None else f.value for f in verdict.criteria.values()] == ["pass", "pass", 2]
    assert (verdict.status, verdict.score, verdict.passed) == ("ok", 0.2, True)


def test_what_a_model_says_of_codes_criteria_is_not_heard():
    reply = says(correct="pass", **{"short-secretly": "fail", "counted-secretly": 9})
    verdict, _ = grade(rubric_of(*CHECKED[:2]), reply)
    assert verdict.criteria["short-secretly"].label == "pass"


def test_a_check_that_breaks_fails_the_row_and_costs_no_second_call():
    def count(_):
        raise ZeroDivisionError("oh")

    verdict, seen = grade(rubric_of(*CHECKED), says(correct="pass"), checks={"count": count})
    assert (verdict.status, verdict.score, len(seen)) == ("invalid_reply", None, 1)
    assert "ZeroDivisionError: oh" in verdict.error.message
    assert verdict.criteria["correct"].label == "pass"


def test_a_check_that_nobody_gave_and_a_rubric_without_any_question():
    with LoopbackServer([""]) as server:
        with pytest.raises(UsageError, match=r"not given: count \(for counted-secretly\)"):
            Judge(rubric_of(*CHECKED), client_of(server))
        with pytest.raises(UsageError, match="answered by code alone"):
            Judge(rubric_of(CHECKED[1]), client_of(server))


# ---------------------------------------------------------------- how sure

HEAD = '{"c": {"explanation": "Because.", "label": '
KNOWN = {
    "one token": (["pass", "fail"], ['"', ("pass", {"pass": 0.7, "fail": 0.2, "no": 0.1}), '"'], 0.7 / 0.9),
    "several tokens": (
        ["pass", "fail"],
        ['"', ("p", {"p": 0.8, "f": 0.2}), ("ass", {"ass": 0.9, "ure": 0.1}), '"'],
        0.72 / 0.92,
    ),
    "a shared prefix": (
        ["partial", "pass"],
        ['"', "pa", ("ss", {"ss": 0.6, "rtial": 0.4}), '"'],
        0.6,
    ),
    "one begins another": (
        ["1", "10"],
        ['"', "1", ('"', {'"': 0.75, "0": 0.25})],
        0.75,
    ),
    "the longer one": (["1", "10"], ['"', "1", ("0", {"0": 0.25, '"': 0.75}), '"'], 0.25),
    "a space inside": (
        ["not good", "not bad"],
        ['"', "not", (" good", {" good": 0.9, " bad": 0.1}), '"'],
        0.9,
    ),
    "another script": (["良い", "悪い"], ['"', ("良", {"良": 0.6, "悪": 0.4}), "い", '"'], 0.6),
    "an accent": (["très", "peu"], ['"', ("très", {"très": 0.9, "Peu": 0.1}), '"'], 0.9),
    "the opening quote merged": (
        ["pass", "fail"],
        [('"pass', {'"pass': 0.6, '"fail': 0.2, '"': 0.2}), '"'],
        0.75,
    ),
    "the closing quote merged": (
        ["1", "10"],
        ['"', ('1"', {'1"': 0.5, "10": 0.3, '10"': 0.1, "x": 0.1})],
        0.5 / 0.9,
    ),
    "both, and the end": (["pass", "fail"], [('"pass"}', {'"pass"}': 0.3, '"fail"}': 0.7})], 0.3),
    "alternatives in other case": (
        ["Pass", "Fail"],
        ['"', ("Pass", {"Pass": 0.5, "PASS": 0.2, "pass": 0.1, "fail": 0.2}), '"'],
        0.8,
    ),
    "said in other case": (["Pass", "Fail"], ['"', ("pass", {"pass": 0.9, "Fail": 0.1}), '"'], 0.9),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_confidences(name):
    labels, pieces, expected = KNOWN[name]
    told = "".join(one if isinstance(one, str) else one[0] for one in pieces)
    verdict, seen = grade(rubric_of(levels(*labels)), sure(HEAD, *pieces, "}" * (2 - told.count("}"))))
    assert verdict.status == "ok", verdict
    assert verdict.criteria["c"].confidence == round(expected, 6)
    assert (seen[0].body["logprobs"], seen[0].body["top_logprobs"], len(seen)) == (True, 20, 1)


def test_a_character_that_tokens_share_hides_what_could_have_stood_there():
    answer = sure(HEAD, '"', ("良", {"良": 0.5, "悪": 0.5}), 'い"}}')
    content = answer.body["choices"][0]["logprobs"]["content"]
    first = content[2] | {"token": "\\xe8", "bytes": list("良".encode())[:1]}
    rest = content[2] | {"token": "\\x89\\xaf", "bytes": list("良".encode())[1:], "logprob": 0.0}
    content[2:3] = [first, rest]
    verdict, _ = grade(rubric_of(levels("良い", "悪い")), answer)
    assert (verdict.status, verdict.criteria["c"].label, verdict.criteria["c"].confidence) == (
        "ok",
        "良い",
        None,
    )


def test_each_of_several_criteria_has_its_own():
    pieces = [
        'Well: {"correct": {"explanation": "\\"label\\": \\"fail\\"", "label": "',
        ("pass", {"pass": 0.6, "fail": 0.4}),
        '"}, "length": {"explanation": "Half.", "value": 5}, "tone": {"label": "',
        ("2", {"2": 0.5, "1": 0.25, "3": 0.25}),
        '", "explanation": "Kind."}}',
    ]
    verdict, _ = grade(rubric_of(YES, TONE, LENGTH), sure(*pieces))
    assert {name: f.confidence for name, f in verdict.criteria.items()} == {
        "correct": 0.6,
        "tone": 0.5,
        "length": None,
    }


def test_not_applicable_and_cannot_tell_count_where_they_may_be_said():
    table = {"pass": 0.5, "not": 0.25, "cannot": 0.25}
    answer = sure('{"correct": {"explanation": "x", "label": "', ("pass", table), '"}}')
    skipping = YES | {"allow_not_applicable": True}
    for rubric, expected in (
        (ONE, 1.0),
        (rubric_of(skipping), 0.666667),
        (rubric_of(YES, allow_abstain=True), 0.666667),
        (rubric_of(skipping, allow_abstain=True), 0.5),
    ):
        assert grade(rubric, answer)[0].criteria["correct"].confidence == expected


def test_an_abstention_has_none():
    verdict, _ = grade(
        rubric_of(YES, allow_abstain=True),
        sure(
            '{"correct": {"explanation": "?", "label": "',
            ("cannot", {"cannot": 0.9, "pass": 0.1}),
            '_tell"}}',
        ),
    )
    assert (verdict.status, verdict.criteria["correct"].confidence) == ("abstained", None)


def test_nothing_is_asked_for_unless_wanted():
    verdict, seen = grade(ONE, says(correct="pass"), confidence=False)
    assert "logprobs" not in seen[0].body and verdict.criteria["correct"].confidence is None


def test_without_probabilities_there_is_no_confidence():
    verdict, _ = grade(ONE, says(correct="pass"))
    assert (verdict.status, verdict.criteria["correct"].label) == ("ok", "pass")
    assert verdict.criteria["correct"].confidence is None


def test_tokens_of_another_text_are_not_believed():
    answer = sure('{"correct": {"explanation": "x", "label": "', ("pass", {"pass": 0.9, "fail": 0.1}), '"}}')
    answer.body["choices"][0]["message"]["content"] = says(correct="fail")
    verdict, _ = grade(ONE, answer)
    assert (verdict.criteria["correct"].label, verdict.criteria["correct"].confidence) == ("fail", None)


def test_a_server_that_refuses_probabilities_is_asked_without():
    def refuse(seen: Seen) -> Answer:
        if "logprobs" in seen.body:
            return error(400, "logprobs is not supported by this model")
        return Answer(completion(says(correct="pass")))

    with LoopbackServer(refuse) as server:
        judge = Judge(ONE, client_of(server), confidence=True)
        first, second = judge.grade(ITEM), judge.grade(ITEM)
    assert (first.status, first.criteria["correct"].confidence, second.status) == ("ok", None, "ok")
    assert [seen.body.get("top_logprobs") for seen in server.seen] == [20, 5, None, None]


def test_a_repaired_reply_has_the_confidence_of_the_reply_that_answered():
    kept = [
        '{"correct": {"explanation": "x", "label": "',
        ("pass", {"pass": 0.8, "fail": 0.2}),
        '"}, "tone": {"explanation": "x", "label": "9"}}',
    ]
    again = [
        '{"correct": {"explanation": "x", "label": "',
        ("fail", {"fail": 0.9, "pass": 0.1}),
        '"}, "tone": {"explanation": "x", "label": "',
        ("2", {"2": 0.7, "3": 0.3}),
        '"}}',
    ]
    verdict, seen = grade(rubric_of(YES, TONE), sure(*kept), sure(*again))
    correct, tone = verdict.criteria.values()
    assert (correct.label, correct.confidence, tone.label, tone.confidence) == ("pass", 0.8, "2", 0.7)
    assert [one.body["logprobs"] for one in seen] == [True, True]


# ---------------------------------------------------------------- expected scores (arXiv:2303.16634)

TONE_HEAD, TONE_TAIL = '{"tone": {"explanation": "x", "label": "', '"}}'


def toned(label: str, table: dict, **more) -> tuple:
    return grade(rubric_of(TONE | more), sure(TONE_HEAD, (label, table), TONE_TAIL), expected_score=True)


def test_the_expected_score_is_the_mean_of_scores_by_their_probabilities():
    verdict, _ = toned("2", {"2": 0.5, "1": 0.1, "3": 0.4})
    tone = verdict.criteria["tone"]
    assert (tone.label, tone.confidence, tone.score) == ("2", 0.5, 0.65)  # .5 × .5 + .4 × 1
    assert (verdict.status, verdict.score) == ("ok", 0.65)


def test_what_is_no_level_does_not_weigh():
    verdict, _ = toned("2", {"2": 0.4, "3": 0.4, "x": 0.1, "not": 0.1})
    assert verdict.criteria["tone"].score == 0.75
    verdict, _ = toned("2", {"2": 0.4, "3": 0.4, "not": 0.2}, allow_not_applicable=True)
    assert (verdict.criteria["tone"].score, verdict.criteria["tone"].confidence) == (0.75, 0.4)


def test_passing_is_decided_by_the_label():
    verdict, _ = toned("3", {"3": 0.5, "1": 0.5}, pass_at="3")
    assert (verdict.criteria["tone"].score, verdict.criteria["tone"].passed) == (0.5, True)


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(["1", "2", "3"]), st.integers(1, 50), min_size=1), st.data())
def test_the_formula(weights, data):
    label, whole = data.draw(st.sampled_from(sorted(weights))), sum(weights.values())
    verdict, _ = toned(label, {name: weight / whole for name, weight in weights.items()})
    expected = sum({"1": 0, "2": 0.5, "3": 1}[name] * weight for name, weight in weights.items()) / whole
    assert verdict.criteria["tone"].score == pytest.approx(expected, abs=1e-6)
    assert verdict.criteria["tone"].label == label


def test_without_probabilities_an_expected_score_fails_and_says_why():
    verdict, seen = grade(rubric_of(TONE, YES), says(tone="2", correct="pass"), expected_score=True)
    assert (verdict.status, verdict.score, verdict.passed, len(seen)) == ("provider_error", None, None, 1)
    assert "tone: no probabilities of its label came with the reply" in verdict.error.message
    assert verdict.criteria["correct"].label == "pass", "a binary criterion needs none"


def test_not_applicable_needs_no_probabilities():
    rubric = rubric_of(TONE | {"allow_not_applicable": True}, YES)
    verdict, _ = grade(rubric, says(tone="not_applicable", correct="pass"), expected_score=True)
    assert (verdict.status, verdict.score, verdict.criteria["tone"].score) == ("ok", 1.0, None)


def test_what_enters_the_fingerprint():
    with LoopbackServer([""]) as server:
        client = client_of(server)
        plain, confident, expecting = (
            Judge(ONE, client, confidence=c, expected_score=e)
            for c, e in ((False, False), (True, False), (False, True))
        )
    assert plain.fingerprint == confident.fingerprint != expecting.fingerprint
    assert (plain.confident, confident.confident, expecting.confident) == (False, True, True)
    assert "expected_score" in expecting.signature and expecting.settings["expected_score"] is True


def test_many_confident_grades_at_once_do_not_mix():
    def answer(seen: Seen) -> Answer:
        share = int(next(line for line in seen.said().splitlines() if line.isdigit())) / 100
        table = {"pass": share, "fail": 1 - share}
        return sure('{"correct": {"explanation": "x", "label": "', ("pass", table), '"}}')

    async def run(judge: Judge) -> list:
        try:
            found = [v async for v in judge.agrade_many({"output": str(n)} for n in range(1, 100))]
        finally:
            await judge.aclose()
        return [v.criteria["correct"].confidence for v in found]

    with LoopbackServer(answer) as server:
        found = asyncio.run(run(Judge(ONE, client_of(server), confidence=True)))
    assert found == [n / 100 for n in range(1, 100)]


def test_what_a_server_is_asked_is_plain_json():
    _, seen = grade(ONE, says(correct="pass"))
    assert json.loads(seen[0].raw)["model"] == "x"
