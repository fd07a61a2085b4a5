"""Items from a file: the same content is the same item in any format, and all that is wrong is named."""

import csv
import io
import json
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import InputError, Stopped, UsageError
from judgekit.files.items import Columns, ItemFile
from judgekit.item import read_id
from judgekit.rubric import rubric_from_dict

RUBRIC = rubric_from_dict(
    {
        "name": "reply",
        "version": "1",
        "purpose": "p",
        "inputs": {
            "input": "The question",
            "output": "The answer",
            "context": {"description": "Policy", "required": False},
        },
        "criteria": [{"name": "a", "question": "q", "scale": "binary", "levels": {"pass": "", "fail": ""}}],
    }
)

ROWS = [
    {"id": "t-1", "input": "One?", "output": 'a, b; "c"\nd', "context": "p", "team": "x"},
    {"id": "17", "input": "Two?", "output": "é\u2028\u202e😀", "context": "", "team": "y"},
]


def as_text(rows, suffix):
    if suffix == ".json":
        return json.dumps(rows, indent=1)
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t" if suffix == ".tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@pytest.fixture
def items(tmp_path):
    """Write rows, or a text, into a file of items."""

    def write(content, suffix=".jsonl", **columns):
        path = tmp_path / f"items{suffix}"
        text = content if isinstance(content, str) else as_text(content, suffix)
        path.write_text(text, "utf-8", newline="")
        return ItemFile(path, RUBRIC, Columns(**columns))

    return write


def problems(source):
    with pytest.raises(InputError) as caught:
        source.check()
    return [line.removeprefix(str(source.path)) for line in str(caught.value).split("\n")]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv"])
def test_each_format_gives_the_same_items(items, suffix):
    source = items(ROWS, suffix)
    census = source.check()
    found = list(source)
    assert census.count == 2
    assert [row.item.id for row in found] == ["t-1", "17"]
    assert found[0].item.fields == {"input": "One?", "output": 'a, b; "c"\nd', "context": "p"}
    assert [row.columns for row in found] == ROWS
    reference = items([{**ROWS[0]}, {k: v for k, v in ROWS[1].items() if k != "context"}])
    if suffix in (".csv", ".tsv"):  # a blank cell is no value: these formats cannot write null
        assert found[1].item.fields == {"input": "Two?", "output": "é\u2028\u202e😀"}
        assert census.digest == reference.check().digest
    else:
        assert found[1].item.fields["context"] == ""


def test_lines_of_multi_line_rows(items):
    assert [row.line for row in items(ROWS, ".csv")] == [2, 4]
    assert [row.line for row in items(ROWS, ".jsonl")] == [1, 2]
    assert [row.line for row in items(ROWS, ".json")] == [2, 9]


def row(id_, **more):
    return {"id": id_, "input": "i", "output": "o", **more}


def test_17_equals_17(items):
    assert problems(items([row(17), row("17")])) == [":2: id: the id '17' stands already on line 1"]


@pytest.mark.parametrize("bad", [None, True, 1.5, [1], {"a": 1}, "", "a\nb", "x" * 501])
def test_ids_that_cannot_be_one_are_refused_with_their_line(items, bad):
    with pytest.raises(ValueError) as reason:
        read_id(bad)
    assert problems(items([row("a"), row(bad), row("b")])) == [f":2: id: {reason.value}"]


def test_duplicates_name_both_lines(items):
    found = problems(items([row("a"), row("b"), row("a"), row("a")]))
    assert found == [
        ":3: id: the id 'a' stands already on line 1",
        ":4: id: the id 'a' stands already on line 1",
    ]


