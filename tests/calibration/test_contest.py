"""Judges on the same labels: NQ301 and PandaLM by the figures of their source, and what each refuses."""

import json
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from judged import LENGTH, TONE, YES, label, rubric_of
from pages import Page

import judgekit as jk
from judgekit.calibration.contest import compare_judges
from judgekit.errors import InputError, UsageError
from judgekit.report.frontier import frontier, write_comparison

NQ = ("gpt-4", "text-davinci-003", "BEM")
SIDES = rubric_of(
    {"name": "preference", "question": "Which response follows the instruction better?"}, mode="pairwise"
)


def scipy_stats():
    """Load it when it is used, as the package does."""
    from scipy import stats

    return stats


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path, rows):
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def replayed(data, judges, rubric, folder):
    for judge in judges:
        grader = jk.judge(rubric, f"recorded/{data / 'verdicts.jsonl'}@{judge}")
        jk.grade_file(grader, data / "items.jsonl", folder / f"{judge}.jsonl")
    return [folder / f"{judge}.jsonl" for judge in judges]


@pytest.fixture(scope="module")
def nq(shared, tmp_path_factory):
    """Each item as a group of its own, as the source counts them; and the folder of the data."""
    data = shared / "data/nq301"
    rubric = Path(__file__).parents[2] / "calibration/nq301/rubric.yaml"
    paths = replayed(data, NQ, rubric, tmp_path_factory.mktemp("nq"))
    labels = shutil.copy(data / "labels.jsonl", paths[0].parent)  # its ledger would lie beside the data
    return compare_judges(paths, labels, group="id"), data


def test_nq301_has_the_figures_of_its_source(nq):
    found, _ = nq
    right = {"gpt-4": 1262, "text-davinci-003": 1248, "BEM": 1201}
    assert (found.labelled, found.common, found.best.name) == (1490, 1488, "recorded/gpt-4")
    for judge, count in right.items():
        one = found[f"recorded/{judge}"]
        assert one.strict.value == pytest.approx(count / 1490, abs=1e-12)
        assert one.agreement.value == one.result.agreement.value
        assert one.agreement.n == 1488
    assert found.best.unanswered == {"invalid_reply": 2}


def test_nq301_by_an_independent_computation(nq):
    found, data = nq
    truth = {r["id"]: r["label"] for r in rows_of(data / "labels.jsonl") if r["rater"] == "adjudicated"}
    said = {judge: {} for judge in NQ}
    for one in rows_of(data / "verdicts.jsonl"):
        said[one["judge"]][one["id"]] = one["label"]
    ids = [key for key in truth if all(said[judge][key] is not None for judge in NQ)]
    hit = {judge: np.array([said[judge][key] == truth[key] for key in ids], float) for judge in NQ}
    p = {}
    for judge in NQ[1:]:
        apart, one = hit[judge] - hit["gpt-4"], found[f"recorded/{judge}"]
        p[judge] = scipy_stats().binomtest(int((apart > 0).sum()), int((apart != 0).sum())).pvalue
        assert one.p == pytest.approx(p[judge], rel=1e-9)
        error = np.sqrt((((apart - apart.mean()) ** 2).sum() + 0.5) / 1487 / 1488)
        assert one.difference.half_width == pytest.approx(scipy_stats().t.ppf(0.975, 1487) * error)
        assert one.difference.value == pytest.approx(apart.mean())
    # davinci p .22, BEM p < .001: the smaller counts twice.
    assert found["recorded/BEM"].p_holm == pytest.approx(2 * p["BEM"], rel=1e-9)
    assert [one.name for one in found.kept] == ["recorded/gpt-4", "recorded/text-davinci-003"]
    assert found.advised is None and "--cost JUDGE=USD" in str(found)


