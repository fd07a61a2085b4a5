"""Regular expressions from strangers: neither compiling one nor searching with it may hang or fill memory."""

import re
import warnings
from functools import lru_cache
from typing import Any

SECONDS = 1.0
# The compiler unrolls counted repeats, nested ones by their product; at this bound it takes some 150 MB.
MAX_UNROLLED = 500_000

_AT_LEAST = re.compile(r"\{\s*(\d+)")


class BadPattern(ValueError):
    """The text is no regular expression, or too large a one; the message says why."""


class TooSlow(Exception):
    """A search took longer than it may."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """Compile a pattern of the `regex` package.

    Raises
    ------
    BadPattern
        If it cannot be compiled, or would be unrolled to a huge size.
    """
    if _unrolled(pattern) > MAX_UNROLLED:
        raise BadPattern("repeats too much: its counted repeats multiply to a huge pattern")
    import regex

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return regex.compile(pattern, cache_pattern=False)
    except RecursionError:
        raise BadPattern("is nested too deep") from None
    except Exception as error:  # whatever the compiler trips over: the pattern is at fault
        raise BadPattern(f"is not a regular expression: {error}") from None


def _unrolled(pattern: str) -> int:
    """Bound the size of a pattern once its counted repeats are unrolled.

    A repeat can only stand inside another through a group, so that no more of them multiply than there are
    groups, and one. What is a group is not looked at closely: too high a bound is on the safe side.
    """
    counts = sorted((int(digits[:9]) for digits in _AT_LEAST.findall(pattern)), reverse=True)
    size = len(pattern)
    for count in counts[: pattern.count("(") + 1]:
        size *= max(count, 1)
    return size


def found(pattern: str, text: str, seconds: float = SECONDS) -> Any:
    """Search a text; the match, or None.

    Raises
    ------
    TooSlow
        If it takes longer than `seconds`, or more memory than there is.
    """
    try:
        return compiled(pattern).search(text, timeout=max(seconds, 0.001))
    except (TimeoutError, MemoryError):
        raise TooSlow(f"the regular expression /{pattern[:100]}/ takes too long on this text") from None
