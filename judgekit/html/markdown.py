"""The few marks of our own documents (headings, lists, bold, code) as markup: no links, no HTML."""

import re
from itertools import groupby
from typing import TYPE_CHECKING

from judgekit.html import shown

if TYPE_CHECKING:
    from markupsafe import Markup

_HEADING = re.compile(r"(#{1,4}) (.*)")
_ENTRY = re.compile(r" *(-|\d{1,4}\.) (.*)")
_MARKS = (("strong", r"\*\*(.+?)\*\*"), ("em", r"\*(\S.*?)\*"), ("code", r"`(.+?)`"))


def as_markup(text: str, top: int = 3) -> "Markup":
    r"""Turn a document into markup; its first rank of headings becomes ``<h{top}>``.

    Examples
    --------
    >>> print(as_markup("# A <b>\n\n- **one**: two"))
    <h3>A &lt;b&gt;</h3>
    <ul>
    <li><strong>one</strong>: two</li>
    </ul>
    """
    from markupsafe import Markup

    blocks = []
    for kind, lines in groupby(text.split("\n"), key=_kind):
        if kind:
            blocks += _block(kind, list(lines), top)
    return Markup("\n").join(blocks)


def _kind(line: str) -> str:
    if not line.strip():
        return ""
    if _HEADING.match(line):
        return "heading"
    entry = _ENTRY.match(line)
    if entry is None:
        return "p"
    return "ul" if entry[1] == "-" else "ol"


def _block(kind: str, lines: list[str], top: int) -> "list[Markup]":
    from markupsafe import Markup

    if kind == "p":
        return [Markup("<p>{}</p>").format(_inline(" ".join(lines)))]
    if kind == "heading":
        found = [_HEADING.match(line) for line in lines]
        return [_heading(match, top) for match in found if match]
    entries = [match for line in lines if (match := _ENTRY.match(line))]
    # A list that details interrupt goes on with its own numbers.
    opening = "<ul>" if kind == "ul" else f'<ol start="{entries[0][1][:-1]}">'
    written = [Markup("<li>{}</li>").format(_inline(entry[2])) for entry in entries]
    return [Markup(opening), *written, Markup(f"</{kind}>")]


def _heading(match: re.Match[str], top: int) -> "Markup":
    from markupsafe import Markup

    rank = min(top + len(match[1]) - 1, 6)
    return Markup(f"<h{rank}>{{}}</h{rank}>").format(_inline(match[2]))


def _inline(text: str) -> "Markup":
    from markupsafe import Markup

    written = str(shown(text))
    for tag, pattern in _MARKS:
        written = re.sub(pattern, rf"<{tag}>\1</{tag}>", written)
    return Markup(written)
