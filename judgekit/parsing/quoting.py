"""Verdicts that stand in an item: repeated by a judge, each is a quote and not its own."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property
from string import ascii_letters, digits
from typing import Any

from judgekit.item import Item, field_text

MAX_UNESCAPED = 10  # times that JSON may stand inside a text of JSON
GAP = 20  # folded characters between a key and what belongs to it: line numbers, escapes

_WORD = "explanation"
_KEPT = (ascii_letters + digits).encode()
_LOWER = bytes(range(256)).lower()
_DELETED = bytes(set(range(128)) - set(_KEPT))
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_OTHER = re.compile(r"[\W_]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LEADS = re.compile(r"^[ \t]*(?:\d+[.):|\]]?|[>+\-#/*|%;]+)[ \t]*", re.MULTILINE)


def folded(text: str) -> str:
    """Reduce a text to its letters and digits: what wrapping, escaping and hidden characters leave alone."""
    # ASCII goes all at once; the little else that most texts hold is taken run by run.
    plain = text.encode("utf-8", "surrogatepass").translate(_LOWER, _DELETED).decode("utf-8", "surrogatepass")
    return plain if plain.isascii() else _FOREIGN.sub(_letters, plain).casefold()


def _letters(foreign: re.Match[str]) -> str:
    run = unicodedata.normalize("NFKD", foreign[0])
    return run if run.isalnum() else _OTHER.sub("", run)


class Quotes:
    """The verdicts that stand in an item, in whatever wrapping.

    A finding is a quote where its explanation stands in the item behind the word "explanation" and its
    label behind "label" (a number: the word "value"), letters and digits compared alone. A verdict that a
    judge put into words of its own is not found, and no text can tell it from its own.
    """

    def __init__(self, item: Item) -> None:
        self.fields = {name: value for name, value in item.fields.items() if value is not None}

    @cached_property
    def _texts(self) -> list[str]:
        """The item's texts, folded, where they may hold a verdict at all."""
        shown = "\n".join(field_text(name, value) for name, value in self.fields.items())
        plain = [shown]
        if any(not isinstance(value, str) for value in self.fields.values()):
            # What is no text may be put together in other ways than it is shown.
            plain += ["".join(_strings(self.fields, keys)) for keys in (True, False)]
        found: dict[str, None] = {}
        for text in plain:
            for _ in range(MAX_UNESCAPED + 1):
                if _WORD in (reduced := folded(text)):
                    found |= dict.fromkeys((reduced, folded(_LEADS.sub("", text))))
                if "\\" not in text:
                    break
                text = _ESCAPE.sub(_unescaped, text)
                # A pair of halves that JSON writes as two escapes is one character.
                text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return list(found)

    def hold(self, verdict: Mapping[str, Any], names: Mapping[str, Any]) -> bool:
        """Say whether all that a verdict says of these questions stands in the item."""
        if not self._texts:
            return False
        findings = [found for name, found in verdict.items() if name in names and isinstance(found, Mapping)]
        return bool(findings) and all(any(_stands(one, text) for text in self._texts) for one in findings)


def _stands(finding: Mapping[str, Any], text: str) -> bool:
    explanation = folded(str(finding.get("explanation") or ""))
    if re.search(f"{_WORD}.{{0,{GAP}}}?{re.escape(explanation)}", text) is None:
        return False
    # A number has many spellings.
    answer = (
        "value"
        if finding.get("label") is None
        else f"label.{{0,{GAP}}}?{re.escape(folded(str(finding['label'])))}"
    )
    return re.search(answer, text) is not None


def _strings(value: Any, keys: bool) -> Iterator[str]:
    """Give all texts of an item one after the other, with the keys of objects or without keys and roles."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if keys:
                yield str(key)
            if keys or key != "role":
                yield from _strings(part, keys)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part, keys)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in "bfnrt" else escape[2]
