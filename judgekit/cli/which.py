"""Which judge a command asks, where that sends items, and what it may cost: the same for every command."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from judgekit.errors import UsageError

if TYPE_CHECKING:
    from judgekit.calibration import Calibration
    from judgekit.exchange import Client
    from judgekit.factory import Asked
    from judgekit.grader import BaseGrader
    from judgekit.rubric import Rubric


@dataclass(frozen=True)
class Which:
    """The judge that a command line names.

    Attributes
    ----------
    name : str
        The model, or the name in the project file.
    hosts : list of str
        Where items go; empty if they stay.
    build : callable
        Of the rubric, calls at once, and what gives clients instead of the real ones (None: nothing does).
    named : bool
        Whether the project file says how it is asked.
    """

    name: str
    hosts: list[str]
    build: "Callable[[Rubric, int, Callable[[Asked], Client] | None], BaseGrader]"
    named: bool = False

    def __call__(self, rubric: "Rubric", connections: int) -> "BaseGrader":
        """Build it."""
        return self.build(rubric, connections, None)


def which_judge(
    model: str | None,
    judge: str | None,
    card: "Calibration | None" = None,
    *,
    timeout: float | None,
    attempts: int | None,
    local_only: bool,
    price: str | None,
    **stated: Any,
) -> Which:
    """Find the judge: as stated, else a card's.

    Parameters
    ----------
    model, judge : str or None
        A model, or a judge of the project file.
    card : Calibration or None
    timeout, attempts
        None for what the project file, else the program, says.
    local_only : bool
        Refuse any host but this machine.
    price : str or None
        ``IN,OUT``.
    **stated
        `base_url`, `api_key_env`, `temperature`; None where not stated.

    Raises
    ------
    UsageError
        If both are named, or none; if an option belongs to the other; or an item would leave this machine.
    """
    from judgekit.factory import named_destinations

    given = {key: value for key, value in {**stated, "price": read_price(price)}.items() if value is not None}
    limits = {
        key: value for key, value in {"timeout": timeout, "attempts": attempts}.items() if value is not None
    }
    if judge is not None:
        if model is not None or given:
            extra = "--model" if model is not None else f"--{next(iter(given)).replace('_', '-')}"
            raise UsageError(f"judgekit.yaml says how the judge {judge!r} is asked; leave {extra} away")
        found = Which(judge, named_destinations(judge), _named(judge, limits), named=True)
    else:
        found = _model(model, card, given | limits)
    refuse_remote(found.hosts, local_only)
    return found


def _named(name: str, limits: dict[str, Any]) -> "Callable[[Rubric, int, Any], BaseGrader]":
    from judgekit.factory import named_judge

    return lambda rubric, at_once, client: named_judge(
        name, rubric, connections=at_once, client=client, **limits
    )


def _model(model: str | None, card: "Calibration | None", given: dict[str, Any]) -> Which:
    from judgekit.factory import Asked, destination, grader_of, recipe_of, settings_of

    settings = {} if card is None else settings_of(card)
    if model is None:
        if card is None:
            # What code alone answers needs no model; which rubric that is, is known when it is built.
            return Which("", [], _without_model(given))
        model = recipe_of(card)["model"]
    asked = {**settings, **given}
    host = destination(model, asked.get("base_url"))

    def build(rubric: "Rubric", at_once: int, client: "Callable[[Asked], Client] | None") -> "BaseGrader":
        one = Asked(model, **asked, connections=at_once)
        return grader_of(rubric, one, None, client(one) if client is not None and host else None)

    return Which(model, [host] if host else [], build)


def _without_model(given: dict[str, Any]) -> "Callable[[Rubric, int, Any], BaseGrader]":
    from judgekit.factory import judge

    def build(rubric: "Rubric", at_once: int, client: Any) -> "BaseGrader":
        if any(criterion.check is None for criterion in rubric.criteria):
            raise UsageError(
                "which model? give --model, such as openai/gpt-4.1-mini or offline/lexical, or --judge NAME "
                "for one of judgekit.yaml"
            )
        return judge(rubric)

    return build


def where_to(hosts: list[str], rubric: "Rubric") -> str:
    """Say what of each item goes where."""
    from judgekit.providers.endpoint import is_local

    if not hosts:
        return "nothing leaves this machine"
    here = ", which is this machine" if all(is_local(f"http://{host}") for host in hosts) else ""
    return f"{listed(list(rubric.inputs))} of each item go to {listed(hosts)}{here}"


def listed(words: list[str]) -> str:
    """Join words as a sentence does."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def refuse_remote(hosts: list[str], local_only: bool) -> None:
    """Keep a run that was to stay here from going anywhere else."""
    from judgekit.providers.endpoint import is_local

    away = [host for host in hosts if not is_local(f"http://{host}")]
    if local_only and away:
        raise UsageError(
            f"--local-only: items would go to {listed(away)}; use a model on this machine (--base-url "
            "http://localhost:PORT/v1), or leave --local-only away"
        )


def read_price(text: str | None) -> tuple[float, float] | None:
    """Read dollars per million tokens in and out."""
    if text is None:
        return None
    try:
        given, taken = (float(part) for part in text.split(","))
        if not all(isfinite(part) and part >= 0 for part in (given, taken)):
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--price {text!r}: write two numbers, dollars per million tokens in and out: 0.4,1.6"
        ) from None
    return given, taken


def make_room(concurrency: int, clients: int = 1) -> None:
    """Allow as many open connections as calls under way; many systems start at 256."""
    import resource

    needed = concurrency * clients + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"--concurrency {concurrency}: this system allows {hard} open files and connections; choose at "
            f"most {max(1, (hard - 64) // clients)}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
