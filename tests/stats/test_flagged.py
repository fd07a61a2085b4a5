"""Labels of mostly the items that the judge flagged, and outcomes that are rare among the others."""

import numpy as np
import pytest

from judgekit.stats import corrected_mean

REPLICATES = 400


def flagged(n, prevalence, tpr, tnr, seed):
    """Half of the labels to the items that the judge failed, half to the rest, N = 1,000."""
    rng = np.random.default_rng(seed)
    for _ in range(REPLICATES):
        outcome = (rng.random(1_000) < prevalence).astype(float)
        verdict = np.where(rng.random(1_000) < np.where(outcome == 1, tpr, tnr), outcome, 1 - outcome)
        failed = verdict == 0
        chance = np.where(failed, min(1, n / 2 / failed.sum()), n / 2 / (~failed).sum())
        labelled = np.flatnonzero(rng.random(1_000) < chance)
        yield verdict, labelled, outcome, chance[labelled]


@pytest.mark.parametrize("n", [120, 200])
@pytest.mark.parametrize("target", ["batch", "process"])
def test_failures_that_few_labels_stand_for_are_held(n, target):
    """With a floor of the mean weight and limits alike on both sides these covered .81 to .89."""
    held = 0
    for verdict, labelled, outcome, chance in flagged(n, 0.95, 0.95, 0.6, seed=4):
        found = corrected_mean(
            verdict, labelled, outcome[labelled], design="probability", probability=chance, target=target
        )
        truth = outcome.mean() if target == "batch" else 0.95
        held += found.low - 1e-12 <= truth <= found.high + 1e-12
    assert held / REPLICATES >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATES)


def test_no_failure_among_the_heavy_labels_leaves_width_below():
    """60 labels without failure stand for 900 items: their rule of three is 4.6 points of the batch."""
    verdict = np.r_[np.zeros(100), np.ones(900)]
    labelled = np.r_[:50, 100:160]
    human = np.r_[np.tile([0.0, 1.0], 25), np.ones(60)]
    chance = np.r_[np.full(50, 0.5), np.full(60, 60 / 900)]
    found = corrected_mean(verdict, labelled, human, design="probability", probability=chance, target="batch")
    assert found.value == pytest.approx(0.95)
    assert found.value - found.low > 0.9 * (1 - 0.05 ** (1 / 60))
    assert found.value - found.low > 1.5 * (found.high - found.value)


def test_equal_weights_give_about_the_limits_of_wilson():
    """Where every item is drawn alike and the judge is constant, the labels are a random draw."""
    human = np.r_[np.ones(90), np.zeros(10)]
    found = corrected_mean(
        np.ones(10_000),
        range(100),
        human,
        design="probability",
        probability=np.full(100, 0.01),
        target="batch",
    )
    alone = corrected_mean(np.ones(10_000), range(100), human, target="batch")
    assert found.value == alone.value
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=0.012)


def test_turning_outcomes_round_turns_the_limits_round():
    for verdict, labelled, outcome, chance in list(flagged(120, 0.95, 0.95, 0.6, seed=5))[:20]:
        arguments = {"design": "probability", "probability": chance}
        found = corrected_mean(verdict, labelled, outcome[labelled], **arguments)
        turned = corrected_mean(1 - verdict, labelled, 1 - outcome[labelled], **arguments)
        assert (found.low, found.high) == pytest.approx((1 - turned.high, 1 - turned.low))
