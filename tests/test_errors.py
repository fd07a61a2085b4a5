"""The error tree, and how problems read."""

import inspect

import pytest

from judgekit import errors
from judgekit.errors import InputError, JudgekitError, Problem, Problems


def test_one_root():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) >= 9
    assert all(issubclass(kind, JudgekitError) for kind in kinds)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("is wrong"), "is wrong"),
        (Problem("is wrong", "a.csv"), "a.csv: is wrong"),
        (Problem("is wrong", "a.csv", 17), "a.csv:17: is wrong"),
        (Problem("is wrong", "a.csv", 17, "x.y"), "a.csv:17: x.y: is wrong"),
        (Problem("is wrong", field="x.y"), "x.y: is wrong"),
        (Problem("is wrong", "a.csv", field="x"), "a.csv: x: is wrong"),
    ],
)
def test_what_where_how(problem, text):
    assert str(problem) == text


def test_the_first_twenty_and_a_count():
    problems = Problems("a.csv")
    problems.raise_if_any()
    assert not problems
    for number in range(1, 26):
        problems.add("is wrong", number)
    with pytest.raises(InputError) as caught:
        problems.raise_if_any()
    lines = str(caught.value).split("\n")
    assert lines[0] == "a.csv:1: is wrong" and lines[19] == "a.csv:20: is wrong"
    assert lines[20:] == ["… and 5 more"]
    assert caught.value.total == 25


def test_a_plain_message():
    assert str(InputError("is wrong")) == "is wrong"
    assert InputError("is wrong").total == 1
