"""Strata by verdict: which there are, what a sheet says of them, and how they are found again.

A rater must not see what the judge said, so a sheet names strata ``s1``, ``s2``, … in shuffled order, keeps
the rule that made them, not their meaning, and shows neither to the eye. With the graded rows at hand the
rule gives them again; a digest shows whether the verdicts are still the same.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit._digest import digest
from judgekit.calibration.batch import GradedBatch, Ints, Question, questions
from judgekit.errors import InputError, Problem, UsageError
from judgekit.labels import Label, LabelSet
from judgekit.rubric import OVERALL, Rubric
from judgekit.stats.cells import judge_partition

RULES = ("verdict", "flagged")
BINS = 5


@dataclass(frozen=True)
class Strata:
    """The strata of a batch.

    Attributes
    ----------
    by, rule : str
        Question whose verdicts make them; each answer is one, or each fifth of a numeric scale
        (``verdict``), or what the judge fails and the rest (``flagged``).
    codes : ndarray of int, shape (N,)
        Of each item, counted from 0.
    names : tuple of str, length H
        What a sheet calls them.
    """

    by: str
    rule: str
    codes: Ints
    names: tuple[str, ...]

    @property
    def sizes(self) -> Ints:
        """Items of each, shape (H,)."""
        return np.bincount(self.codes, minlength=len(self.names))

    def of_items(self) -> NDArray[np.str_]:
        """Name of the stratum of each item, shape (N,)."""
        return np.array(self.names)[self.codes]

    def frame(self, batch: GradedBatch) -> dict[str, Any]:
        """Describe batch and strata for a sheet, without saying what they mean."""
        sizes = dict(sorted(zip(self.names, self.sizes.tolist(), strict=True)))
        made = {"by": self.by, "rule": self.rule, "partition": _partition(batch, self.codes)}
        return {**batch.frame, "strata": sizes, **made}


def question_of(rubric: Rubric, name: str | None = None) -> Question:
    """Give the question of a name; unnamed, the item as a whole, or the first criterion if there is none.

    Raises
    ------
    UsageError
        If the rubric has no such question.
    """
    asked = {question.name: question for question in questions(rubric)}
    if name is None:
        return asked.get(OVERALL) or next(iter(asked.values()))
    if name not in asked:
        raise UsageError(f"{name!r} is not a criterion of {rubric.name} ({', '.join(asked)})")
    return asked[name]


def strata_by(batch: GradedBatch, by: str, rule: str, rng: np.random.Generator) -> Strata:
    """Make strata of a batch, with names in random order.

    Raises
    ------
    UsageError
        If the question has no pass, and items are to be flagged.
    """
    codes = _codes(batch, by, rule)
    order = rng.permutation(int(codes.max()) + 1)
    return Strata(by, rule, codes, tuple(f"s{place + 1}" for place in order))


def _codes(batch: GradedBatch, by: str, rule: str) -> Ints:
    answers = batch.answers[by]
    if rule == "flagged":
        if not np.isfinite(answers.passes).any():
            raise UsageError(f"{by} says of no item whether it passes, so none is flagged as a failure")
        kinds = np.where(answers.passes == 0, 0, 1)
    else:
        kinds = answers.codes.copy()
        number = (kinds < 0) & ~np.isnan(answers.scores)
        if number.any():
            scores = np.where(number, answers.scores, np.nan)
            bins = judge_partition(scores, scores[:0], at_most=BINS, bins=BINS).codes()
            kinds = np.where(number, kinds.max(initial=0) + 1 + bins, kinds)
    return np.unique(kinds, return_inverse=True)[1].astype(np.intp)


def _partition(batch: GradedBatch, codes: Ints) -> str:
    """Digest of which items are together."""
    together: list[list[str]] = [[] for _ in range(int(codes.max()) + 1)]
    for identity, code in zip(batch.ids, codes, strict=True):
        together[code].append(identity)
    return str(digest([sorted(ids) for ids in together]))


def strata_of(batch: GradedBatch, labels: LabelSet) -> NDArray[np.str_]:
    """Stratum of each item of a batch, as the sheets of these labels name them.

    Parameters
    ----------
    batch : GradedBatch
        With the verdicts that the labelled items were drawn by.
    labels : LabelSet
        Drawn by `judgekit plan --draw stratified` or `rare`.

    Returns
    -------
    ndarray of str, shape (N,)
        In the order of the batch. A stratum may have no label.

    Raises
    ------
    UsageError
        If the batch holds other items, or other verdicts on them.
    InputError
        If a label lacks its stratum or frame, or states one that cannot be.
    """
    return found_strata(batch, labels).of_items()


def chances_of(labels: LabelSet) -> dict[str, float]:
    """Give, by id, the share of its stratum that was labelled with each item: n_h/N_h by the sheets' sizes.

    For a batch by other verdicts, such as of another judge: what strata its items without a label were in
    cannot be found, and the labels are a sample with known probabilities all the same.

    Raises
    ------
    UsageError
        If the labels were drawn by several sets of strata.
    InputError
        If a label lacks its stratum or frame.
    """
    sizes = _one_frame(labels)["strata"]
    stratum = {label.id: label.stratum for label in labels.labels}
    drawn = Counter(stratum.values())
    return {key: min(drawn[name] / sizes[name], 1.0) for key, name in stratum.items()}


def found_strata(batch: GradedBatch, labels: LabelSet) -> Strata:
    """Make the strata of earlier sheets again; errors as `strata_of`."""
    frame = _one_frame(labels)
    if frame.get("digest") != batch.frame["digest"]:
        raise UsageError(f"the labels were drawn by strata of other items than {batch.name} holds")
    by, rule, sizes = frame["by"], frame["rule"], frame["strata"]
    if by not in batch.answers or rule not in RULES:
        raise UsageError(
            f"the labels were drawn by {rule} of {by}, which {batch.rubric.reference} does not have"
        )
    codes = _codes(batch, by, rule)
    if _partition(batch, codes) != frame["partition"]:
        raise UsageError(
            f"the labels were drawn by other verdicts on {by} than {batch.name} holds (another judge, or "
            "graded again); calibrate the graded file that the sheet was drawn from"
        )
    strata = Strata(by, rule, codes, _names(batch, labels, codes, list(sizes)))
    if strata.frame(batch)["strata"] != sizes:
        raise InputError(
            [Problem("states sizes of strata that do not fit its labels", "labels", field="frame")]
        )
    return strata


def _one_frame(labels: LabelSet) -> dict[str, Any]:
    frames: list[dict[str, Any]] = []
    for label in labels.labels:
        frame = label.frame or {}
        if (
            not label.stratum
            or not isinstance(frame.get("strata"), dict)
            or {"by", "rule", "partition"} - set(frame)
        ):
            raise InputError([_wrong(label, "has no stratum, or no frame that says how strata were made")])
        if label.stratum not in frame["strata"]:
            raise InputError([_wrong(label, f"has the stratum {label.stratum!r}, which its frame does not")])
        if frame not in frames:
            frames.append(frame)
    if len(frames) != 1:
        raise UsageError("the labels were drawn by several sets of strata; calibrate each set by itself")
    return frames[0]


def _names(batch: GradedBatch, labels: LabelSet, codes: Ints, named: list[str]) -> tuple[str, ...]:
    """Find the name of each stratum: its labelled items have it; one without labels gets one left over."""
    found: dict[int, str] = {}
    for label in labels.labels:
        if label.id not in batch.position:
            continue
        code = int(codes[batch.position[label.id]])
        if found.setdefault(code, label.stratum) != label.stratum:
            raise InputError(
                [_wrong(label, f"has another stratum than other items of its kind ({found[code]})")]
            )
    sizes = np.bincount(codes)
    left = [name for name in named if name not in found.values()]
    frame = next(label.frame for label in labels.labels if label.frame)
    for code in (code for code in range(sizes.size) if code not in found):
        same = [name for name in left if frame["strata"][name] == sizes[code]]
        if not same:
            raise InputError(
                [Problem("states sizes of strata that do not fit its labels", "labels", field="frame")]
            )
        found[code] = same[0]
        left.remove(same[0])
    return tuple(found[code] for code in range(sizes.size))


def _wrong(label: Label, what: str) -> Problem:
    return Problem(f"the label of {label.id!r} {what}", label.source or "labels", label.line)
