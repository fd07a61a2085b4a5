"""Label files: long and wide, read as people write them, refused where a reading would be a guess."""

import json

import pytest
from design_rubric import DESIGN
from hypothesis import example, given
from hypothesis import strategies as st
from judged import SIDE, YES, rubric_of

from judgekit.errors import InputError
from judgekit.files.label_cells import seal, unseal
from judgekit.files.labels import LONG, read_label_files, read_labels
from judgekit.rubric import read_rubric

RUBRIC = read_rubric(DESIGN)
FRAME = {"digest": "sha256:0", "n": 200}


@pytest.fixture
def read(tmp_path):
    """Write a label file and read it."""

    def written(content, rubric=RUBRIC, suffix=".csv", **options):
        path = tmp_path / f"labels{suffix}"
        text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
        path.write_text(text, "utf-8")
        return read_labels(path, rubric, **options)

    return written


@pytest.fixture
def problems(read, tmp_path):
    def named(content, **options):
        with pytest.raises(InputError) as caught:
            read(content, **options)
        return [line.replace(str(tmp_path / "labels"), "") for line in str(caught.value).split("\n")]

    return named


def said(labels):
    return [(one.id, one.criterion, one.rater, one.answer) for one in labels.labels]


LONG_CSV = """\
id,criterion,rater,label,note
17,resolves,ann,pass,"first,
second line"
17, Tone ,ann, 2 ,
t-2,resolves,ann,FAIL,
t-2,topic,,Billing,
t-2,completeness,ann,7.5,
t-3,resolves,ann,,not labelled
t-3,tone,ann,Not_Applicable,
t-3,topic,ann,cannot_tell,
t-3,overall,ann,Pass,
"""
SAID = [
    ("17", "resolves", "ann", "pass"),
    ("17", "tone", "ann", "2"),
    ("t-2", "resolves", "ann", "fail"),
    ("t-2", "topic", "human", "billing"),
    ("t-2", "completeness", "ann", 7.5),
    ("t-3", "tone", "ann", "not_applicable"),
    ("t-3", "topic", "ann", "cannot_tell"),
    ("t-3", "overall", "ann", "pass"),
]


def test_long_csv(read):
    labels = read(LONG_CSV)
    assert said(labels) == SAID
    assert [one.line for one in labels.labels] == [2, 4, 5, 6, 7, 9, 10, 11]
    assert labels.labels[0].note == "first,\nsecond line"
    assert labels.ids == ["17", "t-2", "t-3"]
    assert labels.criteria() == {"resolves", "tone", "topic", "completeness", "overall"}


def test_long_jsonl_says_the_same(read):
    rows = [
        {"id": 17 if id_ == "17" else id_, "criterion": name, "rater": rater, "label": answer}
        for id_, name, rater, answer in SAID
    ]
    rows.insert(3, {"id": "t-9", "criterion": "tone", "label": None})
    rows[1]["label"] = 2
    assert said(read(rows, suffix=".jsonl")) == SAID
    assert read(rows, suffix=".jsonl").digest == read(LONG_CSV).digest


def test_wide_csv(read):
    labels = read("Rater,ID,Resolves,tone,mood\nann,a,pass,3,fine\nbob,a,FAIL,,\n,b,  ,cannot_tell,x\n")
    assert said(labels) == [
        ("a", "resolves", "ann", "pass"),
        ("a", "tone", "ann", "3"),
        ("a", "resolves", "bob", "fail"),
        ("b", "tone", "human", "cannot_tell"),
    ]


def test_wide_jsonl_with_json_values(read):
    labels = read(
        [{"id": 1, "tone": 2, "completeness": 8, "overall": "fail", "resolves": None}], suffix=".jsonl"
    )
    assert said(labels) == [
        ("1", "tone", "human", "2"),
        ("1", "completeness", "human", 8.0),
        ("1", "overall", "human", "fail"),
    ]


def test_true_and_false_are_levels_where_the_rubric_says_so(read):
    rubric = rubric_of(YES | {"levels": {"true": "", "false": ""}})
    rows = [{"id": "a", "correct": True}, {"id": "b", "correct": "FALSE"}]
    assert [one.answer for one in read(rows, rubric, ".jsonl").labels] == ["true", "false"]


