"""What the page says of each criterion and of the item as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from judgekit.calibration.batch import GradedBatch, Question
from judgekit.calibration.correct import Correction
from judgekit.calibration.estimates import measures, raw_mean
from judgekit.calibration.requirement import Requirement
from judgekit.calibration.results import Calibration, CriterionResult, Decision
from judgekit.calibration.text import agreement_lines, count_line, plural, split_line
from judgekit.report.basis import whole_first
from judgekit.report.ceiling import ceiling_picture
from judgekit.report.labels_width import LabelsWidth, labels_width
from judgekit.report.numbers import OPEN, Figure, carried, drawn, level_of, measured
from judgekit.report.pictures import LINE_NAME, Heat, Intervals, heat, percent, short
from judgekit.report.reliability import Reliability, reliability, reliability_words
from judgekit.rubric import OVERALL

Held = Mapping[str, Requirement]
SHARE_OF = "share of "
# What a decision asks of who reads the number.
MEANS = {
    "trust": "On batches like this one the judge's own count may stand for people's. Label a few new items "
    "now and then: a judge that fits today can drift.",
    "correct": "Quote the corrected figure with its interval, never the judge's own count; and read below "
    "where judge and people differ.",
    "reject": "Use neither the judge's count nor its single verdicts for this. The human-only figure stands "
    "by itself; read below what the judge gets wrong, and mend rubric, prompt or model.",
    "relabel": "No judge can be measured against people who disagree among themselves. Settle the wording "
    "with the raters, label again, then calibrate.",
    "insufficient": "Nothing is settled yet about the judge. What the labels do show stands below.",
}
SHORT = {
    "trust": "may be used as it is",
    "correct": "use the corrected rate",
    "reject": "do not use",
    "relabel": "relabel first",
    "insufficient": "not enough evidence",
}


@dataclass(frozen=True)
class Shares:
    """The shares of all levels of a scale without order, each line a level with its numbers."""

    figures: tuple[Figure, ...]
    picture: Intervals | None


@dataclass(frozen=True)
class Cell:
    """One count of the confusion table, and its share of what people said."""

    count: int
    share: str
    agrees: bool


@dataclass(frozen=True)
class Heading:
    """What a section is about; `anchor` is ours, never a text from outside."""

    anchor: str
    name: str
    title: str
    question: str
    scale: str


@dataclass(frozen=True)
class Section:
    """Everything about one criterion, or the item as a whole.

    Attributes
    ----------
    headline : Figure or None
        The rate or mean that the criterion is about; None on a scale without one.
    figures : tuple of Figure
        All but the shares of levels.
    sentences : tuple of str
        How judge and people agree.
    levels, rows, totals : tuples
        The confusion table: each row the judge's answer, its cells, and its total.
    answers : tuple of tuple
        Without people: each answer of the judge, how often, and its share.
    ceiling, reliability, width : pictures or None
        Judge in a rater's place; stated chances against what happened; what more labels would buy. The words
        stand beside the picture, or say why there is none.
    level : str
        Confidence of the intervals of agreement.
    """

    head: Heading
    headline: Figure | None
    figures: tuple[Figure, ...]
    shares: Shares | None = None
    sentences: tuple[str, ...] = ()
    decision: Decision | None = None
    levels: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[Cell, ...], int], ...] = ()
    totals: tuple[int, ...] = ()
    heat: Heat | None = None
    answers: tuple[tuple[str, int, str], ...] = ()
    ceiling: Intervals | None = None
    ceiling_words: str = ""
    reliability: Reliability | None = None
    reliability_words: str = ""
    width: LabelsWidth | None = None
    width_words: str = ""
    level: str = "95 %"


def sections(
    batch: GradedBatch, calibration: Calibration | None, correction: Correction | None, held: Held
) -> list[Section]:
    """Give the item as a whole first, then each criterion.

    Where there are both, as for a batch with fresh labels and the card of an earlier one, the rates are the
    correction's, and how judge and people agree is the calibration's. `held` has the requirements by
    criterion.
    """
    found = []
    for place, question in enumerate(whole_first(batch.rubric)):
        if calibration is not None:
            part = _calibrated(place, question, calibration, batch, held)
            if correction is not None:
                part = _fresh(part, place, question, correction, batch, held)
        elif correction is not None:
            part = _carried(place, question, correction, batch, held)
        else:
            part = _counted(place, question, batch)
        found.append(part)
    return found


def _heading(place: int, question: Question) -> Heading:
    asks = question.criterion
    return Heading(f"question-{place}", question.name, title(question.name), asks.question, asks.scale)


def title(question: str) -> str:
    """Name a question for people."""
    return "The item as a whole" if question == OVERALL else question


def _answers(batch: GradedBatch, question: Question) -> str:
    """Say on how many items the judge's count rests."""
    given, total = int(batch.answers[question.name].answered.sum()), len(batch.ids)
    part = f"{given:,} of " if given < total else ""
    return f"the judge's answers on {part}{plural(total, 'item')}"


