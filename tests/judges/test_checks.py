"""Criteria answered by code: known verdicts for each kind, and no item that breaks one."""

import asyncio
import functools
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import LENGTH, SIDE, TONE, TOPIC, YES, rubric_of
from loopback import LoopbackServer

from judgekit._json import dumps
from judgekit.errors import UsageError
from judgekit.grader import Grader
from judgekit.item import Item
from judgekit.judges.checks import MAX_EXPLANATION, Checks
from judgekit.judges.code import CodeGrader
from judgekit.judges.json_fit import Schema
from judgekit.rubric.patterns import TooSlow, found
from judgekit.verdict import ABSTAINED, FAILURES, OK, verdict_from_dict

INPUTS = {name: {"required": False} for name in ("output", "expected")}


def checks(check, base=YES, functions=None, **more):
    return Checks(rubric_of(base | {"check": check}, inputs=INPUTS, **more), functions)


def answer(check, **fields):
    (finding,) = checks(check).findings(Item("x", fields)).values()
    return finding


def passes(check, **fields):
    found = answer(check, **fields)
    assert found.status == OK and found.explanation and found.confidence is None
    return found.label == "pass"


def asked(function, base=YES, output="text", **more):
    (finding,) = (
        checks({"python": "f"}, base, {"f": function}, **more)
        .findings(Item("x", {"output": output}))
        .values()
    )
    return finding


# ------------------------------------------------------------------------------------------------- equals


@pytest.mark.parametrize(
    ("ignore", "output", "expected", "equal"),
    [
        ([], "Paris", "Paris", True),
        ([], "paris", "Paris", False),
        ([], "Paris ", "Paris", False),
        ([], "cafe\u0301", "caf\u00e9", True),
        (["case"], "STRASSE", "straße", True),
        (["space"], "  New \n York", "New York", True),
        (["space"], "NewYork", "New York", False),
        (["punctuation"], "Yes!", "“Yes.”", True),
        (["punctuation"], "-5", "5", False),
        (["punctuation"], "3.14", "314", False),
        (["punctuation"], "No. 5.", "No 5", True),
        (["case", "punctuation", "space"], " the   ANSWER: 42. ", "The answer 42", True),
        ([], "b", ["a", "b"], True),
        ([], "c", ["a", "b"], False),
        ([], ["a", "b"], ["a", "b"], True),
        ([], "42", 42, True),
        ([], 42, "42", True),
        ([], True, "true", True),
        ([], 1, True, False),
        ([], {"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ([], {"a": 1}, {"a": 2}, False),
        ([], "", "", True),
    ],
)
def test_equals(ignore, output, expected, equal):
    check = {"equals": {"field": "expected", "ignore": ignore}}
    assert passes(check, output=output, expected=expected) is equal


def test_equals_a_text_and_says_what_it_saw():
    assert passes({"equals": {"text": "yes", "ignore": ["case"]}}, output="YES")
    found = answer({"equals": {"field": "expected"}}, output="Lyon", expected="Paris")
    assert (found.label, found.explanation) == ("fail", "expected 'Paris', got 'Lyon'")
    found = answer({"equals": {"field": "expected"}}, output="c", expected=["a", "b"])
    assert found.explanation == "expected one of ['a', 'b'], got 'c'"


# ------------------------------------------------------------------------------------------------ matches


def test_matches_is_a_search_and_says_where():
    found = answer({"matches": r"[A-Z]{2}-\d+"}, output="Your number is: AB-12.")
    assert (found.label, found.explanation) == ("pass", "'AB-12' stands at character 17")
    assert not passes({"matches": r"^\d+$"}, output="12 apples")
    assert passes({"matches": r"(?im)^sorry"}, output="Well.\nSorry about that")


def test_absent_turns_it_around():
    check = {"matches": "(?i)as an ai", "absent": True}
    assert passes(check, output="Here it is.")
    found = answer(check, output="As an AI, I cannot")
    assert found.label == "fail" and found.explanation.endswith("at character 1, which must not be there")


def test_what_is_no_text_is_searched_as_it_is_shown():
    assert passes({"matches": "^2. beta$|\n2. beta$"}, output=["alpha", "beta"])
    found = answer({"matches": '"beta"'}, output={"a": "beta"})
    assert found.explanation == "'\"beta\"' stands in output"


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"^(a|a?)+$", r"(a*)*b\1", r"(.*a){25}c", r"(?:a{0,99}){0,99}c"]
)
def test_no_expression_hangs(pattern):
    began = time.monotonic()
    for text in ("a" * 50_000, "a" * 50_000 + "!"):
        found = answer({"matches": pattern}, output=text)
        assert found.status == OK or "takes too long on this text" in found.explanation
    assert time.monotonic() - began < 30


