"""Cards made once more from their own files: which hold, which do not, and what is left untouched."""

import json
import shutil
from pathlib import Path

import pytest
from judged import YES, binary, label, rubric_of

import judgekit as jk
from judgekit._digest import digest
from judgekit.calibration import calibrate
from judgekit.calibration.evidence import check_card, check_cards
from judgekit.calibration.ledger import read_ledger
from judgekit.calibration.thresholds import Thresholds
from judgekit.cli.app import run
from judgekit.errors import InputError

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "calibration/demo"
FILES = ("graded.jsonl", "graded.run.json", "labels.jsonl", "labels.ledger.jsonl", "card.json")


@pytest.fixture
def demo(tmp_path):
    """A copy of the demo's card with its files."""
    for name in FILES:
        shutil.copy(DEMO / name, tmp_path / name)
    return tmp_path


def held(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rewrite(path, change):
    """Change a card as someone would who also makes its digest right again."""
    card = json.loads(path.read_text("utf-8"))
    card.pop("digest")
    change(card)
    path.write_text(json.dumps(card | {"digest": digest(card)}), "utf-8")


def relabel(folder, places, rater="kim"):
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]
    turned = [row for row in rows if row["criterion"] == "resolves" and row["rater"] == rater][:places]
    for row in turned:
        row["label"] = {"pass": "fail", "fail": "pass"}[row["label"]]
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_every_card_of_this_repository_holds(monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    before = held(DEMO)
    assert run(["calibrate", "--check"]) == 0, capsys.readouterr().out
    assert "calibration/demo/card.json: holds\n" in capsys.readouterr().out
    assert held(DEMO) == before


def test_its_labels_are_those_of_the_demo():
    shipped = REPOSITORY / "judgekit/_demo/labels.jsonl"
    assert (DEMO / "labels.jsonl").read_bytes() == shipped.read_bytes()


def test_a_check_writes_nothing_and_needs_no_ledger(demo):
    before = held(demo)
    assert check_card(demo / "card.json").outcome == "holds"
    assert held(demo) == before
    (demo / "labels.ledger.jsonl").unlink()
    assert check_card(demo / "card.json").outcome == "holds"
    assert not (demo / "labels.ledger.jsonl").exists()


def test_other_labels_make_other_figures(demo, capsys):
    relabel(demo, 6)
    found = check_card(demo / "card.json")
    assert found.outcome == "differs"
    assert any(one.startswith("digests.labels (") for one in found.differences)
    assert any(one.startswith("results.resolves.") for one in found.differences)
    assert run(["calibrate", "--check", str(demo)]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{demo}/card.json: differs in digests.labels (") and line.endswith(" more")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["results"][0]["coefficient"].update(value=0.8), "results.resolves.coefficient.value ("),
        (lambda c: c["results"][-1]["quantities"][0]["corrected"].update(low=0.6), "quantities[0].corrected"),
        (lambda c: c["results"][-1].update(decision="trust"), 'decision ("trust" stored, "correct" now)'),
        (
            lambda c: c["pairs"]["questions"]["resolves"]["people"]["codes"].__setitem__(0, 0),
            "people.codes[0]",
        ),
        (lambda c: c["notes"].append("well made"), "(now only)"),
        (lambda c: c["looks"]["of"].update(labels="sha256:0"), "looks.of.labels (of other labels)"),
    ],
)
def test_a_figure_that_does_not_come_from_the_files_is_named(demo, change, named):
    rewrite(demo / "card.json", change)
    found = check_card(demo / "card.json")
    assert found.outcome == "differs"
    assert any(named in one for one in found.differences), found.differences


def test_figures_agree_to_six_digits_and_no_further(demo):
    def nudge(by):
        def change(card):
            card["results"][0]["agreement"]["value"] *= 1 + by

        return change

    rewrite(demo / "card.json", nudge(1e-8))
    assert check_card(demo / "card.json").outcome == "holds"
    rewrite(demo / "card.json", nudge(1e-4))
    assert check_card(demo / "card.json").outcome == "differs"


def test_later_looks_change_no_earlier_card(demo):
    rows = (demo / "labels.jsonl").read_text("utf-8").splitlines(keepends=True)
    keep = json.loads(rows[0])["id"]
    (demo / "labels.jsonl").write_text("".join(r for r in rows if json.loads(r)["id"] != keep), "utf-8")
    second = calibrate(demo / "graded.jsonl", demo / "labels.jsonl")
    assert (second.standing.look, len(read_ledger(demo / "labels.ledger.jsonl"))) == (2, 2)
    second.save(demo / "second.json")
    (demo / "labels.jsonl").write_text("".join(rows), "utf-8")
    assert check_card(demo / "card.json").outcome == "holds"
    (demo / "labels.jsonl").write_text("".join(r for r in rows if json.loads(r)["id"] != keep), "utf-8")
    found = check_card(demo / "second.json")
    assert found.outcome == "holds", found
    # What the card counts is in its limits: a second look that says it was the first does not hold.
    rewrite(demo / "second.json", lambda card: card["looks"].update(look=1))
    differences = check_card(demo / "second.json").differences
    assert "looks.look (1 stored, 2 by labels.ledger.jsonl)" in differences
    assert any(one.startswith("results.overall.quantities[0].corrected.low") for one in differences)


def test_options_several_label_files_and_another_place(tmp_path, monkeypatch):
    _, rows, labels = binary(30, 6, 8, 30, rest=(40, 40))
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "items.jsonl").write_text(
        "".join(json.dumps({"id": r["id"], "input": f"q{n // 4}", "output": r["id"]}) + "\n"
                for n, r in enumerate(rows))
    )  # fmt: skip
    given = [(r["id"], r["verdict"]["criteria"]["correct"]["label"]) for r in rows]
    said = [{"id": key, "criterion": "correct", "label": answer, "judge": "j"} for key, answer in given]
    (folder / "said.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    monkeypatch.chdir(folder)
    jk.grade_file(jk.judge(rubric_of(YES), "recorded/said.jsonl@j"), "items.jsonl", "graded.jsonl")
    again = [label(one["id"], "correct", one["label"], "ben") for one in labels]
    for name, part in (("ann.jsonl", [*labels, labels[0]]), ("ben.jsonl", again)):
        Path(name).write_text("".join(json.dumps(one) + "\n" for one in part))
    monkeypatch.chdir(tmp_path)
    found = calibrate(
        "kept/graded.jsonl", ["kept/ann.jsonl", "kept/ben.jsonl"], design="random", target="batch",
        group="input", thresholds=Thresholds(labels=40),
    )  # fmt: skip
    assert any("label file 1" in note for note in found.notes)
    found.save("kept/card.json")
    monkeypatch.chdir("/")
    before = held(tmp_path)
    assert [one.outcome for one in check_cards(tmp_path)] == ["holds"], check_cards(tmp_path)
    assert held(tmp_path) == before


def test_what_came_to_a_card_later_is_no_difference(demo):
    def later(card):
        card.update(stale="worn", weeks=[card["pairs"] | {"frame": {"digest": "sha256:0", "n": 60}}])

    rewrite(demo / "card.json", later)
    assert check_card(demo / "card.json").outcome == "holds"


def test_cards_that_cannot_be_checked(demo, capsys):
    rewrite(demo / "card.json", lambda card: card.update(source=None))
    assert run(["calibrate", "--check", str(demo)]) == 2
    assert "cannot be checked: it does not name its files" in capsys.readouterr().out
    # Beside one that holds it is no failure.
    (demo / "other").mkdir()
    for name in FILES:
        shutil.copy(DEMO / name, demo / "other" / name)
    assert run(["calibrate", "--check", str(demo), "--json"]) == 0
    assert [one["outcome"] for one in json.loads(capsys.readouterr().out)["cards"]] == ["unchecked", "holds"]
    # A file that is gone, or a card that someone edited, is.
    (demo / "other" / "labels.jsonl").unlink()
    assert run(["calibrate", "--check", str(demo)]) == 2
    assert "labels.jsonl" in capsys.readouterr().out
    (demo / "other" / "card.json").write_text((DEMO / "card.json").read_text("utf-8").replace("0.9", "0.8"))
    assert "was changed after it was written" in check_card(demo / "other" / "card.json").why


@pytest.mark.parametrize(
    "name", ["/etc/hosts", "../graded.jsonl", "a/../../graded.jsonl", "C:/x", "a\\b", ""]
)
@pytest.mark.parametrize("of", ["graded", "labels"])
def test_files_elsewhere_are_not_read_for_a_card(demo, name, of):
    named = name if of == "graded" else [name]
    rewrite(demo / "card.json", lambda card: card["source"].update({of: named}))
    found = check_card(demo / "card.json")
    assert found.outcome == "broken" and f"source.{of}" in found.why and "outside the folder" in found.why


def test_nor_where_a_link_leads_there(demo, tmp_path_factory):
    away = tmp_path_factory.mktemp("away") / "labels.jsonl"
    (demo / "labels.jsonl").rename(away)
    (demo / "labels.jsonl").symlink_to(away)
    found = check_card(demo / "card.json")
    assert found.outcome == "broken" and "leads out of the folder of the card" in found.why
    # a link within the folder is none of these
    (demo / "labels.jsonl").unlink()
    (demo / "kept").mkdir()
    shutil.move(away, demo / "kept" / "labels.jsonl")
    shutil.copy(demo / "labels.ledger.jsonl", demo / "kept" / "labels.ledger.jsonl")
    (demo / "labels.jsonl").symlink_to("kept/labels.jsonl")
    assert check_card(demo / "card.json").outcome == "holds"


def test_options_that_there_are_not(demo):
    rewrite(demo / "card.json", lambda card: card["source"]["options"].update(previous="x"))
    found = check_card(demo / "card.json")
    assert found.outcome == "broken" and "source.options.previous" in found.why


def test_a_place_without_cards(tmp_path, capsys):
    for place, why in ((tmp_path, "holds no card"), (tmp_path / "no", "does not exist")):
        with pytest.raises(InputError, match=why):
            check_cards(place)
        assert run(["calibrate", "--check", str(place)]) == 2
        assert why in capsys.readouterr().err


@pytest.mark.parametrize("more", [("labels.jsonl",), ("--out", "x.json")])
def test_a_check_takes_no_labels_and_writes_no_card(demo, capsys, more):
    assert run(["calibrate", "--check", str(demo), *more]) == 2
    assert "--check takes one folder or card" in capsys.readouterr().err


def test_without_it_rows_and_labels_are_needed(capsys):
    for given in ((), ("graded.jsonl",)):
        assert run(["calibrate", *given]) == 2
        assert "GRADED and LABELS are needed" in capsys.readouterr().err
