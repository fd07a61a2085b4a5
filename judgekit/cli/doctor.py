"""``judgekit doctor``: a model tried on one made-up item, or a look at what is installed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgekit.cli.console import Console, ExitCode, Json, Quiet, quoted
from judgekit.cli.interrupt import run_interruptible
from judgekit.cli.options import ApiKeyEnv, BaseUrl, LocalOnly, Price, Timeout
from judgekit.cli.which import listed, read_price, which_judge
from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.factory import Asked
    from judgekit.factory.doctor import Trial


def command(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="As for grade. Unstated: what is installed and set here.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Every model of a judge of judgekit.yaml, instead of MODEL.")
    ] = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    timeout: Timeout = None,
    price: Price = None,
    local_only: LocalOnly = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try a model on one made-up item: what it supports, what it costs, what failed and what to do."""
    console = Console(as_json, quiet)
    server: dict[str, Any] = {"base_url": base_url, "api_key_env": api_key_env}
    if model is None and judge is None:
        if any((base_url, api_key_env, timeout, price, local_only)):
            raise UsageError("which model? name it: judgekit doctor MODEL --base-url …")
        _environment(console)
        return
    if model is not None and judge is not None:
        raise UsageError("give either MODEL or --judge")
    which = which_judge(
        model, judge, timeout=timeout, attempts=None, local_only=local_only, price=price, **server
    )
    limits = {} if timeout is None else {"timeout": timeout}
    models = _models(model, judge, limits, {**server, "price": read_price(price)})
    if which.hosts:
        console.say(
            f"trying {which.name}: a made-up item, the same for everybody, goes to {listed(which.hosts)}, "
            "twice; nothing of yours is sent\n"
        )
    trials = _tried(console, models)
    works = all(trial.works for trial in trials)
    console.next(_next(trials, judge, price, local_only))
    raise typer.Exit(ExitCode.GOOD if works else ExitCode.BAD_FINDING)


def _environment(console: Console) -> None:
    from judgekit.factory.doctor import look_around

    found = look_around()
    console.result(str(found), {"environment": found.to_dict()})
    console.next(f"judgekit doctor {found.example}")


def _models(
    model: str | None, judge: str | None, limits: dict[str, Any], given: dict[str, Any]
) -> "list[Asked]":
    """Give the models to try: those that are asked over a network."""
    from judgekit.factory import Asked, destination, named_models

    if model is not None:
        return [Asked(model, **limits, **given)]
    assert judge is not None
    models = named_models(judge, **limits)
    return [one for one in models if destination(one.model, one.base_url)] or models[:1]


def _tried(console: Console, models: "list[Asked]") -> "list[Trial]":
    from judgekit.factory.doctor import try_model

    async def work() -> "list[Trial]":
        return [await try_model(one) for one in models]

    trials = run_interruptible(work(), lambda: "what was found so far is lost; nothing else was kept")
    several = len(trials) > 1
    texts = [f"{trial.asked.model}\n{trial}" if several else str(trial) for trial in trials]
    console.result("\n\n".join(texts), {"models": [trial.to_dict() for trial in trials]})
    return trials


def _next(trials: "list[Trial]", judge: str | None, price: str | None, local_only: bool) -> str:
    """Name the next command: grade, or the same trial once more, the other way that was found."""
    failed = next((trial for trial in trials if not trial.works), None)
    how = f"--judge {quoted(judge)}" if judge is not None else ""
    more = (f" --price {price}" if price else "") + (" --local-only" if local_only else "")
    if failed is None:
        how = how or f"--model {_server(trials[0].asked)}"
        return f"judgekit grade RUBRIC.yaml ITEMS.jsonl {how}{more} --out GRADED.jsonl"
    again = f"judgekit doctor {how or _server(failed.instead)}{more}"
    return again if failed.instead != failed.asked and not how else f"{again}, after the repair"


def _server(asked: "Asked") -> str:
    words = [quoted(asked.model)]
    words += ["--base-url", quoted(asked.base_url)] if asked.base_url else []
    words += ["--api-key-env", quoted(asked.api_key_env)] if asked.api_key_env else []
    return " ".join(words)