def test_an_expression_that_takes_too_long_is_a_named_failure():
    with pytest.raises(TooSlow):
        found("(a+)+$", "a" * 50_000 + "!", seconds=0.05)
    finding = answer({"matches": "(a+)+$"}, output="a" * 50_000 + "!")
    assert (finding.status, finding.label) == ("invalid_reply", None)
    assert finding.explanation == (
        "the check timed out: the regular expression /(a+)+$/ takes too long on this text"
    )


# -------------------------------------------------------------------------------------------- json_schema

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "lines"],
    "properties": {
        "id": {"type": "string", "pattern": r"^\p{Lu}+-\d+$"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1, "uniqueItems": True},
        "note": {"const": None},
    },
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "required": ["price"], "properties": {"price": {"minimum": 0}}}},
}
LINE = {"price": 1.5}


@pytest.mark.parametrize(
    ("value", "misfit"),
    [
        ({"id": "ÄB-1", "lines": [LINE], "x_a": 1, "note": None}, None),
        ({"id": "ÄB-1", "lines": []}, "$.lines: [] should be non-empty"),
        ({"id": "ab-1", "lines": [LINE]}, "$.id: 'ab-1' does not match '^\\\\p{Lu}+-\\\\d+$'"),
        ({"id": "AB-1", "lines": [{"price": -1}]}, "$.lines[0].price: -1 is less than the minimum of 0"),
        ({"id": "AB-1", "lines": [{"price": 1}, {"price": 1.0}]}, "$.lines: its entries are not unique"),
        ({"id": "AB-1", "lines": [LINE], "x_a": "1"}, "$.x_a: '1' is not of type 'integer'"),
        ({"id": "AB-1", "lines": [LINE], "y": 1}, "$: 'y' is not allowed"),
        ({"lines": [LINE]}, "$: 'id' is a required property"),
        ([], "$: [] is not of type 'object'"),
    ],
)
def test_json_schema(value, misfit):
    for output in (value, dumps(value)):
        found = answer({"json_schema": ORDER}, output=output)
        assert found.label == ("fail" if misfit else "pass")
        assert found.explanation == (
            f"output does not fit the schema: {misfit}" if misfit else "output fits the schema"
        )


@pytest.mark.parametrize("output", ["{'a': 1}", '{"a": 1, "a": 2}', "NaN", "", "```json\n{}\n```", "{} {}"])
def test_text_is_read_strictly(output):
    found = answer({"json_schema": {}}, output=output)
    assert found.label == "fail" and found.explanation.startswith("output: ")


def test_other_rules_of_the_schema_hold_as_they_do_elsewhere():
    """Random values against one schema: the judgement of the package itself, where nothing can hang."""
    from jsonschema import Draft202012Validator

    plain = {key: value for key, value in ORDER.items() if key != "properties"}
    plain["properties"] = ORDER["properties"] | {"id": {"pattern": "^[A-Z]+-[0-9]+$"}}
    mine, theirs = Schema(plain), Draft202012Validator(plain)
    parts = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([1.0, "AB-1", "ab"])
    lines = st.lists(st.fixed_dictionaries({"price": parts}) | parts, max_size=3)
    keys = st.sampled_from(["id", "lines", "note", "x_a", "y"])

    @given(st.dictionaries(keys, parts | lines, max_size=5) | parts)
    def alike(value):
        assert (mine.misfit(value) is None) == theirs.is_valid(value)

    alike()


