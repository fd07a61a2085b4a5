import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats import corrected_mean
from judgekit.stats.selection import (
    active_probabilities,
    allocation,
    drawn_by_stratum,
    drawn_singly,
    flagged_first,
)

SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=8)


def test_neyman_by_hand():
    # N·S = 300·0.5, 600·0.25, 100·0.5 = 150, 150, 50; of 140 labels 60, 60, 20.
    assert allocation([300, 600, 100], 140, spread=[0.5, 0.25, 0.5]).tolist() == [60, 60, 20]
    assert allocation([400, 100], 60).tolist() == [40, 20]  # √N: 20 to 10


def test_no_stratum_gets_too_few():
    assert allocation([1000, 1000], 100, spread=[0.5, 0.0]).tolist() == [90, 10]
    assert allocation([1000, 3], 100).tolist() == [97, 3]
    assert allocation([1000] * 5, 30).tolist() == [6] * 5  # 10 each is more than there is
    assert allocation([5, 5, 90], 100).tolist() == [5, 5, 90]


@given(SIZES, st.data())
def test_allocation_keeps_to_its_limits(sizes, data):
    n = data.draw(st.integers(len(sizes), sum(sizes)))
    spread = data.draw(st.none() | st.lists(st.floats(0, 1), min_size=len(sizes), max_size=len(sizes)))
    found = allocation(sizes, n, spread=spread)
    assert found.sum() == n
    assert (found >= 1).all() and (found <= sizes).all()
    if n >= np.minimum(10, sizes).sum():
        assert (found >= np.minimum(10, sizes)).all()


@given(SIZES, st.data())
def test_labels_at_hand_are_kept(sizes, data):
    have = np.array([data.draw(st.integers(0, size)) for size in sizes])
    least = np.maximum(have, 1).sum()
    n = data.draw(st.integers(int(least), sum(sizes)))
    found = allocation(sizes, n, at_hand=have)
    assert found.sum() == n and (found >= have).all() and (found <= sizes).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60).filter(any), st.data())
def test_probabilities(uncertainty, data):
    size = len(uncertainty)
    n = data.draw(st.floats(0.1, size))
    found = active_probabilities(uncertainty, n)
    assert found.sum() == pytest.approx(n)
    assert (found > 0).all() and (found <= 1 + 1e-12).all()
    u = np.array(uncertainty)
    order = np.argsort(u, kind="stable")
    assert (np.diff(found[order]) >= -1e-9).all()  # the more uncertain, the likelier
    below = found < 1 - 1e-9
    wanted = u / u.sum() / 2 + 0.5 / size
    if below.sum() > 1:
        ratio = found[below] / wanted[below]
        assert np.allclose(ratio, ratio[0])


def test_probabilities_by_hand():
    assert active_probabilities([0.5, 0.5, 0, 0], 2).tolist() == [0.75, 0.75, 0.25, 0.25]
    # 3(½ + ⅛) = 1.875 is cut; the other three share two.
    assert active_probabilities([1, 0, 0, 0], 3) == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3])


def test_items_are_drawn_with_their_probability():
    rng, chance = np.random.default_rng(1), np.array([0.1, 0.5, 0.9, 1.0])
    counts = sum(np.bincount(drawn_singly(chance, rng), minlength=4) for _ in range(4000))
    assert counts[3] == 4000
    assert np.abs(counts / 4000 - chance).max() < 4 * 0.5 / np.sqrt(4000)


def test_a_draw_by_stratum():
    codes = np.array([0] * 50 + [1] * 10)
    without = np.isin(np.arange(60), [0, 50])
    found = drawn_by_stratum(codes, [20, 9], np.random.default_rng(1), without)
    assert len(set(found.tolist())) == 29 and not {0, 50} & set(found.tolist())
    assert np.bincount(codes[found]).tolist() == [20, 9]
    assert found.tolist() != sorted(found.tolist())
    with pytest.raises(ShapeError, match="has 9 items left"):
        drawn_by_stratum(codes, [20, 10], np.random.default_rng(1), without)


def test_two_random_draws_are_one():
    """Each set of items is as likely in two draws, the second from what the first left, as in one."""
    rng, codes, count = np.random.default_rng(2), np.zeros(5, np.intp), np.zeros(32)
    for _ in range(6000):
        first = drawn_by_stratum(codes, [1], rng)
        second = drawn_by_stratum(codes, [2], rng, np.isin(np.arange(5), first))
        count[sum(2 ** int(place) for place in (*first, *second))] += 1
    seen = count[count > 0]
    assert seen.size == 10
    assert ((seen - 600) ** 2 / 600).sum() < 27.9  # chi-square with 9 degrees of freedom, p = .001


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_flagged_items_first(flagged, rest, data):
    n = data.draw(st.integers(2, flagged + rest))
    first, second = flagged_first(flagged, rest, n)
    assert first + second == n and 0 <= first <= flagged and 0 <= second <= rest
    assert first == min(flagged, n // 2) or second == rest


@pytest.mark.parametrize("size", [(60, None), (30, 60)])
def test_a_second_draw_planned_by_the_first_keeps_coverage(size):
    """Stratified by verdict; the second draw goes where the first showed outcomes to vary."""
    rng, total, n = np.random.default_rng(5), 800, size
    held = []
    for _ in range(300):
        y = (rng.random(total) < 0.7).astype(float)
        f = np.where(rng.random(total) < 0.2, 1 - y, y)
        codes = f.astype(np.intp)
        sizes = np.bincount(codes, minlength=2)
        chosen = drawn_by_stratum(codes, allocation(sizes, n[0]), rng)
        if n[1]:
            have = np.bincount(codes[chosen], minlength=2)
            share = (np.bincount(codes[chosen], weights=y[chosen], minlength=2) + 1) / (have + 2)
            want = allocation(sizes, n[1], spread=np.sqrt(share * (1 - share)), at_hand=have)
            taken = np.isin(np.arange(total), chosen)
            chosen = np.concatenate([chosen, drawn_by_stratum(codes, want - have, rng, taken)])
        found = corrected_mean(f, chosen, y[chosen], design="stratified", stratum=codes, target="batch")
        held.append(found.low <= y.mean() <= found.high)
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)


@pytest.mark.parametrize(
    "call",
    [
        lambda: allocation([], 3),
        lambda: allocation([3, 0], 3),
        lambda: allocation([3, 3], 1),
        lambda: allocation([3, 3], 7),
        lambda: allocation([3, 3], 4, spread=[1]),
        lambda: allocation([3, 3], 4, spread=[1, -1]),
        lambda: allocation([3, 3], 4, at_hand=[4, 0]),
        lambda: allocation([3, 3], 3, at_hand=[3, 0]),
        lambda: active_probabilities([0, 0], 1),
        lambda: active_probabilities([0.5, np.nan], 1),
        lambda: active_probabilities([0.5, -0.5], 1),
        lambda: active_probabilities([0.5, 0.5], 3),
        lambda: flagged_first(3, 3, 7),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ShapeError):
        call()
