"""The public statistics: all there, sorted, documented, and light to import."""

import inspect
import subprocess
import sys
from itertools import pairwise

import pytest

from judgekit import stats

FUNCTIONS = [name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))]
RESULTS = [name for name in stats.__all__ if inspect.isclass(getattr(stats, name))]
# Arithmetic, textbook intervals, and what was made for this package: nobody's paper to cite.
OWN = """applicable_mean bias ceiling chosen_confidence confusion_table corrected_difference half_width
labels_for_agreement labels_for_difference labels_for_half_width level_drift look_confidence paired_mean
percent_agreement post_stratified_mean rater_standing repeat_consistency undominated""".split()


def section(name, heading):
    lines = (inspect.getdoc(getattr(stats, name)) or "").splitlines()
    return any(line == heading and under == "-" * len(heading) for line, under in pairwise(lines))


def test_the_names_are_sorted_and_nothing_else_is_public():
    assert stats.__all__ == sorted(stats.__all__, key=lambda name: (name[0].islower(), name))
    assert set(stats.__all__) == {*FUNCTIONS, *RESULTS}
    assert set(OWN) < set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_takes_gives_and_where_it_is_from(name):
    given = inspect.getdoc(getattr(stats, name)) or ""
    for parameter in inspect.signature(getattr(stats, name)).parameters:
        assert parameter in given, parameter
    assert section(name, "Parameters") and section(name, "Returns")
    assert section(name, "References") == (name not in OWN)


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_names_its_fields(name):
    one = getattr(stats, name)
    assert section(name, "Attributes")
    for field in one.__dataclass_fields__:
        assert field in inspect.getdoc(one), field


def test_importing_them_leaves_scipy_for_later():
    code = "import sys, judgekit.stats; print(sorted(m for m in sys.modules if m.split('.')[0] == 'scipy'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
