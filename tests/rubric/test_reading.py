"""The rubric format: every key, every mistake with its line, and files from strangers."""

import json
from pathlib import Path

import pytest
from design_rubric import DESIGN
from hypothesis import example, given
from hypothesis import strategies as st

from judgekit.errors import RubricError
from judgekit.rubric import load_rubric, read_rubric, rubric_from_dict
from judgekit.rubric.checks import LABEL_COLUMNS, RESERVED_NAMES
from judgekit.rubric.yaml_tree import MAX_BYTES, plain

HEAD = "name: r\nversion: '1'\npurpose: p\ninputs: {output: The answer, context: {required: false}}\n"
BINARY = "  - {name: a, question: q, scale: binary, levels: {pass: x, fail: y}}\n"
NUMERIC = "  - {name: a, question: q, scale: numeric, range: [0, 1]}\n"
PAIR = "name: r\nversion: '1'\npurpose: p\nmode: pairwise\ninputs: {output_a: A, output_b: B}\ncriteria:\n"


def criterion(inner: str) -> str:
    return f"{HEAD}criteria:\n  - {{name: a, question: q, {inner}}}\n"


def problems(text: str, where: str = "r.yaml") -> list[str]:
    with pytest.raises(RubricError) as caught:
        read_rubric(text, where)
    assert caught.value.total == len(caught.value.problems)
    return str(caught.value).split("\n")


def test_every_key_of_the_format():
    rubric = read_rubric(DESIGN)
    assert (rubric.reference, rubric.owner) == ("support-reply@1.0.0", "support-quality")
    assert rubric.outcome.model_dump() == {
        "name": "reopened within 7 days",
        "column": "reopened_7d",
        "good_when": "lower",
        "lag_days": 7.0,
    }
    assert list(rubric.required()) == ["input", "output"]
    assert rubric.inputs["context"].description == "Policy excerpts"
    assert (rubric.aggregate, rubric.threshold, rubric.allow_abstain) == ("weighted_mean", 0.7, True)

    resolves, tone, topic, completeness = rubric.criteria
    assert resolves.labels == ("pass", "fail")
    assert [level.score for level in resolves.levels] == [1.0, 0.0]
    assert (resolves.weight, resolves.gate, resolves.evidence) == (2.0, True, "output")
    assert (resolves.target, resolves.severity, resolves.pass_score) == (0.95, "high", 1.0)
    assert (resolves.origin.code, resolves.origin.items) == ("wrong-fix", ("t-0007", "t-0031"))
    assert (tone.pass_at, tone.pass_score, tone.score_of("2")) == ("2", 0.5, 0.5)
    assert (topic.scored, topic.pass_score, topic.score_of("login")) == (False, None, None)
    assert (completeness.range, completeness.pass_at) == ((0.0, 10.0), 7.0)
    assert (completeness.score_of(5), completeness.pass_score) == (0.5, 0.7)

    (shown,) = rubric.examples
    assert shown.labels == {"resolves": "pass", "tone": "2", "topic": "cannot_tell", "completeness": 7.0}


def test_defaults():
    rubric = read_rubric(HEAD + "criteria:\n" + BINARY)
    assert (rubric.mode, rubric.aggregate, rubric.threshold) == ("pointwise", "weighted_mean", None)
    assert (rubric.allow_abstain, rubric.instructions, rubric.examples) == (False, "", ())
    assert rubric.outcome is rubric.owner is None
    (one,) = rubric.criteria
    assert (one.weight, one.gate, one.allow_not_applicable) == (1.0, False, False)
    assert one.evidence is one.target is one.severity is one.origin is one.pass_at is None
    assert not rubric.decides


def test_pairwise_criteria_answer_a_b_or_tie():
    rubric = read_rubric(PAIR + "  - {name: better, question: q}\n")
    (one,) = rubric.criteria
    assert (one.scale, one.labels) == ("pairwise", ("a", "b", "tie"))
    assert [one.score_of(label) for label in one.labels] == [1.0, 0.0, 0.5]


def test_all_pass_has_the_threshold_one():
    assert read_rubric(HEAD + "aggregate: all_pass\ncriteria:\n" + BINARY).threshold == 1


