"""Builds graders from names: the one place that knows every kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgekit.errors import UsageError
from judgekit.grader import BaseGrader, Grader
from judgekit.judges import CorrectedJudge, Judge, LexicalGrader, RecordedGrader
from judgekit.judges.lexical import NAME as LEXICAL
from judgekit.library import find
from judgekit.providers.endpoint import host_of
from judgekit.providers.openai import DEFAULT_MAX_TOKENS, OpenAIClient
from judgekit.rubric import Rubric, rubric_from_dict

if TYPE_CHECKING:
    from judgekit.calibration import Calibration

RECORDED = "recorded/"
OPENAI = "openai/"


def judge(
    rubric: str | Path | Rubric | dict[str, object],
    model: str,
    *,
    base_url: str | None = None,
    api_key_env: str | None = None,
    timeout: float = 60.0,
    attempts: int = 4,
    temperature: float = 0.0,
    max_tokens: int | None = DEFAULT_MAX_TOKENS,
    price: tuple[float, float] | None = None,
    connections: int = 256,
) -> BaseGrader:
    """Put a rubric to a model.

    Parameters
    ----------
    rubric : str, Path, Rubric or dict
        Shipped name, file, or the rubric itself.
    model : str
        ``offline/lexical``, ``recorded/FILE`` or ``recorded/FILE@JUDGE``, ``openai/NAME``, or any name that
        the server at `base_url` knows.
    base_url : str or None
        Address of an OpenAI-compatible server, such as ``http://localhost:11434/v1``.
    api_key_env : str or None
        Environment variable with that server's key. OpenAI's own host gets ``OPENAI_API_KEY``; any other
        host gets the key named here, or none.
    timeout : float
        Seconds for one call in all.
    attempts : int
        Tries of one call at most.
    temperature : float
        Left out where the server refuses it.
    max_tokens : int or None
        Room for an answer, thinking included; None leaves it to the server.
    price : tuple of float or None
        US dollars per million input and output tokens; without it the cost is unknown.
    connections : int
        Calls under way at once at most.

    Raises
    ------
    UsageError
        If the model is none of these, or its key is missing.
    """
    one = find(rubric)
    if not destination(model, base_url):
        _needs_no_server(model, base_url=base_url, api_key_env=api_key_env, price=price)
        return LexicalGrader(one) if model == LEXICAL else _recorded(one, model.removeprefix(RECORDED))
    client = OpenAIClient(
        model,
        base_url=base_url,
        api_key_env=api_key_env,
        timeout=timeout,
        attempts=attempts,
        temperature=temperature,
        max_tokens=max_tokens,
        price=price,
        max_connections=connections,
    )
    return Judge(one, client)


def load_judge(
    card: "str | Path | Calibration",
    model: str | None = None,
    *,
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
    model : str or None
        Needed only where the card cannot say it, as for ``recorded/FILE``.
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
    grader = judge(
        rubric_from_dict(held.requirement, "the card's rubric"),
        model or recipe_of(held)["model"],
        **settings_of(held),
        base_url=base_url,
        api_key_env=api_key_env,
        timeout=timeout,
        attempts=attempts,
        price=price,
        connections=connections,
    )
    return with_card(grader, held, force=force)


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
            f"the card does not say how to build its judge ({card.signature}); name its model "
            "(--model, in Python model=)"
        )
    return card.recipe


def settings_of(card: "Calibration") -> dict[str, Any]:
    """Give the parameters of a card's judge that `judge` takes; others show in the fingerprint."""
    settings = {} if card.recipe is None else card.recipe["settings"]
    return {key: settings[key] for key in ("temperature", "max_tokens") if key in settings}


def _card(card: "str | Path | Calibration") -> "Calibration":
    from judgekit.calibration import load_card

    return load_card(card) if isinstance(card, str | Path) else card


def destination(model: str, base_url: str | None = None) -> str:
    """Name the host that item text would go to, before anything is read; empty if it stays in this process.

    Raises
    ------
    UsageError
        If there is no such kind of model, or the address is none.
    """
    if model == LEXICAL or model.startswith(RECORDED):
        return ""
    if base_url is None and not model.startswith(OPENAI):
        raise UsageError(
            f"unknown model {model!r}: write openai/NAME, offline/lexical or recorded/FILE; "
            "for a model on another server give --base-url (any OpenAI-compatible address)"
        )
    return host_of(base_url)


def _needs_no_server(model: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{model} talks to no server; leave --{name.replace('_', '-')} away")


def _recorded(rubric: Rubric, source: str) -> RecordedGrader:
    from judgekit.files.recorded import read_recorded

    if not source:
        raise UsageError("recorded/ needs a file: recorded/FILE or recorded/FILE@JUDGE")
    # A file name may itself hold an @; what exists as a file is one.
    path, at, name = source.rpartition("@")
    if not at or Path(source).exists():
        path, name = source, ""
    judge_name, findings = read_recorded(path, rubric, name or None)
    return RecordedGrader(rubric, judge_name, findings)