def test_a_text_that_a_schema_would_never_finish_is_a_named_failure():
    slow = {"pattern": "(a+)+$"}
    tree = {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["a"]}
    deep: dict = {}
    for _ in range(60):
        deep = {"a": deep}
    began = time.monotonic()
    for schema, output in [
        ({"items": slow}, ["a" * 50_000 + "!"]),
        ({"patternProperties": {"(a+)+$": False}}, {"a" * 50_000 + "!": 1}),
        ({"additionalProperties": False, "patternProperties": {"(a+)+$": True}}, {"a" * 50_000 + "!": 1}),
        (tree, deep),
    ]:
        found = answer({"json_schema": schema}, output=output)
        assert found.status == "invalid_reply" and "takes too long" in found.explanation
    many = [{"a": n} for n in range(20_000)]
    assert passes({"json_schema": {"uniqueItems": True}}, output=many)
    assert time.monotonic() - began < 30


def test_an_endless_reference_is_a_named_failure():
    found = answer({"json_schema": {"$ref": "#"}}, output="1")
    assert found.status == "invalid_reply" and "RecursionError" in found.explanation


def test_nothing_is_ever_fetched():
    """Not even by a schema that came past the rubric's own checks."""
    with LoopbackServer(["{}"]) as server:
        from jsonschema.exceptions import ValidationError
        from referencing.exceptions import Unresolvable

        with pytest.raises((Unresolvable, ValidationError)):
            Schema({"$ref": f"{server.url}/schema.json"}).misfit(1)
        assert server.seen == []


# ------------------------------------------------------------------------------------------------- number


@pytest.mark.parametrize(
    ("output", "read"),
    [
        (42, True),
        (42.0, True),
        (" 42 \n", True),
        ("+42", True),
        ("42.", True),
        ("4.2e1", True),
        ("1,234", None),
        ("42 %", None),
        ("$42", None),
        ("forty-two", None),
        ("٤٢", None),
        ("42 43", None),
        ("", None),
        (True, None),
        ([42], None),
        ("0x2A", None),
        ("nan", None),
        ("1e9999", None),
        ("9" * 500, None),
        (43, False),
    ],
)
def test_what_is_read_as_a_number(output, read):
    found = answer({"number": {"value": 42}}, output=output)
    assert found.label == ("pass" if read else "fail")
    assert ("is not one plain number" in found.explanation) is (read is None)


@pytest.mark.parametrize(
    ("room", "output", "expected", "near"),
    [
        ({"within": 0.1}, "1.1", 1, True),
        ({"within": 0.1}, 0.9, 1.0, True),
        ({"within": 0.1}, "1.1000001", 1, False),
        ({"within_percent": 1}, 101, 100, True),
        ({"within_percent": 1}, 99, -100, False),
        ({"within_percent": 10}, -90, -100, True),
        ({"within_percent": 10}, 0, 0, True),
        ({"within": 1}, 5, [1, "6", "x"], True),
        ({"within": 1}, 5, [1, 9], False),
        ({}, "10000000000000000000001", 10000000000000000000000, False),
        ({"within": 1}, "1e-300", "1e300", False),
    ],
)
def test_give_or_take(room, output, expected, near):
    assert passes({"number": {"field": "expected", **room}}, output=output, expected=expected) is near


def test_a_number_says_what_was_expected():
    found = answer({"number": {"value": 42, "within": 0.5}}, output="43")
    assert found.explanation == "expected 42 ± 0.5, got 43"
    found = answer({"number": {"field": "expected"}}, output="43", expected="many")
    assert (found.status, found.explanation) == (
        "invalid_reply",
        "the check expects a number in 'expected', which holds 'many'",
    )


# ------------------------------------------------------------------------------------------------- python


