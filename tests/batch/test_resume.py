import json
import random

import desk
import pytest
from loopback import Answer, completion, error

from judgekit.batch import Options, grade_file
from judgekit.errors import InputError, UsageError
from judgekit.factory import judge
from judgekit.files.graded import read_graded
from judgekit.files.items import Columns


def failing(*numbers):
    """A server that cannot judge some of the items."""
    return lambda seen: error(400, "no") if desk.number_in(seen) in numbers else desk.honest(seen)


def test_same_command_again(place):
    assert place.grade() == list(range(20))
    first, manifest = place.out.read_bytes(), place.manifest.read_bytes()
    assert place.grade() == []
    assert place.run.tally.resumed == place.run.tally.done == 20
    assert (place.out.read_bytes(), place.manifest.read_bytes()) == (first, manifest)
    assert place.run.tally.usage.input_tokens == 2000


def test_input_that_grew_and_was_sorted_anew(place):
    place.grade()
    numbers = list(range(25))
    random.Random(7).shuffle(numbers)
    place.write(numbers)
    assert place.grade() == [20, 21, 22, 23, 24]
    desk.assert_honest(place.out, numbers)


def test_rows_that_changed(place):
    place.grade()
    rows = [desk.item(n) for n in range(20)]
    rows[3]["output"], rows[5]["input"] = "answer number 103", "Is it so?"
    desk.write_rows(place.items, rows)
    assert place.grade() == [5, 103]
    assert [row["item"]["output"] for row in desk.read_rows(place.out)][3] == "answer number 103"


def test_columns_that_no_judge_sees(place):
    """They may change without a question, and the new ones stand in the output."""
    place.grade()
    place.write(range(20), segment="new")
    assert place.grade() == []
    assert {row["item"]["segment"] for row in desk.read_rows(place.out)} == {"new"}


def test_failed_rows_are_asked_again_and_good_ones_never(place):
    assert place.grade(failing(3, 4)) == list(range(20))
    rows = {row.id: row.verdict for row in read_graded(place.out)}
    assert rows["t-0003"].status == "provider_error" and rows["t-0003"].score is None
    assert place.run.tally.failed == 2
    assert place.grade(failing(4)) == [3, 4]
    assert place.grade() == [4]
    desk.assert_honest(place.out, list(range(20)))
    # What the failed attempts cost stays counted, although their rows are gone.
    assert place.run.manifest["usage"]["input_tokens"] == 20 * 100


def test_what_a_failed_row_cost_stays_counted(place):
    place.grade(lambda seen: Answer(completion("no verdict")))
    assert place.run.manifest["counts"] == {"invalid_reply": 20}
    assert place.run.manifest["usage"]["input_tokens"] == 2 * 2000
    place.grade()
    assert place.run.manifest["usage"]["input_tokens"] == 3 * 2000


def test_another_constant_is_another_question(place):
    """The text behind --set is part of what was judged, though it is not in the rows."""
    (place.folder / "desk.yaml").write_text(
        desk.RUBRIC.replace("criteria:", "  context: {description: Policy, required: false}\ncriteria:")
    )
    old = Columns(constants={"context": "old policy"})
    assert place.grade(columns=old) == list(range(20))
    assert place.grade(columns=old) == []
    with pytest.raises(
        UsageError, match=r"about other items than those of .*, or about other fields of them"
    ):
        place.grade(columns=Columns(constants={"context": "new policy"}))
    assert place.asked == {}


def test_another_column_is_another_question(place):
    rows = [desk.item(n) | {"other": f"answer number {n + 500}"} for n in range(20)]
    desk.write_rows(place.items, rows)
    place.grade()
    with pytest.raises(UsageError, match="other fields of them"):
        place.grade(columns=Columns(renamed={"output": "other"}))


def test_output_of_other_items(place):
    place.grade()
    before = place.out.read_bytes()
    place.write(range(100, 120))
    with pytest.raises(UsageError, match="about other items"):
        place.grade()
    assert place.out.read_bytes() == before
    assert not place.journal.exists()
    assert place.grade(fresh=True) == list(range(100, 120))


