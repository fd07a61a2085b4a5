"""The rubric as an object: what a file says once it has been read, filled in and checked."""

import re
import unicodedata
from collections.abc import Iterable
from copy import deepcopy
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StringConstraints,
)

from judgekit._digest import digest

ABSTAIN = "cannot_tell"
NOT_APPLICABLE = "not_applicable"
OVERALL = "overall"

MAX_LABEL = 100
MAX_WEIGHT = 1_000_000
LARGEST = 1e300

Scale = Literal["binary", "ordinal", "categorical", "numeric", "pairwise"]


def normal_text(text: str) -> str:
    """Reduce a text to its meaning: white space folded, wrapped lines joined, paragraphs and bullets kept."""
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines()]
    joined = ""
    for line in lines:
        if not line:
            joined = joined.rstrip("\n") + "\n\n" if joined else ""
        elif not joined or joined.endswith("\n"):
            joined += line
        else:
            joined += ("\n" if re.match(r"([-*•]|\d+[.)])\s", line) else " ") + line
    return joined.strip()


def fold_label(text: str) -> str:
    """Reduce a label to what tells it from others: case and white space don't matter."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def _label_text(value: Any) -> Any:
    # A level called 1 or true is written without quotes often enough; 1.50 would lose its zero.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split())
    return str(value) if isinstance(value, int) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


def _answer(value: Any) -> Any:
    # Whether a number is a level's name or a place on a scale, the criterion knows: see `reading`.
    if isinstance(value, str) and 0 < len(value.strip()) <= MAX_LABEL:
        return _label_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return float(value)
    raise ValueError("must be a level or a number")


def _present(item: Any) -> Any:
    # null is absent, as in the items that are graded.
    return {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item


Text = Annotated[
    str,
    StringConstraints(strict=True),
    BeforeValidator(lambda v: normal_text(v) if isinstance(v, str) else v),
]
Filled = Annotated[Text, StringConstraints(min_length=1)]
Label = Annotated[
    str,
    BeforeValidator(_label_text),
    StringConstraints(strict=True, min_length=1, max_length=MAX_LABEL),
]
Answer = Annotated[str | float, PlainValidator(_answer)]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(_Part):
    """One allowed answer: its label, what it means, and its score, 0..1 (None: the scale has no scores)."""

    label: Label
    description: Text = ""
    score: Share | None = None


class Input(_Part):
    """One field of an item: what it holds, and whether every item must have it."""

    description: Text = ""
    required: StrictBool = True


class Outcome(_Part):
    """What happens to the user later, which the rubric stands for: a column that will be known with a lag."""

    name: Filled
    column: Filled
    good_when: Literal["higher", "lower"]
    lag_days: Annotated[Number, Field(ge=0)] | None = None


class Origin(_Part):
    """Where a criterion comes from: the code of an error analysis, and the items it was seen in."""

    code: Filled | None = None
    items: tuple[Label, ...] = ()


class Example(_Part):
    """An item with the answers an expert gives, shown to the judge."""

    item: Annotated[dict[str, Any], BeforeValidator(_present)]
    labels: dict[str, Answer]
    explanation: Text = ""


class Criterion(_Part):
    """One question of a rubric, answered on one scale.

    `levels` are in file order; `pass_at` is the lowest level (numeric: the lowest number) that passes;
    `gate` fails the whole item; `evidence` names the input that quotes must be found in; `target` is the
    share of items that must pass.
    """

    name: Name
    question: Filled
    scale: Scale
    levels: tuple[Level, ...] = ()
    range: tuple[Number, Number] | None = None
    pass_at: Answer | None = None
    weight: Annotated[Number, Field(gt=0, le=MAX_WEIGHT)] = 1.0
    gate: StrictBool = False
    allow_not_applicable: StrictBool = False
    evidence: Name | None = None
    target: Share | None = None
    severity: Literal["low", "medium", "high", "critical"] | None = None
    origin: Annotated[Origin | None, Field(alias="from")] = None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The allowed labels, in file order; empty for a numeric scale."""
        return tuple(level.label for level in self.levels)

    def level(self, label: str) -> Level:
        """Give the level of a label; KeyError if there is none."""
        for level in self.levels:
            if level.label == label:
                return level
        raise KeyError(label)

    @cached_property
    def scored(self) -> bool:
        """Whether its answers have scores; a categorical scale may have none."""
        return self.scale == "numeric" or self.levels[0].score is not None

    @cached_property
    def pass_score(self) -> float | None:
        """The lowest score that passes; None where passing is not defined."""
        if self.scale == "binary":
            return 1.0
        if self.pass_at is None:
            return None
        if self.range is not None:
            return self.score_of(float(self.pass_at))
        return self.level(str(self.pass_at)).score

    def score_of(self, answer: str | float) -> float | None:
        """Score, 0..1, of a label or, on a numeric scale, of a number inside the range."""
        if self.range is None:
            return self.level(str(answer)).score
        low, high = self.range
        return (float(answer) - low) / (high - low)


