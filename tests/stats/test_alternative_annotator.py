"""The alternative annotator test against a computation item by item, and on real panels."""

import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from judgekit.errors import ShapeError
from judgekit.stats.alternative_annotator import LEAST_ITEMS, AltTest, alternative_annotator

MISSING = -1


def match(answer, others):
    return sum(answer == other for other in others) / len(others)


def near(answer, others):
    return -sqrt(sum((answer - other) ** 2 for other in others) / len(others))


def by_hand(judge, table, score, epsilon=0.1, rate=0.05):
    """Rate of wins, advantage, p-values and n, one item at a time."""
    from scipy.stats import ttest_1samp

    p_values, advantages, n = [], [], []
    for j in range(len(table[0])):
        leads, points = [], []
        for verdict, row in zip(judge, table, strict=True):
            others = [answer for k, answer in enumerate(row) if k != j and answer >= 0]
            if verdict < 0 or row[j] < 0 or not others:
                continue
            of_judge, of_rater = score(verdict, others), score(row[j], others)
            tie = abs(of_judge - of_rater) < 1e-9
            points.append(tie or of_judge > of_rater)
            leads.append(int(tie or of_rater > of_judge) - int(points[-1]))
        n.append(len(leads))
        if len(leads) < LEAST_ITEMS:
            p_values.append(np.nan), advantages.append(np.nan)
            continue
        advantages.append(np.mean(points))
        if len(set(leads)) == 1:
            p_values.append(0.0 if leads[0] < epsilon else 1.0)
        else:
            p_values.append(ttest_1samp(leads, epsilon, alternative="less").pvalue)
    made = sorted(p for p in p_values if not np.isnan(p))
    looks = len(made) * sum(1 / k for k in range(1, len(made) + 1))
    wins = max((k for k, p in enumerate(made, 1) if p <= k * rate / looks), default=0)
    return wins / len(made), np.nanmean(advantages), p_values, advantages, n


def same(found: AltTest, expected):
    rate, advantage, p_values, advantages, n = expected
    assert found.winning_rate == pytest.approx(rate, abs=1e-12)
    assert found.advantage == pytest.approx(advantage, abs=1e-12)
    np.testing.assert_allclose(found.p_values, p_values, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.advantages, advantages, rtol=0, atol=1e-12)
    assert list(found.n) == n
    assert found.passed is (found.winning_rate >= 0.5)


def panel(seed=0, n=90, raters=4, levels=5):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, levels, n)

    def answers(skill):
        return np.where(rng.random(n) < skill, truth, rng.integers(0, levels, n))

    table = np.column_stack([answers(0.7) for _ in range(raters)])
    return answers(0.75), np.where(rng.random(table.shape) < 0.15, MISSING, table)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.2])
def test_levels_are_those_of_the_definition(seed, epsilon):
    judge, table = panel(seed)
    judge[:5] = MISSING
    nominal = alternative_annotator(judge, table, epsilon=epsilon)
    same(nominal, by_hand(judge, table.tolist(), match, epsilon))
    ordinal = alternative_annotator(judge, table, level="ordinal", epsilon=epsilon)
    same(ordinal, by_hand(judge, table.tolist(), near, epsilon))
    assert nominal.p_values != ordinal.p_values


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_definition(seed):
    judge, table = panel(seed, levels=11)
    scores, held = judge * 0.1, np.where(table < 0, MISSING, table * 0.1)
    found = alternative_annotator(scores, np.where(table < 0, np.nan, table * 0.1), level="interval")
    same(found, by_hand(scores, held.tolist(), near))


def test_declared_values_place_the_levels():
    judge, table = panel(5, levels=3)
    values = np.array([0.0, 0.1, 1.0])
    placed = np.where(table < 0, np.nan, values[table])
    found = alternative_annotator(judge, table, level="ordinal", levels=values)
    assert found == alternative_annotator(values[judge], placed, level="interval")
    assert found != alternative_annotator(judge, table, level="ordinal")


@given(st.integers(0, 999), st.permutations(range(4)), st.permutations(range(5)))
def test_names_of_raters_and_levels_do_not_matter(seed, order, names):
    judge, table = panel(seed, n=60)
    found = alternative_annotator(judge, table)
    moved = alternative_annotator(judge, table[:, order])
    assert moved.winning_rate == found.winning_rate
    assert moved.p_values == tuple(found.p_values[place] for place in order)
    renamed = np.array([*names, MISSING])
    assert alternative_annotator(renamed[judge], renamed[table]) == found


def test_a_judge_of_the_same_mind_beats_everyone():
    judge, table = np.array([0, 1] * 20), np.array([[0] * 3, [1] * 3] * 20)
    found = alternative_annotator(judge, table)
    assert (found.winning_rate, found.advantage, found.p_values) == (1.0, 1.0, (0.0, 0.0, 0.0))
    none_forgiven = alternative_annotator(judge, table, epsilon=0.0)
    assert (none_forgiven.winning_rate, none_forgiven.passed) == (0.0, False)
    opposed = alternative_annotator(1 - judge, table)
    assert (opposed.advantage, opposed.p_values, opposed.passed) == (0.0, (1.0, 1.0, 1.0), False)


def test_a_rater_with_few_items_is_left_out():
    judge, table = panel(1, n=200)
    table[LEAST_ITEMS - 1 :, 2] = MISSING
    found = alternative_annotator(judge, table)
    assert found.tested == 3 and np.isnan(found.p_values[2]) and np.isnan(found.adjusted[2])
    assert found.note == "1 of 4 raters left out: too few items"
    same(found, by_hand(judge, table.tolist(), match))


