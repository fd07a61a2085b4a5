"""Builds graders from names: the one place that knows every kind."""

from pathlib import Path
from typing import Any

from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.judges import Judge, LexicalGrader, RecordedGrader
from judgekit.judges.lexical import NAME as LEXICAL
from judgekit.library import find
from judgekit.rubric import Rubric

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
    from judgekit.providers.openai import OpenAIClient

    client = OpenAIClient(
        model,
        base_url=base_url,
        api_key_env=api_key_env,
        timeout=timeout,
        attempts=attempts,
        temperature=temperature,
        price=price,
        max_connections=connections,
    )
    return Judge(one, client)


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
    from judgekit.providers.endpoint import host_of

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
