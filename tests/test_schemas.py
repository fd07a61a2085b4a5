"""The published JSON Schemas: they take what judgekit writes, refuse what it refuses, and name its keys."""

import json
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from judged import LENGTH, SIDE, TONE, TOPIC, YES, rubric_of
from judged import label as labelled
from judged import row as graded_row
from referencing import Registry, Resource

import judgekit as jk
from judgekit._json import loads
from judgekit.calibration import Calibration, calibrate
from judgekit.calibration.card import card_dict
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.calibration.ledger import read_ledger
from judgekit.calibration.thresholds import Thresholds
from judgekit.cli.app import run
from judgekit.errors import InputError
from judgekit.files.graded import read_graded, read_manifest
from judgekit.files.items import ItemFile
from judgekit.files.labels import LONG, read_labels
from judgekit.files.recorded import read_recorded
from judgekit.labels import ADJUDICATED, DESIGNS, ROLES
from judgekit.library import folder, names
from judgekit.rubric.model import Criterion, Example, Input, Level, Origin, Outcome, Rubric
from judgekit.rubric.reading import rubric_from_dict
from judgekit.rubric.yaml_tree import read_tree
from judgekit.stats.estimate import Estimate
from judgekit.verdict import FAILURES, STATUSES, Evidence, Finding, Provenance, Verdict

SCHEMAS = Path(__file__).parent.parent / "docs" / "schemas"
DEMO = files("judgekit") / "_demo"

TEXT = json.dumps
ALL = {path.name: json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.schema.json"))}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in ALL.items()
)


def schema(name: str) -> dict[str, Any]:
    return ALL[f"{name}.schema.json"]


