"""The people behind the labels: whether a judge could take their place, and how far each can be relied on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Answers, Floats, Ints, Question
from judgekit.calibration.human import HumanAnswers
from judgekit.calibration.rater_answers import (
    DAWID_SKENE,
    LEAST_RATERS,
    RaterScale,
    asked_labels,
    fitted,
    is_final,
    rater_table,
    too_few,
)
from judgekit.calibration.tie_breakers import without
from judgekit.labels import ADJUDICATED, LabelSet, raters_of
from judgekit.rubric import OVERALL, Rubric
from judgekit.stats.alternative_annotator import AltTest, alternative_annotator
from judgekit.stats.estimate import Estimate
from judgekit.stats.rater_standing import CLOSE, Consistency, Standing, rater_standing, repeat_consistency

APART = 0.05
NAMED = 5
UNMEASURED = "No repeated or doubly labelled items: label noise is not measured."


@dataclass(frozen=True)
class RaterReport:
    """What the labels of one question say of those who gave them; it holds nobody's name.

    Attributes
    ----------
    raters : tuple of int
        Who answered the question, by place: rater 1 is the first to appear in the label file.
    doubled : int
        Items that two or more of them answered.
    differing : int
        … not alike (numbers: more than a tenth of the range apart).
    adjudicated : int
        … with an adjudicated label.
    split : int
        Items without a human answer, because raters differ.
    alternative : AltTest or None
        The judge in a rater's place; None where no item has two raters.
    standing : tuple of Standing
        Each of `raters` beside the others; empty below three.
    repeats : Consistency or None
        All repeats together; None if nobody was asked again, and for the item as a whole.
    repeats_by_rater : tuple of Consistency or None
        Those of each of `raters`.
    noise : Estimate
        Share of single labels that are wrong, if raters err independently of each other.
    asked_later : tuple of int
        Those of `raters` who were asked where others differ: not part of `alternative` and `standing`.
    """

    raters: tuple[int, ...]
    doubled: int
    differing: int
    adjudicated: int
    split: int
    alternative: AltTest | None
    standing: tuple[Standing, ...]
    repeats: Consistency | None
    repeats_by_rater: tuple[Consistency | None, ...]
    noise: Estimate
    asked_later: tuple[int, ...] = ()

    @property
    def apart(self) -> tuple[int, ...]:
        """Places of the raters who agree less with the others than those do with each other (Holm, .05)."""
        return tuple(
            place
            for place, one in zip(self.raters, self.standing or (), strict=bool(self.standing))
            if one.adjusted <= APART
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        found = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        if not self.asked_later:
            del found["asked_later"]
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RaterReport":
        """Read what `to_dict` gave."""
        alternative, repeats = data["alternative"], data["repeats_by_rater"]
        return cls(
            tuple(data["raters"]),
            data["doubled"],
            data["differing"],
            data["adjudicated"],
            data["split"],
            None if alternative is None else AltTest.from_dict(alternative),
            tuple(Standing(**_estimates(one)) for one in data["standing"]),
            _consistency(data["repeats"]),
            tuple(_consistency(one) for one in repeats),
            Estimate.from_dict(data["noise"]),
            tuple(data.get("asked_later", ())),
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate | AltTest):
        return value.to_dict()
    if isinstance(value, Standing | Consistency):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value


def _estimates(data: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: nan if value is None else value for name, value in data.items()}
    return {k: Estimate.from_dict(v) if isinstance(v, Mapping) else v for k, v in plain.items()}


def _consistency(data: Mapping[str, Any] | None) -> Consistency | None:
    return None if data is None else Consistency(**_estimates(data))


def rater_report(
    labels: LabelSet,
    question: Question,
    rubric: Rubric,
    people: HumanAnswers,
    judge: Answers,
    labelled: Ints,
    group: Ints | None = None,
    *,
    epsilon: float = 0.1,
) -> RaterReport:
    """Say of the raters of one question how they stand to each other, to the judge and to themselves.

    Parameters
    ----------
    labels : LabelSet
        Those that `people` was made from.
    question : Question
    rubric : Rubric
    people : HumanAnswers
        Of n items.
    judge : Answers
        Of all N items of the batch.
    labelled : ndarray of int, shape (n,)
        Positions of the n items in the batch.
    group : ndarray of int, shape (N,), optional
        Group of each item of the batch.
    epsilon : float
        Of the alternative annotator test.

    Returns
    -------
    RaterReport
    """
    scale = RaterScale(question)
    places, table = rater_table(labels, question, rubric, people.ids)
    table, answers = scale.kept(table), scale.kept(scale.of_judge(judge)[labelled])
    groups = None if group is None else group[labelled]
    given = ~np.isnan(table) if scale.numeric else table >= 0
    doubled = given.sum(axis=1) >= 2
    differing = doubled & (_spread(table, given) > (CLOSE + 1e-12 if scale.numeric else 0))
    final = {one.id for one in asked_labels(labels, question) if is_final(one)}
    options: dict[str, Any] = {**scale.options, "group": groups}
    repeats = _repeats(labels, question, scale)
    names = raters_of(labels.labels)
    later = tuple(place for place in places if names[place - 1] in people.tie_breakers)
    apart = without(table, np.isin(places, later))
    return RaterReport(
        places,
        int(doubled.sum()),
        int(differing.sum()),
        sum(key in final for key, unlike in zip(people.ids, differing, strict=True) if unlike),
        people.counts["split"],
        alternative_annotator(answers, apart, epsilon=epsilon, **options) if doubled.any() else None,
        rater_standing(apart, **options) if len(places) - len(later) >= LEAST_RATERS else (),
        _consistent([one for found in repeats.values() for one in found], scale),
        tuple(_consistent(repeats.get(place, []), scale) for place in places),
        _noise(table, scale),
        later,
    )


def _spread(table: Any, given: NDArray[np.bool_]) -> Floats:
    """Distance between the two answers of an item that are furthest apart."""
    top, bottom = (np.where(given, table, aside) for aside in (-np.inf, np.inf))
    return np.asarray(top.max(axis=1, initial=-np.inf) - bottom.min(axis=1, initial=np.inf), float)


def _repeats(
    labels: LabelSet, question: Question, scale: RaterScale
) -> dict[int, list[tuple[str, float, float]]]:
    """Give, by the rater's place, what they answered at first and when asked again."""
    if question.name == OVERALL:
        return {}
    place = {rater: n for n, rater in enumerate(raters_of(labels.labels), 1)}
    asked = [one for one in asked_labels(labels, question) if one.rater != ADJUDICATED]
    first = {(one.id, one.rater): one for one in asked if not one.repeat}
    found: dict[int, list[tuple[str, float, float]]] = {}
    for one in asked:
        before = first.get((one.id, one.rater))
        if one.repeat and before is not None:
            pair = (one.id, scale.value(before.answer), scale.value(one.answer))
            found.setdefault(place[one.rater], []).append(pair)
    return found