def test_pandalm_has_the_figures_of_its_source(shared, tmp_path):
    data = shared / "data/pandalm"
    paths = replayed(data, ("gpt-3.5-turbo", "pandalm-7b"), SIDES, tmp_path)
    found = compare_judges(paths, shutil.copy(data / "labels.jsonl", tmp_path))
    assert (found.labelled, found.common) == (999, 974)
    gpt, panda = found["recorded/gpt-3.5-turbo"], found["recorded/pandalm-7b"]
    assert gpt.strict.value == pytest.approx(697 / 999)
    assert panda.strict.value == pytest.approx(667 / 999)
    # 170 prompts: the t test by groups is weaker than one that takes 974 items for independent.
    votes = {}
    for one in rows_of(data / "labels.jsonl"):
        votes.setdefault(one["id"], Counter())[one["label"]] += 1
    said = {(r["judge"], r["id"]): r["label"] for r in rows_of(data / "verdicts.jsonl")}
    ids = [key for key in votes if said["gpt-3.5-turbo", key] is not None]
    apart = np.array(
        [
            sum(sign * (said[judge, key] == votes[key].most_common(1)[0][0]) for judge, sign in signs)
            for key in ids
            for signs in [(("pandalm-7b", 1), ("gpt-3.5-turbo", -1))]
        ]
    )
    assert panda.difference.value == pytest.approx(apart.mean(), abs=1e-12)
    up, differ = int((apart > 0).sum()), int((apart != 0).sum())
    assert panda.p > scipy_stats().binomtest(up, differ).pvalue


# ------------------------------------------------------------------------------------- judges made for tests


class Bench:
    """Judges of one rubric: what each says of items i0, i1, …"""

    def __init__(self, folder, rubric, human):
        self.folder, self.rubric, self.name = folder, rubric, rubric.criteria[0].name
        self.ids = [f"i{n}" for n in range(len(human))]
        write(folder / "items.jsonl", [{"id": key, "output": f"text of {key}"} for key in self.ids])
        self.labels = write(
            folder / "labels.jsonl",
            [
                label(key, self.name, said, design="random")
                for key, said in zip(self.ids, human, strict=True)
                if said is not None
            ],
        )

    def judge(self, name, said, rubric=None):
        """Grade with a judge that says this; None is a failure."""
        rubric = rubric or self.rubric
        given = [
            {"id": key, "criterion": self.name, "label": one} for key, one in zip(self.ids, said, strict=True)
        ]
        grader = jk.judge(rubric, f"recorded/{write(self.folder / f'{name}-said.jsonl', given)}")
        jk.grade_file(grader, self.folder / "items.jsonl", self.folder / f"{name}.jsonl")
        return self.folder / f"{name}.jsonl"


def turned(human, *places):
    """Say the other thing at these places."""
    other = {"pass": "fail", "fail": "pass"}
    return [other[said] if n in places else said for n, said in enumerate(human)]


HUMAN = ["pass", "fail"] * 40


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, rubric_of(YES), HUMAN)


@pytest.fixture
def three(bench):
    return [
        bench.judge("dear", turned(HUMAN, 1)),
        bench.judge("cheap", turned(HUMAN, 2, 3)),
        bench.judge("bad", turned(HUMAN, *range(40))),
    ]


COSTS = {"dear.jsonl": 10.0, "recorded/cheap-said": 0.5, "bad.jsonl": 1.0}


def test_a_cheaper_judge_that_may_be_a_good_deal_worse_is_not_advised(bench, three):
    found = compare_judges(three, bench.labels, costs=COSTS)
    assert [one.name for one in found.judges] == [
        "recorded/dear-said",
        "recorded/cheap-said",
        "recorded/bad-said",
    ]
    assert [one.kept for one in found.judges] == [True, True, False]
    assert [one.frontier for one in found.judges] == [True, True, False]
    # One item of 80 apart, and up to 6 points: not told apart is no proof of being alike.
    assert found["recorded/cheap-said"].difference.low < -0.05
    assert (found.advised.name, found.open.name) == ("recorded/dear-said", "recorded/cheap-said")
    assert found.best.chosen.confidence == pytest.approx(1 - 0.05 / 3)
    assert "Take recorded/dear-said." in str(found) and "80 labels do not settle it" in str(found)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["advised"] == "recorded/dear-said"
    assert all(one.own.headline.corrected.defined for one in found.judges)


