"""The labelled items on which judges are compared, and how each judge answered them."""

from collections import Counter
from typing import Any

import numpy as np

from judgekit.calibration.batch import Floats, GradedBatch, Ints, Question
from judgekit.calibration.card import numbered
from judgekit.calibration.drawn import drawn, represented
from judgekit.calibration.human import human_answers, is_settled
from judgekit.calibration.measure import CLOSE
from judgekit.labels import Label, LabelSet
from judgekit.rubric import Rubric
from judgekit.stats.differences import bias
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import BoolArray
from judgekit.verdict import OK


class LabelledItems:
    """Items with one human answer, all of them in the batch of every judge.

    Attributes
    ----------
    ids : ndarray of object, shape (n,)
    how : dict
        How each item enters: ``item_weight``, ``stratum`` and ``group``, or None.
    """

    def __init__(self, question: Question, labels: LabelSet, batch: GradedBatch, design: str | None) -> None:
        now = LabelSet(tuple(one for one in labels.labels if _current(one, batch.rubric)), labels.notes)
        people = human_answers(now, question, batch.rubric)
        self.question, self.numeric = question, question.criterion.scale == "numeric"
        # On an ordered scale "does not apply" has no place; on others it is an answer like any.
        self.levels = len(question.labels) + (question.criterion.scale != "ordinal")
        usable = ~np.isnan(people.scores) if self.numeric else self._level(people.codes)
        settled = is_settled(people) & usable
        self.ids = np.array(people.ids, object)[settled]
        self.codes, self.scores = people.codes[settled], people.scores[settled]
        self.how = self._how(batch, now, design)

    def _level(self, codes: Ints) -> BoolArray:
        return np.asarray((codes >= 0) & (codes < self.levels))

    def _places(self, batch: GradedBatch) -> Ints:
        return np.array([batch.position[key] for key in self.ids], np.intp)

    def _how(self, batch: GradedBatch, labels: LabelSet, design: str | None) -> dict[str, Any]:
        how, places = drawn(design, labels, batch), self._places(batch)
        return {
            "item_weight": represented(how.chances(list(self.ids)), how.stratum, places),
            "stratum": None if how.stratum is None else how.stratum[places],
            "group": None if batch.groups is None else numbered(batch.groups)[places],
        }

    def hits(self, batch: GradedBatch) -> Floats:
        """Whether the judge says what people say: 1, 0, or nan without an answer that can be compared."""
        answers, places = batch.answers[self.question.name], self._places(batch)
        given = answers.answered[places]
        if self.numeric:
            apart = np.where(given, np.abs(answers.scores[places] - self.scores), np.nan)
            return np.where(np.isnan(apart), np.nan, apart <= CLOSE + 1e-12)
        codes = answers.codes[places]
        return np.where(given & self._level(codes), codes == self.codes, np.nan)

    def unanswered(self, batch: GradedBatch) -> dict[str, int]:
        """Count the items without an answer that can be compared, by status."""
        states = batch.answers[self.question.name].states
        lost = Counter(states[place] for place in self._places(batch)[np.isnan(self.hits(batch))])
        return {("not applicable" if state == OK else state): n for state, n in sorted(lost.items())}

    def bias(self, batch: GradedBatch, common: BoolArray) -> Estimate:
        """How much higher the judge scores than people on the common items."""
        if not self.question.criterion.scored:
            return Estimate.undefined("the scale has no scores")
        scores = batch.answers[self.question.name].scores[self._places(batch)]
        shared = {key: self.how[key] for key in ("item_weight", "group")}
        how: dict[str, Any] = {key: None if of is None else of[common] for key, of in shared.items()}
        return bias(self.scores[common], scores[common], **how)


def _current(label: Label, rubric: Rubric) -> bool:
    """Whether a label answers the present wording."""
    now = rubric.criterion_digests.get(label.criterion)
    return not label.criterion_digest or now in (None, label.criterion_digest)
