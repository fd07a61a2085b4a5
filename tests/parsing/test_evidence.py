"""Quotes are found verbatim, with their place, white space and typography folded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.parsing.evidence import Source
from judgekit.verdict import Evidence


def locate(quote, value, field="output"):
    return Source(field, value).locate(quote)


@pytest.mark.parametrize(
    ("text", "quote", "start"),
    [
        ("Press the button.", "the button", 6),
        ("Press the button.", "  the button \n", 6),
        ("Press\n  the\tbutton.", "Press the button", 0),
        ("x Press the button.", "Press\n\n the  button", 2),
        ("He said “don’t” – twice.", '"don\'t" - twice', 8),
        ('He said "don\'t" - twice.', "“don‘t” — twice", 8),
        ("a\u200bb co\u00adop x", "coop x", 4),
        ("coop", "co\u200bop", 0),
        ("a\u00a0b\u2003c", "a b c", 0),
        ("say say", "say", 0),
        ("😀é x", "x", 3),
        ("{a} [b]", "{a} [b]", 0),
        ("100%", "100%", 0),
    ],
)
def test_found_where_it_begins(text, quote, start):
    found = locate(quote, text)
    assert found == Evidence("output", quote, True, start, None)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Press the button.", "press the button"),
        ("Press the button.", "Press button"),
        ("Press the button.", "Pressthe\nbutton"),
        ("Pressthe button.", "Press the  button"),
        ("Press the button.", "Press the button!"),
        ("Press the button.", ""),
        ("Press the button.", " \n "),
        ("Press the button.", "\u200b \u200b"),
        ("Press the button.", "\ufeff"),
        ("", "x"),
        (None, "x"),
    ],
)
def test_not_found(text, quote):
    assert locate(quote, text) == Evidence("output", quote, False, None, None)


MESSAGES = [
    {"role": "user", "content": "Hello there"},
    {"role": "assistant", "content": None, "tool_calls": [{"name": "find_order"}]},
    {"role": "tool", "content": "Order 17 shipped"},
    "Order 17 shipped again",
    {"role": "user", "content": [{"type": "text", "text": "parts"}]},
]


@pytest.mark.parametrize(
    ("quote", "start", "step"),
    [
        ("Order 17 shipped", 0, 3),
        ("shipped again", 9, 4),
        ("there", 6, 1),
        ("find_order", None, 2),
        ('"text": "parts"', None, 5),
    ],
)
def test_the_step_of_a_conversation(quote, start, step):
    assert locate(quote, MESSAGES, "messages") == Evidence("messages", quote, True, start, step)


def test_an_exact_quote_is_preferred_to_a_folded_one():
    assert locate("a b", ["a\nb", "x a b"]) == Evidence("output", "a b", True, 2, 2)


def test_the_entry_of_a_list_and_a_place_in_json():
    assert locate("two", ["one", "say two"]) == Evidence("output", "two", True, 4, 2)
    assert locate('"b": 5', {"a": 1, "b": 5}) == Evidence("output", '"b": 5', True, 9, None)
    assert locate("42", 42) == Evidence("output", "42", True, 0, None)
    assert not locate("two", [1, ["none"]]).found


@given(st.text("ab \n\t“”\"'’–-\u200b\u00adé", max_size=30), st.data())
def test_any_part_of_a_text_is_found_in_it(text, data):
    begin = data.draw(st.integers(0, len(text)))
    quote = text[begin : data.draw(st.integers(begin, len(text)))]
    found = locate(quote, text)
    if quote.strip(" \n\t\u200b\u00ad"):
        assert found.found
        # The place is exact: the quote, folded, begins right there.
        rest = Source("output", text[found.start :]).locate(quote)
        assert rest.found and rest.start == 0
    else:
        assert not found.found


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_quote_and_text(quote, text):
    found = locate(quote, text)
    assert found.found == (found.start is not None)
    if found.found:
        assert 0 <= found.start < len(text)
