"""Every command but grade, through the command line: results, exit codes, and what each refuses."""

import csv
import html
import json
import os
import re
import resource
from pathlib import Path

import desk
import pytest

from judgekit._digest import digest
from judgekit.library import names

LEXICAL = ("--model", "offline/lexical")
HELP = Path(__file__).with_name("help.txt")
COMMANDS = (
    "",
    "init",
    "grade",
    "plan",
    "calibrate",
    "judges",
    "correct",
    "report",
    "doctor",
    "demo",
    "rubric",
)


@pytest.fixture
def graded(judgekit, demo):
    """The demo's answers, graded."""
    assert judgekit("grade", "support-reply", "answers.jsonl", *LEXICAL, "--out", "graded.jsonl").code == 0
    return demo


@pytest.fixture
def card(judgekit, graded):
    """… and held against its labels."""
    assert judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json").code == 0
    return graded


# ---------------------------------------------------------------------------------------------- all commands


def words(text: str) -> str:
    """Text without layout, and without the types of arguments, which each typer writes its own way."""
    return " ".join(re.sub(r"<[a-zA-Z][^>]*>|[{}\[\]]", " ", text).split())


def test_help(judgekit):
    """Golden: after a wanted change, write what this prints into help.txt."""
    found = []
    for name in COMMANDS:
        done = judgekit(*name.split(), "--help")
        assert done.code == 0
        found.append(words(done.out))
    assert "\n\n".join(found) + "\n" == HELP.read_text(), "\n\n".join(found)


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_wrong_options(judgekit, command):
    done = judgekit(command, "--no-such-option", "--json")
    assert done.code == done.json["exit"] == 2
    assert done.json["format"] == 1 and "--no-such-option" in done.json["error"]
    assert "Usage: judgekit " in done.err


MISSING = {
    "init": ("q", "--from", "nowhere.jsonl"),
    "grade": ("desk.yaml", "nowhere.jsonl", *LEXICAL, "--out", "o.jsonl"),
    "plan": ("nowhere.jsonl", "--out", "o.csv", "--rubric", "desk.yaml"),
    "calibrate": ("nowhere.jsonl", "nowhere.csv"),
    "correct": ("nowhere.jsonl", "--calibration", "nowhere.json"),
    "rubric show": ("nowhere.yaml",),
    "rubric check": ("nowhere.yaml",),
}


@pytest.mark.parametrize("command", MISSING)
@pytest.mark.parametrize("flags", [(), ("--json",), ("--quiet",)])
def test_missing_files(judgekit, command, flags):
    done = judgekit(*command.split(), *MISSING[command], *flags)
    assert done.code == 2
    assert re.fullmatch(r"judgekit: nowhere\.\w+: .+", done.err.splitlines()[-1])
    if "--json" in flags:
        assert done.json["exit"] == 2


def test_no_command(judgekit):
    for arguments in ((), ("rubric",)):
        done = judgekit(*arguments)
        assert done.code == 2 and "Commands:" in done.err


def test_version(judgekit):
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", judgekit("--version").out)


def test_a_fault_of_judgekit(judgekit, monkeypatch):
    """An exception that nobody foresaw: the traceback to report, and no exit code that means a finding."""

    def broken(name):
        raise RuntimeError("boo")

    monkeypatch.setattr("judgekit.library.find", broken)
    done = judgekit("rubric", "show", "x", "--json")
    assert done.code == done.json["exit"] == 3
    assert "RuntimeError: boo" in done.err and "please report it" in done.err


def test_folders_that_are_not_there(judgekit, graded):
    """Each says which, rather than failing with a traceback."""
    for arguments in (
        ("plan", "graded.jsonl", "--out", "no/sheet.csv"),
        ("calibrate", "graded.jsonl", "labels.jsonl", "--out", "no/card.json"),
        ("init", "graded.jsonl/x"),
    ):
        done = judgekit(*arguments)
        assert done.code == 2 and "Traceback" not in done.err
        assert re.search(r"judgekit: \S*(no|graded\.jsonl)\S*: .+", done.err)


# ------------------------------------------------------------------------------------------------------ init


