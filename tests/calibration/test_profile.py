"""What a card remembers of its batch, and what is different in the next."""

import json

import numpy as np
import pytest
from judged import LENGTH, TONE, YES, row, rubric_of

from judgekit.calibration.batch import batch_of
from judgekit.calibration.batch_drift import compare
from judgekit.calibration.profile import Profile, profile_of, prose
from judgekit.calibration.writing import language_detector, script_of
from judgekit.errors import Problems
from judgekit.files.graded import graded_from_rows
from judgekit.files.rows import Row

RUBRIC = rubric_of(
    YES,
    TONE,
    LENGTH,
    inputs={
        "input": "The question",
        "output": "The answer",
        "context": {"description": "What is known", "required": False},
        "policy": "The rules",
    },
)


def question(k):
    return f"How do I change the address of my order number {k}?"


def answer(rng):
    return "It was sent. " * int(rng.lognormal(3, 0.5))


def profile(n=300, passes=0.8, seed=0, manifest=None, failed=0.0, **fields):
    """A batch of n items whose fields and verdicts are drawn as told."""
    rng = np.random.default_rng(seed)
    made = {"input": lambda rng: question(rng.integers(99)), "output": answer, **fields}
    rows = []
    for k in range(n):
        verdict = {
            "correct": "pass" if rng.random() < passes else "fail",
            "tone": str(rng.integers(1, 4)),
            "length": float(round(10 * rng.random(), 1)),
        }
        columns = {name: make(rng) for name, make in made.items()}
        given = "timeout" if rng.random() < failed else verdict
        rows.append(row(RUBRIC, f"i{k}", given, **{k: v for k, v in columns.items() if v is not None}))
    return of(rows, manifest)


def of(rows, manifest=None):
    problems = Problems("test")
    graded = list(graded_from_rows((Row(one, at) for at, one in enumerate(rows, 1)), problems))
    problems.raise_if_any()
    batch = batch_of(graded, RUBRIC, {"fingerprint": "sha256:f", **(manifest or {})}, "test")
    return profile_of(batch, iter(graded))


CARD = profile()


def found(**changes):
    return compare(CARD, profile(seed=1, **changes))


def test_nothing_drifted():
    drift = found(n=200)
    assert drift.sentences == ("No difference found that 200 items can show.",)
    assert all(np.isnan(line.p) or line.p > 0.05 for line in drift.lines)
    assert json.loads(json.dumps(drift.to_dict(), allow_nan=False))["items"] == 200


def test_a_batch_has_not_drifted_from_itself():
    assert all(np.isnan(line.p) or line.p == 1 for line in compare(CARD, CARD).lines)


def test_verdicts():
    line, *others = found(passes=0.6).drifted
    assert line.what == "answers on correct" and "on the card" in line.sentence
    assert all("overall" in other.what for other in others)  # which follows from it
    assert line.moved == pytest.approx(0.2, abs=0.08)
    (failed,) = found(failed=0.2).sentences
    assert failed.startswith("The judge left 1") and "0 % on the card" in failed


def test_longer_replies():
    (line,) = found(output=lambda rng: 2 * answer(rng)).drifted
    assert line.what == "length of output"
    now, before = (int(word) for word in line.sentence.replace(",", "").split() if word.isdigit())
    assert now / before == pytest.approx(2, rel=0.15) and before == pytest.approx(13 * np.exp(3), rel=0.15)


def test_lengths_that_vary_otherwise():
    lengths = CARD.fields["input"].lengths
    assert sum(lengths.values()) == 300
    wide = found(output=lambda rng: answer(rng) * rng.choice([1, 6]) if rng.random() < 0.9 else "Yes.")
    assert any("output is longer" in said for said in wide.sentences)


def test_another_writing_system():
    drift = found(input=lambda rng: "Где мой заказ?" if rng.random() < 0.12 else question(1))
    (line,) = [line for line in drift.drifted if line.what == "writing system of input"]
    assert "of the texts are in Cyrillic, 0 % on the card" in line.sentence


