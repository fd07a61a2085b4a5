"""Hold two recorded judges against three raters' preferences: PandaLM's 999 pairs on 170 prompts.

Run ``python calibration/pandalm/study.py --data ../shared/data/pandalm``; ``--check`` writes nothing.
Writes ``results.json`` and, from ``page.md``, ``README.md`` beside this file: counts and figures, no rows.
The same data, seed and splits give the same figures.
"""

import sys
from collections import Counter
from itertools import combinations
from math import nan
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import studies

import judgekit as jk
from judgekit.calibration.card import numbered
from judgekit.files.labels import read_labels
from judgekit.stats import alternative_annotator, ceiling, cohen_kappa, corrected_mean

HERE = Path(__file__).resolve().parent
JUDGES = ("gpt-3.5-turbo", "pandalm-7b")
CLUSTER = "input"
LEVELS = ("a", "b", "tie")
WON = np.array([1.0, 0.0, 0.5])  # by a, ties half


def answers(data, ids):
    """Give the raters' codes, shape (n, 3), and each judge's (-1: no verdict), in the order of the items."""
    place, code = {key: n for n, key in enumerate(ids)}, {"A": 0, "B": 1, "tie": 2, None: -1}
    people, said = np.full((len(ids), 3), -1), {judge: np.full(len(ids), -1) for judge in JUDGES}
    for row in studies.rows(data / "labels.jsonl"):
        people[place[row["id"]], int(row["rater"][-1]) - 1] = code[row["label"]]
    for row in studies.rows(data / "verdicts.jsonl"):
        said[row["judge"]][place[row["id"]]] = code[row["label"]]
    return people, said


def majority(people):
    """Give what two of the three raters said; no item is without."""
    return np.array([Counter(row.tolist()).most_common(1)[0][0] for row in people])


def macro(human, judge):
    """Give precision, recall and F1, means over the three answers, with no verdict counted as a tie."""
    judge = np.where(judge < 0, LEVELS.index("tie"), judge)
    hits = np.array([np.sum((human == code) & (judge == code)) for code in range(3)])
    said, true = (np.bincount(side, minlength=3) for side in (judge, human))
    precision, recall = hits / said, hits / true
    means = {"precision": precision, "recall": recall, "f1": 2 * hits / (said + true)}
    return {name: studies.number(value.mean()) for name, value in means.items()} | {
        "accuracy": studies.number(hits.sum() / human.size)
    }


def measured(batch, labels, people, judge, prompt):
    """Measure a judge against all labels; pairs on one prompt depend on each other."""
    result = jk.calibrate(batch, labels, design="random", target="batch").overall
    right = sum(result.table[place][place] for place in range(3))
    place = ceiling(judge, people, levels=range(3), group=prompt)
    tests = [
        alternative_annotator(judge, people, levels=range(3), epsilon=epsilon, group=prompt)
        for epsilon in (0.1, 0.2)
    ]
    return {
        "table": [list(row) for row in result.table],
        "failed": result.counts.failed,
        "agreement": studies.plain(result.agreement),
        "agreement_failures_wrong": studies.number(right / result.counts.settled),
        "kappa": studies.plain(result.coefficient),
        "as_published": macro(majority(people), judge),
        "raw": studies.number(result.headline.raw),
        "in_a_raters_place": studies.plain(place.judge),
        "rater_with_the_others": studies.plain(place.human),
        "difference": studies.plain(place.difference),
        "alternative": [studies.alternative(test) for test in tests],
    }


def by_prompt(judge, human, prompt, count, drawn, seed):
    """Label all pairs of some prompts, drawn at random, `count` times: coverage and mean widths."""
    rng, truth = np.random.default_rng(seed), human.mean()
    ways = {
        "corrected": (None, True),
        "labels alone": ("human-only", True),
        "as if single": (None, False),
    }
    held, width, sizes = dict.fromkeys(ways, 0), {way: [] for way in ways}, []
    for _ in range(count):
        labelled = np.flatnonzero(np.isin(prompt, rng.choice(prompt.max() + 1, drawn, replace=False)))
        sizes.append(labelled.size)
        for way, (method, grouped) in ways.items():
            options = {"method": method, "group": prompt[labelled] if grouped else None, "target": "batch"}
            one = corrected_mean(judge, labelled, human[labelled], **options)
            held[way] += bool(one.low <= truth <= one.high)
            width[way].append(2 * one.half_width)
    return {
        "pairs": studies.number(np.mean(sizes)),
        "coverage": {way: held[way] / count for way in ways},
        "width": {way: studies.number(np.mean(width[way])) for way in ways},
    }


