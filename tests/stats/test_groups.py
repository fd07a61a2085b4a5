"""What a process that makes items in groups does to a corrected rate: the whole batch's groups count."""

import numpy as np
import pytest

from judgekit.errors import ShapeError
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


def drawn_by(design, verdict, n, rng):
    """Positions of labelled items and what `corrected_mean` needs to know of the draw."""
    if design == "stratified":
        parts = [rng.choice(np.flatnonzero(verdict == s), n // 2, replace=False) for s in (0, 1)]
        return np.concatenate(parts), {"stratum": verdict}
    weight = np.where(verdict == 0, 1.0, 2.0)
    chance = n * weight / weight.sum()
    labelled = np.flatnonzero(rng.random(verdict.size) < chance)
    return labelled, {"probability": chance[labelled]}


@pytest.mark.parametrize("design", ["stratified", "probability"])
@pytest.mark.parametrize("middle", [False, True])
def test_every_design_counts_the_groups_of_the_batch(design, middle):
    """Twenty groups: with the groups of the labelled items alone these covered .77 to .86."""
    held, rng = 0, np.random.default_rng(11)
    for verdict, outcome, group, _ in draws(20, 50, 100, 0.2, 0.95, seed=10):
        labelled, more = drawn_by(design, verdict, 100, rng)
        human = outcome[labelled] * (0.9 if middle else 1.0) + (
            0.05 if middle else 0.0
        )  # 0.05, 0.95: numeric
        found = corrected_mean(verdict, labelled, human, design=design, group=group, **more)
        held += found.low <= 0.5 <= found.high
    assert held / REPLICATES >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATES)


@pytest.mark.parametrize("shift", ["mix", "prevalence"])
@pytest.mark.parametrize("cells", [False, True])
def test_the_groups_of_a_new_batch_count_for_the_process(shift, cells):
    """Labels of another batch; without the groups of this one these covered .80 and .73."""
    held, alone, rng, replicates = 0, 0, np.random.default_rng(12), 150
    for (verdict, _, group, _), _ in zip(
        draws(20, 50, 0, 0.2, 0.9, seed=13), range(replicates), strict=False
    ):
        outcome = (rng.random(200) < 0.5).astype(float)
        said = np.where(rng.random(200) < 0.9, outcome, 1 - outcome).astype(int)
        arguments = {"design": "external", "shift": shift, "external": (said, outcome)}
        if cells:
            found = post_stratified_mean(verdict, [], [], levels=2, batch_group=group, **arguments)
            single = post_stratified_mean(verdict, [], [], levels=2, **arguments)
        else:
            found = corrected_mean(verdict, [], [], batch_group=group, **arguments)
            single = corrected_mean(verdict, [], [], **arguments)
        held += found.low <= 0.5 <= found.high
        alone += single.low <= 0.5 <= single.high
        assert found.value == single.value
    assert held / replicates >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / replicates)
    assert alone / replicates < 0.9


def test_groups_of_a_new_batch_say_nothing_about_that_batch():
    external = ([1, 0] * 50, [1, 0, 1, 0, 1, 0, 1, 0, 0, 1] * 10)
    verdict, group = [1, 1, 0, 1] * 50, np.repeat(np.arange(20), 10)
    for shift in ("mix", "prevalence"):
        arguments = {"design": "external", "shift": shift, "external": external, "target": "batch"}
        assert corrected_mean(verdict, [], [], batch_group=group, **arguments) == corrected_mean(
            verdict, [], [], **arguments
        )


def test_a_new_batch_of_four_groups_has_no_interval():
    external = ([1, 0] * 50, [1, 0, 1, 0, 1, 0, 1, 0, 0, 1] * 10)
    found = corrected_mean(
        [1, 1, 0, 1] * 50, [], [], design="external", shift="mix", external=external,
        batch_group=np.repeat(np.arange(4), 50),
    )  # fmt: skip
    assert not found.defined
    assert "4 groups" in found.note


def test_groups_of_the_batch_are_given_apart_for_external_labels_only():
    with pytest.raises(ShapeError, match="takes the groups of the batch as group"):
        corrected_mean([1, 0] * 10, range(10), [1, 0] * 5, batch_group=[0] * 20)
