"""Error answers in providers' own words, and litellm's where it turns a request down itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from judgekit.providers.dialect import REFUSALS
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.faults import Complaint, fault_of
from judgekit.providers.retry import Fault, Then, wait_asked

MARK_WORDS = re.compile(r"cache.?control|cache.?point|prompt caching")
# What providers call the parts of a request that litellm puts into their language.
NATIVE_WORDS = {
    "response_format": re.compile(
        r"output_?(format|config)|response.?(json.?)?schema|response.?mime.?type|json mode|tool_choice"
        r"|input_schema"
    ),
    "tools": re.compile(r"toolconfig|function.?(calling|declaration)"),
    "max_tokens": re.compile(r"max.?(output|new).?tokens|maxtokens"),
    "logprobs": re.compile(r"logprob"),
}
# Google says so in the body, not in a header.
RETRY_DELAY = re.compile(r'"retryDelay":\s*"([0-9.]+)s"')
USED_UP = re.compile(r'"quotaId":\s*"\w*PerDay')


@dataclass(frozen=True, slots=True)
class Told(Complaint):
    """What litellm says, without an answer of the provider that we saw."""

    def __str__(self) -> str:
        return f"{self.host}, through litellm: {self.message}"


def told(error: Exception, endpoint: Endpoint) -> tuple[Complaint, float | None]:
    """Read an exception of litellm's: the complaint, and the seconds to wait."""
    http, answer = getattr(error, "status_code", None), getattr(error, "response", None)
    headers = getattr(error, "litellm_response_headers", None) or getattr(answer, "headers", None)
    text = str(error).partition("Traceback (most recent call last)")[0]
    complaint = Told(endpoint.host, http if isinstance(http, int) else 500, endpoint.shown(text))
    return complaint, wait_told(headers, "") if headers is not None else None


def wait_told(headers: Mapping[str, str], body: str) -> float | None:
    """Read how long a provider asks to wait, in a header or in the body."""
    wait = wait_asked(headers)
    return float(delay[1]) if wait is None and (delay := RETRY_DELAY.search(body)) else wait


def about_mark(complaint: Complaint) -> bool:
    """Tell whether the mark that ends what may be kept was refused."""
    return complaint.http in REFUSALS and bool(MARK_WORDS.search(complaint.text))


def translated(complaint: Complaint, sent: frozenset[str]) -> Complaint:
    """Add OpenAI's names for the parts that a provider complains of under its own."""
    words = [name for name, native in NATIVE_WORDS.items() if name in sent and native.search(complaint.text)]
    return replace(complaint, param=" ".join([complaint.param, *words]))


def native_fault(complaint: Complaint, wait: float | None, body: str, *, model: str) -> Fault:
    """Judge an error answer; `body` may say that the quota of a whole day is used up."""
    if complaint.http == 429 and USED_UP.search(body):
        return Fault("provider_error", f"{complaint} (the quota of the day is used up)", Then.STOP)
    return fault_of(complaint, wait, model=model)