def test_two_raters_are_weak_and_one_is_nothing():
    judge, table = panel(2, n=200)
    assert alternative_annotator(judge, table[:, :2]).note.startswith("weak")
    for few in (table[:, :1], table[:20], table[:0]):
        found = alternative_annotator(judge[: len(few)], few)
        assert np.isnan(found.winning_rate) and np.isnan(found.advantage)
        assert found.passed is None and found.note.startswith("fewer than two raters")


def test_groups_widen():
    rng = np.random.default_rng(4)
    judge, table = panel(3, n=40)
    often = np.repeat(np.arange(40), 5)
    group = rng.permutation(1000)[:40][often]
    alone = alternative_annotator(judge[often], table[often], epsilon=0.3)
    grouped = alternative_annotator(judge[often], table[often], epsilon=0.3, group=group)
    assert grouped.advantages == alone.advantages
    assert all(b > a for a, b in zip(alone.p_values, grouped.p_values, strict=True) if a < 0.4)
    few = alternative_annotator(judge[often], table[often], group=np.arange(200) // 50)
    assert few.passed is None


def test_groups_of_one_item_have_the_plain_t():
    judge, table = panel(6, n=80)
    plain = alternative_annotator(judge, table)
    grouped = alternative_annotator(judge, table, group=np.arange(80))
    np.testing.assert_allclose(grouped.p_values, plain.p_values, rtol=1e-9)


def test_repeated_items_in_groups_count_as_often_as_groups():
    judge, table = panel(7, n=40)
    table[table < 0] = 0
    often = np.repeat(np.arange(40), 5)
    found = alternative_annotator(judge[often], table[often], group=often)
    once = alternative_annotator(judge, table)
    assert found.p_values == pytest.approx(once.p_values, rel=1e-9)


def test_plain_json_and_back():
    judge, table = panel(8)
    table[20:, 1] = MISSING
    for found in (alternative_annotator(judge, table), alternative_annotator(judge[:9], table[:9])):
        data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        back = AltTest.from_dict(data)
        assert back.to_dict() == found.to_dict() and repr(back) == repr(found)
    assert replace(found, note="") != found


PANDALM = {"gpt-3.5-turbo": (0.758, [974] * 3), "pandalm-7b": (0.715, [999] * 3)}


def read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def said(rows, raters, codes):
    ids = {key: place for place, key in enumerate(dict.fromkeys(row["id"] for row in rows))}
    column = {rater: place for place, rater in enumerate(raters)}
    table = np.full((len(ids), len(raters)), MISSING)
    for row in rows:
        table[ids[row["id"]], column[row["rater"]]] = codes.get(row["label"], MISSING)
    return ids, table


@pytest.mark.parametrize("judge", PANDALM)
def test_pandalm(shared, judge):
    folder = shared / "data/pandalm"
    if not folder.is_dir():
        pytest.skip("the PandaLM data is not in the shared folder")
    codes = {"A": 0, "B": 1, "tie": 2}
    ids, table = said(read(folder / "labels.jsonl"), [f"annotator{n}" for n in (1, 2, 3)], codes)
    verdicts = np.full(len(ids), MISSING)
    for row in read(folder / "verdicts.jsonl"):
        if row["judge"] == judge:
            verdicts[ids[row["id"]]] = codes.get(row["label"], MISSING)
    found = alternative_annotator(verdicts, table)
    same(found, by_hand(verdicts.tolist(), table.tolist(), match))
    advantage, n = PANDALM[judge]
    assert (found.wins, found.passed, list(found.n)) == (0, False, n)
    assert round(found.advantage, 3) == advantage


def test_dices_expert_among_123_crowd_raters(shared):
    folder = shared / "data/dices350"
    if not folder.is_dir():
        pytest.skip("the DICES data is not in the shared folder")
    raters = [f"r{n:03d}" for n in range(123)]
    rows = read(folder / "labels.jsonl")
    _, table = said(rows, [*raters, "expert"], {"safe": 0, "unsafe": 1})
    expert, crowd = table[:, -1], table[:, :-1]
    for epsilon, wins in ((0.1, 27), (0.2, 61)):
        found = alternative_annotator(expert, crowd, epsilon=epsilon)
        assert (found.tested, found.wins, found.passed) == (123, wins, False)
        expected = counted(expert, crowd, epsilon)
        np.testing.assert_allclose(found.p_values, expected, rtol=1e-9, atol=1e-300)
    few = crowd[:, ::10]
    same(alternative_annotator(expert, few), by_hand(expert.tolist(), few.tolist(), match))


def counted(expert, crowd, epsilon):
    """p-values of 123 raters with the items in one loop, and the t by hand."""
    found = []
    for j in range(crowd.shape[1]):
        leads = []
        for verdict, row in zip(expert, crowd, strict=True):
            others = np.delete(row, j)
            others = others[others >= 0]
            if row[j] >= 0 and others.size:
                leads.append(np.sign((others == row[j]).sum() - (others == verdict).sum()))
        error = np.std(leads, ddof=1) / sqrt(len(leads))
        found.append(stdtr(len(leads) - 1, (np.mean(leads) - epsilon) / error))
    return found


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alternative_annotator([0, 1], [[0, 0]]), "judge has shape"),
        (lambda: alternative_annotator([0], [0, 1]), "judge has shape"),
        (lambda: alternative_annotator([0], [[0, 0]], level="ratio"), "level 'ratio'"),
        (lambda: alternative_annotator([0], [[0, 0]], epsilon=2), "epsilon 2"),
        (lambda: alternative_annotator([0], [[0, 0]], alpha=0), "alpha 0"),
        (lambda: alternative_annotator([3], [[0, 0]], levels=(0, 1)), "code 3"),
        (lambda: alternative_annotator([np.inf], [[0.0, 0.0]], level="interval"), "finite"),
        (lambda: alternative_annotator([0.5], [[0, 0]]), "integer codes"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
