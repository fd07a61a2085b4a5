"""What a card holds, as types: checked once when it is read, so that nothing after has to doubt it."""

from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from judgekit.calibration.batch import Question, questions
from judgekit.calibration.looks import STRICTEST
from judgekit.calibration.results import GRAVEST
from judgekit.errors import InputError, Problem
from judgekit.rubric import rubric_from_dict

MOST = 10**12  # of anything that is counted, and of any figure
MOST_KNOWN = 1_000  # levels of a question that the card does not hold


def _beside(name: str) -> str:
    path = PurePosixPath(name)
    out = path.is_absolute() or PureWindowsPath(name).drive or ".." in path.parts
    if out or "\\" in name or not name.isprintable() or not path.parts:
        raise ValueError("names a file outside the folder of the card; calibrate again")
    return name


Count = Annotated[int, Field(ge=0, le=MOST)]
Number = Annotated[float, Field(ge=-MOST, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
Code = Annotated[int, Field(ge=-1, le=MOST_KNOWN)]
Beside = Annotated[str, AfterValidator(_beside)]
Whole = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Frame(_Part):
    digest: str
    n: Count


class _Digests(_Part):
    model_config = ConfigDict(extra="ignore")
    rubric: str
    criteria: dict[str, str]
    frame: _Frame
    labels: str


class _Estimate(_Part):
    value: Number | None
    low: Number | None
    high: Number | None
    confidence: Share | None
    n: Count
    method: str
    note: str


class _Coefficient(_Estimate):
    name: str


class _Counts(_Part):
    batch: Count
    labelled: Count
    settled: Count
    used: Count
    failed: dict[str, Count]
    split: Count
    cannot_tell: Count
    partial: Count = 0
    verdicts: Count | None = None


class _Rates(_Part):
    tp: Count
    fn: Count
    fp: Count
    tn: Count
    tpr: _Estimate
    tnr: _Estimate
    ppv: _Estimate
    npv: _Estimate
    youden_j: _Estimate


class _Ceiling(_Part):
    human: _Estimate
    judge: _Estimate
    difference: _Estimate
    raw: _Estimate
    alpha: _Estimate


class _Quantity(_Part):
    name: str
    raw: Share | None
    ratio: Number | None
    human: _Estimate
    corrected: _Estimate


class _Bin(_Part):
    stated: Share
    observed: Share
    low: Share
    high: Share
    n: Count


class _Recalibration(_Part):
    kind: Literal["levels", "platt", "isotonic"]
    knots: list[Number]
    values: list[Number | None]
    n: Count
    base_rate: Share | None
    brier: Share | None
    brier_constant: Share | None
    calibration_error: _Estimate
    bins: list[_Bin]
    offered: bool
    note: str


class _AltTest(_Part):
    winning_rate: Share | None
    advantage: Share | None
    passed: bool | None
    advantages: list[Share | None]
    p_values: list[Share | None]
    adjusted: list[Share | None]
    n: list[Count]
    epsilon: Number
    alpha: Share
    note: str


class _RaterStanding(_Part):
    with_others: _Estimate
    among_others: _Estimate
    difference: _Estimate
    p_value: Share | None
    adjusted: Share | None


class _Consistency(_Part):
    same: _Estimate
    coefficient: _Estimate


class _Raters(_Part):
    raters: list[Count]
    doubled: Count
    differing: Count
    adjudicated: Count
    split: Count
    alternative: _AltTest | None
    standing: list[_RaterStanding]
    repeats: _Consistency | None
    repeats_by_rater: list[_Consistency | None]
    noise: _Estimate
    asked_later: list[Count] = []


class _Result(_Part):
    name: str
    scale: Literal["binary", "ordinal", "categorical", "numeric", "pairwise"]
    levels: list[str]
    table: list[list[Count]]
    counts: _Counts
    agreement: _Estimate
    coefficient: _Coefficient
    beside: dict[str, _Estimate]
    rates: _Rates | None
    ceiling: _Ceiling | None
    raters: Count
    quantities: Annotated[list[_Quantity], Field(min_length=1)]
    chosen: dict[str, _Estimate]
    rater_report: _Raters | None
    recalibration: _Recalibration | None
    decision: Literal[GRAVEST]  # type: ignore[valid-type]
    sentence: str


class _Look(_Part):
    labels: str
    n: Count
    fingerprint: str
    signature: str
    rubric: str
    frame: str
    role: Literal[STRICTEST]  # type: ignore[valid-type]
    question: str


class _Standing(_Part):
    of: _Look
    look: Annotated[int, Field(ge=1, le=MOST)]
    judges: Annotated[int, Field(ge=1, le=MOST)]
    opening: Annotated[int, Field(ge=1, le=MOST)] | None
    first: bool
    note: str
    worn: bool


class _Thresholds(_Part):
    labels: Count = 0
    in_class: Count = 0
    alpha: Share = 0
    raw_agreement: Share = 0
    rated_items: Count = 0
    reject: Share = 0
    chance_labels: Count = 0
    margin: Share | None = None
    below_humans: Share = 0
    ceiling_items: Count = 0
    agreement: Share | None = None


class _Settings(_Part):
    model_config = ConfigDict(extra="allow")
    temperature: Annotated[float, Field(ge=0, le=2)] = 0
    max_tokens: Annotated[int, Field(ge=1, le=MOST)] | None = None


class _Recipe(_Part):
    model: Annotated[str, Field(min_length=1)]
    settings: _Settings


class _Field(_Part):
    given: Count
    lengths: dict[Whole, Count]
    scripts: dict[str, Count]
    languages: dict[str, Count]


class _Profile(_Part):
    items: Count
    failed: Count
    levels: dict[str, dict[str, Count]]
    scores: dict[str, dict[Whole, Count]]
    fields: dict[str, _Field]
    rows: Count
    detector: str


class _Options(_Part):
    design: str | None = None
    target: str = ""
    group: str | None = None
    stratum: str | None = None
    settle: str | None = None
    allow_unmatched: bool = False


class _Source(_Part):
    graded: Beside
    labels: Annotated[list[Beside], Field(min_length=1)]
    options: _Options


class _Side(_Part):
    codes: list[Code]
    scores: list[Share | None]
    passes: list[Share | None]


class _Answers(_Part):
    ids: list[str]
    groups: list[str] | None
    probability: list[Annotated[float, Field(gt=0, le=1)]] | None
    stratum: list[Count] | None
    judge: _Side
    people: _Side


class _Pairs(_Part):
    salt: str
    group: str | None
    strata: list[Count] | None
    questions: dict[str, _Answers]


class _Week(_Pairs):
    frame: _Frame


class _Card(_Part):
    model_config = ConfigDict(extra="ignore")
    rubric: str
    digests: _Digests
    fingerprint: str
    signature: str
    grader: str
    design: Literal["random", "stratified", "probability", "external", "unknown"]
    target: Literal["process", "batch"]
    stale: str | None
    looks: _Standing | None
    thresholds: _Thresholds
    notes: list[str]
    results: Annotated[list[_Result], Field(min_length=1)]
    requirement: dict[str, Any] | None
    recipe: _Recipe | None
    profile: _Profile | None
    source: _Source | None
    pairs: _Pairs
    weeks: list[_Week]


def check_form(data: dict[str, Any], where: str) -> None:
    """Check that a card holds what cards hold, and that its parts fit each other.

    Raises
    ------
    InputError
        Naming each field that is missing or wrong.
    """
    try:
        card = _Card.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise InputError([_problem(one, where) for one in found]) from None
    asked = None
    if card.requirement is not None:
        rubric = rubric_from_dict(card.requirement, f"{where} (requirement)")
        asked = {question.name: question for question in questions(rubric)}
    wrong = [Problem(why, where, None, field) for field, why in _apart(card, asked)]
    if wrong:
        raise InputError(wrong)


def _problem(error: Any, where: str) -> Problem:
    field = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":  # whole, but written by a version that kept less
        why = f"was written by another version of judgekit (no {field}); calibrate again"
        return Problem(why, where)
    said = error["msg"].removeprefix("Value error, ")
    return Problem(f"is not what a card holds there: {said[:1].lower()}{said[1:]}", where, None, field)


def _apart(card: _Card, asked: dict[str, Question] | None) -> Iterator[tuple[str, str]]:
    """Name the parts that do not fit: field, and why."""
    names = [result.name for result in card.results]
    if asked is not None and names != list(asked):
        yield "results", f"answer {', '.join(names)}; the rubric asks {', '.join(asked)}"
    if list(card.pairs.questions) != names:
        yield (
            "pairs.questions",
            f"are {', '.join(card.pairs.questions)}; the results are of {', '.join(names)}",
        )
    for place, result in enumerate(card.results):
        yield from _unlike(result, f"results.{place}", (asked or {}).get(result.name))
    weeks = ((week, f"weeks.{place}") for place, week in enumerate(card.weeks))
    for kept, field in [(card.pairs, "pairs"), *weeks]:
        for name, answers in kept.questions.items():
            at = f"{field}.questions.{name}"
            yield from _crooked(answers, kept.strata, (asked or {}).get(name), at)
    if card.profile is not None and set(card.profile.levels) != set(names):
        yield "profile.levels", f"are of {', '.join(card.profile.levels)}; the results of {', '.join(names)}"


def _unlike(result: _Result, field: str, question: Question | None) -> Iterator[tuple[str, str]]:
    size, found, report = len(result.levels), result.recalibration, result.rater_report
    if len(result.table) != size or any(len(row) != size for row in result.table):
        yield f"{field}.table", f"has not {size} rows of {size}, one for each level"
    if question is not None and result.scale != question.criterion.scale:
        yield f"{field}.scale", f"is {result.scale}; the rubric asks a {question.criterion.scale} question"
    if found is not None:
        platt = found.kind == "platt"
        if len(found.values) != (2 if platt else len(found.knots)) or (platt and found.knots):
            yield f"{field}.recalibration", "has not one value for each knot"
    if report is not None:
        many, test = len(report.raters), report.alternative
        if len(report.repeats_by_rater) != many or len(report.standing) not in (0, many):
            yield f"{field}.rater_report", "has not one entry for each rater"
        if test and len({len(one) for one in (test.advantages, test.p_values, test.adjusted, test.n)}) > 1:
            yield f"{field}.rater_report.alternative", "has columns of unequal length"


def _crooked(
    answers: _Answers, strata: list[int] | None, question: Question | None, field: str
) -> Iterator[tuple[str, str]]:
    sides = (answers.judge, answers.people)
    columns = [getattr(side, name) for side in sides for name in ("codes", "scores", "passes")]
    columns += [one for one in (answers.groups, answers.probability, answers.stratum) if one is not None]
    if any(len(one) != len(answers.ids) for one in columns):
        yield field, f"has columns of unequal length: there are {len(answers.ids)} ids"
    if question is not None:
        for name, side in zip(("judge", "people"), sides, strict=True):
            if max(side.codes, default=-1) >= len(question.cell_names):
                yield f"{field}.{name}.codes", f"name a level that {question.name} has not"
    if answers.stratum is None:
        return
    drawn: dict[int, int] = {}
    for one in answers.stratum:
        drawn[one] = drawn.get(one, 0) + 1
    if strata is None or any(one >= len(strata) or strata[one] < n for one, n in drawn.items()):
        yield f"{field}.stratum", "names a stratum that holds fewer items, or is not there"
