"""`grade --calibration`: rows that say how likely people would pass the item, and the canary before them."""

import json
import re

import desk
import pytest
from loopback import Answer, LoopbackServer, completion, error

import judgekit as jk

LABELLED = 60


def human(n: int) -> str:
    """People, with whom the judge agrees on most."""
    return desk.label_of(n) if n % 8 else "fail"


MADE: dict[str, bytes] = {}


def labels_of(answer) -> list[dict]:
    base = {"criterion": "right", "rater": "ann", "design": "random"}
    return [{"id": desk.item(n)["id"], "label": answer(n), **base} for n in range(LABELLED)]


@pytest.fixture
def carded(judgekit, folder):
    """A card of the model m behind a server, with labels of 60 items, and a way to grade again."""

    def grade(script, *options, items="items.jsonl", out="out.jsonl"):
        with LoopbackServer(script) as server:
            grade.server = server
            base = ("grade", "desk.yaml", items, "--out", out, "--base-url", server.url, "--attempts", "1")
            return judgekit(*base, *options)

    if not MADE:
        desk.write_rows(folder / "old.jsonl", [desk.item(n) for n in range(LABELLED)])
        desk.write_rows(folder / "labels.jsonl", labels_of(human))
        first = ("--model", "m", "--temperature", "0.5")
        assert grade(desk.honest, *first, items="old.jsonl", out="graded.jsonl").code == 0
        assert judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json").code == 0
        MADE.update((path.name, path.read_bytes()) for path in folder.iterdir())
    for name, content in MADE.items():
        (folder / name).write_bytes(content)
    return grade


CARD = ("--calibration", "card.json")


def test_the_manifest_says_how_to_build_the_judge_but_not_where(carded, folder):
    text = (folder / "graded.run.json").read_text()
    manifest = json.loads(text)
    assert manifest["judge"] == {"model": "m", "settings": {"temperature": 0.5, "max_tokens": 4096}}
    assert manifest["calibration"] is None
    assert str(carded.server.port) not in json.dumps(
        {k: v for k, v in manifest.items() if k != "destination"}
    )


def test_rows_carry_the_card(carded, folder):
    done = carded(desk.honest, *CARD)
    assert done.code == 0 and done.err == ""
    card = json.loads((folder / "card.json").read_text())
    knots = card["results"][0]["recalibration"]["values"]
    for row in desk.read_rows(folder / "out.jsonl"):
        verdict = row["verdict"]
        p = knots[0] if verdict["label"] == "pass" else knots[1]
        expected = {"state": "calibrated", "card": card["digest"], "p_pass": pytest.approx(p, abs=1e-6)}
        assert verdict["calibration"] == expected
        assert verdict["criteria"]["right"]["p_pass"] == pytest.approx(p, abs=1e-6)
        assert verdict["fingerprint"] == card["fingerprint"]
    assert carded.server.seen[0].body["temperature"] == 0.5  # the card's, as no other was stated
    manifest = json.loads((folder / "out.run.json").read_text())
    assert manifest["calibration"] == {"state": "calibrated", "card": card["digest"]}


def test_what_the_card_corrects_is_what_it_grades(carded, judgekit):
    """The rows of a judge with its card are the card's judge's: no stale card, the same probabilities."""
    assert carded(desk.honest, *CARD).code == 0
    assert judgekit("correct", "out.jsonl", *CARD, "--shift", "mix").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "other"), "it vouches for desk@1.0.0|m|"),
        (("--temperature", "0"), "it vouches for desk@1.0.0|m|temperature=0.5"),
    ],
)
def test_another_judge_is_refused(carded, folder, options, said):
    done = carded(desk.honest, *CARD, *options)
    assert done.code == 2 and "the card is stale" in done.err and said in done.err
    assert carded.server.count == 0 and not (folder / "out.jsonl").exists()
    forced = carded(desk.honest, *CARD, *options, "--force")
    assert forced.code == 0
    states = {row["verdict"]["calibration"]["state"] for row in desk.read_rows(folder / "out.jsonl")}
    assert states == {"stale"}


def test_another_rubric_is_refused(carded, folder):
    (folder / "desk.yaml").write_text(desk.RUBRIC.replace("Is the answer right?", "Is it right, and short?"))
    done = carded(desk.honest, *CARD)
    assert done.code == 2 and "what differs: right" in done.err
    forced = carded(desk.honest, *CARD, "--force")
    assert forced.code == 0
    held = [row["verdict"]["calibration"] for row in desk.read_rows(folder / "out.jsonl")]
    # the labels answer another question: they say nothing of these
    assert {one["state"] for one in held} == {"stale"} and {one["p_pass"] for one in held} == {None}


