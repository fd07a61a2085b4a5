"""Criteria decided by code: how they are written, what is refused, what enters the digest."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from loopback import LoopbackServer

from judgekit.errors import RubricError
from judgekit.library import find, names
from judgekit.report.requirement import document
from judgekit.rubric import read_rubric, rubric_from_dict
from judgekit.rubric.check_form import Check, CloseTo, EqualTo
from judgekit.rubric.patterns import BadPattern, compiled

INPUTS = "{output: The answer, expected: {required: false}}"
HEAD = f"name: r\nversion: '1'\npurpose: p\ninputs: {INPUTS}\ncriteria:\n"
BINARY = "name: a, question: q, scale: binary, levels: {pass: x, fail: y}"
NUMERIC = "name: a, question: q, scale: numeric, range: [0, 1]"
PAIR = "name: r\nversion: '1'\npurpose: p\nmode: pairwise\ninputs: {output_a: A, output_b: B}\ncriteria:\n"
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMA = json.loads((SCHEMAS / "rubric.schema.json").read_text("utf-8"))

# Of the rubrics as they were before a criterion could have a check.
SHIPPED = {
    "agent-task": "3b11fc8776b3035b",
    "context-relevance": "b77dc9be6d99fb03",
    "correctness": "4d333705e13fd83e",
    "groundedness": "ee73e09160899d48",
    "instruction-following": "cf244ee38912a452",
    "pairwise-preference": "75735a687e49a156",
    "refusal": "e273b2b785a7fe16",
    "relevance": "656b885efda924eb",
    "summary-quality": "ea432ab0024ec275",
    "support-reply": "d584610fa137ae2c",
}


def checked(check: str, inner: str = BINARY, head: str = HEAD) -> str:
    return f"{head}  - {{{inner}, check: {check}}}\n"


def read(check: str, inner: str = BINARY, head: str = HEAD) -> Check:
    found = read_rubric(checked(check, inner, head)).criteria[0].check
    assert found is not None
    return found


def problems(text: str) -> list[str]:
    with pytest.raises(RubricError) as caught:
        read_rubric(text, "r.yaml")
    return [message.split(": ", 1)[1] for message in str(caught.value).split("\n")]


GOOD = {
    "equals field": "{equals: {field: expected, ignore: [space, case, punctuation, case]}}",
    "equals text": '{equals: {text: "  Yes "}}',
    "matches": "{matches: 'AB-\\d+'}",
    "absent": "{matches: '(?i)sorry', absent: true, field: expected}",
    "json_schema": "{json_schema: {type: object, properties: {a: {const: null}}, required: [a]}}",
    "number value": "{number: {value: 42, within: 0.5}}",
    "number field": "{number: {field: expected, within_percent: 1}}",
    "python": "{python: acme.is_polite-2}",
}


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_is_read_and_written_alike(name):
    rubric = read_rubric(checked(GOOD[name]))
    plain = json.loads(json.dumps(rubric.to_dict()))
    again = rubric_from_dict(plain)
    assert (again.digest, again.to_dict(), again.criteria) == (rubric.digest, plain, rubric.criteria)
    assert not list(Draft202012Validator(SCHEMA).iter_errors(plain))


def test_what_is_read():
    assert read(GOOD["equals field"]).equals == EqualTo(
        field="expected", ignore=("case", "punctuation", "space")
    )
    assert read(GOOD["equals text"]).equals.text == "  Yes "  # compared, so nothing is folded
    assert read(GOOD["number value"]).number == CloseTo(value=42, within=0.5)
    assert read(GOOD["json_schema"]).json_schema["properties"] == {"a": {"const": None}}
    assert (read(GOOD["matches"]).field, read(GOOD["absent"]).field) == ("output", "expected")
    assert read(GOOD["python"]).field is None


def test_the_published_schema_names_every_key():
    for name, model in (("check", Check), ("equals", EqualTo), ("number", CloseTo)):
        assert set(SCHEMA["$defs"][name]["properties"]) == set(model.model_fields)


def test_a_function_may_answer_any_scale():
    assert read("{python: f}", NUMERIC).python == "f"
    assert read("{python: f}", "name: a, question: q", PAIR).python == "f"


BAD = {
    "nothing": (
        "{field: output}",
        "check: a check says exactly one of equals, matches, json_schema, number, python, and here is none",
    ),
    "two": (
        "{matches: x, python: f}",
        "check: a check says exactly one of equals, matches, json_schema, number, python, not matches and "
        "python",
    ),
    "text": ("x", "check: must be a mapping: write `check: {matches: …}`"),
    "equals as text": (
        "{equals: Paris}",
        "check.equals: must be a mapping: write `equals: {field: …}` or `equals: {text: …}`",
    ),
    "misspelt": ("{mathces: x}", "check.mathces: unknown key 'mathces'; did you mean 'matches'?"),
    "misspelt inside": (
        "{equals: {feild: x}}",
        "check.equals.feild: unknown key 'feild'; did you mean 'field'?",
    ),
    "misplaced": (
        "{equals: {field: expected}, ignore: [case]}",
        "check.ignore: 'ignore' stands inside `equals`: write `equals: {…, ignore: …}`",
    ),
    "ignore": (
        "{equals: {text: x, ignore: [caps]}}",
        "check.equals.ignore[0]: 'caps' is not one of case, punctuation, space; did you mean 'case'?",
    ),
    "expected of a number": (
        "{equals: {text: 5}}",
        "check.equals.text: must be text, not 5; put it in quotes",
    ),
    "expected twice": (
        "{equals: {text: x, field: expected}}",
        "check.equals: say what is expected: either `field: …` (an input) or `text: …`",
    ),
    "expected nowhere": (
        "{number: {within: 1}}",
        "check.number: say what is expected: either `field: …` (an input) or `value: …`",
    ),
    "unknown field": (
        "{field: outptu, matches: x}",
        "check.field: 'outptu' is not one of the inputs (output, expected); did you mean 'output'?",
    ),
    "unknown expected": (
        "{equals: {field: expectd}}",
        "check.equals.field: 'expectd' is not one of the inputs (output, expected); did you mean 'expected'?",
    ),
    "itself": ("{equals: {field: output}}", "check.equals.field: 'output' would be held against itself"),
    "absent": ("{equals: {text: x}, absent: true}", "check.absent: absent belongs to matches; remove it"),
    "negative": (
        "{number: {value: 1, within: -1}}",
        "check.number.within: must be at least 0, not -1",
    ),
    "both widths": (
        "{number: {value: 1, within: 1, within_percent: 1}}",
        "check.number.within_percent: give either within or within_percent",
    ),
    "too long": (
        "{number: {value: 12345678901234567}}",
        "check.number.value: 12345678901234567 has more digits than can be compared",
    ),
    "pattern": (
        "{matches: '(x'}",
        "check.matches: is not a regular expression: missing ) at position 2",
    ),
    "huge pattern": (
        "{matches: '((x{1000}){1000}){1000}'}",
        "check.matches: repeats too much: its counted repeats multiply to a huge pattern",
    ),
    "empty pattern": ("{matches: ''}", "check.matches: must not be empty"),
    "schema": (
        "{json_schema: {type: strin}}",
        "check.json_schema.type: is not a JSON Schema: 'strin' is not valid under any of the given schemas",
    ),
    "schema keyword": (
        "{json_schema: {requried: [a]}}",
        "check.json_schema.requried: unknown keyword 'requried'; did you mean 'required'?",
    ),
    "schema pattern": (
        "{json_schema: {properties: {a: {pattern: '('}}}}",
        "check.json_schema.properties.a.pattern: is not a regular expression: missing ) at position 1",
    ),
    "schema names": (
        "{json_schema: {patternProperties: {'(': true}}}",
        "check.json_schema.patternProperties.(: is not a regular expression: missing ) at position 1",
    ),
    "schema elsewhere": (
        "{json_schema: {items: {$ref: 'file:///etc/passwd'}}}",
        "check.json_schema.items.$ref: 'file:///etc/passwd' is not in this schema; no other is fetched",
    ),
    "schema of another draft": (
        "{json_schema: {$schema: 'http://json-schema.org/draft-07/schema#'}}",
        "check.json_schema.$schema: the whole schema is read as "
        "https://json-schema.org/draft/2020-12/schema; remove it",
    ),
    "schema without end": (
        "{json_schema: {unevaluatedProperties: false}}",
        "check.json_schema.unevaluatedProperties: unevaluatedProperties is not supported; use "
        "additionalProperties or items",
    ),
    "import path": (
        "{python: 'os:system'}",
        "check.python: 'os:system' is not the name of a function: a letter, then letters, digits, ., - or _ "
        "(at most 100); the function itself is given by whoever runs the judge",
    ),
    "field of a function": (
        "{python: f, field: output}",
        "check.field: the function is given every input; remove field",
    ),
    "code": (
        "{python: f, code: print(1)}",
        "check.code: a rubric holds no model, address, key or code: 'code' is refused; give it on the "
        "command line",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_mistake_one_message(name):
    check, message = BAD[name]
    assert problems(checked(check)) == [f"criteria[0].{message}"]


@pytest.mark.parametrize("name", [name for name in BAD if name not in {
    "misspelt inside", "unknown field", "unknown expected", "itself", "too long", "pattern", "huge pattern",
    "schema", "schema keyword", "schema pattern", "schema names", "schema elsewhere", "schema without end",
    "schema of another draft",
}])  # fmt: skip
def test_the_published_schema_refuses_it_too(name):
    from judgekit.rubric.yaml_tree import read_tree

    data = read_tree(checked(BAD[name][0]), "r.yaml").data
    assert list(Draft202012Validator(SCHEMA).iter_errors(data))


def test_the_line_is_named_wherever_the_mistake_is():
    text = HEAD + (
        "  - name: a\n    question: q\n    scale: binary\n    levels: {pass: x, fail: y}\n    check:\n"
        "      json_schema:\n        type: object\n        properties:\n          a:\n"
        "            pattern: '('\n"
    )
    with pytest.raises(RubricError, match=r"^r\.yaml:15: criteria\[0\]\.check\.json_schema\.properties\.a"):
        read_rubric(text, "r.yaml")


def test_the_scale_must_fit_the_check():
    for check in ("{matches: x}", "{number: {value: 1}}"):
        way = check[1:].split(":")[0]
        (found,) = problems(checked(check, NUMERIC))
        assert found == f"criteria[0].scale: {way} passes or fails: the criterion must be binary, not numeric"
    (found,) = problems(checked("{matches: x, field: output_a}", "name: a, question: q", PAIR))
    assert found == "criteria[0].check: a pairwise criterion can only be checked by python, not by matches"
    for check, sound in (
        ({"matches": "x", "field": "output_a"}, False),
        ({"python": "f"}, True),
        (None, True),
    ):
        data = read_rubric(checked("{python: f}", "name: a, question: q", PAIR)).to_dict()
        data["criteria"][0]["check"] = check
        assert Draft202012Validator(SCHEMA).is_valid(data) is sound


def test_the_field_must_be_stated_where_the_rubric_has_no_output():
    head = HEAD.replace("output:", "answer:")
    assert problems(checked("{matches: x}", head=head)) == [
        "criteria[0].check: say which input is looked at: `field: …`"
    ]
    assert read("{matches: x, field: answer}", head=head).field == "answer"


def test_code_quotes_no_evidence():
    found = problems(checked("{matches: x}", BINARY + ", evidence: output"))
    assert found == ["criteria[0].evidence: a criterion decided by code quotes no evidence; remove it"]


def test_evidence_that_must_exist():
    inner = BINARY + ", evidence: output"
    rubric = read_rubric(f"{HEAD}  - {{{inner}, evidence_must_exist: true}}\n")
    assert rubric.criteria[0].evidence_must_exist
    assert rubric_from_dict(rubric.to_dict()).digest == rubric.digest
    without = read_rubric(f"{HEAD}  - {{{inner}}}\n")
    assert "evidence_must_exist" not in without.to_dict()["criteria"][0]
    assert rubric.digest != without.digest
    assert rubric.criterion_digests == without.criterion_digests
    assert problems(f"{HEAD}  - {{{BINARY}, evidence_must_exist: true}}\n") == [
        "criteria[0].evidence_must_exist: evidence_must_exist needs `evidence`: the input that is quoted from"
    ]


@pytest.mark.parametrize("name", names())
def test_rubrics_without_these_keys_keep_their_digest(name):
    assert find(name).digest.startswith(f"sha256:{SHIPPED[name]}")


def test_a_check_is_part_of_the_whole_and_leaves_the_labels_valid():
    plain = read_rubric(f"{HEAD}  - {{{BINARY}}}\n")
    rubrics = [plain, *(read_rubric(checked(check)) for check in GOOD.values())]
    assert len({rubric.digest for rubric in rubrics}) == len(rubrics)
    assert {tuple(rubric.criterion_digests.values()) for rubric in rubrics} == {
        tuple(plain.criterion_digests.values())
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{matches: x}", "{field: output, absent: false, matches: 'x', equals: null}"),
        ("{equals: {text: x, ignore: [case, space]}}", "{equals: {ignore: [space, case], text: x}}"),
        ("{number: {value: 42}}", "{number: {value: 42.0, within: null}}"),
        (
            "{json_schema: {type: object, minProperties: 1}}",
            "{json_schema: {minProperties: 1, type: object}}",
        ),
    ],
)
def test_how_a_check_is_written_is_not_part_of_its_meaning(one, other):
    assert read_rubric(checked(one)).digest == read_rubric(checked(other)).digest


def test_to_dict_hands_out_a_copy_of_the_schema():
    rubric = read_rubric(checked(GOOD["json_schema"]))
    rubric.to_dict()["criteria"][0]["check"]["json_schema"].clear()
    assert rubric.criteria[0].check.json_schema["type"] == "object"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("equals field", "output equals expected (case, punctuation and space make no difference)"),
        ("matches", "output matches `/AB-\\d+/`"),
        ("absent", "expected does not match `/(?i)sorry/`"),
        ("json_schema", "output is JSON that fits a schema (it has a)"),
        ("number value", "the number in output is 42, give or take 0.5"),
        ("number field", "the number in output is that in expected, give or take 1 %"),
        ("python", "the function acme.is_polite-2, which whoever runs the judge gives"),
    ],
)
def test_the_document_says_how_it_is_decided(name, said):
    assert f"\n\nDecided by code: {said}." in document(read_rubric(checked(GOOD[name])))


def test_a_schema_on_a_server_is_refused_without_a_connection():
    with LoopbackServer(["{}"]) as server:
        for key in ("$ref", "$dynamicRef"):
            for place in (f"{server.url}/schema.json", f"//127.0.0.1:{server.port}/schema.json#/a"):
                (found,) = problems(checked(f"{{json_schema: {{items: {{{key}: '{place}'}}}}}}"))
                assert "is not in this schema; no other is fetched" in found
        based = f"{{json_schema: {{$id: '{server.url}/', items: {{$ref: other.json}}}}}}"
        assert "no other is fetched" in problems(checked(based))[0]
        assert server.seen == []


def test_references_inside_a_schema_are_followed():
    found = problems(checked("{json_schema: {$ref: '#/extra/a', x-extra: 1, x-a: {pattern: '('}}}"))
    assert "'#/extra/a' is not in this schema" in found[0]
    found = problems(checked("{json_schema: {$ref: '#/x-a', x-a: {pattern: '('}}}"))
    assert found[0].startswith("criteria[0].check.json_schema.x-a.pattern: is not a regular expression")
    tree = "{$ref: '#/$defs/node', $defs: {node: {items: {$ref: '#/$defs/node'}}}}"
    assert read(f"{{json_schema: {tree}}}").json_schema["$ref"] == "#/$defs/node"


def test_what_json_has_not_is_no_schema():
    data = read_rubric(checked(GOOD["json_schema"])).to_dict()
    deep: dict = {}
    for _ in range(400):
        deep = {"items": deep}
    for wrong in ({"const": float("nan")}, {"properties": {1: True}}, {"enum": (1, 2)}, {"const": Path()}):
        data["criteria"][0]["check"]["json_schema"] = wrong
        with pytest.raises(RubricError, match="is not a JSON Schema"):
            rubric_from_dict(data)
    data["criteria"][0]["check"]["json_schema"] = deep
    check_value(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.sampled_from(["output", "expected", "(", "a+", "#/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["field", "text", "value", "type", "$ref", "$id", "items", "pattern"]), inner
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(Check.model_fields)), VALUES, max_size=3) | VALUES)
def test_any_check_is_taken_or_refused(check):
    data = read_rubric(checked("{matches: x}")).to_dict()
    data["criteria"][0]["check"] = check
    check_value(data)


def check_value(data):
    try:
        rubric = rubric_from_dict(data)
    except RubricError as error:
        assert str(error)
        return
    assert rubric_from_dict(json.loads(json.dumps(rubric.to_dict()))).digest == rubric.digest


@given(st.text("()[]{}^$*+?|\\d.aA09,:<>=!#&~-\n é\ud800", max_size=12))
def test_any_text_is_a_pattern_or_refused(text):
    try:
        compiled(text)
    except BadPattern as error:
        assert str(error)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})",
        r"^(?:\d{1,3}\.){3}\d{1,3}$",
        r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})",
        r"\A.{500,2000}\Z",
    ],
)
def test_patterns_that_people_write_are_not_too_large(pattern):
    assert compiled(pattern)


@pytest.mark.parametrize(
    "pattern", ["x{100000000}", "(x{9999}){9999}", "(?x)( x{1000} ) {1000}", "(" * 1000 + ")" * 1000]
)
def test_patterns_that_would_fill_memory_are_refused(pattern):
    with pytest.raises(BadPattern, match=r"repeats too much|nested too deep"):
        compiled(pattern)
