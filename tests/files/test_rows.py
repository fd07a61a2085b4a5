"""Rows of any file: what is accepted, what is refused, and on which line."""

import csv
import gzip
import io
import json
import os
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from judgekit._json import MAX_DEPTH, NotJson, dumps, loads
from judgekit.errors import InputError, Problems
from judgekit.files import rows
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import open_manifest
from judgekit.files.rows import read_rows


def read(path):
    """Rows as (line, columns), and problems as text."""
    problems = Problems(path.name)
    found = [(row.line, row.columns) for row in read_rows(path, problems)]
    assert problems.total >= len(problems.first)
    return found, [str(problem) for problem in problems.first]


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


# ---------------------------------------------------------------- JSONL


def test_jsonl_with_bom_crlf_blank_lines_and_no_final_newline(file):
    path = file("a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\r\n   \n{"a": "x"}')
    assert read(path) == ([(1, {"a": 1}), (4, {"a": "x"})], [])


def test_line_separators_inside_a_text_end_no_line(file):
    odd = "a\u2028b\u2029c\x85d"
    text = json.dumps({"a": odd}, ensure_ascii=False)
    assert odd in text
    assert read(file("a.jsonl", text + "\n{}\n")) == ([(1, {"a": odd}), (2, {})], [])


def test_strange_characters_survive(file):
    text = "\0 \ud800 \udcff \u202e\u2066 \u200b\ufeff 😀 \x1b[31m"
    path = file("a.jsonl", dumps({text: text}) + "\n")
    assert read(path)[0] == [(1, {text: text})]


BAD_LINES = {
    "not json": ("hello", "not valid JSON: Expecting value at column 1"),
    "torn": ('{"a": "hel', "not valid JSON: Unterminated string starting at column 7"),
    "torn after a comma": (
        '{"a": 1,',
        "not valid JSON: Expecting property name enclosed in double quotes at column 9",
    ),
    "array": ("[1]", "the line is not a JSON object, {…}"),
    "text": ('"a"', "the line is not a JSON object, {…}"),
    "null": ("null", "the line is not a JSON object, {…}"),
    "nan": ('{"a": NaN}', "NaN is not JSON; write null"),
    "infinity": ('{"a": [-Infinity]}', "-Infinity is not JSON; write null"),
    "too large": ('{"a": 1e999}', "the number 1e999 is too large"),
    "huge integer": ('{"a": %s}' % ("9" * 5000), "a number of 5000 digits is too long"),
    "duplicate": ('{"a": 1, "a": 1}', "the key 'a' stands twice in one object"),
    "duplicate inside": ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice in one object"),
    "deep": ('{"a": %s}' % ("[" * 5000 + "]" * 5000), "nested more than 100 deep"),
    "deep objects": ('{"a":' * 101 + "1" + "}" * 101, "nested more than 100 deep"),
    "deep and torn": ('{"a": ' + "[" * 200_000, "nested more than 100 deep"),
    "two objects": ('{"a": 1} {"a": 2}', "not valid JSON: something follows the value at column 10"),
    "single quotes": (
        "{'a': 1}",
        "not valid JSON: Expecting property name enclosed in double quotes at column 2",
    ),
    "zeros": ("\0\0\0\0", "not valid JSON: Expecting value at column 1"),
}


@pytest.mark.parametrize("name", BAD_LINES)
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_bad_line_is_named_and_the_rest_is_read(file, name, ending):
    line, reason = BAD_LINES[name]
    good = '{"a": "%s"}\n' % ("x" * 5000)  # past what is looked at for binary data
    found, problems = read(file("a.jsonl", good + line + ending))
    assert [n for n, _ in found] == [1]
    assert problems == [f"a.jsonl:2: {reason}"]


def test_depth_up_to_the_limit_and_brackets_in_texts_are_fine(file):
    deep = '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH
    wide = json.dumps({"a": "[" * 1000, "b": [[1]] * 500})
    both = '{"wide": [[1], [2]], "a":' + '{"a":' * (MAX_DEPTH - 1) + "1" + "}" * MAX_DEPTH
    found, problems = read(file("a.jsonl", f"{deep}\n{wide}\n{both}\n"))
    assert len(found) == 3 and not problems


def test_a_line_that_is_not_utf8(file):
    assert read(file("a.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n{"a": 2}\n')) == (
        [(1, {"a": 1}), (3, {"a": 2})],
        ["a.jsonl:2: is not UTF-8 text (byte 11 of the line)"],
    )


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_giant_line_takes_no_memory(file, monkeypatch, name):
    monkeypatch.setattr(rows, "MAX_LINE", 1_000_000)
    head = {"a.jsonl": '{"a": 1}\n', "a.csv": "a\n1\n"}[name]
    path = file(name, head + "x" * 30_000_000 + "\n" + head)
    tracemalloc.start()
    found, problems = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0][1] in ({"a": 1}, {"a": "1"})
    assert len(problems) == 1 and "longer than 0 MiB" in problems[0]
    assert peak < 10_000_000
    if name == "a.jsonl":
        assert problems[0].startswith("a.jsonl:2: ") and found[1][0] == 3


# ---------------------------------------------------------------- files that are none of ours


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b'{"a": 1}\n', mtime=0), "holds gzip"),
        (b"\x28\xb5\x2f\xfd1234", "holds zstandard"),
        (b"PK\x03\x04rest", "holds a zip archive"),
        (b"PAR1rest", "holds Parquet"),
        (b"BZh9", "holds bzip2"),
        ('{"a": 1}\n'.encode("utf-16"), "holds UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-le"), "holds binary data or UTF-16"),
        ('{"a": 1}\n'.encode("utf-32-le"), "holds binary data or UTF-16"),
        (b"\x7fELF\0\0\0", "holds binary data"),
        (b"\0" * 100, "holds binary data"),
    ],
)
@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_other_files_under_our_suffix_are_refused(file, content, what, suffix):
    with pytest.raises(InputError, match=what):
        read(file("a" + suffix, content))


