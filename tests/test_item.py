"""Items: ids, what JSON can hold, and the shapes they may be given in."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from judgekit.errors import InputError
from judgekit.item import MAX_ID, Item, as_item, content_id, missing_fields, read_id


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (17, "17"),
        ("17", "17"),
        (0, "0"),
        (-5, "-5"),
        ("017", "017"),
        (" a b ", " a b "),
        ("t/../../x", "t/../../x"),
        ("é\u200b\u202e\ud800", "é\u200b\u202e\ud800"),
        ("x" * MAX_ID, "x" * MAX_ID),
        (10**40, "1" + "0" * 40),
    ],
)
def test_ids(raw, read):
    assert read_id(raw) == read


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "an id must be text or a whole number, not null"),
        (True, "an id must be text or a whole number, not true or false"),
        (17.0, "an id must be text or a whole number, not a fraction"),
        ([1], "an id must be text or a whole number, not a list"),
        ({}, "an id must be text or a whole number, not an object"),
        (b"x", "an id must be text or a whole number, not bytes"),
        ("", "the id is empty"),
        (" \u2003", "the id is empty"),
        ("a\nb", r"the id 'a\nb' holds a control character"),
        ("a\0b", r"the id 'a\x00b' holds a control character"),
        ("a\x7f", r"the id 'a\x7f' holds a control character"),
        ("a\x9b31m", r"the id 'a\x9b31m' holds a control character"),
        ("a\u2028b", r"the id 'a\u2028b' holds a control character"),
        ("x" * (MAX_ID + 1), "the id has 501 characters; at most 500 are allowed"),
        pytest.param(10**10_000, "the id is a number of more than 500 digits", id="huge"),
    ],
)
def test_what_is_no_id(raw, reason):
    with pytest.raises(ValueError) as caught:
        read_id(raw)
    assert str(caught.value) == reason


class Model(BaseModel):
    id: int
    output: str


@dataclass
class Record:
    id: int
    output: str


@pytest.mark.parametrize(
    "shape",
    [
        {"id": 17, "output": "x"},
        Item("17", {"output": "x"}),
        Model(id=17, output="x"),
        Record(17, "x"),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_the_shapes_of_an_item_are_one(shape):
    item = as_item(shape)
    assert (item.id, item.fields) == ("17", {"output": "x"})
    assert as_item(shape, {"output": "y"}).fields == {"output": "y"}


def test_keywords_without_an_id_get_one_of_their_content():
    item = as_item(None, {"output": "x", "input": "y"})
    assert item.id == content_id({"input": "y", "output": "x"})
    assert len(item.id) == 16 and item.id != as_item(None, {"output": "x"}).id


def test_the_digest_is_of_the_fields_alone():
    assert Item("1", {"a": 1, "b": "\ud800"}).digest == Item("2", {"b": "\ud800", "a": 1}).digest
    assert Item("1", {"a": 1}).digest != Item("1", {"a": "1"}).digest


@pytest.mark.parametrize("shape", ["text", 5, [1], Record, object()])
def test_what_is_no_item(shape):
    with pytest.raises(InputError, match="an item is a mapping, a pydantic model, a dataclass or keywords"):
        as_item(shape)


NAN = float("nan")
LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [NAN, datetime(2026, 1, 1), b"x", {1, 2}, {("a",): 1}, LOOP, [{"a": NAN}]])
def test_a_field_that_json_cannot_hold_is_named(value):
    for given_ in ({"id": "1", "output": value}, Item("1", {"output": value})):
        with pytest.raises(InputError, match=r"^item: output: is not plain JSON: "):
            as_item(given_)
    with pytest.raises(InputError, match=r"^item: 5: a field name must be text"):
        as_item({"id": "1", 5: "x"})


def test_all_wrong_fields_are_named_at_once():
    with pytest.raises(InputError) as caught:
        as_item({"a": NAN, "b": "fine", "c": b""})
    assert [p.field for p in caught.value.problems] == ["a", "c"]


def test_null_is_missing_and_empty_text_is_not():
    item = Item("1", {"a": None, "b": "", "c": 0, "d": []})
    assert missing_fields(item, ["a", "b", "c", "d", "e"]) == ["a", "e"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda key: key != "id"), JSON, max_size=4))
def test_any_json_is_an_item_whatever_the_order_of_its_keys(fields):
    item = as_item(fields)
    assert item.fields == fields
    assert as_item(dict(reversed(fields.items()))).id == item.id
