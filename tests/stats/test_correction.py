"""Required behaviour and properties of `corrected_mean`."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from judgekit.errors import JudgekitError
from judgekit.stats.cells import judge_partition
from judgekit.stats.correction import corrected_mean

RNG = np.random.default_rng(7)
BATCH = (RNG.random(400) < 0.7).astype(float)
JUDGE = np.where(RNG.random(400) < 0.85, BATCH, 1 - BATCH)
MISSING = "missing at random within judge level"


@st.composite
def binary_batches(draw, least=15, failed=False):
    """A 0/1 batch: judge values, positions and outcomes of the labelled items."""
    seed, n = draw(st.integers(0, 10_000)), draw(st.integers(least, 60))
    total = draw(st.integers(n + 1, 300))
    rng = np.random.default_rng(seed)
    y = (rng.random(total) < draw(st.floats(0.05, 0.95))).astype(float)
    judge = np.where(rng.random(total) < draw(st.floats(0.5, 1)), y, 1 - y)
    if failed:
        judge[rng.random(total) < 0.1] = np.nan
    labelled = rng.choice(total, n, replace=False)
    return judge, labelled, y[labelled]


@st.composite
def score_batches(draw):
    """Scores in 64ths, so that 1 − score is exact, of a judge and of people."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(15, 60))
    total = draw(st.integers(2 * n, 300))
    judge = rng.integers(0, 65, total) / 64
    human = np.clip(judge + rng.integers(-9, 10, total) / 64, 0, 1)
    if draw(st.booleans()):
        human = (human > 0.5).astype(float)
    labelled = rng.choice(total, n, replace=False)
    return judge, labelled, human[labelled]


def close(a, b, tolerance=1e-9):
    return (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=tolerance, nan_ok=True)


targets = st.sampled_from(["batch", "process"])


@given(st.one_of(binary_batches(), binary_batches(failed=True), score_batches()), targets, st.integers(0, 99))
def test_order_of_items_and_of_labels_does_not_matter(batch, target, seed):
    judge, labelled, human = batch
    rng = np.random.default_rng(seed)
    order, rows = rng.permutation(judge.size), rng.permutation(labelled.size)
    place = np.argsort(order)
    plain = corrected_mean(judge, labelled, human, target=target)
    mixed = corrected_mean(judge[order], place[labelled][rows], human[rows], target=target)
    assert close(plain, mixed)


@given(st.one_of(binary_batches(), score_batches()), targets)
def test_turning_the_scale_round_mirrors_the_interval(batch, target):
    judge, labelled, human = batch
    # Where a small middle bin is as near to either neighbour, one of them has to be taken.
    if np.unique(judge).size > 3:
        cells = judge_partition(judge, judge, at_most=3, bins=3).cells(judge[labelled])
        assume(cells.labels[:3].min() >= 5)
    plain = corrected_mean(judge, labelled, human, target=target)
    turned = corrected_mean(1 - judge, labelled, 1 - human, target=target)
    assert (plain.value, plain.low, plain.high) == pytest.approx(
        (1 - turned.value, 1 - turned.high, 1 - turned.low), abs=1e-9
    )


@given(st.one_of(binary_batches(), binary_batches(failed=True), score_batches()), targets)
def test_limits_hold_the_value_and_keep_to_the_scale(batch, target):
    found = corrected_mean(*batch, target=target)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high > found.low


@given(st.one_of(binary_batches(), score_batches()))
def test_the_process_is_less_certain_than_the_batch(batch):
    batch_only = corrected_mean(*batch, target="batch")
    process = corrected_mean(*batch, target="process")
    assert process.value == batch_only.value
    assert process.low <= batch_only.low + 1e-9 and process.high >= batch_only.high - 1e-9


@given(binary_batches(least=30))
def test_an_item_without_verdict_or_label_hardly_matters(batch):
    judge, labelled, human = batch
    assume(judge.size >= 100)
    plain = corrected_mean(judge, labelled, human, method="post-stratified")
    more = corrected_mean(np.append(judge, np.nan), labelled, human, method="post-stratified")
    assert abs(plain.value - more.value) <= 1 / judge.size