def test_a_changed_card_is_refused(carded, folder):
    text = (folder / "card.json").read_text()
    (folder / "card.json").write_text(re.sub(r'"offered": false|"offered": true', '"offered": 1', text))
    done = carded(desk.honest, *CARD, "--force")
    assert done.code == 2 and "was changed after it was written" in done.err


def test_a_card_that_advises_against_the_judge(carded, judgekit, folder):
    opposite = labels_of(lambda n: "pass" if desk.label_of(n) == "fail" else "fail")
    desk.write_rows(folder / "labels.jsonl", opposite)
    assert judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "card.json").code == 1
    done = carded(desk.honest, *CARD)
    assert done.code == 2 and "advises against this judge" in done.err and carded.server.count == 0
    assert carded(desk.honest, *CARD, "--force").code == 0
    held = desk.read_rows(folder / "out.jsonl")[0]["verdict"]["calibration"]
    assert (held["state"], held["p_pass"]) == ("none", None)


def test_runs_with_and_without_a_card_do_not_mix(carded, folder):
    assert carded(desk.honest, "--model", "m", "--temperature", "0.5").code == 0
    done = carded(desk.honest, *CARD)
    assert done.code == 2 and "graded with no card, this run has the card sha256:" in done.err
    # nor where the other run is unfinished
    stopped = carded(
        lambda seen: error(401) if desk.number_in(seen) > 5 else desk.honest(seen),
        *CARD, "--concurrency", "1", "--fresh",
    )  # fmt: skip
    assert stopped.code == 3 and (folder / "out.journal").exists()
    done = carded(desk.honest, "--model", "m", "--temperature", "0.5")
    assert done.code == 2 and "an unfinished run lies there, graded with the card" in done.err
    assert carded(desk.honest, *CARD).code == 0
    states = {row["verdict"]["calibration"]["state"] for row in desk.read_rows(folder / "out.jsonl")}
    assert states == {"calibrated"}


def test_options_without_a_card(judgekit, folder):
    base = ("grade", "desk.yaml", "items.jsonl", "--out", "out.jsonl")
    lexical = (*base, "--model", "offline/lexical")
    for option in (("--force",), ("--canary", "5"), ("--canary-items", "x.jsonl")):
        done = judgekit(*lexical, *option)
        assert done.code == 2 and f"{option[0]} belongs to a card" in done.err
    done = judgekit(*base)
    assert done.code == 2 and "which model? give --model" in done.err


# ---- the canary ----

CANARY = (*CARD, "--canary", "20")


def test_the_same_model_passes(carded, folder):
    done = carded(desk.honest, *CANARY, "--price", "1,2")
    assert done.code == 0
    assert "canary: 20 of 20 labelled items answered again; no answer changed" in done.out
    assert carded.server.count == 40
    # 40 calls of 100 tokens in and 10 out; the canary's are counted with the rest
    usage = json.loads((folder / "out.run.json").read_text())["usage"]
    assert usage["input_tokens"] == 4000 and usage["cost_usd"] == pytest.approx(0.0048)
    assert len(desk.read_rows(folder / "out.jsonl")) == 20


def test_a_model_under_another_name_stops_the_run(carded, folder):
    def script(seen):
        return Answer(completion(desk.honest(seen), model="served-2"))

    done = carded(script, *CANARY)
    assert done.code == 1
    said = (
        "the model has changed since the card was made: the server says it is served-2, and it was served-1"
    )
    assert said in done.out
    assert carded.server.count == 20
    assert not (folder / "out.jsonl").exists() and not (folder / "out.journal").exists()


def other(changed):
    """A judge that answers otherwise on those of the labelled items that come first."""
    seen_numbers = []

    def script(seen):
        number = desk.number_in(seen)
        if number not in seen_numbers:
            seen_numbers.append(number)
        if seen_numbers.index(number) >= changed:
            return desk.honest(seen)
        label = "fail" if desk.label_of(number) == "pass" else "pass"
        return json.dumps({"right": {"explanation": "x", "label": label}})

    return script


def test_a_model_that_answers_otherwise_stops_the_run(carded):
    # P(3 of 20 or more | 5 %) = .075, P(4 or more) = .016
    one = ("--concurrency", "1")
    assert carded(other(3), *CANARY, *one).code == 0
    done = carded(other(4), *CANARY, *one, "--json", "--fresh")
    assert done.code == 1
    assert done.json["canary"]["changed"] == {"right": {"changed": 4, "of": 20}}
    assert "4 of 20 answers to right changed, where at most 5% do by chance" in done.json["canary"]["found"]
    assert carded(other(4), *CANARY, *one, "--fresh", "--canary-flips", "0.2").code == 0


