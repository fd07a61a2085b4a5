"""Hold four judges of open-domain answers against people: NQ301, 1,490 answers to 301 questions.

Run ``python calibration/nq301/study.py --data ../shared/data/nq301``; ``--check`` writes nothing. Three
judges are replayed from their recorded verdicts, the fourth (word overlap) grades anew. Writes
``results.json`` and, from ``page.md``, ``README.md`` beside this file: counts and figures, no rows of the
data. The same data, seed and splits give the same figures.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import studies

import judgekit as jk
from judgekit.calibration.batch import questions
from judgekit.calibration.card import numbered
from judgekit.calibration.estimates import Outcomes, quantities
from judgekit.calibration.human import human_answers
from judgekit.files.labels import read_labels
from judgekit.labels import LabelSet
from judgekit.stats import cohen_kappa, percent_agreement

HERE = Path(__file__).resolve().parent
JUDGES = ("gpt-4", "text-davinci-003", "BEM", "offline/lexical")
CLUSTER = "question_id"


def measured(batch, labels):
    """Measure a judge against all labels: with every item labelled the rate of the batch is known."""
    result = jk.calibrate(batch, labels, design="random", target="batch").overall
    right = sum(result.table[place][place] for place in range(2))
    return {
        "table": [list(row) for row in result.table],
        "failed": result.counts.failed,
        "agreement": studies.plain(result.agreement),
        "agreement_failures_wrong": round(right / result.counts.settled, 6),
        "kappa": studies.plain(result.coefficient),
        "tpr": studies.plain(result.rates.tpr),
        "tnr": studies.plain(result.rates.tnr),
        "raw": round(result.headline.raw, 6),
        "alpha_between_humans": studies.plain(result.ceiling.alpha),
        "in_an_annotators_place": studies.plain(result.ceiling.judge),
        "annotator_with_the_others": studies.plain(result.ceiling.human),
        "difference": studies.plain(result.ceiling.difference),
    }


def without_tie_breaker(labels):
    """Leave out annotator3, who was asked where the others differed and so is no part of a ceiling."""
    return LabelSet(tuple(label for label in labels.labels if label.rater != "annotator3"), labels.notes)


def annotators(people, labels):
    """Give the first two annotators' agreement and kappa, and how many items both labelled."""
    said = {name: {} for name in ("annotator1", "annotator2")}
    for label in labels.labels:
        if label.rater in said:
            said[label.rater][label.id] = label.answer == "correct"
    codes = np.array([[said[name].get(key, -1) for name in said] for key in people.ids], int)
    both = codes[(codes >= 0).all(axis=1)]
    a, b = both.T
    return {
        "n": len(both),
        "agreement": round(percent_agreement(a, b), 6),
        "kappa": round(cohen_kappa(a, b, levels=(0, 1)), 6),
    }


def split(batch, people, labelled, target, group=None):
    """Estimate the human rate from the labels of some items, as `calibrate` does."""
    question = questions(batch.rubric)[-1]
    columns = (people.codes, people.scores, people.passes)
    known = Outcomes(labelled, *(column[labelled] for column in columns), group)
    return quantities(question, batch.answers[question.name], known, "random", target)[0]


def by_draw(batch, people, count, size, seed):
    """Label `size` items at random, `count` times; give coverage of the batch's rate, and mean widths."""
    order = [batch.position[key] for key in people.ids]
    assert order == sorted(order), "the ids of this data set sort in file order"
    truth, rng = people.passes.mean(), np.random.default_rng(seed)
    kept = {"human": [], "corrected": [], "alone": [], "by_question": []}
    held = {"human": 0, "corrected": 0}
    for _ in range(count):
        labelled = rng.choice(len(batch.ids), size, replace=False)
        found = split(batch, people, labelled, "batch")
        for name in held:
            estimate = getattr(found, name)
            held[name] += estimate.low <= truth <= estimate.high
            kept[name].append(2 * estimate.half_width)
        group = numbered(batch.groups)
        kept["alone"].append(2 * split(batch, people, labelled, "process").corrected.half_width)
        kept["by_question"].append(2 * split(batch, people, labelled, "process", group).corrected.half_width)
    width = {name: round(float(np.mean(values)), 6) for name, values in kept.items()}
    return {"coverage": {name: held[name] / count for name in held}, "width": width}


