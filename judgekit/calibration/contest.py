"""Several judges held against the same human labels: who agrees most, and who is as good for less."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np

from judgekit.calibration.calibrate import calibrate
from judgekit.calibration.common_items import LabelledItems
from judgekit.calibration.contestants import Entry, Given, common_question, entries_of, matched_labels
from judgekit.calibration.expense import Expense
from judgekit.calibration.joining import label_paths
from judgekit.calibration.ledger import looked
from judgekit.calibration.results import Calibration, CriterionResult
from judgekit.files.labels import read_label_files
from judgekit.labels import LabelSet
from judgekit.stats.compare_raters import AgainstBest, against_best
from judgekit.stats.estimate import Estimate
from judgekit.stats.frontier import undominated
from judgekit.stats.sample import BoolArray

LEAST = 30
AS_GOOD = 0.05  # of the items, by which a cheaper judge may agree less often


@dataclass(frozen=True)
class Contender:
    """One judge among the others.

    Attributes
    ----------
    name : str
        The grader, with its file where two have the same name.
    file, fingerprint, signature : str
    digests : dict
        Of the rubric, its criteria, the batch and the labels.
    agreement : Estimate
        With people, on the items that all judges answered.
    chosen : Estimate
        The same with limits at 1 − .05/J, which hold for the best of J.
    strict : Estimate
        Agreement on all labelled items, an item without an answer counted as wrong.
    unanswered : dict of str to int
        Labelled items without an answer that can be compared, by status.
    difference : Estimate
        Agreement less that of the best, paired; undefined for the best.
    p, p_holm : float
        Of that difference; the second counts all J − 1 comparisons. nan for the best.
    kept : bool
        Whether it is the best or cannot be told from it, failures left out and counted as wrong.
    result : CriterionResult
        Everything else on the items that all judges answered: coefficient, the two rates, the table.
    bias : Estimate
        How much higher than people it scores on them; undefined on a scale without scores.
    own : CriterionResult
        Of all its own labelled items: the corrected rate, and the decision.
    expense : Expense
    frontier : bool
        Whether no other judge costs no more and errs no more, and less of either.
    """

    name: str
    file: str
    fingerprint: str
    signature: str
    digests: dict[str, Any] = field(repr=False)
    agreement: Estimate
    chosen: Estimate
    strict: Estimate
    unanswered: dict[str, int]
    difference: Estimate
    p: float
    p_holm: float
    kept: bool
    result: CriterionResult = field(repr=False)
    bias: Estimate
    own: CriterionResult = field(repr=False)
    expense: Expense
    frontier: bool

    @property
    def error(self) -> float:
        """Share of the common items on which it says another thing than people."""
        return 1 - self.agreement.value

    @property
    def rejected(self) -> bool:
        """Whether the labels say not to use it."""
        return self.own.decision.verb == "reject"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        estimates = ("agreement", "chosen", "strict", "difference", "bias")
        quantity = self.own.quantities[0] if self.own.quantities else None
        return {
            **{
                key: getattr(self, key)
                for key in ("name", "file", "fingerprint", "signature", "digests", "unanswered")
            },
            **{key: getattr(self, key).to_dict() for key in estimates},
            "coefficient": {"name": self.result.coefficient_name, **self.result.coefficient.to_dict()},
            "rates": self.result.rates.to_dict() if self.result.rates else None,
            **{key: None if isnan(p) else p for key, p in (("p", self.p), ("p_holm", self.p_holm))},
            "kept": self.kept,
            "quantity": quantity.to_dict() if quantity else None,
            **self.own.decision.to_dict(),
            "expense": self.expense.to_dict(),
            "frontier": self.frontier,
        }


@dataclass(frozen=True)
class JudgeComparison:
    """Judges compared on the same labelled items.

    Attributes
    ----------
    rubric : str
        Name and version.
    criterion, scale : str
    judges : tuple of Contender
        The one that agrees most first.
    labelled : int
        Items of every file with one human answer.
    common : int
        … and an answer of every judge.
    tried : int
        Judges that were tried on these labels, these among them: J.
    design, target : str
    notes : tuple of str
    """

    rubric: str
    criterion: str
    scale: str
    judges: tuple[Contender, ...]
    labelled: int
    common: int
    tried: int
    design: str
    target: str
    notes: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether there are items enough to compare."""
        return self.common >= LEAST

    @property
    def best(self) -> Contender:
        """The judge that agrees most on the common items."""
        return self.judges[0]

    @property
    def kept(self) -> tuple[Contender, ...]:
        """The best judge and those that cannot be told from it; none where items are too few."""
        return tuple(judge for judge in self.judges if judge.kept) if self.enough else ()

    @property
    def advised(self) -> Contender | None:
        """The cheapest of those shown to agree about as often as the best, where that can be said.

        That a judge cannot be told from the best is no such showing: few labels tell nobody apart.
        """
        fit = [judge for judge in self.kept if not judge.rejected]
        if len(fit) == 1:
            return fit[0]
        as_good = [judge for judge in fit if judge is self.best or judge.difference.low >= -AS_GOOD]
        priced = [judge for judge in as_good or fit if judge.expense.known]
        only = as_good[0] if len(as_good) == 1 else None
        return min(priced, key=lambda judge: (judge.expense.cost, judge.error), default=only)

    @property
    def open(self) -> Contender | None:
        """One that costs less than the advised, and may agree as often or a good deal less."""
        if self.advised is None or not self.advised.expense.known:
            return None
        fit = [judge for judge in self.kept if not judge.rejected and judge.expense.known]
        cheapest = min(fit, key=lambda judge: (judge.expense.cost, judge.error), default=None)
        if cheapest is None or not cheapest.expense.cost < self.advised.expense.cost:
            return None
        return cheapest

    def __getitem__(self, name: str) -> Contender:
        for judge in self.judges:
            if judge.name == name:
                return judge
        raise KeyError(f"{name!r}; there are {', '.join(judge.name for judge in self.judges)}")

    def __str__(self) -> str:
        from judgekit.calibration.contest_text import comparison_text

        return comparison_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = ("rubric", "criterion", "scale", "labelled", "common", "tried", "design", "target")
        return {
            **{key: getattr(self, key) for key in plain},
            "best": self.best.name if self.enough else None,
            "indistinguishable": [judge.name for judge in self.kept],
            "advised": self.advised.name if self.advised else None,
            "judges": [judge.to_dict() for judge in self.judges],
            "notes": list(self.notes),
        }


