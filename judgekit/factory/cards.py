"""Judges and the cards that vouch for them."""

from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgekit.errors import UsageError
from judgekit.factory.models import Asked, Functions, grader_of
from judgekit.grader import Grader
from judgekit.judges import CorrectedJudge
from judgekit.rubric import rubric_from_dict

if TYPE_CHECKING:
    from judgekit.calibration import Calibration

SETTINGS = ("temperature", "max_tokens", "expected_score", "separate")


def load_judge(
    card: "str | Path | Calibration",
    model: str | Grader | None = None,
    *,
    checks: Functions | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
    timeout: float = 60.0,
    attempts: int = 4,
    price: tuple[float, float] | None = None,
    connections: int = 256,
    force: bool = False,
) -> CorrectedJudge:
    """Build the judge that a card vouches for; its verdicts say how likely people would pass the item.

    Parameters
    ----------
    card : path or Calibration
    model : str, Grader or None
        Needed only where the card cannot say it: as for ``recorded/FILE``, or the judge itself where it is a
        composition.
    checks : mapping of str to callable, optional
        The functions that checks of its rubric name.
    base_url, api_key_env
        The server, which no card names; as in `judge`.
    timeout, attempts, price, connections
        As in `judge`.
    force : bool
        Build it although the card is stale or advises against it; its verdicts say so.

    Raises
    ------
    InputError
        If the file is no card, or was changed.
    StaleError
        If what was built is not the judge of the card, as after an update that asks in other words.
    UsageError
        If the card advises against its judge, or does not say how to build it.
    """
    held = _card(card)
    if held.requirement is None:
        raise UsageError("the card does not hold its rubric; calibrate again on rows graded by this version")
    if model is not None and not isinstance(model, str):
        return with_card(model, held, force=force)
    asked = Asked(
        model or recipe_of(held)["model"],
        base_url,
        api_key_env,
        timeout,
        attempts,
        price=price,
        connections=connections,
        **settings_of(held),
    )
    rubric = rubric_from_dict(held.requirement, "the card's rubric")
    return with_card(grader_of(rubric, asked, checks), held, force=force)


def with_card(grader: Grader, card: "str | Path | Calibration", *, force: bool = False) -> CorrectedJudge:
    """Put a card beside a grader that is at hand; errors as in `load_judge`."""
    from judgekit.calibration.card import card_dict
    from judgekit.calibration.recalibrate import vouching

    held = _card(card)
    known = vouching(held, grader.rubric, grader.fingerprint, grader.signature, force=force)
    return CorrectedJudge(grader, known, card_dict(held)["digest"])


def recipe_of(card: "Calibration") -> dict[str, Any]:
    """Give the model and the settings of a card's judge.

    Raises
    ------
    UsageError
        If the card does not say.
    """
    if card.recipe is None:
        raise UsageError(
            f"the card does not say how to build its judge ({card.signature}); name it (--model, or --judge "
            "for one of judgekit.yaml; in Python model=)"
        )
    return card.recipe


def settings_of(card: "Calibration") -> dict[str, Any]:
    """Give the parameters of a card's judge that `judge` takes; others show in the fingerprint."""
    settings = {} if card.recipe is None else card.recipe["settings"]
    return {key: settings[key] for key in SETTINGS if key in settings}


def _card(card: "str | Path | Calibration") -> "Calibration":
    from judgekit.calibration import load_card

    return load_card(card) if isinstance(card, str | Path) else card


def weight_of(card: "str | Path | Calibration", grader: Grader) -> dict[str, float]:
    """Give a judge's weight in a panel by its card: by criterion, the log-odds of agreeing with people.

    With K answers to choose from and agreement p, log(p(K−1)/(1−p)), and 0 where the judge is no better than
    chance: the weights under which a weighted vote of independent judges is right most often. The agreement
    is that of the card, moved by half an item towards none so that a perfect score keeps a finite weight.

    Raises
    ------
    StaleError
        If the card is of another judge.
    UsageError
        If the card advises against it.

    References
    ----------
    Nitzan & Paroush (1982), doi:10.2307/2526438; K answers: Zhu et al. (2009), doi:10.4310/SII.2009.v2.n3.a8
    """
    held, found = _vouched(card, grader), {}
    for criterion in grader.rubric.criteria:
        agreement = held[criterion.name].agreement
        n = agreement.n
        p = (agreement.value * n + 0.5) / (n + 1)
        others = max(len(criterion.levels), 2) - 1
        found[criterion.name] = round(max(log(p * others / (1 - p)), 0.0), 6)
    return found


def agreement_of(card: "str | Path | Calibration", grader: Grader) -> dict[str, float]:
    """Give how often a judge agrees with people on each criterion, by its card.

    Raises
    ------
    StaleError
        If the card is of another judge.
    UsageError
        If the card advises against it.
    """
    held = _vouched(card, grader)
    return {c.name: round(held[c.name].agreement.value, 6) for c in grader.rubric.criteria}


def _vouched(card: "str | Path | Calibration", grader: Grader) -> "Calibration":
    from judgekit.calibration.recalibrate import vouching

    held = _card(card)
    vouching(held, grader.rubric, grader.fingerprint, grader.signature)
    return held
