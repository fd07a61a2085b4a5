"""The card: what it keeps and hides, when it is stale, and what it says of other batches."""

import json

import numpy as np
import pytest
from judged import SIDE, TONE, TOPIC, YES, binary, crossed, label, row, rubric_of

from judgekit._digest import digest
from judgekit.calibration import calibrate, load_card
from judgekit.calibration.batch import batch_of
from judgekit.calibration.card import older_card
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.errors import InputError, StaleError, UsageError
from judgekit.files.graded import GradedRow
from judgekit.verdict import verdict_from_dict

TABLE = (30, 10, 6, 14)


def card_of(tmp_path, rubric, rows, labels, **options):
    """Calibrate, save, and load again."""
    options = {"design": "random", **options}
    calibrate(rows, labels, rubric=rubric, **options).save(tmp_path / "card.json")
    return load_card(tmp_path / "card.json")


def batch(rubric, passed, failed, fingerprint="sha256:f", prefix="n"):
    answers = ["pass"] * passed + ["fail"] * failed
    rows = [row(rubric, f"{prefix}{n}", {"correct": a}, fingerprint) for n, a in enumerate(answers)]
    return batch_from_rows(rows, rubric)


def only(correction):
    (quantity,) = correction.quantities
    return quantity


# ---- the file ----

