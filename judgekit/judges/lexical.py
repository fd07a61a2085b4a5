"""``offline/lexical``: a word-overlap heuristic that needs neither key nor network.

It reads no meaning, and is there to be found out: a judge that likes answers for repeating the right words is
what calibration has to show as such.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

from judgekit.grader import BaseGrader
from judgekit.item import Item, field_text
from judgekit.judges.assemble import verdict_of
from judgekit.judges.checks import Checks, Function
from judgekit.rubric import Criterion, Rubric
from judgekit.scoring import SCORING
from judgekit.verdict import OK, Finding, Verdict

NAME = "offline/lexical"
LEXICAL = 1  # version; enters the fingerprint

_WORD = re.compile(r"\w+")
# Function words overlap in any two English texts and would hide what the heuristic measures.
_STOP = frozenset(
    """a an and are as at be been but by can could did do does for from had has have he her his how i if in is
    it its me my no not of on or our she so that the their them then there they this to was we were what when
    which who will with would you your""".split()
)


class LexicalGrader(BaseGrader):
    """Scores how much of the graded text also stands in the texts it is held against.

    Held against `expected` or `reference` where the rubric has one (the best of a list, as token F1), else
    against all other inputs (share of the output's content words that occur there). Criteria with a `check`
    are answered by it.
    """

    def __init__(self, rubric: Rubric, checks: Mapping[str, Function] | None = None) -> None:
        self.checks = Checks(rubric, checks)
        decides = {"lexical": LEXICAL, "scoring": SCORING, **self.checks.decides}
        super().__init__(rubric, NAME, decides, [f"version={LEXICAL}"], "CODE")
        self.recipe = self.checks.recipe(NAME, {})
        self.graded = _graded_field(rubric)
        gold = [name for name in ("expected", "reference") if name in rubric.inputs]
        graded = ("output_a", "output_b") if rubric.mode == "pairwise" else (self.graded,)
        others = [name for name in rubric.inputs if name not in graded]
        self.gold, self.against = (gold[0] if gold else None), gold[:1] or others

    async def judge(self, item: Item) -> Verdict:
        """Grade one item by word overlap."""
        if self.rubric.mode == "pairwise":
            sides = [self._overlap(item, item.fields.get(name)) for name in ("output_a", "output_b")]
            share, said = 0.5 + (sides[0] - sides[1]) / 2, f"{sides[0]:.2f} for a, {sides[1]:.2f} for b"
        else:
            share = self._overlap(item, item.fields.get(self.graded))
            said = f"{share:.2f}"
        held = " and ".join(self.against) or "nothing (the rubric has one input)"
        why = f"Word overlap with {held}: {said}. A heuristic that reads no meaning."
        findings = {c.name: _finding(c, share, why) for c in self.rubric.criteria if c.check is None}
        return verdict_of(self.rubric, findings | self.checks.findings(item), self.provenance)

    def _overlap(self, item: Item, graded: Any) -> float:
        mine = _words(field_text(self.graded, graded)) if graded is not None else []
        if self.gold is not None:
            gold = item.fields.get(self.gold)
            texts = gold if isinstance(gold, list) else [gold]
            return max(
                (_f1(mine, _words(field_text("", text))) for text in texts if text is not None), default=0.0
            )
        given = [item.fields[name] for name in self.against if item.fields.get(name) is not None]
        held = {word for value in given for word in _words(field_text("", value))}
        return sum(word in held for word in mine) / len(mine) if mine else 0.0


def _graded_field(rubric: Rubric) -> str:
    for name in ("output", "response", "answer", "messages"):
        if name in rubric.inputs:
            return name
    return next(reversed(rubric.inputs))


def _words(text: str) -> list[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word for word in words if word not in _STOP] or words


def _f1(mine: list[str], gold: list[str]) -> float:
    common = (Counter(mine) & Counter(gold)).total()
    return 2 * common / (len(mine) + len(gold)) if mine and gold else float(mine == gold)


def _finding(criterion: Criterion, share: float, why: str) -> Finding:
    if criterion.range is not None:
        low, high = criterion.range
        # Rounding must not carry a full share past the end of the range.
        return Finding(OK, value=min(low + share * (high - low), high), explanation=why)
    if criterion.scale == "pairwise":
        side = "tie" if abs(share - 0.5) < 0.025 else "a" if share > 0.5 else "b"
        return Finding(OK, side, explanation=why)
    ranked = list(criterion.levels)
    if criterion.scored:
        ranked.sort(key=lambda level: level.score or 0.0)
    place = min(int(share * len(ranked)), len(ranked) - 1)
    return Finding(OK, ranked[place].label, explanation=why)
