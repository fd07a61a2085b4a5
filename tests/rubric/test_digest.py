"""Digests know meaning and nothing else; the prompt is built from what is digested."""

import json
from copy import deepcopy

import pytest
from design_rubric import DESIGN
from hypothesis import given
from hypothesis import strategies as st

from judgekit.prompt import Template
from judgekit.rubric import read_rubric, rubric_from_dict
from judgekit.rubric.values import normal_text

DESIGN = DESIGN.replace("topic: cannot_tell", "topic: login")
RUBRIC = read_rubric(DESIGN)

SAME = {
    "comments and blank lines": DESIGN.replace("\n", "   # why\n\n"),
    "key order": DESIGN.replace("    weight: 2\n    gate: true\n", "    gate: true\n    weight: 2\n")
    .replace('{label: "1", score: 0.0, description: Rude}', "{description: Rude, score: 0, label: '1'}")
    .replace("labels: {resolves: pass, tone: 2,", "labels: {tone: 2, resolves: pass,")
    .replace("item: {input: Help, output: Press it}", "item: {output: Press it, input: Help}"),
    "quoting": DESIGN.replace("question: How does it sound?", 'question: "How does it sound?"').replace(
        'pass_at: "2"', "pass_at: 2"
    ),
    "wrapping": DESIGN.replace(
        "question: How complete is it?", "question: >-\n      How complete\n      is   it?"
    ).replace("instructions: Optional guidance, the", "instructions: |\n  Optional guidance,\n  the"),
    "levels as a list": DESIGN.replace(
        "      pass: Names the fix and it applies to this customer\n      fail: Anything else\n",
        "      - {label: pass, score: 1, description: Names the fix and it applies to this customer}\n"
        "      - {label: fail, description: Anything else}\n",
    ),
    "defaults written out": DESIGN.replace(
        "  - name: tone\n", "  - name: tone\n    weight: 1\n    gate: false\n"
    ),
    "a null in an example": DESIGN.replace("output: Press it}", "output: Press it, context: }"),
    "name": DESIGN.replace("name: support-reply", "name: other"),
    "version": DESIGN.replace("version: 1.0.0", "version: 1.0.1"),
    "purpose": DESIGN.replace("purpose: Who", "purpose: Whoever"),
    "owner": DESIGN.replace("owner: support-quality\n", ""),
    "outcome": DESIGN.replace("good_when: lower", "good_when: higher"),
    "target": DESIGN.replace("target: 0.95", "target: 0.5"),
    "severity": DESIGN.replace("severity: high", "severity: low"),
    "from": DESIGN.replace("from: {code: wrong-fix, items: [t-0007, t-0031]}", "from: {code: other}"),
}


@pytest.mark.parametrize("name", SAME)
def test_layout_and_what_decides_no_verdict_stay_outside(name):
    assert SAME[name] != DESIGN
    other = read_rubric(SAME[name])
    assert other.digest == RUBRIC.digest
    assert other.criterion_digests == RUBRIC.criterion_digests
    assert Template(other).system == Template(RUBRIC).system
    assert Template(other).schema == Template(RUBRIC).schema


