"""Digests of meaning: equal for equal JSON, whatever its layout."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON form of a value, as ``sha256:`` and 64 hex digits.

    Keys are sorted and everything outside ASCII is escaped, so that a lone surrogate has a digest too.

    Examples
    --------
    >>> digest({"b": 1, "a": [True, None]}) == digest({"a": [True, None], "b": 1})
    True
    """
    return "sha256:" + hashlib.sha256(_ENCODER.encode(value).encode("ascii")).hexdigest()
