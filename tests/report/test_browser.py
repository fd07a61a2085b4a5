"""The page in a real browser: it loads without an error, lays out at any width, and runs nothing."""

import os
import shutil
import subprocess

import pytest

from judgekit.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update --disable-extensions --enable-logging=stderr --hide-scrollbars"
).split()

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

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
