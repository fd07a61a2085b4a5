"""What is different in a batch from the one that a card was made on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

import numpy as np

from judgekit.calibration.profile import BINS_PER_DOUBLING, Counts, Profile
from judgekit.calibration.writing import language_name
from judgekit.stats.drift import LEVEL, level_drift, total_variation
from judgekit.stats.multiplicity import adjusted_p

# With many items everything differs a little. What moves fewer than one item in twenty moves no rate by more
# than the .05 by which a raw rate may be off and still be trusted.
LEAST_MOVED = 0.05
GROUPS = 10  # of a number: by the card's deciles
RARE = 5  # items of both batches, below which answers are taken together


@dataclass(frozen=True)
class DriftLine:
    """One thing that was compared.

    Attributes
    ----------
    what : str
    p : float
        Adjusted by Holm over all that was compared; nan where there was nothing to compare.
    moved : float
        Share of the items that would have to be otherwise for both batches to be alike (total variation).
    n : int
        Items of the new batch.
    drifted : bool
        Whether p < .05 and at least 5 % moved.
    sentence : str
        The greatest difference in words, drifted or not.
    """

    what: str
    p: float
    moved: float
    n: int
    drifted: bool
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class BatchDrift:
    """All that was compared between two batches.

    Attributes
    ----------
    items : int
        Of the new batch.
    lines : tuple of DriftLine
    notes : tuple of str
        What could not be compared, and why.
    """

    items: int
    lines: tuple[DriftLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[DriftLine, ...]:
        """What is different."""
        return tuple(line for line in self.lines if line.drifted)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to tell people."""
        found = tuple(line.sentence for line in self.drifted)
        nothing = f"No difference found that {self.items} items can show."
        return (*(found or (nothing,)), *self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        lines = [line.to_dict() for line in self.lines]
        return {"items": self.items, "sentences": list(self.sentences), "tested": lines}


@dataclass(frozen=True)
class _Check:
    """Two sets of counts, and how to say what is different."""

    what: str
    old: Counts
    new: Counts
    say: Callable[[Counts, Counts], str]
    ordered: bool = False


def compare(card: Profile, new: Profile) -> BatchDrift:
    """Compare a batch with the one of a card.

    Parameters
    ----------
    card, new : Profile

    Returns
    -------
    BatchDrift
        χ² tests on failures and the judge's answers, on which fields are given, on lengths (by the card's
        deciles), writing systems and languages, adjusted by Holm as one family. Items that depend on
        each other, such as turns of one conversation, look more different than they are.
    """
    checks = [*_verdict_checks(card, new), *_field_checks(card, new)]
    counts = [_aligned(check) for check in checks]
    alpha = LEVEL / max(len(checks), 1)
    p = adjusted_p([level_drift(*pair, alpha=alpha).p for pair in counts])
    lines = []
    for check, (old, now), holm in zip(checks, counts, p.tolist(), strict=True):
        moved, n = total_variation(old, now), int(now.sum())
        drifted = holm < LEVEL and moved >= LEAST_MOVED
        said = check.say(check.old, check.new) if old.sum() and n else f"{check.what}: nothing to compare."
        lines.append(DriftLine(check.what, holm, moved, n, drifted, said))
    return BatchDrift(new.items, tuple(lines), _notes(card, new))


def _verdict_checks(card: Profile, new: Profile) -> Iterator[_Check]:
    yield _Check("failures", _split(card.failed, card.items), _split(new.failed, new.items), _failures_text)
    for name in _shared(card.levels, new.levels):
        yield _Check(f"answers on {name}", card.levels[name], new.levels[name], _answers_text(name))
    for name in _shared(card.scores, new.scores):
        yield _Check(
            f"scores on {name}", card.scores[name], new.scores[name], _scores_text(name), ordered=True
        )


def _field_checks(card: Profile, new: Profile) -> Iterator[_Check]:
    if not card.rows or not new.rows:
        return
    for name in _shared(card.fields, new.fields):
        old, now = card.fields[name], new.fields[name]
        yield _Check(
            f"{name} given", _split(old.given, card.rows), _split(now.given, new.rows), _given_text(name)
        )
        yield _Check(f"length of {name}", old.lengths, now.lengths, _length_text(name), ordered=True)
        yield _Check(f"writing system of {name}", old.scripts, now.scripts, _kind_text(name, str))
        if card.detector and card.detector == new.detector:
            yield _Check(f"language of {name}", old.languages, now.languages, _kind_text(name, language_name))


def _split(some: int, total: int) -> Counts:
    return {"yes": some, "no": total - some}


def _shared(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [name for name in old if name in new]


def _notes(card: Profile, new: Profile) -> tuple[str, ...]:
    without = [where for rows, where in ((card.rows, "the card's"), (new.rows, "these")) if not rows]
    if without:
        return (f"Texts were not compared: {' and '.join(without)} rows came without their items.",)
    if card.detector != new.detector:
        told = [name or "nothing" for name in (card.detector, new.detector)]
        return (f"Languages were not compared: {told[0]} told them for the card, {told[1]} here.",)
    return ()


def _aligned(check: _Check) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give the counts of both batches in the same cells: deciles of a number, rare answers together."""
    if check.ordered:
        keys = sorted(check.old.keys() | check.new.keys(), key=int)
        cells = _deciles([check.old.get(key, 0) for key in keys])
    else:
        keys = sorted(check.old.keys() | check.new.keys())
        both = [check.old.get(key, 0) + check.new.get(key, 0) for key in keys]
        cells = [0 if count < RARE else at for at, count in enumerate(both, 1)]
    sides = ([side.get(key, 0) for key in keys] for side in (check.old, check.new))
    old, new = (np.bincount(cells, weights=side, minlength=1).astype(int) for side in sides)
    return old, new


def _deciles(counts: list[int]) -> list[int]:
    """Give the cell of each value so that each holds about a tenth of the card's items."""
    before = np.cumsum([0, *counts])[:-1] if counts else np.zeros(0)
    total = max(sum(counts), 1)
    return [min(int(GROUPS * one / total), GROUPS - 1) for one in before.tolist()]


def _share(counts: Counts, key: str) -> float:
    return counts.get(key, 0) / max(sum(counts.values()), 1)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.01 else "under 1 %"


def _most_moved(old: Counts, new: Counts, grown: bool = False) -> tuple[str, str, str]:
    """Give the answer whose share changed most, or grew most, with its share now and on the card."""

    def change(key: str) -> float:
        step = _share(new, key) - _share(old, key)
        return step if grown else abs(step)

    key = max(sorted(old.keys() | new.keys()), key=change)
    return key, _percent(_share(new, key)), _percent(_share(old, key))


def _failures_text(old: Counts, new: Counts) -> str:
    now, before = (_percent(_share(one, "yes")) for one in (new, old))
    return f"The judge left {now} of the items without a full verdict, {before} on the card."


def _answers_text(name: str) -> Callable[[Counts, Counts], str]:
    def say(old: Counts, new: Counts) -> str:
        key, now, before = _most_moved(old, new)
        return f"{name}: the judge says {key} on {now} of the items, {before} on the card."

    return say


def _scores_text(name: str) -> Callable[[Counts, Counts], str]:
    def say(old: Counts, new: Counts) -> str:
        now, before = (_score_quantiles(one) for one in (new, old))
        if now[1] != before[1]:
            way = "higher" if now[1] > before[1] else "lower"
            return f"{name}: the judge scores {way}: median {now[1]:.2f}, {before[1]:.2f} on the card."
        spread = [f"{one[0]:.2f} to {one[2]:.2f}" for one in (now, before)]
        return f"{name}: half the judge's scores are within {spread[0]}, {spread[1]} on the card."

    return say


def _score_quantiles(counts: Counts) -> list[float]:
    values = np.repeat([int(key) for key in counts], list(counts.values()))
    return [float(one) / 100 for one in np.quantile(values, (0.25, 0.5, 0.75))]


def _given_text(name: str) -> Callable[[Counts, Counts], str]:
    def say(old: Counts, new: Counts) -> str:
        now, before = (_percent(_share(one, "yes")) for one in (new, old))
        return f"{name} is given for {now} of the items, {before} on the card."

    return say


def _length_text(name: str) -> Callable[[Counts, Counts], str]:
    def say(old: Counts, new: Counts) -> str:
        now, before = (_length_quantiles(one) for one in (new, old))
        if now[1] != before[1]:
            way = "longer" if now[1] > before[1] else "shorter"
            return f"{name} is {way}: median {now[1]} characters, {before[1]} on the card."
        spread = [f"{one[0]} to {one[2]} characters" for one in (now, before)]
        return f"{name} varies otherwise in length: half are {spread[0]}, {spread[1]} on the card."

    return say


def _length_quantiles(counts: Counts) -> list[int]:
    """Quartiles of lengths to two digits, items spread evenly over their bin."""
    keys = sorted(counts, key=int)
    edges = np.array([int(keys[0]), *(int(key) + 1 for key in keys)], float) if keys else np.zeros(1)
    inside = np.array([counts[key] for key in keys], float)
    share = np.concatenate(([0.0], np.cumsum(inside) / inside.sum()))
    found = 2 ** (np.interp((0.25, 0.5, 0.75), share, edges) / BINS_PER_DOUBLING) - 1
    return [int(float(f"{one:.2g}")) for one in found.tolist()]


def _kind_text(name: str, spell: Callable[[str], str]) -> Callable[[Counts, Counts], str]:
    def say(old: Counts, new: Counts) -> str:
        key, now, before = _most_moved(old, new, grown=True)
        return f"{name}: {now} of the texts are in {spell(key)}, {before} on the card."

    return say