def test_a_suffix_that_is_not_read(file, tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: the suffix \.txt is not one of \.jsonl, \.csv"):
        read(file("a.txt", "{}"))
    with pytest.raises(InputError, match=r"the suffix \(none\) is not one of"):
        read(file("a", "{}"))
    with pytest.raises(InputError, match=r"b\.jsonl: cannot be read: No such file"):
        read(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl").mkdir()
    with pytest.raises(InputError, match=r"c\.jsonl: cannot be read: Is a directory"):
        read(tmp_path / "c.jsonl")


@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_an_empty_file_has_no_rows(file, suffix):
    found, problems = read(file("a" + suffix, b""))
    assert found == [] and len(problems) == (suffix == ".json")


def test_upper_case_suffixes(file):
    assert read(file("A.JSONL", '{"a": 1}')) == ([(1, {"a": 1})], [])


# ---------------------------------------------------------------- JSON


def test_json_array_with_the_line_of_each_entry(file):
    text = '\ufeff[\n  {"a": 1},\n\n  {\n "a":\n 2},  {"a": 3}\n]\n'
    assert read(file("a.json", text)) == ([(2, {"a": 1}), (4, {"a": 2}), (6, {"a": 3})], [])
    assert read(file("b.json", " [ ] ")) == ([], [])


@pytest.mark.parametrize(
    ("text", "good", "problem"),
    [
        ('{"a": 1}', 0, "1: must be one array of objects, [{…}, {…}]; for one object a line use .jsonl"),
        ("", 0, "1: must be one array of objects, [{…}, {…}]; for one object a line use .jsonl"),
        ('[{"a": 1},\n 5,\n {"a": 2}]', 2, "2: an entry of the array is not an object, {…}"),
        ('[{"a": 1},\n]', 1, "2: the array ends in a comma"),
        ('[{"a": 1}\n{"a": 2}]', 1, "2: expected , or ] after an entry of the array"),
        ('[{"a": 1}\n', 1, "2: expected , or ] after an entry of the array"),
        ('[\n{"a": 1},\n{"a":\n\nx}]', 1, "3: not valid JSON: Expecting value at line 5, column 1"),
        ('[{"a": 1},\n', 1, "2: not valid JSON: Expecting value at line 2, column 1"),
        ("[,]", 0, "1: not valid JSON: Expecting value at column 2"),
        ('[{"a": 1}]\n[]', 1, "2: something follows the end of the array"),
        ('[{"a": 1, "a": 2}]', 0, "1: the key 'a' stands twice in one object"),
        ('[{"a": NaN}]', 0, "1: NaN is not JSON; write null"),
    ],
)
def test_json_that_is_no_array_of_objects(file, text, good, problem):
    found, problems = read(file("a.json", text))
    assert len(found) == good
    assert problems == [f"a.json:{problem}"]


def test_json_that_is_not_utf8(file):
    assert read(file("a.json", b'[{"a": 1},\n{"a": "\xff"}]'))[1] == ["a.json:2: is not UTF-8 text"]


def test_a_giant_json_file_is_refused(file, monkeypatch):
    monkeypatch.setattr(rows, "MAX_JSON", 2**20)
    assert len(read(file("a.json", "[" + " " * (2**20 - 2) + "]"))[1]) == 0
    assert read(file("a.json", "[" + " " * 2**20 + "]"))[1] == [
        "a.json: is larger than 1 MiB; use JSONL, which is read line by line"
    ]


def test_json_with_many_entries_is_read_in_one_pass(file):
    # Quadratic work would take minutes here.
    found, problems = read(file("a.json", json.dumps([{"a": "x" * 50}] * 50_000)))
    assert len(found) == 50_000 and not problems


# ---------------------------------------------------------------- CSV


def test_csv_with_quoted_cells_over_lines_and_the_line_each_row_begins_on(file):
    text = 'id,text\r\n1,"one\r\ntwo\r\n\r\nfour"\r\n\r\n2,"say ""hi"", ok"\r\n3,\r\n'
    assert read(file("a.csv", text)) == (
        [
            (2, {"id": "1", "text": "one\r\ntwo\r\n\r\nfour"}),
            (7, {"id": "2", "text": 'say "hi", ok'}),
            (8, {"id": "3", "text": ""}),
        ],
        [],
    )


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_delimiters(file, name, mark, bom):
    text = f'{bom}"id"{mark}"a, b; c"{mark}d\n1{mark}"x,y;z"{mark}é\n'
    assert read(file(name, text)) == ([(2, {"id": "1", "a, b; c": "x,y;z", "d": "é"})], [])


def test_one_column(file):
    assert read(file("a.csv", "text\nhello\n"))[0] == [(2, {"text": "hello"})]


@pytest.mark.parametrize("text", ["id;a;\n1;x;\n2;y\n3;z; \n", "id;a;;\n1;x;;\n2;y\n3;z;;\n"])
def test_a_trailing_separator_makes_no_column(file, text):
    found, problems = read(file("a.csv", text))
    assert [columns for _, columns in found] == [{"id": n, "a": a} for n, a in ("1x", "2y", "3z")]
    assert not problems


def test_a_column_without_a_name_that_holds_something(file):
    found, problems = read(file("a.csv", "id,a,\n1,x,\n2,y,lost\n3,z,,\n"))
    assert len(found) == 1
    assert problems == [
        "a.csv:3: column 3 holds something and has no name; name it, or remove the column",
        "a.csv:4: the row has 4 cells, the header 2 columns; is a comma inside a text not in quotes?",
    ]


def test_spreadsheets(file):
    for path in (file("a.xlsx", b"PK\x03\x04"), file("a.csv", b"PK\x03\x04")):
        with pytest.raises(InputError, match="in a spreadsheet: save as CSV UTF-8"):
            read(path)


def test_header_only_and_names_with_outer_spaces(file):
    assert read(file("a.csv", "id,text\n")) == ([], [])
    assert read(file("b.csv", "\n\n id , text\n1,2\n"))[0] == [(4, {"id": "1", "text": "2"})]


def test_ragged_rows_are_named_and_the_rest_is_read(file):
    found, problems = read(file("a.csv", "id,a,b\n1,2\n1,2,3\n1,2,3,4\n"))
    assert [line for line, _ in found] == [3]
    assert problems == [
        "a.csv:2: the row has 2 cells, the header 3 columns; missing: b",
        "a.csv:4: the row has 4 cells, the header 3 columns; is a comma inside a text not in quotes?",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("id,,a\n1,2,3\n", ["1: column 2 has no name; name it, or remove the column"]),
        (
            "id,a,a,id\n",
            ["1: the column 'id' stands twice in the header", "1: the column 'a' stands twice in the header"],
        ),
        ('id,a\n1,"x"y\n', ["2: not readable as CSV: ',' expected after '\"'"]),
        ('id,a\n1,x\n2,"never\nclosed\n', ["3: not readable as CSV: unexpected end of data"]),
    ],
)
def test_csv_that_cannot_be_read(file, text, problems):
    assert read(file("a.csv", text))[1] == [f"a.csv:{problem}" for problem in problems]


def test_csv_bytes_that_are_not_utf8(file):
    assert read(file("a.csv", b"id,a\n1,caf\xe9\n2,ok\n")) == (
        [(3, {"id": "2", "a": "ok"})],
        ["a.csv:2: is not UTF-8 text; in a spreadsheet: save as CSV UTF-8"],
    )
    assert read(file("b.csv", b"id,caf\xe9\n1,x\n"))[1] == [
        "b.csv:1: is not UTF-8 text; in a spreadsheet: save as CSV UTF-8"
    ]


def test_a_large_cell_is_read_and_a_larger_limit_of_the_program_is_kept(file):
    before = csv.field_size_limit(10**9)
    try:
        assert len(read(file("a.csv", f"id,a\n1,{'x' * 500_000}\n"))[0][0][1]["a"]) == 500_000
        assert csv.field_size_limit() == 10**9
    finally:
        csv.field_size_limit(before)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
@example([("\r", "\n"), ('"', ",")])
def test_what_csv_writers_write_is_read(tmp_path_factory, cells):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("first", "second"), *cells])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_text(stream.getvalue(), "utf-8", newline="")
    expected = [{"first": a, "second": b} for a, b in cells if a.strip() or b.strip()]
    found, problems = read(path)
    assert [columns for _, columns in found] == expected and not problems