def _calibrated(
    place: int, question: Question, calibration: Calibration, batch: GradedBatch, held: Held
) -> Section:
    result = calibration[question.name]
    required = held.get(question.name)
    totals = tuple(sum(column) for column in zip(*result.table, strict=True))
    # A numeric scale has no table.
    answers = zip(result.levels, result.table, strict=True) if result.table else ()
    width, width_words = labels_width(calibration, result, question)
    top, top_words = ceiling_picture(result)
    return Section(
        _heading(place, question),
        *_parted(
            [
                measured(q, result, calibration.design, _answers(batch, question), required)
                for q in result.quantities
            ]
        ),
        sentences=said(result, calibration),
        decision=result.decision,
        levels=result.levels if result.table else (),
        rows=tuple(_row(name, row, totals, n) for n, (name, row) in enumerate(answers)),
        totals=totals,
        heat=heat(f"Judge and people on {question.name}", result.levels, result.table),
        ceiling=top,
        ceiling_words=top_words,
        reliability=reliability(result.recalibration),
        reliability_words=reliability_words(result.recalibration),
        width=width,
        width_words=width_words,
        level=level_of(result.coefficient.confidence),
    )


def _fresh(
    part: Section, place: int, question: Question, correction: Correction, batch: GradedBatch, held: Held
) -> Section:
    """Put the rates by fresh labels and card in the place of those by these labels alone."""
    rates = _carried(place, question, correction, batch, held)
    if rates.headline is None:
        return part
    # How wide an interval would be with more labels holds for the one that is not shown.
    return replace(
        part, headline=rates.headline, figures=rates.figures, shares=rates.shares, decision=None, width=None
    )


def said(result: CriterionResult, calibration: Calibration) -> tuple[str, ...]:
    """Say in sentences how judge and people agree, on how many items, and where people do not."""
    split = calibration.split.get(result.name, ())
    lines = (*agreement_lines(result), count_line(result), *([split_line(split)] if split else []))
    return tuple(line.strip() for line in lines)


def _row(
    name: str, row: tuple[int, ...], totals: tuple[int, ...], place: int
) -> tuple[str, tuple[Cell, ...], int]:
    cells = tuple(
        Cell(count, percent(count, total), column == place)
        for column, (count, total) in enumerate(zip(row, totals, strict=True))
    )
    return name, cells, sum(row)


def _parted(figures: list[Figure]) -> tuple[Figure | None, tuple[Figure, ...], Shares | None]:
    """Give the headline, the figures that stand alone, and the shares of levels, which stand together."""
    alone = tuple(figure for figure in figures if not figure.name.startswith(SHARE_OF))
    parts = tuple(figure for figure in figures if figure.name.startswith(SHARE_OF))
    return next(iter(figures), None), alone, _shares(parts) if parts else None


def _shares(figures: tuple[Figure, ...]) -> Shares:
    marks = []
    for figure in figures:
        raw, *estimates = figure.picture.marks
        line = figure.lines[-1]
        # Two assumptions have no one place on a line.
        if estimates and line.name == "corrected":
            level = short(figure.name.removeprefix(SHARE_OF), LINE_NAME)
            said = line.interval if line.value == OPEN else f"{line.value} ({line.interval})"
            marks.append(replace(estimates[-1], name=level, said=said, beside=raw.at))
    whole = len(marks) == len(figures)
    return Shares(figures, Intervals("Shares of the levels", tuple(marks), "%") if whole else None)


def _carried(
    place: int, question: Question, correction: Correction, batch: GradedBatch, held: Held
) -> Section:
    counted, required = _answers(batch, question), held.get(question.name)
    found = [q for q in correction.quantities if q.criterion == question.name]
    return Section(_heading(place, question), *_parted([carried(q, counted, required) for q in found]))


def _counted(place: int, question: Question, batch: GradedBatch) -> Section:
    judge = batch.answers[question.name]
    found = []
    for measure in measures(question):
        raw = raw_mean(question, judge, measure.of(judge.codes, judge.scores, judge.passes))
        found.append(drawn(measure.name, raw, _answers(batch, question), []))
    counts = [int((judge.codes == code).sum()) for code in range(len(question.cell_names))]
    total = sum(counts)
    listed = [(n, c, percent(c, total)) for n, c in zip(question.cell_names, counts, strict=True) if c]
    if question.criterion.scale == "binary":
        listed = []  # The pass rate says it all.
    # The table of answers holds the shares of levels.
    plain = [figure for figure in found if not figure.name.startswith(SHARE_OF)]
    return Section(_heading(place, question), next(iter(found), None), tuple(plain), answers=tuple(listed))
