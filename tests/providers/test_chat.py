"""Whatever a server sends is a reply or a fault, never another exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import completion

from judgekit.exchange import Reply
from judgekit.providers.chat import read_completion, read_usage
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.faults import fault_of, read_complaint
from judgekit.providers.prices import Price
from judgekit.providers.retry import Fault

HERE = Endpoint("http://localhost", "localhost")
NAMES = [
    "choices",
    "message",
    "content",
    "finish_reason",
    "refusal",
    "usage",
    "error",
    "model",
    "text",
    "type",
]
NAMES += [
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "detail",
    "msg",
    "loc",
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("a \n\x1b\u202e\ud800é", max_size=5)
    | st.sampled_from(["length", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=15,
)


def read(body):
    try:
        return read_completion(body, HERE, Price(1.0, 1.0))
    except Fault as fault:
        return fault


@given(st.binary())
def test_any_bytes(body):
    assert isinstance(read(body), Fault)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_any_json(found):
    assert isinstance(read(json.dumps(found).encode()), Reply | Fault)


@given(st.dictionaries(st.sampled_from(["message", "finish_reason"]), ANYTHING), ANYTHING)
def test_any_choice_and_usage(choice, usage):
    assert isinstance(
        read(json.dumps(completion("x", choices=[choice], usage=usage)).encode()), Reply | Fault
    )


@given(ANYTHING, st.sampled_from([400, 404, 422, 429, 500]))
def test_any_error_body(found, status):
    for body in (found, {"error": found}, {"error": {"message": found, "code": found, "type": found}}):
        fault = fault_of(read_complaint(HERE, status, json.dumps(body)), model="m")
        assert fault.message.isprintable()


@pytest.mark.parametrize("depth", [1, 50, 900, 5000])
@pytest.mark.parametrize(
    ("opens", "closes"), [("[", "]"), ('{"detail":', "}"), ('{"msg":', "}"), ('{"k":', "}")]
)
def test_any_depth_of_an_error(depth, opens, closes):
    deep = opens * depth + "1" + closes * depth
    for body in (deep, f'{{"error": {deep}}}', f'{{"error": {{"message": {deep}}}}}'):
        assert len(fault_of(read_complaint(HERE, 400, body)).message) <= 500
        assert isinstance(read(body.encode()), Fault)


def test_reasoning_that_only_the_total_shows_is_counted():
    said = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }
    assert read_usage(said | {"total_tokens": 315}, None).output_tokens == 305
    assert read_usage(said | {"total_tokens": 15}, None).output_tokens == 5
    assert read_usage(said, None).output_tokens == 5