@given(st.sampled_from(rows.SUFFIXES), st.binary(max_size=60) | st.text('{}[]",:\n\r 1aé;', max_size=40))
@example(".csv", '"')
@example(".json", "[")
def test_any_bytes_give_rows_or_problems(tmp_path_factory, suffix, content):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        found, _ = read(path)
    except InputError:
        return
    assert all(isinstance(columns, dict) for _, columns in found)


# ---------------------------------------------------------------- JSON itself

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_json_round_trip(value):
    text = dumps(value)
    text.encode("utf-8")
    assert loads(text) == value
    assert loads(f" \t\r\n{text}\n ") == value


@given(st.text('{}[]",:\\ 1ae.-+truefalsn\n'))
def test_strict_json_is_a_part_of_json(text):
    try:
        value = loads(text)
    except NotJson:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x", "column 1"),
        ('{"a": x}', "column 7"),
        ("\n x", "line 2, column 2"),
        ('\n\n{"a": x}', "line 3, column 7"),
    ],
)
def test_where_json_is_broken(text, place):
    with pytest.raises(NotJson) as caught:
        loads(text)
    assert str(caught.value).endswith(f"at {place}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_cannot_hold_is_not_written(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps(value)


def test_a_header_of_very_many_columns(file):
    header = ",".join(f"c{n}" for n in range(200_000))
    assert read(file("a.csv", header)) == ([], ["a.csv:1: the header has 200,000 columns, more than 10,000"])
    header = ",".join(f"c{n}" for n in range(10_000))
    assert len(read(file("a.csv", f"{header}\n{header}"))[0]) == 1


def test_only_a_file_is_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no regular file"):
        write_atomic(tmp_path / "pipe", ["x"])
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path, suffix):
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"device{suffix}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(InputError, match="is a pipe or a device, not a file"):
            read(path)
    linked = tmp_path / f"link{suffix}"
    (tmp_path / f"real{suffix}").write_text("[]" if suffix == ".json" else "")
    linked.symlink_to(tmp_path / f"real{suffix}")
    assert read(linked) == ([], [])


def test_a_manifest_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "graded.run.json")
    with pytest.raises(InputError, match="is a pipe or a device"):
        open_manifest(tmp_path / "graded.run.json")
