"""How sure a judge was: against every continuation that a small model of tokens has, and by hand."""

import json
from math import isclose

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgekit.exchange import Token
from judgekit.parsing.probability import chances, label_places

HEAD, TAIL = '{"q": {"explanation": "Because.", "label": "', '"}}'


def reply_of(label: str) -> tuple[str, tuple[int, int]]:
    text = HEAD + label + TAIL
    return text, label_places(text, 0, len(text))["q"]


def chosen(said: list[tuple[str, dict[str, float]]], labels: list[str]) -> dict[str, float]:
    """Chances from the tokens of a label and what follows: each with its place's table of probabilities."""
    tokens = [Token(HEAD, 1.0), *[Token(text, table[text], tuple(table.items())) for text, table in said]]
    text = "".join(token.text for token in tokens)
    return chances(tokens, label_places(text, 0, len(text))["q"], labels)


# ---------------------------------------------------------------- known values


def test_a_label_of_one_token():
    found = chosen(
        [("pass", {"pass": 0.75, "fail": 0.2, "Fail": 0.05}), ('"}}', {'"}}': 1.0})], ["pass", "fail"]
    )
    assert found == pytest.approx({"pass": 0.75, "fail": 0.25})


def test_what_begins_no_label_counts_for_nothing():
    found = chosen(
        [("pass", {"pass": 0.6, "fail": 0.2, "maybe": 0.2}), (TAIL, {TAIL: 1.0})], ["pass", "fail"]
    )
    assert found == pytest.approx({"pass": 0.75, "fail": 0.25})


def test_a_label_of_several_tokens():
    labels = ["partial", "pass", "fail"]
    said = [
        ("pa", {"pa": 0.8, "fail": 0.2}),
        ("ss", {"ss": 0.75, "rtial": 0.25}),
        (TAIL, {TAIL: 1.0}),
    ]
    assert chosen(said, labels) == pytest.approx({"pass": 0.6, "partial": 0.2, "fail": 0.2})


def test_a_token_that_begins_two_labels_counts_for_both_in_equal_parts():
    said = [("fail", {"fail": 0.5, "pa": 0.5}), (TAIL, {TAIL: 1.0})]
    assert chosen(said, ["pass", "partial", "fail"]) == pytest.approx(
        {"fail": 0.5, "pass": 0.25, "partial": 0.25}
    )


def test_a_label_that_begins_another_is_told_apart_by_its_closing_quote():
    said = [("1", {"1": 0.9, "2": 0.1}), ('"}', {'"}': 0.7, "0": 0.3}), ("}", {"}": 1.0})]
    assert chosen(said, ["1", "2", "10"]) == pytest.approx({"1": 0.63, "2": 0.1, "10": 0.27})
    said = [("10", {"10": 0.5, "1": 0.4, '1"': 0.1}), (TAIL, {TAIL: 1.0})]
    assert chosen(said, ["1", "2", "10"]) == pytest.approx({"1": 0.5, "2": 0.0, "10": 0.5})


def test_quotes_that_are_part_of_the_labels_token():
    head, tokens = HEAD[:-1], [(' "pass"', 0.6), (' "fail"', 0.3), (' "fai', 0.1)]
    said = [Token(head.rstrip(), 1.0), Token(' "pass"', 0.6, tuple(tokens)), Token("}}", 1.0)]
    text, place = reply_of("pass")
    assert "".join(token.text for token in said) == text
    assert chances(said, place, ["pass", "fail"]) == pytest.approx({"pass": 0.6, "fail": 0.4})


def test_another_label_may_begin_together_with_the_opening_quote():
    said = [
        Token(HEAD[:-1], 1.0),
        Token('"', 0.6, (('"', 0.6), ('"fail', 0.4))),
        Token("pass", 1.0, (("pass", 1.0),)),
        Token(TAIL, 1.0),
    ]
    assert chances(said, reply_of("pass")[1], ["pass", "fail"]) == pytest.approx({"pass": 0.6, "fail": 0.4})


