"""Nothing that comes from outside becomes markup, an address, or an unseen mark on the page."""

import json
import re
from itertools import pairwise

import pytest
from pages import Page

import judgekit as jk
from judgekit.html import POLICY, foreign, plain, shown
from judgekit.report import write_report

EVIL = (
    '"><script>document.title="pwned"</script><img src=x onerror="document.title=\'pwned\'">'
    "</style></textarea></title><svg onload=alert(1)>{{ 7 * 7 }}{% raw %} javascript:alert(1)"
)
HIDDEN = "\u202egnp.exe\u2066 \x1b[31mred\x1b[0m nul\x00 zero\u200bwidth \ud800 \U000e0041"
FORMULA = '=HYPERLINK("http://evil.example","x")'
NASTY = f"{EVIL} {HIDDEN} {FORMULA}"


# An id may hold no control character; what reorders it is for the page to show.
NAME = f"{EVIL} \u202e\u200b {FORMULA}"


def hostile_row(row):
    """Give a graded row in which every text that a model or a user may write is hostile."""
    verdict = row["verdict"]
    row["id"] = row["item"]["id"] = f"{row['id']} {NAME}"
    row["item"] |= {"input": NASTY, "output": "x" * 1_000_000 + NASTY, NASTY: NASTY, "segment": NASTY}
    verdict |= {"explanation": NASTY}
    verdict["model"]["served"] = NASTY
    quote = {"field": NASTY, "quote": NASTY, "found": False, "start": None, "step": None}
    for finding in verdict["criteria"].values():
        finding |= {"explanation": NASTY, "evidence": [quote]}
    return row


def failed(row):
    error = {"kind": "provider_error", "message": NASTY}
    blank = {"label": None, "score": None, "passed": None, "criteria": {}}
    row["verdict"] |= {"status": "provider_error", "error": error, **blank}
    return row


@pytest.fixture(scope="module")
def attacked(desk, tmp_path_factory):
    """The demo with every text from outside hostile: ids, items, explanations, labels, errors, manifest."""
    folder = tmp_path_factory.mktemp("attacked")
    labels = [json.loads(line) for line in desk.labels.read_text().splitlines()][:64]
    wanted = {label["id"] for label in labels}
    rows = [hostile_row(row) for row in desk.rows() if row["id"] in wanted]
    rows += [failed(hostile_row(row)) for row in desk.rows() if row["id"] not in wanted][:3]
    hostile = {"rater": f"kim {NASTY}", "note": NASTY}
    given = folder / "labels.jsonl"
    named = [label | hostile | {"id": f"{label['id']} {NAME}"} for label in labels if label["rater"] == "kim"]
    given.write_text("".join(json.dumps(label) + "\n" for label in named))
    rubric = json.loads(desk.graded.with_suffix(".run.json").read_text())["rubric"]
    more = {
        "rubric": rubric | {"purpose": f"{EVIL} {FORMULA} \u202e"},
        "grader": NASTY,
        "signature": NASTY,
        "ended": NASTY,
        "destination": NASTY,
        "input": {"name": NASTY, "rows": 3, "digest": NASTY},
        "versions": {NASTY: NASTY},
    }
    report = write_report(desk.regraded(folder, rows, **more), folder / "attacked.html", labels=given)
    assert report.disagreements and report.failures == 3
    return folder / "attacked.html"


def test_hostile_texts_stay_texts(attacked):
    page = Page(attacked)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base", "link", "textarea"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert 'document.title="pwned"' in page.text
    assert "{{ 7 * 7 }}" in page.text and "49}}" not in page.text
    assert not page.crossed and not page.open


def test_only_our_own_words_stand_in_attributes(attacked):
    page = Page(attacked)
    values = [v for _, attrs in page.tags for name, v in attrs.items() if name != "content"]
    assert not [v for v in values if not re.fullmatch(r"[\w .,:%()#'=/*+-]*", v)]


