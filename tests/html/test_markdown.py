import subprocess
import sys

import pytest

from judgekit.html.markdown import as_markup


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("# A\n## B", "<h3>A</h3>\n<h4>B</h4>"),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("2. two\n   - part", '<ol start="2">\n<li>two</li>\n</ol>\n<ul>\n<li>part</li>\n</ul>'),
        ("a **b** `c` *d*", "<p>a <strong>b</strong> <code>c</code> <em>d</em></p>"),
        ("<i>**<b>**", "<p>&lt;i&gt;<strong>&lt;b&gt;</strong></p>"),
        ("[x](javascript:y)", "<p>[x](javascript:y)</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("", ""),
    ],
)
def test_marks(text, markup):
    assert str(as_markup(text)) == markup


def test_the_template_engine_is_loaded_when_a_page_is_made():
    code = "import sys, judgekit.html, judgekit.report; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
