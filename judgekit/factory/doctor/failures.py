"""Why a model did not answer, and what to do about it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from judgekit.factory.doctor.findings import address
from judgekit.factory.doctor.key import Key
from judgekit.factory.doctor.lines import BAD, Line
from judgekit.factory.models import OPENAI, Asked, direct
from judgekit.providers.endpoint import OPENAI as OPENAI_HOST
from judgekit.providers.endpoint import is_local, open_endpoint
from judgekit.providers.model_list import listed_models
from judgekit.rubric.nearest import nearest

if TYPE_CHECKING:
    from judgekit.factory.doctor.trial import Trial

SHOWN_NAMES = 12
NOT_COMPATIBLE = re.compile(
    r" sent (something that is not whole JSON|JSON that is no completion|a completion without|an answer that)"
)
USUAL_V1 = "an OpenAI-compatible base URL usually ends in /v1"
PORTS = "Ollama 11434, vLLM 8000, LM Studio 1234, llama.cpp 8080"
STATUSES = {
    "refused": "it refuses to grade a harmless example; choose another model",
    "filtered": "the provider's filter stopped a harmless example; loosen it, or choose another model",
    "truncated": "its thinking or its window leaves no room for a verdict; give the server a larger context "
    "window, or the judge more `max_tokens` in judgekit.yaml",
    "invalid_reply": "it writes nothing where an answer belongs; choose another model, or look at the "
    "server's settings for thinking and chat templates",
}


async def explained(trial: "Trial", key: Key) -> tuple[list[Line], Asked]:
    """Name what failed where no reply came at all, and how to ask instead where that can be told."""
    failure = trial.asking[0].failure
    said, status = str(failure), failure.status if failure else ""
    http = _http(said, trial.destination)
    if http in (404, 405) or NOT_COMPATIBLE.search(said) or "check the model's name" in said:
        return await _wrong_place(trial, key, said, http)
    lines = list(_lines(trial, key, said, status, http))
    return lines, trial.asked


def _http(said: str, host: str) -> int:
    found = re.match(rf"{re.escape(host)} answered (\d\d\d)\b", said)
    return int(found[1]) if found else 0


def _lines(trial: "Trial", key: Key, said: str, status: str, http: int) -> Iterator[Line]:
    todo = _unreached(trial, said, status)
    if todo:
        yield Line("address", said, todo, BAD)
        return
    yield address(trial)
    if http in (401, 403) or "(check the key" in said:
        yield Line("key", f"{key}: {said}", _key_todo(key), BAD)
        return
    yield _quiet_key(key)
    if "no quota left" in said:
        yield Line("quota", said, "pay in, raise the limit, or use another key", BAD)
    elif status == "rate_limited":
        yield Line("rate limit", said, "wait, then try again; in a run judgekit waits by itself", BAD)
    elif http >= 500:
        yield Line("server", said, "the fault is the server's; look at its log, or try again later", BAD)
    else:
        todo = STATUSES.get(status, "the server's own words say what to change")
        yield Line("verdict", f"{status}: {said}" if status in STATUSES else said, todo, BAD)


def _unreached(trial: "Trial", said: str, status: str) -> str:
    """Say what to do where no HTTP answer came; empty where one did."""
    host, url = trial.destination, trial.asked.base_url or OPENAI_HOST
    if status == "timeout":
        return "a model that is still being loaded may take minutes: try again, or give more time (--timeout)"
    if said.startswith(f"the certificate of {host}"):
        return "if it is your organisation's own, name its certificates' file in SSL_CERT_FILE"
    if "a redirect to" in said:
        return "give the address that it points to as --base-url"
    if said.startswith(f"{host} broke off"):
        return "the server ended the connection; look at its log, and whether the address is really http"
    if not said.startswith(f"cannot connect to {host}"):
        return ""
    if "SSL" in said:
        return "the server does not speak TLS there: write http:// if it is on a network of your own"
    if is_local(url):
        return f"is the server running, and is this its port? Usual ones: {PORTS}"
    return "check the address and your network; judgekit uses no proxy, even where HTTPS_PROXY is set"


def _key_todo(key: Key) -> str:
    if not key.sent:
        return "put the key into an environment variable, and name that variable with --api-key-env"
    name = key.variable or "its variable"
    return f"see that {name} holds a valid key of this provider, allowed to use this model"


async def _wrong_place(trial: "Trial", key: Key, said: str, http: int) -> tuple[list[Line], Asked]:
    """Find out whether model or address is wrong, by the server's own list of models."""
    asked, reached = trial.asked, [address(trial), _quiet_key(key)]
    if not direct(asked.model, asked.base_url):
        todo = "check the model's name in the provider's documentation"
        return [*reached, Line("model", said, todo, BAD)], asked
    endpoint = open_endpoint(asked.base_url, asked.api_key_env)
    if names := await listed_models(endpoint):
        line, instead = _no_model(asked, said, names)
        return [*reached, line], instead
    if not endpoint.base_url.endswith("/v1") and await listed_models(endpoint, "/v1/models"):
        better = f"{endpoint.base_url}/v1"
        line = Line("address", said, f"but it lists models at {better}: give that as --base-url", BAD)
        return [line], replace(asked, base_url=better)
    if http and asked.base_url is None:
        return [*reached, Line("model", said, "check the model's name", BAD)], asked
    what = "nothing of the kind at this address, or no such model" if http else "no OpenAI-compatible server"
    return [Line("address", said, f"{what}: {USUAL_V1}; check the model's name too", BAD)], asked


def _no_model(asked: Asked, said: str, names: list[str]) -> tuple[Line, Asked]:
    wanted = asked.model.removeprefix(OPENAI)
    if wanted in names:
        return Line("model", said, "the server lists it, but not as one that chats", BAD), asked
    meant = nearest(wanted, names)
    some = ([meant] if meant else []) + [name for name in names if name != meant]
    more = len(some) - SHOWN_NAMES
    listed = ", ".join(some[:SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")
    if meant is None:
        return Line("model", said, f"the server has {listed}", BAD), asked
    line = Line("model", said, f"did you mean {meant}? The server has {listed}", BAD)
    return line, replace(asked, model=asked.model.removesuffix(wanted) + meant)


def _quiet_key(key: Key) -> Line:
    return Line("key", str(key), "not complained of")
