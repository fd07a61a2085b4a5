"""What one grading produced: findings, the aggregate, a status, and where it all came from."""

from dataclasses import dataclass, field, replace
from typing import Any

from judgekit.exchange import FREE, Usage

OK = "ok"
ABSTAINED = "abstained"
ANSWERS = (OK, ABSTAINED)
FAILURES = (
    "refused",
    "filtered",
    "truncated",
    "invalid_reply",
    "timeout",
    "rate_limited",
    "provider_error",
    "over_budget",
    "not_recorded",
    "cancelled",
)
STATUSES = ANSWERS + FAILURES

LARGEST = 1e300  # of any number that a row may hold


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote that a finding rests on.

    Attributes
    ----------
    field, quote : str
        The quote, as the judge wrote it, and the input it is said to come from.
    found : bool
        Whether it stands there, white space and typographic quotes folded.
    start : int or None
        Where it begins, in characters of the field's text or of the step's; None where it stands in
        something that is no text, such as a tool call.
    step : int or None
        The step of a conversation, or the entry of a list, that holds it, from 1.
    """

    field: str
    quote: str
    found: bool
    start: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one criterion for one item, or why there is none.

    Attributes
    ----------
    status : str
        ``ok``, ``abstained``, or a failure.
    label : str or None
        The level, ``not_applicable``, or None (numeric scales, abstentions, failures).
    value : float or None
        The number given on a numeric scale.
    score : float or None
        0..1; None where not applicable or without an answer.
    passed : bool or None
        None where the criterion does not say what passes.
    confidence : float or None
        The judge's probability of its own label, where it was measured.
    p_pass : float or None
        Probability that people pass it, by a card; None without one.
    """

    status: str
    label: str | None = None
    value: float | None = None
    score: float | None = None
    passed: bool | None = None
    explanation: str = ""
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    p_pass: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, as it stands in a graded row."""
        quotes = [
            {"field": e.field, "quote": e.quote, "found": e.found, "start": e.start, "step": e.step}
            for e in self.evidence
        ]
        return {
            "status": self.status,
            "label": self.label,
            "value": self.value,
            "score": self.score,
            "passed": self.passed,
            "explanation": self.explanation,
            "evidence": quotes,
            "confidence": self.confidence,
            "p_pass": self.p_pass,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer: `kind` is the status, `message` says what happened."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a verdict, the same for every item of one grader.

    Attributes
    ----------
    rubric : dict
        name, version and digest.
    fingerprint : str
        Digest of all that decides a verdict.
    annotator_kind : str
        ``LLM``, ``CODE`` or ``HUMAN``.
    model : str
        As asked for.
    """

    rubric: dict[str, str]
    fingerprint: str
    annotator_kind: str
    model: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What people's labels say of a verdict.

    Attributes
    ----------
    state : str
        ``calibrated`` where a card vouches for the judge, ``stale`` where it does not hold any more, else
        ``none``.
    card : str or None
        Digest of the card.
    p_pass : float or None
        Probability that people pass the item.
    """

    state: str = "none"
    card: str | None = None
    p_pass: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"state": self.state, "card": self.card, "p_pass": self.p_pass}


STATES = ("none", "calibrated", "stale")
UNCALIBRATED = Standing()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings for one item plus the aggregate.

    `score`, `passed` and `label` are None unless `status` is ``ok``; a failure is never a score of 0.
    `usage` counts every attempt; `latency_s` is seconds from question to verdict.
    """

    status: str
    provenance: Provenance
    label: str | None = None
    score: float | None = None
    passed: bool | None = None
    explanation: str = ""
    criteria: dict[str, Finding] = field(default_factory=dict)
    parts: tuple[dict[str, Any], ...] = ()
    served_model: str = ""
    usage: Usage = FREE
    attempts: int = 0
    latency_s: float = 0.0
    cached: bool = False
    error: Failure | None = None
    calibration: Standing = UNCALIBRATED

    def __repr__(self) -> str:
        if self.status not in ANSWERS:
            return f"Verdict({self.status}, {self.error.message if self.error else ''!r})"
        answers = ", ".join(f"{name}={_said(f)}" for name, f in self.criteria.items())
        return f"Verdict({self.status}, label={self.label!r}, score={self.score}, {answers})"

    def timed(self, seconds: float) -> "Verdict":
        """Give the same verdict with its latency."""
        return replace(self, latency_s=round(seconds, 4))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, the `verdict` of a graded row."""
        return {
            "status": self.status,
            "label": self.label,
            "score": self.score,
            "passed": self.passed,
            "explanation": self.explanation,
            "criteria": {name: finding.to_dict() for name, finding in self.criteria.items()},
            "parts": list(self.parts),
            "rubric": self.provenance.rubric,
            "fingerprint": self.provenance.fingerprint,
            "calibration": self.calibration.to_dict(),
            "annotator_kind": self.provenance.annotator_kind,
            "model": {"asked": self.provenance.model, "served": self.served_model or None},
            "usage": self.usage.to_dict(),
            "attempts": self.attempts,
            "latency_s": self.latency_s,
            "cached": self.cached,
            "error": {"kind": self.error.kind, "message": self.error.message} if self.error else None,
        }


def _said(finding: Finding) -> Any:
    if finding.status != OK:
        return finding.status
    return finding.label if finding.label is not None else finding.value


def verdict_from_dict(data: dict[str, Any]) -> Verdict:
    """Read the `verdict` of a graded row.

    Raises
    ------
    ValueError
        Naming the field that is not what a verdict may hold.
    """
    status = _status(data.get("status"), "status")
    criteria = data.get("criteria")
    if not isinstance(criteria, dict):
        raise ValueError("criteria: must be an object keyed by criterion")
    findings = {name: _finding(name, found) for name, found in criteria.items()}
    rubric, model, usage = (_object(data, key) for key in ("rubric", "model", "usage"))
    error, parts = data.get("error"), _parts(data.get("parts") or [])
    return Verdict(
        status=status,
        provenance=Provenance(
            rubric={key: str(value) for key, value in rubric.items()},
            fingerprint=str(data.get("fingerprint") or ""),
            annotator_kind=str(data.get("annotator_kind") or ""),
            model=str(model.get("asked") or ""),
        ),
        label=_text(data.get("label"), "label"),
        score=_score(data.get("score"), "score", status),
        passed=_passed(data.get("passed"), "passed", status),
        explanation=str(data.get("explanation") or ""),
        criteria=findings,
        parts=parts,
        served_model=str(model.get("served") or ""),
        usage=Usage(**{key: _number(usage.get(key), f"usage.{key}") for key in FREE.to_dict()}),
        attempts=int(_number(data.get("attempts"), "attempts") or 0),
        latency_s=float(_number(data.get("latency_s"), "latency_s") or 0.0),
        cached=bool(data.get("cached")),
        error=Failure(str(error.get("kind")), str(error.get("message"))) if isinstance(error, dict) else None,
        calibration=_standing(_object(data, "calibration")),
    )


def _parts(data: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(data, list) or not all(isinstance(part, dict) for part in data):
        raise ValueError("parts: must be a list of objects")
    for part in data:
        for name, found in _object(part, "criteria").items():
            _finding(name, found, "parts.criteria")
    return tuple(data)


def _standing(data: dict[str, Any]) -> Standing:
    state = data.get("state") or "none"
    if state not in STATES:
        raise ValueError(f"calibration.state: {state!r} is not one of {', '.join(STATES)}")
    card = _text(data.get("card"), "calibration.card")
    return Standing(state, card, _share(data.get("p_pass"), "calibration.p_pass"))


def _finding(name: str, data: Any, inside: str = "criteria") -> Finding:
    where = f"{inside}.{name}"
    if not isinstance(data, dict):
        raise ValueError(f"{where}: must be an object")
    status = _status(data.get("status"), f"{where}.status")
    return Finding(
        status=status,
        label=_text(data.get("label"), f"{where}.label"),
        value=_number(data.get("value"), f"{where}.value"),
        score=_score(data.get("score"), f"{where}.score", status),
        passed=_passed(data.get("passed"), f"{where}.passed", status),
        explanation=str(data.get("explanation") or ""),
        evidence=_evidence(data.get("evidence") or [], f"{where}.evidence"),
        confidence=_share(data.get("confidence"), f"{where}.confidence"),
        p_pass=_share(data.get("p_pass"), f"{where}.p_pass"),
    )


def _evidence(data: Any, where: str) -> tuple[Evidence, ...]:
    if not isinstance(data, list) or not all(isinstance(quote, dict) for quote in data):
        raise ValueError(f"{where}: must be a list of objects")
    return tuple(
        Evidence(
            field=str(quote.get("field") or ""),
            quote=str(quote.get("quote") or ""),
            found=quote.get("found") is True,
            start=_place(quote.get("start"), f"{where}.start"),
            step=_place(quote.get("step"), f"{where}.step"),
        )
        for quote in data
    )


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{key}: must be an object")
    return value or {}


def _text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{where}: {value!r} is not text or null")
    return value


def _number(value: Any, where: str) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError(f"{where}: {value!r} is not a number")
    return value


def _share(value: Any, where: str) -> float | None:
    number = _number(value, where)
    if number is not None and not 0 <= number <= 1:
        raise ValueError(f"{where}: {value!r} is not a number between 0 and 1")
    return None if number is None else float(number)


def _place(value: Any, where: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{where}: {value!r} is not a whole number or null")
    return value


def _status(value: Any, where: str) -> str:
    if value not in STATUSES:
        raise ValueError(f"{where}: {value!r} is not a status ({', '.join(STATUSES)})")
    return str(value)


def _score(value: Any, where: str, status: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{where}: {value!r} is not a score between 0 and 1")
    if status != OK:
        raise ValueError(f"{where}: status {status} carries no score")
    return float(value)


def _passed(value: Any, where: str, status: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{where}: {value!r} is not true, false or null")
    if value is not None and status != OK:
        raise ValueError(f"{where}: status {status} neither passes nor fails")
    return value
