"""Labels drawn by stratum, with known probabilities, or elsewhere: rates, weights in agreement, refusals."""

import numpy as np
import pytest
from judged import TONE, YES, label, row, rubric_of

from judgekit.calibration import calibrate
from judgekit.errors import InputError, UsageError
from judgekit.stats import binary_rates, cohen_kappa, corrected_mean

N = 400
RUBRIC = rubric_of(YES)


def desk(seed=5):
    """Outcomes and verdicts of a batch: people pass 60 %, the judge is right four times in five."""
    rng = np.random.default_rng(seed)
    human = rng.random(N) < 0.6
    judge = np.where(rng.random(N) < 0.8, human, ~human)
    rows = [
        row(RUBRIC, f"i{n}", {"correct": said(judge[n])}, tier="gold" if n % 4 == 0 else "basic")
        for n in range(N)
    ]
    return human, judge, rows, rng


def said(passed):
    return "pass" if passed else "fail"


def labels_of(human, places, **more):
    extra = {name: values for name, values in more.items()}
    return [
        label(
            f"i{p}",
            "correct",
            said(human[p]),
            **{k: v[p] if isinstance(v, dict) else v for k, v in extra.items()},
        )
        for p in places
    ]


def test_labels_by_stratum_give_the_stratified_estimate():
    human, judge, rows, rng = desk()
    gold = np.arange(0, N, 4)
    basic = np.setdiff1d(np.arange(N), gold)
    places = np.sort(
        np.concatenate([rng.choice(gold, 40, replace=False), rng.choice(basic, 20, replace=False)])
    )
    stratum = {p: "gold" if p % 4 == 0 else "basic" for p in places}
    labels = labels_of(human, places, design="stratified", stratum=stratum)
    found = calibrate(rows, labels, rubric=RUBRIC, stratum="tier", target="batch").overall
    order = sorted(places, key=lambda p: f"i{p}")
    expected = corrected_mean(
        judge.astype(float), order, human[order].astype(float), design="stratified", target="batch",
        stratum=["gold" if n % 4 == 0 else "basic" for n in range(N)],
    )  # fmt: skip
    got = found.headline.corrected
    assert (got.value, got.low, got.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert got.method == "stratified"
    plain = calibrate(rows, labels_of(human, places), rubric=RUBRIC, design="random", target="batch").overall
    assert plain.headline.corrected.value != pytest.approx(got.value, abs=1e-3)


def test_agreement_counts_each_item_for_as_many_as_it_stands_for():
    """By verdict, fails are drawn three times as often: unweighted the judge would look far sharper."""
    human, judge, rows, rng = desk()
    passed, failed = np.flatnonzero(judge), np.flatnonzero(~judge)
    tnr, naive = [], []
    for _ in range(40):
        places = np.concatenate(
            [rng.choice(passed, 20, replace=False), rng.choice(failed, 60, replace=False)]
        )
        chance = {p: 20 / passed.size if judge[p] else 60 / failed.size for p in places}
        labels = labels_of(human, places, design="probability", probability=chance)
        found = calibrate(rows, labels, rubric=RUBRIC).overall
        order = sorted(places, key=lambda p: f"i{p}")
        weights = [1 / chance[p] for p in order]
        expected = binary_rates(human[order].astype(int), judge[order].astype(int), item_weight=weights)
        assert found.rates.tnr.value == pytest.approx(expected.tnr.value)
        tnr.append(found.rates.tnr.value)
        naive.append(np.mean(~judge[order][~human[order]]))
    truth = float(np.mean(~judge[~human]))
    assert np.mean(tnr) == pytest.approx(truth, abs=0.02)
    assert np.mean(naive) > truth + 0.05


def test_known_probabilities_give_the_hajek_estimate():
    human, judge, rows, rng = desk()
    chance = np.where(judge, 0.1, 0.3)
    places = np.flatnonzero(rng.random(N) < chance)
    drawn = {p: float(chance[p]) for p in places}
    labels = labels_of(human, places, design="probability", probability=drawn)
    found = calibrate(rows, labels, rubric=RUBRIC, target="batch").overall.headline
    order = sorted(places, key=lambda p: f"i{p}")
    expected = corrected_mean(
        judge.astype(float), order, human[order].astype(float), design="probability", target="batch",
        probability=[drawn[p] for p in order],
    )  # fmt: skip
    assert (found.corrected.value, found.corrected.low) == pytest.approx((expected.value, expected.low))


@pytest.mark.parametrize("criterion", [TONE])
def test_an_ordinal_criterion_has_rates_under_every_design(criterion):
    rubric, rng = rubric_of(criterion), np.random.default_rng(2)
    human = rng.integers(0, 3, 200)
    judge = np.clip(human + rng.integers(-1, 2, 200), 0, 2)
    rows = [row(rubric, f"i{n}", {"tone": str(judge[n] + 1)}, tier=f"t{n % 2}") for n in range(200)]
    places = rng.choice(200, 60, replace=False)
    base = [label(f"i{p}", "tone", str(human[p] + 1)) for p in places]
    widths = {}
    for design, more in (("random", {}), ("stratified", {"stratum": "tier"}), ("probability", {})):
        labels = [one | {"probability": 0.3} for one in base] if design == "probability" else base
        found = calibrate(rows, labels, rubric=rubric, design=design, **more).overall
        widths[design] = found.headline.corrected.half_width
        assert found.coefficient.defined and found.decision.verb == "correct"
    assert max(widths.values()) < 1.2 * min(widths.values())


def test_labels_from_elsewhere_vouch_for_the_judge_and_give_no_rate_here():
    human, _, rows, rng = desk()
    labels = labels_of(human, rng.choice(N, 80, replace=False))
    found = calibrate(rows, labels, rubric=RUBRIC, design="external")
    assert not found.overall.headline.corrected.defined
    assert "no sample of a graded batch" in found.overall.headline.corrected.note
    assert found.decision.verb == "correct" and "--shift" in found.decision.sentence
    with pytest.raises(UsageError, match="80 labels with the role development"):
        calibrate(rows, [one | {"role": "development"} for one in labels], rubric=RUBRIC, design="external")


def test_what_a_design_needs_is_asked_for():
    human, _, rows, rng = desk()
    places = rng.choice(N, 60, replace=False)
    with pytest.raises(UsageError, match="60 labelled items without a probability"):
        calibrate(rows, labels_of(human, places), rubric=RUBRIC, design="probability")
    differing = labels_of(human, places, probability=0.2)
    differing.append(differing[0] | {"rater": "bob", "probability": 0.3})
    with pytest.raises(InputError, match=r"drawn with probability 0\.2, and here 0\.3"):
        calibrate(rows, differing, rubric=RUBRIC, design="probability")
    with pytest.raises(UsageError, match="strata belong to a stratified draw"):
        calibrate(rows, labels_of(human, places), rubric=RUBRIC, design="random", stratum="tier")
    only_gold = [p for p in places if p % 4 == 0]
    with pytest.raises(UsageError, match="no item of stratum basic is labelled"):
        calibrate(rows, labels_of(human, only_gold), rubric=RUBRIC, stratum="tier")
    wrong = labels_of(human, places, stratum="gold")
    with pytest.raises(InputError, match="was drawn from stratum 'gold', and stands in 'basic'"):
        calibrate(rows, wrong, rubric=RUBRIC, stratum="tier")


def test_probabilities_of_another_draw_are_noticed():
    human, _, rows, rng = desk()
    labels = labels_of(human, rng.choice(N, 60, replace=False), probability=0.9)
    found = calibrate(rows, labels, rubric=RUBRIC, design="probability")
    assert any("stand for 67 items by their probabilities, the batch has 400" in note for note in found.notes)


def test_no_label_stands_for_many_batches():
    human, _, rows, rng = desk()
    labels = labels_of(human, rng.choice(N, 60, replace=False), probability=0.15)
    labels[4]["probability"] = 1e-8
    with pytest.raises(InputError, match=r"labels:5: probability: .* stands for 100,000,000 items .* of 400"):
        calibrate(rows, labels, rubric=RUBRIC, design="probability")
    labels[4]["probability"] = 1 / 3999
    assert calibrate(rows, labels, rubric=RUBRIC, design="probability").design == "probability"


def test_answers_to_one_input_are_one_group():
    human, judge, _, rng = desk()
    rows = [row(RUBRIC, f"i{n}", {"correct": said(judge[n])}, input=f"question {n // 8}") for n in range(N)]
    labels = labels_of(human, rng.choice(N, 100, replace=False))
    shared = calibrate(rows, labels, rubric=RUBRIC, design="random")
    assert any("400 items share 50 inputs" in note for note in shared.notes)
    assert "group" in shared.overall.coefficient.method
    alone = calibrate(rows, labels, rubric=RUBRIC, design="random", group="id")
    assert "group" not in alone.overall.coefficient.method
    order = sorted(range(N), key=lambda p: f"i{p}")
    places = [p for p in order if any(one["id"] == f"i{p}" for one in labels)]
    assert alone.overall.coefficient.value == pytest.approx(
        cohen_kappa(human[places].astype(int), judge[places].astype(int))
    )


def test_one_prompt_for_all_is_no_group():
    human, judge, _, rng = desk()
    rows = [row(RUBRIC, f"i{n}", {"correct": said(judge[n])}, input="write a poem") for n in range(N)]
    found = calibrate(
        rows, labels_of(human, rng.choice(N, 60, replace=False)), rubric=RUBRIC, design="random"
    )
    assert found.overall.headline.corrected.half_width > 0
    assert not any("share" in note for note in found.notes)