def faults(name: str, value: Any) -> list[str]:
    validator = Draft202012Validator(schema(name), registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def lines(path: Any) -> list[dict[str, Any]]:
    return [loads(line) for line in path.read_text("utf-8").splitlines()]


def keys(name: str, *path: str) -> set[str]:
    found: Any = schema(name)
    for step in path:
        found = found[step]
    return set(found["properties"])


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(TEXT(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's batch graded, held against its labels, and its card applied to another batch."""
    found = tmp_path_factory.mktemp("run")
    judge = jk.judge("support-reply", "offline/lexical")
    for name in ("answers", "labels"):
        (found / f"{name}.jsonl").write_bytes((DEMO / f"{name}.jsonl").read_bytes())
    jk.grade_file(judge, found / "answers.jsonl", found / "graded.jsonl")
    week = (found / "answers.jsonl").read_text("utf-8").splitlines(keepends=True)[50:150]
    (found / "week.jsonl").write_text("".join(week), "utf-8")
    jk.grade_file(judge, found / "week.jsonl", found / "graded_week.jsonl", jk.Options(omit_items=True))
    jk.calibrate(found / "graded.jsonl", found / "labels.jsonl").save(found / "card.json")
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every scale, quotes, an abstention, a failure, and a card without a design."""
    found = tmp_path_factory.mktemp("small")
    levels = [{"label": label, "score": score} for label, score in (("low", 0), ("mid", 0.5), ("high", 1))]
    rubric = {
        "name": "scales",
        "version": "1",
        "purpose": "Every kind of answer.",
        "inputs": {"output": "What is graded"},
        "criteria": [
            {"name": "works", "question": "Works?", "scale": "binary", "levels": {"yes": "", "no": ""}},
            {"name": "kind", "question": "Kind?", "scale": "categorical", "levels": {"x": "X", "y": "Y"}},
            {
                "name": "grade",
                "question": "How good?",
                "scale": "ordinal",
                "levels": levels,
                "pass_at": "mid",
            },
            {"name": "size", "question": "How many?", "scale": "numeric", "range": [0, 10]},
        ],
    }
    answers = {"works": "yes", "kind": "x", "grade": "mid", "size": "7.5"}
    items, labels, verdicts = [], [], []
    for number in range(40):
        items.append({"id": f"i{number}", "output": "text"})
        for name, label in answers.items():
            row = {"id": f"i{number}", "criterion": name, "label": label}
            labels += [row | {"rater": "kim"}, row | {"rater": "lea"}]
            verdicts.append(row)
    verdicts[0] = verdicts[0] | {"label": None, "explanation": "no JSON"}
    verdicts[5] = verdicts[5] | {"label": "cannot_tell"}
    for name, rows in (("items", items), ("labels", labels), ("verdicts", verdicts[:-8])):
        write_lines(found / f"{name}.jsonl", rows)
    jk.grade_file(
        jk.judge(rubric, f"recorded/{found}/verdicts.jsonl"), found / "items.jsonl", found / "graded.jsonl"
    )
    jk.calibrate(found / "graded.jsonl", found / "labels.jsonl").save(found / "card.json")
    return found


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(ALL[name])
    assert ALL[name]["title"] and ALL[name]["description"]


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_property_is_described(name: str) -> None:
    def walk(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [bare for place, one in enumerate(node) for bare in walk(one, f"{path}[{place}]")]
        if not isinstance(node, dict):
            return []
        bare = [bare for key, one in node.items() for bare in walk(one, f"{path}.{key}")]
        if node.get("type") == "object":  # conditions name properties too, and describe nothing
            bare += [f"{path}.{key}" for key, one in node.get("properties", {}).items() if not said(one)]
        return bare

    def said(one: dict[str, Any]) -> bool:
        target = one.get("$ref", "").removeprefix("#/$defs/")
        return "description" in one or "description" in ALL[name].get("$defs", {}).get(target, {})

    assert not walk(ALL[name], "")


# ------------------------------------------------------------------------------------ what judgekit writes


@pytest.mark.parametrize("name", names())
def test_shipped_rubric(name: str) -> None:
    path = folder() / f"{name}.yaml"
    assert not faults("rubric", read_tree(path.read_text("utf-8"), name).data)
    assert not faults("rubric", jk.load_rubric(path).to_dict())


@pytest.mark.parametrize(("file", "name"), [("answers", "item"), ("labels", "label"), ("truth", "label")])
def test_demo_rows(file: str, name: str) -> None:
    for row in lines(DEMO / f"{file}.jsonl"):
        assert not faults(name, row)


@pytest.mark.parametrize("file", ["graded", "graded_week"])
def test_graded_rows_and_manifest(place: Path, file: str) -> None:
    rows = lines(place / f"{file}.jsonl")
    assert ("item" in rows[0]) == (file == "graded")
    for row in rows:
        assert not faults("graded-row", row)
    assert not faults("manifest", read_manifest(place / f"{file}.jsonl"))


def test_graded_rows_of_every_scale(small: Path) -> None:
    rows = lines(small / "graded.jsonl")
    statuses = {row["verdict"]["status"] for row in rows}
    assert statuses == {"ok", "invalid_reply", "not_recorded"}
    assert rows[1]["verdict"]["criteria"]["kind"]["status"] == "abstained"
    for row in rows:
        assert not faults("graded-row", row)
    assert not faults("manifest", read_manifest(small / "graded.jsonl"))
    assert not [fault for row in lines(small / "verdicts.jsonl") for fault in faults("recorded", row)]


def test_a_quote_is_taken(place: Path) -> None:
    row = lines(place / "graded.jsonl")[0]
    quotes = (Evidence("output", "Hello", True, 0, None), Evidence("messages", "gone", False, None, 2))
    row["verdict"]["criteria"]["resolves"]["evidence"] = [
        {name: getattr(one, name) for name in ("field", "quote", "found", "start", "step")} for one in quotes
    ]
    assert not faults("graded-row", row)


def test_card(place: Path, small: Path) -> None:
    for path in (place, small):
        assert not faults("card", loads((path / "card.json").read_text("utf-8")))


@pytest.mark.parametrize("shift", [None, "mix", "prevalence"])
@pytest.mark.parametrize("file", ["graded", "graded_week"])
def test_correction(place: Path, file: str, shift: str | None) -> None:
    found = jk.load_card(place / "card.json").correct(place / f"{file}.jsonl", shift=shift).to_dict()
    assert not faults("correction", found)
    assert not faults("correction", {"format": 1, **found})


def test_sheets(place: Path, tmp_path: Path) -> None:
    from judgekit.calibration.draw import DRAWS, draw_sheet

    for draw in DRAWS:
        draw_sheet(place / "graded.jsonl", tmp_path / f"{draw}.jsonl", 30, seed=1, draw=draw, repeats=3)
        for row in lines(tmp_path / f"{draw}.jsonl"):
            assert not faults("label", row)


# ------------------------------------------------------------------- cards of every design, scale and history

MARK = "sha256:" + "f" * 64
RATERS = ("zoe.zimmer", "adam.quist", "mia.okoro")
EVERY = rubric_of(YES | {"gate": True}, TONE | {"pass_at": "2"}, TOPIC, LENGTH | {"pass_at": 5})
LEVELS = {"correct": ["pass", "fail"], "tone": ["1", "2", "3"], "topic": ["bill", "login", "other"]}


def written(card: Calibration) -> dict[str, Any]:
    """The card as it is written, and read again."""
    found: dict[str, Any] = loads(TEXT(card_dict(card)))
    assert not faults("card", found)
    return found


def judged(n: int, prefix: str = "secret", seed: int = 0) -> tuple[list[Any], list[Any]]:
    """Rows on every scale, and the labels of three raters; each rater answers ten items again."""
    rng = np.random.default_rng(seed)

    def near(name: str, truth: Any) -> Any:
        if rng.random() < 0.8:
            return truth
        return float(rng.integers(11)) if name == "length" else str(rng.choice(LEVELS[name]))

    rows, labels = [], []
    for place in range(n):
        truth = {name: str(rng.choice(one)) for name, one in LEVELS.items()} | {"length": float(place % 11)}
        key = f"{prefix}-{place}"
        rows.append(
            graded_row(EVERY, key, {k: near(k, v) for k, v in truth.items()}, MARK, team=f"team-{place % 40}")
        )
        for rater in RATERS:
            labels += [labelled(key, name, near(name, right), rater) for name, right in truth.items()]
            if place < 10:
                labels += [labelled(key, k, near(k, right), rater, repeat=True) for k, right in truth.items()]
    return rows, [*labels, labelled(f"{prefix}-0", "tone", "2", ADJUDICATED)]


@pytest.fixture(scope="module")
def every() -> Calibration:
    """Three raters and repeats on every scale, with groups."""
    rows, labels = judged(120)
    return calibrate(rows, labels, rubric=EVERY, design="random", group="team")


def test_card_of_raters_and_scales(every: Calibration) -> None:
    card = written(every)
    by_name = {result["name"]: result for result in card["results"]}
    assert [by_name[name]["scale"] for name in EVERY.by_name] == [
        "binary",
        "ordinal",
        "categorical",
        "numeric",
    ]
    kinds = {name: (one["recalibration"] or {}).get("kind") for name, one in by_name.items()}
    assert kinds["correct"] == "levels" and kinds["topic"] is None and kinds["length"] == "platt"
    report = by_name["correct"]["rater_report"]
    assert report["raters"] == [1, 2, 3] and len(report["standing"]) == 3 and report["alternative"]["n"]
    assert report["repeats"]["same"]["n"] == 30 and by_name["overall"]["rater_report"]["repeats"] is None
    assert (
        by_name["tone"]["rater_report"]["adjudicated"] >= 0 and card["pairs"]["questions"]["tone"]["groups"]
    )
    assert card["looks"] is card["source"] is None and card["profile"]["scores"]["length"]


def test_a_card_names_no_item_and_no_rater(every: Calibration) -> None:
    text = TEXT(card_dict(every))
    assert "secret-" not in text and "team-" not in text
    assert not [rater for rater in RATERS if rater in text]


@pytest.mark.parametrize("design", [*DESIGNS, "unknown"])
def test_card_of_each_design(design: str) -> None:
    rows, labels = judged(60)
    if design == "probability":
        labels = [one | {"probability": 0.5} for one in labels]
    by_stratum = {"stratum": "team"} if design == "stratified" else {}
    labels = [one | {"design": design} for one in labels] if design in DESIGNS else labels
    card = written(calibrate(rows, labels, rubric=EVERY, **by_stratum))
    assert card["design"] == design
    pairs = card["pairs"]["questions"]["tone"]
    assert (card["pairs"]["strata"] is not None) == (pairs["stratum"] is not None) == (design == "stratified")
    assert (pairs["probability"] is not None) == (design == "probability")
    offered = {one["recalibration"]["offered"] for one in card["results"] if one["recalibration"]}
    assert (True in offered) == (design != "unknown")


def test_card_of_pairs_with_other_thresholds() -> None:
    rubric = rubric_of(SIDE, mode="pairwise")
    rows = [
        graded_row(rubric, f"i{n}", {"better": "abt"[n % 3] if n % 3 < 2 else "tie"}, MARK) for n in range(40)
    ]
    labels = [labelled(f"i{n}", "better", "a" if n % 2 else "b", design="random") for n in range(40)]
    stated = {"labels": 20, "margin": 0.1, "agreement": 0.9}
    card = written(calibrate(rows, labels, rubric=rubric, thresholds=Thresholds(**stated)))
    assert card["thresholds"] == stated and card["results"][0]["scale"] == "pairwise"
    assert set(schema("card")["properties"]["thresholds"]["properties"]) == set(vars(Thresholds()))


def test_card_with_weeks(every: Calibration) -> None:
    """A week where verdicts mean what they meant, then one where they mean the contrary."""
    rows, labels = judged(80, "week", seed=1)
    held = every.correct(batch_from_rows(rows, EVERY, "team"), labels=labels, design="random")
    turned = {"pass": "fail", "fail": "pass"}
    rows, labels = judged(80, "later", seed=2)
    labels = [one | {"label": turned.get(one["label"], one["label"])} for one in labels]
    broken = held.card.correct(batch_from_rows(rows, EVERY, "team"), labels=labels, design="random")
    for found in (held, broken):
        assert not faults("correction", loads(TEXT(found.to_dict())))
        assert found.to_dict()["quantities"][0]["estimates"].keys() == {"human only", "fresh labels"}
    assert not held.drifted and broken.drifted
    card = written(broken.card)
    assert len(card["weeks"]) == 2 and card["weeks"][1]["frame"]["n"] == 80
    assert "no longer means what it meant" in card["stale"]
    assert not [name for name in ("week-", "later-", *RATERS) if name in TEXT(card)]


# ---------------------------------------------------------------------------------- what the commands print


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command and read the one object that it prints."""

    def command(*arguments: Any) -> dict[str, Any]:
        capsys.readouterr()
        run([*map(str, arguments), "--json"])
        found: dict[str, Any] = loads(capsys.readouterr().out)
        assert "error" not in found, found
        return found

    return command


@pytest.fixture(scope="module")
def other(place: Path) -> Path:
    """The same items by another judge: what the first said, one verdict in ten the other way."""
    turned = {"pass": "fail", "fail": "pass"}
    said = []
    for number, graded in enumerate(lines(place / "graded.jsonl")):
        for name, finding in graded["verdict"]["criteria"].items():
            answer = finding["label"]
            answer = turned.get(answer, answer) if number % 10 == 0 else answer
            said.append({"id": graded["id"], "criterion": name, "label": answer})
    write_lines(place / "said.jsonl", said)
    judge = jk.judge("support-reply", f"recorded/{place}/said.jsonl")
    jk.grade_file(judge, place / "answers.jsonl", place / "graded_other.jsonl")
    return place


def test_comparison(other: Path, printed: Any, tmp_path: Path) -> None:
    """On the whole with a page, on a criterion, and with too few items."""
    judges = (other / "graded.jsonl", other / "graded_other.jsonl")
    labels = ("--labels", other / "labels.jsonl")
    found = printed("judges", *judges, *labels, "--out", tmp_path / "page.html")
    assert not faults("comparison", found) and found["out"]
    assert keys("comparison") == found.keys()
    assert {judge["expense"]["cost"] for judge in found["judges"]} == {0, None}
    tone = printed("judges", *judges, *labels, "--criterion", "tone")
    assert not faults("comparison", tone) and tone["scale"] == "ordinal"
    few = write_lines(tmp_path / "few.jsonl", lines(other / "labels.jsonl")[:40])
    none = printed("judges", *judges, "--labels", few)
    assert not faults("comparison", none) and none["best"] is None
    for broken in (changed(found, "judges/0/expense/cost", -1), changed(found, "judges/1/kept", ...)):
        assert faults("comparison", broken)


def test_calibrate_prints_the_card_without_its_pairs(other: Path, printed: Any, tmp_path: Path) -> None:
    """And that of another model on the labelled items alone, which has looked second."""
    path = tmp_path / "card.json"
    found = printed("calibrate", other / "graded_other.jsonl", other / "labels.jsonl", "--out", path)
    card = loads(path.read_text("utf-8"))
    assert not faults("card", card) and card.keys() - found.keys() == {"pairs", "weeks", "digest"}
    assert not faults("card", found | {key: card[key] for key in ("pairs", "weeks", "digest")})
    assert found["looks"]["judges"] == 2 and found["results"][-1]["chosen"]
    again = ("--model", "offline/lexical", "--graded-out", tmp_path / "again.jsonl", "--out", path)
    printed("calibrate", other / "graded_other.jsonl", other / "labels.jsonl", *again)
    card = loads(path.read_text("utf-8"))
    assert not faults("card", card) and card["design"] == "external"
    assert card["recipe"]["model"] == "offline/lexical"


def test_source(place: Path, tmp_path: Path) -> None:
    """Named where it lies beside the card."""
    assert loads((place / "card.json").read_text("utf-8"))["source"] == {
        "graded": "graded.jsonl",
        "labels": ["labels.jsonl"],
        "options": {"target": "process"},
    }
    jk.calibrate(place / "graded.jsonl", place / "labels.jsonl").save(tmp_path / "card.json")
    assert loads((tmp_path / "card.json").read_text("utf-8"))["source"] is None


def test_plan(place: Path, printed: Any, tmp_path: Path) -> None:
    graded, labels = place / "graded.jsonl", place / "labels.jsonl"
    assert not faults("plan", printed("plan", graded))
    assert not faults("plan", printed("plan", graded, "--exclude", labels, "--half-width", "0.09"))
    assert not faults("plan", printed("plan", place / "answers.jsonl", "--rubric", "support-reply"))
    drawn = printed("plan", graded, "--n", "20", "--repeats", "2", "--out", tmp_path / "a.csv")
    assert not faults("plan", drawn) and drawn["repeats"] == 2
    kims = [one for one in lines(labels) if one["rater"] == "kim"]
    again = ("--relabel", write_lines(tmp_path / "kim.jsonl", kims), "--criterion", "tone")
    found = printed("plan", graded, *again, "--out", tmp_path / "b.csv")
    assert not faults("plan", found) and found["criterion"] == "tone"
    for broken in (changed(drawn, "plan/curve/0/labels", ...), changed(found, "drawn", -1)):
        assert faults("plan", broken)


def test_ledger(other: Path) -> None:
    rows = lines(other / "labels.ledger.jsonl")
    assert rows and not [fault for one in rows for fault in faults("ledger", one)]
    assert keys("ledger") == rows[0].keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [("n", ...), ("n", "60"), ("labels", None), ("format", 2), ("format", ...), ("role", 1)],
)
def test_broken_ledger(place: Path, tmp_path: Path, path: str, value: Any) -> None:
    broken = changed(lines(place / "labels.ledger.jsonl")[0], path, value)
    assert faults("ledger", broken)
    with pytest.raises(InputError):
        read_ledger(write_lines(tmp_path / "labels.ledger.jsonl", [broken]))


STRICT = ("card", "correction", "comparison", "ledger", "plan")


@pytest.mark.parametrize("name", STRICT)
def test_no_other_keys(name: str) -> None:
    def walk(node: Any) -> list[Any]:
        inner = [bad for one in node for bad in walk(one)] if isinstance(node, list) else []
        if isinstance(node, dict):
            inner = [bad for one in node.values() for bad in walk(one)]
            if node.get("type") == "object" and "properties" in node and node.get("additionalProperties", 1):
                inner.append(sorted(node["properties"]))
        return inner

    assert not walk(schema(name))


# ------------------------------------------------------------------------------------ what nobody may write

BAD_ITEMS = [{"id": value} for value in (None, True, 1.5, "", "  ", "a\nb", "x" * 501, [], {})]


@pytest.mark.parametrize("row", BAD_ITEMS, ids=TEXT)
def test_broken_item(row: dict[str, Any], tmp_path: Path) -> None:
    assert faults("item", row)
    rubric = jk.load_rubric(folder() / "support-reply.yaml")
    path = write_lines(tmp_path / "items.jsonl", [row | {"input": "Hello", "output": "Hi"}])
    with pytest.raises(InputError):
        ItemFile(path, rubric).check()


RUBRIC: dict[str, Any] = {
    "name": "short",
    "version": "1.0",
    "purpose": "Shows what is refused.",
    "inputs": {"output": "What is graded"},
    "criteria": [
        {
            "name": "works",
            "question": "Does it?",
            "scale": "binary",
            "levels": {"pass": "It does", "fail": None},
        }
    ],
}
ORDINAL = {"scale": "ordinal", "levels": [{"label": "1", "score": 0}, {"label": "2", "score": 1}]}
PAIR = {"mode": "pairwise", "inputs": {"output_a": "One", "output_b": "The other"}}
BARE = {"name": "works", "question": "Which?"}

# Each is laid over RUBRIC; `first` over its first criterion; None removes a key.
BAD_RUBRICS: list[dict[str, Any]] = [
    {"name": None},
    {"name": "two words"},
    {"version": 1.0},
    {"version": "1.0.0-beta"},
    {"purpose": "  "},
    {"inputs": {}},
    {"inputs": {"id": "The id"}},
    {"inputs": {"output": {"text": "What"}}},
    {"inputs": {"output": {"required": "no"}}},
    {"criteria": []},
    {"model": "openai/gpt-4.1"},
    {"treshold": 0.5},
    {"threshold": 1.5},
    {"threshold": "0.5"},
    {"aggregate": "mean"},
    {"aggregate": "all_pass", "threshold": 0.5},
    {"mode": "pair"},
    {"allow_abstain": "yes"},
    {"outcome": {"name": "reopened", "column": "reopened"}},
    {"outcome": {"name": "reopened", "column": "reopened", "good_when": "less"}},
    {"examples": [{"item": {"output": "Hi"}}]},
    {"first": {"name": "label"}},
    {"first": {"name": "1st"}},
    {"first": {"question": ""}},
    {"first": {"scale": None}},
    {"first": {"scale": "stars"}},
    {"first": {"scale": "pairwise"}},
    {"first": {"levels": None}},
    {"first": {"levels": {"pass": "It does"}}},
    {"first": {"levels": {"pass": "", "fail": "", "maybe": ""}}},
    {"first": {"levels": {"pass": "", "cannot_tell": ""}}},
    {"first": {"levels": [{"label": "good", "score": 2}, {"label": "bad", "score": 0}]}},
    {"first": {"levels": [{"label": "good", "points": 1}, {"label": "bad", "score": 0}]}},
    {"first": {"pass_at": "pass"}},
    {"first": {"range": [0, 1]}},
    {"first": {"weight": 0}},
    {"first": {"weight": 1e9}},
    {"first": {"weight": "2"}},
    {"first": {"gate": "yes"}},
    {"first": {"target": 95}},
    {"first": {"severity": "urgent"}},
    {"first": {"from": {"note": "n-1"}}},
    {"first": {"origin": {"code": "wrong-fix"}}},
    {"first": {"points": 3}},
    {"first": ORDINAL | {"levels": {"1": "Bad", "2": "Good"}}},
    {"first": ORDINAL | {"gate": True}},
    {"first": ORDINAL | {"target": 0.9}},
    {"first": {"scale": "categorical", "levels": {"only": "One"}}},
    {"first": {"scale": "numeric", "levels": None}},
    {"first": {"scale": "numeric", "levels": None, "range": [10]}},
    {"first": {"scale": "numeric", "range": [0, 10]}},
    {"first": {"scale": "numeric", "levels": None, "range": [0, 10], "pass_at": "good"}},
    PAIR | {"inputs": {"output_a": "One"}, "criteria": [BARE]},
    PAIR | {"criteria": [BARE], "threshold": 0.5},
    PAIR | {"criteria": [BARE], "aggregate": "all_pass"},
    PAIR | {"criteria": [BARE | {"gate": True}]},
    PAIR | {"criteria": [BARE | {"target": 0.5}]},
    PAIR | {"criteria": [BARE | {"scale": "binary"}]},
    PAIR | {"criteria": [BARE | {"levels": {"a": "", "b": ""}}]},
]


def laid_over(change: dict[str, Any]) -> dict[str, Any]:
    found = deepcopy(RUBRIC) | {key: value for key, value in change.items() if key != "first"}
    if "first" in change:
        found["criteria"][0] |= change["first"]
        found["criteria"][0] = {k: v for k, v in found["criteria"][0].items() if v is not None}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("change", BAD_RUBRICS, ids=TEXT)
def test_broken_rubric(change: dict[str, Any]) -> None:
    broken = laid_over(change)
    assert faults("rubric", broken)
    with pytest.raises(InputError):
        rubric_from_dict(deepcopy(broken))


GOOD_RUBRICS: list[dict[str, Any]] = [
    {},
    {"owner": "me", "threshold": 0.5, "inputs": {"output": {"description": "x", "required": False}}},
    {"aggregate": "all_pass", "threshold": 1},
    {"first": {"levels": {"Yes": "", "No": ""}, "gate": True, "target": 0.9, "severity": "low"}},
    {"first": {"levels": [{"label": True}, {"label": False}], "from": {"code": "c", "items": ["a", 1]}}},
    {"first": {"levels": [{"label": "good", "score": 1}, {"label": "bad", "score": 0}]}},
    {"first": ORDINAL | {"pass_at": "2", "gate": True}},
    {"first": {"scale": "categorical", "levels": {"x": "One", "y": "Two"}}},
    {"first": {"scale": "numeric", "levels": None, "range": [0, 10], "pass_at": 7, "gate": True}},
    PAIR | {"criteria": [BARE]},
    PAIR | {"criteria": [BARE | {"levels": {"a": "A", "b": "B", "tie": "Same"}, "weight": 2}]},
    {"examples": [{"item": {"output": "Hi"}, "labels": {"works": "pass"}}]},
    {
        "first": {"scale": "numeric", "levels": None, "range": [0, 10], "pass_at": 7.5},
        "examples": [{"item": {"output": "Hi"}, "labels": {"works": 8}}],
    },
]


@pytest.mark.parametrize("change", GOOD_RUBRICS, ids=TEXT)
def test_sound_rubric(change: dict[str, Any]) -> None:
    sound = laid_over(change)
    assert not faults("rubric", sound)
    read = rubric_from_dict(sound)
    assert not faults("rubric", read.to_dict())
    again = rubric_from_dict(read.to_dict())
    assert (again.digest, again.to_dict()) == (read.digest, read.to_dict())


BAD_LABELS: list[dict[str, Any]] = [
    {"criterion": "resolves", "label": "pass"},
    {"id": None, "criterion": "resolves", "label": "pass"},
    {"id": "d-001", "criterion": 3, "label": "pass"},
    {"id": "d-001", "criterion": "resolves", "label": ["pass"]},
    {"id": "d-001", "criterion": "resolves", "label": "pass", "role": "training"},
    {"id": "d-001", "criterion": "resolves", "label": "pass", "design": "convenience"},
    {"id": "d-001", "criterion": "resolves", "label": "pass", "probability": 1.5},
    {"id": "d-001", "criterion": "resolves", "label": "pass", "probability": 0},
]


@pytest.mark.parametrize("row", BAD_LABELS, ids=TEXT)
def test_broken_label(row: dict[str, Any], tmp_path: Path) -> None:
    assert faults("label", row)
    with pytest.raises(InputError):
        read_labels(
            write_lines(tmp_path / "labels.jsonl", [row]), jk.load_rubric(folder() / "support-reply.yaml")
        )


GOOD_LABELS: list[dict[str, Any]] = [
    {"id": 17, "criterion": "resolves", "label": "pass"},
    {"id": "17", "resolves": "pass", "tone": 3, "policy": None, "text": "any other column"},
    {"id": "17", "criterion": "Resolves", "label": " PASS ", "repeat": True, "probability": 0.5},
]


@pytest.mark.parametrize("row", GOOD_LABELS, ids=TEXT)
def test_sound_label(row: dict[str, Any], tmp_path: Path) -> None:
    assert not faults("label", row)
    rubric = jk.load_rubric(folder() / "support-reply.yaml")
    assert read_labels(write_lines(tmp_path / "labels.jsonl", [row]), rubric).labels


BAD_RECORDED: list[dict[str, Any]] = [
    {"criterion": "resolves", "label": "pass"},
    {"id": True, "criterion": "resolves", "label": "pass"},
    {"id": "1", "criterion": 3, "label": "pass"},
    {"id": "1", "criterion": "resolves", "label": {"answer": "pass"}},
    {"id": "1", "criterion": "resolves", "label": "pass", "score": 2},
]


@pytest.mark.parametrize("row", BAD_RECORDED, ids=TEXT)
def test_broken_recorded_verdict(row: dict[str, Any], tmp_path: Path) -> None:
    assert faults("recorded", row)
    with pytest.raises(InputError):
        read_recorded(
            write_lines(tmp_path / "rows.jsonl", [row]), jk.load_rubric(folder() / "support-reply.yaml")
        )


def test_recorded_verdicts_without_a_label_column(tmp_path: Path) -> None:
    rows = [{"id": "1", "criterion": "resolves", "verdict": "pass"}]
    assert faults("recorded", rows[0])
    with pytest.raises(InputError, match="no row has a column 'label'"):
        read_recorded(
            write_lines(tmp_path / "rows.jsonl", rows), jk.load_rubric(folder() / "support-reply.yaml")
        )


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Give a copy with one value replaced, or removed where `value` is ``...``."""
    found = deepcopy(data)
    *before, last = path.split("/")
    inner: Any = found
    for step in before:
        inner = inner[int(step) if isinstance(inner, list) else step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return found


BAD_ROWS = [
    ("id", ...),
    ("id", 17),
    ("verdict", ...),
    ("verdict", None),
    ("verdict/status", ...),
    ("verdict/status", "failed"),
    ("verdict/status", "timeout"),  # it carries a score
    ("verdict/criteria", None),
    ("verdict/score", 1.2),
    ("verdict/score", True),
    ("verdict/passed", "yes"),
    ("verdict/criteria/tone", "2"),
    ("verdict/criteria/tone/status", None),
    ("verdict/criteria/tone/score", -1),
    ("verdict/criteria/tone/value", "3"),
    ("verdict/criteria/tone/evidence", ["a quote"]),
    ("verdict/criteria/tone/confidence", 2),
    ("verdict/usage/cost_usd", "1"),
    ("verdict/rubric", "support-reply"),
]


@pytest.mark.parametrize(("path", "value"), BAD_ROWS)
def test_broken_graded_row(place: Path, tmp_path: Path, path: str, value: Any) -> None:
    row = changed(lines(place / "graded.jsonl")[0], path, value)
    assert faults("graded-row", row)
    with pytest.raises(InputError):
        list(read_graded(write_lines(tmp_path / "graded.jsonl", [row])))


@pytest.mark.parametrize(("path", "value"), [("format", 2), ("fingerprint", ...), ("rubric/criteria", [])])
def test_broken_manifest(place: Path, tmp_path: Path, path: str, value: Any) -> None:
    manifest = changed(read_manifest(place / "graded.jsonl"), path, value)
    assert faults("manifest", manifest)
    (tmp_path / "graded.jsonl").write_bytes((place / "graded.jsonl").read_bytes())
    (tmp_path / "graded.run.json").write_text(TEXT(manifest), "utf-8")
    with pytest.raises(InputError):
        jk.calibrate(tmp_path / "graded.jsonl", place / "labels.jsonl")


BAD_CARDS = [
    ("format", 2),
    ("kind", "run"),
    ("digests", ...),
    ("pairs", ...),
    ("results/0/decision", ...),
    ("results/0/counts/used", ...),
    ("results/0/agreement/note", ...),
    ("results/0/recalibration/offered", ...),
    ("results/0/rater_report/raters", [0]),
    ("results/0/chosen", None),
    ("looks/of/labels", "60 labels"),
    ("thresholds", {"patience": 3}),
    ("requirement/criteria", []),
    ("profile/rows", -1),
    ("source/options/target", ...),
    ("pairs/strata", ...),
    ("weeks", [{}]),
]


@pytest.mark.parametrize(("path", "value"), BAD_CARDS)
def test_broken_card(place: Path, tmp_path: Path, path: str, value: Any) -> None:
    card = changed(loads((place / "card.json").read_text("utf-8")), path, value)
    assert faults("card", card)
    (tmp_path / "card.json").write_text(TEXT(card), "utf-8")
    with pytest.raises(InputError):
        jk.load_card(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stale", ...),
        ("target", "all"),
        ("quantities/0/estimates", {}),
        ("more", 1),
        ("fresh", None),
        ("drift/tested/0/p", 2),
        ("meaning", [{}]),
    ],
)
def test_broken_correction(place: Path, path: str, value: Any) -> None:
    found = jk.load_card(place / "card.json").correct(place / "graded_week.jsonl").to_dict()
    assert faults("correction", changed(found, path, value))


# ------------------------------------------------------------------------------------ same keys as the code

PARTS = {
    "input": Input,
    "outcome": Outcome,
    "origin": Origin,
    "level": Level,
    "criterion": Criterion,
    "example": Example,
}


def aliases(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def required(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items() if field.is_required()}


def test_rubric_keys() -> None:
    assert keys("rubric") == aliases(Rubric)
    assert set(schema("rubric")["required"]) == required(Rubric)
    for name, model in PARTS.items():
        assert keys("rubric", "$defs", name) == aliases(model)
        if name != "criterion":  # a pairwise criterion needs no scale in the file
            assert set(schema("rubric")["$defs"][name].get("required", [])) == required(model)


def test_verdict_keys() -> None:
    quote = Evidence("output", "Hello", True)
    finding = Finding("ok", evidence=(quote,)).to_dict()
    verdict = Verdict("ok", Provenance({}, "", "CODE", "")).to_dict()
    assert keys("graded-row", "$defs", "verdict") == verdict.keys()
    assert keys("graded-row", "$defs", "finding") == finding.keys()
    assert keys("graded-row", "$defs", "evidence") == finding["evidence"][0].keys()
    for part in ("usage", "calibration", "model"):
        inner = schema("graded-row")["$defs"]["verdict"]["properties"][part]
        inner = schema("graded-row")["$defs"]["usage"] if "$ref" in inner else inner
        assert set(inner["properties"]) == verdict[part].keys()
    assert tuple(schema("graded-row")["$defs"]["status"]["enum"]) == STATUSES
    assert set(FAILURES) < set(STATUSES)


def test_graded_row_keys(place: Path) -> None:
    assert keys("graded-row") == lines(place / "graded.jsonl")[0].keys()


def test_manifest_keys(place: Path) -> None:
    manifest = read_manifest(place / "graded.jsonl")
    assert keys("manifest") == manifest.keys() == set(schema("manifest")["required"])
    for part in ("input", "columns", "selection"):
        assert keys("manifest", "properties", part) == manifest[part].keys()


def test_label_keys() -> None:
    assert keys("label") == LONG
    listed = schema("label")["properties"]
    assert set(listed["role"]["enum"]) - {"", None} == set(ROLES)
    assert set(listed["design"]["enum"]) - {"", None} == set(DESIGNS)


def test_card_keys(place: Path) -> None:
    card = card_dict(jk.load_card(place / "card.json"))
    whole = card["results"][-1]
    assert keys("card") == card.keys() == set(schema("card")["required"])
    assert keys("card", "$defs", "estimate") == Estimate(0.5).to_dict().keys()
    assert keys("card", "$defs", "result") == whole.keys()
    assert keys("card", "$defs", "quantity") == whole["quantities"][0].keys()
    assert keys("card", "$defs", "side") == card["pairs"]["questions"]["overall"]["judge"].keys()
    assert keys("card", "$defs", "result", "properties", "counts") == whole["counts"].keys()
    for part in ("coefficient", "rates", "recalibration"):
        assert keys("card", "$defs", part) == whole[part].keys()
    # Only where a rater was asked later than the others.
    assert keys("card", "$defs", "rater_report") == whole["rater_report"].keys() | {"asked_later"}
    ceiling = schema("card")["$defs"]["result"]["properties"]["ceiling"]["anyOf"][1]["properties"]
    assert set(ceiling) == whole["ceiling"].keys()
    for part in ("digests", "looks", "profile"):
        assert keys("card", "$defs", part) == card[part].keys()


def test_correction_keys(place: Path) -> None:
    found = jk.load_card(place / "card.json").correct(place / "graded_week.jsonl").to_dict()
    assert keys("correction") == {"format", *found}
    assert (
        set(schema("correction")["properties"]["quantities"]["items"]["properties"])
        == found["quantities"][0].keys()
    )