def test_ids_that_differ_only_by_a_surrogate_or_a_zero_width_space_are_two(items):
    source = items([row("a"), row("a\u200b"), row("a\ud800"), row("a\ud801"), row("A")])
    assert source.check().count == 5
    assert [one.item.id for one in source] == ["a", "a\u200b", "a\ud800", "a\ud801", "A"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_file_states_all_ids_or_none(items, order):
    both = [row("a"), {"input": "i", "output": "o"}]
    (found,) = problems(items([both[n] for n in order]))
    assert (
        found
        == {
            (0, 1): ":2: id: the row has no id, and an earlier one has one",
            (1, 0): ":2: id: the row has an id, and an earlier one has none",
        }[order]
    )


def test_content_ids_stay_when_the_file_is_sorted_another_way(items):
    rows = [{"input": str(n), "output": "o", "other": n} for n in range(4)]
    first = {one.columns["input"]: one.item.id for one in items(rows)}
    again = {one.columns["input"]: one.item.id for one in items(rows[::-1])}
    assert first == again and len(set(first.values())) == 4
    # A column that the rubric doesn't show tells two rows apart, the order of columns does not.
    assert first["1"] == next(iter(items([dict(reversed(rows[1].items()))]))).item.id
    assert first["1"] != next(iter(items([rows[1] | {"other": 9}]))).item.id


def test_repeats_without_an_id_are_numbered(items):
    rows = [{"input": "i", "output": "o"}] * 3
    source = items(rows)
    assert source.check().count == 3
    ids = [one.item.id for one in source]
    assert ids[1:] == [f"{ids[0]}-2", f"{ids[0]}-3"]


# ---------------------------------------------------------------- columns


def test_another_id_column_names_and_constants(items):
    rows = [{"key": 5, "id": "ignored", "question": "q", "output": "o"}]
    source = items(rows, id="key", renamed={"input": "question"}, constants={"context": "Policy"})
    source.check()
    (one,) = source
    assert (one.item.id, one.item.fields) == ("5", {"input": "q", "output": "o", "context": "Policy"})


def test_an_id_column_that_is_not_there(items):
    assert problems(items([row("a"), row("b")], id="idd")) == [
        ": id: no row has the id column 'idd'; the file has id, input, output; did you mean 'id'?"
    ]


def test_a_column_that_is_not_there_gets_a_hint(items):
    found = problems(items([{"id": "a", "input": "i", "outputs": "o"}]))
    assert found == [
        ": output: no row has a column 'output', which reply needs; the file has id, input, outputs; "
        "rename with --map output=outputs"
    ]
    found = problems(items([row("a", policies="p")], renamed={"context": "policy"}))
    assert found == [
        ": context: no row has the column 'policy'; the file has id, input, output, policies; "
        "did you mean 'policies'?"
    ]


def test_hundreds_of_columns_are_not_all_listed(items):
    (found,) = problems(items([{f"c{n}": 1 for n in range(500)} | {"id": "1", "output": "o"}]))
    assert " and 462 more; rename with --map input=COLUMN" in found
    assert len(found) < 500


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"renamed": {"contxt": "x"}},
            "'contxt' is no field of reply (input, output, context); did you mean 'context'?",
        ),
        ({"constants": {"zzz": "x"}}, "'zzz' is no field of reply (input, output, context)"),
        (
            {"renamed": {"context": "x"}, "constants": {"context": "y"}},
            "'context' is both renamed and set; give one of the two",
        ),
    ],
)
def test_columns_that_fit_no_field(items, columns, message):
    with pytest.raises(UsageError) as caught:
        items(ROWS, **columns)
    assert str(caught.value) == message


# ---------------------------------------------------------------- what is wrong


def test_missing_required_fields(items):
    found = problems(items([row("a"), {"id": "b", "input": None, "output": "o"}, {"id": "c", "input": ""}]))
    cure = (
        "fill it in (an empty text can be stated in JSONL), or mark the field `required: false` in the rubric"
    )
    assert found == [
        f":2: input: is required and missing for id 'b': {cure}",
        f":3: output: is required and missing for id 'c': {cure}",
    ]


def test_csv_with_all_kinds_of_trouble_is_refused_with_all_named(items):
    text = 'id,input,output\na,"one\ntwo",o\nb,,o\na,i,o\n,i,o\nc,i\n'
    found = problems(items(text, ".csv"))
    assert sorted(found) == [
        ":4: input: is required and missing for id 'b': fill it in (an empty text can be stated in JSONL), "
        "or mark the field `required: false` in the rubric",
        ":5: id: the id 'a' stands already on line 2",
        ":6: id: the id is empty",
        ":7: the row has 2 cells, the header 3 columns; missing: output",
    ]


def test_no_items(items):
    for text, suffix in (("", ".jsonl"), ("\n\n", ".jsonl"), ("id,input,output\n", ".csv"), ("[]", ".json")):
        assert problems(items(text, suffix)) == [": holds no items"]


def test_twenty_problems_are_shown_and_all_are_counted(items):
    source = items([row(None) for _ in range(2500)])
    with pytest.raises(InputError) as caught:
        source.check()
    assert caught.value.total == 2500
    assert len(caught.value.problems) == 20
    assert str(caught.value).endswith("\n… and 2480 more")


def test_many_missing_fields_are_all_counted(items):
    rows = [{"id": str(n), "output": "o"} for n in range(3000)] + [row("z")]
    with pytest.raises(InputError) as caught:
        items(rows).check()
    assert caught.value.total == 3000


def test_reading_a_file_that_check_would_refuse_raises_at_the_end(items):
    source = iter(items([row("a"), row(None)]))
    assert next(source).item.id == "a"
    with pytest.raises(InputError, match="not null"):
        next(source)


def test_the_check_can_be_stopped(items):
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        items(ROWS).check(stop)


def test_the_census_knows_order_ids_and_content(items):
    base = items([row("a"), row("b")]).check()
    assert base.count == len(base.keys) == len(set(base.keys)) == 2
    same = items([row("a", unseen="column"), row("b")]).check()
    assert same.digest == base.digest
    for changed in (
        [row("b"), row("a")],
        [row("a"), row("c")],
        [row("a"), row("b", context="x")],
        [row("a")],
    ):
        assert items(changed).check().digest != base.digest


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["input", "output", "context"]), st.text(max_size=5), min_size=3),
        min_size=1,
        max_size=6,
    ),
    st.randoms(),
)
def test_content_ids_are_unique_and_independent_of_order(tmp_path_factory, rows, random):
    path = tmp_path_factory.getbasetemp() / "shuffled.jsonl"
    ids = []
    for _ in range(2):
        path.write_text(as_text(rows, ".jsonl"), "utf-8")
        source = ItemFile(path, RUBRIC)
        assert source.check().count == len(rows)
        ids.append(sorted(one.item.id for one in source))
        random.shuffle(rows)
    assert ids[0] == ids[1] and len(set(ids[0])) == len(rows)
