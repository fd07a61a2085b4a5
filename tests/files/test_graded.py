"""Graded rows and the manifest beside them, as they are read back."""

import json

import pytest

from judgekit.errors import InputError, Problems, RubricError
from judgekit.files.atomic import write_atomic, write_json
from judgekit.files.graded import (
    graded_from_rows,
    journal_path,
    manifest_path,
    manifest_rubric,
    read_graded,
    read_manifest,
)
from judgekit.files.rows import Row
from judgekit.judges import LexicalGrader
from judgekit.library import find

JUDGE = LexicalGrader(find("relevance"))
VERDICT = JUDGE.grade(input="red button", output="the red button").to_dict()


def line(id_="a", **more):
    return json.dumps({"id": id_, "item": {"id": id_, "output": "x"}, "verdict": VERDICT} | more) + "\n"


@pytest.fixture
def graded(tmp_path):
    def write(text):
        path = tmp_path / "graded.jsonl"
        path.write_text(text, "utf-8")
        return path

    return write


def problems(path):
    with pytest.raises(InputError) as caught:
        list(read_graded(path))
    return [message.removeprefix(str(path)) for message in str(caught.value).split("\n")]


def test_rows_come_back_as_they_were(graded):
    first, second = read_graded(graded(line() + line("b", item=None)))
    assert (first.id, first.columns, first.line) == ("a", {"id": "a", "output": "x"}, 1)
    assert first.verdict.to_dict() == VERDICT
    assert (second.id, second.columns) == ("b", None)


def test_all_that_is_wrong_is_named(graded):
    text = line() + line("a") + line(5) + '{"id": "c"}\n' + line("d", verdict={}) + line("e")[:-20] + "\n"
    text += line("f", verdict=VERDICT | {"score": 2}) + line("g", verdict=VERDICT | {"usage": "free"})
    needs = "is not a graded row: it needs an id and a verdict, as `judgekit grade` writes"
    found = problems(graded(text))
    assert found[:3] == [":2: id: the id 'a' stands already on line 1", f":3: {needs}", f":4: {needs}"]
    assert found[3].startswith(":5: verdict: id 'd': status: None is not a status")
    assert found[4].startswith(":6: not valid JSON")
    assert found[5:] == [
        ":7: verdict: id 'f': score: 2 is not a score between 0 and 1",
        ":8: verdict: id 'g': usage: must be an object",
    ]


def test_what_is_wrong_is_no_row(graded):
    wrong = [line("a"), line("b", verdict={}), line(5), line("c", item=["x"])]
    problems = Problems("here")
    rows = (Row(json.loads(text), n) for n, text in enumerate([line("a"), *wrong, line("z")], 1))
    assert [row.id for row in graded_from_rows(rows, problems)] == ["a", "z"]
    assert problems.total == len(wrong)


def test_columns_that_are_no_object(graded):
    assert problems(graded(line(item=["x"]))) == [":1: item: must be an object, or left out"]


def test_files_that_are_no_graded_rows(graded, tmp_path):
    assert problems(graded("")) == [": holds no graded rows"]
    ungraded = ": is no graded file; run `judgekit grade` first, and give its --out"
    assert problems(graded('{"id": "a"}\n{"id": "b"}\n')) == [ungraded]
    with pytest.raises(InputError, match="is no graded file"):
        read_manifest(graded('{"id": "a"}\n'))
    unfinished = tmp_path / "open.jsonl"
    journal_path(unfinished).touch()
    assert problems(unfinished) == [": is not finished: run the same `judgekit grade` again to go on"]


def test_the_places_beside_a_graded_file(tmp_path):
    assert manifest_path("x/answers.jsonl").name == "answers.run.json"
    assert journal_path("x/answers.v2.jsonl").name == "answers.v2.journal"


def test_the_manifest(graded):
    path = graded(line())
    with pytest.raises(InputError, match="is missing; it is written beside the graded rows"):
        read_manifest(path)
    for text in ('{"format": 2, "fingerprint": "x"}', '{"format": 1}', "[]", "{", '{"a": 1, "a": 1}'):
        manifest_path(path).write_text(text)
        with pytest.raises(InputError, match=r"graded\.run\.json: "):
            read_manifest(path)
    manifest_path(path).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="utf-8"):
        read_manifest(path)
    write_json(manifest_path(path), {"format": 1, "fingerprint": "x"})
    assert read_manifest(path)["fingerprint"] == "x"


def test_the_rubric_of_a_manifest():
    rubric = find("relevance")
    assert manifest_rubric({"rubric": rubric.to_dict()}, "here").digest == rubric.digest
    for manifest in ({}, {"rubric": None}, {"rubric": "relevance"}):
        with pytest.raises(RubricError, match=r"^here"):
            manifest_rubric(manifest, "here")


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.txt"
    write_atomic(path, ["one", "two\r\n"])
    assert path.read_bytes() == b"onetwo\r\n"

    def broken():
        yield "half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, broken())
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, ["\ud800"])
    assert path.read_bytes() == b"onetwo\r\n"
    assert list(tmp_path.iterdir()) == [path]
    write_json(path, {"é\ud800": 1})
    assert json.loads(path.read_text("utf-8")) == {"é\ud800": 1}


@pytest.mark.parametrize(
    ("field", "broken"),
    [
        ("columns", {"columns": -1}),
        ("columns.map", {"columns": {"map": -1}}),
        ("columns.set.0", {"columns": {"set": [1]}}),
        ("usage.input_tokens", {"usage": {"input_tokens": "many"}}),
        ("usage.cost_usd", {"usage": {"cost_usd": -1}}),
        ("versions", {"versions": [1]}),
        ("input.rows", {"input": {"rows": 1e308}}),
        ("counts.ok", {"counts": {"ok": None}}),
        ("judge.settings", {"judge": {"model": "m", "settings": []}}),
        ("fingerprint", {"fingerprint": 5}),
    ],
)
def test_a_manifest_with_nonsense_inside_is_refused_by_the_field(graded, field, broken):
    path = graded(line())
    write_json(manifest_path(path), {"format": 1, "fingerprint": "x"} | broken)
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{manifest_path(path)}: {field}: is not what")
