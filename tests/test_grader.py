"""The door from synchronous code, and what all graders share."""

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

import judgekit as jk
from judgekit import _sync
from judgekit.errors import InputError

JUDGE = jk.judge("relevance", "offline/lexical")
FIELDS = {"input": "red button", "output": "red button"}


class Model(BaseModel):
    input: str
    output: str


@dataclass
class Record:
    input: str
    output: str


@pytest.mark.parametrize(
    "item", [FIELDS, Model(**FIELDS), Record(**FIELDS), jk.Item("1", FIELDS)], ids=lambda x: type(x).__name__
)
def test_any_shape_of_item_and_keywords_give_one_verdict(item):
    assert JUDGE.grade(item) == JUDGE.grade(**FIELDS) == asyncio.run(JUDGE.agrade(item))


def test_a_field_may_be_called_item():
    rubric = {
        "name": "r",
        "version": "1",
        "purpose": "p",
        "inputs": {"item": "", "self": ""},
        "criteria": [{"name": "a", "question": "q", "scale": "numeric", "range": [0, 1]}],
    }
    assert jk.judge(rubric, "offline/lexical").grade({"self": "x"}, item="x").score == 1


def test_from_many_threads_and_within_their_loops():
    def work(number):
        if number % 2:
            return JUDGE.grade(**FIELDS)

        async def inside():
            return JUDGE.grade(**FIELDS)

        return asyncio.run(inside())

    with ThreadPoolExecutor(8) as pool:
        assert set(v.score for v in pool.map(work, range(40))) == {1.0}
    assert sum(thread.name == "judgekit" for thread in threading.enumerate()) == 1


def test_an_error_keeps_its_kind_and_the_door_stays_open():
    with pytest.raises(InputError, match="the rubric relevance needs it"):
        JUDGE.grade(output="x")
    assert JUDGE.grade(**FIELDS).status == "ok"


def test_a_synchronous_call_inside_the_door_is_refused_rather_than_waiting_for_itself():
    async def nested():
        return JUDGE.grade(**FIELDS)

    with pytest.raises(RuntimeError, match="inside judgekit's own loop; await the async one there"):
        _sync.run(nested())
    assert JUDGE.grade(**FIELDS).status == "ok"


FORKED = """
import os, judgekit as jk
judge = jk.judge("relevance", "offline/lexical")
judge.grade(input="x", output="x")
child = os.fork()
if child == 0:
    os._exit(17 if judge.grade(input="x", output="x").status == "ok" else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_a_door_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "17", done.stderr