def _consistent(pairs: list[tuple[str, float, float]], scale: RaterScale) -> Consistency | None:
    """Measure repeats, each an item with its first answer and its second."""
    if not pairs:
        return None
    keys, *both = zip(*pairs, strict=True)
    first, again = (np.array(side, float) for side in both)
    if not scale.numeric:
        first, again = (scale.kept(side.astype(np.intp)) for side in (first, again))
    # whoever is asked about the same item meets the same difficulty
    group = keys if len(set(keys)) < len(keys) else None
    options = scale.options | {"levels": scale.used(np.append(first, again))}
    return repeat_consistency(first, again, group=group, **options)


def _noise(table: Any, scale: RaterScale) -> Estimate:
    why = too_few(table, scale)
    if why:
        return Estimate.undefined(why, method=DAWID_SKENE)
    found = fitted(table, scale)
    note = "if raters err independently of each other"
    return Estimate(found.noise, n=int((found.answer >= 0).sum()), method=DAWID_SKENE, note=note)


def rater_lines(report: RaterReport) -> list[str]:
    """Say it in at most five sentences for people who label nothing themselves."""
    if not report.doubled and report.repeats is None:
        return [UNMEASURED]
    found = [
        _place_line(report),
        _later_line(report),
        _apart_line(report),
        _repeat_line(report),
        _noise_line(report),
    ]
    return [line for line in found if line]


def _place_line(report: RaterReport) -> str:
    test = report.alternative
    if test is None or len(report.asked_later) == len(report.raters):
        return ""
    head = "A judge in a rater's place:"
    if test.passed is None:
        return f"{head} not tested, as {test.note.split('; ')[0]}."
    does, weak = "passes" if test.passed else "fails", "; weak with two raters" if test.tested == 2 else ""
    won = f"wins against {test.wins} of {test.tested} raters{weak}"
    return f"{head} {does} the alternative-annotator test at ε {test.epsilon:g} ({won})."


def _later_line(report: RaterReport) -> str:
    later = report.asked_later
    if not later:
        return ""
    if len(later) == len(report.raters):
        return "Raters were asked where others differ, so nothing is known of how far they agree."
    which = f" ({', '.join(map(str, later))})" if len(later) <= NAMED else ""
    who = (
        f"Rater {later[0]} was"
        if len(later) == 1
        else f"{len(later)} of {len(report.raters)} raters{which} were"
    )
    left = "is" if len(later) == 1 else "are"
    return f"{who} asked where others differ, and {left} left out of what raters say of each other."


def _apart_line(report: RaterReport) -> str:
    apart = report.apart
    if not apart:
        return ""
    beside = dict(zip(report.raters, report.standing, strict=True))
    worst = min(apart, key=lambda place: beside[place].difference.value)
    own, others = (100 * one.value for one in (beside[worst].with_others, beside[worst].among_others))
    who = f"Rater {worst} stands apart"
    if len(apart) > 1:
        which = f" ({', '.join(map(str, apart))})" if len(apart) <= NAMED else ""
        who = f"{len(apart)} of {len(report.raters)} raters stand apart{which}, rater {worst} the most"
    return f"{who}: agrees with the others on {own:.0f} % where they agree with each other on {others:.0f} %."


def _repeat_line(report: RaterReport) -> str:
    from judgekit.calibration.text import plural, share

    if report.repeats is None or not report.repeats.same.defined:
        return ""
    same = report.repeats.same
    return f"Asked again, raters gave the same answer on {share(same)} of {plural(same.n, 'repeat')}."


def _noise_line(report: RaterReport) -> str:
    from judgekit.calibration.text import plural

    if report.noise.defined:
        return (
            f"About {100 * report.noise.value:.0f} % of single labels are wrong, if raters err independently."
        )
    if not report.doubled:
        return ""
    settled = f"; an adjudicated label settles {report.adjudicated} of them" if report.adjudicated else ""
    return (
        f"Raters differ on {report.differing} of {plural(report.doubled, 'item')} that two answered{settled}."
    )