@pytest.mark.parametrize(
    ("base", "given_", "label", "value"),
    [
        (YES, True, "pass", None),
        (YES, False, "fail", None),
        (YES, np.bool_(True), "pass", None),
        (YES, " PASS ", "pass", None),
        (TONE, "2", "2", None),
        (TONE, 2, "2", None),
        (TONE, np.int64(3), "3", None),
        (TOPIC, "Login", "login", None),
        (LENGTH, 7, None, 7.0),
        (LENGTH, np.float32(0.5), None, 0.5),
        (TONE | {"allow_not_applicable": True}, "not_applicable", "not_applicable", None),
    ],
)
def test_answers_of_a_function(base, given_, label, value):
    found = asked(lambda fields: given_, base)
    assert (found.status, found.label, found.value) == (OK, label, value)
    assert found.explanation.startswith("the function f answered ")
    assert asked(lambda fields: (given_, "because"), base).explanation == "because"


@pytest.mark.parametrize(
    ("base", "given_"),
    [
        (YES, "maybe"),
        (YES, 1),
        (YES, (True, 5)),
        (YES, (True, "why", "more")),
        (YES, [True]),
        (YES, "not_applicable"),
        (TONE, 2.0),
        (TONE, True),
        (TONE, 4),
        (LENGTH, 11),
        (LENGTH, True),
        (LENGTH, float("nan")),
        (LENGTH, "7"),
        (YES, np.array([True])),
        (YES, object()),
    ],
)
def test_nonsense_of_a_function_is_a_named_failure(base, given_):
    found = asked(lambda fields: given_, base)
    assert (found.status, found.label, found.value) == ("invalid_reply", None, None)
    assert found.explanation.startswith("the check f answered ") and "which is not" in found.explanation


def test_a_function_that_cannot_tell():
    for said in (None, "cannot_tell", (None, "too short")):
        assert asked(lambda fields, said=said: said).status == "invalid_reply"
        assert asked(lambda fields, said=said: said, allow_abstain=True).status == ABSTAINED
    assert asked(lambda fields: (None, "too short"), allow_abstain=True).explanation == "too short"


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no date"), "ValueError: no date"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError(), "RecursionError"),
        (Unspeakable(), "Unspeakable"),
    ],
)
def test_a_function_that_raises(error, said):
    def f(fields):
        raise error

    found = asked(f)
    assert (found.status, found.explanation) == ("invalid_reply", f"the check raised {said}")


def test_ctrl_c_inside_a_function_is_still_ctrl_c():
    def f(fields):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(f)


def test_a_function_gets_a_copy_of_the_inputs_and_no_other_column():
    seen = []

    def f(fields):
        seen.append(dict(fields))
        fields["output"].append("changed")
        return True

    item = Item("x", {"output": ["text"], "customer": "Ada"})
    found = checks({"python": "f"}, functions={"f": f}).findings(item)
    assert seen == [{"output": ["text", "changed"], "expected": None}] and item.fields["output"] == ["text"]
    assert found["correct"].label == "pass"


def test_a_coroutine_is_no_answer():
    async def f(fields):
        return True

    with pytest.raises(UsageError, match="must be a plain function"):
        asked(f)
    assert "which is not" in asked(lambda fields: f(fields)).explanation


def test_a_pairwise_rubric_may_be_answered_by_a_function():
    rubric = rubric_of(SIDE | {"check": {"python": "longer"}}, mode="pairwise")
    grader = CodeGrader(
        rubric, {"longer": lambda f: "a" if len(f["output_a"]) > len(f["output_b"]) else "tie"}
    )
    assert grader.grade(output_a="long", output_b="x").label == "a"
    assert grader.grade(output_a="x", output_b="x").label == "tie"