@pytest.mark.parametrize("pair", ["yes/no", "true/false", "met/unmet", "PASS/Fail", "no/yes", "unmet/met"])
def test_binary_levels_that_need_no_scores(pair):
    good, bad = pair.split("/")
    (one,) = read_rubric(criterion(f"scale: binary, levels: {{{good}: x, {bad}: y}}")).criteria
    assert one.labels == (good, bad)
    top = good if good.casefold() in ("pass", "yes", "true", "met") else bad
    assert {label: one.score_of(label) for label in one.labels} == {
        good: float(good == top),
        bad: float(bad == top),
    }


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "n", "Yes", "NO", "null", "~", "1", "1.50"])
def test_words_that_yaml_1_1_would_turn_stay_text(word):
    text = criterion(f"scale: categorical, levels: {{{word}: x, other: y}}")
    assert read_rubric(text).criteria[0].labels[0] == word
    listed = "  - {name: b, question: q, scale: categorical, levels: [{label: %s}, {label: other}]}\n"
    if word not in ("null", "~", "1.50"):  # in this form they are null and a number
        assert read_rubric(f"{HEAD}criteria:\n{listed % word}").criteria[0].labels[0] == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("017", 17),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        *((text, text.casefold() == "true") for text in "true True TRUE false False FALSE".split()),
        ("tRUE", "tRUE"),
        ("Null", None),
        ("9" * 400, "9" * 400),
        ("٣", "٣"),
    ],
)
def test_plain_scalars_by_the_core_schema(text, value):
    assert plain(text) == value and type(plain(text)) is type(value)


def test_each_mistake_of_a_file_has_its_line_and_a_hint():
    text = """\
name: 7up
version: 1.0
purpose: p
treshold: 0.5
inputs:
  output: {desription: The answer}
criteria:
  - name: a
    question: q
    scale: binery
    levels: {pass: x, fail: y}
    weight: -1
  - name: A
    question: q
    scale: ordinal
    pass_at: hgih
    levels:
      - {label: low, score: 0}
      - {label: high, score: 1.5}
      - {label: high, score: 1}
    evidence: outptu
    severity: hihg
  - name: rater
    question: q
    scale: numeric
    range: [10, 0]
    model: gpt-4
aggregate: mean
examples:
  - item: {ouput: x}
    labels: {aa: pass}
"""
    found = problems(text)
    assert found == [
        "r.yaml:1: name: '7up' is not a name: a letter, then letters, digits, - or _ (at most 64)",
        "r.yaml:2: version: must be text, not 1.0; put it in quotes",
        "r.yaml:4: treshold: unknown key 'treshold'; did you mean 'threshold'?",
        "r.yaml:6: inputs.output.desription: unknown key 'desription'; did you mean 'description'?",
        "r.yaml:10: criteria[0].scale: 'binery' is not one of binary, ordinal, categorical, numeric; "
        "did you mean 'binary'?",
        "r.yaml:12: criteria[0].weight: must be more than 0, not -1",
        "r.yaml:13: criteria[1].name: criterion 1 is also called 'A'; names must differ",
        "r.yaml:16: criteria[1].pass_at: 'hgih' is not one of the levels (low, high, high); "
        "did you mean 'high'?",
        "r.yaml:19: criteria[1].levels[1].score: must be at most 1, not 1.5",
        "r.yaml:20: criteria[1].levels[2].label: the level 'high' stands twice (case does not matter)",
        "r.yaml:21: criteria[1].evidence: 'outptu' is not one of the inputs (output); did you mean 'output'?",
        "r.yaml:22: criteria[1].severity: 'hihg' is not one of low, medium, high, critical; "
        "did you mean 'high'?",
        "r.yaml:23: criteria[2].name: 'rater' is a reserved word of label files; choose another name",
        "r.yaml:26: criteria[2].range: the range must rise: 10 is not below 0",
        "r.yaml:27: criteria[2].model: a rubric holds no model, address, key or code: 'model' is refused; "
        "give it on the command line",
        "r.yaml:28: aggregate: 'mean' is not one of weighted_mean, minimum, all_pass",
        "r.yaml:30: examples[0].item.ouput: 'ouput' is not one of the inputs; did you mean 'output'?",
        "r.yaml:30: examples[0].item: the example lacks the required input 'output'",
        "r.yaml:31: examples[0].labels.aa: 'aa' is not a criterion; did you mean 'a'?",
    ]


