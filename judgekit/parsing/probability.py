"""How sure a judge was of a label: from the probabilities of the tokens that spell it."""

import re
from collections.abc import Iterable, Sequence

from judgekit.exchange import Token

CERTAIN = 0.999

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]', re.DOTALL)


def label_places(reply: str, start: int, end: int) -> dict[str, tuple[int, int]]:
    """Find the text of each question's label in the object that stands at ``reply[start:end]``.

    Returns
    -------
    dict of str to tuple of int
        By question, where its label begins and ends, between the quotes. Keys or labels written with escapes
        are left out: their tokens spell something else.

    Examples
    --------
    >>> text = '{"tone": {"explanation": "Kind.", "label": "3"}}'
    >>> label_places(text, 0, len(text))
    {'tone': (44, 45)}
    """
    found: dict[str, tuple[int, int]] = {}
    path: list[str] = []
    key, value_next = "", False
    for piece in _PIECE.finditer(reply, start, end):
        mark = piece[0]
        if mark in "{[":
            path.append(key)
            key, value_next = "", mark == "["
        elif mark in "}]":
            key, value_next = path.pop() if path else "", False
        elif mark == ":":
            value_next = True
        elif mark == ",":
            value_next = False
        elif not value_next:
            key = mark[1:-1]
        elif key == "label" and len(path) == 2 and "\\" not in mark + path[1]:
            found[path[1]] = (piece.start() + 1, piece.end() - 1)
    return found


def chances(tokens: Sequence[Token], place: tuple[int, int], labels: Iterable[str]) -> dict[str, float]:
    """Give the probability of each label, as far as the tokens tell.

    At each token of the label, the alternatives that would have begun another label count for that label,
    times the probability of coming so far. An alternative that is one label and begins another (1, 10) counts
    for the one that it is; others that begin several labels count for them in equal parts; those that begin
    none count for nothing, so that the chances sum to 1 over the labels.

    Parameters
    ----------
    tokens : sequence of Token
        The whole reply.
    place : tuple of int
        Where the label begins and ends in the reply, in characters.
    labels : iterable of str
        All that are allowed.

    Returns
    -------
    dict of str to float
        By label; empty if a token that spells it, and was not certain, gives no alternatives.
    """
    start, end = place
    text = "".join(token.text for token in tokens)
    said = text[start:end]
    wanted = {label: f'{label.strip().lower()}"' for label in labels}
    mass = dict.fromkeys(wanted, 0.0)
    at, reached, told = 0, 1.0, False
    for token in tokens:
        begins, at = at, at + len(token.text)
        if at < start:  # the opening quote counts: what could have stood there may begin a label too
            continue
        if begins > end:
            break
        for other, chance in token.others:
            if other == token.text:
                continue
            told = True
            begun = _label_begun(text[:begins], other, start)
            fits = [] if begun is None else _fitting(begun, wanted)
            for label in fits:
                mass[label] += reached * chance / len(fits)
        if at > start and not token.others and token.probability < CERTAIN:
            return {}
        told = told or bool(token.others)
        reached *= token.probability
    own = _fitting(said.strip().lower() + '"', wanted)
    if not told or len(own) != 1:
        return {}
    mass[own[0]] += reached
    total = sum(mass.values())
    return {label: share / total for label, share in mass.items()} if total > 0 else {}


def _label_begun(before: str, token: str, start: int) -> str | None:
    """Give what the label would begin with, had this token come next; None if no label would begin here."""
    if len(before) >= start:
        return (before[start:] + token).lstrip().lower()
    lead = start - len(before)
    # Up to the label the reply stays what it is: white space and the opening quote.
    if len(token) < lead or not token[:lead].rstrip().endswith('"'):
        return None
    return token[lead:].lstrip().lower()


def _fitting(begun: str, wanted: dict[str, str]) -> list[str]:
    """Give the labels that a text begins, or that begin it with their closing quote."""
    if not begun:
        return []
    whole = [label for label, spelt in wanted.items() if spelt == f'{begun}"']
    return whole or [
        label for label, spelt in wanted.items() if spelt.startswith(begun) or begun.startswith(spelt)
    ]
