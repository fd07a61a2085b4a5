"""Votes on one criterion: checked against a slow formulation that tries everything a lost vote could say."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from judged import LENGTH, SIDE, TONE, TOPIC, YES, finding, rubric_of

from judgekit.errors import UsageError
from judgekit.judges.votes import Vote, check_way, combined
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE
from judgekit.verdict import ABSTAINED, FAILURES, OK, STATUSES, Evidence, Finding

SCORED_TOPIC = TOPIC | {
    "levels": [{"label": name, "score": score} for name, score in (("bill", 0.9), ("login", 0.1), ("x", 0.1))]
}
CRITERIA = {
    "binary": rubric_of(YES),
    "ordinal": rubric_of(TONE),
    "categorical": rubric_of(TOPIC),
    "scored": rubric_of(SCORED_TOPIC),
    "numeric": rubric_of(LENGTH),
    "pairwise": rubric_of(SIDE, mode="pairwise"),
}
CRITERIA = {name: rubric.criteria[0] for name, rubric in CRITERIA.items()}
SCALES = sorted(CRITERIA)
LOST = "timeout"
WEIGHTS = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0])


def answers(criterion) -> list:
    """All that a judge may say."""
    given = [0.0, 2.0, 5.0, 10.0] if criterion.range else list(criterion.labels)
    return [*given, NOT_APPLICABLE, ABSTAIN]


def votes_of(*given: tuple) -> list[Vote]:
    """Votes from pairs of answer and weight."""
    return [Vote(finding(answer), weight) for answer, weight in given]


def outcome(found: Finding) -> tuple:
    return (found.status, found.label, found.value, found.score, found.confidence)


def ways(criterion) -> list[str]:
    return ["majority", "mean"] if criterion.scored else ["majority"]


@st.composite
def elections(draw, lost: bool = False, weights=WEIGHTS, most: int = 6):
    """A criterion, a way to combine, and votes of it as pairs."""
    criterion = CRITERIA[draw(st.sampled_from(SCALES))]
    options = answers(criterion) + ([LOST] if lost else [])
    given = draw(st.lists(st.tuples(st.sampled_from(options), weights), min_size=1, max_size=most))
    return criterion, draw(st.sampled_from(ways(criterion))), given


# ---------------------------------------------------------------- a slow formulation, in exact numbers


def exact(weight: float) -> Fraction:
    return Fraction(str(weight))


def slow(criterion, given: list[tuple], way: str):
    """What complete votes come to: an answer, or None where they are split; for means a number."""
    given = [(answer, exact(weight)) for answer, weight in given if weight]
    total = sum(weight for _, weight in given)
    tally = {answer: sum(w for a, w in given if a == answer) for answer, _ in given}
    if not given:
        return None
    if way == "mean" or criterion.range:
        outside = {answer: tally.get(answer, Fraction(0)) for answer in (NOT_APPLICABLE, ABSTAIN)}
        for answer, weight in outside.items():
            if weight > total / 2:
                return answer
        if sum(outside.values()) >= total / 2:
            return None
        inside = [(answer, weight) for answer, weight in given if answer not in outside]
        if way == "majority":
            return lower_median(inside)
        number = (lambda x: exact(x)) if criterion.range else (lambda x: exact(criterion.level(x).score))
        return sum(number(a) * w for a, w in inside) / sum(w for _, w in inside)
    best = max(tally.values())
    winners = [answer for answer, weight in tally.items() if weight == best]
    if len(winners) == 1:
        return winners[0]
    if not set(tally) <= set(criterion.labels):
        return None
    if criterion.scale == "pairwise":
        return "tie" if tally.get("a", 0) == tally.get("b", 0) else None
    if criterion.scale == "ordinal":
        places = [(criterion.labels.index(answer), weight) for answer, weight in given]
        low, high = lower_median(places), -lower_median([(-place, weight) for place, weight in places])
        return criterion.labels[low] if low == high else None
    return None


def lower_median(pairs: list[tuple]):
    half = sum(weight for _, weight in pairs) / 2
    return min(x for x, _ in pairs if sum(w for y, w in pairs if y <= x) >= half)


@given(elections())
def test_what_complete_votes_come_to(election):
    criterion, way, given = election
    found, truth = combined(criterion, votes_of(*given), way), slow(*election[:1], given, way)
    if truth is None or truth == ABSTAIN:
        assert (found.status, found.label, found.value) == (ABSTAINED, None, None)
    elif truth == NOT_APPLICABLE:
        assert (found.status, found.label) == (OK, NOT_APPLICABLE)
    elif criterion.range:
        assert (found.status, found.label) == (OK, None) and found.value == pytest.approx(float(truth))
    elif way == "mean":
        assert found.score == pytest.approx(float(truth), abs=1e-6)
        away = {level.label: abs(exact(level.score) - truth) for level in criterion.levels}
        nearest = [level for level in criterion.levels if away[level.label] == min(away.values())]
        assert criterion.level(found.label).score == min(level.score for level in nearest)
    else:
        assert found.label == truth


@given(elections())
def test_confidence_is_the_share_that_agrees(election):
    criterion, way, given = election
    found = combined(criterion, votes_of(*given), way)
    answer = ABSTAIN if found.status == ABSTAINED else found.label
    agree = sum(exact(w) for a, w in given if a == answer)
    told = found.confidence
    if found.value is not None:
        assert told is None
    elif found.status == ABSTAINED and told is None:
        assert slow(criterion, given, way) is None
    elif way == "majority" and answer == "tie" and not agree:
        assert told is None  # nobody said it
    else:
        counting = [w for a, w in given if way == "majority" or a not in (NOT_APPLICABLE, ABSTAIN)]
        whole = counting if found.score is not None else [w for _, w in given]
        assert told == pytest.approx(float(agree / sum(map(exact, whole))), abs=1e-6)


@given(elections(lost=True), st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(election, chance):
    criterion, way, given = election
    other = list(given)
    chance.shuffle(other)
    first, second = (combined(criterion, votes_of(*votes), way) for votes in (given, other))
    assert outcome(first) == pytest.approx(outcome(second))


@given(elections(lost=True), st.data())
def test_a_vote_without_weight_changes_nothing(election, data):
    criterion, way, given = election
    assume(any(weight for _, weight in given))
    extra = data.draw(st.sampled_from([*answers(criterion), LOST, "refused"]))
    place = data.draw(st.integers(0, len(given)))
    more = [*given[:place], (extra, 0.0), *given[place:]]
    assert combined(criterion, votes_of(*more), way) == combined(criterion, votes_of(*given), way)


@given(elections(lost=True, weights=st.sampled_from([0.0, 0.5, 1.0, 2.0]), most=5))
def test_whatever_the_lost_votes_had_said_the_answer_would_be_the_same(election):
    criterion, way, given = election
    lost = [place for place, (answer, weight) in enumerate(given) if answer == LOST and weight]
    assume(1 <= len(lost) <= 2)
    found = combined(criterion, votes_of(*given), way)
    worlds = set()
    for said in product(answers(criterion), repeat=len(lost)):
        filled = list(given)
        for place, answer in zip(lost, said, strict=True):
            filled[place] = (answer, given[place][1])
        worlds.add(slow(criterion, filled, way))
    if found.status in (OK, ABSTAINED):
        assert worlds == {ABSTAIN if found.status == ABSTAINED else found.label}
    else:
        assert (found.status, found.label, found.value, found.score) == (LOST, None, None, None)
        if way == "majority" and criterion.scale in ("binary", "categorical"):
            assert len(worlds) > 1, "it was given up although nothing was open"


@given(
    st.sampled_from(SCALES),
    st.data(),
    st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=9),
)
def test_unanimity_is_kept(scale, data, weights):
    criterion = CRITERIA[scale]
    answer = data.draw(st.sampled_from(answers(criterion)))
    for way in ways(criterion):
        found = combined(criterion, votes_of(*((answer, weight) for weight in weights)), way)
        assert found.status == (ABSTAINED if answer == ABSTAIN else OK)
        said = found.label if found.value is None else found.value
        assert said == (None if answer == ABSTAIN else pytest.approx(answer) if criterion.range else answer)
        assert found.confidence == (None if found.value is not None else 1.0)


@given(elections(lost=True, weights=st.floats(0, 1e308), most=8), st.floats(0, 1) | st.none())
def test_nothing_raises_and_nothing_leaves_its_bounds(election, score):
    criterion, way, given = election
    votes = votes_of(*given)
    if criterion.range is None:
        votes = [
            Vote(replace(v.finding, score=score), v.weight) if v.finding.label in criterion.labels else v
            for v in votes
        ]
    found = combined(criterion, votes, way)
    assert found.status in STATUSES
    if found.label is not None:
        assert found.label in (*criterion.labels, NOT_APPLICABLE)
    if found.value is not None:
        numbers = [v.finding.value for v in votes if v.finding.value is not None and v.weight]
        assert min(numbers) - 1e-9 <= found.value <= max(numbers) + 1e-9
        assert criterion.range[0] <= found.value <= criterion.range[1]
    for share in (found.score, found.confidence):
        assert share is None or 0 <= share <= 1
    if found.status in FAILURES:
        assert (found.label, found.value, found.score, found.confidence) == (None,) * 4


def test_no_votes_and_votes_without_any_weight_decide_nothing():
    for criterion in CRITERIA.values():
        for way in ways(criterion):
            assert combined(criterion, [], way).status == ABSTAINED
            for answer in answers(criterion):
                assert combined(criterion, votes_of((answer, 0), (answer, 0)), way).status == ABSTAINED
    only = combined(CRITERIA["binary"], votes_of(("pass", 0), (LOST, 1)), "majority")
    assert only.status == LOST


ONE_EACH = [("1", 1.0), ("3", 1.0)]
KNOWN = [
    ("binary", [("pass", 1), ("pass", 1), ("fail", 1)], "pass", 0.666667),
    ("binary", [("pass", 1), ("fail", 1)], None, None),
    ("binary", [("pass", 2), (LOST, 1)], "pass", 0.666667),
    ("binary", [("pass", 1), (LOST, 1)], LOST, None),
    ("binary", [("pass", 1), (ABSTAIN, 2)], ABSTAIN, 0.666667),
    ("ordinal", [*ONE_EACH, ("2", 1)], "2", 0.333333),
    ("ordinal", ONE_EACH, None, None),  # the middle is a level that nobody chose
    ("ordinal", [("1", 2), ("2", 1), ("3", 2)], "2", 0.2),
    ("ordinal", [("1", 1), ("2", 1)], None, None),
    ("ordinal", [*ONE_EACH, ("2", 1), (NOT_APPLICABLE, 1)], None, None),
    ("categorical", [("bill", 1), ("login", 1), ("other", 1)], None, None),
    ("pairwise", [("a", 1), ("b", 1)], "tie", None),
    ("pairwise", [("a", 1), ("b", 1), ("tie", 1)], "tie", 0.333333),
    ("pairwise", [("a", 1), ("tie", 1)], None, None),
    ("pairwise", [("tie", 1), (NOT_APPLICABLE, 1)], None, None),
    ("pairwise", [(NOT_APPLICABLE, 1), (ABSTAIN, 1)], None, None),
    ("numeric", [(1, 1), (2, 1), (10, 1)], 2.0, None),
    ("numeric", [(1, 1), (2, 1)], 1.0, None),  # the lower one
    ("numeric", [(1, 1), (2, 5)], 2.0, None),
    ("numeric", [(1, 1), (NOT_APPLICABLE, 1)], None, None),
    ("numeric", [(1, 2), (NOT_APPLICABLE, 1)], 1.0, None),
]


@pytest.mark.parametrize(("scale", "given", "answer", "confidence"), KNOWN)
def test_known_majorities(scale, given, answer, confidence):
    found = combined(CRITERIA[scale], votes_of(*given), "majority")
    said = found.label if found.value is None else found.value
    if answer in (None, ABSTAIN):
        assert (found.status, said) == (ABSTAINED, None)
    elif answer == LOST:
        assert (found.status, said) == (LOST, None) and "1 of 2 gave no answer" in found.explanation
    else:
        assert (found.status, said) == (OK, answer)
    assert found.confidence == confidence


def test_known_means():
    ordinal, numeric = CRITERIA["ordinal"], CRITERIA["numeric"]
    found = combined(ordinal, votes_of(("1", 1), ("3", 3)), "mean")
    assert (found.label, found.score, found.confidence) == (
        "2",
        0.75,
        0.0,
    )  # the lower of two that are as near
    found = combined(ordinal, votes_of(("1", 1), ("3", 4)), "mean")
    assert (found.label, found.score, found.confidence) == ("3", 0.8, 0.8)
    found = combined(numeric, votes_of((2, 1), (8, 3)), "mean")
    assert (found.label, found.value, found.score) == (None, 6.5, None)
    expected = [Vote(Finding(OK, "3", score=score)) for score in (0.9, 0.7)]
    assert combined(ordinal, expected, "mean").score == 0.8
    assert combined(numeric, votes_of((2, 9), (LOST, 1)), "mean").status == LOST


def test_the_words_are_those_of_the_first_that_agrees():
    quote = Evidence("output", "x", True, 0)
    said = [
        Finding(OK, "fail", explanation="No."),
        Finding(OK, "pass", explanation="Yes.", evidence=(quote,)),
    ]
    said += [Finding(OK, "pass", score=1.0, passed=True, explanation="Sure.", p_pass=0.9, confidence=0.1)]
    found = combined(CRITERIA["binary"], [Vote(one) for one in said], "majority")
    assert (found.explanation, found.evidence) == ("2 of 3: Yes.", (quote,))
    found = combined(CRITERIA["binary"], [Vote(one) for one in said[::-1]], "majority")
    assert (found.explanation, found.evidence) == ("2 of 3: Sure.", ())
    assert (found.score, found.passed, found.p_pass, found.confidence) == (None, None, None, 0.666667)


def test_a_way_that_cannot_be():
    with pytest.raises(UsageError, match="'median' is no way to combine verdicts; choose majority or mean"):
        check_way("median", rubric_of(YES))
    with pytest.raises(UsageError, match="topic: the levels have no scores"):
        check_way("mean", rubric_of(YES, TOPIC))
    check_way("mean", rubric_of(YES, LENGTH, TONE))


def test_a_mean_of_levels_with_one_score_is_the_level_that_was_said():
    found = combined(CRITERIA["scored"], votes_of(("x", 1), ("x", 1), ("login", 1)), "mean")
    assert (found.label, found.score, found.confidence) == ("x", 0.1, 0.666667)