MISTAKES = {
    "levels as texts": (
        criterion("scale: binary, levels: [pass, fail]"),
        ["criteria[0].levels: each level says what it means: write `levels: {pass: …, …}`"],
    ),
    "levels as mappings": (
        criterion("scale: ordinal, levels: {1: {score: 0, description: bad}, 2: {score: 1}}"),
        [
            "criteria[0].levels: levels with scores are a list: write `- {label: …, score: …, "
            "description: …}` for each"
        ],
    ),
    "purpose empty": (
        (HEAD + "criteria:\n" + BINARY).replace("purpose: p", "purpose:"),
        ["purpose: is empty; write it"],
    ),
    "criteria misspelt": (
        (HEAD + "criterias:\n" + BINARY).replace("scale: binary", "scale: binery"),
        [
            "criterias: unknown key 'criterias'; did you mean 'criteria'?",
            "criteria[0].scale: 'binery' is not one of binary, ordinal, categorical, numeric; did you mean "
            "'binary'?",
        ],
    ),
    "levels missing": (
        criterion("scale: binary, weight: x"),
        [
            "criteria[0].weight: must be a number, not 'x'",
            "criteria[0].levels: a criterion with scale binary needs levels",
        ],
    ),
    "one level": (
        criterion("scale: ordinal, levels: {a: x}"),
        [
            "criteria[0].levels: a scale needs at least two levels",
            "criteria[0].levels[0]: each level of an ordinal scale needs a score between 0 and 1",
        ],
    ),
    "three binary levels": (
        criterion("scale: binary, levels: {a: x, b: y, c: z}"),
        [
            "criteria[0].levels: a binary criterion has two levels, not 3; is it ordinal or categorical?",
        ],
    ),
    "binary without scores": (
        criterion("scale: binary, levels: {good: x, bad: y}"),
        [
            "criteria[0].levels: give each level a score (1 and 0), or name them pass/fail, yes/no, "
            "true/false or met/unmet"
        ],
    ),
    "binary scores": (
        criterion("scale: binary, levels: [{label: good, score: 1}, {label: bad, score: 0.5}]"),
        ["criteria[0].levels: one level of a binary criterion scores 1, the other 0"],
    ),
    "binary pass_at": (
        criterion("scale: binary, levels: {pass: x, fail: y}, pass_at: pass"),
        ["criteria[0].pass_at: a binary criterion passes at the level that scores 1; remove pass_at"],
    ),
    "ordinal out of order": (
        criterion(
            "scale: ordinal, levels: [{label: x, score: 0}, {label: y, score: 1}, {label: z, score: 0.5}]"
        ),
        [
            "criteria[0].levels: ordinal levels stand from best to worst or worst to best: "
            "scores must rise or fall"
        ],
    ),
    "half scored": (
        criterion("scale: categorical, levels: [{label: x, score: 0}, {label: y}]"),
        ["criteria[0].levels: give every level of a categorical scale a score, or none"],
    ),
    "range on levels": (
        criterion("scale: categorical, levels: {x: '', y: ''}, range: [0, 1]"),
        ["criteria[0].range: a range belongs to a numeric scale; this one is categorical"],
    ),
    "numeric with levels": (
        criterion("scale: numeric, levels: {x: '', y: ''}"),
        [
            "criteria[0].range: a numeric criterion needs `range: [lowest, highest]`",
            "criteria[0].levels: a numeric criterion has a range, not levels",
        ],
    ),
    "range of text": (
        criterion("scale: numeric, range: [0, x]"),
        ["criteria[0].range[1]: must be a number, not 'x'"],
    ),
    "range of three": (
        criterion("scale: numeric, range: [0, 1, 2]"),
        ["criteria[0].range: has 3 entries, not 2"],
    ),
    "range of one": (criterion("scale: numeric, range: [0]"), ["criteria[0].range[1]: is missing"]),
    "range too wide": (
        criterion("scale: numeric, range: [-1e308, 1e308]"),
        ["criteria[0].range: the range is too wide to compute with"],
    ),
    "numeric pass_at": (
        criterion("scale: numeric, range: [0, 10], pass_at: 11"),
        ["criteria[0].pass_at: 11 lies outside the range 0 to 10"],
    ),
    "numeric pass_at text": (
        criterion("scale: numeric, range: [0, 10], pass_at: high"),
        ["criteria[0].pass_at: pass_at of a numeric criterion is a number"],
    ),
    "pass_at list": (
        criterion("scale: numeric, range: [0, 10], gate: true, pass_at: []"),
        ["criteria[0].pass_at: must be a level or a number, not a list"],
    ),
    "gate without pass_at": (
        criterion("scale: numeric, range: [0, 10], gate: true"),
        ["criteria[0].pass_at: gate needs `pass_at`: the lowest answer that counts as a pass"],
    ),
    "target without pass_at": (
        criterion("scale: numeric, range: [0, 10], target: 0.5"),
        ["criteria[0].pass_at: target needs `pass_at`: the lowest answer that counts as a pass"],
    ),
    "pass_at without scores": (
        criterion("scale: categorical, levels: {x: '', y: ''}, pass_at: x"),
        ["criteria[0].pass_at: pass_at needs levels with scores"],
    ),
    "gate as word": (
        criterion("scale: binary, levels: {pass: x, fail: y}, gate: yes"),
        ["criteria[0].gate: must be true or false, not 'yes'"],
    ),
    "weight too large": (
        criterion("scale: numeric, range: [0, 1], weight: 1e300"),
        ["criteria[0].weight: must be at most 1e+06, not 1e+300"],
    ),
    "reserved level": (
        criterion("scale: categorical, levels: {x: '', Cannot_Tell: '', not_applicable: ''}"),
        [
            "criteria[0].levels[1].label: 'Cannot_Tell' is reserved; use `allow_abstain: true` "
            "instead of a level",
            "criteria[0].levels[2].label: 'not_applicable' is reserved; use "
            "`allow_not_applicable: true` instead of a level",
        ],
    ),
    "pairwise without its mode": (
        criterion("scale: pairwise"),
        [
            "criteria[0].scale: a pairwise question needs `mode: pairwise` at the top of the rubric, "
            "and no scale"
        ],
    ),
    "all_pass without pass_at": (
        HEAD + "aggregate: all_pass\nthreshold: 0.5\ncriteria:\n" + NUMERIC,
        [
            "threshold: all_pass scores 1 or 0; its threshold can only be 1",
            "criteria[0].pass_at: aggregate all_pass needs `pass_at` here: what counts as a pass?",
        ],
    ),
    "threshold without scores": (
        HEAD
        + "threshold: 0.5\ncriteria:\n  - {name: a, question: q, scale: categorical, levels: {x: , y: }}\n",
        ["threshold: no criterion has scores, so no item can reach a threshold"],
    ),
    "no inputs": (
        HEAD.replace("{output: The answer, context: {required: false}}", "{}") + "criteria:\n" + BINARY,
        ["inputs: a rubric needs at least one input, such as output: The answer being graded"],
    ),
    "id as input": (
        HEAD.replace("output:", "id:") + "criteria:\n" + BINARY,
        ["inputs.id: 'id' names the item and is not shown to the judge; remove it"],
    ),
    "input name": (
        HEAD.replace("output:", "1st:") + "criteria:\n" + BINARY,
        ["inputs.1st: '1st' is not a name: a letter, then letters, digits, - or _ (at most 64)"],
    ),
    "input as number": (
        HEAD.replace("The answer", "0") + "criteria:\n" + BINARY,
        ["inputs.output.description: must be text, not 0; put it in quotes"],
    ),
    "inputs as list": (
        HEAD.replace("{output: The answer, context: {required: false}}", "[output]") + "criteria:\n" + BINARY,
        ["inputs: must be a mapping, `key: value`"],
    ),
    "criterion named as an input": (
        (HEAD + "criteria:\n" + BINARY).replace("name: a,", "name: output,"),
        ["criteria[0].name: 'output' is also an input; a label file could not tell the two apart"],
    ),
    "criteria empty": (HEAD + "criteria: []\n", ["criteria: a rubric needs at least one criterion"]),
    "criteria null": (HEAD + "criteria:\n", ["criteria: must be a list"]),
    "criteria of texts": (HEAD + "criteria: [a]\n", ["criteria[0]: must be a mapping, `key: value`"]),
    "version as date": (
        (HEAD + "criteria:\n" + BINARY).replace("'1'", "2020-01-01"),
        ["version: '2020-01-01' is not a version like 1.0.0"],
    ),
    "outcome": (
        HEAD + "outcome: {name: x, good_when: lowest, lag_days: -1}\ncriteria:\n" + BINARY,
        [
            "outcome.column: is missing",
            "outcome.good_when: 'lowest' is not one of higher, lower; did you mean 'lower'?",
            "outcome.lag_days: must be at least 0, not -1",
        ],
    ),
    "example answers": (
        HEAD + "criteria:\n" + NUMERIC + "examples: [{item: {output: x}, labels: {a: 2}}, {item: x}]\n",
        [
            "examples[1].item: must be a mapping, `key: value`",
            "examples[1].labels: is missing",
            "examples[0].labels.a: 2 is not a number from 0 to 1",
        ],
    ),
    "example abstains": (
        HEAD + "criteria:\n" + BINARY + "examples: [{item: {output: x}, labels: {a: cannot_tell}}]\n",
        ["examples[0].labels.a: 'cannot_tell' is not one of the levels (pass, fail)"],
    ),
    "example without required": (
        HEAD + "criteria:\n" + BINARY + "examples: [{item: {output: }, labels: {a: pass}}]\n",
        ["examples[0].item: the example lacks the required input 'output'"],
    ),
    "pairwise": (
        PAIR.replace("output_b: B", "input: I")
        + "  - {name: a, question: q, scale: binary, gate: true, levels: {a: '', b: ''}}\nthreshold: 0.5\n",
        [
            "inputs: a pairwise rubric compares output_a with output_b; output_b missing",
            "criteria[0].scale: criteria of a pairwise rubric answer a, b or tie; remove the scale",
            "criteria[0].levels: the levels of a pairwise criterion are a, b and tie",
            "criteria[0].gate: gate has no meaning in a pairwise rubric; remove it",
            "threshold: a pairwise rubric has no threshold; remove it",
        ],
    ),
    "pairwise scores": (
        PAIR + "  - {name: x, question: q, levels: [{label: a, score: 0}, {label: b}, {label: tie}]}\n",
        [
            "criteria[0].levels: the scores of a pairwise criterion are a: 1, b: 0 and tie: 0.5; "
            "leave them away"
        ],
    ),
    "pairwise all_pass": (
        PAIR + "  - {name: x, question: q}\naggregate: all_pass\nthreshold:\n",
        ["aggregate: all_pass has no meaning in a pairwise rubric"],
    ),
    "a template in YAML": (
        HEAD + "instructions: {{ input }}\ncriteria:\n" + BINARY,
        [
            "instructions: a key must be plain text (braces begin a mapping; put such a text in quotes)",
            "instructions: must be text, not a mapping",
        ],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_one_message(name):
    text, expected = MISTAKES[name]
    found = [message.split(": ", 1)[1] for message in problems(text)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("word", sorted(RESERVED_NAMES))
def test_columns_of_label_files_are_no_names(word):
    text = (HEAD + "criteria:\n" + BINARY).replace("name: a,", f"name: {word.title()},")
    assert "is a reserved word of label files" in problems(text)[0]


@pytest.mark.parametrize(
    "key", "model base_url apiKey API-KEY api_key_env headers env environment code python include".split()
)
def test_what_is_not_the_authors_to_say_is_refused(key):
    for text in (f"{key}: sk-secret\n", ""):
        inside = BINARY.replace("question: q", f"question: q, {key}: sk-secret") if not text else BINARY
        found = problems(HEAD + text + "criteria:\n" + inside)
        assert len(found) == 1
        assert f"holds no model, address, key or code: {key!r} is refused" in found[0]
        assert "sk-secret" not in found[0]


def test_an_input_may_bear_any_name_and_gets_its_own_hint():
    text = HEAD.replace("output: The answer", "outcome: {requird: true}") + "criteria:\n" + BINARY
    assert problems(text)[0].endswith("unknown key 'requird'; did you mean 'required'?")
    assert read_rubric((HEAD + "criteria:\n" + BINARY).replace("output:", "model:")).inputs["model"]


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("score: 0.5", "scor: 0.5", "'scor'; did you mean 'score'?"),
        ("lag_days: 7", "lagdays: 7", "'lagdays'; did you mean 'lag_days'?"),
        ("from: {code:", "from: {cod:", "'cod'; did you mean 'code'?"),
        ("explanation: It", "explenation: It", "'explenation'; did you mean 'explanation'?"),
        ("pass_at: 7", "passat: 7", "'passat'; did you mean 'pass_at'?"),
        ("severity: high", "zzz: high", "'zzz'; known here: name, question, scale, levels, range, pass_at, "),
    ],
)
def test_an_unknown_key_gets_a_hint_from_where_it_stands(old, new, hint):
    assert any(f"unknown key {hint}" in message for message in problems(DESIGN.replace(old, new)))


def test_a_level_of_a_mapping_keeps_its_line():
    assert problems(DESIGN.replace("      login: Access", "      cannot_tell: Access")) == [
        f"r.yaml:{DESIGN[: DESIGN.index('      login')].count(chr(10)) + 1}: criteria[2].levels[1].label: "
        "'cannot_tell' is reserved; use `allow_abstain: true` instead of a level"
    ]


def test_an_example_may_answer_what_its_criterion_allows():
    for name, answer, allowed in [
        ("resolves", "not_applicable", True),
        ("resolves", "cannot_tell", True),
        ("tone", "cannot_tell", True),
        ("tone", "not_applicable", False),
    ]:
        data = WHOLE.to_dict()
        data["examples"][0]["labels"] = {name: answer}
        if allowed:
            assert rubric_from_dict(data).examples[0].labels == {name: answer}
        else:
            with pytest.raises(RubricError, match=f"{answer!r} is not one of the levels"):
                rubric_from_dict(data)


def test_long_values_are_not_echoed_whole():
    (found,) = problems((HEAD + "criteria:\n" + BINARY).replace("'1'", "x" * 5000))
    assert len(found) < 200


# ---------------------------------------------------------------- YAML from strangers

WHOLE = read_rubric(DESIGN)
GOOD = HEAD + "criteria:\n" + BINARY


def test_a_duplicate_key_is_named_with_both_lines_and_hides_nothing():
    assert problems("name: a\n" + GOOD + "treshold: 1\n") == [
        "r.yaml:2: the key 'name' stands twice; first on line 1",
        "r.yaml:8: treshold: unknown key 'treshold'; did you mean 'threshold'?",
    ]


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['id']", "!!python/name:os.system", "!x y", "!!str 5", "!!set {a}"],
)
def test_tags_are_refused(tag):
    found = problems(GOOD + f"owner: {tag}\n")
    assert found[0].startswith("r.yaml:7: owner: the tag ") and "is refused" in found[0]


