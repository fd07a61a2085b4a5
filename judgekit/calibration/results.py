"""What a calibration says: results that print themselves and become plain JSON."""

from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Any, Literal

from judgekit.calibration.looks import Standing
from judgekit.calibration.raters import RaterReport
from judgekit.calibration.thresholds import DEFAULTS, Thresholds
from judgekit.rubric import OVERALL
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates
from judgekit.stats.recalibration import Recalibration

PLAIN = 0.95
Verb = Literal["insufficient", "relabel", "reject", "trust", "correct"]
GRAVEST: tuple[Verb, ...] = ("reject", "relabel", "insufficient", "correct", "trust")


@dataclass(frozen=True)
class Decision:
    """What to do with a judge: `verb`, and one `sentence` that says why."""

    verb: Verb
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"decision": self.verb, "sentence": self.sentence}


@dataclass(frozen=True)
class Quantity:
    """One rate or mean, as the judge counts it, as people alone say, and corrected.

    Attributes
    ----------
    name : str
        ``pass rate``, ``mean score`` (with the range of a number), ``share won by a, ties half``, or
        ``share of LEVEL``.
    raw : float
        The judge's count, 0..1; it estimates nothing by itself and so has no interval.
    human, corrected : Estimate
        From the labels alone, and from labels and verdicts; undefined without a design.
    """

    name: str
    raw: float
    human: Estimate
    corrected: Estimate

    @property
    def ratio(self) -> float:
        """Width of the corrected interval over that of the labels alone."""
        if not self.human.half_width > 0:
            return nan
        return self.corrected.half_width / self.human.half_width

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        numbers = {"raw": self.raw, "ratio": self.ratio}
        return {
            "name": self.name,
            **{key: None if isnan(value) else value for key, value in numbers.items()},
            "human": self.human.to_dict(),
            "corrected": self.corrected.to_dict(),
        }


@dataclass(frozen=True)
class Counts:
    """What entered and what did not.

    Attributes
    ----------
    batch : int
        Items graded together.
    labelled : int
        Items of the batch that people labelled.
    settled : int
        … with one human answer.
    used : int
        … and an answer of the judge: these enter agreement.
    failed : dict of str to int
        Labelled items without an answer of the judge, by status.
    split, cannot_tell, partial : int
        Labelled items without a human answer: raters differ, nobody could tell, or, of the item as a whole,
        a criterion that would decide was not answered.
    verdicts : int or None
        Items of the batch with an answer of the judge; None on an older card.
    """

    batch: int
    labelled: int
    settled: int
    used: int
    failed: dict[str, int]
    split: int
    cannot_tell: int
    partial: int = 0
    verdicts: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class CriterionResult:
    """Everything about one criterion, or about the item as a whole.

    Attributes
    ----------
    name, scale : str
    levels : tuple of str
        Answers that head the rows and columns of `table`.
    table : tuple of tuple of int
        Rows: the judge's answers; columns: people's.
    counts : Counts
    agreement : Estimate
        Share of items with the same answer (numeric: within a tenth of the range).
    coefficient_name : str
    coefficient : Estimate
        The chance-corrected coefficient that fits the scale.
    beside : dict of str to Estimate
        Further figures for this scale.
    rates : BinaryRates or None
        How often the judge passes what people pass and fails what people fail.
    ceiling : Ceiling or None
        Agreement between people; None with a single rater.
    raters : int
        Independent raters.
    quantities : tuple of Quantity
        The headline first.
    decision : Decision
    chosen : dict of str to Estimate
        Agreement and coefficient at the limits that hold for the best of all judges tried on these labels;
        empty for the first of them.
    recalibration : Recalibration or None
        P(people pass | what the judge said), where something is passed or failed.
    rater_report : RaterReport or None
        How the raters stand to each other, to the judge and to themselves.
    """

    name: str
    scale: str
    levels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    counts: Counts
    agreement: Estimate
    coefficient_name: str
    coefficient: Estimate
    beside: dict[str, Estimate]
    rates: BinaryRates | None
    ceiling: Ceiling | None
    raters: int
    quantities: tuple[Quantity, ...]
    decision: Decision
    chosen: dict[str, Estimate] = field(default_factory=dict)
    recalibration: Recalibration | None = None
    rater_report: RaterReport | None = None

    @property
    def headline(self) -> Quantity:
        """The rate or mean that the criterion is about."""
        return self.quantities[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "scale": self.scale,
            "levels": list(self.levels),
            "table": [list(row) for row in self.table],
            "counts": self.counts.to_dict(),
            "agreement": self.agreement.to_dict(),
            "coefficient": {"name": self.coefficient_name, **self.coefficient.to_dict()},
            "beside": {name: estimate.to_dict() for name, estimate in self.beside.items()},
            "rates": self.rates.to_dict() if self.rates else None,
            "ceiling": self.ceiling.to_dict() if self.ceiling else None,
            "raters": self.raters,
            "quantities": [quantity.to_dict() for quantity in self.quantities],
            "chosen": {name: estimate.to_dict() for name, estimate in self.chosen.items()},
            "rater_report": self.rater_report.to_dict() if self.rater_report else None,
            "recalibration": self.recalibration.to_dict() if self.recalibration else None,
            **self.decision.to_dict(),
        }