def compare_judges(
    graded: Sequence[Given],
    labels: Given | Sequence[Given] | LabelSet,
    *,
    criterion: str | None = None,
    design: str | None = None,
    target: str = "process",
    group: str | None = None,
    costs: Mapping[str, float] | None = None,
    allow_unmatched: bool = False,
) -> JudgeComparison:
    """Compare judges by the same human labels, each by the items that all of them answered.

    Parameters
    ----------
    graded : list of paths
        Graded rows of two judges or more, with their manifests beside them.
    labels : path, list of paths, or LabelSet
        Human labels of items in every file.
    criterion : str or None
        The question to compare on; None takes the item as a whole, or the only criterion.
    design, target, group
        As for `calibrate`; without a design there is agreement, but no corrected rate.
    costs : dict of str to float, optional
        US dollars for 1,000 items, by name of the judge or of its file, where the rows do not know.
    allow_unmatched : bool
        Leave out labels of items that are in none of the files, instead of refusing them.

    Raises
    ------
    InputError
        If a file is wrong, or labels name items that are in none of them.
    UsageError
        If a judge is given twice, the judges answered different questions, or a cost is nobody's.
    """
    entries = entries_of(graded, group, costs or {})
    question = common_question([entry.batch for entry in entries], criterion)
    paths = label_paths(labels)
    given = labels if isinstance(labels, LabelSet) else read_label_files(paths, entries[0].batch.rubric)
    matched, notes = matched_labels(entries, given, allow_unmatched)
    how: dict[str, Any] = {"design": design, "target": target, "allow_unmatched": True}
    found = [calibrate(entry.batch, matched, **how) for entry in entries]
    looks = [looked(entry.batch, matched, paths, "judges", LEAST) for entry in entries]
    tried = max(len(entries), *(at.judges for at in looks if at is not None), 0)
    items = LabelledItems(question, matched, entries[0].batch, design)
    return JudgeComparison(
        entries[0].batch.rubric.reference,
        question.name,
        question.criterion.scale,
        *_contenders(entries, items, matched, found, tried),
        found[0].design,
        target,
        (*notes, *_notes(entries, found)),
    )