def test_init(judgekit, folder):
    done = judgekit("init", "q")
    assert done.code == 0
    assert done.out == (
        "  q/rubric.yaml  the rubric to fill in\n"
        "  q/items.jsonl  three invented items; put your own here\n\n"
        "next: judgekit rubric check q/rubric.yaml, after you have written your own criteria\n"
    )
    checked = judgekit("rubric", "check", "q/rubric.yaml")
    assert checked.code == 0
    left = "name, purpose, instructions, the question of serves_the_user"
    assert f"still the words of the template, write your own: {left}\n" in checked.out
    done = judgekit("grade", "q/rubric.yaml", "q/items.jsonl", *LEXICAL, "--out", "q/graded.jsonl")
    assert done.code == 0
    plan = done.out.splitlines()[-1].removeprefix("next: judgekit ").split()
    assert judgekit(*plan).code == 0


def test_init_overwrites_nothing(judgekit, folder):
    (folder / "items.jsonl").unlink()
    assert judgekit("init").code == 0
    (folder / "rubric.yaml").write_text("mine")
    done = judgekit("init", "--json")
    assert done.code == 2 and "rubric.yaml exists, and nothing is overwritten" in done.json["error"]
    assert (folder / "rubric.yaml").read_text() == "mine"


def test_init_from_logs(judgekit, folder):
    logs = [
        {
            "id": f"<b>{n}</b>\x1b[31m",
            "output": "# Is it?\n```\n<script>",
            "e-mail": {"n": n},
            "context": "" if n == 4 else "x",
            "null": n,
            "true": None if n == 3 else n,
            "user\nname: |": "x",
        }
        for n in range(50)
    ]
    desk.write_rows(folder / "logs.jsonl", logs)
    done = judgekit("init", "q", "--from", "logs.jsonl", "--json")
    assert done.json["files"] == ["q/read-first.md", "q/rubric.yaml"]
    assert "20 of your 50 outputs, at random" in done.err
    shown = judgekit("rubric", "show", "q/rubric.yaml", "--json").json["rubric"]
    assert {name: given["required"] for name, given in shown["inputs"].items()} == {
        "input": True,
        "output": True,
        "context": False,
    }
    text = (folder / "q/rubric.yaml").read_text()
    assert "judgekit grade rubric.yaml logs.jsonl --map input=COLUMN --model MODEL" in text
    assert "\n  # e-mail: {description: What this holds}\n" in text
    assert '\n  # "true": {description: What this holds, required: false}\n' in text
    assert r"  #   --map FIELD='user\nname: |'" in text
    (folder / "q/rubric.yaml").write_text(text.replace("  # e-mail:", "  e-mail:"))
    assert "instructions, the question" not in judgekit("rubric", "check", "q/rubric.yaml").err
    assert "inputs.e-mail" in judgekit("rubric", "check", "q/rubric.yaml").out
    read = (folder / "q/read-first.md").read_text()
    assert read.count("\n## ") == 20 and read.count("What went wrong first, in your words:") == 20
    assert "\n<script>" not in read and "\n    <script>" in read
    assert "\n# Is it" not in read


def test_init_names_items_as_grading_will(judgekit, folder):
    desk.write_rows(folder / "logs.jsonl", [{"input": "x", "output": "y"}] * 2)
    judgekit("init", "q", "--from", "logs.jsonl")
    judgekit("grade", "q/rubric.yaml", "logs.jsonl", *LEXICAL, "--out", "g.jsonl")
    headings = re.findall(r"\n## \d+\. (.*)", (folder / "q/read-first.md").read_text())
    assert sorted(headings) == sorted(row["id"] for row in desk.read_rows(folder / "g.jsonl"))


def test_init_with_an_id_column(judgekit, folder):
    (folder / "logs.csv").write_text("Ticket Nr.,output,token\nT-1,x,sk-1\nT-2,y,sk-2\n")
    assert judgekit("init", "q", "--from", "logs.csv", "--id", "Ticket Nr.").code == 0
    text = (folder / "q/rubric.yaml").read_text()
    assert "logs.csv --id 'Ticket Nr.' --map input=COLUMN --model" in text and "# Ticket" not in text
    read = (folder / "q/read-first.md").read_text()
    assert re.search(r"\n## 1\. T-[12]\n", read) and "Ticket" not in read
    done = judgekit("init", "r", "--from", "logs.csv", "--id", "ticket")
    assert done.code == 2 and "no row has the id column 'ticket'; the file has" in done.err
    assert judgekit("init", "r", "--id", "x").code == 2