def test_case_and_space_do_not_make_another_label():
    table = {"PASS": 0.5, "pass": 0.2, " pass": 0.1, "Fail": 0.2}
    assert chosen([("PASS", table), (TAIL, {TAIL: 1.0})], ["Pass", "fail"]) == pytest.approx(
        {"Pass": 0.8, "fail": 0.2}
    )
    _, place = reply_of("  Pass ")
    tokens = [Token(HEAD, 1.0), Token("  Pass ", 0.9, (("Fail", 0.1),)), Token(TAIL, 1.0)]
    assert chances(tokens, place, ["pass", "fail"]) == pytest.approx({"pass": 0.9, "fail": 0.1})


def test_labels_with_spaces_and_of_other_scripts():
    said = [("not", {"not": 0.9, "good": 0.1}), (" good", {" good": 0.8, " sure": 0.2}), (TAIL, {TAIL: 1.0})]
    assert chosen(said, ["good", "not good", "not sure"]) == pytest.approx(
        {"good": 0.1, "not good": 0.72, "not sure": 0.18}
    )
    said = [("良", {"良": 0.7, "不": 0.3}), ("い", {"い": 1.0}), (TAIL, {TAIL: 1.0})]
    assert chosen(said, ["良い", "不良"]) == pytest.approx({"良い": 0.7, "不良": 0.3})


def test_where_nothing_can_be_known_nothing_is_said():
    place, labels = reply_of("pass")[1], ["pass", "fail"]
    blind = [Token(HEAD, 1.0), Token("pass", 0.4), Token(TAIL, 1.0)]
    assert chances(blind, place, labels) == {}
    half = [Token(HEAD, 1.0), Token("p", 0.4), Token("ass", 0.9, (("ast", 0.1),)), Token(TAIL, 1.0)]
    assert chances(half, place, labels) == {}, "what else could have stood in place of p is not known"
    assert chances([], place, labels) == {}
    sure = [Token(HEAD, 1.0), Token("p", 1.0), Token("ass", 0.9, (("ast", 0.1),)), Token(TAIL, 1.0)]
    assert chances(sure, place, labels)["pass"] == 1.0
    assert chances(sure, place, ["good", "bad"]) == {}


# ---------------------------------------------------------------- against all continuations of a small model

LABELS = st.lists(st.text("ab 1é", min_size=1, max_size=5), min_size=2, max_size=5)


@st.composite
def models(draw):
    """Labels, each with a probability and the tokens that spell it, and which of them is said.

    Tokens may hold the opening quote, the closing one and what follows it.
    """
    labels = list(dict.fromkeys(" ".join(label.split()) for label in draw(LABELS)))
    labels = [label for label in labels if label] or ["a"]
    weights = draw(st.lists(st.integers(1, 20), min_size=len(labels), max_size=len(labels)))
    spelt = {}
    for label, weight in zip(labels, weights, strict=True):
        whole = f'"{label}{TAIL}'
        cuts = sorted(draw(st.sets(st.integers(1, len(whole) - 1), max_size=5)))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        spelt[tuple(pieces)] = (label, weight / sum(weights))
    return spelt, draw(st.sampled_from(sorted(spelt)))


def next_tokens(spelt: dict, before: tuple) -> dict[str, float]:
    """Of all continuations, how likely each token is after these ones."""
    after = {tokens: p for tokens, (_, p) in spelt.items() if tokens[: len(before)] == before}
    whole = sum(after.values())
    table: dict[str, float] = {}
    for tokens, p in after.items():
        table[tokens[len(before)]] = table.get(tokens[len(before)], 0.0) + p / whole
    return table


def tokens_said(spelt: dict, said: tuple) -> list[Token]:
    found = [Token(HEAD[:-1], 1.0)]
    for place, text in enumerate(said):
        table = next_tokens(spelt, said[:place])
        found.append(Token(text, table[text], tuple(table.items())))
    return found


