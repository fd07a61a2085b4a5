"""What goes to a model and what comes back: Request, Reply, and the Client that turns one into the other."""

from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    Attributes
    ----------
    messages : tuple of Message
        System text first; it is the same for every item of a rubric, so providers can cache it.
    schema : dict or None
        JSON Schema that the reply has to meet.
    schema_name : str
        A name for it, as some providers want one.
    sample : int
        Which of several answers to the same question this asks for, from 0; a cache must tell them apart.
    probabilities : bool
        Whether the probabilities of the reply's tokens are wanted, where the provider gives them.
    """

    messages: tuple[Message, ...]
    schema: dict[str, Any] | None = None
    schema_name: str = "verdict"
    sample: int = 0
    probabilities: bool = False

    def followed_by(self, *messages: Message) -> "Request":
        """Give the same question with more turns, as a repair needs."""
        return replace(self, messages=self.messages + messages)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one or more calls; ``None`` is unknown, never free.

    Attributes
    ----------
    input_tokens, output_tokens, cached_tokens : int or None
        Cached tokens are part of the input tokens, those spent on reasoning are part of the output tokens.
    cost_usd : float or None
        US dollars.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            _sum(self.cached_tokens, other.cached_tokens),
            _sum(self.cost_usd, other.cost_usd),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cost_usd": self.cost_usd,
        }


def _sum(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b


FREE = Usage(0, 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a reply, and what could have stood in its place.

    Attributes
    ----------
    text : str
    probability : float
        0..1, given all that stands before it.
    others : tuple of (str, float)
        The likeliest tokens at this place with their probabilities, this one among them or not.
    """

    text: str
    probability: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes
    ----------
    text : str
        The content, untouched.
    served_model : str
        The model that answered, as the provider names it; empty if it does not say.
    usage : Usage
        Of all attempts of this call that reported any.
    attempts : int
        Requests sent, 1 or more.
    tokens : tuple of Token
        The text in pieces, if their probabilities were asked for and given; joined they are the text.
    """

    text: str
    served_model: str = ""
    usage: Usage = field(default_factory=Usage)
    attempts: int = 1
    tokens: tuple[Token, ...] = ()


@runtime_checkable
class Client(Protocol):
    """Anything that answers one request: the only thing that talks to a provider.

    `complete` returns a whole answer or raises `CallFailed` with the status that the row will carry
    (``refused``, ``filtered``, ``truncated``, ``timeout``, ``rate_limited``, ``provider_error``), or
    `CallRefused` where every other call would fail alike. `name` is the model as the user asked for it,
    `settings` are the parameters that decide an answer (temperature and the like): both enter the
    fingerprint. `destination` is the host that data goes to, empty for none.
    """

    @property
    def name(self) -> str:
        """The model as asked for, such as ``openai/gpt-4.1-mini``."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters that decide an answer; plain JSON."""
        ...

    @property
    def destination(self) -> str:
        """The host that data goes to, for people to read."""
        ...

    async def complete(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