def _contenders(
    entries: list[Entry], items: LabelledItems, labels: LabelSet, found: list[Calibration], tried: int
) -> tuple[tuple[Contender, ...], int, int, int]:
    """Give the judges, the one that agrees most first; items labelled, and common to all; judges tried."""
    hits = np.column_stack([items.hits(entry.batch) for entry in entries])
    answered = np.asarray(~np.isnan(hits).any(axis=1))
    # Of judges that agree alike the first, which is the cheapest, is the best.
    common, strict = (against_best(h, tried=tried, **items.how) for h in (hits, np.nan_to_num(hits)))
    kept = _kept(common, strict)
    front = undominated([e.expense.cost for e in entries], [1 - one.value for one in common.agreement])
    contenders = [
        Contender(
            entry.name,
            entry.batch.name,
            *entry.batch.judge[:2],
            found[j].digests,
            common.agreement[j],
            common.chosen[j],
            strict.agreement[j],
            items.unanswered(entry.batch),
            common.difference[j],
            float(common.p[j]),
            float(common.adjusted[j]),
            kept[j],
            _on(items, answered, entry, labels, found[j]),
            items.bias(entry.batch, answered),
            found[j][items.question.name],
            entry.expense,
            bool(front[j]),
        )
        for j, entry in enumerate(entries)
    ]
    best = contenders[common.best]
    ranked = sorted(contenders, key=lambda one: (one is not best, -one.agreement.value))
    return tuple(ranked), len(items.ids), common.n, tried


def _kept(common: AgainstBest, strict: AgainstBest) -> tuple[bool, ...]:
    """Keep who cannot be told from the best, whether failures are left out or counted as wrong."""
    both = tuple(a and b for a, b in zip(common.kept, strict.kept, strict=True))
    return both if any(both) else strict.kept


def _on(
    items: LabelledItems, answered: BoolArray, entry: Entry, labels: LabelSet, found: Calibration
) -> CriterionResult:
    """Measure a judge on the common items; where these are all that it answered, that is done."""
    own = found[items.question.name]
    if own.agreement.n == answered.sum() or not answered.any():
        return own
    wanted = set(items.ids[answered].tolist())
    only = LabelSet(tuple(label for label in labels.labels if label.id in wanted), labels.notes)
    # A stratum may have lost all its items: there the coefficient is that of the items as they are.
    design = found.design if found.design in ("random", "probability") else "unknown"
    return calibrate(entry.batch, only, design=design, target=found.target)[items.question.name]


def _notes(entries: list[Entry], found: list[Calibration]) -> list[str]:
    """Give what each calibration notes, once where it is the same for all."""
    said = Counter(note for one in found for note in dict.fromkeys(one.notes))
    listed = dict.fromkeys(note for one in found for note in one.notes)
    notes = [note for note in listed if said[note] == len(found)]
    for entry, one in zip(entries, found, strict=True):
        notes += [f"{entry.name}: {note}" for note in dict.fromkeys(one.notes) if said[note] < len(found)]
    return notes
