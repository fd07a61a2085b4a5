"""The kinds of values that a rubric is made of: texts in normal form, labels, names, numbers."""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints

MAX_LABEL = 100
LARGEST = 1e300


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


class Part(BaseModel):
    """A piece of a rubric: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
