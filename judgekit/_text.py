"""How foreign text, time and money are written for people, wherever they are shown."""

import re

# Control characters move the cursor or recolour the screen; bidirectional marks make a line read otherwise.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Escape what a terminal would obey: texts from files are data."""
    return _HIDDEN.sub(lambda m: m[0].encode("unicode_escape", "surrogatepass").decode(), text)


def duration(seconds: float) -> str:
    """Write a time span as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def money(cost: float | None) -> str:
    """Write a cost; what nobody knows is not free."""
    if cost is None:
        return "cost unknown"
    return f"${cost:.2f}" if cost == 0 or cost >= 0.01 else f"${cost:.4f}"


def answer_text(answer: object) -> str:
    """Write a level or a number as people do: ``7``, not ``7.0``."""
    return f"{answer:.12g}" if isinstance(answer, float) else str(answer)


def plural(count: int, word: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
