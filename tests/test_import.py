"""Importing judgekit does nothing and loads little; the public face is small and whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import judgekit as jk

# Each takes a noticeable time, and none is needed before the first use.
HEAVY = {
    "litellm",
    "instructor",
    "aiohttp",
    "scipy",
    "scipy.stats",
    "numpy",
    "pydantic",
    "ruamel.yaml",
    "jinja2",
    "typer",
    "asyncio",
}
ALWAYS_LATE = {
    "litellm",
    "instructor",
    "aiohttp",
    "scipy",
    "scipy.stats",
    "jinja2",
    "diskcache",
    "uvicorn",
    "py3langid",
}


def loaded(code):
    """Give the modules that a fresh process has loaded after running some code, and its threads."""
    report = "import json, sys, threading; print(json.dumps([sorted(sys.modules), threading.active_count()]))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{report}"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    modules, threads = json.loads(done.stdout.splitlines()[-1])
    return set(modules), threads


def test_importing_loads_the_face_only():
    modules, threads = loaded("import judgekit")
    assert not modules & HEAVY
    assert {name for name in modules if name.startswith("judgekit")} == {"judgekit"}
    assert threads == 1


def test_grading_offline_needs_no_network_and_no_statistics():
    code = "import judgekit as jk\njk.judge('relevance', 'offline/lexical').grade(input='x', output='x')"
    modules, _ = loaded(code)
    assert not modules & ALWAYS_LATE
    assert "numpy" not in modules


@pytest.mark.parametrize("name", ["Item", "Rubric", "Verdict", "JudgekitError", "load_rubric", "judge"])
def test_a_light_name_brings_nothing_heavy(name):
    modules, _ = loaded(f"import judgekit\njudgekit.{name}")
    assert not modules & (ALWAYS_LATE | {"numpy"})


@pytest.mark.parametrize("command", ["", "grade", "plan", "calibrate", "judges", "correct", "rubric list"])
def test_help_measures_and_calls_nothing(command):
    arguments = [*command.split(), "--help"]
    modules, threads = loaded(f"from judgekit.cli.app import run\nrun({arguments})")
    assert not modules & (ALWAYS_LATE | {"numpy"})
    rooms = {".".join(name.split(".")[:2]) for name in modules if name.startswith("judgekit.")}
    assert not rooms & {
        f"judgekit.{room}" for room in ("calibration", "stats", "batch", "providers", "report")
    }
    assert threads == 1


def test_calibrating_waits_for_what_it_may_not_need():
    """Telling languages and the browser's page take their time; a card is measured without a network."""
    modules, _ = loaded("import judgekit\njudgekit.calibrate\njudgekit.load_card")
    assert not modules & (ALWAYS_LATE - {"scipy"})


def test_the_public_names():
    assert len(jk.__all__) == len(set(jk.__all__)) <= 25
    for name in jk.__all__:
        assert getattr(jk, name) is not None
    assert set(dir(jk)) == set(jk.__all__)
    assert {"judge", "grade_file", "calibrate", "load_rubric", "Item", "Rubric", "Verdict", "stats"} <= {
        *jk.__all__
    }
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = jk.nothing


def test_every_public_name_is_documented():
    page = (Path(__file__).parent.parent / "docs" / "python.md").read_text("utf-8")
    assert not [name for name in jk.__all__ if not re.search(rf"\b{name}\b", page)]


def test_a_star_import_gives_them_all():
    namespace: dict = {}
    exec("from judgekit import *", namespace)
    assert set(jk.__all__) <= set(namespace)


def test_the_names_for_type_checkers_are_the_real_ones():
    face = jk.__file__
    assert face is not None
    with open(face, encoding="utf-8") as stream:
        stated = {line.split(" as ")[1].strip() for line in stream if line.startswith("    from judgekit.")}
    assert stated == set(jk.__all__) - {"stats"}


def test_python_m_judgekit():
    done = subprocess.run(
        [sys.executable, "-m", "judgekit", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "grade" in done.stdout and "calibrate" in done.stdout
