"""The rubric as an object: what a file says once it has been read, filled in and checked."""

from collections.abc import Iterable
from copy import deepcopy
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from judgekit._digest import digest
from judgekit.rubric.check_form import Check
from judgekit.rubric.values import Answer, Filled, Label, Name, Number, Part, Share, Text

ABSTAIN = "cannot_tell"
NOT_APPLICABLE = "not_applicable"
OVERALL = "overall"

MAX_WEIGHT = 1_000_000

Scale = Literal["binary", "ordinal", "categorical", "numeric", "pairwise"]


def _present(item: Any) -> Any:
    # null is absent, as in the items that are graded.
    return {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item


class Level(Part):
    """One allowed answer: its label, what it means, and its score, 0..1 (None: the scale has no scores)."""

    label: Label
    description: Text = ""
    score: Share | None = None


class Input(Part):
    """One field of an item: what it holds, and whether every item must have it."""

    description: Text = ""
    required: StrictBool = True


class Outcome(Part):
    """What happens to the user later, which the rubric stands for: a column that will be known with a lag."""

    name: Filled
    column: Filled
    good_when: Literal["higher", "lower"]
    lag_days: Annotated[Number, Field(ge=0)] | None = None


class Origin(Part):
    """Where a criterion comes from: the code of an error analysis, and the items it was seen in."""

    code: Filled | None = None
    items: tuple[Label, ...] = ()


class Example(Part):
    """An item with the answers an expert gives, shown to the judge."""

    item: Annotated[dict[str, Any], BeforeValidator(_present)]
    labels: dict[str, Answer]
    explanation: Text = ""


class Criterion(Part):
    """One question of a rubric, answered on one scale.

    `levels` are in file order; `pass_at` is the lowest level (numeric: the lowest number) that passes;
    `gate` fails the whole item; `evidence` names the input that quotes must be found in, and
    `evidence_must_exist` says that a finding needs all of them there; `check` answers by code, without a
    model; `target` is the share of items that must pass.
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
    evidence_must_exist: StrictBool = False
    check: Check | None = None
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


def _later_rules(criterion: Criterion) -> dict[str, Any]:
    """Give what else decides a finding; absent where it is not set, so that older digests stay."""
    rules: dict[str, Any] = {"check": criterion.check.plain()} if criterion.check is not None else {}
    return rules | ({"evidence_must_exist": True} if criterion.evidence_must_exist else {})


class Rubric(Part):
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
        criteria = [
            asked(c) | {rule: getattr(c, rule) for rule in rules} | _later_rules(c) for c in self.criteria
        ]
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
        for dumped, criterion in zip(plain["criteria"], self.criteria, strict=True):
            dumped.pop("evidence_must_exist")
            dumped |= _later_rules(criterion)
        return plain
