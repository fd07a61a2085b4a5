"""Cells of a label row beside its answer: who gave it, marks, and how the item was drawn.

A rater must not see what the judge said, and a stratum or a probability follows from that. So a sheet holds
them in one cell that says nothing to the eye: the same values look different in each row, and all are of one
length. It is a blindfold, no lock: whoever has this module can read it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from hashlib import sha256, shake_256
from typing import Any

from judgekit._json import NotJson, loads

RATER = "human"
TRUE = ("true", "yes", "y", "1", "1.0", "x")
FALSE = ("", "false", "no", "n", "0", "0.0", "nan", "none", "null")
LEAST = 1e-9  # a probability; who is drawn less often than one in a billion is nobody

_SEAL = "drawn."
_HIDDEN = ("frame", "stratum", "probability")
_BLOCK, _ROOM, _KEY = 64, 96, 9


def read_flag(raw: Any) -> bool:
    """Read yes or no, as people, spreadsheets and data frames write it.

    Raises
    ------
    ValueError
        For any other word; the message lists the spellings.
    """
    text = "" if raw is None else str(raw).strip().casefold()
    if isinstance(raw, list | dict) or text not in (*TRUE, *FALSE):
        said = f"{', '.join(TRUE)} nor {', '.join(FALSE[1:])}"
        raise ValueError(f"{repr(raw)[:60]} is neither {said}, nor blank")
    return text in TRUE


def read_rater(raw: Any) -> str:
    """Read the name of a rater; blank is ``human``. ValueError for what is neither text nor number."""
    if raw is not None and (isinstance(raw, bool) or not isinstance(raw, str | int | float)):
        raise ValueError(f"{repr(raw)[:60]} is no name of one rater; write a text")
    return ("" if raw is None else str(raw).strip()) or RATER


def read_probability(raw: Any) -> float | None:
    """Read the probability of a draw. ValueError outside (0, 1], and for less than one in a billion."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    try:
        value = -1.0 if isinstance(raw, bool) or "_" in str(raw) else float(raw)
    except (TypeError, ValueError, OverflowError):
        value = -1.0
    if not 0 < value <= 1:
        raise ValueError(f"{repr(raw)[:60]} is not a probability above 0 and at most 1")
    if value < LEAST:
        raise ValueError(f"{value:g} would make one label stand for {1 / value:.0e} items; no draw is so")
    return value


def read_frame(raw: Any) -> dict[str, Any] | None:
    """Read the batch that an item was drawn from, an object or its JSON text.

    Raises
    ------
    ValueError
        If it is none that a sheet has, or states a size of a stratum that cannot be.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    try:
        found = loads(raw) if isinstance(raw, str) else raw
    except NotJson:
        found = None
    if not isinstance(found, dict):
        raise ValueError("is not an object as `judgekit plan` writes it")
    for name in ("digest", "by", "rule", "partition"):
        if not isinstance(found.get(name, ""), str):
            raise ValueError(f"{name} is {found[name]!r}, not a text as `judgekit plan` writes it")
    if "n" in found and not _count(found["n"]):
        raise ValueError(f"n is {found['n']!r}, not a number of items")
    strata = found.get("strata", {})
    if not isinstance(strata, dict):
        raise ValueError(f"strata is {strata!r}, not an object with the size of each stratum")
    for name, size in strata.items():
        if not _count(size):
            raise ValueError(f"the stratum {name!r} has the size {size!r}, which is no number of items")
    return found


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def seal(identity: str, draw: Mapping[str, Any]) -> dict[str, Any]:
    """Put what tells of the judge out of sight: stratum, probability and rule go into the cell ``frame``.

    A frame that names a batch and no more stays as it is.
    """
    hidden = {name: draw[name] for name in _HIDDEN if draw.get(name) not in (None, "")}
    frame = hidden.get("frame") or {}
    if hidden.keys() <= {"frame"} and frame.keys() <= {"digest", "n"}:
        return dict(draw)
    width = -(-(len(json.dumps(frame)) + _ROOM) // _BLOCK) * _BLOCK
    text = json.dumps(hidden).ljust(width).encode("ascii")
    key = _key(identity, text)
    cell = _SEAL + base64.urlsafe_b64encode(key + _mixed(key, text)).decode("ascii")
    return {**{name: value for name, value in draw.items() if name not in _HIDDEN}, "frame": cell}


def unseal(identity: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Give the columns of a row with ``frame``, ``stratum`` and ``probability`` in plain sight.

    Raises
    ------
    ValueError
        If the cell was changed, or stands in the row of another item, as after sorting one column alone.
    """
    cell = columns.get("frame")
    if not isinstance(cell, str) or not cell.strip().startswith(_SEAL):
        return dict(columns)
    try:
        raw = base64.b64decode(cell.strip().removeprefix(_SEAL), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    key, text = raw[:_KEY], _mixed(raw[:_KEY], raw[_KEY:])
    if not text or _key(identity, text) != key:
        raise ValueError(
            f"was not written for the item {identity!r}, or was changed; copy the cell from the sheet again"
        )
    return {**columns, **dict.fromkeys(_HIDDEN), **json.loads(text)}


def _key(identity: str, text: bytes) -> bytes:
    return sha256(identity.encode("utf-8", "surrogatepass") + b"\n" + text).digest()[:_KEY]


def _mixed(key: bytes, text: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, shake_256(key).digest(len(text)), strict=True))