def study(data, splits=1000, prompts=50, seed=999):
    """Do everything; returns what ``results.json`` holds."""
    batches = studies.graded(HERE / "rubric.yaml", data, JUDGES, CLUSTER)
    first = batches[JUDGES[0]]
    labels = read_labels(data / "labels.jsonl", first.rubric)
    (people, said), prompt = answers(data, first.ids), numbered(first.groups)
    human, judges = WON[majority(people)], {}
    for judge, batch in batches.items():
        one = measured(batch, labels, people, said[judge], prompt)
        if splits:
            value = np.where(said[judge] < 0, nan, WON[said[judge]])
            one["splits"] = by_prompt(value, human, prompt, splits, prompts, seed)
        judges[judge] = one
    return {
        "pairs": len(first.ids),
        "prompts": int(prompt.max()) + 1,
        "rubric": first.rubric.digest,
        "majority": dict(zip(LEVELS, np.bincount(majority(people)).tolist(), strict=True)),
        "share_won": studies.number(human.mean()),
        "raters": {
            f"{a + 1}-{b + 1}": studies.number(cohen_kappa(people[:, a], people[:, b], levels=range(3)))
            for a, b in combinations(range(3), 2)
        },
        "splits": {"count": splits, "prompts": prompts, "seed": seed},
        "judges": judges,
    }


def judge_rows(results, *cells):
    """One line a judge, of cells that functions of its figures give."""
    return studies.table([judge, *(cell(one) for cell in cells)] for judge, one in results["judges"].items())


def published(name):
    """Read a figure that the authors printed, too."""
    return lambda one: f"{one['as_published'][name]:.4f}"


def passed(place):
    """Say how an alternative-annotator test came out."""
    return lambda one: (
        f"{'passes' if one['alternative'][place]['passed'] else 'fails'} "
        f"({one['alternative'][place]['wins']} of {one['alternative'][place]['raters']})"
    )


def split_rows(results):
    """One line a judge and way of reading the labels."""
    for judge, one in results["judges"].items():
        found = one["splits"]
        for way, held in found["coverage"].items():
            yield [judge, way, f"{held:.1%}", f"{found['width'][way]:.4f}"]


def readme(results):
    """Write the study as Markdown."""
    found = {judge: one["splits"] for judge, one in results["judges"].items()}
    coverage = {
        f"{judge} {way}": held for judge, one in found.items() for way, held in one["coverage"].items()
    }
    page = (HERE / "page.md").read_text("utf-8")
    return page.format(
        **results,
        plan=results["splits"],
        size=found[JUDGES[0]]["pairs"],
        kappas=", ".join(f"{value:.4f} ({pair})" for pair, value in results["raters"].items()),
        agreement=judge_rows(
            results,
            lambda one: studies.interval(one["agreement"]),
            lambda one: studies.interval(one["kappa"]),
            lambda one: f"{one['agreement_failures_wrong']:.4f}",
            lambda one: sum(one["failed"].values()),
            lambda one: f"{one['raw']:.4f}",
        ),
        authors=judge_rows(results, *map(published, ("accuracy", "precision", "recall", "f1"))),
        places=judge_rows(
            results,
            lambda one: studies.interval(one["in_a_raters_place"]),
            lambda one: studies.interval(one["rater_with_the_others"]),
            lambda one: f"{one['difference']['value']:+.3f}",
            passed(0),
            passed(1),
            lambda one: f"{one['alternative'][0]['advantage']:.3f}",
        ),
        rows=studies.table(split_rows(results)),
        off=studies.off_line(coverage, results["splits"]["count"]),
    )


if __name__ == "__main__":
    sys.exit(studies.main(HERE, study, readme, __doc__, splits=1000, prompts=50, seed=999))
