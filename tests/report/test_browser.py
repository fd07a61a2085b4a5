"""The page in a real browser: it loads without an error, lays out at any width, and runs nothing."""

import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import judgekit as jk
from judgekit.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update --disable-extensions --enable-logging=stderr --hide-scrollbars"
).split()

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# Two texts of one picture that stand on each other, at the width of the frame.
OVERLAPS = """<body><iframe id=f width={width} height=800 src={page}></iframe><script>onload = () => {{
const pictures = [...document.getElementById('f').contentDocument.querySelectorAll('svg')];
let found = [], texts = 0;
for (const picture of pictures) {{
  const boxes = [...picture.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  texts += boxes.length;
  boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {{
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1
        && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 4) found.push(a + ' / ' + b);
  }}));
}}
document.title = pictures.length + ' pictures, ' + texts + ' texts: ' + (found.join('; ') || 'none meet');
}}</script>"""

PAYLOAD = "</div></td><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture(scope="module")
def page(desk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    rows = desk.rows()
    for row in rows:
        row["item"]["output"] += PAYLOAD
        row["verdict"]["criteria"]["resolves"]["explanation"] = PAYLOAD
    graded = desk.regraded(folder, rows)
    write_report(graded, folder / "report.html", labels=desk.labels)
    return folder / "report.html"


def browse(page, folder, *words):
    done = subprocess.run(
        [str(CHROMIUM), *QUIET, f"--user-data-dir={folder}/profile", *words, page.as_uri()],
        capture_output=True,
        timeout=60,
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
    )
    said = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, said
    assert "CONSOLE" not in said, said
    return done.stdout.decode("utf-8")


def test_is_drawn_and_runs_no_injected_script(page, tmp_path):
    document = browse(page, tmp_path, "--dump-dom", "--screenshot=shot.png", "--window-size=1200,2400")
    assert "<title>support-reply@1.0.0, graded by offline/lexical</title>" in document
    assert "<script" not in document and "<img" not in document
    assert document.count('class="item"') == 44
    assert document.count("<svg") == page.read_text().count("<svg")
    assert (tmp_path / "shot.png").stat().st_size > 50_000


def test_fits_a_phone(page, tmp_path):
    # A frame of 375 px, because a window of a desktop browser cannot be so narrow; its width tells.
    probe = page.with_name("probe.html")
    probe.write_text(
        "<body><iframe id=f width=375 height=800 src=report.html></iframe><script>onload = () => {"
        "const d = document.getElementById('f').contentDocument.documentElement;"
        "document.title = 'wide ' + d.scrollWidth}</script>"
    )
    assert "<title>wide 375</title>" in browse(
        probe, tmp_path, "--allow-file-access-from-files", "--dump-dom"
    )


@pytest.fixture(scope="module")
def pictured(tmp_path_factory):
    """A page with every picture: a scale of seven levels, chances in several bins, two raters."""
    folder, rng = tmp_path_factory.mktemp("pictured"), np.random.default_rng(6)
    levels = [f"rung {n} of the ladder" for n in range(7)]
    named = "".join(
        f"      - {{label: {name}, score: {n / 6:.3f}, description: d}}\n" for n, name in enumerate(levels)
    )
    (folder / "r.yaml").write_text(
        "name: ladder\nversion: 1.0.0\npurpose: p\ninputs: {output: o}\ncriteria:\n"
        f"  - name: height\n    question: q\n    scale: ordinal\n    pass_at: {levels[4]}\n    target: 0.5\n"
        f"    levels:\n{named}"
    )
    truth = rng.integers(0, 7, 1500)
    judge = np.clip(truth + rng.integers(-1, 2, truth.size), 0, 6)
    verdicts, labels = [], []
    for place, (mine, theirs) in enumerate(zip(judge.tolist(), truth.tolist(), strict=True)):
        one = {"id": f"i{place}", "criterion": "height"}
        verdicts.append(one | {"label": levels[mine]})
        if place < 220:
            said = [theirs, min(theirs + int(rng.random() < 0.2), 6), theirs]
            labels += [
                one | {"label": levels[n], "rater": rater, "design": "random"}
                for n, rater in zip(said, ("ann", "bob", "adjudicated"), strict=True)
            ]
    items = [{"id": one["id"], "output": "o"} for one in verdicts]
    for name, rows in (("v", verdicts), ("l", labels), ("i", items)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = jk.judge(folder / "r.yaml", f"recorded/{folder / 'v.jsonl'}")
    jk.grade_file(judge, folder / "i.jsonl", folder / "g.jsonl")
    write_report(folder / "g.jsonl", folder / "report.html", labels=folder / "l.jsonl")
    return folder / "report.html"


@pytest.mark.parametrize("width", [375, 1000])
def test_no_two_texts_of_a_picture_meet(pictured, tmp_path, width):
    probe = pictured.with_name(f"probe{width}.html")
    probe.write_text(OVERLAPS.format(width=width, page="report.html"))
    document = browse(probe, tmp_path, "--allow-file-access-from-files", "--dump-dom")
    said = document[document.index("<title>") + 7 : document.index("</title>")]
    pictures, texts = map(int, re.findall(r"(\d+) (?:pictures|texts)", said))
    assert said.endswith(": none meet"), said
    assert pictures >= 6 and texts > 60
    source = pictured.read_text()
    for key in ("-heat-title", "-ceiling-title", "-reliability-title", "-width-title"):
        assert key in source
