"""How the labelled items were chosen from a batch, and how many items each of them stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from judgekit._text import plural
from judgekit.calibration.batch import Floats, GradedBatch, Ints
from judgekit.calibration.strata import chances_of, strata_of
from judgekit.errors import InputError, Problem, UsageError
from judgekit.labels import DESIGNS, Label, LabelSet

UNKNOWN = "unknown"
DEVELOPMENT = "development"
GIANT = 10  # batches that no one label stands for
OFF = 0.5  # of the batch, by which the sum of 1/probability may miss its size without a word


@dataclass(frozen=True)
class Drawn:
    """The sampling design of a label set.

    Attributes
    ----------
    design : str
        ``random``, ``stratified``, ``probability``, ``external`` or ``unknown``.
    probability : dict of str to float
        By id, with which each labelled item was drawn; empty for other designs.
    stratum : ndarray of int, shape (N,), or None
        Stratum of each item of the batch, for a stratified design.
    notes : tuple of str
    """

    design: str
    probability: Mapping[str, float] = field(default_factory=dict)
    stratum: Ints | None = None
    notes: tuple[str, ...] = ()

    @property
    def of_batch(self) -> bool:
        """Whether the labels speak of the rates of this batch."""
        return self.design not in (UNKNOWN, "external")

    def chances(self, ids: Sequence[str]) -> Floats | None:
        """Give the probability of each labelled item, where the design has one."""
        return np.array([self.probability[key] for key in ids]) if self.probability else None


def represented(probability: Floats | None, stratum: Ints | None, labelled: Ints) -> Floats | None:
    """Give how many items of the batch each labelled one stands for; None where all stand for as many.

    Parameters
    ----------
    probability : ndarray of float, shape (n,), or None
    stratum : ndarray of int, shape (N,), or None
    labelled : ndarray of int, shape (n,)
        Positions in the batch.
    """
    if probability is not None:
        return 1 / probability
    if stratum is None:
        return None
    sizes = np.bincount(stratum)
    drawn = np.bincount(stratum[labelled], minlength=sizes.size)
    return np.asarray((sizes / np.maximum(drawn, 1))[stratum[labelled]])


def drawn(stated: str | None, labels: LabelSet, batch: GradedBatch) -> Drawn:
    """Settle how the labelled items were chosen: as stated, else as the labels say, else unknown.

    Raises
    ------
    UsageError
        If there is no such design, labels and statement contradict each other, a stratum or a probability is
        missing, or labels that tuned the rubric are to correct a rate.
    """
    design, notes = _design(stated, labels, batch)
    if design != UNKNOWN:
        _refuse_development(labels)
    elif tuned := _tuned(labels):
        notes = [*notes, f"{tuned} with the role development: what tuned the rubric flatters its judge"]
    if design == "probability":
        chances = _chances(labels)
        _refuse_giants(labels, len(batch.ids))
        return Drawn(design, chances, notes=(*notes, *_sum_off(chances, len(batch.ids))))
    if design == "stratified":
        return _by_stratum(labels, batch, tuple(notes))
    return Drawn(design, notes=tuple(notes))


def _design(stated: str | None, labels: LabelSet, batch: GradedBatch) -> tuple[str, list[str]]:
    found = labels.said("design")
    if stated is None and len(found) > 1:
        raise UsageError(
            f"the labels state several designs ({', '.join(sorted(found))}); state one: --design"
        )
    design = stated or next(iter(found), UNKNOWN)
    if design not in (*DESIGNS, UNKNOWN):
        raise UsageError(f"there is no design {design!r}; known: {', '.join((*DESIGNS, UNKNOWN))}")
    if design in (UNKNOWN, "external"):
        return design, []
    if other := sorted(found - {design}):
        raise UsageError(f"the labels say that they were drawn as {', '.join(other)}, not as {design}")
    if design == "random" and stated is None:
        _refuse_unequal(labels)
    frames = [label.frame for label in labels.labels if label.frame is not None]
    elsewhere = any(frame.get("digest") != batch.frame["digest"] for frame in frames)
    strange = f"the labels were drawn from other items than {batch.name}"
    if stated is not None:
        return design, [f"{strange}; they count as a {design} draw of it because you say so"] * elsewhere
    why = f"{strange}, so they give agreement only" if elsewhere else _strays(labels)
    if why:
        return UNKNOWN, [f"{why}; if all are one {design} draw all the same, state --design {design}"]
    return design, []


def _refuse_unequal(labels: LabelSet) -> None:
    """Raise InputError where labels are called a random draw, and other columns say that they are none."""
    for name, allowed in (
        ("stratum", 0),
        ("probability", 1),
    ):  # one stratum is a part, one chance is no fault
        first: dict[str | float, Label] = {}
        for label in labels.labels:
            if value := getattr(label, name):
                first.setdefault(value, label)
        if len(first) <= allowed:
            continue
        said = ", ".join(f"{value!r} for id {one.id!r}" for value, one in list(first.items())[:2])
        message = (
            f"the design is random, and {name} is {said}; correct the design, or, if each item had the same "
            "chance all the same, state --design random"
        )
        raise InputError(
            [Problem(message, one.source or "labels", one.line, name) for one in list(first.values())[:2]]
        )


def _strays(labels: LabelSet) -> str:
    """Say how many labelled items were not drawn with the others."""
    stray = len(set(labels.ids) - {label.id for label in labels.labels if label.design})
    if not stray:
        return ""
    return f"{stray} of {plural(len(labels.ids), 'labelled item')} state no design, so agreement only"


def _tuned(labels: LabelSet) -> str:
    """Count the labels that tuned the rubric; empty if there are none."""
    tuned = sum(label.role == DEVELOPMENT for label in labels.labels)
    return plural(tuned, "label") if tuned else ""


def _refuse_development(labels: LabelSet) -> None:
    if tuned := _tuned(labels):
        raise UsageError(
            f"{tuned} with the role development: what tuned the rubric cannot correct its judge; label other "
            "items, or state --design unknown and read the agreement only"
        )


def _chances(labels: LabelSet) -> dict[str, float]:
    """Give the probability of each labelled item."""
    found: dict[str, float] = {}
    problems = []
    for label in labels.labels:
        if label.probability is None:
            continue
        if found.setdefault(label.id, label.probability) != label.probability:
            other = f"{found[label.id]:g}, and here {label.probability:g}"
            said = f"id {label.id!r} was drawn with probability {other}"
            problems.append(Problem(said, label.source or "labels", label.line, "probability"))
    without = [key for key in labels.ids if key not in found]
    if without:
        raise UsageError(
            f"{plural(len(without), 'labelled item')} without a probability (first: {without[0]!r}); a "
            "sample drawn with known probabilities needs each one's: judgekit plan writes them into the sheet"
        )
    if problems:
        raise InputError(problems)
    return found


def _refuse_giants(labels: LabelSet, size: int) -> None:
    """Raise InputError where one label alone stands for many times the batch."""
    problems = [
        Problem(
            f"id {label.id!r} was drawn with probability {label.probability:g}, so it stands for "
            f"{1 / label.probability:,.0f} items of a batch of {size:,}; is that of this draw?",
            label.source or "labels", label.line, "probability",
        )
        for label in labels.labels
        if label.probability is not None and label.probability * size * GIANT < 1
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _sum_off(chances: Mapping[str, float], size: int) -> list[str]:
    total = sum(1 / chance for chance in chances.values())
    if abs(total - size) <= OFF * size:
        return []
    return [
        f"the labelled items stand for {total:,.0f} items by their probabilities, the batch has {size:,}: "
        "are these the probabilities of this draw, and is the whole sheet labelled?"
    ]


def _by_stratum(labels: LabelSet, batch: GradedBatch, notes: tuple[str, ...]) -> Drawn:
    """Find the strata again; by other verdicts, give what each label stands for."""
    try:
        return Drawn("stratified", stratum=_strata(labels, batch), notes=notes)
    except UsageError:
        frames = [label.frame for label in labels.labels if label.frame is not None]
        if batch.strata is not None or not frames or frames[0].get("digest") != batch.frame["digest"]:
            raise
    said = "strata made by other verdicts than these: each label counts by the share of its stratum labelled"
    return Drawn("probability", chances_of(labels), notes=(*notes, said))


def _strata(labels: LabelSet, batch: GradedBatch) -> Ints:
    """Give the stratum of each item of the batch: of the column that was named, or as the plan made them."""
    names = np.array(batch.strata) if batch.strata is not None else strata_of(batch, labels)
    codes = np.unique(names, return_inverse=True)[1].astype(np.intp)
    problems = [
        Problem(
            f"id {label.id!r} was drawn from stratum {label.stratum!r}, and stands in {str(names[place])!r}",
            label.source or "labels", label.line, "stratum",
        )
        for label in labels.labels
        if label.stratum and label.stratum != names[place := batch.position[label.id]]
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    places = [batch.position[key] for key in labels.ids]
    empty = np.flatnonzero(np.bincount(codes[places], minlength=int(codes.max()) + 1) == 0)
    if empty.size:
        name = names[np.flatnonzero(codes == empty[0])[0]]
        raise UsageError(f"no item of stratum {name!s} is labelled; label at least one, and better ten")
    return codes
