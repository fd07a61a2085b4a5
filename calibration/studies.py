"""What the studies share: grading recorded verdicts, writing figures down, saying whether they still hold."""

import argparse
import json
from math import isclose, isnan
from pathlib import Path
from tempfile import TemporaryDirectory

import judgekit as jk
from judgekit.calibration.batch import load_batch

CLOSE = 2e-6  # figures are kept to six digits


def grade(rubric, data, judge, folder, group):
    """Grade the items of a data set by one judge through judgekit, and load them, grouped by a column."""
    model = judge if judge.startswith("offline/") else f"recorded/{data / 'verdicts.jsonl'}@{judge}"
    out = Path(folder) / f"{judge.replace('/', '-')}.jsonl"
    jk.grade_file(jk.judge(rubric, model), data / "items.jsonl", out)
    return load_batch(out, group=group)


def graded(rubric, data, judges, group):
    """Do so for several judges."""
    with TemporaryDirectory() as folder:
        return {judge: grade(rubric, data, judge, folder, group) for judge in judges}


def rows(path):
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def number(value):
    """Round a figure for the record."""
    return None if isnan(value) else round(float(value), 6)


def plain(estimate):
    """Round an estimate for the record."""
    return {name: number(getattr(estimate, name)) for name in ("value", "low", "high")} | {"n": estimate.n}


def alternative(test):
    """Keep of an alternative-annotator test what a page says."""
    kept = {"epsilon": test.epsilon, "wins": test.wins, "raters": test.tested, "passed": test.passed}
    return kept | {"winning_rate": number(test.winning_rate), "advantage": number(test.advantage)}


def interval(one, digits=3):
    """Write a value with its interval."""
    return f"{one['value']:.{digits}f} ({one['low']:.{digits}f}–{one['high']:.{digits}f})"


def table(lines):
    """Put the rows of a Markdown table together."""
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def off_line(coverage, count):
    """Say which coverages, by name, lie further from 95 % than `count` draws can be off by chance."""
    error = 2 * (0.95 * 0.05 / count) ** 0.5
    found = [
        f"{name} ({held:.1%}, on {'the safe side' if held > 0.95 else 'THE WRONG SIDE'})"
        for name, held in coverage.items()
        if abs(held - 0.95) > error
    ]
    points = f"{count:,} draws tell a coverage from 95 % if it is {100 * error:.1f} points off"
    return f"{points}. Off: {', '.join(found)}." if found else f"{points}; none is."


def differences(stored, now, path=""):
    """Name every figure of two results that is not the same."""
    if isinstance(stored, dict) and isinstance(now, dict):
        keys = [*stored, *(key for key in now if key not in stored)]
        found = (differences(stored.get(key), now.get(key), f"{path}.{key}") for key in keys)
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        found = (
            differences(*pair, f"{path}[{place}]") for place, pair in enumerate(zip(stored, now, strict=True))
        )
    else:
        both = isinstance(stored, float) and isinstance(now, float)
        same = isclose(stored, now, abs_tol=CLOSE) if both else stored == now
        return [] if same else [f"{path[1:]}: {stored} stored, {now} now"]
    return [one for part in found for one in part]


def main(folder, study, readme, words, **plan):
    """Run a study from the command line: write results.json and README.md, or check the first.

    `plan` holds the whole numbers that the study takes, with their defaults. Exit code 1: a figure differs.
    """
    parser = argparse.ArgumentParser(description=words.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the data, see SOURCE.md there")
    parser.add_argument("--check", action="store_true", help="write nothing; does results.json still hold?")
    for name, default in plan.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    results = study(given["data"], **{name: given[name] for name in plan})
    place = folder / "results.json"
    if given["check"]:
        found = differences(json.loads(place.read_text("utf-8")), json.loads(json.dumps(results)))
        print("\n".join([f"{place}: {'differs in' if found else 'holds'}", *found]))
        return int(bool(found))
    place.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "README.md").write_text(readme(results), "utf-8")
    print(readme(results))
    return 0