def test_the_cheapest_of_those_that_agree_as_often_is_advised(bench, three):
    paths = [*three, bench.judge("bargain", turned(HUMAN, 4))]
    found = compare_judges(paths, bench.labels, costs={**COSTS, "bargain.jsonl": 0.1})
    assert found.advised.name == "recorded/bargain-said" and found.open is None
    assert "Take recorded/bargain-said: at $0.10 for 1,000 items it is also the cheapest" in str(found)


def test_the_order_of_files_changes_nothing(bench, three):
    one, two = (compare_judges(paths, bench.labels, costs=COSTS) for paths in (three, three[::-1]))
    assert one.to_dict() == two.to_dict()


def test_replayed_verdicts_are_not_free(bench, three):
    found = compare_judges(three, bench.labels)
    assert not any(one.expense.known or one.frontier for one in found.judges)
    assert found.advised is found.best and found.open is None
    assert "as far as these labels tell" in str(found) and "$0.00" not in str(found)


def test_a_judge_that_fails_on_hard_items_is_not_better_for_it(bench):
    picky = [None if n < 30 else said for n, said in enumerate(HUMAN)]
    paths = [bench.judge("picky", picky), bench.judge("plain", turned(HUMAN, 40, 41))]
    found = compare_judges(paths, bench.labels, costs={"picky.jsonl": 1, "plain.jsonl": 2})
    assert found.best.name == "recorded/picky-said" and found.common == 50
    assert found.best.strict.value == pytest.approx(50 / 80)
    assert found.best.unanswered == {"invalid_reply": 30}
    assert found.advised.name == "recorded/plain-said"
    assert "not once missing answers count as wrong" in str(found)
    assert found["recorded/plain-said"].result.agreement.n == 50
    assert sum(found["recorded/plain-said"].own.counts.to_dict()[k] for k in ("used",)) == 80


def test_thirty_common_items_are_needed(bench):
    half = [None if n < 51 else said for n, said in enumerate(HUMAN)]
    found = compare_judges([bench.judge("a", half), bench.judge("b", turned(HUMAN, 70))], bench.labels)
    assert (found.common, found.enough, found.kept, found.advised) == (29, False, (), None)
    assert str(found).count("Too few to compare: 29") == 1


def test_judges_that_the_labels_reject_are_not_advised(bench):
    paths = [bench.judge("a", turned(HUMAN, *range(44))), bench.judge("b", turned(HUMAN, *range(43)))]
    found = compare_judges(paths, bench.labels, costs={"a.jsonl": 0, "b.jsonl": 0})
    assert found.advised is None and "Use none of these judges." in str(found)


@pytest.mark.parametrize(
    ("criterion", "human", "near"), [(TONE, ["1", "2", "3"] * 20, "2"), (LENGTH, [1, 5, 9.5] * 20, 5.4)]
)
def test_other_scales_agree_as_calibrate_says(tmp_path, criterion, human, near):
    bench = Bench(tmp_path, rubric_of(criterion), human)
    said = [[near if n < much else one for n, one in enumerate(human)] for much in (20, 50)]
    paths = [bench.judge(f"j{n}", one) for n, one in enumerate(said)]
    found = compare_judges(paths, bench.labels)
    for one, path in zip(found.judges, paths, strict=True):
        alone = jk.calibrate(path, bench.labels).overall
        assert one.file == str(path)
        assert one.agreement == alone.agreement
        assert one.bias == alone.beside["bias"]
        assert one.result.coefficient == alone.coefficient


