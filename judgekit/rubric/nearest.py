"""The known word that a misspelt one was probably meant to be."""

from difflib import get_close_matches
from typing import Any


def nearest(word: str, known: Any) -> str | None:
    """Give the known word that was probably meant; None if none is close."""
    spelt = {str(k).casefold(): str(k) for k in reversed(list(known))}
    close = get_close_matches(str(word).casefold(), spelt, n=1, cutoff=0.6)
    return spelt[close[0]] if close else None


def did_you_mean(word: str, known: Any) -> str:
    """Give a hint, ``; did you mean 'weight'?``, or nothing."""
    meant = nearest(word, known)
    return f"; did you mean {meant!r}?" if meant is not None else ""