def test_tags_on_keys_are_refused():
    assert any("a key is plain text" in message for message in problems(GOOD + "!!str owner: x\n"))


def test_alias_bombs_are_not_built():
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "values once its aliases are expanded" in problems(GOOD + "\n".join(lines))[0]


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: *nowhere"])
def test_an_alias_to_itself_or_to_nothing(text):
    assert any("has no finished anchor before it" in message for message in problems(GOOD + text))


def test_aliases_are_fine():
    text = HEAD + "criteria:\n  - &one {name: a, question: q, scale: binary, levels: &l {pass: x, fail: y}}\n"
    text += "  - {name: b, question: q, scale: binary, levels: *l}\n"
    first, second = read_rubric(text).criteria
    assert first.levels == second.levels


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 30 + "]" * 30,
        "a: " + "{a: " * 30 + "1" + "}" * 30,
        "a: " + "[" * 50_000,
        "a:\n" + "".join("  " * n + "- \n" for n in range(1, 40)),
        "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 150)),
    ],
    ids=["lists", "mappings", "open lists", "block", "through aliases"],
)
def test_depth_is_limited(text):
    assert any("nested more than 20 deep" in message for message in problems(GOOD + text))


def test_complex_keys_of_any_depth_are_one_message():
    assert len([m for m in problems("?" + " {" * 5000) if "a key must be plain text" in m]) <= 1


