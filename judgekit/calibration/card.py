"""The card: a calibration as a file that people and programs read."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import fields
from hashlib import sha256
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._digest import digest
from judgekit._json import NotJson, loads
from judgekit.calibration.batch import GradedBatch, Ints
from judgekit.calibration.human import HumanAnswers
from judgekit.calibration.results import Calibration, Counts, CriterionResult, Decision, Quantity
from judgekit.errors import InputError, Problem
from judgekit.files.atomic import write_json
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates

FORMAT = 1
KIND = "card"


def salted(salt: str, identity: str) -> str:
    """Hide an id: equal ids can be told equal by who holds the card, but not read from it."""
    return sha256(f"{salt}:{identity}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def numbered(groups: Iterable[str]) -> Ints:
    """Give each group a number in order of appearance, so that its name changes nothing."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.intp)


def keep_pairs(batch: GradedBatch, joined: Mapping[str, HumanAnswers]) -> dict[str, Any]:
    """Keep, for every labelled item, what judge and people answered: codes and scores, no texts."""
    salt = secrets.token_hex(8)
    kept: dict[str, Any] = {}
    for name, people in joined.items():
        places = [batch.position[key] for key in people.ids]
        judge, groups = batch.answers[name], batch.groups
        kept[name] = {
            "ids": [salted(salt, key) for key in people.ids],
            "groups": None if groups is None else [salted(salt, groups[place]) for place in places],
            "judge": {
                "codes": judge.codes[places].tolist(),
                "scores": _plain(judge.scores[places].tolist()),
                "passes": _plain(judge.passes[places].tolist()),
            },
            "people": {
                "codes": people.codes.tolist(),
                "scores": _plain(people.scores.tolist()),
                "passes": _plain(people.passes.tolist()),
            },
        }
    return {"salt": salt, "group": batch.group_by, "questions": kept}


def _plain(values: list[float]) -> list[float | None]:
    return [None if isnan(value) else value for value in values]


def card_dict(calibration: Calibration) -> dict[str, Any]:
    """Give a calibration as plain JSON, with the digest of it all."""
    held = {
        "format": FORMAT,
        "kind": KIND,
        "rubric": calibration.rubric,
        "digests": calibration.digests,
        "fingerprint": calibration.fingerprint,
        "signature": calibration.signature,
        "grader": calibration.grader,
        "design": calibration.design,
        "target": calibration.target,
        **calibration.decision.to_dict(),
        "notes": list(calibration.notes),
        "results": [result.to_dict() for result in calibration.results],
        "pairs": calibration.pairs,
    }
    return held | {"digest": digest(held)}


def save_card(calibration: Calibration, path: str | Path) -> None:
    """Write the card."""
    try:
        write_json(path, card_dict(calibration))
    except OSError as error:
        raise InputError([Problem(f"cannot be written: {error.strerror}", str(path))]) from None


def load_card(path: str | Path) -> Calibration:
    """Read a card.

    Raises
    ------
    InputError
        If it is missing or not one.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError([Problem("is not a file", str(path))])
    try:
        data = loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    except (NotJson, UnicodeDecodeError) as error:
        raise InputError([Problem(str(error), str(path))]) from None
    if not isinstance(data, dict) or data.get("kind") != KIND or data.get("format") != FORMAT:
        raise InputError([Problem("is not a card, as `judgekit calibrate --out` writes", str(path))])
    if data.pop("digest", None) != digest(data):
        why = "was changed after it was written, or is damaged; calibrate again"
        raise InputError([Problem(why, str(path))])
    return _calibration(data)


def _calibration(data: dict[str, Any]) -> Calibration:
    return Calibration(
        data["rubric"],
        data["digests"],
        data["fingerprint"],
        data["signature"],
        data["grader"],
        data["design"],
        data["target"],
        tuple(_result(one) for one in data["results"]),
        data["pairs"],
        tuple(data["notes"]),
    )


def _estimate(data: dict[str, Any]) -> Estimate:
    values: dict[str, Any] = {
        field.name: nan if data[field.name] is None else data[field.name] for field in fields(Estimate)
    }
    return Estimate(**values)


def _result(data: dict[str, Any]) -> CriterionResult:
    rates, top = data["rates"], data["ceiling"]
    estimated: dict[str, Any] = {
        k: _estimate(v) if isinstance(v, dict) else v for k, v in (rates or {}).items()
    }
    return CriterionResult(
        data["name"],
        data["scale"],
        tuple(data["levels"]),
        tuple(tuple(row) for row in data["table"]),
        Counts(**data["counts"]),
        _estimate(data["agreement"]),
        data["coefficient"]["name"],
        _estimate(data["coefficient"]),
        {name: _estimate(one) for name, one in data["beside"].items()},
        BinaryRates(**estimated) if rates else None,
        Ceiling(**{name: _estimate(one) for name, one in top.items()}) if top else None,
        data["raters"],
        tuple(_quantity(one) for one in data["quantities"]),
        Decision(data["decision"], data["sentence"]),
    )


def _quantity(data: dict[str, Any]) -> Quantity:
    raw = nan if data["raw"] is None else data["raw"]
    return Quantity(data["name"], raw, _estimate(data["human"]), _estimate(data["corrected"]))
