"""Find a quote verbatim in the field it is said to come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from judgekit._json import dumps
from judgekit.verdict import Evidence

# What typesetting changes in a copied text, and nothing that changes its meaning.
_FOLDED = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"})
_DROPPED = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


class Source:
    """A field that quotes are looked for in; its texts are folded once, however many quotes there are."""

    def __init__(self, field: str, value: Any) -> None:
        self.field = field
        self.texts = list(_texts(value))
        self.folded: list[tuple[str, list[int]]] | None = None

    def locate(self, quote: str, step: int | None = None) -> Evidence:
        """Say whether and where a quote stands here; white space and typographic signs are folded.

        A quote is looked for in the step it is said to come from, and then in the others: where it is found
        counts. An empty quote with a step points at the step as a whole.

        Raises
        ------
        ValueError
            If there is no such step.
        """
        if step is not None and not any(text.step == step for text in self.texts):
            raise ValueError(f"there is no step {step} in {self.field}")
        quoted = quote.strip()
        wanted = _fold(quoted)[0].strip()
        if not wanted:
            return Evidence(self.field, quote, step is not None, None, step)
        order = sorted(range(len(self.texts)), key=lambda place: self.texts[place].step != step)
        for text in map(self.texts.__getitem__, order):
            if (at := text.content.find(quoted)) >= 0:
                return Evidence(self.field, quote, True, text.start(at), text.step)
        if self.folded is None:
            self.folded = [_fold(text.content) for text in self.texts]
        for text, (folded, places) in ((self.texts[place], self.folded[place]) for place in order):
            if (at := folded.find(wanted)) >= 0:
                return Evidence(self.field, quote, True, text.start(places[at]), text.step)
        return Evidence(self.field, quote, False)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to look in; `exact` where a place in it is a place in what people are shown."""

    content: str
    step: int | None = None
    exact: bool = True

    def start(self, place: int) -> int | None:
        return place if self.exact else None


def _texts(value: Any) -> Iterator[_Text]:
    if isinstance(value, str):
        yield _Text(value)
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value, 1):
            content = entry.get("content") if isinstance(entry, Mapping) else entry
            if isinstance(content, str):
                yield _Text(content, number)
            if not isinstance(entry, str):
                yield _Text(dumps(entry), number, exact=False)
    elif value is not None:
        yield _Text(dumps(value))


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
