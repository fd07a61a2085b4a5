"""What a verdict on one item means: the probability that people pass it, and which card says so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from judgekit.calibration.batch import Answers, Floats, Ints, Question, batch_of, questions
from judgekit.calibration.estimates import UNSTATED
from judgekit.calibration.results import Calibration
from judgekit.errors import StaleError, UsageError
from judgekit.files.graded import GradedRow
from judgekit.rubric import OVERALL, Rubric
from judgekit.stats.recalibration import Recalibration, recalibrate
from judgekit.verdict import Verdict

VOUCHED = ("trust", "correct")


def recalibrated(
    question: Question,
    codes: Ints,
    scores: Floats,
    passes: Floats,
    *,
    design: str,
    stands_for: Floats | None = None,
    group: Ints | None = None,
) -> Recalibration | None:
    """Learn what the judge's answer to a question says of people's; None where nothing is passed or failed.

    Parameters
    ----------
    question : Question
    codes, scores : ndarray, shape (n,)
        The judge's answers on the labelled items. A level counts as such, "not applicable" and "cannot tell"
        too; a number by its score.
    passes : ndarray of float, shape (n,)
        People's pass (1) or fail (0); nan where they gave neither.
    design : str
        How the items were chosen; without one, the probabilities are not offered.
    stands_for : ndarray of float, shape (n,), optional
        How many items of the batch each stands for.
    group : ndarray of int, shape (n,), optional
    """
    if question.criterion.pass_score is None:
        return None
    numeric = question.criterion.range is not None
    found = recalibrate(
        scores if numeric else codes,
        passes,
        levels=None if numeric else len(question.cell_names),
        probability=None if stands_for is None else np.minimum(1 / stands_for, 1),
        group=group,
    )
    if design == "unknown" and found.offered:
        return replace(found, offered=False, note=f"{UNSTATED}: not offered")
    return found


@dataclass(frozen=True)
class Vouching:
    """What a card says of single verdicts of one judge.

    Attributes
    ----------
    state : str
        ``calibrated``; ``stale`` where the card is of another rubric or judge, or has gone stale; ``none``
        where people's labels did not decide for this judge.
    recalibrations : mapping of str to Recalibration
        By question; those alone that may be offered and are still answered.
    whole : str
        The question that stands for the item as a whole; empty if no question does.
    """

    rubric: Rubric
    state: str
    recalibrations: Mapping[str, Recalibration]
    whole: str

    def chances(self, verdict: Verdict) -> tuple[float | None, dict[str, float]]:
        """Give the probability that people pass the item, and each criterion; failures have none."""
        if not self.recalibrations or not verdict.criteria:
            return None, {}
        manifest = {"fingerprint": verdict.provenance.fingerprint}
        answers = batch_of([GradedRow("", None, verdict)], self.rubric, manifest, "verdict").answers
        said = {
            name: p
            for name, recalibration in self.recalibrations.items()
            if (p := _chance(recalibration, answers[name])) is not None
        }
        return said.get(self.whole), {name: p for name, p in said.items() if name != OVERALL}


def _chance(recalibration: Recalibration, answers: Answers) -> float | None:
    judge = answers.scores if recalibration.kind != "levels" else answers.codes
    p = float(recalibration(judge)[0])
    return None if np.isnan(p) else p


def vouching(
    card: Calibration, rubric: Rubric, fingerprint: str, signature: str, *, force: bool = False
) -> Vouching:
    """See what a card says of the verdicts of a judge.

    Parameters
    ----------
    rubric, fingerprint, signature
        Of the judge at hand.
    force : bool
        Take a card that does not hold, or advises against the judge; the state says so.

    Raises
    ------
    StaleError
        If the card is of another rubric or judge, or has gone stale.
    UsageError
        If the card says not to use this judge.
    """
    stale = differs(card, rubric, fingerprint, signature) or card.stale
    if stale and not force:
        raise StaleError(
            f"the card is stale: {stale}; calibrate again, or --force (force=True) and have every "
            "verdict marked"
        )
    if card.decision.verb == "reject" and not force:
        raise UsageError(
            f"the card advises against this judge: {card.decision.sentence} Use another, or "
            "--force it (force=True)"
        )
    state = "stale" if stale else "calibrated" if card.decision.verb in VOUCHED else "none"
    return Vouching(rubric, state, {} if state == "none" else _offered(card, rubric), _whole(card))


def differs(card: Calibration, rubric: Rubric, fingerprint: str, signature: str) -> str:
    """Say in what a judge is not the one of the card; empty if it is."""
    if card.digests["rubric"] != rubric.digest:
        mine, now = card.digests["criteria"], rubric.criterion_digests
        names = [name for name in {**mine, **now} if mine.get(name) != now.get(name)]
        what = ", ".join(names) or "what passes, how criteria combine, or the examples"
        return (
            f"it was made for {card.rubric} ({card.digests['rubric'][:19]}), this is {rubric.reference} "
            f"({rubric.digest[:19]}); what differs: {what}"
        )
    if card.fingerprint != fingerprint:
        apart = "" if card.signature != signature else ", which differ in settings of the model"
        return (
            f"it vouches for {card.signature} ({card.fingerprint[:19]}), not for {signature} "
            f"({fingerprint[:19]}){apart}"
        )
    return ""


def _offered(card: Calibration, rubric: Rubric) -> dict[str, Recalibration]:
    """Give the recalibrations that hold for questions of a rubric; under --force some may be others."""
    asked = {question.name: question for question in questions(rubric)}
    now, before = rubric.criterion_digests, card.digests["criteria"]
    return {
        result.name: result.recalibration
        for result in card.results
        if result.recalibration is not None
        and result.recalibration.offered
        and result.name in asked
        and result.scale == asked[result.name].criterion.scale
        and before.get(result.name) == now.get(result.name)
    }


def _whole(card: Calibration) -> str:
    """Name the result that is about the item as a whole."""
    last = card.results[-1].name
    return last if len(card.results) == 1 or last == OVERALL else ""
