"""One thing found: what, the finding, and what it means for the user."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap

GOOD, NOTE, BAD = "ok", "note", "bad"
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One finding.

    Attributes
    ----------
    what, finding, meaning : str
        What was looked at, what was found, what it means or what to do; `meaning` may be empty.
    state : str
        ``ok``, ``note`` for what works otherwise or not at all without harm, ``bad`` for what must change.
    """

    what: str
    finding: str
    meaning: str = ""
    state: str = GOOD

    def to_dict(self) -> dict[str, str]:
        """Plain JSON."""
        return {"what": self.what, "state": self.state, "finding": self.finding, "meaning": self.meaning}


def table(lines: Iterable[Line]) -> str:
    """Lay findings out, the meaning behind a dash."""
    lines = list(lines)
    column = max((len(line.what) for line in lines), default=0)
    indent = " " * (column + 10)
    found = []
    for line in lines:
        state = line.state.upper() if line.state == BAD else line.state
        text = f"{line.finding} — {line.meaning}" if line.meaning else line.finding
        head = f"  {state:<4}  {line.what:<{column}}  "
        found += wrap(
            text, WIDTH, initial_indent=head, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(found)