def test_functions_that_are_missing_or_too_many():
    check = {"python": "is_polite"}
    with pytest.raises(UsageError, match=r"were not given: is_polite \(for correct\)"):
        checks(check)
    with pytest.raises(UsageError, match="function 'is_polit'; did you mean 'is_polite'"):
        checks(check, functions={"is_polite": bool, "is_polit": bool})
    with pytest.raises(UsageError, match="no criterion is checked by a function 'f'; remove it"):
        checks({"matches": "x"}, functions={"f": bool})
    with pytest.raises(UsageError, match="must be a plain function, not 5"):
        checks(check, functions={"is_polite": 5})


def test_what_a_check_needs_is_loaded_with_the_first_check():
    """Expressions and schemas cost a tenth of a second to load; most rubrics have neither."""
    code = (
        "import sys, judgekit as jk\n"
        "jk.judge('relevance', 'offline/lexical').grade(input='x', output='x')\n"
        "import judgekit.judges.code\n"
        "print(sorted({'regex', 'jsonschema', 'referencing'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# ----------------------------------------------------------------------------------------- missing fields


@pytest.mark.parametrize(
    "check", [{"matches": "x"}, {"equals": {"field": "expected"}}, {"number": {"field": "expected"}}]
)
@pytest.mark.parametrize("fields", [{}, {"output": None}, {"expected": "x"}])
def test_a_missing_field_is_not_applicable_where_that_is_allowed_else_a_named_failure(check, fields):
    found = answer(check, **fields)
    assert (found.status, found.explanation) == (
        "invalid_reply",
        "the check needs the field 'output', which the item lacks",
    )
    (allowed,) = checks(check, YES | {"allow_not_applicable": True}).findings(Item("x", fields)).values()
    assert (allowed.status, allowed.label) == (OK, "not_applicable")


def test_nothing_expected_is_a_missing_field():
    found = answer({"equals": {"field": "expected"}}, output="x", expected=[])
    assert found.explanation == "the check needs an entry in the field 'expected', which is an empty list"


# ----------------------------------------------------------------------------------------------- identity


def is_short(fields):
    return len(fields["output"]) < 10


def test_what_enters_the_fingerprint():
    check = {"python": "f"}

    def identity(function):
        return checks(check, functions={"f": function}).decides["functions"]["f"]

    assert checks({"matches": "x"}).decides == {"checks": 1}
    assert Checks(rubric_of(YES)).decides == {} and Checks(rubric_of(YES)).names == ()
    assert identity(is_short) == identity(is_short) != identity(lambda fields: True)
    assert identity(len) != identity(bool)  # no source text
    one, two = functools.partial(is_short), functools.partial(is_short, limit=5)
    assert len({identity(one), identity(two), identity(is_short)}) == 3
    assert identity(functools.partial(is_short, limit=5)) == identity(two)


def test_only_the_criteria_with_a_check_are_answered():
    rubric = rubric_of(YES | {"check": {"matches": "x"}}, TONE, LENGTH | {"check": {"python": "f"}})
    answers = Checks(rubric, {"f": lambda fields: 5})
    assert answers.names == ("correct", "length") == tuple(answers.findings(Item("x", {"output": "x"})))


def test_a_rubric_of_checks_alone_is_graded_without_a_model():
    rubric = rubric_of(
        YES | {"check": {"matches": "x"}, "gate": True},
        YES | {"name": "short", "check": {"matches": ".{9}", "absent": True}},
        inputs={"output": ""},
    )
    grader = CodeGrader(rubric)
    assert isinstance(grader, Grader)
    assert (grader.name, grader.destination) == ("offline/checks", "")
    assert grader.recipe == {"model": "offline/checks", "settings": {}}
    assert grader.signature == "test@1.0.0|offline/checks|checks=1|scoring=1"
    assert grader.fingerprint == CodeGrader(rubric).fingerprint
    verdict = grader.grade(output="x but far too long")
    assert (verdict.status, verdict.passed, verdict.score) == ("ok", True, 0.5)
    assert not grader.grade(output="y").passed
    plain = verdict.to_dict()
    assert (plain["annotator_kind"], plain["attempts"], plain["usage"]["cost_usd"]) == ("CODE", 0, 0)
    assert verdict_from_dict(plain) == verdict


def test_functions_show_in_the_signature_and_leave_no_recipe():
    rubric = rubric_of(YES | {"check": {"python": "is_short"}})
    one, other = CodeGrader(rubric, {"is_short": is_short}), CodeGrader(rubric, {"is_short": bool})
    assert one.recipe is None and "|is_short=" in one.signature
    assert one.signature != other.signature and one.fingerprint != other.fingerprint


def test_a_failure_of_one_check_fails_the_row_and_keeps_the_others():
    rubric = rubric_of(YES | {"check": {"matches": "x"}}, LENGTH | {"check": {"python": "f"}})
    verdict = CodeGrader(rubric, {"f": lambda fields: 99}).grade(output="x")
    assert (verdict.status, verdict.score, verdict.criteria["correct"].label) == (
        "invalid_reply",
        None,
        "pass",
    )
    assert verdict.error.message == "length: the check f answered 99, which is not a number from 0 to 10"


def test_a_criterion_without_a_check_needs_a_model():
    with pytest.raises(UsageError, match="a model is needed for tone"):
        CodeGrader(rubric_of(YES | {"check": {"matches": "x"}}, TONE))


# ------------------------------------------------------------------------------------------- any item at all

EVERY = rubric_of(
    *(
        YES | {"name": f"c{number}", "check": check, "allow_not_applicable": number % 2 == 0}
        for number, check in enumerate(
            [
                {"equals": {"field": "expected", "ignore": ["case", "space", "punctuation"]}},
                {"equals": {"text": "a"}},
                {"matches": "(a|b)+1"},
                {"matches": "[^a]", "absent": True, "field": "expected"},
                {"json_schema": ORDER},
                {
                    "json_schema": {
                        "items": {"uniqueItems": True, "pattern": "a"},
                        "additionalProperties": False,
                    }
                },
                {"number": {"field": "expected", "within_percent": 5}},
                {"number": {"value": 1, "within": 0.5}},
                {"python": "whole"},
            ]
        )
    ),
    LENGTH | {"check": {"python": "size"}},
    inputs=INPUTS,
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text('ab1.,-{}[]": e\n\u0301\ud800é', max_size=12)
    | st.sampled_from(["1e308", '{"a": 1}', "[1, 1.0]", "9" * 400, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.sampled_from(["id", "lines", "x_a", "role", "content"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["output", "expected", "messages"]), VALUES))
def test_any_item_has_a_finding_that_the_rubric_allows(fields):
    """Also one with values that no file could hold, such as nan and tuples."""
    functions = {"whole": lambda f: f["output"] == f["expected"], "size": lambda f: len(f["output"])}
    answers = Checks(EVERY, functions)
    findings = answers.findings(Item("x", fields))
    assert tuple(findings) == answers.names == tuple(EVERY.by_name)
    for name, one in findings.items():
        criterion = EVERY.by_name[name]
        assert one.status in (OK, *FAILURES) and one.explanation and one.confidence is None
        assert len(one.explanation) <= MAX_EXPLANATION + 20
        allowed = {*criterion.labels, *["not_applicable"] * criterion.allow_not_applicable}
        if one.status != OK:
            assert one.label is one.value is None
        elif criterion.range is None:
            assert one.label in allowed and one.value is None
        else:
            assert one.label is None and criterion.range[0] <= one.value <= criterion.range[1]
        json.dumps(one.to_dict(), allow_nan=False)


@given(VALUES, VALUES)
def test_any_item_that_is_taken_has_a_verdict_that_can_be_written_and_read(output, expected):
    functions = {"whole": lambda f: (f["output"] == f["expected"], "compared"), "size": lambda f: 5}
    grader = CodeGrader(EVERY, functions)
    fields = json.loads(json.dumps({"output": output, "expected": expected}).replace("NaN", "1").replace(
        "Infinity", "2"))  # fmt: skip
    verdict = asyncio.run(grader.agrade(fields))
    assert verdict_from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