def test_everything_a_label_may_carry(read):
    row = {
        "id": "a",
        "criterion": "resolves",
        "rater": " ann ",
        "label": "pass",
        "note": "n",
        "at": "2026-11-23",
        "repeat": True,
        "supersedes": False,
        "role": "Holdout",
        "criterion_digest": "sha256:1",
        "design": "stratified",
        "probability": 0.25,
        "stratum": "fail",
        "frame": FRAME,
    }
    assert set(row) == LONG - {"format"}
    (one,) = read([row], suffix=".jsonl").labels
    assert (one.rater, one.note, one.at, one.repeat, one.supersedes) == (
        "ann",
        "n",
        "2026-11-23",
        True,
        False,
    )
    assert (one.role, one.design, one.probability, one.stratum) == ("holdout", "stratified", 0.25, "fail")
    assert (one.frame, one.criterion_digest, one.line) == (FRAME, "sha256:1", 1)
    text = "id,criterion,label,frame,repeat,supersedes,probability\n"
    text += 'a,tone,1,"{""digest"": ""sha256:0"", ""n"": 200}",no,Yes,1\nb,tone,1,,1,0,\n'
    first, second = read(text).labels
    assert (first.frame, first.repeat, first.supersedes, first.probability) == (FRAME, False, True, 1.0)
    assert (second.frame, second.repeat, second.supersedes, second.probability) == (None, True, False, None)


def test_a_rubric_with_one_question_needs_no_criterion_column(read):
    labels = read("id,label\na,pass\nb,\nc,fail\n", rubric_of(YES))
    assert said(labels) == [("a", "correct", "human", "pass"), ("c", "correct", "human", "fail")]


def test_another_id_column(read):
    assert said(read("key,id,tone\nk1,5,1\n", id_column="Key")) == [("k1", "tone", "human", "1")]


def test_pairwise_labels(read):
    labels = read("id,better,overall\n1,A,b\n2,Tie,tie\n", rubric_of(SIDE, mode="pairwise"))
    assert [one.answer for one in labels.labels] == ["a", "b", "tie", "tie"]


# ---------------------------------------------------------------- refused


def test_all_that_is_wrong_is_named_at_once(problems):
    text = """\
id,criterion,rater,label,role,design,probability,frame
a,resolves,ann,psas,,,,
,resolves,ann,pass,,,,
b,tnoe,ann,1,,,,
b,tone,ann,4,,,,
c,completeness,ann,11,,,,
c,completeness,bob,lots,,,,
d,,ann,pass,,,,
e,tone,ann,1,train,cluster,0,x
a,resolves,ann,pass,,,,
a,resolves,ann,fail,,,,
"""
    assert problems(text) == [
        ".csv:2: label: 'psas' is not a level of resolves (allowed: pass, fail, not_applicable, cannot_tell)"
        "; did you mean 'pass'?",
        ".csv:3: id: the id is empty",
        ".csv:4: criterion: 'tnoe' is not a criterion of support-reply (resolves, tone, topic, "
        "completeness, overall); did you mean 'tone'?",
        ".csv:5: label: '4' is not a level of tone (allowed: 1, 2, 3, not_applicable, cannot_tell)",
        ".csv:6: label: 11 lies outside the range 0 to 10 of completeness",
        ".csv:7: label: 'lots' is not a number; completeness goes from 0 to 10",
        ".csv:8: criterion: is missing: which question of the rubric does the label answer?",
        ".csv:9: role: 'train' is not one of development, regression, holdout, confirmatory, production",
        ".csv:9: design: 'cluster' is not one of random, stratified, probability, external",
        ".csv:9: probability: '0' is not a probability above 0 and at most 1",
        ".csv:9: frame: is not an object as `judgekit plan` writes it",
        ".csv:11: label: rater 'ann' said 'pass' of 'resolves' for id 'a' on line 10, and here 'fail'; "
        "mark the later row supersedes or repeat, or remove one",
    ]


def test_wide_mistakes_name_the_column(problems):
    assert problems("id,resolves,tone,completness\na,maybe,2,7\n") == [
        ".csv:2: resolves: 'maybe' is not a level of resolves "
        "(allowed: pass, fail, not_applicable, cannot_tell)",
        ".csv:1: the column 'completness' is not a criterion; did you mean 'completeness'?",
    ]


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "10.01", "1_0", "7,5", "true"])
def test_what_is_no_number_of_the_range(problems, value):
    (found,) = problems([{"id": "a", "completeness": value}], suffix=".jsonl")
    assert found.startswith(".jsonl:1: completeness: ")