@dataclass(frozen=True)
class Calibration:
    """The measured relation of one grader to human labels for one rubric.

    Attributes
    ----------
    rubric : str
        Name and version.
    digests : dict
        Of the rubric, its criteria, the labels, and the batch that the labels were drawn from.
    fingerprint, signature, grader : str
        Of the judge.
    design : str
        How the labelled items were chosen; ``unknown`` gives agreement only.
    target : str
        ``process`` or ``batch``.
    results : tuple of CriterionResult
        One per criterion; the last is ``overall`` where the item as a whole is another question.
    pairs : dict
        Salted ids with the codes and scores that a correction of another batch needs; no texts.
    notes : tuple of str
        What was left out on the way.
    thresholds : Thresholds
        Of the decision.
    standing : Standing or None
        How often these labels were looked at, and by how many judges; None for labels that are no file.
    requirement : dict or None
        The rubric itself, normalised: a card is what it vouches for.
    recipe : dict or None
        How to build the judge again, but for the server and the key.
    profile : dict or None
        What the batch was like: counts of verdicts, lengths, languages; no texts.
    source : dict or None
        What the card was made from, by file names relative to its folder, with the options that were stated.
    weeks : tuple of dict
        Pairs of later batches, labelled since.
    stale : str
        Why the card does not hold any more; empty while it does.
    split : dict of str to tuple of str
        By question, the items on which raters differ. Not part of a card, which names no item.
    paths : dict or None
        Files and options this was made from, for the card to come.
    """

    rubric: str
    digests: dict[str, Any]
    fingerprint: str
    signature: str
    grader: str
    design: str
    target: str
    results: tuple[CriterionResult, ...]
    pairs: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()
    thresholds: Thresholds = DEFAULTS
    standing: Standing | None = None
    requirement: dict[str, Any] | None = field(default=None, repr=False)
    recipe: dict[str, Any] | None = None
    profile: dict[str, Any] | None = field(default=None, repr=False)
    source: dict[str, Any] | None = None
    weeks: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    stale: str = ""
    split: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    paths: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def confidence(self) -> float:
        """Two-sided, of every interval; above .95 where these labels were looked at before."""
        return PLAIN if self.standing is None else self.standing.confidence(PLAIN)

    def __getitem__(self, name: str) -> CriterionResult:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"{name!r}; there are {', '.join(r.name for r in self.results)}")

    @property
    def overall(self) -> CriterionResult:
        """The result for the item as a whole, or the last criterion's where nothing is asked of the whole."""
        return self.results[-1]

    @property
    def decision(self) -> Decision:
        """What to do with this judge: on the item as a whole, else the gravest that a criterion asks for."""
        if len(self.results) == 1 or self.overall.name == OVERALL:
            return self.overall.decision
        return min((result.decision for result in self.results), key=lambda one: GRAVEST.index(one.verb))

    def __str__(self) -> str:
        from judgekit.calibration.text import calibration_text

        return calibration_text(self)

    def __repr__(self) -> str:
        return f"Calibration({self.signature!r}, {self.decision.verb}, {self.overall.headline.corrected!r})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, without the pairs of any week and the digest of the card."""
        from judgekit.calibration.card import card_dict

        left = ("pairs", "weeks", "digest")
        return {key: value for key, value in card_dict(self).items() if key not in left}

    def save(self, path: str | Path) -> None:
        """Write the card."""
        from judgekit.calibration.card import save_card

        save_card(self, path)

    def correct(
        self,
        graded: Any,
        *,
        labels: Any = None,
        design: str | None = None,
        shift: str | None = None,
        target: str = "process",
        force: bool = False,
    ) -> Any:
        """Apply this calibration to another batch of the same grader; see `judgekit.calibration.correct`."""
        from judgekit.calibration.correct import correct

        return correct(self, graded, labels=labels, design=design, shift=shift, target=target, force=force)