@given(score_batches())
def test_an_item_without_verdict_leaves_the_difference_estimate_almost_alone(batch):
    judge, labelled, human = batch
    plain = corrected_mean(judge, labelled, human, method="difference")
    more = corrected_mean(np.append(judge, np.nan), labelled, human, method="difference")
    assert plain.value == pytest.approx(more.value, abs=0.2 / judge.size)


@given(binary_batches())
def test_twice_the_data_keeps_the_share_and_narrows_the_interval(batch):
    judge, labelled, human = batch
    assume(min(np.bincount(judge[labelled].astype(int), minlength=2)) >= 5)
    positions = np.concatenate((labelled, labelled + judge.size))
    twice = corrected_mean(np.tile(judge, 2), positions, np.tile(human, 2), method="post-stratified")
    once = corrected_mean(judge, labelled, human, method="post-stratified")
    assert twice.value == pytest.approx(once.value)
    assert twice.half_width < once.half_width


@given(binary_batches(least=2), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_more_confidence_means_wider(batch, confidence):
    less, more = (corrected_mean(*batch, confidence=c) for c in (confidence, (1 + confidence) / 2))
    assert more.low <= less.low and more.high >= less.high
    assert less.confidence == confidence


@pytest.mark.parametrize("target", ["batch", "process"])
def test_all_items_labelled(target):
    found = corrected_mean(JUDGE, np.arange(400), BATCH, target=target)
    assert found.value == BATCH.mean()
    assert (found.half_width == 0) == (target == "batch")


@pytest.mark.parametrize("human", [np.ones(40), np.zeros(40), np.full(40, 0.5)])
@pytest.mark.parametrize("design", ["random", "stratified", "probability"])
def test_agreeing_labels_keep_a_width(human, design):
    more = {"stratified": {"stratum": JUDGE}, "probability": {"probability": np.full(40, 0.1)}}.get(
        design, {}
    )
    found = corrected_mean(JUDGE, np.arange(40), human, design=design, target="batch", **more)
    assert found.value == pytest.approx(human[0], abs=1e-9)
    assert found.high - found.low > 0.01


def test_constant_judge_is_labels_alone():
    for human in (BATCH[:50], np.linspace(0, 1, 50)):
        found = corrected_mean(np.full(400, 0.1), np.arange(50), human)
        alone = corrected_mean(np.full(400, 0.1), np.arange(50), human, method="human-only")
        assert close(found, alone)
        assert found.note == "the judge is constant: labels alone"


def test_judge_that_always_fails_is_labels_alone():
    found = corrected_mean(np.full(400, np.nan), np.arange(50), BATCH[:50])
    assert found.method == "human-only" and found.value == BATCH[:50].mean()


def test_failed_verdicts_are_a_cell_of_their_own():
    judge = JUDGE.copy()
    judge[:100] = np.nan
    found = corrected_mean(judge, np.arange(50, 150), BATCH[50:150])
    cells = [np.isnan(judge), judge == 0, judge == 1]
    rates = [BATCH[50:150][c[50:150]].mean() for c in cells]
    assert found.value == pytest.approx(sum(np.mean(c) * r for c, r in zip(cells, rates, strict=True)))


def test_few_labels_are_taken_alone():
    found = corrected_mean(JUDGE, np.arange(14), BATCH[:14])
    assert found.method == "human-only" and "fewer than 15 labels" in found.note
    assert corrected_mean(JUDGE, np.arange(15), BATCH[:15]).n == 15


def test_choice_of_estimator():
    score = np.clip(JUDGE * 0.6 + RNG.random(400) * 0.4, 0, 1)

    def chosen(judge, n, human):
        return corrected_mean(judge, np.arange(n), human[:n]).method

    assert chosen(JUDGE, 50, BATCH) == "post-stratified"
    assert chosen(np.where(score > 0.5, JUDGE, 0.5), 50, BATCH) == "post-stratified"
    assert chosen(score, 100, BATCH) == "difference-wilson"
    assert chosen(score, 20, BATCH) == "post-stratified"
    assert chosen(score, 300, BATCH) == "post-stratified"
    assert chosen(score, 100, np.r_[np.zeros(5), np.ones(395)]) == "human-only"
    assert chosen(JUDGE, 100, score) == "difference"


@given(binary_batches(least=15))
def test_rule_never_widens_the_interval_of_labels_alone(batch):
    found = corrected_mean(*batch, target="batch")
    alone = corrected_mean(*batch, target="batch", method="human-only")
    assert found.half_width <= alone.half_width + 1e-12


def test_labels_alone_where_the_judge_would_widen_their_interval():
    judge, human = np.r_[np.ones(70), np.zeros(130)], np.zeros(50)
    found = corrected_mean(judge, np.arange(0, 200, 4), human, target="batch")
    cells = corrected_mean(judge, np.arange(0, 200, 4), human, target="batch", method="post-stratified")
    assert found.method == "human-only" and "would not narrow" in found.note
    assert found.half_width < 0.8 * cells.half_width


def test_groups_and_outcomes_missing_at_random_keep_the_cells():
    judge, at = np.r_[np.ones(70), np.zeros(130)], np.arange(0, 200, 4)
    human = np.zeros(50)
    assert corrected_mean(judge, at, human, group=np.arange(50)).method == "post-stratified"
    human[:5] = np.nan
    found = corrected_mean(judge, at, human, assume="missing at random within judge level")
    assert found.method == "post-stratified"


def test_unlabelled_batch_has_no_estimate():
    assert corrected_mean(JUDGE, [], []).note == "no labelled items"


def test_two_numeric_labels_have_no_interval():
    found = corrected_mean(JUDGE, [0, 1], [0.2, 0.4])
    assert found.value == pytest.approx(0.3) and np.isnan(found.low) and "no interval" in found.note


def test_unknown_design_has_a_reason():
    found = corrected_mean(JUDGE, np.arange(50), BATCH[:50], design="unknown")
    assert np.isnan(found.value) and "unknown design" in found.note


def test_unstated_shift_has_a_reason():
    found = corrected_mean(JUDGE, [], [], design="external", external=(JUDGE, BATCH))
    assert np.isnan(found.value) and "shift='mix'" in found.note


def test_probabilities_that_do_not_fit_the_batch_are_noted():
    found = corrected_mean(
        JUDGE, np.arange(40), BATCH[:40], design="probability", probability=np.full(40, 0.5)
    )
    assert "add up to 80 items, the batch has 400" in found.note


def test_equal_probabilities_agree_with_a_random_sample():
    score = RNG.integers(0, 5, 400) / 4
    known = corrected_mean(
        score, np.arange(100), score[:100], design="probability", probability=np.full(100, 0.25)
    )
    plain = corrected_mean(score, np.arange(100), score[:100])
    assert known.value == pytest.approx(plain.value, abs=0.01)


def test_strata_of_one_kind_agree_with_a_random_sample():
    plain = corrected_mean(JUDGE, np.arange(100), BATCH[:100], target="batch")
    strata = corrected_mean(
        JUDGE, np.arange(100), BATCH[:100], design="stratified", stratum=["all"] * 400, target="batch"
    )
    assert close(plain, strata)


def test_proportional_strata_by_verdict_agree_with_post_stratification():
    labelled = np.arange(120)
    plain = corrected_mean(JUDGE, labelled, BATCH[labelled])
    strata = corrected_mean(JUDGE, labelled, BATCH[labelled], design="stratified", stratum=JUDGE.astype(int))
    assert close(plain, strata)


def test_numeric_outcome_in_strata_with_one_label_each():
    found = corrected_mean(
        np.linspace(0, 1, 40), [0, 20], [0.2, 0.7], design="stratified", stratum=np.arange(40) // 20
    )
    assert found.defined and np.isnan(found.low)


def test_dependent_items_widen_the_interval():
    group = np.arange(100) // 5
    human = np.repeat(BATCH[:20], 5)
    for outcome in (human, human * 0.9):
        plain = corrected_mean(JUDGE, np.arange(100), outcome)
        grouped = corrected_mean(JUDGE, np.arange(100), outcome, group=group)
        assert grouped.half_width > 1.5 * plain.half_width
        assert grouped.value == pytest.approx(plain.value, abs=0.02)


def test_few_groups():
    labelled = np.arange(40)
    few = corrected_mean(JUDGE, labelled, BATCH[:40], group=labelled // 5)
    none = corrected_mean(JUDGE, labelled, BATCH[:40], group=labelled // 10)
    assert few.defined and "few groups (8)" in few.note
    assert np.isnan(none.value) and "4 groups" in none.note


@pytest.mark.parametrize("method", ["ppi", "ppi++", "rogan-gladen", "difference", "difference-wilson"])
def test_published_estimators_by_name(method):
    found = corrected_mean(JUDGE, np.arange(200), BATCH[:200], method=method)
    assert found.method.startswith(method) and found.low < BATCH.mean() < found.high


def test_confusion_inversion_by_name_agrees_with_rogan_gladen():
    three = np.r_[JUDGE[:399], 0.5]
    found = corrected_mean(three, np.arange(200), BATCH[:200], method="confusion-inversion")
    plain = corrected_mean(JUDGE, np.arange(200), BATCH[:200], method="rogan-gladen")
    assert found.value == pytest.approx(plain.value, abs=0.01)


def test_ppi_leaves_out_failed_verdicts():
    judge = np.where(np.arange(400) % 10 == 0, np.nan, JUDGE)
    found = corrected_mean(judge, np.arange(100), BATCH[:100], method="ppi++")
    assert found.n == 100 and "10 labelled items without a verdict" in found.note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judge": [0.5, 1.3, 0]}, r"judge\[1\] is 1.3, outside 0..1"),
        ({"judge": [0.5, -np.inf, 0]}, r"judge\[1\] is -inf"),
        ({"judge": [[0.5, 1, 0]]}, "one-dimensional"),
        ({"human": [0.5, 2]}, r"human\[1\] is 2"),
        ({"human": [0.5]}, "1 outcomes for 2 labelled items"),
        ({"labelled": [0, 3]}, "position 3, outside 0..2"),
        ({"labelled": [-1, 0]}, "position -1"),
        ({"labelled": [1, 1]}, "position 1 more than once"),
        ({"labelled": [0.0, 1.0]}, "integer positions"),
        ({"target": "world"}, "target 'world'"),
        ({"confidence": 95}, "confidence is 95"),
        ({"design": "convenient"}, "design 'convenient' is not one of: random"),
        ({"shift": "both"}, "shift 'both'"),
        ({"assume": "nothing"}, "assume 'nothing'"),
        ({"method": "magic"}, "not one of: confusion-inversion, difference"),
        ({"method": "rogan-gladen"}, "outcomes of 0 and 1"),
        ({"method": "ppi", "design": "stratified", "stratum": [0, 0, 0]}, "is for design 'random'"),
        ({"design": "probability"}, "'probability' needs probability"),
        ({"probability": [0.5, 0.5]}, "'random' is not the design for probability"),
        ({"design": "probability", "probability": [0.5, 0]}, r"probability\[1\] is 0, outside"),
        ({"design": "probability", "probability": [0.5, 1.1]}, r"probability\[1\] is 1.1"),
        ({"design": "probability", "probability": [np.nan, 1]}, r"probability\[0\] is missing"),
        ({"design": "probability", "probability": [1]}, "must be"),
        ({"design": "stratified"}, "'stratified' needs stratum"),
        ({"design": "stratified", "stratum": [0, 0]}, r"it must be \(3,\)"),
        ({"design": "stratified", "stratum": [0, 0, 1.5]}, "stratum 1.5 has no label"),
        ({"design": "stratified", "stratum": ["a", "a", "b"]}, "stratum b has no label"),
        ({"design": "stratified", "stratum": [0, 0, np.nan]}, r"stratum\[2\] is missing"),
        ({"group": [1]}, "group has shape"),
        ({"design": "external", "external": ([1], [1])}, "leave labelled and human empty"),
        ({"design": "external", "labelled": [], "human": []}, "needs external="),
        ({"design": "external", "labelled": [], "human": [], "method": "mix"}, "cannot use external labels"),
        ({"design": "external", "labelled": [], "human": [], "method": "ppi"}, "cannot use external labels"),
    ],
)
def test_errors_say_what_is_wrong(change, message):
    arguments = {"judge": [0.5, 0.25, 0.75], "labelled": [0, 1], "human": [0.5, 0.25]} | change
    with pytest.raises(JudgekitError, match=message) as caught:
        corrected_mean(**arguments)
    assert isinstance(caught.value, ValueError)


def test_missing_outcomes_widen_the_limits_and_leave_no_value():
    human = BATCH[:100].copy()
    human[:10] = np.nan
    found = corrected_mean(JUDGE, np.arange(100), human)
    rest = corrected_mean(JUDGE, np.arange(10, 100), human[10:])
    ends = [corrected_mean(JUDGE, np.arange(100), np.r_[np.full(10, v), human[10:]]) for v in (0.0, 1.0)]
    assert np.isnan(found.value) and found.n == 90 and "10 of 100 outcomes missing" in found.note
    assert ends[0].low < found.low < ends[0].value and ends[1].value < found.high < ends[1].high
    assert found.low < rest.low and found.high > rest.high


def test_a_few_missing_outcomes_are_left_out_with_a_note():
    human = np.r_[np.nan, BATCH[1:100]]
    found = corrected_mean(JUDGE, np.arange(100), human)
    rest = corrected_mean(JUDGE, np.arange(1, 100), human[1:])
    assert close(found, rest) and found.note == "1 of 100 outcomes missing, left out"


@pytest.mark.parametrize("design", ["random", "stratified", "probability"])
@pytest.mark.parametrize("numeric", [False, True])
def test_stated_assumption_undoes_missingness_by_verdict(design, numeric):
    rng = np.random.default_rng(3)
    y = (rng.random(20_000) < 0.5).astype(float)
    judge = np.where(rng.random(y.size) < 0.8, y, 1 - y)
    if numeric:
        y, judge = y * 0.8 + 0.1, judge * 0.6 + 0.2
    labelled = rng.choice(y.size, 4000, replace=False)
    human = np.where((judge[labelled] > 0.5) & (rng.random(4000) < 0.6), np.nan, y[labelled])
    stratum = np.arange(y.size) % 2
    more = {"stratified": {"stratum": stratum}, "probability": {"probability": np.full(4000, 0.2)}}
    more = more.get(design, {})
    found = corrected_mean(judge, labelled, human, design=design, assume=MISSING, **more)
    assert found.value == pytest.approx(y.mean(), abs=0.025)
    assert "assumed missing at random" in found.note
    assert np.nanmean(human) < y.mean() - 0.05


def test_a_stratum_may_lose_all_outcomes():
    human = np.r_[np.full(10, np.nan), BATCH[10:100]]
    found = corrected_mean(
        JUDGE, np.arange(100), human, design="stratified", stratum=np.minimum(np.arange(400) // 10, 1),
        assume=MISSING,
    )  # fmt: skip
    assert np.isnan(found.value) and "a stratum has no outcome" in found.note


def test_arguments_are_not_changed():
    judge, human = JUDGE.copy(), BATCH[:50].copy()
    judge[3] = human[4] = np.nan
    kept = judge.copy(), human.copy()
    corrected_mean(judge, np.arange(50), human)
    np.testing.assert_array_equal(judge, kept[0])
    np.testing.assert_array_equal(human, kept[1])


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_same_input_same_output(seed):
    rng = np.random.default_rng(seed)
    judge, human = rng.random(100), rng.random(40)
    first, second = (corrected_mean(judge, np.arange(40), human) for _ in range(2))
    assert first == second