def test_output_of_another_model(place):
    place.grade()
    before = place.out.read_bytes()
    with pytest.raises(UsageError, match=r"was graded by desk@1\.0\.0\|m\|.* this run is desk@1\.0\.0\|n\|"):
        place.grade(model="n")
    assert (place.out.read_bytes(), place.journal.exists()) == (before, False)
    assert place.grade(model="n", fresh=True) == list(range(20))


def test_a_fresh_run_that_was_stopped_goes_on(place):
    """Without --fresh, over the old output of another model, which stays until the new one is whole."""
    place.grade()
    before = place.out.read_bytes()
    count = iter(range(100))
    with pytest.raises(Exception, match="gone"):
        place.grade(
            lambda seen: desk.honest(seen) if next(count) < 7 else error(404, "gone"),
            model="n",
            fresh=True,
            concurrency=1,
        )
    assert place.out.read_bytes() == before
    assert place.grade(model="n") == list(range(7, 20))
    desk.assert_honest(place.out, list(range(20)))


def test_omit_items(place):
    place.grade(omit_items=True)
    assert all("item" not in row for row in desk.read_rows(place.out))
    assert [row.columns for row in read_graded(place.out)] == [None] * 20
    place.write(range(22))
    assert place.grade(omit_items=True) == [20, 21]
    assert place.grade() == []
    assert desk.read_rows(place.out)[0]["item"] == desk.item(0)
    assert place.grade(omit_items=True) == []
    assert "item" not in desk.read_rows(place.out)[0]


def test_limit(place):
    assert place.grade(limit=5) == [0, 1, 2, 3, 4]
    desk.assert_honest(place.out, [0, 1, 2, 3, 4])
    assert place.grade(limit=5) == []
    assert place.grade(limit=50) == list(range(5, 20))
    with pytest.raises(UsageError, match=r"15 answers that lie there would be lost by this --limit"):
        place.grade(limit=5)
    assert len(desk.read_rows(place.out)) == 20


def test_sample(place):
    first = place.grade(sample=6)
    assert len(first) == 6 and first != list(range(6))
    assert place.grade(sample=6) == []
    place.out.unlink()
    place.manifest.unlink()
    assert place.grade(sample=6) == first
    more = place.grade(sample=9)
    assert len(more) == 3 and not set(more) & set(first)
    desk.assert_honest(place.out, sorted(first + more))
    assert place.grade(sample=900) == sorted(set(range(20)) - set(first) - set(more))


def test_a_line_of_the_output_is_damaged(place):
    """Only that row is asked again."""
    place.grade()
    lines = place.out.read_bytes().split(b"\n")
    lines[4] = lines[4][:90]
    place.out.write_bytes(b"\n".join(lines))
    assert place.grade() == [4]
    desk.assert_honest(place.out, list(range(20)))


