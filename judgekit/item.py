"""One thing to grade: an id and named fields."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from typing import Any

from judgekit._digest import digest
from judgekit._json import dumps
from judgekit.errors import InputError, Problem

MAX_ID = 500
STEPS = "messages"  # the field that holds a conversation or a trajectory, shown as numbered steps

# What ends a line or moves a cursor; an id stands in tables and messages.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Item:
    """An id and the fields that a rubric may show to a judge.

    Attributes
    ----------
    id : str
        At most 500 characters, none of them a control character or line break.
    fields : mapping of str to JSON value
        Text, numbers, lists or objects; `messages` holds a conversation.
    """

    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Digest of the fields; the id is not part of it."""
        return digest(dict(self.fields))


def read_id(value: Any) -> str:
    """Turn a raw id into text: JSON 17 equals CSV ``17``.

    Raises
    ------
    ValueError
        For null, booleans, fractions, objects, empty text, control characters, and very long ids.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"an id must be text or a whole number, not {_kind(value)}")
    if isinstance(value, int) and abs(value) >= 10**MAX_ID:
        raise ValueError(f"the id is a number of more than {MAX_ID} digits")
    text = str(value)
    if not text.strip():
        raise ValueError("the id is empty")
    if len(text) > MAX_ID:
        raise ValueError(f"the id has {len(text)} characters; at most {MAX_ID} are allowed")
    if _BREAKS.search(text):
        raise ValueError(f"the id {text[:40]!r} holds a control character")
    return text


def _kind(value: Any) -> str:
    names = {
        type(None): "null",
        bool: "true or false",
        float: "a fraction",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def content_id(fields: Mapping[str, Any]) -> str:
    """Give the id of an item that has none: 16 hex digits of its content's digest."""
    return _short(digest(dict(fields)))


def _short(whole: str) -> str:
    return whole.removeprefix("sha256:")[:16]


def as_item(given: Any = None, fields: Mapping[str, Any] | None = None) -> Item:
    """Make an item of an Item, a mapping, a pydantic model, a dataclass, or keywords.

    Raises
    ------
    InputError
        If it is none of these, its id cannot be one, or a field is not plain JSON.
    """
    if isinstance(given, Item) and not fields:
        try:
            given.digest  # noqa: B018 - cached, and needed anyway where a file is graded
        except (ValueError, TypeError, RecursionError):
            _plain(dict(given.fields))
        return given
    found = {**_columns(given), **(fields or {})}
    raw = found.pop("id", None)
    whole = _plain(found)
    try:
        item = Item(_short(whole) if raw is None else read_id(raw), found)
    except ValueError as error:
        raise InputError([Problem(str(error), "item")]) from None
    item.__dict__["digest"] = whole  # where its cached property looks first
    return item


def _plain(found: dict[str, Any]) -> str:
    """Refuse what JSON cannot hold, and with it a file, a cache and a request; else give the digest."""
    if all(isinstance(name, str) for name in found):
        with suppress(ValueError, TypeError, RecursionError):
            return digest(found)
    problems = []
    for name, value in found.items():
        if not isinstance(name, str):
            problems.append(Problem("a field name must be text", "item", field=repr(name)))
            continue
        try:
            digest(value)
        except (ValueError, TypeError, RecursionError) as error:
            problems.append(Problem(f"is not plain JSON: {error}", "item", field=name))
    if problems:
        raise InputError(problems)
    return digest(found)


def _columns(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, Item):
        return {"id": given.id, **given.fields}
    if isinstance(given, Mapping):
        return dict(given)
    if hasattr(given, "model_dump"):
        return dict(given.model_dump(mode="json"))
    if is_dataclass(given) and not isinstance(given, type):
        return asdict(given)
    raise InputError(
        f"an item is a mapping, a pydantic model, a dataclass or keywords, not {type(given).__name__}"
    )


def missing_fields(item: Item, required: Iterable[str]) -> list[str]:
    """Names of required fields that the item lacks or holds null for."""
    return [name for name in required if item.fields.get(name) is None]


def step_extras(step: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a step of a conversation holds besides its role and its text, as it is shown beside them."""
    return {k: v for k, v in step.items() if k not in ("role", "content") and v not in (None, [], "")}


def field_text(name: str, value: Any) -> str:
    """Show one field: text verbatim, `messages` as numbered steps, a list of texts numbered, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value:
        if name == STEPS:
            return "\n".join(f"{n}. {_step(step)}" for n, step in enumerate(value, 1))
        if all(isinstance(entry, str) for entry in value):
            return "\n".join(f"{n}. {entry}" for n, entry in enumerate(value, 1))
    return dumps(value)


def _step(step: Any) -> str:
    if isinstance(step, str):
        return step
    if not isinstance(step, Mapping) or not isinstance(step.get("content"), str | None):
        return dumps(step)
    more = step_extras(step)
    said = f"{step.get('role', 'unknown')}: {step.get('content') or ''}".rstrip()
    return said + (f" {dumps(more)}" if more else "")