def test_a_canary_that_gets_no_answer(carded):
    done = carded([error(500, "down")], *CANARY)
    assert done.code == 3 and "canary: 0 of 20 labelled items could be asked again" in done.err
    done = carded([error(401, "no key")], *CANARY)
    assert done.code == 3 and "canary: " in done.err and "nothing was graded" in done.err


def test_a_canary_too_small_to_show_anything(carded):
    # .05 ** 1 <= .05: one answer can, if barely; a tolerance of half the answers needs five
    done = carded(desk.honest, *CARD, "--canary", "4", "--canary-flips", "0.5")
    assert done.code == 2 and "ask at least 5" in done.err and carded.server.count == 0


def test_where_the_canary_items_are(carded, folder, judgekit):
    (folder / "graded.jsonl").rename(folder / "moved.jsonl")
    done = carded(desk.honest, *CANARY)
    assert done.code == 2 and "--canary-items" in done.err
    (folder / "graded.run.json").rename(folder / "moved.run.json")
    assert carded(desk.honest, *CANARY, "--canary-items", "moved.jsonl").code == 0
    # rows of another judge say nothing of this one
    assert carded(desk.honest, "--model", "n", items="old.jsonl", out="n.jsonl").code == 0
    done = carded(desk.honest, *CANARY, "--canary-items", "n.jsonl", "--fresh")
    assert done.code == 2 and "n.jsonl was graded by desk@1.0.0|n|" in done.err


def test_changed_or_omitted_canary_items(carded, folder):
    rows = desk.read_rows(folder / "graded.jsonl")
    desk.write_rows(
        folder / "graded.jsonl", [row | {"item": row["item"] | {"output": "new"}} for row in rows]
    )
    done = carded(desk.honest, *CANARY)
    assert done.code == 2 and "is not the one that was graded" in done.err
    desk.write_rows(folder / "graded.jsonl", [{k: v for k, v in row.items() if k != "item"} for row in rows])
    done = carded(desk.honest, *CANARY)
    assert done.code == 2 and "was graded with --omit-items" in done.err


# ---- from Python ----


def test_load_judge(carded, folder):
    with LoopbackServer(desk.honest) as server:
        trusted = jk.load_judge("card.json", base_url=server.url)
        verdict = trusted.grade(desk.item(1))
        assert server.seen[0].body["model"] == "m" and server.seen[0].body["temperature"] == 0.5
    assert verdict.calibration.state == "calibrated" and 0 < verdict.calibration.p_pass < 1
    assert trusted.fingerprint == jk.load_card("card.json").fingerprint
    assert trusted.signature.startswith("desk@1.0.0|m|temperature=0.5")


def test_load_judge_refuses_what_it_cannot_build(carded, folder):
    with pytest.raises(jk.JudgekitError, match="unknown model 'm'"):
        jk.load_judge("card.json")
    with pytest.raises(jk.JudgekitError, match="the card is stale"):
        jk.load_judge("card.json", "other", base_url="http://localhost:1/v1")
    stale = jk.load_judge("card.json", "other", base_url="http://localhost:1/v1", force=True)
    assert stale.known.state == "stale"


# ---- another model on the old labels ----

NEW = ("calibrate", "graded.jsonl", "labels.jsonl", "--model", "n", "--graded-out", "new.jsonl")


def test_another_model_on_the_old_labels(carded, judgekit, folder):
    desk.write_rows(folder / "labels.jsonl", labels_of(human)[10:50])
    with LoopbackServer(desk.honest) as server:
        done = judgekit(*NEW, "--out", "n.json", "--base-url", server.url, "--price", "1,2")
        assert desk.asked(server).keys() == set(range(10, 50))
        asked = server.count
        again = judgekit(*NEW, "--out", "n.json", "--base-url", server.url)
        assert server.count == asked  # nobody is asked twice
    assert done.code == again.code
    assert "grading 40 labelled items of graded.jsonl by n with desk@1.0.0   (input and output" in done.out
    assert "graded 40 of 40, 0 failed" in done.out and "$0.0048" in done.out
    old, new = jk.load_card("card.json"), jk.load_card("n.json")
    assert new.recipe["model"] == "n" and new.fingerprint != old.fingerprint
    assert new.overall.coefficient.n == 40
    # verdicts on the labelled items alone say nothing of the rate
    assert all(not quantity.corrected.defined for quantity in new.overall.quantities)


