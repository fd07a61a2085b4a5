"""Which key goes to a model's server: the name of its variable, never the key."""

import os
from dataclasses import dataclass

from judgekit.factory.models import LITELLM, Asked, direct, has_key
from judgekit.providers.endpoint import OPENAI_KEY
from judgekit.providers.hosts import PROVIDERS, provider_of


@dataclass(frozen=True, slots=True)
class Key:
    """Whether a key is sent, and the variable that holds it; empty where litellm alone knows."""

    sent: bool
    variable: str = ""

    def __str__(self) -> str:
        if not self.sent:
            return "none sent"
        return self.variable or "the provider's usual one"


def key_of(asked: Asked) -> Key:
    """Find out which key a model gets.

    Raises
    ------
    UsageError
        If it needs one that is not there.
    """
    if not has_key(asked):
        return Key(False)
    if asked.api_key_env or direct(asked.model, asked.base_url):
        return Key(True, asked.api_key_env or OPENAI_KEY)
    known = PROVIDERS.get(provider_of(asked.model.removeprefix(LITELLM)))
    return Key(True, next(iter(set_variables(known.keys if known else ())), ""))


def set_variables(names: tuple[str, ...]) -> list[str]:
    """Give those of some variables that hold something."""
    return [name for name in names if os.environ.get(name, "").strip()]
