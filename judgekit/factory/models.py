"""From the name of a model to a grader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgekit.errors import UsageError
from judgekit.exchange import Client
from judgekit.grader import BaseGrader
from judgekit.judges import CodeGrader, Judge, LexicalGrader, RecordedGrader, SeparateCalls
from judgekit.judges.code import NAME as CHECKS
from judgekit.judges.lexical import NAME as LEXICAL
from judgekit.library import find
from judgekit.providers.endpoint import host_of, open_endpoint
from judgekit.providers.openai import OpenAIClient
from judgekit.providers.served import DEFAULT_MAX_TOKENS
from judgekit.rubric import Rubric

RECORDED = "recorded/"
OPENAI = "openai/"
LITELLM = "litellm/"
OFFLINE = (LEXICAL, CHECKS)

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A model and how it is asked; the parameters of `judge`."""

    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    timeout: float = 60.0
    attempts: int = 4
    temperature: float = 0.0
    max_tokens: int | None = DEFAULT_MAX_TOKENS
    price: tuple[float, float] | None = None
    confidence: bool = False
    expected_score: bool = False
    separate: bool = False
    connections: int = 256


def judge(
    rubric: str | Path | Rubric | dict[str, object],
    model: str | None = None,
    *,
    name: str | None = None,
    checks: Functions | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
    timeout: float = 60.0,
    attempts: int = 4,
    temperature: float = 0.0,
    max_tokens: int | None = DEFAULT_MAX_TOKENS,
    price: tuple[float, float] | None = None,
    confidence: bool = False,
    expected_score: bool = False,
    separate: bool = False,
    connections: int = 256,
) -> BaseGrader:
    """Put a rubric to a model.

    Parameters
    ----------
    rubric : str, Path, Rubric or dict
        Shipped name, file, or the rubric itself.
    model : str or None
        ``openai/NAME``, or any name that the server at `base_url` knows; ``provider/NAME`` of any other
        provider, through litellm; ``offline/lexical``; ``recorded/FILE`` or ``recorded/FILE@JUDGE``. None
        where the rubric is answered by code alone, or `name` says it.
    name : str or None
        A judge of ``judgekit.yaml`` in this folder, instead of `model` and its parameters.
    checks : mapping of str to callable, optional
        The functions that checks of the rubric name.
    base_url : str or None
        Address of an OpenAI-compatible server, such as ``http://localhost:11434/v1``; with
        ``litellm/provider/NAME``, of a server that speaks that provider's language.
    api_key_env : str or None
        Environment variable with that server's key. A provider's own host gets that provider's usual one; any
        other host gets the key named here, or none.
    timeout : float
        Seconds for one call in all.
    attempts : int
        Tries of one call at most.
    temperature : float
        Left out where the server refuses it.
    max_tokens : int or None
        Room for an answer, thinking included; None leaves it to the server.
    price : tuple of float or None
        US dollars per million input and output tokens. Unstated, that of litellm's table for a provider's own
        host; else the cost is unknown.
    confidence : bool
        Ask for token probabilities; findings carry that of their label where the provider gives them.
    expected_score : bool
        Score ordinal criteria by the mean over the levels by those probabilities; rows without them fail.
    separate : bool
        One call for each criterion instead of one for all.
    connections : int
        Calls under way at once at most.

    Raises
    ------
    UsageError
        If the model is none of these, its key is missing, or an option has no use.
    """
    one = find(rubric)
    asked = Asked(
        model or "",
        base_url,
        api_key_env,
        timeout,
        attempts,
        temperature,
        max_tokens,
        price,
        confidence,
        expected_score,
        separate,
        connections,
    )
    if name is not None:
        from judgekit.factory.named import named_judge

        if asked != Asked("", connections=connections):
            raise UsageError(f"judgekit.yaml says how {name!r} is asked; give either a name or a model")
        return named_judge(name, one, checks, connections=connections)
    if model is None:
        if any(c.check is None for c in one.criteria):
            raise UsageError("which model? name one, such as openai/gpt-4.1-mini or offline/lexical")
        asked = Asked(CHECKS)
    return grader_of(one, asked, checks)


def grader_of(
    rubric: Rubric, asked: Asked, checks: Functions | None = None, client: Client | None = None
) -> BaseGrader:
    """Build the grader of one model.

    Parameters
    ----------
    rubric : Rubric
    asked : Asked
    checks : mapping of str to callable, optional
    client : Client, optional
        That answers instead of the model's.
    """
    if not destination(asked.model, asked.base_url):
        _needs_no_server(asked)
        if asked.model == LEXICAL:
            return LexicalGrader(rubric, checks)
        if asked.model == CHECKS:
            return CodeGrader(rubric, checks)
        return _recorded(rubric, asked.model.removeprefix(RECORDED))
    kind = SeparateCalls if asked.separate else Judge
    return kind(
        rubric,
        client or client_of(asked),
        checks=checks,
        confidence=asked.confidence,
        expected_score=asked.expected_score,
    )


def client_of(asked: Asked) -> Client:
    """Build the client of a model on a server.

    Raises
    ------
    UsageError
        If its key is missing, or a number makes no sense.
    """
    how: dict[str, Any] = {
        "base_url": asked.base_url,
        "api_key_env": asked.api_key_env,
        "timeout": asked.timeout,
        "attempts": asked.attempts,
        "temperature": asked.temperature,
        "max_tokens": asked.max_tokens,
        "price": asked.price,
        "max_connections": asked.connections,
    }
    if direct(asked.model, asked.base_url):
        return OpenAIClient(asked.model, **how)
    from judgekit.providers.through_litellm import LiteLLMClient

    return LiteLLMClient(asked.model.removeprefix(LITELLM), **how)


def has_key(asked: Asked) -> bool:
    """Whether a key goes to the model's server; UsageError if it needs one that is not there."""
    if direct(asked.model, asked.base_url):
        return bool(open_endpoint(asked.base_url, asked.api_key_env).key)
    from judgekit.providers.hosts import open_account

    return bool(open_account(asked.model.removeprefix(LITELLM), asked.base_url, asked.api_key_env).key)


def direct(model: str, base_url: str | None) -> bool:
    """Whether a model is asked in OpenAI's way, without litellm."""
    return not model.startswith(LITELLM) and (base_url is not None or model.startswith(OPENAI))


def destination(model: str, base_url: str | None = None) -> str:
    """Name the host that item text would go to, before anything is read; empty if it stays in this process.

    Raises
    ------
    UsageError
        If there is no such kind of model, or the address is none.
    """
    if model in OFFLINE or model.startswith(RECORDED):
        return ""
    if direct(model, base_url):
        return host_of(base_url)
    if "/" not in model.removeprefix(LITELLM):
        raise UsageError(
            f"unknown model {model!r}: write openai/NAME, another provider/NAME, offline/lexical or "
            "recorded/FILE; for a model on another server give --base-url (any OpenAI-compatible address)"
        )
    from judgekit.providers.hosts import provider_host

    return provider_host(model.removeprefix(LITELLM), base_url)


def _needs_no_server(asked: Asked) -> None:
    plain = Asked(asked.model)
    for name in ("base_url", "api_key_env", "price", "confidence", "expected_score", "separate"):
        if getattr(asked, name) != getattr(plain, name):
            raise UsageError(f"{asked.model} talks to no server; leave --{name.replace('_', '-')} away")


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