def test_what_cannot_be_compared_is_refused(bench, three, tmp_path):
    reworded = rubric_of(YES | {"question": "Is it right?"})
    other = bench.judge("other", HUMAN, reworded)
    refusals = [
        (three[:1], {}, "two or more"),
        ([three[0], three[0]], {}, "same judge"),
        ([three[0], other], {}, "correct is worded otherwise"),
        (three, {"criterion": "tone"}, "no criterion 'tone'; it has correct"),
        (three, {"costs": {"nobody": 1}}, "'nobody', which is none of"),
        (three, {"costs": {"dear.jsonl": -1}}, "0 or more"),
    ]
    for paths, more, said in refusals:
        with pytest.raises(UsageError, match=said):
            compare_judges(paths, bench.labels, **more)
    strange = write(tmp_path / "strange.jsonl", [*rows_of(bench.labels), label("x9", "correct", "pass")])
    with pytest.raises(InputError, match=r"1 labelled item in none of the graded files.*'x9'"):
        compare_judges(three, strange)
    found = compare_judges(three, strange, allow_unmatched=True)
    assert found.common == 80 and any("left out" in note for note in found.notes)


def test_expense_leaves_out_the_cache_and_what_was_never_sent(bench, three, tmp_path):
    """Rows with prices, as a model's would have them: a mean over those that were asked."""
    rows = rows_of(three[0])
    fingerprint = "sha256:priced"
    for n, one in enumerate(rows):
        verdict = one["verdict"]
        verdict["fingerprint"] = fingerprint
        verdict["usage"] = {"input_tokens": 300, "output_tokens": 20, "cached_tokens": 0, "cost_usd": 0.002}
        verdict["latency_s"], verdict["model"]["served"] = 0.5 if n < 50 else 1.5, "model-2026"
        if n < 10:
            verdict["cached"], verdict["usage"]["cost_usd"] = True, 0.0
        if n == 79:
            verdict["usage"]["cost_usd"] = None
    path = write(tmp_path / "priced.jsonl", rows)
    manifest = json.loads(three[0].with_suffix(".run.json").read_text())
    manifest |= {"fingerprint": fingerprint, "grader": "openai/m"}
    path.with_suffix(".run.json").write_text(json.dumps(manifest))
    found = compare_judges([path, three[1]], bench.labels)["openai/m"].expense
    assert found.cost == pytest.approx(2.0) and (found.priced, found.rows) == (69, 70)
    assert (found.input_tokens, found.output_tokens, found.latency_s) == (300, 20, 0.5)
    assert found.served == ("model-2026",) and "69 of 70 rows" in found.note


# ------------------------------------------------------------------------------------------------ the picture


def test_names_do_not_meet_and_the_better_stands_lower(bench, tmp_path):
    paths = [bench.judge(f"a-judge-with-a-long-name-{n}", turned(HUMAN, *range(n))) for n in range(1, 9)]
    costs = {path.name: 10.0 ** (n - 2) for n, path in enumerate(paths[:5])} | {paths[5].name: 0.0}
    found = compare_judges(paths, bench.labels, costs=costs)
    picture = frontier(found)
    places = sorted(spot.label for spot in picture.spots)
    assert all(b - a >= 16.9 for a, b in pairwise(places))
    assert picture.top <= places[0] and places[-1] <= picture.foot
    by_error = sorted(zip([one.error for one in found.judges], found.judges, strict=True), key=lambda x: x[0])
    y = {spot.said.split(":")[0]: spot.y for spot in picture.spots}
    heights = [y[one.name] for _, one in by_error]
    assert heights == sorted(heights, reverse=True)
    assert {spot.kind for spot in picture.spots} == {"front", "beaten", "unpriced"}
    assert len({(spot.x, spot.shift) for spot in picture.spots}) == 8
    write_comparison(found, tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert not page.crossed and not page.open
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe"}
    assert all(one.name in page.text for one in found.judges)


def test_a_hostile_name_stays_text(bench, tmp_path):
    evil = "<script>alert(1)</script>"
    paths = [bench.judge(name, turned(HUMAN, n)) for n, name in enumerate(("a", "b"))]
    manifest = paths[0].with_suffix(".run.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"grader": evil, "signature": evil}))
    write_comparison(compare_judges(paths, bench.labels), tmp_path / "page.html")
    source = (tmp_path / "page.html").read_text()
    assert "<script" not in source and "&lt;script" in source
