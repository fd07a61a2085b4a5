"""Count how reliably an agent succeeds over four trials of a task: tau-bench airline, gpt-4o.

Run ``python calibration/taubench_airline/study.py --data ../shared/data/taubench_airline``; with ``--check``
nothing is written. Writes ``results.json`` and, from ``page.md``, ``README.md`` beside this file.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import studies

from judgekit.stats import trials

HERE = Path(__file__).resolve().parent


def study(data):
    """Do everything; returns what ``results.json`` holds."""
    task = {row["id"]: row["task_id"] for row in studies.rows(data / "items.jsonl")}
    said = {row["id"]: row["label"] == "pass" for row in studies.rows(data / "labels.jsonl")}
    found = trials([said[key] for key in task], list(task.values()))
    return {
        "tasks": found.tasks,
        "trials": found.trials,
        "passed": sum(said.values()),
        "pass_hat": {str(k): studies.plain(one) for k, one in found.pass_hat.items()},
        "pass_at": {str(k): studies.plain(one) for k, one in found.pass_at.items()},
        "flip_rate": studies.plain(found.flip_rate),
    }


def readme(results):
    """Write the study as Markdown."""
    rows = (
        [k, studies.interval(one, 4), studies.interval(results["pass_at"][k], 4)]
        for k, one in results["pass_hat"].items()
    )
    page = (HERE / "page.md").read_text("utf-8")
    flips = studies.interval(results["flip_rate"], 4)
    return page.format(**results | {"flip_rate": flips}, rows=studies.table(rows))


if __name__ == "__main__":
    sys.exit(studies.main(HERE, study, readme, __doc__))
