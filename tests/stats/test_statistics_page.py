"""docs/statistics.md against the package: every public name is on it, and nothing that is not there."""

import re
from pathlib import Path

from judgekit import stats
from judgekit.stats.correction import ESTIMATORS

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")


def code(text):
    """What stands between backquotes in running text and tables."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S)))


def test_every_public_name_is_on_the_page():
    assert set(stats.__all__) - code(PAGE) == set()


def test_every_published_estimator_is_on_the_page():
    assert set(ESTIMATORS) - code(PAGE) == set()


def test_the_tables_name_nothing_that_is_not_there():
    cells = (row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `"))
    named = {name for cell in cells for name in code(cell)}
    assert named - set(stats.__all__) - set(ESTIMATORS) == set()