def test_hostile_levels_stay_texts(tmp_path):
    levels = ["<script>alert(1)</script>", "\"'><svg onload=x>", "plain", "</title></style>"]
    named = "".join(f"      - {{label: {json.dumps(level)}, description: d}}\n" for level in levels)
    (tmp_path / "r.yaml").write_text(
        "name: hostile\nversion: 1.0.0\npurpose: p\ninputs: {output: o}\ncriteria:\n"
        f"  - name: kind\n    question: '<b>Which?</b>'\n    scale: categorical\n    levels:\n{named}"
    )
    said = [{"id": f"i{n}", "criterion": "kind", "label": levels[n % 4]} for n in range(40)]
    seen = [label | {"label": levels[n * 3 % 4], "rater": "<i>"} for n, label in enumerate(said)]
    for name, rows in (("v", said), ("l", seen), ("i", [{"id": v["id"], "output": "o"} for v in said])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = jk.judge(tmp_path / "r.yaml", f"recorded/{tmp_path / 'v.jsonl'}")
    jk.grade_file(judge, tmp_path / "i.jsonl", tmp_path / "g.jsonl")
    write_report(tmp_path / "g.jsonl", tmp_path / "a.html", labels=tmp_path / "l.jsonl", design="random")
    page = Page(tmp_path / "a.html")
    assert not page.crossed and not {tag for tag, _ in page.tags} & {"script", "b", "i"}
    assert not page.attributes("onload") and "<script>alert(1)</script>" in page.text


def test_unseen_characters_are_given_by_number(attacked):
    text = attacked.read_text("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", text)
    assert "U+202E" in text and "U+001B" in text and "U+0000" in text and "U+D800" in text


def test_a_page_of_long_lines_stays_small(attacked):
    assert attacked.stat().st_size < 5_000_000
    assert "Cut here: 4,000 of 1,000," in Page(attacked).text


@pytest.mark.parametrize("labelled", [True, False])
def test_loads_nothing_and_runs_nothing(desk, tmp_path, labelled):
    write_report(desk.graded, tmp_path / "a.html", labels=desk.labels if labelled else None)
    page = Page(tmp_path / "a.html")
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY] and policies[0].startswith("default-src 'none'")
    assert "script-src" not in POLICY and "connect-src" not in POLICY
    assert not page.attributes("src") and not page.attributes("style")
    assert all(link.startswith("#") for link in page.attributes("href"))
    assert "url(" not in page.source and "@import" not in page.source
    assert not re.search(r"https?://", page.source)


def test_is_fit_to_be_read_aloud(desk, tmp_path):
    write_report(desk.graded, tmp_path / "a.html", labels=desk.labels)
    page = Page(tmp_path / "a.html")
    ranks = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert ranks[0] == 1 and ranks.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(ranks))
    tables = page.source.count("<table")
    assert tables == page.source.count("<caption") and page.source.count("<svg") == page.source.count("<desc")
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert page.source.count('role="img"') == page.source.count("<svg")
    assert ("html", {"lang": "en"}) in page.tags and not page.crossed


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_colours_have_contrast_enough_in_every_scheme(desk, tmp_path):
    write_report(desk.graded, tmp_path / "a.html")
    blocks = re.findall(r":root \{(.*?)\}", Page(tmp_path / "a.html").source, re.S)
    assert len(blocks) == 3
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#\w+);", block))
        colours = {k: v if len(v) == 7 else "#" + "".join(2 * c for c in v[1:]) for k, v in colours.items()}
        for ink in ("ink", "soft", "agree", "differ", "human"):
            for ground in ("paper", "raised"):
                light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_pieces_escape():
    assert str(shown('<b>&"')) == "&lt;b&gt;&amp;&#34;"
    assert str(shown("a\u202eb")) == 'a<span class="unseen">U+202E</span>b'
    assert str(shown("line\r\nline\tend")) == "line\nline\tend"
    assert str(plain("a\u202e<b")) == "a[U+202E]&lt;b"
    assert str(foreign("שלום\u200f")) == "<bdi>שלום\u200f</bdi>"
