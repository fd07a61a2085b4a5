"""Find a quote verbatim in the field it is said to come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from judgekit._json import dumps
from judgekit.verdict import Evidence

# What typesetting changes in a copied text, and nothing that changes its meaning.
_FOLDED = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"})
_DROPPED = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def locate(quote: str, field: str, value: Any) -> Evidence:
    """Say whether and where a quote stands in a field; white space and typographic signs are folded."""
    wanted, _ = _fold(quote.strip())
    if wanted:
        for step, text in _texts(field, value):
            folded, places = _fold(text)
            at = folded.find(wanted)
            if at >= 0:
                return Evidence(field, quote, True, places[at], step)
    return Evidence(field, quote, False)


def _texts(field: str, value: Any) -> Iterator[tuple[int | None, str]]:
    if isinstance(value, str):
        yield None, value
    elif isinstance(value, list):
        for number, entry in enumerate(value, 1):
            content = entry.get("content") if isinstance(entry, Mapping) else entry
            step = number if field == "messages" else None
            if isinstance(content, str):
                yield step, content
            if not isinstance(entry, str):
                yield step, dumps(entry)
    elif value is not None:
        yield None, dumps(value)


def _fold(text: str) -> tuple[str, list[int]]:
    """Fold a text, and say for each folded character where it stood."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text.translate(_FOLDED)):
        if char in _DROPPED:
            continue
        if char.isspace():
            if folded and folded[-1] == " ":
                continue
            char = " "
        folded.append(char)
        places.append(place)
    return "".join(folded), places