@pytest.mark.parametrize("value", [["pass"], {"a": 1}])
def test_a_label_that_is_no_text(problems, value):
    (found,) = problems([{"id": "a", "criterion": "tone", "label": value}], suffix=".jsonl")
    assert found == f".jsonl:1: tone: {value!r} is not a label"


EMPTY = (
    ".csv: holds no labels; fill in resolves, tone, topic, completeness, or give the file that is filled in"
)


def test_files_without_labels(problems):
    assert problems("id,resolves\na,\n") == [EMPTY]
    assert problems("id,criterion,label\n") == [EMPTY]
    assert problems("id,score\na,1\n")[-1] == (
        ".csv:1: has neither the columns criterion and label, nor one of a criterion "
        "(resolves, tone, topic, completeness, overall)"
    )
    assert problems("Ticket,tone\nT-1,1\nT-2,2\n") == [
        ".csv:2: no column 'id' names the item that a label is about; the file has ticket, tone; rename the "
        "one that does to 'id'"
    ]
    rows = [{"id": "1", "tone": "1"}, {"tone": "2"}, {"id": None, "tone": "2"}]
    missing = "id: is missing: a label names the item it is about"
    assert problems(rows, suffix=".jsonl") == [f".jsonl:2: {missing}", f".jsonl:3: {missing}"]


def test_a_decimal_comma(problems):
    assert problems('id,completeness\n1,"2,5"\n') == [
        ".csv:2: completeness: '2,5' is not a number; completeness goes from 0 to 10; write 2.5"
    ]


def test_columns_that_differ_in_case_only(problems):
    assert (
        problems("id,tone,Tone\na,1,2\n")[0]
        == ".csv:2: the column 'tone' stands twice (case does not matter)"
    )
    assert "'id' stands twice" in problems("id,ID,tone\na,b,2\n")[0]


def test_overall_where_nothing_passes(problems):
    assert problems("id,criterion,label\na,overall,pass\n", rubric=rubric_of(YES)) == [
        ".csv:2: criterion: test has neither gate nor threshold, so no item passes overall"
    ]


# ---------------------------------------------------------------- the same rater twice

HEAD = "id,criterion,rater,label,note,repeat,supersedes,stratum\n"


def test_identical_labels_are_kept_once(read):
    labels = read(HEAD + "a,tone,ann,1,,,,\na,tone,ann,1,other note,,,\na,tone,bob,1,,,,\n")
    assert said(labels) == [("a", "tone", "ann", "1"), ("a", "tone", "bob", "1")]
    assert labels.notes == ("1 identical label kept once",)


def test_a_superseding_label_wins(read):
    labels = read(HEAD + "a,tone,ann,1,,,,\nb,tone,ann,3,,,,\na,tone,ann,2,,,yes,\n")
    assert said(labels) == [("a", "tone", "ann", "2"), ("b", "tone", "ann", "3")]
    assert labels.notes == ("1 label superseded by a later one",)


def test_repeats_are_kept_beside_the_first_answer(read):
    labels = read(HEAD + "a,tone,ann,1,,,,\na,tone,ann,2,,yes,,\na,tone,ann,3,,yes,,\n")
    assert [(one.answer, one.repeat) for one in labels.labels] == [("1", False), ("2", True), ("3", True)]


def test_the_same_answer_with_another_stratum_is_no_silent_choice(problems):
    assert problems(HEAD + "a,tone,ann,1,,,,x\na,tone,ann,1,,,,y\n") == [
        ".csv:3: label: rater 'ann' said '1' of 'tone' for id 'a' here and on line 2, but with another "
        "stratum; mark the later row supersedes or repeat, or remove one"
    ]


def test_the_digest_is_of_who_said_what(read):
    rows = HEAD + "a,tone,ann,1,,,,\nb,tone,ann,2,,,,\n"
    base = read(rows).digest
    assert read(HEAD + "b,tone,ann,2,a note,,,\na,tone,ann,1,,,,\n").digest == base
    assert read(rows.replace("ann,1", "bob,1")).digest != base
    assert read(rows.replace("ann,1", "ann,3")).digest != base
    assert read(rows.replace("ann,1,,,", "ann,1,,yes,")).digest != base