def asked(criterion: Criterion) -> dict[str, Any]:
    """Give what a criterion asks and allows as an answer, in normal form."""
    return {
        "question": criterion.question,
        "scale": criterion.scale,
        "levels": [level.model_dump() for level in criterion.levels],
        "range": criterion.range,
        "allow_not_applicable": criterion.allow_not_applicable,
    }


class Rubric(_Part):
    """What success looks like, as the requirement document and the judge at once.

    Build one with `load_rubric` (a file) or `rubric_from_dict`; both report every problem at once.

    Attributes
    ----------
    digest : str
        Of all that decides a verdict; name, version, purpose, owner, outcome, target, severity and origin
        stay outside.
    criterion_digests : dict of str to str
        One per criterion; human labels are bound to it.
    """

    name: Name
    version: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]+(\.[0-9]+){0,2}$")]
    purpose: Filled
    owner: Filled | None = None
    outcome: Outcome | None = None
    mode: Literal["pointwise", "pairwise"] = "pointwise"
    inputs: dict[Name, Input]
    instructions: Text = ""
    criteria: tuple[Criterion, ...]
    aggregate: Literal["weighted_mean", "minimum", "all_pass"] = "weighted_mean"
    threshold: Share | None = None
    allow_abstain: StrictBool = False
    examples: tuple[Example, ...] = ()

    @property
    def reference(self) -> str:
        """Name and version, as ``support-reply@1.0.0``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def by_name(self) -> dict[str, Criterion]:
        """The criteria by their names, in order."""
        return {criterion.name: criterion for criterion in self.criteria}

    @cached_property
    def _shared(self) -> dict[str, Any]:
        return {
            "instructions": self.instructions,
            "inputs": [[name, given.model_dump()] for name, given in self.inputs.items()],
            "mode": self.mode,
            "allow_abstain": self.allow_abstain,
        }

    @cached_property
    def criterion_digests(self) -> dict[str, str]:
        """One digest per criterion: its question, scale, levels, the instructions and the inputs it sees."""
        return {c.name: digest(self._shared | asked(c)) for c in self.criteria}

    @cached_property
    def digest(self) -> str:
        """The digest of the whole."""
        rules = ("pass_at", "weight", "gate", "evidence", "name")
        criteria = [asked(c) | {rule: getattr(c, rule) for rule in rules} for c in self.criteria]
        examples = [example.model_dump() for example in self.examples]
        whole = {"criteria": criteria, "aggregate": self.aggregate, "threshold": self.threshold}
        return digest(self._shared | whole | {"examples": examples})

    @cached_property
    def decides(self) -> bool:
        """Whether an item passes or fails as a whole: there is a gate or a threshold."""
        return self.threshold is not None or any(c.gate for c in self.criteria)

    def required(self) -> Iterable[str]:
        """Names of the fields that every item must have."""
        return (name for name, given in self.inputs.items() if given.required)

    def to_dict(self) -> dict[str, Any]:
        """Give the normalised rubric as plain JSON, with the keys of the file format."""
        plain = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        # A null inside an item is content, not a key left out.
        for dumped, example in zip(plain["examples"], self.examples, strict=True):
            dumped["item"] = deepcopy(example.item)
        return plain
