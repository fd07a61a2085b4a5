"""Which host a provider's texts go to and which variables hold its key: known before any call is made.

litellm knows more providers than stand here, but takes seconds to load. For one that is not listed the host
is unknown until litellm chooses it, and litellm is asked for the names of its keys.
"""

import os
import re
from dataclasses import dataclass, field, replace

from judgekit.errors import UsageError
from judgekit.providers.endpoint import SECRET_CHARS, Endpoint, host_of, key_in

NO_KEY = "none"  # sent where no key is named, so that litellm does not look for one in the environment
SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)(_|$)")


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of models.

    Attributes
    ----------
    host : str
        Where texts go; ``{}`` stands for what the first set variable of `place` holds. Empty if the variable
        holds the whole address.
    keys : tuple of str
        Variables that may hold the key, the first one set is taken.
    place : tuple of str
        Variables that hold the region, or the address.
    own_credentials : bool
        Whether litellm finds other credentials by itself (profiles, roles, service accounts).
    """

    host: str
    keys: tuple[str, ...]
    place: tuple[str, ...] = ()
    own_credentials: bool = False


REGION = ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")
AMAZON = ("AWS_BEARER_TOKEN_BEDROCK",)
PROVIDERS = {
    "anthropic": Provider("api.anthropic.com", ("ANTHROPIC_API_KEY",)),
    "azure": Provider("", ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"), ("AZURE_API_BASE",)),
    "azure_ai": Provider("", ("AZURE_AI_API_KEY",), ("AZURE_AI_API_BASE",)),
    "bedrock": Provider("bedrock-runtime.{}.amazonaws.com", AMAZON, REGION, own_credentials=True),
    "cerebras": Provider("api.cerebras.ai", ("CEREBRAS_API_KEY",)),
    "cohere": Provider("api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY")),
    "cohere_chat": Provider("api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY")),
    "dashscope": Provider("dashscope-intl.aliyuncs.com", ("DASHSCOPE_API_KEY",)),
    "databricks": Provider("", ("DATABRICKS_API_KEY",), ("DATABRICKS_API_BASE",)),
    "deepinfra": Provider("api.deepinfra.com", ("DEEPINFRA_API_KEY",)),
    "deepseek": Provider("api.deepseek.com", ("DEEPSEEK_API_KEY",)),
    "fireworks_ai": Provider("api.fireworks.ai", ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY")),
    "gemini": Provider("generativelanguage.googleapis.com", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
    "groq": Provider("api.groq.com", ("GROQ_API_KEY",)),
    "mistral": Provider("api.mistral.ai", ("MISTRAL_API_KEY",)),
    "moonshot": Provider("api.moonshot.ai", ("MOONSHOT_API_KEY",)),
    "nvidia_nim": Provider("integrate.api.nvidia.com", ("NVIDIA_NIM_API_KEY",)),
    "openrouter": Provider("openrouter.ai", ("OPENROUTER_API_KEY",)),
    "perplexity": Provider("api.perplexity.ai", ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY")),
    "sambanova": Provider("api.sambanova.ai", ("SAMBANOVA_API_KEY",)),
    "together_ai": Provider("api.together.ai", ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY")),
    "vertex_ai": Provider(
        "{}-aiplatform.googleapis.com", (), ("VERTEXAI_LOCATION", "VERTEX_LOCATION"), own_credentials=True
    ),
    "xai": Provider("api.x.ai", ("XAI_API_KEY",)),
    "zai": Provider("api.z.ai", ("ZAI_API_KEY",)),
}
# Their credentials cannot be kept from another host by naming one variable.
NO_BASE_URL = {"vertex_ai", "sagemaker", "sagemaker_chat"}


@dataclass(frozen=True, slots=True)
class Account(Endpoint):
    """Where texts go and what opens it.

    Attributes
    ----------
    fixed : bool
        Whether `host` is a host, to which all requests must go, and not the mere name of a provider.
    secrets : tuple of str
        Further ones to be kept out of everything shown.
    foreign : tuple of str
        Secrets of the environment that must not be sent.
    region : str
    """

    fixed: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    foreign: tuple[str, ...] = field(default=(), repr=False)
    region: str = ""

    def shown(self, text: str, limit: int = 300) -> str:
        """Make a text of the server fit to be shown, as an `Endpoint` does, for each secret."""
        for secret in self.secrets:
            text = replace(self, key=secret, secrets=()).without_key(text)
        return Endpoint.shown(self, text, limit)

    def without_key(self, text: str) -> str:
        """Take all secrets out of an answer."""
        for secret in (self.key, *self.secrets):
            text = Endpoint.without_key(replace(self, key=secret, secrets=()), text)
        return text


def provider_of(model: str) -> str:
    """Name the provider of a model written as ``provider/NAME``.

    Raises
    ------
    UsageError
        If it is written otherwise.
    """
    provider, slash, name = model.partition("/")
    if not (slash and name and re.fullmatch(r"[a-z0-9_.-]+", provider)):
        raise UsageError(f"unknown model {model!r}: write provider/NAME, such as anthropic/claude-sonnet-4-5")
    return provider


def provider_host(model: str, base_url: str | None = None) -> str:
    """Name the host that data goes to; a provider's name where the host is chosen only later.

    Examples
    --------
    >>> provider_host("anthropic/claude-sonnet-4-5"), provider_host("x/y", "http://localhost:8000")
    ('api.anthropic.com', 'localhost:8000')
    """
    return _host(model, base_url)[0]


def _host(model: str, base_url: str | None) -> tuple[str, bool, str]:
    """Give the host, whether it is certain, and the region."""
    provider = provider_of(model)
    if base_url is not None:
        return host_of(base_url), True, _set(REGION) if provider == "bedrock" else ""
    known = PROVIDERS.get(provider)
    if known is None:
        return provider, False, ""
    if not known.place:
        return known.host, True, ""
    place = _region_in(model) or _set(known.place)
    if not known.host:
        if not place:
            raise UsageError(f"no address for {provider}: give a base URL or set {' or '.join(known.place)}")
        return host_of(place), True, ""
    if not place:
        return provider, False, ""
    return ("aiplatform.googleapis.com" if place == "global" else known.host.format(place)), True, place


def _region_in(model: str) -> str:
    found = re.match(r"bedrock/(?:[a-z_]+/)?([a-z]{2}(?:-[a-z]+)+-\d)/", model)
    return found[1] if found else ""


def _set(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def open_account(model: str, base_url: str | None = None, api_key_env: str | None = None) -> Account:
    """Check where a model's texts go, and find the key in the environment.

    A provider's own host gets that provider's usual key; another address only the key named, or none.

    Raises
    ------
    UsageError
        If the address cannot be used, or the key is missing. Neither is echoed.
    """
    provider = provider_of(model)
    if base_url is not None and provider in NO_BASE_URL:
        raise UsageError(f"{provider} takes no base URL: its credentials must not go elsewhere")
    host, fixed, region = _host(model, base_url)
    key = _key(provider, host, base_url, api_key_env)
    around = _secrets_around()
    return Account(
        base_url=(base_url or "").strip().rstrip("/"),
        host=host,
        key=key,
        fixed=fixed,
        secrets=tuple(secret for name, secret in around.items() if _belongs(name, provider)),
        # A provider's own credentials, such as a session token, may go to its own host.
        foreign=tuple(s for n, s in around.items() if s != key and (base_url or not _belongs(n, provider))),
        region=region,
    )


def _key(provider: str, host: str, base_url: str | None, api_key_env: str | None) -> str:
    if api_key_env:
        return key_in(api_key_env, host)
    known = PROVIDERS.get(provider)
    names = _names_from_litellm(provider) if known is None else known.keys
    if base_url is not None:
        return ""
    name = next((name for name in names if os.environ.get(name, "").strip()), "")
    if name:
        return key_in(name, host)
    if not names or (known is not None and known.own_credentials):
        return ""
    raise UsageError(f"no key for {host}: set {' or '.join(names)} in the environment to your key")


def _names_from_litellm(provider: str) -> tuple[str, ...]:
    from judgekit.providers.wire import key_names

    return key_names(provider)


def _secrets_around() -> dict[str, str]:
    return {
        name: value
        for name, value in ((n, v.strip()) for n, v in os.environ.items() if SECRET_NAMES.search(n.upper()))
        if len(value) >= SECRET_CHARS and value[0] != "/"  # a path to a key is none
    }


def _belongs(name: str, provider: str) -> bool:
    known = PROVIDERS.get(provider)
    prefixes = {"bedrock": "AWS_", "sagemaker": "AWS_", "vertex_ai": "GOOGLE_"}
    prefix = prefixes.get(provider, re.sub(r"\W", "_", provider.upper()) + "_")
    return name.startswith(prefix) or (known is not None and name in known.keys)