def test_a_run_that_was_stopped_goes_on(carded, judgekit, folder):
    def dies(seen):
        return error(401) if desk.number_in(seen) == 30 else desk.honest(seen)

    with LoopbackServer(dies) as server:
        done = judgekit(*NEW, "--base-url", server.url, "--concurrency", "1")
        assert done.code == 3 and "goes on" in done.err
    with LoopbackServer(desk.honest) as server:
        done = judgekit(*NEW, "--base-url", server.url)
        assert set(desk.asked(server)) == set(range(30, 60))
    assert done.code in (0, 4)


def test_what_another_model_cannot_be_held_against(carded, judgekit, folder):
    url = ("--base-url", "http://127.0.0.1:9/v1")
    drawn = [row | {"design": "probability", "probability": 0.5} for row in labels_of(human)]
    desk.write_rows(folder / "uneven.jsonl", drawn)
    uneven = ("calibrate", "graded.jsonl", "uneven.jsonl", *NEW[3:], *url)
    done = judgekit(*uneven)
    assert done.code == 2 and "the labels were drawn as probability" in done.err
    done = judgekit(*NEW[:5])
    assert done.code == 2 and "--model or --judge goes with --graded-out" in done.err
    done = judgekit(*NEW[:6], "graded.jsonl", *url)
    assert done.code == 2 and "holds the rows of the other judge" in done.err
    done = judgekit(*NEW, "--base-url", "http://example.com/v1", "--local-only")
    assert done.code == 2 and "--local-only" in done.err
    (folder / "new.items.jsonl").write_text("mine")
    done = judgekit(*NEW, *url)
    assert done.code == 2 and "new.items.jsonl: exists" in done.err
    assert (folder / "new.items.jsonl").read_text() == "mine"


def test_items_that_grew_with_the_labels_are_written_anew(carded, judgekit, folder):
    with LoopbackServer(desk.honest) as server:
        for least in (30, 20):
            desk.write_rows(folder / "labels.jsonl", labels_of(human)[least:])
            assert judgekit(*NEW, "--base-url", server.url).code in (0, 4)
            assert len(desk.read_rows(folder / "new.items.jsonl")) == LABELLED - least


def test_items_of_the_user_beside_rows_of_the_same_name_are_kept(carded, judgekit, folder):
    desk.write_rows(folder / "labels.jsonl", labels_of(human)[30:])
    items = folder / "new.items.jsonl"
    with LoopbackServer(desk.honest) as server:
        assert judgekit(*NEW, "--base-url", server.url).code in (0, 4)
        mine = items.read_bytes() + json.dumps(desk.item(99)).encode() + b"\n"
        items.write_bytes(mine)
        desk.write_rows(folder / "labels.jsonl", labels_of(human)[20:])
        done = judgekit(*NEW, "--base-url", server.url)
        assert done.code == 2 and "new.items.jsonl: exists" in done.err and items.read_bytes() == mine
        # rows alone, without their manifest, prove nothing
        (folder / "new.run.json").unlink()
        done = judgekit(*NEW, "--base-url", server.url)
        assert done.code == 2 and items.read_bytes() == mine
        items.unlink()
        # and rows of another judge are refused before items are written beside them
        assert judgekit(*NEW[:6], "old2.jsonl", "--base-url", server.url).code in (0, 4)
        (folder / "old2.items.jsonl").unlink()
        done = judgekit(*NEW[:4], "other", "--graded-out", "old2.jsonl", "--base-url", server.url)
        assert done.code == 2 and "old2.jsonl" in done.err and not (folder / "old2.items.jsonl").exists()


def test_a_card_of_another_rubric_is_not_overwritten(carded, judgekit, folder):
    card = json.loads((folder / "card.json").read_text())
    card["rubric"] = "help@2.0.0"
    (folder / "other.json").write_text(json.dumps(card))
    before = (folder / "other.json").read_bytes()
    done = judgekit("calibrate", "graded.jsonl", "labels.jsonl", "--out", "other.json")
    assert done.code == 2 and "is the card of help@2.0.0, not of desk@1.0.0" in done.err
    fresh = ("graded.jsonl", *CARD, "--labels", "labels.jsonl", "--out", "other.json")
    done = judgekit("correct", *fresh)
    assert done.code == 2 and "is the card of help@2.0.0, not of desk@1.0.0" in done.err
    assert (folder / "other.json").read_bytes() == before


def test_canary_items_outside_the_folder_of_the_card(carded, folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away") / "graded.jsonl"
    (folder / "graded.jsonl").rename(away)
    (folder / "graded.jsonl").symlink_to(away)
    done = carded(desk.honest, *CANARY)
    assert done.code == 2 and "leads out of the folder of the card" in done.err and carded.server.count == 0