def test_size_is_limited():
    assert problems(GOOD + "#" * MAX_BYTES) == ["r.yaml: larger than 500 kB; a rubric is a page or two"]
    assert read_rubric(GOOD + "#" * (MAX_BYTES - len(GOOD) - 10)).name == "r"


def test_a_second_document_is_refused():
    assert any("holds a second YAML document" in message for message in problems(GOOD + "---\na: b\n"))


def test_document_markers_are_fine():
    assert read_rubric("%YAML 1.2\n---\n" + GOOD + "...\n").name == "r"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file(text):
    assert problems(text) == ["r.yaml:1: the file is empty"]


@pytest.mark.parametrize("text", ["- a", "just words", "5"])
def test_a_file_that_is_no_mapping(text):
    assert problems(text) == ["r.yaml:1: a rubric is a mapping that begins with `name:`"]


def test_broken_yaml_names_the_line():
    assert problems("name: r\n\tversion: 1")[0].startswith("r.yaml:2: not valid YAML")
    assert problems("name: r\npurpose: 'open")[0].startswith("r.yaml:2: not valid YAML")
    assert problems("name: r\npurpose: a\x00b") == [
        "r.yaml:2: holds the character U+0000, which YAML does not allow"
    ]


def test_bom_and_crlf(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DESIGN.replace("\n", "\r\n").encode())
    assert load_rubric(path).digest == read_rubric(DESIGN).digest
    wrong = DESIGN.replace("threshold:", "treshold:")
    path.write_bytes(b"\xef\xbb\xbf" + wrong.replace("\n", "\r\n").encode())
    line = wrong[: wrong.index("treshold:")].count("\n") + 1
    with pytest.raises(RubricError, match=rf"r\.yaml:{line}: treshold: unknown key"):
        load_rubric(path)