KINDS = {
    "binary": binary(*TABLE, rest=(20, 20)),
    "ordinal": (
        rubric_of(TONE),
        *crossed(rubric_of(TONE), {(j, h): 6 for j in "123" for h in "123"}, {"2": 9}),
    ),
    "categorical": (
        rubric_of(TOPIC),
        *crossed(rubric_of(TOPIC), {("bill", "bill"): 20, ("login", "other"): 20}),
    ),
    "pairwise": (
        rubric_of(SIDE, mode="pairwise"),
        *crossed(rubric_of(SIDE, mode="pairwise"), {("a", "a"): 20, ("b", "tie"): 12}, {"tie": 5}),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_read_back_is_the_calibration(tmp_path, kind):
    rubric, rows, labels = KINDS[kind]
    raters = [one | {"rater": "bob"} for one in labels]
    found = calibrate(rows, labels + raters, rubric=rubric, design="random")
    found.save(tmp_path / "card.json")
    read = load_card(tmp_path / "card.json")
    assert read.to_dict() == found.to_dict()
    assert read.pairs == found.pairs
    assert str(read) == str(found)
    read.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "card.json").read_bytes()


def test_a_card_holds_neither_texts_nor_ids(tmp_path):
    rubric = rubric_of(YES, TONE, threshold=0.5)
    who = "maria.lopez@example.org"
    rows = [
        row(rubric, f"{who}-{n}", {"correct": "pass", "tone": "2"}, account=f"account-{n}") for n in range(40)
    ]
    labels = [label(f"{who}-{n}", "correct", "pass", note="SECRET NOTE") for n in range(35)]
    labels += [label(f"{who}-x", "tone", "2"), label(f"{who}-1", "tone", "3")]
    found = calibrate(rows, labels, rubric=rubric, design="random", group="account", allow_unmatched=True)
    found.save(tmp_path / "card.json")
    text = (tmp_path / "card.json").read_text()
    for word in ("maria", "text of", "SECRET", "account-", "it failed"):
        assert word not in text
    assert len(set(found.pairs["questions"]["correct"]["groups"])) == 35


def test_ids_on_two_cards_cannot_be_put_together():
    rubric, rows, labels = KINDS["binary"]
    first, second = (
        calibrate(rows, labels, rubric=rubric).pairs["questions"]["correct"]["ids"] for _ in "12"
    )
    assert not set(first) & set(second)


SPOILT = {
    "a part is missing": lambda card: card["pairs"].pop("salt"),
    "a result is gone": lambda card: card.update(results=[]),
    "an id is gone": lambda card: card["pairs"]["questions"]["correct"]["ids"].pop(),
    "a code is another": lambda card: card["pairs"]["questions"]["correct"]["people"]["codes"].append(-5),
    "it vouches for another judge": lambda card: card.update(fingerprint="sha256:0"),
    "it decides otherwise": lambda card: card.update(decision="trust"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_card_that_was_changed_is_refused(tmp_path, what):
    rubric, rows, labels = KINDS["binary"]
    card_of(tmp_path, rubric, rows, labels)
    data = json.loads((tmp_path / "card.json").read_text())
    SPOILT[what](data)
    (tmp_path / "card.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="was changed after it was written, or is damaged"):
        load_card(tmp_path / "card.json")


def first(card):
    return card["pairs"]["questions"]["correct"]


NONSENSE = {
    "fingerprint": lambda card: card.update(fingerprint=-1),
    "design": lambda card: card.update(design="zzz"),
    "digests.frame.n": lambda card: card["digests"]["frame"].update(n=1e308),
    "thresholds.alpha": lambda card: card.update(thresholds={"alpha": 2}),
    "thresholds.beta": lambda card: card.update(thresholds={"beta": 0.5}),
    "results.0.agreement.value": lambda card: card["results"][0]["agreement"].update(value="high"),
    "results.0.table": lambda card: card["results"][0]["table"].pop(),
    "results.0.scale": lambda card: card["results"][0].update(scale="ordinal"),
    "results.0.quantities": lambda card: card["results"][0].update(quantities=[]),
    "results.0.recalibration": lambda card: card["results"][0]["recalibration"]["values"].pop(),
    "results.0.rater_report": lambda card: card["results"][0]["rater_report"]["raters"].append(9),
    "results": lambda card: card["results"][0].update(name="other"),
    "recipe.settings": lambda card: card.update(recipe={"model": "m", "settings": 5}),
    "profile.levels": lambda card: card["profile"].update(levels={}),
    "profile.fields": lambda card: card["profile"].update(fields=[1]),
    "requirement": lambda card: card.update(requirement={"name": 5}),
    "pairs.questions": lambda card: card["pairs"].update(questions={}),
    "pairs.questions.correct": lambda card: first(card)["ids"].pop(),
    "pairs.questions.correct.people.codes": lambda card: first(card)["people"]["codes"].__setitem__(0, 4),
    "pairs.questions.correct.people.codes.0": lambda card: first(card)["people"]["codes"].__setitem__(0, -2),
    "pairs.questions.correct.judge.scores.0": lambda card: first(card)["judge"]["scores"].__setitem__(0, 1.5),
    "pairs.questions.correct.probability.0": lambda card: first(card).update(probability=[0] * 60),
    "pairs.questions.correct.stratum": lambda card: first(card).update(stratum=[0] * 60),
    "weeks.0.frame": lambda card: card.update(weeks=[card["pairs"] | {"frame": "f"}]),
}


@pytest.mark.parametrize("field", NONSENSE)
def test_a_card_with_nonsense_inside_is_refused_by_the_field(tmp_path, field):
    path = tmp_path / "card.json"
    rubric, rows, labels = KINDS["binary"]
    card_of(tmp_path, rubric, rows, labels)
    data = json.loads(path.read_text())
    data.pop("digest")
    NONSENSE[field](data)
    path.write_text(json.dumps(data | {"digest": digest(data)}))
    with pytest.raises(InputError) as caught:
        load_card(path)
    said = [f"{path}: {field}:", f"{path}: {field}.", f"{path} (requirement)"]
    assert any(str(caught.value).startswith(one) for one in said), caught.value


def test_a_card_that_kept_less_is_of_another_version(tmp_path):
    path = tmp_path / "card.json"
    card_of(tmp_path, *KINDS["binary"])
    data = {
        key: value for key, value in json.loads(path.read_text()).items() if key not in ("digest", "looks")
    }
    path.write_text(json.dumps(data | {"digest": digest(data)}))
    with pytest.raises(InputError, match=r"written by another version of judgekit \(no looks\)"):
        load_card(path)


def test_ids_that_are_not_those_of_the_batch(tmp_path):
    path = tmp_path / "card.json"
    rubric, rows, labels = KINDS["binary"]
    card = card_of(tmp_path, rubric, rows, labels)
    card.pairs["salt"] = "another"
    with pytest.raises(InputError, match="its ids are not those of that batch"):
        card.correct(batch_from_rows(rows, rubric))
    card.save(path)


def test_only_a_card_of_the_same_rubric_is_overwritten(tmp_path):
    path = tmp_path / "card.json"
    rubric, rows, labels = KINDS["binary"]
    card = card_of(tmp_path, rubric, rows, labels)
    name, version = card.rubric.split("@")
    assert older_card(path, lambda: f"{name}@{version}9").digests == card.digests
    with pytest.raises(UsageError, match=f"is the card of {card.rubric}, not of other@1.0.0"):
        older_card(path, lambda: "other@1.0.0")
    # nor one that cannot be read any more
    path.write_text(path.read_text().replace('"design": "random"', '"design": "external"'))
    assert older_card(path, lambda: card.rubric) is None
    with pytest.raises(UsageError, match="is the card of"):
        older_card(path, lambda: "other@1.0.0")


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"kind": "run", "format": 1}', '{"kind": "card", "format": 2}']
)
def test_another_file_is_no_card(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match="is not a card"):
        load_card(tmp_path / "x.json")


def test_a_missing_card_is_said_to_be(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_card(tmp_path / "none.json")


# ---- stale ----


def test_another_judge_makes_a_card_stale(tmp_path):
    rubric, rows, labels = KINDS["binary"]
    card = card_of(tmp_path, rubric, rows, labels)
    other = batch(rubric, 60, 40, fingerprint="sha256:another")
    with pytest.raises(StaleError, match=r"it vouches for .* \(sha256:f\), .* \(sha256:another\)"):
        card.correct(other, shift="mix")
    forced = card.correct(other, shift="mix", force=True)
    assert "sha256:another" in forced.stale
    assert "STALE CARD" in str(forced)
    assert "(stale)" in str(forced)
    assert forced.to_dict()["stale"] == forced.stale


def test_a_reworded_criterion_makes_a_card_stale_and_is_left_out_by_force(tmp_path):
    old, new = (rubric_of(YES, TONE | {"question": q}, threshold=0.5) for q in ("How?", "How, really?"))
    rows = [row(old, f"i{n}", {"correct": "pass" if n % 2 else "fail", "tone": "2"}) for n in range(40)]
    labels = [label(f"i{n}", c, a) for n in range(40) for c, a in (("correct", "pass"), ("tone", "2"))]
    card = card_of(tmp_path, old, rows, labels)
    fresh = batch_from_rows([row(new, f"n{n}", {"correct": "pass", "tone": "2"}) for n in range(20)], new)
    with pytest.raises(StaleError, match="what differs: tone"):
        card.correct(fresh)
    forced = card.correct(fresh, force=True)
    assert {quantity.criterion for quantity in forced.quantities} == {"correct", "overall"}
    assert "tone is left out, for the card's labels answer another question" in forced.stale


def test_another_threshold_makes_a_card_stale(tmp_path):
    old, new = (rubric_of(YES, TONE, threshold=threshold) for threshold in (0.5, 0.9))
    rows = [row(old, f"i{n}", {"correct": "pass", "tone": "2"}) for n in range(40)]
    labels = [label(f"i{n}", c, a) for n in range(40) for c, a in (("correct", "pass"), ("tone", "2"))]
    card = card_of(tmp_path, old, rows, labels)
    fresh = batch_from_rows([row(new, "n", {"correct": "pass", "tone": "2"})], new)
    with pytest.raises(StaleError, match="what differs: what passes, how criteria combine, or the examples"):
        card.correct(fresh)


def test_a_card_without_a_design_corrects_nothing(tmp_path):
    rubric, rows, labels = KINDS["binary"]
    card = card_of(tmp_path, rubric, rows, labels, design=None)
    with pytest.raises(UsageError, match="states no design"):
        card.correct(batch(rubric, 60, 40))


def test_a_shift_that_there_is_not_is_refused(tmp_path):
    rubric, rows, labels = KINDS["binary"]
    with pytest.raises(UsageError, match="'drift' is not one of mix, prevalence"):
        card_of(tmp_path, rubric, rows, labels).correct(batch(rubric, 60, 40), shift="drift")


# ---- the same batch ----


@pytest.mark.parametrize("target", ["process", "batch"])
@pytest.mark.parametrize("group", [None, "task"])
@pytest.mark.parametrize("kind", KINDS)
def test_of_its_own_batch_a_card_says_what_the_calibration_said(tmp_path, kind, group, target):
    rubric, rows, labels = KINDS[kind]
    rows = [one | {"item": {"task": n // 3}} for n, one in enumerate(rows)]
    card = card_of(tmp_path, rubric, rows, labels, group=group, target=target)
    found = card.correct(batch_from_rows(rows, rubric, group), target=target)
    said = [(q.name, q.raw, q.corrected) for q in card.overall.quantities]
    assert [(q.name, q.raw, q.estimates["same items"]) for q in found.quantities] == said
    assert not found.open
    assert "the card's labels are of these items" in str(found)


def test_ids_that_come_again_with_other_items_are_another_batch(tmp_path):
    # Row numbers serve as ids every week; last week's labels are not this week's.
    rubric, rows, labels = binary(*TABLE, rest=(20, 20))
    card = card_of(tmp_path, rubric, rows, labels)
    turned = {"pass": "fail", "fail": "pass"}
    answers = [turned[one["verdict"]["criteria"]["correct"]["label"]] for one in rows]
    week = [row(rubric, one["id"], {"correct": a}) for one, a in zip(rows, answers, strict=True)]
    assert card.correct(batch_from_rows(week, rubric)).open


def test_a_judge_asked_again_on_the_recorded_items_keeps_their_labels(tmp_path):
    rubric, rows, labels = binary(*TABLE, rest=(20, 20))
    manifest = {
        "fingerprint": "sha256:f",
        "signature": "s",
        "grader": "g",
        "input": {"digest": "sha256:items"},
    }

    def graded(given):
        read = [GradedRow(one["id"], None, verdict_from_dict(one["verdict"])) for one in given]
        return batch_of(read, rubric, manifest, "graded.jsonl")

    first = calibrate(graded(rows), labels_of(labels, rubric), design="random")
    again = [row(rubric, rows[0]["id"], {"correct": "fail"}), *rows[1:]]
    assert not first.correct(graded(again)).open


def labels_of(labels, rubric):
    from judgekit.calibration.in_memory import labels_from_memory

    return labels_from_memory(labels, rubric)


# ---- another batch ----


@pytest.fixture
def card(tmp_path):
    rubric, rows, labels = binary(*TABLE, rest=(100, 100))
    return card_of(tmp_path, rubric, rows, labels)


def test_if_a_verdict_means_what_it_meant_the_cells_carry_over(card):
    found = only(card.correct(batch(rubric_of(YES), 150, 50), shift="mix"))
    assert found.raw == 0.75
    assert found.estimates["mix"].value == pytest.approx(0.75 * 30 / 36 + 0.25 * 10 / 24, abs=1e-12)


def test_if_the_judge_errs_at_the_same_rates_its_errors_are_undone(card):
    found = only(card.correct(batch(rubric_of(YES), 120, 80), shift="prevalence")).estimates["prevalence"]
    # TPR 30/40, TNR 14/20; the cells of a pass-or-fail judge invert to Rogan and Gladen's estimate
    assert found.value == pytest.approx((0.6 + 0.7 - 1) / (0.75 + 0.7 - 1), abs=1e-9)
    assert found.low < found.value < found.high


def test_without_a_stated_shift_there_are_two_numbers_and_no_headline(card):
    found = card.correct(batch(rubric_of(YES), 150, 50))
    assert found.open
    assert set(only(found).estimates) == {"mix", "prevalence"}
    text = str(found)
    assert "if a verdict still means what it meant (mix)" in text
    assert "if the judge still errs at the same rates (prevalence)" in text


def test_a_batch_that_passes_throughout_has_the_rate_of_that_verdict(card):
    found = only(card.correct(batch(rubric_of(YES), 200, 0), shift="mix")).estimates["mix"]
    assert found.value == pytest.approx(30 / 36, abs=1e-12)


def test_a_level_without_labels_joins_another_and_says_so(tmp_path):
    rubric = rubric_of(TOPIC)
    table = {("bill", "bill"): 20, ("bill", "login"): 5, ("login", "login"): 15}
    card = card_of(tmp_path, rubric, *crossed(rubric, table, {"bill": 50, "login": 30}))
    rows = [
        row(rubric, f"n{n}", {"topic": t})
        for n, t in enumerate(["bill"] * 50 + ["login"] * 30 + ["other"] * 20)
    ]
    found = card.correct(batch_from_rows(rows, rubric), shift="mix").quantities[0].estimates["mix"]
    assert found.value == pytest.approx(0.7 * 20 / 25, abs=1e-12)  # other joins bill, the largest
    assert "fewer than 5 labels were merged" in found.note


def test_a_mean_score_carries_over_by_level(tmp_path):
    rubric = rubric_of(TONE)
    table = {("1", "1"): 8, ("1", "2"): 4, ("2", "2"): 10, ("3", "3"): 12, ("3", "2"): 6}
    card = card_of(tmp_path, rubric, *crossed(rubric, table, {"1": 20, "3": 20}))
    rows = [row(rubric, f"n{n}", {"tone": t}) for n, t in enumerate("1" * 50 + "2" * 30 + "3" * 20)]
    found = only(card.correct(batch_from_rows(rows, rubric), shift="mix")).estimates["mix"]
    assert found.value == pytest.approx(0.5 * 2 / 12 + 0.3 * 0.5 + 0.2 * 15 / 18, abs=1e-12)


def test_not_applicable_is_not_carried_over(tmp_path):
    rubric = rubric_of(YES | {"allow_not_applicable": True})
    cells = {("pass", "pass"): 20, ("fail", "fail"): 15, ("not_applicable", "not_applicable"): 5}
    card = card_of(tmp_path, rubric, *crossed(rubric, cells, {"pass": 20}))
    found = only(card.correct(batch(rubric, 60, 40), shift="mix")).estimates["mix"]
    assert not found.defined
    assert "label items of this one" in found.note
    assert "label items of this one" in str(card.correct(batch(rubric, 60, 40), shift="mix"))


def test_outcomes_that_the_card_lacks_widen_to_limits(tmp_path):
    rubric, rows, labels = binary(*TABLE, rest=(20, 20))
    rows += [row(rubric, f"u{n}", {"correct": "pass"}) for n in range(10)]
    labels += [label(f"u{n}", "correct", "cannot_tell") for n in range(10)]
    found = only(card_of(tmp_path, rubric, rows, labels).correct(batch(rubric, 60, 40), shift="mix"))
    estimate = found.estimates["mix"]
    assert np.isnan(estimate.value) and estimate.low < estimate.high
    assert estimate.note == "10 of 70 outcomes are missing: the limits hold whatever they would have been"


def test_dependent_labels_carry_their_dependence(tmp_path):
    rubric = rubric_of(YES)
    kept = {}
    for group in ("id", "task"):
        rows, labels = [], []
        for n in range(90):
            rows.append(row(rubric, f"i{n}", {"correct": "pass" if n % 2 else "fail"}, task=n // 3))
            labels.append(label(f"i{n}", "correct", "pass" if n // 3 % 2 else "fail"))
        card = card_of(tmp_path, rubric, rows, labels, group=group)
        kept[group] = only(card.correct(batch(rubric, 60, 40), shift="mix")).estimates["mix"].half_width
    assert kept["task"] > 1.3 * kept["id"]