ALL = {"resolves", "tone", "topic", "completeness"}
# What changes, and the criteria whose own digest must change with it.
CHANGED = {
    "mode of abstention": ("allow_abstain: true", "allow_abstain: false", ALL),
    "instructions": ("instructions: Optional", "instructions: Other", ALL),
    "input description": ("output: The reply", "output: A reply", ALL),
    "input added": ("  context: {", "  more: m\n  context: {", ALL),
    "input required": ("required: false", "required: true", ALL),
    "question": ("How does it sound?", "How does it read?", {"tone"}),
    "scale": ("scale: ordinal", "scale: categorical", {"tone"}),
    "level description": ("description: Flat", "description: Dull", {"tone"}),
    "level score": ("score: 0.5", "score: 0.6", {"tone"}),
    "level label": ('label: "3"', 'label: "4"', {"tone"}),
    "level order": (
        "      billing: Money\n      login: Access\n",
        "      login: Access\n      billing: Money\n",
        {"topic"},
    ),
    "level added": ("      other:\n", "      other:\n      another:\n", {"topic"}),
    "range": ("range: [0, 10]", "range: [0, 20]", {"completeness"}),
    "not applicable": ("    allow_not_applicable: true\n", "", {"resolves"}),
    "pass_at of a level": ('pass_at: "2"', 'pass_at: "3"', set()),
    "pass_at of a number": ("pass_at: 7", "pass_at: 8", set()),
    "weight": ("weight: 2", "weight: 3", set()),
    "gate": ("gate: true", "gate: false", set()),
    "evidence": ("evidence: output", "evidence: input", set()),
    "aggregate": ("aggregate: weighted_mean", "aggregate: minimum", set()),
    "threshold": ("threshold: 0.7", "threshold: 0.8", set()),
    "example item": ("output: Press it", "output: Press that", set()),
    "example answer": ("labels: {resolves: pass", "labels: {resolves: fail", set()),
    "example explanation": ("explanation: It names", "explanation: It has", set()),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_decides_a_verdict_changes_the_digests_it_touches(name):
    old, new, touched = CHANGED[name]
    assert DESIGN.count(old) == 1
    text = DESIGN.replace(old, new)
    # The example has to fit, too; what it shows changes the whole but no criterion.
    if name == "input required":
        text = text.replace("output: Press it}", "output: Press it, context: x}")
    if name == "input added":
        text = text.replace("output: Press it}", "output: Press it, more: x}")
    other = read_rubric(text)
    assert other.digest != RUBRIC.digest
    assert {n for n in ALL if other.criterion_digests[n] != RUBRIC.criterion_digests[n]} == touched


def test_renaming_a_criterion_leaves_its_own_digest():
    other = read_rubric(DESIGN.replace("name: tone", "name: voice").replace("tone: 2", "voice: 2"))
    assert other.digest != RUBRIC.digest
    assert other.criterion_digests["voice"] == RUBRIC.criterion_digests["tone"]


def test_order_of_the_criteria_is_part_of_the_whole_only():
    data = RUBRIC.to_dict()
    data["criteria"].reverse()
    other = rubric_from_dict(data)
    assert other.digest != RUBRIC.digest
    assert other.criterion_digests == RUBRIC.criterion_digests


def test_the_mode_is_part_of_a_criterions_digest():
    levels = [{"label": "a", "score": 1}, {"label": "b", "score": 0}, {"label": "tie", "score": 0.5}]
    data = {
        "name": "r",
        "version": "1",
        "purpose": "p",
        "inputs": {"output_a": "", "output_b": ""},
        "criteria": [{"name": "c", "question": "q", "scale": "categorical", "levels": levels}],
    }
    pointwise = rubric_from_dict(data)
    del data["criteria"][0]["scale"]
    pairwise = rubric_from_dict(data | {"mode": "pairwise"})
    assert pointwise.criterion_digests != pairwise.criterion_digests


def test_the_round_trip_through_json_keeps_the_digest():
    plain = json.loads(json.dumps(RUBRIC.to_dict()))
    again = rubric_from_dict(plain)
    assert (again.digest, again.criterion_digests) == (RUBRIC.digest, RUBRIC.criterion_digests)
    assert again.to_dict() == plain


def test_the_round_trip_keeps_nulls_inside_an_example():
    data = RUBRIC.to_dict()
    data["examples"][0]["item"]["output"] = {"a": None, "b": [None, {"c": None}]}
    rubric = rubric_from_dict(data)
    assert rubric.to_dict()["examples"][0]["item"]["output"] == {"a": None, "b": [None, {"c": None}]}
    assert rubric_from_dict(rubric.to_dict()).digest == rubric.digest


def test_to_dict_hands_out_a_copy():
    before = deepcopy(RUBRIC.to_dict())
    taken = RUBRIC.to_dict()
    taken["examples"][0]["item"]["output"] = "changed"
    taken["criteria"].clear()
    assert RUBRIC.to_dict() == before


def test_composed_and_decomposed_letters_are_one():
    data = RUBRIC.to_dict()
    data["criteria"][2]["levels"][0] = {"label": "caf\u00e9", "description": "caf\u00e9"}
    composed = rubric_from_dict(data).digest
    data["criteria"][2]["levels"][0] = {"label": "cafe\u0301", "description": "cafe\u0301"}
    assert rubric_from_dict(data).digest == composed


def test_normal_text_joins_wrapped_lines_and_keeps_paragraphs_and_bullets():
    text = "  One\n  line.\n\n\n- a  b\n  c\n* d\n2) e\nTwo.\n"
    assert normal_text(text) == "One line.\n\n- a b c\n* d\n2) e Two."


@given(st.text("ab -*1.)\n\t\u0301e\u2028é", max_size=40))
def test_normal_text_is_stable(text):
    assert normal_text(normal_text(text)) == normal_text(text)
    assert normal_text(text.replace("\n", "\r\n")) == normal_text(text)
    assert normal_text("\n" + text + "\n  ") == normal_text(text)
