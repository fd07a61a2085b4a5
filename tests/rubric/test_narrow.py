"""A rubric with some of its questions, and the examples that a judge is shown."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import LENGTH, TONE, TOPIC, YES, rubric_of

from judgekit.prompt import balanced, system_text
from judgekit.rubric import rubric_from_dict
from judgekit.rubric.narrow import narrowed

CRITERIA = (YES | {"gate": True}, TONE | {"pass_at": "2", "weight": 3}, LENGTH, TOPIC)
NAMES = ["correct", "tone", "length", "topic"]
EXAMPLES = [
    {"item": {"output": "one"}, "labels": {"tone": "1", "correct": "pass"}, "explanation": "Why."},
    {"item": {"output": "two"}, "labels": {"length": 3}},
    {"item": {"output": "three"}, "labels": {"tone": "3"}},
]
WHOLE = rubric_of(
    *CRITERIA,
    examples=EXAMPLES,
    aggregate="minimum",
    threshold=0.5,
    instructions="Be fair.",
    allow_abstain=True,
)


@given(st.sets(st.sampled_from(NAMES), min_size=1))
def test_only_these_questions_stay_and_each_is_the_same(names):
    part = narrowed(WHOLE, names)
    assert [c.name for c in part.criteria] == [name for name in NAMES if name in names]
    for name in names:
        assert part.by_name[name] == WHOLE.by_name[name]
        assert part.criterion_digests[name] == WHOLE.criterion_digests[name], "its labels stay valid"
    for name in ("name", "version", "inputs", "instructions", "mode", "allow_abstain", "purpose"):
        assert getattr(part, name) == getattr(WHOLE, name)
    text = system_text(part)
    for name, criterion in WHOLE.by_name.items():
        assert (criterion.question in text) == (name in names)
    if len(names) < len(NAMES):
        assert (part.aggregate, part.threshold) == ("weighted_mean", None)
    shown = [one.item["output"] for one in part.examples]
    wanted = {"one": {"tone", "correct"}, "two": {"length"}, "three": {"tone"}}
    assert shown == [output for output, about in wanted.items() if about & names]
    assert all(set(one.labels) <= names and one.labels for one in part.examples)


def test_all_questions_are_the_rubric_itself():
    assert narrowed(WHOLE, NAMES[::-1]) is WHOLE


def test_the_rubric_itself_stays_as_it_was():
    before = WHOLE.digest
    part = narrowed(WHOLE, ["tone"])
    assert WHOLE.digest == before != part.digest and len(WHOLE.examples[0].labels) == 2
    assert part.examples[0].explanation == "Why."


@pytest.mark.parametrize("names", [["correct"], ["tone", "length"], ["topic"]])
def test_what_is_left_is_a_rubric_that_can_be_written_and_read(names):
    part = narrowed(WHOLE, names)
    assert rubric_from_dict(part.to_dict()).digest == part.digest


def test_a_pair_stays_a_pair():
    sides = [{"name": name, "question": f"{name}?"} for name in ("better", "safer")]
    part = narrowed(rubric_of(*sides, mode="pairwise"), ["safer"])
    assert (part.mode, part.criteria[0].labels) == ("pairwise", ("a", "b", "tie"))


# ---------------------------------------------------------------- which examples are shown


def with_examples(criteria: list, labels: list[dict]):
    """A rubric with examples that are numbered in their order."""
    examples = [{"item": {"output": str(n)}, "labels": given} for n, given in enumerate(labels)]
    return rubric_of(*criteria, examples=examples)


def shown(criteria: list, labels: list[dict]) -> list[int]:
    return [int(one.item["output"]) for one in balanced(with_examples(criteria, labels))]


def thirds(value: float) -> int:
    return min(int(3 * value / 10), 2)


@given(st.lists(st.sampled_from(["1", "2", "3"]), max_size=12))
def test_of_one_criterion_no_level_is_shown_oftener_than_once_more(levels):
    chosen = shown([TONE], [{"tone": level} for level in levels])
    counts = Counter(levels[n] for n in chosen)
    assert set(counts) == set(levels), "each level that has an example is shown"
    assert not counts or max(counts.values()) - min(counts.values()) <= 1
    for level in counts:
        of_level = [n for n in chosen if levels[n] == level]
        assert of_level == sorted(of_level), "the author's order decides among equals"
        assert of_level == [n for n, other in enumerate(levels) if other == level][: len(of_level)]
    fewest = min(Counter(levels).values(), default=0)
    assert all(count >= fewest for count in counts.values()), "nothing useful is left out"


@given(st.lists(st.floats(0, 10), max_size=10))
def test_of_numbers_no_third_of_the_range_is_shown_oftener(numbers):
    chosen = shown([LENGTH], [{"length": number} for number in numbers])
    counts = Counter(thirds(numbers[n]) for n in chosen)
    assert set(counts) == {thirds(number) for number in numbers}
    assert not counts or max(counts.values()) - min(counts.values()) <= 1


def test_five_passes_and_one_failure():
    assert shown([YES], [{"correct": "pass"}] * 5 + [{"correct": "fail"}]) == [0, 5, 1]
    assert shown([YES], [{"correct": "pass"}] * 3) == [0, 1, 2]
    assert shown([YES], []) == []


MANY = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 1), min_size=1).map(
        lambda given: {
            name: {
                "correct": ("pass", "fail"),
                "tone": ("1", "3"),
                "length": (1, 9),
                "topic": ("bill", "other"),
            }[name][place]
            for name, place in given.items()
        }
    ),
    max_size=8,
)


@given(MANY)
def test_the_choice_is_determined_whatever_the_order_of_labels(labels):
    chosen = shown(list(CRITERIA), labels)
    assert chosen == shown(list(CRITERIA), [dict(reversed(given.items())) for given in labels])
    assert len(set(chosen)) == len(chosen) and set(chosen) <= set(range(len(labels)))
    told = {(name, answer) for given in labels for name, answer in given.items()}
    assert {pair for n in chosen for pair in labels[n].items()} == told, "no level is lost"


def test_an_example_is_shown_where_it_stands_behind_in_something():
    labels = [{"correct": "pass", "tone": "1"}, {"correct": "pass", "tone": "3"}, {"correct": "fail"}]
    assert sorted(shown([YES, TONE], labels)) == [0, 1, 2]