def study(data, splits=1000, labels=100, seed=301):
    """Do everything; returns what ``results.json`` holds."""
    batches = studies.graded(HERE / "rubric.yaml", data, JUDGES, CLUSTER)
    rubric = batches[JUDGES[0]].rubric
    said = without_tie_breaker(read_labels(data / "labels.jsonl", rubric))
    people = human_answers(said, questions(rubric)[-1], rubric)
    judges = {}
    for judge, batch in batches.items():
        judges[judge] = measured(batch, said)
        if splits:
            judges[judge]["splits"] = by_draw(batch, people, splits, labels, seed)
    return {
        "items": len(people.ids),
        "questions": len(set(batches[JUDGES[0]].groups)),
        "rubric": rubric.digest,
        "human_rate": round(float(people.passes.mean()), 6),
        "annotators_1_2": annotators(people, said),
        "splits": {"count": splits, "labelled": labels, "seed": seed},
        "judges": judges,
    }


def agreement_rows(results):
    """One line a judge: how it agrees with the adjudicated labels."""
    for judge, one in results["judges"].items():
        cells = [studies.interval(one[key]) for key in ("agreement", "kappa", "tpr", "tnr")]
        yield f"| {judge} | {' | '.join(cells)} | {one['raw']:.3f} |"


def table_rows(results):
    """One line a judge: the confusion table, and what it did not answer."""
    for judge, one in results["judges"].items():
        (both, over), (under, neither) = one["table"]
        yield f"| {judge} | {both} | {under} | {over} | {neither} | {sum(one['failed'].values())} |"


def place_rows(results):
    """One line a judge: its agreement with the annotators, beside theirs with each other."""
    for judge, one in results["judges"].items():
        cells = [
            studies.interval(one[key]) for key in ("in_an_annotators_place", "annotator_with_the_others")
        ]
        apart = one["difference"]
        yield f"| {judge} | {' | '.join(cells)} | {apart['value']:+.3f} | {apart['low']:+.3f} |"


def split_rows(results):
    """One line a judge: coverage and widths over the splits."""
    for judge, one in results["judges"].items():
        held, width = one["splits"]["coverage"], one["splits"]["width"]
        ratio = width["corrected"] / width["human"]
        yield (
            f"| {judge} | {held['corrected']:.1%} | {held['human']:.1%} | {width['corrected']:.4f} | "
            f"{width['human']:.4f} | {ratio:.2f} |"
        )


def width_rows(results):
    """One line a judge: how wide the interval for other questions is, with and without clusters."""
    for judge, one in results["judges"].items():
        width = one["splits"]["width"]
        yield f"| {judge} | {width['alone']:.4f} | {width['by_question']:.4f} |"


def verdict_line(results):
    """Say whether coverage came out as it should, within Monte Carlo error."""
    count = results["splits"]["count"]
    error = 2 * (0.95 * 0.05 / count) ** 0.5
    off = []
    for judge, one in results["judges"].items():
        held, alone = (one["splits"]["coverage"][name] for name in ("corrected", "human"))
        if abs(held - 0.95) > error:
            side = "the safe side" if held > 0.95 else "THE WRONG SIDE"
            off.append(
                f"{judge} ({held:.1%}, on {side}; labels alone hold it in {alone:.1%} of the same draws)"
            )
    points = f"{count:,} draws tell a coverage from 95 % if it is {100 * error:.1f} points off"
    return f"{points}. Off: {', '.join(off)}." if off else f"{points}; none is."


def readme(results):
    """Write the study as Markdown."""
    two, plan = results["annotators_1_2"], results["splits"]
    alpha = next(iter(results["judges"].values()))["alpha_between_humans"]
    return (
        (HERE / "page.md")
        .read_text("utf-8")
        .format(
            **results,
            two=two,
            plan=plan,
            alpha=studies.interval(alpha),
            cluster=CLUSTER,
            places="\n".join(place_rows(results)),
            agreement="\n".join(agreement_rows(results)),
            tables="\n".join(table_rows(results)),
            rows="\n".join(split_rows(results)),
            widths="\n".join(width_rows(results)),
            verdict=verdict_line(results),
        )
    )


if __name__ == "__main__":
    sys.exit(studies.main(HERE, study, readme, __doc__, splits=1000, labels=100, seed=301))