def doubtful(spelt: dict, said: tuple, label: str) -> float:
    """How likely the model is to go where the text so far does not tell its label from others."""
    doubt, reached, before = 0.0, 1.0, ""
    for place, text in enumerate(said):
        table = next_tokens(spelt, said[:place])
        for other, p in table.items():
            begun = (before + other)[1:].split('"')[0] if '"' in (before + other)[1:] else None
            so_far = (before + other)[1:]
            fits = label == begun if begun is not None else f'{label}"'.startswith(so_far.lstrip())
            doubt += reached * p * (other != text and fits)
        reached, before = reached * table[text], before + text
    return doubt


@settings(max_examples=300)
@given(models())
def test_the_chance_of_what_is_said_is_that_of_all_continuations(model):
    spelt, said = model
    label, true = spelt[said]
    labels = [name for name, _ in spelt.values()]
    text, place = reply_of(label)
    tokens = tokens_said(spelt, said)
    assert "".join(token.text for token in tokens) == text
    found = chances(tokens, place, labels)
    assert set(found) == set(labels)
    assert isclose(sum(found.values()), 1.0, abs_tol=1e-9)
    assert all(-1e-12 <= share <= 1 + 1e-9 for share in found.values())
    doubt = doubtful(spelt, said, label)
    assert true - 1e-9 <= found[label] <= true + doubt + 1e-9
    if not doubt:
        assert isclose(found[label], true, abs_tol=1e-9)


@settings(max_examples=300)
@given(
    st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_whatever_tokens_come_nothing_raises_and_shares_stay_shares(labels, data):
    label = data.draw(st.sampled_from(labels))
    text = json.dumps({"q": {"label": label}}, ensure_ascii=False)
    places = label_places(text, 0, len(text))
    if "\\" in json.dumps(label, ensure_ascii=False):
        assert places == {}
        return
    assert text[slice(*places["q"])] == label
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=8)))
    shares = st.floats(0, 1)
    others = st.lists(st.tuples(st.text(max_size=6) | st.sampled_from(labels), shares), max_size=4)
    tokens = [
        Token(text[a:b], data.draw(shares), tuple(data.draw(others)))
        for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)
    ]
    found = chances(tokens, places["q"], labels)
    assert set(found) in (set(), set(labels))
    assert all(0 <= share <= 1 for share in found.values())
    assert not found or isclose(sum(found.values()), 1.0, rel_tol=1e-6)


# ---------------------------------------------------------------- where the labels stand

PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRY = st.fixed_dictionaries(
    {"explanation": PLAIN, "label": PLAIN},
    optional={
        "evidence": st.lists(PLAIN | st.fixed_dictionaries({"quote": PLAIN, "label": PLAIN}), max_size=3),
        "more": st.fixed_dictionaries({"label": PLAIN}),
    },
)


@given(
    st.dictionaries(PLAIN, ENTRY, min_size=1, max_size=4), PLAIN, st.sampled_from([None, 1]), st.booleans()
)
@example({"label": {"explanation": '"label": "x"', "label": "label"}}, "", None, False)
@example({"q": {"evidence": ["label", "x"], "explanation": "", "label": "y"}}, "{", 1, True)
def test_places_are_those_of_the_labels(verdict, around, indent, first):
    if first:  # in another order
        verdict = {name: dict(reversed(entry.items())) for name, entry in verdict.items()}
    told = json.dumps(verdict, ensure_ascii=False, indent=indent)
    text = around + told + around
    places = label_places(text, len(around), len(around) + len(told))
    found = {name: text[start:end] for name, (start, end) in places.items()}
    escaped = {n for n, e in verdict.items() if "\\" in json.dumps([n, e["label"]], ensure_ascii=False)}
    assert found == {name: entry["label"] for name, entry in verdict.items() if name not in escaped}