def test_files_that_are_not_utf8(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"name: r\npurpose: caf\xe9\n")
    with pytest.raises(RubricError, match=r"r\.yaml:2: is not UTF-8 text; save it as UTF-8"):
        load_rubric(path)
    path.write_bytes(DESIGN.encode("utf-16"))
    with pytest.raises(RubricError, match="is not UTF-8 text"):
        load_rubric(path)
    with pytest.raises(RubricError, match="cannot be read: No such file"):
        load_rubric(tmp_path / "absent.yaml")
    with pytest.raises(RubricError, match="cannot be read: Is a directory"):
        load_rubric(tmp_path)


PIECES = st.sampled_from(
    [
        *"-:{}[],'\"|>&*!%#?@`~\n\t ",
        *"  |- |: |\n  |name|criteria|levels|&a |*a".split("|"),
        "!!int ",
        "1",
        "x",
        "\x00",
        "\ud800",
        "\u2028",
        "é",
        "---\n",
        "...\n",
        "<<: ",
        "? ",
        "null",
        "range",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
@example("? [\n")
@example("%TAG ! x\n---\n!<> a")
def test_any_text_is_a_rubric_or_a_rubric_error(text):
    for whole in (text, GOOD + text):
        try:
            read_rubric(whole)
        except RubricError as error:
            assert str(error)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from("a b pass".split()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "label", "score", "pass"]), inner)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(WHOLE.to_dict())), VALUES)
