"""The form of a check: how code answers a criterion instead of a model."""

from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from judgekit.rubric.values import Name, Number, Part

MAX_PATTERN = 2000
MAX_SHOWN = 300  # characters of a pattern or text in a sentence

Ignored = Literal["case", "punctuation", "space"]
# White space and case are meaning here: these texts are compared, not read.
Exact = Annotated[str, StringConstraints(strict=True)]
Pattern = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_PATTERN)]
# Never an import path: what code runs is said by whoever runs the judge.
FunctionName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")]
Limit = Annotated[Number, Field(ge=0)]


class EqualTo(Part):
    """What a field must equal: another field, or one text; `ignore` says what makes no difference."""

    field: Name | None = None
    text: Exact | None = None
    ignore: Annotated[tuple[Ignored, ...], AfterValidator(lambda v: tuple(sorted(set(v))))] = ()


class CloseTo(Part):
    """What the number in a field must be: that of another field, or one number, give or take."""

    field: Name | None = None
    value: Number | None = None
    within: Limit | None = None
    within_percent: Limit | None = None


class Check(Part):
    """How code answers a criterion: exactly one of `equals`, `matches`, `json_schema`, `number`, `python`.

    `field` is the input looked at (a function is given all of them); `absent` turns `matches` around;
    `python` is the name of a function that whoever runs the judge brings along.
    """

    field: Name | None = None
    equals: EqualTo | None = None
    matches: Pattern | None = None
    absent: StrictBool = False
    json_schema: dict[str, Any] | None = None
    number: CloseTo | None = None
    python: FunctionName | None = None

    def plain(self) -> dict[str, Any]:
        """Give the keys that are set, as plain JSON; equal for checks that mean the same."""
        found = self.model_dump(mode="json", exclude_defaults=True)
        if self.json_schema is not None:
            # A null inside a schema is content, not a key left out.
            found["json_schema"] = deepcopy(self.json_schema)
        return found

    @property
    def said(self) -> str:
        """The check in words, as after "decided by code:"."""
        if self.python is not None:
            return f"the function {self.python}, which whoever runs the judge gives"
        if self.matches is not None:
            verb = "does not match" if self.absent else "matches"
            return f"{self.field} {verb} `/{_short(self.matches)}/`"
        if self.equals is not None:
            return f"{self.field} equals {_equal(self.equals)}"
        if self.number is not None:
            return f"the number in {self.field} is {_close(self.number)}"
        return f"{self.field} is JSON that fits {_fitting(self.json_schema or {})}"


def _equal(equals: EqualTo) -> str:
    what = equals.field if equals.text is None else f'"{_short(equals.text)}"'
    words = list(equals.ignore)
    if not words:
        return str(what)
    *most, last = words
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"{what} ({listed} {'make' if most else 'makes'} no difference)"


def _close(number: CloseTo) -> str:
    what = f"that in {number.field}" if number.value is None else f"{number.value:.12g}"
    if number.within_percent is not None:
        return f"{what}, give or take {number.within_percent:.12g} %"
    return f"{what}, give or take {number.within:.12g}" if number.within else f"exactly {what}"


def _fitting(schema: dict[str, Any]) -> str:
    title = f'the schema "{_short(str(schema["title"]))}"' if schema.get("title") else "a schema"
    required = schema.get("required")
    return title + (f" (it has {_short(', '.join(map(str, required)))})" if required else "")


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
