import json
import re
import sys

import pytest
from pages import Page, words

import judgekit as jk
from judgekit.calibration.text import count_line, interval, number, rates_sentence
from judgekit.errors import InputError, StaleError
from judgekit.report import write_report
from judgekit.report.reading import anchor, excerpt


@pytest.fixture(scope="module")
def page(desk, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    report = write_report(desk.graded, out, labels=desk.labels)
    assert report.decision == desk.calibration.decision.verb
    return Page(out)


def test_answers_before_anything_else(desk, page):
    answer = page.section("answer")
    assert answer.index(desk.calibration.decision.sentence) < answer.index("Counted by")
    assert page.text.index("The answer") < page.text.index("Each criterion")
    assert page.text.index("Each criterion") < page.text.index("Where judge and people differ")


@pytest.mark.parametrize("name", ["overall", "resolves", "policy", "tone", "next_step"])
def test_numbers_are_those_of_the_calibration(desk, page, name):
    result = desk.calibration[name]
    for quantity in result.quantities:
        assert number(quantity.name, quantity.raw) in page.text
        for estimate in (quantity.human, quantity.corrected):
            assert number(quantity.name, estimate.value) in page.text
            assert interval(quantity.name, estimate) in page.text
            assert f"({interval(quantity.name, estimate)}), n = {estimate.n}" in page.text
    assert rates_sentence(result.rates) in page.text
    assert count_line(result).strip() in page.text
    assert result.decision.sentence in page.text


def test_the_raw_count_has_no_interval(page):
    assert "none: a judge's count is not an estimate" in page.section("answer")
    assert "a judge's count, no interval" in page.section("answer")
    assert not re.search(r'<g class="raw">(?:(?!</g>).)*class="limits"', page.source, re.S)


def test_draws_each_interval_where_its_numbers_are(desk, page):
    corrected = desk.calibration.overall.headline.corrected
    low, high = (round(100 * limit, 2) for limit in (corrected.low, corrected.high))
    assert f'<line class="limits" x1="{low}%" x2="{high}%"' in page.source


def test_confusion_adds_up_to_the_disagreements(desk, page):
    results = [desk.calibration.overall, *desk.calibration.results[:-1]]
    for place, result in enumerate(results):
        found = page.section(f"question-{place}")
        differ = sum(n for i, row in enumerate(result.table) for j, n in enumerate(row) if i != j)
        listed = [int(n) for n in re.findall(r"judge \w+, people \w+ \((\d+)\)", found)]
        assert sum(listed) + int((re.search(r"and (\d+) with other", found) or [0, 0])[1]) == differ
        for row in result.table:
            assert str(sum(row)) in found and all(str(n) in found for n in row)


def test_shows_items_that_differ_with_what_everybody_said(desk, page):
    row = next(row for row in desk.rows() if row["id"] == "d-013")
    shown = page.source[page.source.index('id="item-d-013"') :].split("</article>")[0]
    text = words(shown)
    assert row["item"]["output"] in text
    assert row["verdict"]["criteria"]["resolves"]["explanation"] in text
    assert "kim pass" in text and "lea pass" in text
    assert page.source.count('class="item"') == len(set(re.findall(r'id="(item-[^"]*?)" aria', page.source)))


def test_overall_disagreements_come_first(page):
    items = page.source.split('<article class="item"')[1:]
    whole = ["The item as a whole" in item for item in items]
    assert whole == sorted(whole, reverse=True)
    assert sum(whole) == 18


def test_links_lead_somewhere(page):
    known = set(page.attributes("id"))
    assert {link.removeprefix("#") for link in page.attributes("href")} <= known
    assert len(page.attributes("id")) == len(known)


def test_says_where_it_comes_from(desk, page):
    manifest = json.loads(desk.graded.with_suffix(".run.json").read_text())
    origin = page.section("origin")
    for said in (
        manifest["signature"],
        manifest["fingerprint"],
        manifest["rubric_digest"],
        manifest["input"]["digest"],
        desk.calibration.digests["labels"],
        manifest["versions"]["python"],
        "chosen at random",
    ):
        assert said in origin
    assert "Does the reply give this customer the whole fix?" in page.section("requirement")


def test_holds_requirements_against_the_interval(page):
    assert "Required: at least 90 % of items pass. Not met" in page.text
    assert "required 90 %" in page.text


def test_without_labels_a_count_is_all_there_is(desk, tmp_path):
    report = write_report(desk.graded, tmp_path / "raw.html")
    page = Page(tmp_path / "raw.html")
    assert report.decision is None and report.disagreements == 0
    assert "This is a judge's count, not an estimate." in page.section("answer")
    assert "judgekit plan graded.jsonl" in page.section("answer")
    assert number("pass rate", desk.calibration.overall.headline.raw) in page.section("answer")
    assert 'class="limits"' not in page.source and "corrected" not in page.section("answer")


def test_a_card_of_this_batch_says_the_same_as_its_labels(desk, tmp_path):
    report = write_report(desk.graded, tmp_path / "card.html", calibration=desk.card)
    page = Page(tmp_path / "card.html")
    assert report.decision == "correct" and report.disagreements == 44
    assert desk.calibration.decision.sentence in page.section("answer")
    assert "People's answers come from the card" in page.text
    assert "kim" not in page.text


def test_labels_beside_their_card_take_its_design(own, tmp_path):
    rows = [json.loads(line) for line in own.labels.read_text().splitlines()]
    own.labels.write_text("".join(json.dumps(row | {"design": None}) + "\n" for row in rows))
    jk.calibrate(own.graded, own.labels, design="random", target="batch").save(own.card)
    assert write_report(own.graded, tmp_path / "a.html", labels=own.labels).decision == "insufficient"
    found = write_report(own.graded, tmp_path / "b.html", labels=own.labels, calibration=own.card)
    assert found.decision == "correct"
    page = Page(tmp_path / "b.html")
    assert "these items and no others" in page.section("origin") and "kim" in page.text


def test_a_card_of_another_batch_gives_no_headline(desk, tmp_path):
    rows = [row | {"id": f"new-{row['id']}"} for row in desk.rows()[:120]]
    graded = desk.regraded(tmp_path, rows)
    report = write_report(graded, tmp_path / "other.html", calibration=desk.calibration)
    found = jk.load_card(desk.card).correct(graded)
    answer = Page(tmp_path / "other.html").section("answer")
    assert report.decision is None
    assert "The card was made on another batch" in answer and "No single number" in answer
    for estimate in found.quantities[-1].estimates.values():
        assert interval("pass rate", estimate) in answer
    assert "if a verdict still means what it meant" in answer
    assert "if the judge still errs at the same rates" in answer


def test_verdicts_that_moved_since_the_card_are_corrected_as_they_are(desk, tmp_path):
    rows = desk.rows()
    labelled = {json.loads(line)["id"] for line in desk.labels.read_text().splitlines()}
    row = next(row for row in rows if row["id"] in labelled and row["verdict"]["passed"])
    row["verdict"] |= {"passed": False, "label": "fail", "score": 0.0}
    graded = desk.regraded(tmp_path, rows)
    report = write_report(graded, tmp_path / "moved.html", calibration=desk.card)
    answer = Page(tmp_path / "moved.html").section("answer")
    assert report.decision is None
    assert "the judge has graded some of them otherwise since" in answer
    found = jk.load_card(desk.card).correct(graded).quantities[-1].estimates["same items"]
    assert number("pass rate", found.value) in answer


@pytest.mark.parametrize("with_labels", [True, False])
def test_a_stale_card_is_refused(desk, tmp_path, with_labels):
    graded = desk.regraded(tmp_path, desk.rows(), fingerprint="sha256:other", signature="other")
    rows = [json.loads(line) for line in graded.read_text().splitlines()]
    for row in rows:
        row["verdict"]["fingerprint"] = "sha256:other"
    graded.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(StaleError, match="the card is stale: it vouches for"):
        labels = desk.labels if with_labels else None
        write_report(graded, tmp_path / "x.html", labels=labels, calibration=desk.card)
    assert not (tmp_path / "x.html").exists()


def test_without_a_design_there_is_agreement_and_no_rate(own, tmp_path):
    rows = [json.loads(line) for line in own.labels.read_text().splitlines()]
    own.labels.write_text("".join(json.dumps(row | {"design": None}) + "\n" for row in rows))
    write_report(own.graded, tmp_path / "a.html", labels=own.labels)
    page = Page(tmp_path / "a.html")
    assert "it is not stated how the labelled items were chosen" in page.section("answer")
    assert rates_sentence(own.calibration.overall.rates) in page.section("answer")
    # Agreement has intervals, rates have none.
    assert page.source.count('class="limits"') == 2 * page.source.count('-ceiling-title">') > 0
    assert "-reliability-title" not in page.source and "-width-title" not in page.source
    assert "is not stated: it is not stated how the labelled items were chosen from these." in page.text


def test_failures_are_named_and_enter_nothing(desk, tmp_path):
    rows = desk.rows()
    blank = {"label": None, "score": None, "passed": None, "criteria": {}}
    for row in rows[:7]:
        error = {"kind": "timeout", "message": "no answer within 60 s"}
        row["verdict"] |= {"status": "timeout", "error": error, **blank}
    rows[7]["verdict"] |= {"status": "abstained", **blank}
    for finding in ("resolves", "policy", "tone", "next_step"):
        rows[7]["verdict"]["criteria"][finding] = {"status": "abstained"}
    report = write_report(desk.regraded(tmp_path, rows), tmp_path / "f.html", labels=desk.labels)
    failures = Page(tmp_path / "f.html").section("failures")
    assert report.failures == 7
    assert "7 of 200 items ended without a verdict: 7 timeout" in failures
    assert "no answer within 60 s" in failures and "d-001" in failures
    assert "On 1 of 200 items the judge said that it could not tell: d-008" in failures
    assert "the judge's answers on 192 of 200 items" in Page(tmp_path / "f.html").text


def test_time_tokens_and_money(desk, tmp_path):
    rows = desk.rows()
    for place, row in enumerate(rows):
        row["verdict"] |= {"latency_s": 0.5 + place / 100, "attempts": 2, "cached": place < 3}
        row["verdict"]["model"]["served"] = "m-2026-01-01"
    usage = {"input_tokens": 12_345, "output_tokens": 678, "cached_tokens": 1_000, "cost_usd": 4.0}
    graded = desk.regraded(tmp_path, rows, usage=usage)
    write_report(graded, tmp_path / "u.html")
    run = Page(tmp_path / "u.html").section("run")
    assert "$4.00, $0.02 an item" in run and "12,345 in, 678 out, 1,000 of those in from the" in run
    assert "400 requests for 200 items" in run and "3 verdicts already paid for" in run
    assert "half within 1.5 s, 95 % within 2.4 s, slowest 2.5 s" in run and "m-2026-01-01 (200)" in run


def test_unknown_cost_is_not_free(desk, tmp_path):
    usage = {"input_tokens": None, "output_tokens": 5, "cached_tokens": None, "cost_usd": None}
    write_report(desk.regraded(tmp_path, desk.rows(), usage=usage), tmp_path / "u.html")
    assert "cost unknown" in Page(tmp_path / "u.html").section("run")
    assert "unknown in, 5 out" in Page(tmp_path / "u.html").section("run")


def test_many_disagreements_are_capped_and_counted(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["judgekit.report.page"], "SHOWN_ITEMS", 5)
    report = write_report(desk.graded, tmp_path / "a.html", labels=desk.labels)
    page = Page(tmp_path / "a.html")
    assert report.disagreements == 44 and page.source.count('class="item"') == 5
    assert "The first 5 are shown." in page.text
    known = set(page.attributes("id"))
    assert {link.removeprefix("#") for link in page.attributes("href")} <= known


def test_rows_without_items_say_so(desk, tmp_path):
    rows = [{"id": row["id"], "verdict": row["verdict"]} for row in desk.rows()]
    write_report(desk.regraded(tmp_path, rows), tmp_path / "a.html", labels=desk.labels)
    assert "The item's texts are not in the graded file (--omit-items)." in Page(tmp_path / "a.html").text


def test_long_texts_unfold_and_are_cut():
    assert excerpt("a" * 600).body is None
    assert not excerpt("a" * 4000).lost
    found = excerpt("a" * 1_000_000)
    assert (len(found.head), len(found.body), found.length, found.lost) == (280, 4000, 1_000_000, True)


def test_anchors_are_plain_words():
    assert anchor("d-001") == "item-d-001"
    assert re.fullmatch(r"item--[0-9a-f]{16}", anchor('"><script>'))
    assert anchor("a b") != anchor("a  b")


def test_a_place_that_cannot_be_written(desk, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_report(desk.graded, tmp_path / "no" / "where.html")


def graded_by_hand(folder, criteria, answers, mode=""):
    """Grade 60 items by recorded answers; people differ from the judge on every sixth."""
    (folder / "r.yaml").write_text(
        f"name: hand\nversion: 1.0.0\npurpose: p\n{mode}criteria:\n"
        + "".join(f"  - {{name: {name}, question: q, {scale}}}\n" for name, scale in criteria.items())
    )
    said = [
        {"id": f"i{n}", "criterion": name, "label": given[(n + (person and n % 6 == 0)) % len(given)]}
        for person in (0, 1)
        for n in range(60)
        for name, given in answers.items()
    ]
    half = len(said) // 2
    items = [{"id": f"i{n}", "output": "o", "output_a": "a", "output_b": "b"} for n in range(60)]
    for name, rows in (("v", said[:half]), ("l", said[half:]), ("i", items)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    jk.grade_file(
        jk.judge(folder / "r.yaml", f"recorded/{folder / 'v.jsonl'}"), folder / "i.jsonl", folder / "g.jsonl"
    )
    report = write_report(folder / "g.jsonl", folder / "a.html", labels=folder / "l.jsonl", design="random")
    return (
        report,
        Page(folder / "a.html"),
        jk.calibrate(folder / "g.jsonl", folder / "l.jsonl", design="random"),
    )


def test_criteria_that_combine_into_nothing_stand_for_themselves(tmp_path):
    levels = "scale: categorical, levels: {red: r, green: g, blue: b}"
    colours = ["red", "green", "blue"]
    report, page, calibration = graded_by_hand(
        tmp_path,
        {"one": levels, "two": levels},
        {"one": colours, "two": colours},
        "inputs: {output: o}\n",
    )
    assert "each stands for itself" in page.section("answer")
    assert report.decision == calibration.decision.verb and report.disagreements == 10
    for quantity in calibration["two"].quantities:
        assert interval(quantity.name, quantity.corrected) in page.section("question-1")
    assert not page.crossed


def test_numbers_are_compared_as_numbers(tmp_path):
    report, page, calibration = graded_by_hand(
        tmp_path,
        {"depth": "scale: numeric, range: [0, 10], pass_at: 5"},
        {"depth": [1, 9, 8, 2]},
        "inputs: {output: o}\n",
    )
    assert report.disagreements == 10
    assert "judge below people" in page.text and "judge above people" in page.text
    assert number("mean score", calibration["depth"].quantities[1].corrected.value) in page.text


def test_pairs(tmp_path):
    report, page, calibration = graded_by_hand(
        tmp_path,
        {"better": "scale: pairwise"},
        {"better": ["a", "b", "tie"]},
        "mode: pairwise\ninputs: {output_a: o, output_b: o}\n",
    )
    assert report.disagreements == 10
    for quantity in calibration.overall.quantities:
        assert interval(quantity.name, quantity.corrected) in page.text


def test_shows_of_an_item_what_the_rubric_looks_at_and_no_more(desk, tmp_path):
    """Nobody asked for the other columns, and they may hold addresses."""
    rows = [
        row | {"item": row["item"] | {"mail": "kim@example.com", "context": "old"}} for row in desk.rows()
    ]
    graded = desk.regraded(tmp_path, rows, columns={"id": "id", "map": {}, "set": ["context"]})
    write_report(graded, tmp_path / "r.html", labels=desk.labels)
    source = (tmp_path / "r.html").read_text()
    assert "kim@example.com" not in source and "<bdi>context</bdi></h4>" not in source
    assert "<bdi>output</bdi></h4>" in source
