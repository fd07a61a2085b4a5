"""A written page as tests look at it: its tags, its text, and what it would load."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "line", "circle", "rect", "link", "img", "input"}


def words(source: str) -> str:
    """Give the text of a piece of markup, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", source)).replace("\xa0", " ").split())


class Page(HTMLParser):
    """Tags with their attributes in order, and the text that a reader sees."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.pieces: list[str] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).replace("\xa0", " ").split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]

    def section(self, anchor: str) -> str:
        """Text between a heading's anchor and the next heading of its rank."""
        found = re.search(rf'<(h\d) id="{anchor}".*?(?=<\1[ >]|</main>)', self.source, re.S)
        assert found, anchor
        return words(found[0])
