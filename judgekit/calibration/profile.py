"""What a card remembers of the batch it was made on, and what is different in another: counts, no texts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, GradedBatch, Question, questions
from judgekit.calibration.writing import language_detector, script_of
from judgekit.files.graded import GradedRow
from judgekit.files.items import Columns
from judgekit.item import field_text
from judgekit.rubric import Rubric
from judgekit.verdict import ABSTAINED, OK

SAMPLED = 2_000  # items whose texts are told apart by language and writing system
BINS_PER_DOUBLING = 4  # of lengths: a bin is 19 % wide
NUMBER = "a number"

Counts = dict[str, int]


@dataclass(frozen=True)
class FieldProfile:
    """One field of the rubric, as a batch has it.

    Attributes
    ----------
    given : int
        Items that have it.
    lengths : dict of str to int
        Items by length in characters: bin k holds 2^(k/4) − 1 up to 2^((k+1)/4) − 1.
    scripts, languages : dict of str to int
        Items of a sample by writing system and by ISO 639 code; without languages where none were told.
    """

    given: int = 0
    lengths: Counts = field(default_factory=dict)
    scripts: Counts = field(default_factory=dict)
    languages: Counts = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """What a batch is like.

    Attributes
    ----------
    items : int
    failed : int
        Items without an answer to some question, because the judge was not reached or not understood.
    levels : dict of str to dict of str to int
        Question to the judge's answers.
    scores : dict of str to dict of str to int
        Question answered by a number to its scores in hundredths, ``"0"`` to ``"100"``.
    fields : dict of str to FieldProfile
        Empty where the rows came without their items.
    rows : int
        Items whose fields were seen.
    detector : str
        What told languages, with its version; empty if nothing did.
    """

    items: int
    failed: int
    levels: dict[str, Counts]
    scores: dict[str, Counts]
    fields: dict[str, FieldProfile] = field(default_factory=dict)
    rows: int = 0
    detector: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**vars(self), "fields": {name: dict(vars(one)) for name, one in self.fields.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Profile":
        """Read what `to_dict` wrote."""
        fields = {name: FieldProfile(**one) for name, one in data["fields"].items()}
        return cls(**{**data, "fields": fields})


def graded_columns(manifest: Mapping[str, Any]) -> tuple[Columns, frozenset[str]]:
    """Say how columns of graded rows become fields again, and which fields all items had in common."""
    recorded = manifest.get("columns") or {}
    constant = frozenset(recorded.get("set") or ())
    renamed = {name: column for name, column in (recorded.get("map") or {}).items() if name not in constant}
    source = str((manifest.get("input") or {}).get("name")).lower()
    return Columns(renamed=renamed, blank_is_absent=source.endswith((".csv", ".tsv"))), constant


def profile_of(batch: GradedBatch, rows: Iterable[GradedRow] = ()) -> Profile:
    """Count what a batch is like.

    Parameters
    ----------
    batch : GradedBatch
        The verdicts.
    rows : iterable of GradedRow
        The same rows once more, one at a time, for the fields of their items; a field that `--set` made the
        same for every item is left out.

    Returns
    -------
    Profile
        Languages and writing systems of at most 2,000 items, the same each time.
    """
    levels: dict[str, Counts] = {}
    scores: dict[str, Counts] = {}
    for question in questions(batch.rubric):
        answers = batch.answers[question.name]
        levels[question.name] = _answers(question, answers)
        if question.criterion.range is not None:
            known = answers.scores[~np.isnan(answers.scores)]
            scores[question.name] = _tally(np.round(known * 100).astype(int).tolist())
    columns, constant = graded_columns(batch.manifest)
    detector = language_detector()
    tallies = {name: _FieldTally(name) for name in batch.rubric.inputs if name not in constant}
    seen = _read_fields(rows, batch.rubric, columns, tallies, _sample(len(batch.ids)))
    found = {name: tally.profile() for name, tally in tallies.items()} if seen else {}
    told = detector[0] if seen and detector is not None else ""
    return Profile(len(batch.ids), _failures(batch), levels, scores, found, seen, told)


def _answers(question: Question, answers: Answers) -> Counts:
    """Count the levels and what else a judge may answer; a number is one answer."""
    named = [question.cell_names[code] for code in answers.codes[answers.codes >= 0].tolist()]
    numbers = int(np.count_nonzero(answers.answered & (answers.codes < 0)))
    return _tally([*named, *[NUMBER] * numbers])


def _failures(batch: GradedBatch) -> int:
    """Count the items on which some answer is missing that the judge did not withhold."""
    failed = np.zeros(len(batch.ids), bool)
    for answers in batch.answers.values():
        failed |= np.array([state not in (OK, ABSTAINED) for state in answers.states], bool)
    return int(failed.sum())


def _tally(values: Iterable[object]) -> Counts:
    return dict(sorted(Counter(map(str, values)).items()))


def _sample(total: int) -> set[int] | None:
    """Places whose texts are looked at closely; None for all."""
    if total <= SAMPLED:
        return None
    return set(np.random.default_rng(0).choice(total, SAMPLED, replace=False).tolist())


def _read_fields(
    rows: Iterable[GradedRow],
    rubric: Rubric,
    columns: Columns,
    tallies: Mapping[str, "_FieldTally"],
    sample: set[int] | None,
) -> int:
    seen = 0
    for place, row in enumerate(rows):
        if row.columns is None:
            continue
        seen += 1
        for name, value in columns.fields(row.columns, rubric).items():
            if name in tallies:
                tallies[name].add(value, sample is None or place in sample)
    return seen


class _FieldTally:
    """Counts one field over the items of a batch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given = 0
        self.lengths: Counter[int] = Counter()
        self.scripts: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()

    def add(self, value: Any, closely: bool) -> None:
        self.given += 1
        self.lengths[int(BINS_PER_DOUBLING * log2(len(field_text(self.name, value)) + 1))] += 1
        text = prose(value) if closely else ""
        if text:
            self.scripts[script_of(text)] += 1
            if (detector := language_detector()) is not None:
                self.languages[detector[1](text)] += 1

    def profile(self) -> FieldProfile:
        return FieldProfile(
            self.given, _tally_of(self.lengths), _tally_of(self.scripts), _tally_of(self.languages)
        )


def _tally_of(counts: Mapping[Any, int]) -> Counts:
    return {str(key): counts[key] for key in sorted(counts)}


def prose(value: Any) -> str:
    """Give what people wrote in a field: its text, its texts, or what the steps of a conversation say."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list | tuple):
        return ""
    said = (step.get("content") if isinstance(step, Mapping) else step for step in value)
    return "\n".join(one for one in said if isinstance(one, str))
