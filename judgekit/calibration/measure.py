"""One question: how often judge and people agree, and what follows for the rate."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, Floats, Ints, Question
from judgekit.calibration.decision import Evidence, decide
from judgekit.calibration.drawn import Drawn, represented
from judgekit.calibration.estimates import Outcomes, arises_not, quantities
from judgekit.calibration.human import HumanAnswers, is_settled
from judgekit.calibration.looks import Standing
from judgekit.calibration.raters import RaterReport
from judgekit.calibration.recalibrate import recalibrated
from judgekit.calibration.results import PLAIN, Counts, CriterionResult
from judgekit.calibration.thresholds import Thresholds
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.ceiling import Ceiling, ceiling
from judgekit.stats.codes import confusion_table
from judgekit.stats.differences import bias
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates, binary_rates, proportion
from judgekit.stats.sequential import chosen_confidence
from judgekit.verdict import OK

SKEWED = 0.9
CLOSE = 0.1
OWN = "people's own word on the item agrees with their criteria on"


@dataclass(frozen=True)
class Asked:
    """What is asked of every question of a batch.

    Attributes
    ----------
    drawn : Drawn
        How the labelled items were chosen.
    target : str
        ``process`` or ``batch``.
    group : ndarray of int, shape (N,), or None
        Group of each item of the batch.
    thresholds : Thresholds
        Of the decision.
    standing : Standing or None
        How often these labels were looked at, and by how many judges.
    tuned : bool
        Whether labels tuned the rubric.
    """

    drawn: Drawn
    target: str
    group: Ints | None
    thresholds: Thresholds
    standing: Standing | None = None
    tuned: bool = False

    @property
    def confidence(self) -> float:
        """Two-sided, of every interval; above .95 where labels were looked at before."""
        return PLAIN if self.standing is None else self.standing.confidence(PLAIN)

    @property
    def chosen(self) -> float:
        """Confidence at which the agreement of the best of all judges tried holds."""
        return chosen_confidence(self.standing.judges if self.standing else 1, self.confidence)


def measure(
    question: Question,
    judge: Answers,
    people: HumanAnswers,
    labelled: Ints,
    asked: Asked,
    report: RaterReport,
) -> CriterionResult:
    """Measure one question; `labelled` are the positions of the n labelled items in the batch."""
    drawn = asked.drawn
    chances = drawn.chances(people.ids)
    outcomes = Outcomes(
        labelled, people.codes, people.scores, people.passes, asked.group, chances, drawn.stratum
    )
    found = quantities(question, judge, outcomes, drawn.design, asked.target, asked.confidence)
    side = _Side(question, judge, people, outcomes, asked.confidence)
    name, coefficient = side.coefficient()
    # A judge that was picked for its agreement has to show it at the limits of the best of them all.
    alone = asked.chosen == asked.confidence
    strict = side if alone else _Side(question, judge, people, outcomes, asked.chosen)
    picked = strict.coefficient()[1]
    counts, top = side.counts(), strict.ceiling()
    evidence = Evidence(
        question, counts, side.human_passes(), strict.agreement(), picked, strict.rates(), top, found,
        drawn.design, name, asked.thresholds, strict.direction(), asked.tuned,
    )  # fmt: skip
    return CriterionResult(
        question.name,
        side.scale,
        side.shown,
        side.table(),
        counts,
        side.agreement(),
        name,
        coefficient,
        side.beside(),
        side.rates(),
        side.ceiling(),
        people.raters.shape[1],
        found,
        decide(evidence),
        {} if strict is side else {"agreement": strict.agreement(), name: picked},
        recalibrated(
            question,
            judge.codes[labelled],
            judge.scores[labelled],
            people.passes,
            design=drawn.design,
            stands_for=represented(chances, drawn.stratum, labelled),
            group=None if asked.group is None else asked.group[labelled],
        ),
        report,
    )


def _unstratified(how: dict[str, Any]) -> dict[str, Any]:
    """Keep the weights for what knows no strata."""
    return {key: value for key, value in how.items() if key != "stratum"}


class _Side:
    """Judge and people side by side on the labelled items."""

    def __init__(
        self,
        question: Question,
        judge: Answers,
        people: HumanAnswers,
        outcomes: Outcomes,
        confidence: float,
    ) -> None:
        labelled = outcomes.labelled
        self.question, self.batch, self.people, self.labelled = question, judge, people, labelled
        self.scale = question.criterion.scale
        self.used = is_settled(people) & judge.answered[labelled]
        weight = represented(outcomes.probability, outcomes.stratum, labelled)
        # How every item enters: for how many it stands, from where it was drawn, what it depends on.
        self.all: dict[str, Any] = {
            "item_weight": weight,
            "stratum": None if outcomes.stratum is None else outcomes.stratum[labelled],
            "group": None if outcomes.group is None else outcomes.group[labelled],
        }
        self.entering: dict[str, Any] = {k: None if v is None else v[self.used] for k, v in self.all.items()}
        self.all["confidence"] = self.entering["confidence"] = confidence
        self.judge_codes, self.human_codes = judge.codes[labelled], people.codes
        self.shown: tuple[str, ...] = ()
        if self.scale != "numeric":
            more = arises_not(question, judge.codes, people.codes, people.raters)
            self.shown = question.cell_names[: len(question.labels) + more]

    def counts(self) -> Counts:
        states = Counter(self.batch.states[place] for place in self.labelled)
        failed = {state: count for state, count in states.items() if state != OK}
        found, settled = self.people.counts, int(is_settled(self.people).sum())
        lost = (found["split"], found["cannot_tell"], found["partial"])
        size = len(self.batch.states)
        return Counts(
            size,
            self.labelled.size,
            settled,
            int(self.used.sum()),
            dict(sorted(failed.items())),
            *lost,
            int(self.batch.answered.sum()),
        )

    def table(self) -> tuple[tuple[int, ...], ...]:
        if self.scale == "numeric":
            return ()
        human, judge = self.human_codes[self.used], self.judge_codes[self.used]
        counts = confusion_table(human, judge, range(len(self.shown)))
        return tuple(tuple(int(count) for count in row) for row in counts.T)

    def _codes(self) -> Ints:
        """Codes of people and judge, shape (m, 2), with what is no level of an ordered scale left out."""
        both = np.column_stack([self.human_codes, self.judge_codes])[self.used]
        if self.scale == "ordinal":
            both[(both >= len(self.question.labels)).any(axis=1)] = -1
        return both

    def _scores(self) -> Floats:
        both = np.column_stack([self.people.scores, self.batch.scores[self.labelled]])[self.used]
        both[np.isnan(both).any(axis=1)] = np.nan
        return both

    def agreement(self) -> Estimate:
        if self.scale == "numeric":
            scores = self._scores()
            near = np.abs(scores[:, 0] - scores[:, 1]) <= CLOSE + 1e-12
            return proportion(np.where(np.isnan(scores[:, 0]), np.nan, near), **self.entering)
        codes = self._codes()
        same = np.where((codes < 0).any(axis=1), np.nan, codes[:, 0] == codes[:, 1])
        return proportion(same, **self.entering)

    def _levels(self) -> Any:
        if self.scale != "ordinal":
            return range(len(self.shown))
        return [level.score for level in self.question.criterion.levels]

    def coefficient(self) -> tuple[str, Estimate]:
        """Give the chance-corrected coefficient that fits the scale, by name."""
        if self.scale == "numeric":
            return "ICC(2,1)", bootstrap("icc", self._scores(), form="ICC2", **self.entering)
        weights = "quadratic" if self.scale == "ordinal" else None
        name = "quadratic-weighted kappa" if weights else "kappa"
        return name, self._bootstrap("cohen_kappa", weights=weights)

    def _bootstrap(self, statistic: str, **options: Any) -> Estimate:
        return bootstrap(statistic, self._codes(), levels=self._levels(), **self.entering, **options)

    def beside(self) -> dict[str, Estimate]:
        """Give the further figures that this scale asks for."""
        found = {
            "numeric": self._beside_numbers,
            "ordinal": self._beside_ranks,
            "pairwise": self._beside_pairs,
        }.get(self.scale, dict[str, Estimate])()
        if self._skewed():
            found["AC1"] = self._bootstrap("gwet_ac")
        own = self.people.own
        if own is not None and (own >= 0).any():
            same = np.where((own < 0) | (self.human_codes < 0), np.nan, own == self.human_codes)
            found[OWN] = proportion(same, **self.all)
        return found

    def direction(self) -> Estimate | None:
        """Tell whether the judge says more where people do; None for kinds that have no more and less."""
        if self.scale == "binary":
            rates = self.rates()
            return rates.youden_j if rates else None
        if self.scale in ("ordinal", "numeric"):
            return bootstrap("spearman", self._scores(), **self.entering)
        return None

    def _bias(self, scores: Floats) -> Estimate:
        return bias(scores[:, 0], scores[:, 1], **_unstratified(self.entering))

    def _beside_numbers(self) -> dict[str, Estimate]:
        scores = self._scores()
        return {
            "Lin's CCC": bootstrap("lin_ccc", scores, **self.entering),
            "Spearman": bootstrap("spearman", scores, **self.entering),
            "bias": self._bias(scores),
        }

    def _beside_ranks(self) -> dict[str, Estimate]:
        codes, scores = self._codes(), self._scores()
        near = np.where((codes < 0).any(axis=1), np.nan, np.abs(codes[:, 0] - codes[:, 1]) <= 1)
        return {
            "within one level": proportion(near, **self.entering),
            "alpha": self._bootstrap("krippendorff_alpha", level="ordinal"),
            "AC2": self._bootstrap("gwet_ac", weights="quadratic"),
            "bias": self._bias(scores),
        }

    def _beside_pairs(self) -> dict[str, Estimate]:
        codes = self._codes()
        tie = [label.casefold() for label in self.question.labels].index("tie")
        apart = (codes == tie).any(axis=1) | (codes < 0).any(axis=1)
        same = np.where(apart, np.nan, codes[:, 0] == codes[:, 1])
        return {"agreement without ties": proportion(same, **self.entering)}

    def _skewed(self) -> bool:
        if self.scale in ("ordinal", "numeric"):
            return False
        codes = self._codes()
        return bool(len(codes)) and any(
            np.bincount(side[side >= 0], minlength=1).max(initial=0) > SKEWED * len(codes) for side in codes.T
        )

    def human_passes(self) -> Floats:
        """Give people's pass (1) and fail (0) on the items that enter agreement."""
        passes = self.people.passes[self.used]
        return passes[~np.isnan(passes)]

    def rates(self) -> BinaryRates | None:
        if self.question.criterion.pass_score is None:
            return None
        both = np.column_stack([self.people.passes, self.batch.passes[self.labelled]])[self.used]
        codes = np.where(np.isnan(both), -1, both).astype(np.intp)
        return binary_rates(codes[:, 0], codes[:, 1], **self.entering)

    def ceiling(self) -> Ceiling | None:
        people = self.people
        table = people.raters if people.independent is None else people.independent
        given = (table >= 0) if self.scale != "numeric" else ~np.isnan(table)
        if table.shape[1] < 2 or not (given.sum(axis=1) >= 2).any():
            return None
        if self.scale == "numeric":
            judge = np.where(self.batch.answered, self.batch.scores, np.nan)[self.labelled]
            return ceiling(judge, table, level="interval", levels=(0.0, 1.0), **_unstratified(self.all))
        codes = np.where(self.judge_codes >= len(self.shown), -1, self.judge_codes)
        if self.scale == "ordinal":
            width = len(self.question.labels)
            codes, table = (np.where(side >= width, -1, side) for side in (codes, table))
            return ceiling(codes, table, level="ordinal", levels=self._levels(), **_unstratified(self.all))
        return ceiling(codes, table, levels=range(len(self.shown)), **_unstratified(self.all))
