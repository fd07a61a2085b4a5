"""What a process that makes items in groups does to a corrected rate: the whole batch's groups count."""

import numpy as np
import pytest

from judgekit.stats import corrected_mean
from judgekit.stats.cell_correction import post_stratified_mean

REPLICATES = 400


def draws(groups, size, n, alike, right, seed):
    """Batches of groups with rate 1/2: verdicts, outcomes, groups, labelled items."""
    rng = np.random.default_rng(seed)
    spread = 0.5 * (1 - alike) / alike
    for _ in range(REPLICATES):
        rates = rng.beta(spread, spread, groups)
        outcome = (rng.random((groups, size)) < rates[:, None]).astype(int).ravel()
        verdict = np.where(rng.random(outcome.size) < right, outcome, 1 - outcome)
        labelled = rng.choice(outcome.size, n, replace=False)
        yield verdict, outcome, np.repeat(np.arange(groups), size), labelled


@pytest.mark.parametrize(
    ("groups", "size", "n", "alike", "right"),
    [(100, 20, 200, 0.3, 0.95), (40, 50, 200, 0.2, 0.9), (300, 5, 200, 0.3, 0.95)],
)
def test_the_rate_of_the_process_is_held(groups, size, n, alike, right):
    """With the groups of the labelled items alone these covered .80, .83 and .92."""
    held = 0
    for verdict, outcome, group, labelled in draws(groups, size, n, alike, right, seed=7):
        found = post_stratified_mean(verdict, labelled, outcome[labelled], order=[0, 1], group=group)
        held += found.low <= 0.5 <= found.high
    print(f"{groups} groups of {size}: held in {held / REPLICATES:.3f}")
    assert held / REPLICATES >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATES)


def test_the_mean_of_a_process_is_held_by_the_difference_estimator_too():
    held = 0
    for verdict, outcome, group, labelled in draws(100, 20, 200, 0.3, 0.95, seed=8):
        middle = np.where(np.arange(verdict.size) % 2, verdict, 0.5)  # no level scale: E1
        value = np.where(np.arange(outcome.size) % 2, outcome, 0.5)
        found = corrected_mean(middle, labelled, value[labelled], group=group, method="difference")
        held += found.low <= 0.5 <= found.high
    assert held / REPLICATES >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATES)


def test_no_judge_beats_the_number_of_groups():
    """Twenty groups of ten equal items tell about a rate what twenty items do, however good the judge."""
    group = np.repeat(np.arange(20), 10)
    outcome = (group < 12).astype(int)
    labelled = np.arange(0, 200, 3)
    found = post_stratified_mean(outcome, labelled, outcome[labelled], order=[0, 1], group=group)
    assert found.half_width > 0.2


def test_groups_of_the_batch_never_narrow():
    for verdict, outcome, group, labelled in list(draws(60, 10, 90, 0.2, 0.8, seed=9))[:50]:
        arguments = {"order": [0, 1]}
        alone = post_stratified_mean(verdict, labelled, outcome[labelled], **arguments)
        some = post_stratified_mean(verdict, labelled, outcome[labelled], group=group[labelled], **arguments)
        every = post_stratified_mean(verdict, labelled, outcome[labelled], group=group, **arguments)
        assert every.value == some.value == alone.value
        assert every.low <= some.low
        assert every.high >= some.high
