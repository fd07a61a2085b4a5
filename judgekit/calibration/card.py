"""The card: a calibration as a file that people and programs read."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._digest import digest
from judgekit._json import NotJson, loads
from judgekit.calibration.batch import GradedBatch, Ints
from judgekit.calibration.drawn import Drawn
from judgekit.calibration.human import HumanAnswers
from judgekit.calibration.looks import standing_from
from judgekit.calibration.raters import RaterReport
from judgekit.calibration.results import Calibration, Counts, CriterionResult, Decision, Quantity
from judgekit.calibration.thresholds import Thresholds
from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.atomic import write_json
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates
from judgekit.stats.recalibration import Recalibration

FORMAT = 1
KIND = "card"


def salted(salt: str, identity: str) -> str:
    """Hide an id: equal ids can be told equal by who holds the card, but not read from it."""
    return sha256(f"{salt}:{identity}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def numbered(groups: Iterable[str]) -> Ints:
    """Give each group a number in order of appearance, so that its name changes nothing."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.intp)


def keep_pairs(
    batch: GradedBatch, joined: Mapping[str, HumanAnswers], drawn: Drawn, salt: str | None = None
) -> dict[str, Any]:
    """Keep, for every labelled item, what judge and people answered: codes and scores, no texts."""
    salt = salt or secrets.token_hex(8)
    kept: dict[str, Any] = {}
    for name, people in joined.items():
        places = [batch.position[key] for key in people.ids]
        judge, groups = batch.answers[name], batch.groups
        chances = drawn.chances(people.ids)
        kept[name] = {
            "ids": [salted(salt, key) for key in people.ids],
            "groups": None if groups is None else [salted(salt, groups[place]) for place in places],
            "probability": None if chances is None else chances.tolist(),
            "stratum": None if drawn.stratum is None else drawn.stratum[places].tolist(),
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
    sizes = None if drawn.stratum is None else np.bincount(drawn.stratum).tolist()
    return {"salt": salt, "group": batch.group_by, "strata": sizes, "questions": kept}


def _plain(values: list[float]) -> list[float | None]:
    return [None if isnan(value) else value for value in values]


def card_dict(calibration: Calibration, folder: Path | None = None) -> dict[str, Any]:
    """Give a calibration as plain JSON, with the digest of it all; `folder` is where the card will be."""
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
        "stale": calibration.stale or None,
        "looks": None if calibration.standing is None else calibration.standing.to_dict(),
        "thresholds": calibration.thresholds.to_dict(),
        "notes": list(calibration.notes),
        "results": [result.to_dict() for result in calibration.results],
        "requirement": calibration.requirement,
        "recipe": calibration.recipe,
        "profile": calibration.profile,
        "source": calibration.source if calibration.paths is None else _beside(calibration.paths, folder),
        "pairs": calibration.pairs,
        "weeks": list(calibration.weeks),
    }
    return held | {"digest": digest(held)}


def _beside(paths: dict[str, Any], folder: Path | None) -> dict[str, Any] | None:
    """Name what a card was made from relative to its folder; None where it lies elsewhere."""
    if folder is None:
        return None
    try:
        graded, *labels = (
            Path(one).resolve().relative_to(folder.resolve()).as_posix()
            for one in (paths["graded"], *paths["labels"])
        )
    except ValueError:
        return None
    return {"graded": graded, "labels": labels, "options": paths["options"]}


def save_card(calibration: Calibration, path: str | Path) -> None:
    """Write the card."""
    try:
        write_json(path, card_dict(calibration, Path(path).parent))
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
    from judgekit.calibration.card_form import check_form

    check_form(data, str(path))
    return _calibration(data)


def source_files(card: Calibration, folder: Path) -> tuple[Path, list[Path]]:
    """Give the graded rows and the label files that a card names, from the folder where it lies.

    Raises
    ------
    InputError
        If one lies elsewhere after all, as by a link.
    """
    assert card.source is not None
    found = [folder / name for name in (card.source["graded"], *card.source["labels"])]
    for path in found:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise InputError([Problem("leads out of the folder of the card, and is not read", str(path))])
    return found[0], found[1:]


def older_card(path: Path, rubric: Callable[[], str] | None = None) -> Calibration | None:
    """Give the card that would be overwritten; None where there is none, or one that cannot be read any more.

    Parameters
    ----------
    path : Path
    rubric : callable or None
        Gives name and version of the rubric of what is to be written, if a card is there; None asks nothing.

    Raises
    ------
    UsageError
        If something else would be overwritten, such as the card of another rubric.
    """
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return None
    data = _card_data(path)
    if data is None:
        raise UsageError(f"{path}: exists and is not a card; choose another --out, or move it away")
    held = str(data.get("rubric"))
    if rubric is not None and held.split("@")[0] != (new := rubric()).split("@")[0]:
        raise UsageError(
            f"{path}: is the card of {held}, not of {new}; choose another --out, or move it away"
        )
    try:
        return load_card(path)
    except InputError:
        return None


def _card_data(path: Path) -> dict[str, Any] | None:
    """Read what says that it is a card, whole or not; None for anything else."""
    try:
        data = loads(path.read_text("utf-8-sig")) if path.is_file() else None
    except (OSError, NotJson, UnicodeDecodeError):
        return None
    return data if isinstance(data, dict) and data.get("kind") == KIND else None


def _calibration(data: dict[str, Any]) -> Calibration:
    plain = ("rubric", "digests", "fingerprint", "signature", "grader", "design", "target", "pairs")
    return Calibration(
        **{name: data[name] for name in plain},
        results=tuple(_result(one) for one in data["results"]),
        notes=tuple(data["notes"]),
        thresholds=Thresholds(**data["thresholds"]),
        standing=None if data["looks"] is None else standing_from(data["looks"]),
        requirement=data["requirement"],
        recipe=data["recipe"],
        profile=data["profile"],
        source=data["source"],
        weeks=tuple(data["weeks"]),
        stale=data["stale"] or "",
    )


def _result(data: dict[str, Any]) -> CriterionResult:
    rates, top = data["rates"], data["ceiling"]
    estimated: dict[str, Any] = {
        k: Estimate.from_dict(v) if isinstance(v, dict) else v for k, v in (rates or {}).items()
    }
    return CriterionResult(
        data["name"],
        data["scale"],
        tuple(data["levels"]),
        tuple(tuple(row) for row in data["table"]),
        Counts(**data["counts"]),
        Estimate.from_dict(data["agreement"]),
        data["coefficient"]["name"],
        Estimate.from_dict({k: v for k, v in data["coefficient"].items() if k != "name"}),
        {name: Estimate.from_dict(one) for name, one in data["beside"].items()},
        BinaryRates(**estimated) if rates else None,
        Ceiling(**{name: Estimate.from_dict(one) for name, one in top.items()}) if top else None,
        data["raters"],
        tuple(_quantity(one) for one in data["quantities"]),
        Decision(data["decision"], data["sentence"]),
        {name: Estimate.from_dict(one) for name, one in data["chosen"].items()},
        Recalibration.from_dict(data["recalibration"]) if data["recalibration"] else None,
        RaterReport.from_dict(data["rater_report"]) if data["rater_report"] else None,
    )


def _quantity(data: dict[str, Any]) -> Quantity:
    raw = nan if data["raw"] is None else data["raw"]
    return Quantity(
        data["name"], raw, Estimate.from_dict(data["human"]), Estimate.from_dict(data["corrected"])
    )