def test_init_says_which_columns_are_missing(judgekit, folder):
    rows = [{"meeting_id": f"m{n}", "transcript": "x", "summary": "y"} for n in range(3)]
    desk.write_rows(folder / "logs.jsonl", rows)
    said = judgekit("init", "q", "--from", "logs.jsonl").out
    assert (
        "no column `input` or `output` or `id` in logs.jsonl (columns: meeting_id, transcript, summary): "
        in said
    )
    assert "give --map input=COLUMN --map output=COLUMN when grading; for ids --id meeting_id" in said
    assert "# target: 0.9" in (folder / "q/rubric.yaml").read_text()
    desk.write_rows(folder / "logs.jsonl", [{"id": "1", "input": "x", "output": "y"}])
    assert judgekit("init", "r", "--from", "logs.jsonl", "--json").json["missing"] == ""


def test_init_from_few_logs(judgekit, folder):
    desk.write_rows(folder / "logs.jsonl", [{"odd name": "x"}])
    done = judgekit("init", "q", "--from", "logs.jsonl")
    assert "1 of your 1 outputs" in done.out
    assert judgekit("rubric", "check", "q/rubric.yaml").code == 0
    (folder / "logs.jsonl").write_text("")
    done = judgekit("init", "r", "--from", "logs.jsonl")
    assert done.code == 2 and "logs.jsonl: holds no rows" in done.err and not (folder / "r").exists()


# ------------------------------------------------------------------------------------------------------ plan


