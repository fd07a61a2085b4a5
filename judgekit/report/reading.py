"""The second pass over the graded rows: the few that the page shows in full, and what the run took."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from judgekit.batch.steadiness import Steadiness
from judgekit.files.graded import GradedRow
from judgekit.files.items import Columns
from judgekit.item import field_text
from judgekit.labels import Label, LabelSet
from judgekit.report.disagreements import Disagreement, Said
from judgekit.rubric import Rubric
from judgekit.verdict import ABSTAINED, ANSWERS, Finding

# Characters: what is shown without a click, what begins a longer text, and where any text is cut.
WHOLE, BEGINNING, CUT = 600, 280, 4000
SMALL = 200
SHOWN_FAILURES = 200

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Excerpt:
    """A text as shown: whole if it is short, else its beginning, with the rest (up to a limit) to unfold.

    Attributes
    ----------
    head : str
    body : str or None
        The text again, as far as the page holds it; None if `head` is all.
    length : int
        Characters of the original.
    """

    head: str
    body: str | None
    length: int

    @property
    def lost(self) -> bool:
        """Whether the page holds only a part."""
        return self.body is not None and self.length > len(self.body)


def excerpt(text: str) -> Excerpt:
    """Cut a text for the page."""
    if len(text) <= WHOLE:
        return Excerpt(text, None, len(text))
    return Excerpt(text[:BEGINNING], text[:CUT], len(text))


def small(text: str) -> str:
    """Cut a text that has to fit a line."""
    return text if len(text) <= SMALL else text[:SMALL] + "…"


@dataclass(frozen=True)
class Quote:
    """A quote that the judge gave as evidence, and whether it stands in the field it names."""

    field: str
    text: Excerpt
    found: bool


@dataclass(frozen=True)
class Opinion:
    """One question on one item: both answers, the judge's reasons, what each rater said."""

    said: Said
    explanation: Excerpt | None
    quotes: tuple[Quote, ...]
    raters: tuple[tuple[str, str, Excerpt], ...]


@dataclass(frozen=True)
class Shown:
    """One item as the page shows it.

    Attributes
    ----------
    fields : tuple
        What the rubric looks at, by name.
    """

    anchor: str
    id: str
    opinions: tuple[Opinion, ...]
    agrees: tuple[Said, ...]
    fields: tuple[tuple[str, Excerpt], ...]
    omitted: bool


@dataclass
class Reading:
    """What one pass over the rows gathers.

    Attributes
    ----------
    failures : list of tuple
        Id, status and message of the first rows without an answer.
    latencies : array of float
        Seconds, one for each row that took any.
    trials : list of (str, bool or None)
        Task and outcome of each row that names its task.
    """

    shown: dict[str, Shown] = field(default_factory=dict)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    abstained: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    attempts: int = 0
    cached: int = 0
    steadiness: Steadiness = field(default_factory=Steadiness)
    trials: list[tuple[str, bool | None]] = field(default_factory=list)

    def add(self, row: GradedRow) -> None:
        """Count one row."""
        verdict = row.verdict
        self.statuses[verdict.status] += 1
        self.attempts += verdict.attempts
        self.cached += verdict.cached
        self.steadiness.add(verdict.parts, verdict.provenance.model)
        task = (row.columns or {}).get("task")
        if isinstance(task, str | int) and not isinstance(task, bool):
            self.trials.append((str(task), verdict.passed))
        if verdict.served_model:
            self.served[verdict.served_model] += 1
        if verdict.latency_s > 0:
            self.latencies.append(verdict.latency_s)
        if verdict.status == ABSTAINED and len(self.abstained) < SHOWN_FAILURES:
            self.abstained.append(small(row.id))
        elif verdict.status not in ANSWERS and len(self.failures) < SHOWN_FAILURES:
            message = verdict.error.message if verdict.error else verdict.explanation
            self.failures.append((small(row.id), verdict.status, small(message)))


def read_through(
    rows: Iterable[GradedRow],
    rubric: Rubric,
    columns: Columns,
    wanted: list[Disagreement],
    labels: LabelSet | None,
) -> Reading:
    """Go through the rows once; keep what the page shows of the wanted ones, and no more.

    Parameters
    ----------
    columns : Columns
        How columns became fields; a text that was the same for every item is not known, and null.
    """
    reading = Reading()
    asked = {one.id: one for one in wanted}
    said = _labels_of(labels, set(asked))
    for row in rows:
        reading.add(row)
        if row.id in asked:
            reading.shown[row.id] = _show(row, asked[row.id], rubric, columns, said)
    return reading


def _labels_of(labels: LabelSet | None, ids: set[str]) -> dict[tuple[str, str], list[Label]]:
    found: dict[tuple[str, str], list[Label]] = {}
    for label in labels.labels if labels else ():
        if label.id in ids and not label.repeat:
            found.setdefault((label.id, label.criterion), []).append(label)
    return found


def _show(
    row: GradedRow,
    one: Disagreement,
    rubric: Rubric,
    columns: Columns,
    said: dict[tuple[str, str], list[Label]],
) -> Shown:
    # Other columns stay out: nobody asked for them, and they may hold names and addresses.
    given = columns.fields(row.columns or {}, rubric)
    fields = [(name, excerpt(field_text(name, value))) for name, value in given.items()]
    return Shown(
        anchor(row.id),
        small(row.id),
        tuple(_opinion(row, differs, said) for differs in one.differs),
        one.agrees,
        tuple(fields),
        row.columns is None,
    )


def _opinion(row: GradedRow, differs: Said, said: dict[tuple[str, str], list[Label]]) -> Opinion:
    finding = row.verdict.criteria.get(differs.question)
    if finding is None:
        finding = Finding(row.verdict.status, explanation=row.verdict.explanation)
    return Opinion(
        differs,
        excerpt(finding.explanation) if finding.explanation else None,
        tuple(Quote(small(q.field), excerpt(q.quote), q.found) for q in finding.evidence),
        tuple(_rated(label) for label in said.get((row.id, differs.question), ())),
    )


def _rated(label: Label) -> tuple[str, str, Excerpt]:
    answer = label.answer if isinstance(label.answer, str) else f"{label.answer:.4g}"
    return small(label.rater), answer, excerpt(label.note)


def anchor(identity: str) -> str:
    """Give the place of an item on the page: its id where that is a plain word, else a digest of it."""
    if _SAFE_ID.fullmatch(identity):
        return f"item-{identity}"
    return f"item--{sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
