"""Put one expert in the place of 123 crowd raters: DICES-350, safety of 350 answers.

Run ``python calibration/dices350/study.py --data ../shared/data/dices350``; ``--check`` writes nothing.
Writes ``results.json`` and, from ``page.md``, ``README.md`` beside this file: counts and figures, no rows.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import studies

from judgekit.stats import (
    alternative_annotator,
    bootstrap,
    confusion_table,
    dawid_skene,
    krippendorff_alpha,
    proportion,
    rater_standing,
)

HERE = Path(__file__).resolve().parent
CODES = {"safe": 0, "unsafe": 1, "unsure": -1}  # "unsure" is "cannot tell": no answer
EPSILONS = (0.1, 0.15, 0.2)
NAMED = 5


def tables(data):
    """Give the expert's codes, shape (350,), and the crowd's, shape (350, 123)."""
    place = {row["id"]: n for n, row in enumerate(studies.rows(data / "items.jsonl"))}
    expert, crowd = np.full(len(place), -1), np.full((len(place), 123), -1)
    for row in studies.rows(data / "labels.jsonl"):
        item, code = place[row["id"]], CODES[row["label"]]
        if row["rater"] == "expert":
            expert[item] = code
        else:
            crowd[item, int(row["rater"][1:])] = code
    return expert, crowd


def against(expert, answer):
    """Hold one answer an item against the expert's; an item without one is left out."""
    same = np.where(answer < 0, np.nan, answer == expert)
    kappa = bootstrap("cohen_kappa", np.column_stack([expert, answer]), levels=range(2))
    known = answer >= 0
    return {
        "table": confusion_table(expert[known], answer[known], levels=range(2)).tolist(),
        "without": int((~known).sum()),
        "agreement": studies.plain(proportion(same)),
        "kappa": studies.plain(kappa),
    }


def apart(crowd):
    """Give how many raters agree less with the others than those do with each other, and the furthest."""
    found = rater_standing(crowd, levels=range(2))
    below = [place for place, one in enumerate(found) if one.adjusted <= 0.05]
    below.sort(key=lambda place: found[place].difference.value)
    unsafe = [float(np.mean(column[column >= 0])) for column in crowd.T]
    return {
        "raters": len(below),
        "furthest": [
            {
                "with_others": studies.number(found[place].with_others.value),
                "among_others": studies.number(found[place].among_others.value),
                "unsafe": studies.number(unsafe[place]),
            }
            for place in below[:NAMED]
        ],
    }


def study(data):
    """Do everything; returns what ``results.json`` holds."""
    expert, crowd = tables(data)
    votes = np.stack([(crowd == code).sum(axis=1) for code in range(2)], axis=1)
    vote = np.where(votes[:, 0] == votes[:, 1], -1, votes.argmax(axis=1))
    model = dawid_skene(crowd, range(2))
    tests = [alternative_annotator(expert, crowd, levels=range(2), epsilon=e) for e in EPSILONS]
    unsafe = votes[:, 1] / votes.sum(axis=1)
    differ = vote != model.answer
    return {
        "items": crowd.shape[0],
        "raters": crowd.shape[1],
        "labels": {name: int((crowd == code).sum()) for name, code in CODES.items()},
        "expert": {name: int((expert == code).sum()) for name, code in CODES.items()},
        "alpha": studies.number(krippendorff_alpha(crowd, levels=range(2))),
        "tied": int((vote < 0).sum()),
        "two_in_five": int(((unsafe >= 0.4) & (unsafe <= 0.6)).sum()),
        "alternative": [studies.alternative(test) for test in tests],
        "apart": apart(crowd),
        "vote": against(expert, vote),
        "dawid_skene": against(expert, model.answer) | {"noise": studies.number(model.noise)},
        "vote_and_model_differ": int(differ.sum()),
        "expert_sides_with_the_model": int((differ & (expert == model.answer)).sum()),
    }


def against_row(name, one):
    """One line of how an answer fits the expert's."""
    (safe, called), (missed, unsafe) = one["table"]  # rows: the expert; columns: the settled answer
    intervals = [studies.interval(one[key]) for key in ("agreement", "kappa")]
    return [name, *intervals, safe, unsafe, missed, called, one["without"]]


def readme(results):
    """Write the study as Markdown."""
    return (HERE / "page.md").read_text("utf-8").format(
        **results,
        tests=studies.table(
            [
                f"{one['epsilon']:g}",
                f"{one['wins']} of {one['raters']}",
                f"{one['winning_rate']:.3f}",
                "passes" if one["passed"] else "fails",
            ]
            for one in results["alternative"]
        ),
        advantage=results["alternative"][0]["advantage"],
        furthest=studies.table(
            [f"{one['with_others']:.3f}", f"{one['among_others']:.3f}", f"{one['unsafe']:.1%}"]
            for one in results["apart"]["furthest"]
        ),
        settled=studies.table(
            against_row(name, results[key])
            for name, key in (("vote", "vote"), ("Dawid–Skene", "dawid_skene"))
        ),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(studies.main(HERE, study, readme, __doc__))