def read_sheet(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.jsonl"])
def test_plan(judgekit, graded, name):
    done = judgekit("plan", "graded.jsonl", "--n", "30", "--seed", "5", "--rater", "kim", "--out", name)
    assert done.code == 0
    assert done.out.startswith(f"30 of 200 items drawn at random into {name}, without the judge's verdicts.")
    assert f"next: judgekit calibrate graded.jsonl {name} --out CARD.json\n" in done.out
    rows = read_sheet(graded / name) if name.endswith("csv") else desk.read_rows(graded / name)
    assert len({row["id"] for row in rows}) == 30
    for row in rows:
        assert {row[c] for c in ("resolves", "policy", "tone", "next_step", "note")} == {""}
        assert (row["rater"], row["design"]) == ("kim", "random")
        frame = row["frame"] if isinstance(row["frame"], dict) else json.loads(row["frame"])
        assert frame["n"] == 200
        assert not {"verdict", "label", "score", "key", "passed"} & row.keys()
    said = (graded / name).read_text()
    assert "heuristic" not in said and "fingerprint" not in said


def test_plan_refuses_what_exists(judgekit, graded):
    (graded / "sheet.csv").write_text("my labels")
    done = judgekit("plan", "graded.jsonl", "--out", "sheet.csv")
    assert done.code == 2 and "sheet.csv exists, and may hold labels" in done.err
    assert (graded / "sheet.csv").read_text() == "my labels"


def test_plan_more_than_there_is(judgekit, graded):
    done = judgekit("plan", "graded.jsonl", "--n", "201", "--out", "sheet.csv")
    assert done.code == 2 and "holds 200 items, 201 cannot be drawn" in done.err


def test_plan_from_items(judgekit, folder):
    done = judgekit("plan", "items.jsonl", "--n", "3", "--out", "s.csv")
    assert done.code == 2 and "--rubric" in done.err
    assert judgekit("plan", "items.jsonl", "--n", "3", "--out", "s.csv", "--rubric", "desk.yaml").code == 0


def test_cells_of_a_plan_are_no_formulas(judgekit, folder):
    odd = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
    desk.write_rows(folder / "items.jsonl", [desk.item(n) | {"input": text} for n, text in enumerate(odd)])
    judgekit("grade", "desk.yaml", "items.jsonl", *LEXICAL, "--out", "g.jsonl")
    assert judgekit("plan", "g.jsonl", "--n", "6", "--out", "s.csv").code == 0
    assert sorted(row["input"] for row in read_sheet(folder / "s.csv")) == sorted("'" + text for text in odd)


@pytest.fixture
def logs(judgekit, folder):
    """Logs with columns of their own, graded with one text for all."""
    rubric = desk.RUBRIC.replace("  output: The answer\n", "  output: The answer\n  policy: Our rules\n")
    (folder / "rules.yaml").write_text(rubric)
    rows = [
        {"no": f"t{n}", "asked": f"question {n}", "mail": "x@y.z", "output": "an answer"} for n in range(9)
    ]
    desk.write_rows(folder / "my logs.jsonl", rows)
    said = ("rules.yaml", "my logs.jsonl", "--id", "no", "--map", "input=asked", "--set", "policy=Be fair.")
    assert judgekit("grade", *said, *LEXICAL, "--out", "my graded.jsonl").code == 0
    return folder


def test_a_plan_shows_people_what_the_judge_saw(judgekit, logs):
    done = judgekit("plan", "my graded.jsonl", "--n", "9", "--out", "s.csv")
    assert done.code == 2 and "give --set policy=… again" in done.err and not (logs / "s.csv").exists()
    done = judgekit("plan", "my graded.jsonl", "--n", "9", "--set", "policy=Be fair.", "--out", "s.csv")
    assert "next: judgekit calibrate 'my graded.jsonl' s.csv --out CARD.json\n" in done.out
    correct = "judgekit correct 'my graded.jsonl' --calibration CARD.json --labels s.csv"
    assert done.out.endswith(f"or, with a card: {correct}\n")
    rows = {row["id"]: row for row in read_sheet(logs / "s.csv")}
    assert len(rows) == 9 and rows["t3"]["input"] == "question 3"
    assert {row["policy"] for row in rows.values()} == {"Be fair."}
    assert not {"mail", "asked"} & rows["t3"].keys()


def test_a_plan_of_items_takes_the_columns_of_grade(judgekit, logs):
    plan = ("plan", "my logs.jsonl", "--rubric", "rules.yaml", "--n", "2", "--out", "s.csv")
    assert "which desk needs" in judgekit(*plan, "--id", "no").err
    given = ("--id", "no", "--map", "input=asked", "--set", "policy=Be fair.")
    assert judgekit(*plan, *given).code == 0
    assert all(row["input"] and row["policy"] and row["id"][0] == "t" for row in read_sheet(logs / "s.csv"))


def test_a_plan_refuses_items_without_a_required_field(judgekit, logs):
    plan = ("plan", "my graded.jsonl", "--n", "9", "--set", "policy=x", "--out", "s.csv")
    done = judgekit(*plan, "--map", "input=nowhere")
    assert done.code == 2 and "the item 't3' has no input, which desk needs" in done.err
    assert "leave --id mail away" in judgekit(*plan, "--id", "mail").err
    assert judgekit(*plan, "--id", "no").code == 0


def test_the_next_command_draws_no_more_than_there_is(judgekit, logs):
    done = judgekit("report", "my graded.jsonl", "--out", "r.html")
    said = "judgekit plan 'my graded.jsonl' --set policy=… --n 9 --out TO_LABEL.csv"
    assert done.out.endswith(f"next: {said}\n")
    assert said in html.unescape((logs / "r.html").read_text())


@pytest.mark.parametrize(
    "command",
    [
        ("calibrate", "out.jsonl", "labels.jsonl"),
        ("correct", "out.jsonl", "--calibration", "card.json"),
        ("report", "out.jsonl", "--out", "r.html"),
    ],
)
def test_unfinished_run(judgekit, card, command):
    (card / "out.journal").write_text("")
    done = judgekit(*command)
    assert done.code == 2
    assert done.err == "judgekit: out.jsonl: is not finished: run the same `judgekit grade` again to go on\n"


# ---------------------------------------------------------------------------------------------------- rubric


def test_rubric_list(judgekit):
    done = judgekit("rubric", "list")
    assert [line.split("@")[0] for line in done.out.splitlines()[:-2]] == names()
    assert [one["name"] for one in judgekit("rubric", "list", "--json").json["rubrics"]] == names()


def test_rubric_show(judgekit):
    done = judgekit("rubric", "show", "groundedness")
    assert done.out.startswith("# groundedness@") and "## Requirements" in done.out
    assert "next: judgekit grade groundedness ITEMS.jsonl" in done.out
    done = judgekit("rubric", "show", "groundednes")
    assert done.code == 2 and "did you mean 'groundedness'?" in done.err


def test_rubric_check(judgekit, folder):
    done = judgekit("rubric", "check", "desk.yaml")
    assert re.match(
        r"desk\.yaml: desk@1\.0\.0, 1 criterion, digest sha256:\w{12}: nothing to object to\n", done.out
    )
    (folder / "bad.yaml").write_text(
        desk.RUBRIC.replace("scale: binary", "scale: binarry").replace("gate:", "gat:")
    )
    done = judgekit("rubric", "check", "bad.yaml", "--json")
    assert done.code == 2 and len(done.json["problems"]) >= 2
    assert all(problem["where"] == "bad.yaml" and problem["line"] for problem in done.json["problems"])


# ---------------------------------------------------------------------------------------- calibrate, correct

SHAPE = """\
support-reply@1.0.0 graded by offline/lexical, held against people; rates of the system that made them.

The item as a whole (binary)

  pass rate                      95 % interval      from
  raw         # %             none: a judge's count is not an estimate
  human only  # %             # – #        60 labels chosen at random
  corrected   # %             # – #        60 labels + 200 verdicts, # × the width
"""


def test_calibrate(judgekit, graded):
    done = judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json")
    assert done.code == 0
    assert (
        re.sub(r"\d+\.\d+(?!\.)", "#", done.out.replace("@1.0.0", "@V"))
        .replace("@V", "@1.0.0")
        .startswith(SHAPE)
    )
    assert "Decision: correct this judge: raw 72.5 %" in done.out
    assert done.out.splitlines()[-1].startswith("next: judgekit report graded.jsonl --labels labels.jsonl")
    again = judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json", "--json")
    assert again.code == 0 and again.json["decision"]
    assert json.loads((graded / "card.json").read_text())["kind"] == "card"


def labels_file(folder: Path, labels: dict[str, str]) -> None:
    rows = [
        {"id": key, "criterion": "right", "rater": "kim", "label": label} for key, label in labels.items()
    ]
    desk.write_rows(folder / "people.jsonl", [row | {"design": "random"} for row in rows])


@pytest.mark.parametrize(
    ("people", "code", "verb"),
    [
        ("agree", 0, "trust"),
        ("differ", 1, "reject"),
        ("few", 4, "insufficient"),
    ],
)
def test_exit_code_of_a_decision(judgekit, folder, people, code, verb):
    numbers = range(900)
    judge = {desk.item(n)["id"]: desk.label_of(n) for n in numbers}
    desk.write_rows(folder / "items.jsonl", [desk.item(n) for n in numbers])
    said = [{"id": key, "criterion": "right", "label": label} for key, label in judge.items()]
    desk.write_rows(folder / "said.jsonl", said)
    model = ("--model", "recorded/said.jsonl")
    assert judgekit("grade", "desk.yaml", "items.jsonl", *model, "--out", "g.jsonl").code == 0
    coin = {key: ("pass", "fail")[int(key[-1]) // 2 % 2] for key in judge}
    some = {"agree": (judge, 300), "differ": (coin, 300), "few": (judge, 5)}[people]
    labels_file(folder, dict(list(some[0].items())[: some[1]]))
    if people == "agree":
        rows = desk.read_rows(folder / "people.jsonl")
        desk.write_rows(folder / "people.jsonl", rows + [row | {"rater": "lee"} for row in rows])
    done = judgekit("calibrate", "g.jsonl", "people.jsonl", "--json")
    assert (done.json["decision"], done.code) == (verb, code), done.err


def test_labels_of_two_raters_in_two_files(judgekit, graded):
    rows = desk.read_rows(graded / "labels.jsonl")
    names = sorted({row["rater"] for row in rows})
    for name in names:
        desk.write_rows(graded / f"{name}.jsonl", [row for row in rows if row["rater"] == name])
    both = [f"{name}.jsonl" for name in names]
    whole = judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--json").json
    parts = judgekit("calibrate", "graded.jsonl", *both, "--json").json
    assert names == ["adjudicated", "kim", "lea"] and parts["digests"] == whole["digests"]
    assert parts["results"] == whole["results"]
    options = [word for name in both for word in ("--labels", name)]
    done = judgekit("report", "graded.jsonl", *options, "--out", "r.html")
    assert f"next: judgekit calibrate graded.jsonl {' '.join(both)} --out CARD.json" in done.out
    assert "<dd><bdi>2</bdi></dd>" in (graded / "r.html").read_text()


def test_problems_of_several_label_files_name_the_file(judgekit, graded):
    row = {"id": "d-001", "criterion": "tone", "rater": "human", "label": "1"}
    desk.write_rows(graded / "a.jsonl", [row])
    desk.write_rows(graded / "b.jsonl", [row | {"id": "d-002"}, row | {"label": "2"}])
    done = judgekit("calibrate", "graded.jsonl", "a.jsonl", "b.jsonl")
    assert done.code == 2
    assert "b.jsonl:2: label: rater 'human' said '1' of 'tone' for id 'd-001' in a.jsonl:1" in done.err
    assert "if two people, give each a rater name (judgekit plan --rater NAME)" in done.err
    desk.write_rows(graded / "b.jsonl", [row | {"id": "zz"}])
    assert "'zz' in b.jsonl:1" in judgekit("calibrate", "graded.jsonl", "a.jsonl", "b.jsonl").err
    desk.write_rows(graded / "b.jsonl", [row | {"label": "9"}])
    desk.write_rows(graded / "a.jsonl", [row | {"label": "8"}])
    done = judgekit("calibrate", "graded.jsonl", "a.jsonl", "b.jsonl")
    assert "a.jsonl:1: label: '8'" in done.err and "b.jsonl:1: label: '9'" in done.err


def test_calibrate_overwrites_cards_only(judgekit, card):
    for name in ("labels.jsonl", "graded.jsonl", "graded.run.json", "answers.jsonl"):
        before = (card / name).read_bytes()
        done = judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", name)
        assert done.code == 2 and f"{name}: exists and is not a card" in done.err
        assert (card / name).read_bytes() == before
    assert judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json").code == 0


def test_calibrate_refuses(judgekit, graded):
    for options, said in (
        (("--design", "guess"), "guess"),
        (("--target", "moon"), "moon"),
        (("--rubric", "groundedness"), "was graded by support-reply@1.0.0"),
        (("--group", "nowhere"), "nowhere"),
    ):
        done = judgekit("calibrate", "graded.jsonl", "labels.jsonl", *options)
        assert done.code == 2 and said in done.err, done.err
    desk.write_rows(graded / "other.jsonl", [{"id": "zz", "criterion": "tone", "rater": "k", "label": "1"}])
    done = judgekit("calibrate", "graded.jsonl", "other.jsonl")
    assert done.code == 2 and "'zz'" in done.err


@pytest.fixture
def next_week(judgekit, card):
    """Another batch by the same judge."""
    rows = desk.read_rows(card / "answers.jsonl")[60:]
    desk.write_rows(card / "week.jsonl", [row | {"id": f"w{row['id']}"} for row in rows])
    assert judgekit("grade", "support-reply", "week.jsonl", *LEXICAL, "--out", "week_graded.jsonl").code == 0
    return card


def test_correct(judgekit, next_week):
    done = judgekit("correct", "week_graded.jsonl", "--calibration", "card.json")
    assert done.code == 4
    assert "if a verdict still means what it meant (mix)" in done.out
    assert "which holds is yours to say (--shift), or label some" in done.out
    for shift in ("mix", "prevalence"):
        done = judgekit(
            "correct", "week_graded.jsonl", "--calibration", "card.json", "--shift", shift, "--json"
        )
        assert done.code == 0 and done.json["quantities"]
    assert judgekit("correct", "graded.jsonl", "--calibration", "card.json").code == 0


def test_stale_card(judgekit, next_week):
    card = json.loads((next_week / "card.json").read_text())
    card["fingerprint"] = "sha256:" + "0" * 64
    del card["digest"]
    card["digest"] = digest(card)
    (next_week / "card.json").write_text(json.dumps(card))
    command = ("correct", "week_graded.jsonl", "--calibration", "card.json", "--shift", "mix")
    done = judgekit(*command, "--json")
    assert done.code == done.json["exit"] == 2 and "the card is stale" in done.json["error"]
    done = judgekit(*command, "--force")
    assert done.code == 0 and "STALE CARD, nothing below can be relied on" in done.out
    heads = [line for line in done.out.splitlines() if line.endswith((" rate", " score", "(stale)"))]
    assert heads and all(line.endswith("(stale)") for line in heads)
    assert judgekit(*command, "--force", "--json").json["stale"]


def test_correct_by_what_is_no_card(judgekit, card):
    done = judgekit("correct", "graded.jsonl", "--calibration", "graded.run.json")
    assert done.code == 2 and "is not a card" in done.err
    done = judgekit("correct", "answers.jsonl", "--calibration", "card.json")
    assert done.code == 2


# ------------------------------------------------------------------------------------------------------ demo


def test_demo(judgekit, folder):
    done = judgekit("demo")
    lines = done.out.splitlines()
    assert done.code == 0 and done.err == ""
    first = "200 answers from a support desk, graded by offline/lexical with support-reply@1.0.0   "
    assert lines[0] == f"{first}(nothing leaves this machine)"
    assert re.fullmatch(r"  graded 200 of 200, 0 failed, \d+\.\d s, \$0\.00", lines[1])
    rows = [line.split()[0] for line in lines[3:8]]
    assert rows == ["pass", "raw", "human", "corrected", "truth"]
    assert lines[-1] == "next: judgekit init my-eval --from your-logs.jsonl"
    again = judgekit("demo", "--json", "--quiet").json
    assert again["truth"] == 0.52 and again["report"] == "demo/report.html"


def test_demo_overwrites_only_what_it_made(judgekit, folder):
    (folder / "labels.jsonl").write_text("mine")
    done = judgekit("demo", ".")
    assert done.code == 2 and "labels.jsonl exists, and the demo did not make it" in done.err
    assert (folder / "labels.jsonl").read_text() == "mine" and not (folder / "answers.jsonl").exists()
    (folder / "labels.jsonl").rename(folder / "card.json")
    assert judgekit("demo", ".").code == 2 and (folder / "card.json").read_text() == "mine"


# ------------------------------------------------------------------------------------ what stands in the way


def test_a_report_overwrites_reports_only(judgekit, graded):
    for name in ("graded.run.json", "notes.txt", "notes.html"):
        (graded / name).exists() or (graded / name).write_text("mine")
        before = (graded / name).read_bytes()
        done = judgekit("report", "graded.jsonl", "--out", name)
        assert done.code == 2 and name in done.err
        assert (graded / name).read_bytes() == before
    assert [judgekit("report", "graded.jsonl", "--out", "r.html").code for _ in range(2)] == [0, 0]


def test_what_is_no_file_is_refused_unopened(folder):
    """In a process of its own: what opens a FIFO waits for ever."""
    os.mkfifo(folder / "pipe.yaml")
    for command in (
        ("rubric", "check", "pipe.yaml"),
        ("calibrate", "a.jsonl", "b.csv", "--out", "pipe.yaml"),
    ):
        done = desk.run(*command, cwd=folder)
        assert done.returncode == 2 and re.match(r"judgekit: pipe\.yaml: .+\n$", done.stderr)


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_nobody_reads(folder, flags):
    """The command keeps its own exit code, and says nothing of it."""
    reader, writer = os.pipe()
    os.close(reader)
    process = desk.start("rubric", "check", "desk.yaml", *flags, cwd=folder, stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in err and "Broken" not in err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_full_disk(folder, flags):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    with (folder / "said").open("w") as said:
        process = desk.start("rubric", "list", *flags, cwd=folder, stdout=said, preexec_fn=small)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3 and "Traceback" not in err
    assert err.endswith("judgekit: the output cannot be written: File too large\n")
    done = desk.run("init", "q", *flags, cwd=folder, preexec_fn=small)
    assert done.returncode == 3 and done.stderr == f"judgekit: {folder}/q/rubric.yaml: File too large\n"


def test_stdout_is_closed(folder):
    done = desk.run("rubric", "check", "desk.yaml", cwd=folder, preexec_fn=lambda: os.close(1))
    assert done.returncode == 0 and done.stderr == ""


def test_numbers_beyond_reason(judgekit, graded):
    assert "--seed" in judgekit("plan", "graded.jsonl", "--out", "s.csv", "--seed", "-5").err
    many = ("--out", "o.jsonl", "--attempts", "9" * 400)
    done = judgekit("grade", "desk.yaml", "items.jsonl", *LEXICAL, *many)
    assert done.code == 2 and "--attempts" in done.err


def test_ids_and_columns_are_no_markup(judgekit, folder):
    row = {
        "id": "<script>\x1b[31m",
        "- <b>": "x\x1b[31m",
        "1. `a`": "y",
        "2026-01 e-mail": "z",
        "output": "o",
    }
    desk.write_rows(folder / "logs.jsonl", [row])
    assert judgekit("init", "q", "--from", "logs.jsonl").code == 0
    read = (folder / "q/read-first.md").read_text()
    assert "\x1b" not in read and "<" not in read and "    x\\x1b[31m\n" in read
    assert "\n## 1. &lt;script>\\x1b" in read.replace("\\\\", "\\")
    assert "\n\\- &lt;b>:\n" in read and "\n1\\. \\`a\\`:\n" in read and "\n2026-01 e-mail:\n" in read