def test_a_field_that_fewer_items_have():
    card = profile(context=lambda rng: "known" if rng.random() < 0.9 else None)
    new = profile(seed=1, context=lambda rng: None if rng.random() < 0.4 else "known")
    (line,) = compare(card, new).drifted
    assert line.sentence.startswith(("context is given for 5", "context is given for 6"))
    # Where nobody had it before, its length and language have nothing to be compared with.
    lines = {line.what: line for line in compare(CARD, new).lines}
    assert lines["context given"].drifted and np.isnan(lines["length of context"].p)


def test_what_is_certain_and_small_is_no_drift():
    card, new = (Profile(20_000, 0, {"correct": {"fail": k, "pass": 20_000 - k}}, {}) for k in (4000, 4900))
    _, line = compare(card, new).lines
    assert line.p < 0.05 and line.moved < 0.05 and not line.drifted


def test_scores():
    rng = np.random.default_rng(2)
    rows = [
        row(RUBRIC, f"i{k}", {"correct": "pass", "tone": "2", "length": 5 + 5 * rng.random()})
        for k in range(99)
    ]
    said = compare(CARD, of(rows)).sentences
    assert any(one.startswith("length: the judge scores higher: median 0.7") for one in said)


def test_mapped_and_common_fields():
    recorded = {"columns": {"map": {"input": "question"}, "set": ["policy"]}, "input": {"name": "items.csv"}}
    given = profile(
        manifest=recorded, input=lambda rng: None, question=lambda rng: "Where?", context=lambda rng: ""
    )
    assert given.fields["input"].given == 300 and given.fields["input"].scripts == {"Latin": 300}
    assert given.fields["context"].given == 0  # an empty cell of a table is no value
    assert "policy" not in given.fields


def test_rows_without_items_keep_their_verdicts():
    rows = [row(RUBRIC, f"i{k}", {"correct": "pass", "tone": "2", "length": 5.0}) for k in range(80)]
    bare = of([{**one, "item": None} for one in rows])
    assert bare.levels["correct"] == {"pass": 80} and not bare.fields and not bare.rows
    drift = compare(CARD, bare)
    assert any(line.what == "answers on correct" for line in drift.drifted)
    assert "Texts were not compared: these rows came without their items." in drift.sentences


def test_it_is_kept_as_plain_json_and_holds_no_text():
    kept = json.dumps(CARD.to_dict(), allow_nan=False)
    assert Profile.from_dict(json.loads(kept)) == CARD
    assert "order" not in kept and "sent" not in kept


def test_another_detector_is_not_compared_with():
    other = Profile.from_dict({**CARD.to_dict(), "detector": "another 1.0"})
    drift = compare(other, CARD)
    assert not any(line.what.startswith("language") for line in drift.lines)
    assert any("Languages were not compared" in note for note in drift.notes)


def test_another_language():
    if language_detector() is None:
        pytest.skip("py3langid is not installed")
    assert CARD.fields["input"].languages == {"en": 300}
    drift = found(input=lambda rng: "¿Dónde está mi pedido?" if rng.random() < 0.15 else question(1))
    assert any("of the texts are in Spanish, 0 % on the card" in said for said in drift.sentences)


@pytest.mark.parametrize(
    "text, script",
    [
        ("Where is it?", "Latin"),
        ("Где мой заказ? Order 17", "Cyrillic"),
        ("注文はどこですか", "Japanese"),
        ("我的订单在哪里", "Chinese characters"),
        ("أين طلبي", "Arabic"),
        ("ＷＨＥＲＥ", "none"),
        ("42 % 😀", "none"),
        ("", "none"),
        ("\ud800", "none"),
    ],
)
def test_writing_systems(text, script):
    assert script_of(text) == script


def test_what_people_wrote_in_a_field():
    assert prose("a") == "a" and prose(["a", "b"]) == "a\nb" and prose({"a": "b"}) == prose(3) == ""
    steps = [{"role": "user", "content": "hola"}, {"role": "tool", "content": None}, "x"]
    assert prose(steps) == "hola\nx"


def test_false_alarms_are_rare():
    alarms = [
        bool(compare(profile(n=60, seed=2 * k + 10), profile(n=60, seed=2 * k + 11)).drifted)
        for k in range(40)
    ]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)