def test_any_value_at_the_top_is_taken_or_refused(key, value):
    check_value(WHOLE.to_dict() | {key: value})


@given(
    st.integers(0, 3),
    st.sampled_from("name question scale levels range pass_at weight gate from".split()),
    VALUES,
)
@example(0, "levels", ["pass", "fail"])
@example(3, "range", [0, None])
@example(3, "range", [{}, {}])
def test_any_value_in_a_criterion_is_taken_or_refused(index, key, value):
    data = WHOLE.to_dict()
    data["criteria"][index][key] = value
    check_value(data)


@given(VALUES, VALUES)
def test_any_example_is_taken_or_refused(item, labels):
    check_value(WHOLE.to_dict() | {"examples": [{"item": item, "labels": labels}]})


def check_value(data):
    try:
        rubric = rubric_from_dict(data)
    except RubricError:
        return
    assert rubric_from_dict(json.loads(json.dumps(rubric.to_dict()))).digest == rubric.digest


def test_a_dict_is_not_changed_and_may_be_wrong_too():
    data = WHOLE.to_dict()
    before = json.dumps(data)
    rubric_from_dict(data)
    assert json.dumps(data) == before
    with pytest.raises(RubricError, match=r"^here: criteria\[0\]\.levels: a criterion with scale binary"):
        rubric_from_dict(
            {
                "name": "r",
                "version": "1",
                "purpose": "p",
                "inputs": {"output": ""},
                "criteria": [{"name": "a", "question": "q", "scale": "binary"}],
            },
            "here",
        )
    with pytest.raises(RubricError, match="is not plain JSON"):
        rubric_from_dict(data | {"examples": [{"item": {"input": Path(), "output": "x"}, "labels": {}}]})


@pytest.mark.parametrize("word", sorted(LABEL_COLUMNS - {"id"}))
def test_columns_of_label_files_are_no_inputs(word):
    text = (HEAD + "criteria:\n" + BINARY).replace("output:", f"{word.title()}:")
    assert [m for m in problems(text) if "is a column of label files; choose another name" in m]


def test_no_more_of_a_file_is_read_than_a_rubric_may_have(tmp_path):
    (tmp_path / "r.yaml").write_text("#" + "é" * MAX_BYTES)
    with pytest.raises(RubricError, match="larger than 500 kB"):
        load_rubric(tmp_path / "r.yaml")