def test_the_output_lost_its_end(place):
    place.grade()
    raw = place.out.read_bytes()
    place.out.write_bytes(raw[: len(raw) * 3 // 4])
    assert place.grade() == [15, 16, 17, 18, 19]


def test_rows_of_another_tool(place):
    """Graded rows without a key cannot be told apart from other items' rows: they are not mixed."""
    place.grade()
    rows = [{k: v for k, v in row.items() if k != "key"} for row in desk.read_rows(place.out)]
    desk.write_rows(place.out, rows)
    with pytest.raises(UsageError, match="about other items"):
        place.grade()


@pytest.mark.parametrize("content", ['{"id": "a", "text": "mine"}\n', "my notes", "\0\1\2", "[]"])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_that_is_not_ours(place, content, fresh):
    place.out.write_text(content)
    with pytest.raises(UsageError, match=r"out\.jsonl"):
        place.grade(fresh=fresh)
    assert place.out.read_text() == content
    assert not place.journal.exists()


def test_labels_put_in_the_place_of_a_stopped_run(place):
    with pytest.raises(Exception, match="gone"):
        place.grade([error(404, "gone")])
    place.out.write_text('{"id": "a", "label": "mine"}\n')
    with pytest.raises(UsageError, match="holds no graded rows, and nothing else is overwritten"):
        place.grade()


def test_a_manifest_that_is_not_ours(place):
    place.manifest.write_text('{"my": "settings"}')
    with pytest.raises(UsageError, match=r"out\.run\.json: is not the manifest of a run"):
        place.grade(fresh=True)
    assert place.manifest.read_text() == '{"my": "settings"}'


def test_an_empty_file_is_nothing(place):
    place.out.touch()
    assert place.grade() == list(range(20))


def test_a_link_stays_a_link(place):
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    place.out.symlink_to(elsewhere / "real.jsonl")
    place.grade()
    assert place.out.is_symlink() and len(desk.read_rows(elsewhere / "real.jsonl")) == 20
    assert place.grade() == []


@pytest.mark.parametrize("out", ["items.jsonl", "./items.jsonl", "link.jsonl"])
def test_output_is_the_input(place, out):
    (place.folder / "link.jsonl").symlink_to(place.items)
    place.out = place.folder / out
    with pytest.raises(UsageError, match="is the input itself"):
        place.grade(fresh=True)
    assert len(desk.read_rows(place.items)) == 20


@pytest.mark.parametrize("name", ["out.run.json", "out.journal"])
def test_input_where_the_manifest_or_the_journal_goes(place, name):
    place.items = place.items.rename(place.folder / name)
    with pytest.raises(UsageError, match="is the input itself"):
        place.grade()


def test_places_that_cannot_be(place):
    for out, said in (
        ("out.csv", "graded rows are written as .jsonl"),
        ("nowhere/out.jsonl", "there is no such folder"),
        ("/proc/self/out.jsonl", "cannot be written"),
        ("items.jsonl/out.jsonl", "there is no such folder"),
    ):
        place.out = place.folder / out
        with pytest.raises((UsageError, InputError), match=said):
            place.grade()
        assert not place.asked


def test_a_folder_in_the_way(place):
    place.out.mkdir()
    with pytest.raises(UsageError, match="is there and is not a file"):
        place.grade(fresh=True)


def test_input_that_is_a_pipe(place):
    import os

    place.items = place.folder / "pipe.jsonl"
    os.mkfifo(place.items)
    with pytest.raises(UsageError, match="is not a file"):
        place.grade()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [*rows, desk.item(77)], "line 21"),
        (lambda rows: rows[:-3], "it ends after 17 of 20 items"),
        (lambda rows: [*rows[:9], desk.item(77), *rows[10:]], "line 10"),
    ],
)
@pytest.mark.parametrize("at", [1, 20])
def test_input_changes_during_the_run(place, change, said, at):
    """Nothing is written from a mixture, and what was paid for is kept."""
    seen = []

    def script(request):
        seen.append(request)
        if len(seen) == at:
            desk.write_rows(place.folder / "new", change(desk.read_rows(place.items)))
            (place.folder / "new").replace(place.items)
        return desk.honest(request)

    with pytest.raises(Exception, match=r"items\.jsonl: changed while it was graded"):
        # The file is open and replaced: only a second reading sees the change.
        place.grade(script, concurrency=1)
    assert not place.out.exists()
    assert place.grade() in ([], [77])
    assert len(desk.read_rows(place.out)) == len(desk.read_rows(place.items))


def test_input_changes_between_check_and_run(place, monkeypatch):
    from judgekit.batch import runner

    real = runner._taken_up

    async def then_grow(*arguments):
        await real(*arguments)
        place.write(range(30))

    with monkeypatch.context() as patch, pytest.raises(Exception, match=r"changed while .*line 21"):
        patch.setattr(runner, "_taken_up", then_grow)
        place.grade()
    assert place.grade() == list(range(20, 30))


def test_many_rows_of_a_json_array(place):
    place.items = place.folder / "many.json"
    place.items.write_text(json.dumps([desk.item(n) for n in range(2000)]))
    rubric = place.folder / "desk.yaml"
    run = grade_file(judge(rubric, "offline/lexical"), place.items, place.out, Options())
    assert run.tally.done == 2000