@pytest.mark.parametrize("key", ["repeat", "supersedes"])
def test_yes_and_no_as_programs_write_them(read, problems, key):
    yes = [True, 1, 1.0, "TRUE", "Yes", "y", "1", "1.0", "x"]
    no = [False, 0, 0.0, None, "", " ", "nan", "NaN", "0.0", "N", "no", "None", "null", "FALSE"]
    rows = [{"id": f"i{n}", "tone": 1, key: value} for n, value in enumerate([*yes, *no])]
    found = read(rows, suffix=".jsonl").labels
    marked = {one.id: getattr(one, key) for one in found}
    assert [marked[one["id"]] for one in rows] == [True] * len(yes) + [False] * len(no)
    (said,) = problems([{"id": 1, "tone": 1, key: "WAHR"}], suffix=".jsonl")
    assert (
        said.startswith(f".jsonl:1: {key}: 'WAHR' is neither true, yes, y, 1") and "nan, none, null" in said
    )


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ({"strata": {"s1": "x"}}, "the stratum 's1' has the size 'x'"),
        ({"strata": {"s1": 0}}, "the stratum 's1' has the size 0"),
        ({"strata": {"s1": -5}}, "the stratum 's1' has the size -5"),
        ({"strata": {"s1": True}}, "the stratum 's1' has the size True"),
        ({"strata": ["s1"]}, "strata is ['s1']"),
        ({"by": ["a"]}, "by is ['a'], not a text"),
        ({"digest": ["x"]}, "digest is ['x'], not a text"),
        ({"n": "many"}, "n is 'many'"),
        ("drawn.AAAA", "was not written for the item '1'"),
        ("drawn.\u00e9", "was not written for the item '1'"),
    ],
)
def test_frames_that_cannot_be(problems, frame, what):
    rows = [
        {"id": 0, "tone": 1},
        {"id": 1, "tone": 1, "design": "stratified", "stratum": "s1", "frame": frame},
    ]
    (said,) = problems(rows, suffix=".jsonl")
    assert said.startswith(f".jsonl:2: frame: {what}")


@pytest.mark.parametrize("value", [True, "0_1", 1e-300, 5e-324, "1e-10", "9" * 5000, [0.5]])
def test_probabilities_that_cannot_be(problems, value):
    (said,) = problems([{"id": 1, "tone": 1, "probability": value}], suffix=".jsonl")
    assert said.startswith(".jsonl:1: probability: ") and len(said) < 200


def test_a_rater_is_a_text_or_a_number(read, problems):
    rows = [{"id": n, "tone": 1, "rater": who} for n, who in enumerate([0, 7, " 7 ", None, " "])]
    assert [one.rater for one in read(rows, suffix=".jsonl").labels] == ["0", "7", "7", "human", "human"]
    for who in (["a", "b"], {"name": "a"}, True):
        (said,) = problems([{"id": 1, "tone": 1, "rater": who}], suffix=".jsonl")
        assert said.startswith(".jsonl:1: rater: ") and "is no name of one rater" in said


NAMES = st.text(max_size=20)


@given(NAMES, NAMES.filter(bool), st.floats(1e-9, 1))
@example("\ud800", "\ud800é", 0.1)
def test_a_hidden_draw_is_read_again(identity, stratum, chance):
    draw = {"design": "stratified", "frame": FRAME, "stratum": stratum, "probability": chance}
    row = seal(identity, draw)
    assert row.keys() == {"design", "frame"} and unseal(identity, row) == draw
    with pytest.raises(ValueError, match="was not written for"):
        unseal(identity + "x", row)
    assert seal(identity, {"design": "random", "frame": FRAME}) == {"design": "random", "frame": FRAME}


def test_answers_left_out_as_of_another_wording_lend_their_role(tmp_path):
    rubric, now = rubric_of(YES), rubric_of(YES).criterion_digests["correct"]
    old = {"id": "a", "correct": "great", "role": "development", "criterion_digest": "sha256:old"}
    new = {"id": "a", "correct": "pass", "role": "", "criterion_digest": now}
    for name, one in (("old", old), ("new", new)):
        (tmp_path / f"{name}.jsonl").write_text(
            json.dumps(one) + "\n" + json.dumps(one | {"id": "b", "role": ""})
        )
    files = [tmp_path / "old.jsonl", tmp_path / "new.jsonl"]
    for order in (files, files[::-1]):
        found = read_label_files(order, rubric).labels
        assert {one.id: one.role for one in found} == {"a": "development", "b": ""}
